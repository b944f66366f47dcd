//! Walk, tour, palette and keyboard: what their commands do.

use egui::{Context, Event};

use super::App;
use super::actions::ActionState;
use super::areas::Area;
use super::command::Command;
use super::history::Step;
use super::tour::{self, Own, Place, Seen, TourCommand};
use super::walk::{Stage, WalkCommand};

impl App {
    /// What actions are decided on.
    pub(super) fn action_state<'a>(
        &'a self,
        model: Option<&'a std::sync::Arc<crate::model::Model>>,
    ) -> ActionState<'a> {
        ActionState {
            state: &self.state,
            layout: &self.layout,
            history: &self.history,
            model,
            walk: &self.walk,
            performance: self.performance,
            sides: self.sides,
        }
    }

    pub(super) fn walk(&mut self, ctx: &Context, command: WalkCommand) {
        let Some(model) = self.engine.model() else {
            return;
        };
        let (stages, now) = (Stage::all(&model), ctx.input(|i| i.time));
        let stage = self.walk.carry_out(command, self.state.layer, &stages, now);
        self.go_to(stage);
    }

    fn go_to(&mut self, stage: Option<Stage>) {
        let Some(stage) = stage else { return };
        if let Some(layer) = stage.layer() {
            self.state.layer = layer;
        }
        self.layout.show(stage.panel());
        self.walk.note(stage.panel());
    }

    /// The walk that plays goes on where that is due, and stops where a person does something else.
    pub(super) fn walk_on(&mut self, ctx: &Context) {
        self.walk.follow(&self.layout);
        self.layout.walking = self.walk.is_open();
        if self.layout.at.as_deref() != self.walk.panel() {
            self.layout.at = self.walk.panel().map(str::to_owned);
        }
        let Some(model) = self.engine.model() else {
            return;
        };
        if !self.walk.is_playing() {
            return;
        }
        let spine = self.areas.rect(Area::Spine);
        // Keys that do something else send a command, and that stops it.
        let elsewhere = |event: &Event| {
            matches!(event, Event::PointerButton { pos, pressed: true, .. }
                if spine.is_none_or(|spine| !spine.contains(*pos)))
        };
        if ctx.input(|input| input.events.iter().any(elsewhere)) {
            self.walk.pause();
        }
        let (stages, now) = (Stage::all(&model), ctx.input(|i| i.time));
        let stage = self.walk.play(self.state.layer, &stages, now);
        self.go_to(stage);
        if let Some(wait) = self.walk.wait(now) {
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(wait));
        }
    }

    /// A walk does not go on behind the back of somebody who does something else.
    pub(super) fn pause_for(&mut self, command: &Command) {
        let looks = matches!(
            command,
            Command::ShowPanel(_)
                | Command::ShowWorkspace(_)
                | Command::ShowEveryPanel
                | Command::SelectLayer(_)
                | Command::SelectHead(_)
                | Command::ScoreMethod(_)
                | Command::Lock(_)
                | Command::NextTab(_)
                | Command::ShowPalette
                | Command::ShowShortcuts(true)
                | Command::Tour(_)
                | Command::Undo
                | Command::Redo
        );
        if looks || command.step() != Step::None {
            self.walk.pause();
        }
    }

    pub(super) fn tour(&mut self, command: TourCommand) {
        match command {
            TourCommand::Start => {
                self.tour.start(Own::of(&self.state, &self.layout));
                tour::begin(&mut self.state);
            }
            TourCommand::Decline => self.state.preferences.tour_seen = true,
            TourCommand::Next => self.tour.go(true),
            TourCommand::Back => self.tour.go(false),
            TourCommand::End => self.tour.end(),
            TourCommand::Keep => {
                self.tour.take_own();
            }
            TourCommand::Restore => {
                if let Some(own) = self.tour.take_own() {
                    self.state = tour::restored(own.state, &self.state);
                    self.layout = own.layout;
                }
            }
        }
        // What the tour changed inside the encoder goes with its last card, whatever becomes of the rest.
        let over = matches!(command, TourCommand::Next | TourCommand::End);
        if let Some(before) = self.tour.changes_before().filter(|_| over) {
            self.state.interventions.clone_from(before);
        }
        if let Some(Place::Panel(panel)) = self.tour.take_fresh() {
            self.layout.show(panel);
            self.walk.note(panel);
        }
    }

    /// Whether the card's task was done meanwhile.
    pub(super) fn watch_tour(&mut self) {
        if self.tour.card().is_none() {
            return;
        }
        let stage = self.stage();
        self.tour.look(&Seen {
            state: &self.state,
            stage,
        });
    }

    pub(super) fn open_palette(&mut self, ctx: &Context) {
        let model = self.engine.model();
        let mut palette = std::mem::take(&mut self.palette);
        palette.open(ctx, &self.action_state(model.as_ref()));
        self.palette = palette;
        self.cached.refresh(&self.engine);
    }

    pub(super) fn next_tab(&mut self, forward: bool) {
        let front = self.layout.front();
        let last = self.walk.panel().filter(|panel| front.contains(panel));
        let next = last
            .or(front.first().copied())
            .and_then(|panel| self.layout.next_tab(panel, forward));
        if let Some(panel) = next {
            self.walk.note(panel);
        }
    }
}
