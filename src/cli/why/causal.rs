//! The methods of `why` that run the model again: what they compute, their own keys in the document,
//! and what a person sees of them.

use serde_json::{Map, Value, json};

use super::grid::grid;
use super::paint::{Colors, left, right};
use crate::analysis::job::Job;
use crate::analysis::similarity::ablation::{Fill, ablation};
use crate::analysis::similarity::integrated::integrated;
use crate::analysis::similarity::leave_one_out::{LeaveOneOut, Removal, leave_one_out};
use crate::analysis::similarity::shapley::{Sampling, shapley};
use crate::analysis::similarity::{Method, PairMatrix};
use crate::cancel::Cancel;
use crate::cli::Failure;
use crate::cli::progress::Line;
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::Trace;
use crate::widgets::piece_label;

/// What a method found.
pub struct Outcome {
    /// Where the method is no decomposition there is nothing that it explains: NaN, null in JSON.
    pub matrix: PairMatrix,
    /// Keys of this method alone.
    pub extra: Map<String, Value>,
    /// A table of its own in front of the matrix, and a line on how to read it.
    table: String,
    note: String,
}

/// Runs one method, with its progress on stderr; none where the method does not run the model again.
pub fn run(
    method: Method,
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
) -> Result<Option<Outcome>, Failure> {
    let cancel = Cancel::new();
    let mut line = Line::new();
    let mut progress =
        |done, total| line.update(|| format!("{}: {done} of {total}", method.name()));
    let mut job = Job::new(&cancel, &mut progress);
    let find = match method {
        Method::LeaveOneOut => of_leave_one_out,
        Method::Shapley => of_shapley,
        Method::Ablation => of_ablation,
        Method::Integrated => of_integrated,
        _ => return Ok(None),
    };
    Ok(Some(find(model, a, b, options, &mut job)?))
}

fn rows(values: &[f64], width: usize) -> Vec<&[f64]> {
    values.chunks(width.max(1)).collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn of_leave_one_out(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    job: &mut Job<'_>,
) -> Result<Outcome, ModelError> {
    let one = |removal| leave_one_out(model, a, b, options, removal, job);
    let all: Vec<LeaveOneOut> = Removal::ALL
        .into_iter()
        .map(one)
        .collect::<Result<_, _>>()?;
    let width = b.tokens.len();
    let of = |found: &LeaveOneOut| {
        json!({
            "a": found.a, "b": found.b,
            "matrix": rows(&found.interaction, width),
            "seconds": found.seconds,
        })
    };
    let removals = all
        .iter()
        .map(|found| (found.removal.name().to_owned(), of(found)));
    let removals: Map<String, Value> = removals.collect();
    let [_, masked, _] = Removal::ALL.map(|removal| &all[removal as usize]);
    let mut table = String::new();
    for (letter, trace) in [("A", a), ("B", b)] {
        let columns = Removal::ALL
            .map(|removal| right(removal.name(), 9))
            .concat();
        table.push_str(&format!(
            "{}{columns}\n",
            left(&format!("without, in {letter}"), 20)
        ));
        for (i, piece) in trace.tokens.pieces.iter().enumerate() {
            let delta = |found: &LeaveOneOut| match letter {
                "A" => found.a[i],
                _ => found.b[i],
            };
            let cells = all.iter().map(|found| match delta(found) {
                delta if delta.is_nan() => right("–", 9),
                delta => right(&format!("{delta:.4}"), 9),
            });
            let cells: String = cells.collect();
            table.push_str(&format!("{}{cells}\n", left(&piece_label(piece), 20)));
        }
        table.push('\n');
    }
    Ok(Outcome {
        matrix: PairMatrix {
            values: masked.interaction.clone(),
            rows: a.tokens.pieces.clone(),
            columns: b.tokens.pieces.clone(),
            explains: f64::NAN,
            tolerance: f64::NAN,
            seconds: all.iter().map(|found| found.seconds).sum(),
        },
        extra: object(json!({
            "removal": Removal::Mask.name(),
            "a": masked.a, "b": masked.b,
            "removals": removals,
        })),
        table,
        note: "Above: cosine less the cosine without the token (out of the pool; masked from attention and pool; \
            deleted from the text).\nBelow: what two masked tokens do together that neither does alone. It adds up to nothing in particular."
            .to_owned(),
    })
}

fn of_shapley(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    job: &mut Job<'_>,
) -> Result<Outcome, ModelError> {
    let sampling = Sampling::default();
    let found = shapley(model, a, b, options, sampling, job)?;
    let errors = found.row_errors.iter().chain(&found.column_errors);
    let largest = errors.copied().fold(0., f64::max);
    Ok(Outcome {
        matrix: found.matrix,
        extra: object(json!({
            "row_errors": found.row_errors, "column_errors": found.column_errors,
            "permutations": sampling.permutations, "seed": sampling.seed, "encoded": found.encoded,
        })),
        table: String::new(),
        note: format!(
            "Shapley values of tokens over {} permutations a text; a row's or a column's sum is uncertain by {largest:.4} at most.",
            sampling.permutations
        ),
    })
}

fn of_ablation(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    job: &mut Job<'_>,
) -> Result<Outcome, ModelError> {
    let found = ablation(model, a, b, options, Fill::Zero, job)?;
    let width = found.heads + 1;
    Ok(Outcome {
        extra: object(json!({
            "fill": "zero", "a": rows(&found.a, width), "b": rows(&found.b, width),
        })),
        matrix: PairMatrix {
            rows: found.rows(),
            columns: found.columns(),
            values: found.both,
            explains: f64::NAN,
            tolerance: f64::NAN,
            seconds: found.seconds,
        },
        table: String::new(),
        note: "Cosine less the cosine with the part's output set to zero in both texts. It adds up to nothing in particular."
            .to_owned(),
    })
}

fn of_integrated(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    job: &mut Job<'_>,
) -> Result<Outcome, ModelError> {
    let found = integrated(model, a, b, options, job)?;
    Ok(Outcome {
        matrix: found.matrix,
        extra: object(json!({ "steps": found.steps, "off": found.off })),
        table: String::new(),
        note: format!(
            "Integrated from a text of padding in {} steps; the last row and column are that text.",
            found.steps
        ),
    })
}

/// One method for a person.
pub fn describe(method: Method, outcome: &Outcome, colors: Colors, room: usize) -> String {
    let matrix = &outcome.matrix;
    let seconds = colors.dim(&format!("{:.1} s", matrix.seconds));
    let sum = match matrix.explains.is_nan() {
        true => String::new(),
        false => format!(
            "  Σ {:.4}  cos {:.4}  residual {:.1e}",
            matrix.sum(),
            matrix.explains,
            matrix.residual()
        ),
    };
    let grid = grid(matrix, colors, room);
    let name = method.name();
    let mut out = format!("{}{grid}\n{name}{sum}  {seconds}\n", outcome.table);
    if !matrix.explains.is_nan() && !matrix.holds() {
        out.push_str("the parts do not add up to the cosine: do not trust them\n");
    }
    out + &colors.dim(&format!("{}\n", outcome.note))
}
