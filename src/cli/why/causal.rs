//! The methods of `why` that run the model again, with their progress on stderr.

use serde_json::{Map, Value, json};

use super::methods::{Answer, Subject, keys};
use super::paint::{left, right};
use crate::analysis::job::Job;
use crate::analysis::similarity::ablation::{Ablation, Fill, ablation};
use crate::analysis::similarity::integrated::integrated;
use crate::analysis::similarity::leave_one_out::{LeaveOneOut, Removal, leave_one_out};
use crate::analysis::similarity::patching::{Patching, patching, same_index};
use crate::analysis::similarity::shapley::{Sampling, shapley};
use crate::analysis::similarity::{Method, PairMatrix};
use crate::cancel::Cancel;
use crate::cli::progress::Line;
use crate::model::ModelError;
use crate::widgets::piece_label;

/// Runs one method with a line of progress.
fn watched<R>(
    method: Method,
    cancel: &Cancel,
    run: impl FnOnce(&mut Job<'_>) -> Result<R, ModelError>,
) -> Result<R, ModelError> {
    let mut line = Line::new();
    let name = method.name();
    let mut progress = |done, total| line.update(|| format!("{name}: {done} of {total}"));
    run(&mut Job::new(cancel, &mut progress))
}

/// A map that adds up to nothing: it explains no number, which is NaN here and null in JSON.
fn map(values: Vec<f64>, rows: Vec<String>, columns: Vec<String>, seconds: f64) -> PairMatrix {
    PairMatrix {
        values,
        rows,
        columns,
        explains: f64::NAN,
        tolerance: f64::NAN,
        seconds,
    }
}

fn rows(values: &[f64], width: usize) -> Vec<&[f64]> {
    values.chunks(width.max(1)).collect()
}

pub fn leave_one_out_of(subject: &Subject<'_>, cancel: &Cancel) -> Result<Answer, ModelError> {
    let &Subject {
        model,
        a,
        b,
        options,
        ..
    } = subject;
    let all: Vec<LeaveOneOut> = watched(Method::LeaveOneOut, cancel, |job| {
        let one = |removal| leave_one_out(model, a, b, options, removal, job);
        Removal::ALL.into_iter().map(one).collect()
    })?;
    let width = b.tokens.len();
    let of = |found: &LeaveOneOut| {
        let value = json!({
            "a": found.a, "b": found.b,
            "matrix": rows(&found.interaction, width),
            "seconds": found.seconds,
        });
        (found.removal.name().to_owned(), value)
    };
    let removals: Map<String, Value> = all.iter().map(of).collect();
    let masked = &all[Removal::Mask as usize];
    let (pieces_a, pieces_b) = (&a.tokens.pieces, &b.tokens.pieces);
    let table = [("A", pieces_a, true), ("B", pieces_b, false)]
        .map(|(letter, pieces, of_a)| changes(letter, pieces, &all, of_a));
    let seconds = all.iter().map(|found| found.seconds).sum();
    let interaction = masked.interaction.clone();
    Ok(Answer {
        extra: keys([
            ("removal", json!(Removal::Mask.name())),
            ("a", json!(masked.a)),
            ("b", json!(masked.b)),
            ("removals", removals.into()),
        ]),
        table: table.concat(),
        without: Some([masked.a.clone(), masked.b.clone()]),
        ..map(interaction, pieces_a.clone(), pieces_b.clone(), seconds).into()
    })
}

/// One text's tokens, and what the cosine loses without each by every removal.
fn changes(letter: &str, pieces: &[String], all: &[LeaveOneOut], of_a: bool) -> String {
    let columns = all.iter().map(|found| right(found.removal.name(), 9));
    let columns: String = columns.collect();
    let mut out = format!("{}{columns}\n", left(&format!("without, in {letter}"), 20));
    for (i, piece) in pieces.iter().enumerate() {
        let change = |found: &LeaveOneOut| match if of_a { found.a[i] } else { found.b[i] } {
            change if change.is_nan() => right("–", 9),
            change => right(&format!("{change:.4}"), 9),
        };
        let cells: String = all.iter().map(change).collect();
        out.push_str(&format!("{}{cells}\n", left(&piece_label(piece), 20)));
    }
    out + "\n"
}

pub fn shapley_of(subject: &Subject<'_>, cancel: &Cancel) -> Result<Answer, ModelError> {
    let sampling = Sampling::default();
    let found = watched(Method::Shapley, cancel, |job| {
        let (model, options) = (subject.model, subject.options);
        shapley(model, subject.a, subject.b, options, sampling, job)
    })?;
    let errors = found.row_errors.iter().chain(&found.column_errors);
    let largest = errors.copied().fold(0., f64::max);
    let permutations = sampling.permutations;
    Ok(Answer {
        remark: format!(
            "{permutations} permutations of each text; the sum of a row or a column is uncertain by {largest:.4} at most"
        ),
        extra: keys([
            ("row_errors", json!(found.row_errors)),
            ("column_errors", json!(found.column_errors)),
            ("permutations", json!(permutations)),
            ("seed", json!(sampling.seed)),
            ("encoded", json!(found.encoded)),
        ]),
        ..found.matrix.into()
    })
}

pub fn ablation_of(subject: &Subject<'_>, cancel: &Cancel) -> Result<Answer, ModelError> {
    let all: Vec<Ablation> = watched(Method::Ablation, cancel, |job| {
        let &Subject {
            model,
            a,
            b,
            options,
            ..
        } = subject;
        let one = |fill| ablation(model, a, b, options, fill, job);
        Fill::ALL.into_iter().map(one).collect()
    })?;
    let of = |found: &Ablation| {
        let width = found.heads + 1;
        let value = json!({
            "a": rows(&found.a, width), "b": rows(&found.b, width),
            "matrix": rows(&found.both, width),
            "seconds": found.seconds,
        });
        (found.fill.name().to_owned(), value)
    };
    let fills: Map<String, Value> = all.iter().map(of).collect();
    let zero = &all[Fill::Zero as usize];
    let width = zero.heads + 1;
    let (rows_of_map, columns) = (zero.rows(), zero.columns());
    let seconds = all.iter().map(|found| found.seconds).sum();
    Ok(Answer {
        extra: keys([
            ("fill", json!(Fill::Zero.name())),
            ("a", json!(rows(&zero.a, width))),
            ("b", json!(rows(&zero.b, width))),
            ("fills", fills.into()),
        ]),
        ..map(zero.both.clone(), rows_of_map, columns, seconds).into()
    })
}

pub fn patching_of(subject: &Subject<'_>, cancel: &Cancel) -> Result<Answer, ModelError> {
    let (model, options) = (subject.model, subject.options);
    let (a, b) = (subject.a, subject.b);
    let (into_a, into_b) = watched(Method::Patching, cancel, |job| {
        let into_a = patching(model, a, b, options, &same_index(a, b), job)?;
        let into_b = patching(model, b, a, options, &same_index(b, a), job)?;
        Ok((into_a, into_b))
    })?;
    let width = b.tokens.len();
    let seconds = into_a.seconds + into_b.seconds;
    let Patching { layers, change, .. } = into_a;
    let names = (1..=layers).map(|layer| format!("L{layer}")).collect();
    Ok(Answer {
        extra: keys([
            ("alignment", json!("same index")),
            ("b", json!(rows(&into_b.change, width))),
        ]),
        ..map(change, names, a.tokens.pieces.clone(), seconds).into()
    })
}

pub fn integrated_of(subject: &Subject<'_>, cancel: &Cancel) -> Result<Answer, ModelError> {
    let found = watched(Method::Integrated, cancel, |job| {
        let (model, options) = (subject.model, subject.options);
        integrated(model, subject.a, subject.b, options, job)
    })?;
    Ok(Answer {
        remark: match found.left() {
            None => format!("{} steps", found.steps),
            Some(left) => format!(
                "{} steps, the most that are tried; they miss up to {left:.4} of a vector",
                found.steps
            ),
        },
        extra: keys([("steps", json!(found.steps)), ("off", json!(found.off))]),
        ..found.matrix.into()
    })
}
