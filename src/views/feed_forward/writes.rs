//! How much the block writes: the length of its output against that of what it is added to.

use std::fmt::Write as _;

use egui::Ui;

use super::{Scene, ViewContext, title_ui};
use crate::app::state::Focus;
use crate::trace::{LayerSite, Site};
use crate::views::scroll::within_ui;
use crate::views::subject::note_ui;
use crate::widgets::theme::number;
use crate::widgets::{Cell, Column, Table};

/// The tallest that the table grows before it scrolls.
const TALLEST: f32 = 220.0;

pub(super) fn writes_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, scene: &Scene) {
    let (text, firing) = (&scene.text, &scene.firing);
    title_ui(ui, cx, "How much it writes", false);
    let site = |site| Site::Layer(scene.layer, site);
    let (out, mid) = (site(LayerSite::FfnOut), site(LayerSite::ResidMid));
    note_ui(
        ui,
        format!(
            "Lengths of {out} and of {mid}, to which it is added. All bars share one scale, up to the longest of an ordinary token."
        ),
    );
    let most = longest(scene);
    let table = Table {
        name: "How much the block writes at each token",
        columns: &columns(),
        // Numbers of an earlier text may still be on view.
        rows: firing.written.len().min(text.tokens()),
        focus: (!scene.strongest_token).then_some(scene.token),
        locked: text.focused(cx.locked).0,
    };
    let color = cx.theme.accent();
    let out = within_ui(ui, "writes", TALLEST, |ui| {
        table.ui(ui, |row, column| {
            let (written, onto) = (firing.written[row], firing.onto[row]);
            let bar = |value: f64| Cell::Bar {
                figure: number(value),
                share: (value / most) as f32,
                color: color.gamma_multiply(0.6),
            };
            match (column, text.trace.tokens.special[row]) {
                (0, true) => Cell::Quiet(text.token(row)),
                (0, false) => Cell::Text(text.token(row)),
                (1, _) => bar(onto),
                (2, _) => bar(written),
                _ => Cell::Figure(number(written / onto)),
            }
        })
    });
    let focus = |token| Focus::token(text.id, token);
    cx.point(out.hovered.map(focus), out.clicked.map(focus));
}

/// What the block writes at each token, for a spreadsheet.
pub(super) fn tsv(scene: &Scene) -> String {
    let mut out = String::from("layer\ttoken\tpiece\tresid_mid_norm\tffn_out_norm\tratio\n");
    let lengths = scene.firing.onto.iter().zip(&scene.firing.written);
    for (token, ((onto, written), label)) in lengths.zip(scene.text.labels.iter()).enumerate() {
        let (layer, ratio) = (scene.layer + 1, written / onto);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{layer}\t{token}\t{label}\t{onto}\t{written}\t{ratio}");
    }
    out
}

/// The longest vector of an ordinary token: special ones are often several times as long.
fn longest(scene: &Scene) -> f64 {
    let lengths = scene.firing.onto.iter().zip(&scene.firing.written);
    let ordinary = lengths
        .zip(&scene.text.trace.tokens.special)
        .filter(|(_, special)| !**special);
    ordinary
        .map(|((a, b), _)| a.max(*b))
        .fold(f64::MIN_POSITIVE, f64::max)
}

fn columns() -> [Column; 4] {
    let column = |title, width, grow, right| Column {
        title,
        width,
        grow,
        right,
    };
    [
        column("token", 84.0, 0.5, false),
        column("|resid_mid|", 64.0, 1.0, true),
        column("|ffn_out|", 64.0, 1.0, true),
        column("ratio", 64.0, 0.0, true),
    ]
}
