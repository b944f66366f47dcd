//! What `why` prints for a person.

use super::Explained;
use super::causal::describe;
use super::document::names;
use super::grid::grid;
use super::paint::{Colors, left, right};
use crate::analysis::similarity::PairMatrix;
use crate::analysis::similarity::shares::shares;
use crate::model::Model;
use crate::trace::Trace;
use crate::widgets::{number, piece_label};

/// Everything, in colours where the terminal has them and in lines that fit it.
pub fn report(
    model: &Model,
    first: &Explained,
    second: Option<&Explained>,
    colors: Colors,
    room: usize,
) -> String {
    let mut out = headline(model, first, colors);
    for (letter, trace) in [("A", &first.a), ("B", &first.b)] {
        out.push_str(&format!("{}  {}\n", colors.bold(letter), one_line(trace)));
    }
    out.push('\n');
    out.push_str(&poolings(first, colors));
    if let Some(pairs) = first.pairs() {
        out.push('\n');
        out.push_str(&explanation(pairs, first, colors, room));
    }
    for (method, outcome) in &first.causal {
        out.push('\n');
        out.push_str(&describe(*method, outcome, colors, room));
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
fn explanation(pairs: &PairMatrix, first: &Explained, colors: Colors, room: usize) -> String {
    let mut out = grid(pairs, colors, room);
    out.push_str(&format!(
        "\npairs  Σ {:.4}  cos {:.4}  residual {}  κ {}  {}\n",
        pairs.sum(),
        pairs.explains,
        plain(pairs.residual()),
        plain(pairs.cancellation()),
        colors.dim(&format!("{:.1} ms", 1e3 * pairs.seconds)),
    ));
    if !pairs.holds() {
        out.push_str("the pairs do not add up to the cosine: do not trust them\n");
    }
    out.push('\n');
    for share in shares(pairs, &first.a.tokens, &first.b.tokens) {
        if share.pairs > 0 {
            let (title, count) = (left(share.class.title(), 20), share.pairs);
            let line = format!("{title} {:>8.4}", share.sum);
            out.push_str(&format!(
                "{line}  {}\n",
                colors.dim(&format!("{count} pairs"))
            ));
        }
    }
    let note = "Pairs are of contextual tokens: each already holds what attention brought in from the others.\n\
        Long vectors count for more, so the cosine is not the average of the tokens' cosines.\n";
    out + "\n" + &colors.dim(note)
}

/// A·C beside A·B, and which tokens of A make the difference.
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
    let (Some(b), Some(c)) = (first.pairs(), second.pairs()) else {
        return out;
    };
    out.push_str(&format!(
        "\n{}    A·B      A·C   A·B − A·C\n",
        left("token of A", 20)
    ));
    for ((name, b), c) in b.rows.iter().zip(b.row_sums()).zip(c.row_sums()) {
        let name = left(&piece_label(name), 20);
        out.push_str(&format!("{name} {b:>8.4} {c:>8.4} {:>11.4}\n", b - c));
    }
    let sums = (b.sum(), c.sum());
    let sum = left("Σ", 20);
    out + &format!(
        "{sum} {:>8.4} {:>8.4} {:>11.4}\n",
        sums.0,
        sums.1,
        sums.0 - sums.1
    )
}

/// A number with a minus sign that tools can read back.
fn plain(value: f64) -> String {
    number(value).replace('−', "-")
}
