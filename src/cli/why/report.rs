//! What `why` prints for a person.

use super::Explained;
use super::contrast;
use super::document::names;
use super::findings;
use super::grid::grid;
use super::methods::{Answer, note};
use super::paint::{Colors, left, right};
use crate::analysis::diagnosis::{Diagnosis, LEFT_OUT};
use crate::analysis::similarity::Method;
use crate::analysis::similarity::shares::shares;
use crate::model::Model;
use crate::trace::Trace;
use crate::widgets::number;

/// Everything, in colours where the terminal has them and in lines that fit it.
pub fn report(
    model: &Model,
    first: &Explained,
    second: Option<&Explained>,
    diagnosis: &Diagnosis,
    (colors, room): (Colors, usize),
) -> String {
    let mut out = headline(model, first, colors);
    out.push_str(&findings::standing(diagnosis, colors));
    for (letter, trace) in [("A", &first.a), ("B", &first.b)] {
        out.push_str(&format!("{}  {}\n", colors.bold(letter), one_line(trace)));
    }
    out.push('\n');
    out.push_str(&poolings(first, colors));
    if !diagnosis.findings.is_empty() {
        out.push('\n');
        out.push_str(&findings::list(diagnosis, colors));
    }
    if diagnosis.changed {
        out.push_str(&format!("\n{}\n", colors.dim(LEFT_OUT)));
    }
    for (method, answer) in &first.methods {
        out.push('\n');
        out.push_str(&explanation(*method, answer, first, colors, room));
    }
    if let Some(second) = second {
        out.push('\n');
        out.push_str(&against(first, second, colors));
    }
    out
}

fn headline(model: &Model, first: &Explained, colors: Colors) -> String {
    let own = if first.own { ", the model's own" } else { "" };
    let cos = colors.bold(&format!("{:.4}", first.cos));
    let about = format!(
        "cosine under {} pooling{own} · {}",
        names(&first.pooling, " + "),
        model.id
    );
    format!("{cos}  {}\n\n", colors.dim(&about))
}

/// The text as the model saw it, prompt included, on one line.
fn one_line(trace: &Trace) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    trace.tokens.text.chars().map(plain).collect()
}

/// The cosine under each pooling, the one in use marked.
fn poolings(first: &Explained, colors: Colors) -> String {
    let mut out = String::new();
    for (mode, cos) in &first.poolings {
        let cos = cos.map_or_else(|| "–".to_owned(), |cos| format!("{cos:.4}"));
        let line = format!("{} {}", left(mode.name(), 20), right(&cos, 8));
        let used = first.pooling == [*mode];
        out.push_str(&match used {
            true => format!("{} ←\n", colors.bold(&line)),
            false => format!("{line}\n"),
        });
    }
    out
}

/// The matrix, what it adds up to, and the shares.
fn explanation(
    method: Method,
    answer: &Answer,
    first: &Explained,
    colors: Colors,
    room: usize,
) -> String {
    let pairs = &answer.matrix;
    // What explains no number adds up to none.
    let adds_up = !pairs.explains.is_nan();
    let mut out = format!(
        "{}{}\n{}",
        answer.table,
        grid(pairs, colors, room),
        method.name()
    );
    if adds_up {
        out.push_str(&format!(
            "  Σ {:.4}  cos {:.4}  residual {}  κ {}",
            pairs.sum(),
            pairs.explains,
            plain(pairs.residual()),
            pairs
                .cancellation()
                .map_or_else(|| "none".to_owned(), plain),
        ));
    }
    let time = format!("{:.1} ms", 1e3 * pairs.seconds);
    out.push_str(&format!("  {}\n", colors.dim(&time)));
    if !answer.remark.is_empty() {
        out.push_str(&format!("{}\n", answer.remark));
    }
    if !adds_up {
        return out + "\n" + &colors.dim(note(method));
    }
    if !pairs.holds() {
        out.push_str("the parts do not add up to the cosine: do not trust them\n");
    }
    let shares = shares(pairs, &first.a.tokens, &first.b.tokens);
    if !shares.is_empty() {
        out.push('\n');
    }
    for share in shares {
        if share.pairs > 0 {
            let (title, count) = (left(&share.title(), 20), share.pairs);
            let line = format!("{title} {:>8.4}", share.sum);
            out.push_str(&format!(
                "{line}  {}\n",
                colors.dim(&format!("{count} pairs"))
            ));
        }
    }
    out + "\n" + &colors.dim(note(method))
}

/// A·C beside A·B, and what makes the difference.
fn against(first: &Explained, second: &Explained, colors: Colors) -> String {
    let difference = first.cos - second.cos;
    let closer = if difference < 0. { "C" } else { "B" };
    let mut out = format!(
        "{}  {}\n{}  A·C, {:.4} {} A·B: {closer} is closer to A\n",
        colors.bold("C"),
        one_line(&second.b),
        colors.bold(&format!("{:.4}", second.cos)),
        difference.abs(),
        if difference < 0. { "above" } else { "below" },
    );
    out.push_str(&contrast::tables(
        &contrast::differences(first, second),
        colors,
    ));
    out
}

/// A number with a minus sign that tools can read back.
fn plain(value: f64) -> String {
    number(value).replace('−', "-")
}
