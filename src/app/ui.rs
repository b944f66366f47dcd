//! What one frame paints: chrome around panels.

use std::sync::Arc;

use egui::{CentralPanel, Panel, Ui};

use super::App;
use super::actions::keys;
use super::areas::Area;
use super::chrome::chips::ChipsInput;
use super::chrome::columns::{SPLIT, columns};
use super::chrome::context_entries::Here;
use super::chrome::hovering::hovering_ui;
use super::chrome::import::import_ui;
use super::chrome::inspector::Input;
use super::chrome::intervene::Intervene;
use super::chrome::log::log_ui;
use super::chrome::menu;
use super::chrome::models::choices_ui;
use super::chrome::panels::Panels;
use super::chrome::paste::paste_ui;
use super::chrome::performance::performance_ui;
use super::chrome::preferences::preferences_ui;
use super::chrome::spine::SpineInput;
use super::chrome::status::{device_name, failed_ui, loading_ui, status_ui};
use super::chrome::tour;
use super::command::Command;
use super::edges::tile_edges_ui;
use super::layout::Layout;
use super::state::{Focus, Side, State};
use super::tour::TourCommand;
use crate::engine::LoadState;
use crate::model::Model;
use crate::views::beside::{Models, alike};
use crate::views::{self, TextView};
use crate::widgets::scrolled_ui;
use crate::widgets::theme::SPACE;

/// Whether a panel shows two texts or two models side by side.
fn splits(state: &State, panel: &str) -> bool {
    views::find(panel).is_some_and(|panel| columns(panel, state).len() > 1)
}

/// No panel beside another is narrower, in points.
pub(super) const NARROWEST: f32 = 320.;

impl App {
    pub(super) fn window_ui(&mut self, ui: &mut Ui) {
        let _span = tracing::trace_span!("frame ui").entered();
        let ctx = ui.ctx().clone();
        self.areas.begin(&ctx);
        self.keys(&ctx);
        // Last frame's hover is what this frame shows; this frame's is collected afresh.
        let before = std::mem::take(&mut self.hovered);
        let pointed = if before.is_empty() {
            self.state.locked
        } else {
            before
        };
        let focus = self.own(pointed);

        Panel::top("menu").show(ui, |ui| self.top_ui(ui));
        let status = Panel::bottom("status").show(ui, |ui| {
            self.areas.enter(ui, Area::Status);
            let viewed = self.text_on(self.state.side);
            let latency = viewed
                .and_then(|text| text.trace.as_ref())
                .map(|trace| trace.elapsed);
            status_ui(
                ui,
                &self.engine,
                &self.shown,
                (latency, self.report.as_ref()),
                self.notices.unread,
                &mut self.commands,
            );
        });
        self.areas.note(Area::Status, Some(status.response.rect));
        self.fit_sides(&ctx);
        self.texts_ui(ui, focus);
        self.inspector_ui(ui, pointed);
        CentralPanel::no_frame().show(ui, |ui| {
            self.areas.note(Area::Panel, Some(ui.max_rect()));
            // What nobody paints keeps the colour that the window was cleared with.
            let (rect, fill) = (ui.max_rect(), ui.visuals().panel_fill);
            ui.painter().rect_filled(rect, 0., fill);
            self.below_panels_ui(ui);
            self.middle_ui(ui, pointed);
        });
        if self.performance {
            performance_ui(
                &ctx,
                &self.engine,
                self.state.preferences.budget,
                &mut self.commands,
            );
        }
        let (known, commands) = (&mut self.cached, &mut self.commands);
        self.manager
            .manager_ui(&ctx, &self.state, &self.engine, known, commands);
        self.receive_paste(&ctx);
        self.windows_ui(&ctx);
        if let Some(command) = self.dialogs.dialog_ui(&ctx, &self.engine) {
            self.commands.push(command);
        }
        let places = self
            .engine
            .model()
            .is_some_and(|model| model.spec().tells_places());
        let mut input = tour::CardInput {
            state: &self.state,
            tells_places: places,
            commands: &mut self.commands,
        };
        tour::card_ui(&ctx, &self.tour, &mut self.areas, &mut input);
        self.shortcuts.shortcuts_ui(&ctx);
        if self.palette.is_open() {
            self.palette.offer(self.cached.offers(), &self.state.model);
            let took = self.palette.took_keyboard();
            let chosen = self.palette.palette_ui(&ctx);
            if took {
                self.areas.follow_panel(&chosen);
            }
            self.commands.extend(chosen);
        }
        let model = self.engine.model();
        let here = Here {
            state: &self.state,
            model: model.as_deref(),
            texts: &self.shown,
        };
        let chosen = self
            .context
            .context_ui(&ctx, &self.areas, self.hovered, &here);
        self.commands.extend(chosen);
        hovering_ui(&ctx, &self.hovering);
        self.areas.end(&ctx);
        self.areas.outline_ui(ui);
        if !self.commands.is_empty() || self.hovered != before {
            ctx.request_repaint();
        }
    }

