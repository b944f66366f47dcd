//! Why is A closer to B than to C? The choice of C, and the tab that takes the difference apart.

mod choose;
mod derive;
mod parts;
mod words;

use std::sync::Arc;

use egui::{RichText, Ui};
use serde::{Deserialize, Serialize};

use super::derive::ScoreKey;
use super::mapping::By;
use super::matrix::figure_ui;
use super::tasks::{MANY, PARTS};
use crate::analysis::similarity::contrast::{Contrast, WithoutEach};
use crate::engine::{Derived, Shown};
use crate::views::compare::{color_of, four};
use crate::views::progress::Progress;
use crate::views::recorded::{keep_ui, kept_ui, switch_ui};
use crate::views::subject::{SameTrace, note_ui, section_ui};
use crate::views::{TextView, ViewContext};
use crate::widgets::{SPACE, number};
use derive::{Both, Found, Inside, Key, Outline};

/// Sub-words or words, as they are kept for this tab: here words say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Parts(By);

fn by_ui(ui: &mut Ui) -> By {
    let mut parts = kept_ui(ui, Parts(By::Words));
    ui.horizontal(|ui| {
        let choices = [
            (
                Parts(By::Words),
                "words",
                "The pieces of each word added up",
            ),
            (
                Parts(By::Tokens),
                "sub-words",
                "The pieces that the model reads",
            ),
        ];
        switch_ui(ui, &mut parts, &choices);
    });
    keep_ui(ui, parts);
    parts.0
}

/// Which map the words' bars come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum From {
    #[default]
    Pairs,
    Input,
}

/// The third text and what follows from it.
pub struct ContrastState {
    outline: Derived<Key, Found<Outline>>,
    inside: Derived<Key, Found<Inside>>,
    input: Derived<Key, Found<Both>>,
    removals: Derived<Key, Found<WithoutEach>>,
    progress: Progress,
    /// What a person has started long texts for: input tokens, leave-one-out.
    asked: [Option<Key>; 2],
    /// A text that is being typed.
    typed: Option<String>,
    all_words: bool,
    sheet: Option<(Arc<Found<Outline>>, By)>,
}

impl Default for ContrastState {
    fn default() -> Self {
        Self {
            outline: Derived::default(),
            inside: Derived::slow(),
            input: Derived::slow(),
            removals: Derived::slow(),
            progress: Progress::default(),
            asked: [None, None],
            typed: None,
            all_words: false,
            sheet: None,
        }
    }
}

/// C with its trace.
fn third<'a>(cx: &ViewContext<'a>) -> Option<&'a TextView> {
    let id = cx.state.third()?;
    cx.texts.iter().find(|text| text.id == id)
}

impl ContrastState {
    /// The tab is not on view.
    pub fn rest(&mut self) {
        self.sheet = None;
        self.inside.stop();
        self.input.stop();
        self.removals.stop();
    }

    fn key(cx: &ViewContext<'_>, score: &ScoreKey) -> Option<(Key, bool)> {
        let text = third(cx)?;
        let key = Key {
            score: score.clone(),
            c: SameTrace(text.trace.clone()?),
            third: text.id,
        };
        Some((key, text.current))
    }

    fn outline(&mut self, cx: &ViewContext<'_>, key: &Key) -> Option<Shown<Found<Outline>>> {
        let (made, model) = (key.clone(), cx.model.clone());
        self.outline
            .get(cx.engine, key, move |_| Outline::new(made, &model))
    }

