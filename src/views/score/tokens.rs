//! The methods that spread the score over pairs of tokens: strips, map, shares, and whether taking
//! tokens away says the same.

use egui::{Align, Layout, RichText, Ui};

use super::derive::{Pairs, ScoreKey};
use super::detail::{Detail, Open};
use super::mapping::{By, Mapping};
use super::matrix::MatrixState;
use super::tabs::Tab;
use super::{shares, strips};
use crate::analysis::similarity::faithfulness::{AGREES, spearman};
use crate::app::state::TextId;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::recorded::{keep_ui, kept_ui, switch_ui};
use crate::views::subject::note_ui;
use crate::widgets::SPACE;

/// The shares stand beside the matrix from this width on, in points.
const BESIDE: f32 = 760.;

/// Where no token that is left out changes the cosine by this much, their order is that of small
/// differences in how the rest is read, not of what carries the score.
const SIGNAL: f64 = 0.005;

/// One method's pairs and what goes with them.
pub struct Shown<'a> {
    pub tab: &'a Tab,
    pub pairs: &'a Pairs,
    pub texts: (TextId, TextId),
    /// Leave-one-out of the same texts, where it is there.
    pub removals: Option<&'a Pairs>,
    pub key: &'a ScoreKey,
}

/// Sub-words or words, as chosen last.
pub fn by_ui(ui: &mut Ui) -> By {
    let mut by = kept_ui(ui, By::default());
    ui.horizontal(|ui| {
        let choices = [
            (
                By::Tokens,
                "sub-words",
                "Pairs of the pieces that the model reads",
            ),
            (By::Words, "words", "The pieces of each word added up"),
        ];
        switch_ui(ui, &mut by, &choices);
    });
    keep_ui(ui, by);
    by
}

pub fn tokens_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (state, detail): (&mut MatrixState, &mut Detail),
    by: By,
    shown: &Shown<'_>,
) {
    let mapping = Mapping::new(by, shown.texts, shown.pairs);
    strips::strips_ui(ui, cx, mapping);
    ui.add_space(SPACE);
    let name = format!("{} of A and B", shown.tab.title);
    let open = Open {
        key: shown.key,
        mapping,
    };
    if ui.available_width() < BESIDE {
        state.matrix_ui(ui, cx, &name, mapping);
        ui.add_space(SPACE);
        detail.detail_ui(ui, cx, &open);
        beside_ui(ui, cx, shown);
        return;
    }
    ui.columns(2, |columns| {
        // Columns stretch what is in them; paragraphs should end where their words do.
        let left = Layout::top_down(Align::Min);
        columns[0].with_layout(left, |ui| state.matrix_ui(ui, cx, &name, mapping));
        columns[1].with_layout(left, |ui| {
            detail.detail_ui(ui, cx, &open);
            beside_ui(ui, cx, shown);
        });
    });
}

fn beside_ui(ui: &mut Ui, cx: &ViewContext<'_>, shown: &Shown<'_>) {
    let pairs = shown.pairs;
    if pairs.tokens.adds_up() {
        shares::shares_ui(ui, cx, pairs);
    }
    if let Some(removals) = shown.removals {
        match signal(removals) < SIGNAL {
            true => {
                note_ui(ui, quiet_note(signal(removals)));
            }
            false => agreement_ui(ui, cx, agreement(pairs, removals)),
        }
    }
    if let Some(remark) = &pairs.remark {
        note_ui(ui, remark);
    }
    note_ui(ui, shown.tab.note);
}

/// The most that leaving out one content token of A or of B changes the cosine by; 0 where there is
/// none.
fn signal(removals: &Pairs) -> f64 {
    let axes = [&removals.tokens.rows, &removals.tokens.columns];
    let changes = axes.into_iter().flat_map(|axis| {
        let tokens = axis.secondary.iter().zip(&axis.sums);
        tokens.filter(|(secondary, _)| !**secondary)
    });
    changes.fold(0., |most, (_, change)| f64::max(most, change.abs()))
}

fn quiet_note(most: f64) -> String {
    format!(
        "Leaving out one token changes the score by {} at most: too little to rank the tokens by, so this \
         map is not held against leave-one-out here.",
        four(most)
    )
}

/// Spearman's correlation of a method's sums with leave-one-out over the content tokens of A and of
/// B: special tokens are taken away by no method alike. NaN for fewer than three of them.
pub fn agreement(pairs: &Pairs, removals: &Pairs) -> [f64; 2] {
    let sides = [
        (&pairs.tokens.rows, &removals.tokens.rows),
        (&pairs.tokens.columns, &removals.tokens.columns),
    ];
    sides.map(|(method, removal)| {
        let tokens = method
            .secondary
            .iter()
            .zip(method.sums.iter().zip(&removal.sums));
        let content = tokens.filter(|(secondary, _)| !**secondary);
        let (sums, changes): (Vec<f64>, Vec<f64>) = content.map(|(_, (x, y))| (*x, *y)).unzip();
        match sums.len() {
            0..3 => f64::NAN,
            _ => spearman(&sums, &changes),
        }
    })
}

fn agreement_ui(ui: &mut Ui, cx: &ViewContext<'_>, [a, b]: [f64; 2]) {
    let figure = |value: f64| match value.is_nan() {
        true => "–".to_owned(),
        false => format!("{value:.2}").replace('-', "−"),
    };
    let text = format!(
        "Agreement with leave-one-out: A {} · B {}",
        figure(a),
        figure(b)
    );
    ui.label(text).on_hover_text(
        "Spearman's rank correlation between what each content token adds here and what the cosine loses \
         when it is masked: 1 for the same order, −1 for the reverse; – where fewer than three tokens can be \
         ranked",
    );
    let below: Vec<&str> = [("A", a), ("B", b)]
        .iter()
        .filter(|(_, value)| *value < AGREES)
        .map(|(name, _)| *name)
        .collect();
    if !below.is_empty() {
        let text = format!(
            "For {} explanation and intervention disagree: taking tokens away changes the score in another \
             order than this map says.",
            below.join(" and ")
        );
        ui.label(RichText::new(text).color(cx.theme.warning()));
    }
}