    /// A focus in places of the first model's passes.
    fn own(&self, focus: Focus) -> Focus {
        let models = (self.engine.model(), self.engine.reference());
        let alike = match models {
            (Some(first), Some(second)) => alike(&first, &second),
            _ => false,
        };
        let texts = &self.shown;
        Models { texts, alike }.seen_by(focus, false)
    }

    /// The inspector, which explains a place with the model that it is a place of.
    pub(super) fn inspect_ui(&mut self, ui: &mut Ui, pointed: Focus) {
        let second = self.engine.reference().filter(|_| pointed.reference);
        let model = match &second {
            Some(second) => Some(second.clone()),
            None => self.engine.model(),
        };
        let Some(model) = model else { return };
        let focus = match &second {
            Some(_) => Focus {
                reference: false,
                ..pointed
            },
            None => self.own(pointed),
        };
        let mut input = Input {
            state: &self.state,
            engine: &self.engine,
            model: &model,
            shown: if second.is_some() {
                &self.second
            } else {
                &self.shown
            },
            is_reference: second.is_some(),
            focus,
            commands: &mut self.commands,
        };
        self.inspector.inspector_ui(ui, &mut input);
    }

    /// What the lines are that were pasted last.
    pub(super) fn pasted_ui(&mut self, ui: &mut Ui) {
        let answer = self.pasted.as_ref().and_then(|pasted| paste_ui(ui, pasted));
        if let Some(meant) = answer
            && let Some(pasted) = self.pasted.take()
        {
            self.commands.extend(pasted.commands(meant));
        }
    }

    /// The small windows that a person has opened.
    fn windows_ui(&mut self, ctx: &egui::Context) {
        if self.windows.log {
            log_ui(ctx, &mut self.notices, &mut self.commands);
        }
        if self.windows.preferences {
            let device = device_name(&self.engine);
            preferences_ui(ctx, &self.state.preferences, device, &mut self.commands);
        }
        if let Some(import) = &mut self.import
            && import_ui(ctx, import, &mut self.commands)
        {
            self.import = None;
        }
    }

    /// What the keys pressed in this frame ask for, where no window waits for them itself.
    fn keys(&mut self, ctx: &egui::Context) {
        let waiting = self.dialogs.is_open() || self.import.is_some();
        if waiting || self.palette.is_open() || self.shortcuts.is_open() {
            return;
        }
        self.escape_floating(ctx);
        if tour::escaped(ctx, &self.tour, &self.areas, &self.state) {
            self.commands.push(Command::Tour(TourCommand::End));
            self.areas.note_release();
        }
        let (model, mut holder) = (self.engine.model(), self.areas.holder(ctx));
        // Where a slow frame brings a click and keys together, they are for what was clicked.
        let click = |event: &egui::Event| matches!(event, egui::Event::PointerButton { .. });
        if ctx.input(|input| input.events.iter().any(click)) {
            holder = keys::Holder::Other;
        }
        let pressed = keys::pressed(ctx, &self.action_state(model.as_ref()), holder);
        if pressed.contains(&Command::Release) {
            self.areas.note_release();
        }
        self.commands.extend(pressed);
    }

    /// One panel over the whole of `ui`.
    pub(super) fn single_ui(&mut self, ui: &mut Ui, panel: &str) {
        let Some(model) = self.engine.model() else {
            return;
        };
        let before = std::mem::take(&mut self.hovered);
        let focus = if before.is_empty() {
            self.state.locked
        } else {
            before
        };
        let (mut panels, _) = self.panels(&model, focus);
        CentralPanel::default().show(ui, |ui| panels.panel_ui(ui, panel));
    }

    /// The same without its controls, for a picture that is exported.
    pub(super) fn picture_ui(&mut self, ui: &mut Ui, panel: &str) {
        let Some(model) = self.engine.model() else {
            return;
        };
        let focus = self.state.locked;
        let (mut panels, _) = self.panels(&model, focus);
        panels.picture_ui(ui, panel);
        // Nothing was pointed at.
        self.hovered = Focus::default();
    }

