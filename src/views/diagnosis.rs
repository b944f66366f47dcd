//! The Diagnosis panel: what is unusual about A and B or about how they are encoded, one card each.

use std::sync::Arc;

use egui::{Color32, RichText, Role, Ui, WidgetInfo};
use serde_json::Value;

use super::compare::{Pair, four, pair_ui, same_text};
use super::scroll::beside_bar_ui;
use super::standing::calibrate_ui;
use super::subject::{SameTrace, note_ui};
use super::{Panel, View, ViewContext};
use crate::analysis::calibration::Calibration;
use crate::analysis::diagnosis::{Case, Diagnosis, Finding, LEFT_OUT, Severity, diagnose};
use crate::app::command::Command;
use crate::app::state::ScoreMethod;
use crate::cancel::Cancel;
use crate::engine::{CalibrationKey, CalibrationState, Derived, Shown};
use crate::model::Model;
use crate::trace::PoolingMode;
use crate::widgets::{SPACE, SPACE_SMALL, Theme, scrolled_ui};

pub static PANEL: Panel = Panel {
    id: "diagnosis",
    title: "Diagnosis",
    about: "What is unusual about A and B, or about how they are encoded. Each card speaks only where \
        it has found something in this very run and states its number; where it can, it runs the \
        model again without what it names and says how far that moves the cosine. Calibrated on \
        unrelated texts, the panel also says how high a cosine is for this model: for some models \
        0.7 is what any two texts get.",
    one_text: false,
    make: || Box::<DiagnosisView>::default(),
};

#[derive(Default)]
struct DiagnosisView {
    found: Derived<Key, Outcome>,
    /// What was painted last, for the clipboard.
    shown: Option<Arc<Outcome>>,
}

type Outcome = Result<Diagnosis, Arc<str>>;

/// What a diagnosis is of.
#[derive(Clone)]
struct Key {
    /// The model's hash.
    model: Arc<str>,
    a: SameTrace,
    b: SameTrace,
    pooling: Option<PoolingMode>,
    /// Dimensions that are kept, instead of as many as the model keeps.
    truncate: Option<usize>,
    calibration: Option<Arc<Calibration>>,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let address = |key: &Self| key.calibration.as_ref().map(Arc::as_ptr);
        self.model == other.model
            && self.a == other.a
            && self.b == other.b
            && self.pooling == other.pooling
            && self.truncate == other.truncate
            && address(self) == address(other)
    }
}

impl View for DiagnosisView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let Some(pair) = pair_ui(ui, cx) else {
            self.shown = None;
            return;
        };
        let scale = cx.calibration_key();
        let state = scale.as_ref().map(|key| cx.engine.calibration_state(key));
        let Some(Shown { value, current }) = self.derive(cx, &pair, state.as_ref()) else {
            note_ui(ui, "The texts are being looked at…");
            return;
        };
        self.shown = Some(value.clone());
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]);
        scrolled_ui(ui, area, |ui| {
            beside_bar_ui(ui, cx);
            if !(current && pair.current()) {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            match &*value {
                Ok(diagnosis) => {
                    if pair.same() {
                        note_ui(ui, same_text(cx));
                    }
                    standing_ui(ui, cx, diagnosis, scale.zip(state));
                    ui.add_space(SPACE);
                    if diagnosis.changed {
                        note_ui(ui, LEFT_OUT);
                    }
                    cards_ui(ui, cx, &diagnosis.findings);
                }
                Err(problem) => {
                    ui.colored_label(cx.theme.warning(), &**problem);
                }
            }
        });
    }

    fn tsv(&self, _: &ViewContext<'_>) -> Option<String> {
        let diagnosis = self.shown.as_ref()?.as_ref().as_ref().ok()?;
        let mut out = String::from("finding\tseverity\ttext\tevidence\n");
        for finding in &diagnosis.findings {
            let (id, severity) = (finding.id, finding.severity.name());
            let text = finding.text.replace(['\t', '\n'], " ");
            let evidence = evidence(finding).replace(['\t', '\n'], " ");
            out.push_str(&format!("{id}\t{severity}\t{text}\t{evidence}\n"));
        }
        Some(out)
    }
}

impl DiagnosisView {
    fn derive(
        &mut self,
        cx: &ViewContext<'_>,
        pair: &Pair,
        state: Option<&CalibrationState>,
    ) -> Option<Shown<Outcome>> {
        let key = Key {
            model: cx.model.hash.clone(),
            a: SameTrace(pair.a.trace.clone()),
            b: SameTrace(pair.b.trace.clone()),
            pooling: cx.state.pooling,
            truncate: cx.state.truncate_dim,
            calibration: match state {
                Some(CalibrationState::Ready(found)) => Some(found.clone()),
                _ => None,
            },
        };
        let (made, model) = (key.clone(), cx.model.clone());
        let make = move |cancel: &Cancel| look(&made, &model, cancel);
        self.found.get(cx.engine, &key, make)
    }
}

/// Runs the cards, away from the window.
fn look(key: &Key, model: &Model, cancel: &Cancel) -> Outcome {
    let options = model.options_with(key.pooling, key.truncate);
    let found = diagnose(Case {
        model,
        a: &key.a.0,
        b: &key.b.0,
        options,
        calibration: key.calibration.as_deref(),
        cancel,
    });
    found.map_err(|error| error.to_string().into())
}

