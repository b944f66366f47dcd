//! What is changed inside the encoder, always in sight: a chip for each change, and what they do to the
//! score.

use std::sync::Arc;

use egui::{Button, DragValue, RichText, Role, Ui, WidgetInfo};

use super::intervene::Intervene;
use crate::analysis::pooling;
use crate::app::command::Command;
use crate::app::state::State;
use crate::engine::{Derived, Engine};
use crate::model::intervention::{Intervention, Interventions, Scope, Scoped};
use crate::model::{HeadOptions, Model};
use crate::trace::Trace;
use crate::views::TextView;
use crate::widgets::theme::{SPACE, SPACE_SMALL, Theme};

/// One frame's surroundings.
pub struct ChipsInput<'a> {
    pub state: &'a State,
    pub engine: &'a Engine,
    pub model: &'a Arc<Model>,
    pub texts: &'a [TextView],
    /// A and B by the model as it is, where they are changed.
    pub untouched: [Option<Arc<Trace>>; 2],
    pub commands: &'a mut Vec<Command>,
}

/// The strip's score before and after.
#[derive(Default)]
pub struct Chips {
    scores: Derived<Key, Option<[f64; 2]>>,
}

#[derive(Clone)]
struct Key {
    /// A and B before the changes, then after.
    traces: [[Arc<Trace>; 2]; 2],
    options: HeadOptions,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let pass = |key: &Self| {
            key.traces
                .each_ref()
                .map(|two| two.each_ref().map(|t| t.pass))
        };
        pass(self) == pass(other) && self.options == other.options
    }
}

impl Chips {
    /// Nothing where nothing is changed.
    pub fn chips_ui(&mut self, ui: &mut Ui, input: &mut ChipsInput<'_>) {
        let all = &input.state.interventions;
        if all.is_empty() {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE_SMALL;
            self.score_ui(ui, input);
            for (index, one) in all.0.iter().enumerate() {
                if let Some(next) = chip_ui(ui, input, all, (index, one)) {
                    input.commands.push(next);
                }
            }
            Intervene::of(input).button_ui(ui, "Intervene…");
            if ui.button("Clear all").clicked() {
                let none = Interventions::default();
                input.commands.push(Command::SetInterventions(none));
            }
        });
        ui.add_space(SPACE_SMALL);
    }

    /// `0.9907 → 0.9312 with 2 changes`.
    fn score_ui(&mut self, ui: &mut Ui, input: &ChipsInput<'_>) {
        let theme = Theme::of(ui);
        let active = input.state.interventions.active();
        let changes = match active {
            0 => "all changes put aside".to_owned(),
            1 => "with 1 change".to_owned(),
            count => format!("with {count} changes"),
        };
        let sides = [input.state.a, input.state.b].map(|id| {
            let view = input.texts.iter().find(|text| Some(text.id) == id)?;
            Some((view, view.trace.clone()?))
        });
        if let Some(error) = input.texts.iter().find_map(|text| text.error.as_ref()) {
            let short = RichText::new("cannot run with these changes").color(theme.error());
            ui.label(short).on_hover_text(&**error);
            return;
        }
        let [Some((a, trace_a)), Some((b, trace_b))] = sides else {
            return;
        };
        let [before_a, before_b] = input.untouched.clone();
        // A side that nothing is changed in is its own before.
        let before = |before: Option<Arc<Trace>>, now: &Arc<Trace>| {
            before.or_else(|| now.interventions.is_empty().then(|| now.clone()))
        };
        let (before_a, before_b) = (before(before_a, &trace_a), before(before_b, &trace_b));
        let (Some(before_a), Some(before_b)) = (before_a, before_b) else {
            ui.weak(changes);
            return;
        };
        let key = Key {
            traces: [[before_a, before_b], [trace_a, trace_b]],
            options: input
                .model
                .options_with(input.state.pooling, input.state.truncate_dim),
        };
        let (model, made) = (input.model.clone(), key.clone());
        let shown = self.scores.get(input.engine, &key, move |_| {
            let score =
                |[a, b]: &[Arc<Trace>; 2]| pooling::score(&model.head, a, b, made.options).ok();
            Some([score(&made.traces[0])?, score(&made.traces[1])?])
        });
        let current = a.current && b.current && shown.as_ref().is_some_and(|s| s.current);
        let scores = shown.and_then(|shown| *shown.value);
        ui.scope(|ui| {
            if !current {
                ui.multiply_opacity(theme.stale_alpha());
            }
            let text = match scores {
                Some([before, after]) => format!("{before:.4} → {after:.4} {changes}"),
                None => changes,
            };
            let label = ui.label(RichText::new(text).color(theme.strong()));
            label.on_hover_text(
                "The cosine of A and B by the model as it is, and with your changes. Calibrations and the \
                 reference model stay those of the model as it is.",
            );
        });
        ui.add_space(SPACE);
    }
}

