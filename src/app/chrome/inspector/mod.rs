//! Whatever is hovered or locked, with its sites, indices and values, and the arithmetic that made
//! them.

mod about;
mod account;
mod near;
mod questions;

use std::sync::Arc;

use egui::{Layout, RichText, Ui};

use crate::analysis::arithmetic::{
    self, Ask, CosineAccount, Line, Unexplained, cosine_account, sentence_account,
};
use crate::analysis::pooling;
use crate::app::command::Command;
use crate::app::state::{Focus, Side, State, TextId};
use crate::engine::Engine;
use crate::model::Model;
use crate::trace::{LayerSite, PoolingMode, Site, Trace};
use crate::views::TextView;
use crate::widgets::scrolled_ui;
use crate::widgets::theme::{SPACE, Theme};
use account::Section;
pub(super) use questions::{Chosen, questions};

/// Remembers what it took apart last, and where a person came from.
#[derive(Default)]
pub struct Inspector {
    made: Option<(Key, Made)>,
    near: near::NearRows,
    /// What was held before each number that was asked for from here.
    trail: Vec<(Focus, Chosen)>,
    /// The lock that the trail leads to.
    end: Focus,
}

/// What the sections are made of.
#[derive(Clone, PartialEq)]
struct Key {
    pass: u64,
    inside: bool,
    focus: Focus,
    chosen: Chosen,
    pooling: Option<PoolingMode>,
    truncate: Option<usize>,
    sides: [Option<u64>; 2],
    pair: Option<u64>,
}

struct Made {
    sections: Vec<Section>,
    cosine: Option<Result<CosineAccount, Unexplained>>,
}

/// What the inspector sees and says in one frame.
pub struct Input<'a> {
    pub state: &'a State,
    pub engine: &'a Engine,
    pub model: &'a Arc<Model>,
    pub shown: &'a [TextView],
    /// True where `model` is the reference model, and `shown` the texts as it sees them.
    pub is_reference: bool,
    /// In places of this model's passes.
    pub focus: Focus,
    pub commands: &'a mut Vec<Command>,
}

impl Input<'_> {
    fn trace(&self, id: Option<TextId>) -> Option<&Arc<Trace>> {
        let text = self.shown.iter().find(|text| Some(text.id) == id)?;
        text.trace.as_ref()
    }

    /// A focus of this model as the whole window understands it.
    fn told(&self, focus: Focus) -> Focus {
        Focus {
            reference: self.is_reference,
            ..focus
        }
    }

    fn chosen(&self) -> Chosen {
        let spec = self.model.spec();
        Chosen {
            layer: self.state.layer.min(spec.layers().saturating_sub(1)),
            head: self.state.head.min(spec.heads - 1),
        }
    }
}

impl Inspector {
    /// Paints the inspector.
    pub fn inspector_ui(&mut self, ui: &mut Ui, input: &mut Input<'_>) {
        if input.state.locked != self.end {
            self.trail.clear();
        }
        self.title_ui(ui, input);
        let text = input
            .shown
            .iter()
            .find(|text| Some(text.id) == input.focus.text);
        let Some((text, trace)) = text.and_then(|text| Some((text, text.trace.clone()?))) else {
            ui.weak("Point at a token or a cell anywhere to see where its number comes from. A click holds it, and so do the arrow keys in a map, a table or a row of tokens; Escape lets go.");
            return;
        };
        let (id, current) = (text.id, text.current);
        // What is wider than the part is scrolled to: it must not widen it, and move the panels beside it.
        // The scroll bar floats over the right edge, where the figures stand.
        let width = ui.available_width() - SPACE;
        let area = egui::ScrollArea::both().auto_shrink([false, false]);
        scrolled_ui(ui, area, |ui| {
            ui.set_max_width(width);
            if !current {
                ui.multiply_opacity(Theme::of(ui).stale_alpha());
            }
            if input.is_reference {
                let name = input.model.source.title();
                ui.label(RichText::new(format!("Through {name}, the second model")).strong());
            }
            about::text_ui(ui, text, &trace);
            if let Some(ask) = self.focus_ui(ui, input, &trace) {
                self.ask(input, &ask, id);
            }
        });
    }