/// The cosine among unrelated pairs, or how to find out.
fn standing_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    diagnosis: &Diagnosis,
    scale: Option<(CalibrationKey, CalibrationState)>,
) {
    let cos = four(diagnosis.cos);
    if let Some(standing) = diagnosis.standing() {
        let text = format!("{cos}: {standing}");
        ui.label(RichText::new(text).strong());
        ui.horizontal_wrapped(|ui| background_ui(ui, cx));
        return;
    }
    if let Some(scale) = scale {
        calibrate_ui(ui, cx, &cos, scale);
    }
    ui.horizontal_wrapped(|ui| background_ui(ui, cx));
}

/// What unrelated texts are, and how to have others.
fn background_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    let background = cx.engine.background();
    if let Some(name) = background.name() {
        let count = background.texts().len();
        let file = std::path::Path::new(name).file_name();
        let short = file.map_or(name.into(), |file| file.to_string_lossy());
        note_ui(ui, format!("Unrelated texts: {count} of {short}."));
        if ui.button("Use the program's").clicked() {
            cx.send(Command::UseBackground(None));
        }
    }
    let button = ui.button("Texts of your own…");
    let about =
        "A file of texts from what you work on: then “unrelated” means unrelated among yours";
    if button.on_hover_text(about).clicked() {
        cx.send(Command::AskBackgroundFile);
    }
}

fn cards_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, findings: &[Finding]) {
    if findings.is_empty() {
        ui.label("Nothing unusual was found");
        return;
    }
    for (i, finding) in findings.iter().enumerate() {
        if i > 0 {
            ui.separator();
        }
        card_ui(ui, cx, finding);
    }
}

/// A mark, a sentence, and what it rests on.
fn card_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, finding: &Finding) {
    ui.push_id(finding.id, |ui| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE;
            mark_ui(ui, finding.severity);
            // What wraps needs a column of its own beside the mark.
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = SPACE_SMALL;
                ui.label(RichText::new(&finding.text).color(cx.theme.foreground()));
                // Lines of text: at a control's height the first one would stand apart from the rest.
                ui.spacing_mut().interact_size.y = 0.;
                ui.horizontal_wrapped(|ui| {
                    note_ui(ui, evidence(finding));
                    link_ui(ui, cx, finding.id);
                });
            });
        });
    });
}

/// The way to what a card speaks of.
fn link_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, id: &str) {
    let Some((panel, tab)) = shown_in(id) else {
        return;
    };
    let Some(panel) = super::find(panel) else {
        return;
    };
    let text = match tab {
        Some(ScoreMethod::Dimensions) => format!("Show in {} › Dimensions", panel.title),
        _ => format!("Show in {}", panel.title),
    };
    // On one line.
    let link = RichText::new(text.replace(' ', "\u{a0}")).small();
    let response = ui.link(link);
    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, &text));
    if response.clicked() {
        if let Some(tab) = tab {
            cx.send(Command::ScoreMethod(tab));
        }
        cx.send(Command::ShowPanel(panel.id));
    }
}

/// A dot in the severity's colour, named for those who do not see it.
fn mark_ui(ui: &mut Ui, severity: Severity) {
    const RADIUS: f32 = 4.;
    let height = ui.text_style_height(&egui::TextStyle::Body);
    let size = egui::vec2(2. * RADIUS, height);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    let color = color(Theme::of(ui), severity);
    match severity {
        Severity::Info => ui
            .painter()
            .circle_stroke(rect.center(), RADIUS - 0.5, (1.5, color)),
        _ => ui.painter().circle_filled(rect.center(), RADIUS, color),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, severity.name()));
    response.on_hover_text(severity.name());
}

fn color(theme: Theme, severity: Severity) -> Color32 {
    match severity {
        Severity::Problem => theme.error(),
        Severity::Warning => theme.warning(),
        Severity::Info => theme.secondary(),
    }
}

/// The panel that shows what a card speaks of, and the tab of the score that does.
fn shown_in(id: &str) -> Option<(&'static str, Option<ScoreMethod>)> {
    match id {
        "truncated" | "unknown_tokens" | "pad_tokens" | "equal_ids" | "case_whitespace"
        | "length_mismatch" | "script" => Some(("tokens", None)),
        "pooling_mismatch" | "not_normalized" => Some(("pooling", None)),
        // The score's verdict, above its tabs, says it.
        "same_order" => Some(("score", None)),
        "special_tokens" | "negation" | "numbers" | "shared_prefix" | "lexical_overlap" => {
            Some(("score", Some(ScoreMethod::Pairs)))
        }
        "rogue_dimension" => Some(("score", Some(ScoreMethod::Dimensions))),
        _ => None,
    }
}

/// The numbers behind a sentence, in one line.
fn evidence(finding: &Finding) -> String {
    let parts = finding.evidence.iter();
    let parts: Vec<String> = parts
        .map(|(name, value)| {
            let name = match name.strip_prefix("delta_") {
                Some(what) => format!("Δ{what}"),
                None => named(name),
            };
            // A name stays on one line with what it names.
            format!("{name} {}", figure(value)).replacen(' ', "\u{a0}", name.split(' ').count())
        })
        .collect();
    // No line begins with a dot.
    parts.join("\u{a0}· ")
}

/// The name of a number in words; A and B are capitals wherever the texts are named.
fn named(name: &str) -> String {
    let words = name.replace('_', " ");
    match words.split_once(' ') {
        Some((side @ ("a" | "b"), rest)) => format!("{} {rest}", side.to_uppercase()),
        _ => words,
    }
}

fn figure(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(number) => four(number),
            None => number.to_string(),
        },
        Value::String(text) => format!("“{text}”"),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(figure).collect();
            values.join(", ")
        }
        other => other.to_string(),
    }
}