/// What is changed, as `what` calls it, and where; of a token also which piece it is, where it is the same in every text meant.
fn title_of(input: &ChipsInput<'_>, one: &Scoped, what: &str) -> String {
    let title = format!("{what} ({})", one.scope.title());
    let (Intervention::NoToken { token }
    | Intervention::Patch {
        token: Some(token), ..
    }) = &one.what
    else {
        return title;
    };
    let meant = |text: &&TextView| match one.scope {
        Scope::A => input.state.a == Some(text.id),
        Scope::B => input.state.b == Some(text.id),
        Scope::All => true,
    };
    // A token is named by its place in the text, wherever it stands in this run.
    let piece = |text: &TextView| {
        let trace = text.trace.as_ref()?;
        let at = (0..trace.tokens.len()).find(|&t| trace.interventions.origin(t) == *token)?;
        trace.tokens.labels.get(at).cloned()
    };
    let mut pieces = input.texts.iter().filter(meant).map(piece);
    let first = pieces.next().flatten();
    match first {
        Some(first) if pieces.all(|other| other.as_ref() == Some(&first)) => {
            format!("“{first}”: {title}")
        }
        _ => title,
    }
}

/// One change: its switch, its degree where it has one, and a cross.
fn chip_ui(
    ui: &mut Ui,
    input: &ChipsInput<'_>,
    all: &Interventions,
    (index, one): (usize, &Scoped),
) -> Option<Command> {
    let mut next = None;
    let theme = Theme::of(ui);
    let title = title_of(input, one, &one.what.title());
    // The degree stands in its own field.
    let name = title_of(input, one, &one.what.name());
    // What stands in a frame does not wrap by itself; how wide it is was seen when it was painted last.
    let (id, whole) = (ui.scope_id().with((index, &title)), ui.max_rect().width());
    let room = ui.available_size_before_wrap().x;
    let known = ui.data(|data| data.get_temp::<f32>(id));
    if known.is_some_and(|width| room < width && width <= whole) {
        ui.end_row();
    }
    let frame = egui::Frame::new()
        .fill(theme.well())
        .corner_radius(SPACE_SMALL)
        .inner_margin(egui::vec2(SPACE_SMALL, 0.));
    let shown = frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE_SMALL;
            let text = match one.on {
                true => RichText::new(&name),
                false => RichText::new(&name)
                    .strikethrough()
                    .color(theme.secondary()),
            };
            let response = ui.add(Button::new(text).frame(false));
            response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, one.on, &title));
            let about = "Put it aside, or take it up again: the traces of both are kept";
            if response.on_hover_text(about).clicked() {
                next = Some(Command::SetInterventions(all.toggled(index)));
            }
            if let Some(command) = degree_ui(ui, input.state, (index, one)) {
                next = Some(command);
            }
            let name = format!("Remove {title}");
            let response = ui.add(Button::new("×").frame(false));
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            if response.on_hover_text(&name).clicked() {
                next = Some(Command::SetInterventions(all.without(index)));
            }
        });
    });
    let width = shown.response.rect.width();
    if known != Some(width) {
        ui.data_mut(|data| data.insert_temp(id, width));
        ui.ctx().request_discard("the width of a chip");
    }
    next
}

/// A temperature to drag, or another shuffle.
fn degree_ui(ui: &mut Ui, state: &State, (index, one): (usize, &Scoped)) -> Option<Command> {
    let with = |what: Intervention| {
        let mut all = state.interventions.clone();
        if let Some(one) = all.0.get_mut(index) {
            one.what = what;
        }
        all
    };
    match one.what {
        Intervention::Temperature { layer, hundredths } => {
            let mut degree = f64::from(hundredths) / 100.;
            let drag = DragValue::new(&mut degree)
                .range(0.01..=1e4)
                .speed(0.02)
                .fixed_decimals(2);
            let response = ui.add(drag);
            let name = format!("Degree of {}", one.what.title());
            response.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, &name));
            response.changed().then(|| {
                let hundredths = (degree * 100.).round().max(1.) as u32;
                Command::DragInterventions(with(Intervention::Temperature { layer, hundredths }))
            })
        }
        Intervention::Shuffle { seed } => {
            let response = ui.small_button("again");
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Shuffle again"));
            let seed = seed.wrapping_add(1);
            let next = || Command::SetInterventions(with(Intervention::Shuffle { seed }));
            response.clicked().then(next)
        }
        Intervention::Patch {
            layer,
            token,
            aligned,
        } => {
            let (text, name) = match aligned {
                true => ("use the same place", "Take states from the same place"),
                false => ("use pairs", "Take states from paired tokens"),
            };
            let response = ui.small_button(text);
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
            let about = "Paired: equal pieces in the same order and a few that were replaced one for one, as A − B \
                pairs them; a token without a partner keeps its own. Same place: token 3 from token 3, which for \
                all tokens at once needs texts of as many";
            let what = Intervention::Patch {
                layer,
                token,
                aligned: !aligned,
            };
            let next = || Command::SetInterventions(with(what));
            response.on_hover_text(about).clicked().then(next)
        }
        _ => None,
    }
}