    /// The title, with the way back and out.
    fn title_ui(&mut self, ui: &mut Ui, input: &mut Input<'_>) {
        ui.horizontal(|ui| {
            ui.heading("Inspector");
            let held = !input.state.locked.is_empty();
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                if held && ui.small_button("Let go").on_hover_text("Escape").clicked() {
                    input.commands.push(Command::Release);
                }
                let back = !self.trail.is_empty() && ui.small_button("Back").clicked();
                if let Some((focus, chosen)) = back.then(|| self.trail.pop()).flatten() {
                    self.end = focus;
                    input.commands.extend([
                        Command::SelectLayer(chosen.layer),
                        Command::SelectHead(chosen.head),
                        Command::Lock(focus),
                    ]);
                }
            });
        });
    }

    /// Everything about the focus; returns the number that a click asks for.
    fn focus_ui(&mut self, ui: &mut Ui, input: &Input<'_>, trace: &Arc<Trace>) -> Option<Ask> {
        let (focus, chosen) = (input.focus, input.chosen());
        let token = focus.token.filter(|&t| t < trace.tokens.len());
        if let Some(token) = token {
            about::token_ui(ui, trace, token);
            if let Some((partner, t)) = focus.across {
                about::partner_ui(ui, input.shown, partner, t);
            }
        }
        let made = self.made(input, trace);
        let mut asked = None;
        if let Some(cosine) = &made.cosine {
            asked = cosine_ui(ui, &title_of(input), cosine);
        }
        if !made.sections.is_empty() {
            about::section_ui(ui, "Where the numbers come from");
            // The number that is meant is open; where none is, all are.
            let all = focus.site.is_none();
            for (place, section) in made.sections.iter().enumerate() {
                let clicked = account::section_ui(ui, section, all || place == 0);
                asked = asked.or(clicked);
            }
        }
        match (token, focus.dimension) {
            (Some(token), dimension) => {
                let locked = input.state.locked;
                let here = locked.text == focus.text && locked.reference == input.is_reference;
                match here && locked.token == Some(token) {
                    true => {
                        let from = (input.engine, input.model);
                        self.near.near_ui(ui, from, trace, chosen.layer, token);
                    }
                    false => self.near.stop(),
                }
                about::stream_ui(ui, trace, token, dimension);
            }
            (None, Some(dimension)) => about::dimension_ui(ui, trace, dimension),
            _ => {}
        }
        asked
    }

    /// The sections of the focus, made anew when it changes.
    fn made(&mut self, input: &Input<'_>, trace: &Trace) -> &Made {
        let (state, chosen) = (input.state, input.chosen());
        let sides = [Side::A, Side::B].map(|side| input.trace(state.id_of(side)));
        let key = Key {
            pass: trace.pass,
            inside: trace.has_inside(chosen.layer),
            focus: input.focus,
            chosen,
            pooling: state.pooling,
            truncate: state.truncate_dim,
            sides: sides.map(|trace| trace.map(|trace| trace.pass)),
            pair: input.trace(input.focus.pair).map(|trace| trace.pass),
        };
        let kept = self.made.take().filter(|(old, _)| *old == key);
        &self
            .made
            .insert(kept.unwrap_or_else(|| (key, make(input, trace))))
            .1
    }

    /// Goes on to a number that an account refers to.
    fn ask(&mut self, input: &mut Input<'_>, ask: &Ask, text: TextId) {
        let (focus, layer, head) = questions::focus_on(ask, text, input.model.spec());
        let (focus, from) = (input.told(focus), (input.told(input.focus), input.chosen()));
        input.commands.extend(layer.map(Command::SelectLayer));
        input.commands.extend(head.map(Command::SelectHead));
        input.commands.push(Command::Lock(focus));
        self.trail.push(from);
        self.end = focus;
    }
}

fn make(input: &Input<'_>, trace: &Trace) -> Made {
    let (state, model, focus) = (input.state, input.model, input.focus);
    let options = model.options_with(state.pooling, state.truncate_dim);
    let chosen = input.chosen();
    let asks = questions(model.spec(), trace, focus, chosen);
    let section = |ask: Ask| Section {
        account: match ask.site {
            Site::Sentence => sentence_account(model, trace, options, &ask.index),
            site => arithmetic::account(model, trace, site, &ask.index),
        },
        more: more(model, trace, focus, &ask),
        ask,
    };
    let sides = [Side::A, Side::B].map(|side| input.trace(state.id_of(side)));
    let cosine = match (focus.token, focus.dimension, sides) {
        _ if focus.pair.is_some() => input.trace(focus.pair).map(|other| {
            let pooling = pooling_of(focus).and_then(|mode| pooling::choice(&model.head, mode));
            let options = model.options_with(pooling, state.truncate_dim);
            cosine_account(model, (trace, other), options, None).map(CosineAccount::alone)
        }),
        (None, Some(_), [Some(a), Some(b)]) => {
            Some(cosine_account(model, (a, b), options, focus.dimension))
        }
        _ => None,
    };
    Made {
        sections: asks.into_iter().map(section).collect(),
        cosine,
    }
}

/// What a neuron writes, behind what made it.
fn more(model: &Model, trace: &Trace, focus: Focus, ask: &Ask) -> Option<(String, Vec<Line>)> {
    let (Site::Layer(layer, LayerSite::FfnAct), [t, n]) = (ask.site, &ask.index[..]) else {
        return None;
    };
    let lines = arithmetic::writes(model, trace, (layer, *t, *n), focus.dimension).ok()?;
    Some(("What the neuron writes".to_owned(), lines))
}

fn pooling_of(focus: Focus) -> Option<PoolingMode> {
    match focus.site {
        Some(Site::Pooled(mode)) => Some(mode),
        _ => None,
    }
}

/// Of which texts the cosine is, by their places in the list where they are not A and B.
fn title_of(input: &Input<'_>) -> String {
    let place = |id: Option<TextId>| id.and_then(|id| input.state.index(id));
    let focus = input.focus;
    let (Some(a), Some(b)) = (place(focus.text), place(focus.pair)) else {
        return "Cosine of A and B".to_owned();
    };
    let pooling = pooling_of(focus).map_or("the model's own", PoolingMode::title);
    format!(
        "Cosine of text {} (a) and text {} (b), {pooling} pooling",
        a + 1,
        b + 1
    )
}

fn cosine_ui(ui: &mut Ui, title: &str, cosine: &Result<CosineAccount, Unexplained>) -> Option<Ask> {
    about::section_ui(ui, title);
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 0.;
        ui.spacing_mut().item_spacing.y = 2.;
        match cosine {
            Ok(cosine) => {
                let asked = account::lines_ui(ui, &cosine.lines);
                let residual = cosine.residual();
                account::recorded_ui(ui, cosine.recorded, residual, cosine.holds());
                asked
            }
            Err(why) => {
                ui.label(RichText::new(why.to_string()).small());
                None
            }
        }
    })
    .inner
}
