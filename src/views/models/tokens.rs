//! One text as the tokenizers of two models cut it, and which text each model finds nearest.

use egui::{Grid, RichText, Ui};

use super::derive::{Compared, Seen};
use crate::analysis::alignment::{Aligned, align};
use crate::tokens::Tokens;
use crate::views::ViewContext;
use crate::views::compare::short_name;
use crate::views::subject::note_ui;
use crate::widgets::SPACE_SMALL;

/// More stretches than this are folded away until somebody asks.
const SHOWN: usize = 40;

/// The text that is pointed at, or A, side by side.
pub(super) fn tokens_ui(ui: &mut Ui, cx: &ViewContext<'_>, compared: &Compared, names: [&str; 2]) {
    let chosen = cx.focus.text.or(cx.state.a);
    let text = chosen.and_then(|id| cx.text(id));
    let Some(text) = text.or_else(|| cx.text(*compared.texts.first()?)) else {
        return;
    };
    let (Some(main), Some(other)) = (&text.trace, &text.reference) else {
        return;
    };
    let (first, second) = (&main.tokens, &other.tokens);
    let groups = align(first, second);
    let alike = |group: &&Aligned| group.first.len() == 1 && group.second.len() == 1;
    let same = groups.iter().filter(alike).count();
    let name = short_name(cx, text);
    ui.label(RichText::new(format!("{name}, token by token")).strong());
    note_ui(
        ui,
        format!(
            "{} and {} tokens; {same} of {} stretches are one token in both",
            first.len(),
            second.len(),
            groups.len()
        ),
    );
    ui.add_space(SPACE_SMALL);
    let rows = |ui: &mut Ui, groups: &[Aligned]| {
        for group in groups {
            row_ui(ui, cx, (first, second), group);
        }
    };
    let (shown, rest) = groups.split_at(groups.len().min(SHOWN));
    Grid::new("aligned tokens").striped(true).show(ui, |ui| {
        for title in ["text", names[0], names[1]] {
            ui.weak(title);
        }
        ui.end_row();
        rows(ui, shown);
    });
    if !rest.is_empty() {
        let title = format!("{} more", rest.len());
        egui::CollapsingHeader::new(title).show(ui, |ui| {
            Grid::new("more aligned tokens")
                .striped(true)
                .show(ui, |ui| rows(ui, rest));
        });
    }
}

fn row_ui(ui: &mut Ui, cx: &ViewContext<'_>, (first, second): (&Tokens, &Tokens), group: &Aligned) {
    let start = first.prompt_bytes;
    let span = start + group.span.start..start + group.span.end;
    ui.label(first.text.get(span).unwrap_or_default());
    for (tokens, indices) in [(first, &group.first), (second, &group.second)] {
        let pieces: Vec<&str> = indices.iter().map(|&t| tokens.labels[t].as_str()).collect();
        let mut text = RichText::new(match pieces.is_empty() {
            true => "–".to_owned(),
            false => pieces.join(" · "),
        })
        .monospace();
        if pieces.len() != 1 {
            text = text.color(cx.theme.accent());
        }
        let ids: Vec<String> = indices.iter().map(|&t| tokens.ids[t].to_string()).collect();
        ui.label(text)
            .on_hover_text(format!("ids {}", ids.join(", ")));
    }
    ui.end_row();
}

/// Which text each model finds nearest to each, where there are three or more.
pub(super) fn neighbours_ui(ui: &mut Ui, names: &[String], compared: &Compared, titles: [&str; 2]) {
    let n = names.len();
    if n < 3 {
        return;
    }
    let found = compared.models.each_ref().map(|seen| nearest(seen, n));
    let pairs = found[0].iter().zip(&found[1]);
    let same = pairs.filter(|(a, b)| a == b).count();
    ui.label(RichText::new("Nearest neighbours").strong());
    note_ui(
        ui,
        format!("{same} of {n} texts have the same nearest text in both models"),
    );
    ui.add_space(SPACE_SMALL);
    Grid::new("neighbours").striped(true).show(ui, |ui| {
        for title in ["text", titles[0], titles[1]] {
            ui.weak(title);
        }
        ui.end_row();
        for (i, name) in names.iter().enumerate() {
            ui.label(name);
            for (seen, found) in compared.models.iter().zip(&found) {
                let near = found[i].map_or_else(
                    || "–".to_owned(),
                    |j| format!("{} {:.3}", names[j], seen.cosines[i * n + j]),
                );
                ui.label(near);
            }
            ui.end_row();
        }
    });
}

/// The nearest other text of each, [n].
fn nearest(seen: &Seen, n: usize) -> Vec<Option<usize>> {
    let of = |i: usize| {
        let others = (0..n).filter(|&j| j != i && seen.cosines[i * n + j].is_finite());
        others.max_by(|&x, &y| seen.cosines[i * n + x].total_cmp(&seen.cosines[i * n + y]))
    };
    (0..n).map(of).collect()
}
