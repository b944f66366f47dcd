//! One head in numbers: entropy, where its attention goes, and the kind that follows.

use std::fmt::Write as _;

use egui::{Align2, RichText, Sense, TextStyle, Ui, vec2};

use super::{Scene, title_ui};
use crate::analysis::attention::{BROAD, EXCESS, HeadSummary, Kind, Share};
use crate::widgets::theme::{SPACE, Theme, number};

/// What makes a head be of a kind.
pub(super) fn definition(kind: Kind) -> String {
    let beyond = |what: &str| {
        let part = percent(EXCESS);
        format!("{what} goes at least {part} of the way from chance to everything")
    };
    match kind {
        Kind::Previous => beyond("The share on the token before"),
        Kind::Next => beyond("The share on the token after"),
        Kind::Own => beyond("The share on the token itself"),
        Kind::Sink => {
            beyond("The share of ordinary tokens on special ones (often a way to do nothing)")
        }
        Kind::Broad => {
            let part = percent(BROAD);
            format!(
                "None of the others, and the rows' entropy is at least {part} of that of uniform attention"
            )
        }
        Kind::Mixed => "None of the others".to_owned(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}%", 100.0 * share)
}

/// A head on two lines.
pub(super) fn brief(summary: &HeadSummary) -> String {
    let shares = &summary.shares;
    format!(
        "entropy {} nats ({} of {})\nprevious {} · self {} · next {} · special {}",
        number(summary.entropy),
        summary.entropy_share.map_or("–".to_owned(), percent),
        if summary.masked { "the most" } else { "ln T" },
        percent(shares.previous.value),
        percent(shares.own.value),
        percent(shares.next.value),
        percent(shares.sink().value),
    )
}

pub(super) fn numbers_ui(ui: &mut Ui, scene: &Scene) {
    let name = super::head_name(scene.layer, scene.head);
    let Some(summary) = scene.seen_of(scene.layer, scene.head) else {
        title_ui(ui, &name, |_| ());
        ui.weak("being summed up");
        return;
    };
    ui.scope(|ui| {
        scene.dim_ui(ui);
        summary_ui(ui, scene, &name, summary);
    });
}

fn summary_ui(ui: &mut Ui, scene: &Scene, name: &str, summary: &HeadSummary) {
    let theme = Theme::of(ui);
    title_ui(ui, name, |ui| {
        let kind = RichText::new(summary.kind.title()).color(theme.accent());
        ui.label(kind).on_hover_text(definition(summary.kind));
    });
    entropy_ui(ui, scene, summary);
    ui.add_space(SPACE);
    let tokens = &scene.text.trace.tokens;
    let special = |at: Option<usize>| {
        let label = at
            .filter(|&t| tokens.special[t])
            .map(|t| scene.text.labels[t].clone());
        label.unwrap_or("special".to_owned())
    };
    let last = tokens.len().checked_sub(1);
    let shares = &summary.shares;
    let rows = [
        (
            "previous".to_owned(),
            shares.previous,
            "Mean weight on the token before, over rows that have one",
        ),
        (
            "self".to_owned(),
            shares.own,
            "Mean weight on the token itself",
        ),
        (
            "next".to_owned(),
            shares.next,
            "Mean weight on the token after, over rows that have one",
        ),
        (
            special(Some(0)),
            shares.opening,
            "Mean weight of ordinary tokens on the special tokens in front",
        ),
        (
            special(last),
            shares.closing,
            "Mean weight of ordinary tokens on the special tokens behind",
        ),
    ];
    for (label, share, about) in rows {
        share_ui(ui, &label, share, about);
    }
    let note = "The tick marks what uniform attention over the keys that are seen would give. What special \
        tokens get is counted from the rows of ordinary ones alone.";
    ui.label(RichText::new(note).small().color(theme.secondary()));
}

fn entropy_ui(ui: &mut Ui, scene: &Scene, summary: &HeadSummary) {
    let tokens = scene.text.tokens();
    let share = match summary.entropy_share {
        Some(share) if summary.masked => {
            format!("{} of the most that the mask allows", percent(share))
        }
        Some(share) => format!("{} of ln {tokens}", percent(share)),
        None => "one token has nowhere else to look".to_owned(),
    };
    ui.label(format!("Entropy {} nats, {share}", number(summary.entropy)))
        .on_hover_text("Mean over rows of −Σ p ln p. Uniform attention over n keys has ln n.");
    let theme = Theme::of(ui);
    let sums = format!("Rows sum to 1 within {}", number(summary.deviation));
    let color = match summary.deviation <= 1e-5 {
        true => theme.secondary(),
        false => theme.error(),
    };
    ui.label(RichText::new(sums).small().color(color));
}

/// A share as a bar with a tick at chance, and its number.
fn share_ui(ui: &mut Ui, label: &str, share: Share, about: &str) {
    let theme = Theme::of(ui);
    let small = TextStyle::Small.resolve(ui.style());
    let figures = egui::FontId::monospace(small.size);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width().min(300.0), 16.0), Sense::hover());
    let painter = ui.painter();
    let names = 64.0;
    let left = rect.left_center();
    let name = painter.layout_no_wrap(label.to_owned(), small, theme.foreground());
    let clip = rect.with_max_x(rect.left() + names - 4.0);
    let at = left - vec2(0.0, 0.5 * name.size().y);
    painter
        .with_clip_rect(clip.intersect(painter.clip_rect()))
        .galley(at, name, theme.foreground());
    let bar = egui::Rect::from_x_y_ranges(
        rect.left() + names..=rect.right() - 44.0,
        rect.center().y - 4.0..=rect.center().y + 4.0,
    );
    painter.rect_filled(bar, 0.0, theme.faint());
    let x = |share: f64| bar.left() + bar.width() * share.clamp(0.0, 1.0) as f32;
    painter.rect_filled(bar.with_max_x(x(share.value)), 0.0, theme.accent());
    let tick = bar.y_range().expand(2.0);
    painter.vline(x(share.uniform), tick, (1.5, theme.strong()));
    let value = format!("{:.1}%", 100.0 * share.value);
    painter.text(
        rect.right_center(),
        Align2::RIGHT_CENTER,
        value,
        figures,
        theme.foreground(),
    );
    let text = format!(
        "{about}: {}\nUniform attention: {}\nExcess over chance: {}",
        number(share.value),
        number(share.uniform),
        number(share.excess()),
    );
    response.on_hover_text(text);
}

/// Every head on a line, for a spreadsheet.
pub(super) fn tsv(all: &[HeadSummary], heads: usize) -> String {
    let mut out = String::from(
        "layer\thead\tkind\tentropy_nats\tentropy_share\tprevious\tself\tnext\topening\tclosing\tdeviation\n",
    );
    for (index, summary) in all.iter().enumerate() {
        let shares = &summary.shares;
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            index / heads + 1,
            index % heads + 1,
            summary.kind.title(),
            summary.entropy,
            summary
                .entropy_share
                .map_or(String::new(), |share| share.to_string()),
            shares.previous.value,
            shares.own.value,
            shares.next.value,
            shares.opening.value,
            shares.closing.value,
            summary.deviation,
        );
    }
    out
}