    /// The tab.
    pub fn contrast_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, score: &ScoreKey) {
        self.sheet = None;
        let Some((key, current)) = Self::key(cx, score) else {
            self.invite_ui(ui, cx);
            return;
        };
        let Some(shown) = self.outline(cx, &key) else {
            note_ui(ui, "Computing “Contrast”…");
            return;
        };
        let outline = match &*shown.value {
            Ok(outline) => outline,
            Err(problem) => {
                ui.colored_label(cx.theme.warning(), &**problem);
                return;
            }
        };
        let by = by_ui(ui);
        self.sheet = Some((shown.value.clone(), by));
        ui.scope(|ui| {
            if !(current && shown.current) {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            self.words_ui(ui, cx, (outline, &key), by);
            parts::dimensions_ui(ui, cx, outline);
            self.components_ui(ui, cx, &key);
            parts::layers_ui(ui, cx, outline);
        });
    }

    fn words_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (outline, key): (&Outline, &Key),
        by: By,
    ) {
        let mut from = kept_ui(ui, From::default());
        ui.horizontal_wrapped(|ui| {
            let choices = [
                (
                    From::Pairs,
                    "contextual",
                    "From token pairs: each word's vector as it enters the pool, with what attention brought in",
                ),
                (
                    From::Input,
                    "as read",
                    "From input tokens: what each word supplied before attention mixed them",
                ),
            ];
            switch_ui(ui, &mut from, &choices);
        });
        keep_ui(ui, from);
        let input = (from == From::Input).then(|| self.input_ui(ui, cx, key));
        let both = match input.as_ref().map(Option::as_deref) {
            None => &outline.pairs,
            Some(Some(Ok(both))) => both,
            Some(Some(Err(problem))) => {
                ui.colored_label(cx.theme.warning(), &**problem);
                return;
            }
            Some(None) => return,
        };
        sums_ui(ui, cx, by_of(both, by));
        let removals = self.removals_ui(ui, cx, key);
        let removals = removals.as_deref().and_then(|found| found.as_ref().ok());
        let shown = words::Shown {
            outline,
            contrast: by_of(both, by),
            by,
            removals,
        };
        words::words_ui(ui, cx, &shown, &mut self.all_words);
    }

    /// The map by input tokens; waits for a click where texts are long.
    fn input_ui(
        &mut self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        key: &Key,
    ) -> Option<Arc<Found<Both>>> {
        if key.longest() > PARTS && self.asked[0].as_ref() != Some(key) {
            if ui.button("Compute input tokens").clicked() {
                self.asked[0] = Some(key.clone());
            }
            return None;
        }
        let (made, model) = (key.clone(), cx.model.clone());
        let make = move |cancel: &_| derive::input(&made, &model, cancel);
        let shown = self.input.get(cx.engine, key, make);
        let current = shown.filter(|shown| shown.current);
        if current.is_none() {
            note_ui(ui, "Computing “Input tokens”…");
        }
        current.map(|shown| shown.value)
    }

    /// Real re-runs without each token; they wait for a click where texts are long.
    fn removals_ui(
        &mut self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        key: &Key,
    ) -> Option<Arc<Found<WithoutEach>>> {
        if key.longest() > MANY && self.asked[1].as_ref() != Some(key) {
            ui.horizontal_wrapped(|ui| {
                if ui.button("Compute leave-one-out").clicked() {
                    self.asked[1] = Some(key.clone());
                }
                note_ui(
                    ui,
                    "Runs the model again without each token; long texts take a while.",
                );
            });
            return None;
        }
        let (made, model, progress) = (key.clone(), cx.model.clone(), self.progress.clone());
        let make =
            move |cancel: &_| derive::removals(&made, &model, cancel, &mut progress.report());
        let shown = self.removals.get(cx.engine, key, make);
        let current = shown.filter(|shown| shown.current);
        let told = match current {
            Some(_) => "left out: what the difference loses without the token".to_owned(),
            None => {
                let (done, all) = self.progress.read();
                format!("leaving out one token after the other… {done} of {all}")
            }
        };
        // In one line either way, so that the table below it stays where it is.
        note_ui(ui, told);
        current.map(|shown| shown.value)
    }

    fn components_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, key: &Key) {
        section_ui(
            ui,
            "Heads and feed-forwards",
            "what wrote the vector of A, by direct effect",
        );
        let (made, model) = (key.clone(), cx.model.clone());
        let make = move |cancel: &_| derive::inside(&made, &model, cancel);
        let shown = self.inside.get(cx.engine, key, make);
        match shown.filter(|shown| shown.current).map(|shown| shown.value) {
            None => {
                note_ui(ui, "Computing “Components”…");
            }
            Some(found) => match &*found {
                Ok(inside) => parts::components_ui(ui, cx, inside),
                Err(problem) => {
                    ui.colored_label(cx.theme.warning(), &**problem);
                }
            },
        }
    }

    /// A's, B's and C's words with what they add to the difference.
    pub fn tsv(&self) -> Option<String> {
        let (found, by) = self.sheet.as_ref()?;
        let outline = found.as_ref().as_ref().ok()?;
        Some(words::tsv(by_of(&outline.pairs, *by)))
    }
}

fn by_of(both: &Both, by: By) -> &Contrast {
    match by {
        By::Tokens => &both.tokens,
        By::Words => &both.words,
    }
}

/// Σ, the difference, and what lies between them.
fn sums_ui(ui: &mut Ui, cx: &ViewContext<'_>, contrast: &Contrast) {
    let color = match contrast.holds() {
        true => cx.theme.foreground(),
        false => cx.theme.warning(),
    };
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 0.;
        ui.horizontal_wrapped(|ui| {
            let figures = [
                ("Σ", four(contrast.sum()), "all words of A added up"),
                (
                    "A·B − A·C",
                    four(contrast.explains),
                    "what they should add up to",
                ),
                (
                    "residual",
                    number(contrast.residual()),
                    "what the words of A, or those of B and C, miss of the difference",
                ),
            ];
            for (name, figure, about) in figures {
                figure_ui(ui, cx, (name, &figure), color).on_hover_text(about);
            }
        });
    });
    if !contrast.holds() {
        let message =
            "The parts miss the difference, so they do not explain it. Please report this.";
        ui.label(RichText::new(message).color(cx.theme.warning()));
    }
}

/// The colours of B and of C.
fn colors(cx: &ViewContext<'_>) -> (egui::Color32, egui::Color32) {
    let b = cx.theme.b();
    let c = third(cx).map_or(b, |text| color_of(cx, cx.theme, text));
    (b, c)
}

/// Which way a bar points.
fn legend_ui(ui: &mut Ui, cx: &ViewContext<'_>) {
    let (b, c) = colors(cx);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("← speaks for C").small().color(c));
        ui.label(RichText::new("speaks for B →").small().color(b));
    });
    ui.add_space(SPACE.min(2.));
}