    /// What paints the panels, and the layout that they are painted in.
    pub(super) fn panels<'a>(
        &'a mut self,
        model: &'a Arc<Model>,
        focus: Focus,
    ) -> (Panels<'a>, &'a mut Layout) {
        let panels = Panels {
            state: &self.state,
            engine: &self.engine,
            model,
            texts: &self.shown,
            second: &self.second,
            focus,
            hovered: &mut self.hovered,
            commands: &mut self.commands,
            views: &mut self.views,
            partners: &mut self.partners,
            painted: &mut self.painted,
            areas: &mut self.areas,
            last: self.walk.panel(),
            asked: None,
            dropped: false,
        };
        (panels, &mut self.layout)
    }

    fn text_on(&self, side: Side) -> Option<&TextView> {
        let id = self.state.id_of(side)?;
        self.shown.iter().find(|text| text.id == id)
    }

    /// Menus, the spine, and what is in use.
    fn top_ui(&mut self, ui: &mut Ui) {
        let model = self.engine.model();
        let bar = egui::MenuBar::new().ui(ui, |ui| {
            self.areas.enter(ui, Area::Menu);
            let mut commands = Vec::new();
            menu::menu_ui(ui, &self.action_state(model.as_ref()), &mut commands);
            self.areas.follow_panel(&commands);
            self.commands.extend(commands);
            if let Some(model) = &model {
                let mut menu = Intervene {
                    state: &self.state,
                    model,
                    texts: &self.shown,
                    commands: &mut self.commands,
                };
                menu.button_ui(ui, "Intervene");
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                choices_ui(
                    ui,
                    &self.state,
                    &self.engine,
                    model.as_ref(),
                    &mut self.cached,
                    &mut self.commands,
                );
            });
        });
        self.areas.note(Area::Menu, Some(bar.response.rect));
        let Some(model) = model else { return };
        let of = |side| {
            let id = self.state.id_of(side)?;
            self.shown.iter().find(|text| text.id == id)
        };
        let focused = self.areas.holding(ui.ctx()) == Some(Area::Spine);
        let mut input = SpineInput {
            state: &self.state,
            engine: &self.engine,
            model: &model,
            a: of(Side::A),
            b: of(Side::B),
            walk: &self.walk,
            focused,
            commands: &mut self.commands,
        };
        let spine = ui.scope(|ui| {
            self.areas.enter(ui, Area::Spine);
            scrolled_ui(ui, egui::ScrollArea::horizontal(), |ui| {
                ui.horizontal(|ui| self.spine.spine_ui(ui, &mut input));
            });
            if input.walk.is_open() {
                self.telling.strip_ui(ui, &mut input);
            }
        });
        self.areas.note(Area::Spine, Some(spine.response.rect));
        ui.add_space(SPACE / 2.);
        let sides = [self.state.a, self.state.b];
        let mut input = ChipsInput {
            state: &self.state,
            engine: &self.engine,
            model: &model,
            texts: &self.shown,
            untouched: sides.map(|id| self.texts.untouched(id?).cloned()),
            commands: &mut self.commands,
        };
        self.chips.chips_ui(ui, &mut input);
    }

    fn middle_ui(&mut self, ui: &mut Ui, focus: Focus) {
        let model = self.engine.model();
        let state = self.engine.load_state();
        if let LoadState::Failed { reference, error } = &state {
            egui::Frame::new().inner_margin(SPACE).show(ui, |ui| {
                let in_use = model.as_ref().map(|model| model.id.as_str());
                failed_ui(ui, reference, error, in_use, &mut self.commands);
            });
        }
        let Some(model) = model else {
            self.waiting_ui(ui, &state);
            return;
        };
        let still = !self.state.preferences.animations;
        let last = self.walk.panel();
        let (mut panels, layout) = self.panels(&model, focus);
        if still {
            layout.keep_still(ui.ctx());
        }
        // Where columns would be too narrow to read, the one that was used last stands alone.
        let width = ui.available_width();
        // So it does where a panel in front has two columns itself, which would come to stand above each other.
        let crowded = |panel: &&str| {
            let part = layout.share(panel);
            splits(panels.state, panel) && part.is_some_and(|part| part * width < SPLIT)
        };
        let room = match layout.front().iter().any(crowded) {
            true => 1,
            false => (width / NARROWEST) as usize,
        };
        let dragged = layout.dragged(ui.ctx());
        let aside = layout.put_aside(room.max(1), last);
        panels.asked = layout.asked.take();
        layout.tree.ui(&mut panels, ui);
        tile_edges_ui(ui, &mut layout.tree);
        layout.bring_back(&aside);
        // Where it was dropped may be one column more than there is room for: that of the dropped is shown.
        if let Some(panel) = dragged.filter(|_| panels.dropped) {
            self.layout.split_group(panel);
            self.walk.put(panel, &self.layout);
        }
    }

    /// The middle while there is no model at all.
    fn waiting_ui(&mut self, ui: &mut Ui, state: &LoadState) {
        ui.centered_and_justified(|ui| {
            ui.vertical_centered(|ui| {
                ui.add_space(ui.available_height() / 3.);
                match state {
                    LoadState::Running {
                        reference,
                        progress,
                    } => {
                        loading_ui(ui, reference, progress.as_ref(), &mut self.commands);
                    }
                    LoadState::Failed { .. } => {}
                    LoadState::Idle => {
                        ui.label("No model is open.");
                        if ui.button("Open a model…").clicked() {
                            self.commands.push(Command::AskModelFolder);
                        }
                    }
                }
            });
        });
    }
}
