//! `--against`: what makes A closer to B than to C, method by method.

use serde::Serialize;

use super::Explained;
use super::methods::Answer;
use super::paint::{Colors, left, right};
use crate::analysis::similarity::contrast::Contrast;
use crate::analysis::similarity::{Method, PairMatrix};
use crate::widgets::{number, piece_label};

/// Rows of a table in which not every part is worth a line.
const MOST: usize = 12;

/// The difference cos(A,B) − cos(A,C) by one method.
#[derive(Serialize)]
pub struct Difference {
    /// What the parts of A do: above 0 where one speaks for B.
    a: PartsOfA,
    /// What the parts of B, and those of C, do for the difference; none where the parts are of all
    /// three at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<Parts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<Parts>,
    /// Σ over A's parts; null for what adds up to nothing in particular.
    sum: Option<f64>,
    /// cos(A,B) − cos(A,C).
    explains: f64,
    residual: Option<f64>,
}

#[derive(Serialize)]
struct PartsOfA {
    names: Vec<String>,
    to_b: Vec<f64>,
    to_c: Vec<f64>,
    difference: Vec<f64>,
}

#[derive(Serialize)]
struct Parts {
    names: Vec<String>,
    difference: Vec<f64>,
}

/// By each method of both that can be taken against each other.
pub fn differences(first: &Explained, second: &Explained) -> Vec<(Method, Difference)> {
    let pairs = first.methods.iter().zip(&second.methods);
    let one = |((method, ab), (_, ac)): (&(Method, Answer), &(Method, Answer))| {
        Some((
            *method,
            difference(*method, ab, ac, first.cos - second.cos)?,
        ))
    };
    pairs.filter_map(one).collect()
}

fn difference(method: Method, ab: &Answer, ac: &Answer, cos: f64) -> Option<Difference> {
    match method {
        Method::Pairs | Method::Input | Method::Components => {
            of_contrast(Contrast::new(&ab.matrix, &ac.matrix)?, true)
        }
        Method::Dims => of_contrast(Contrast::of_columns(&ab.matrix, &ac.matrix)?, false),
        Method::LeaveOneOut => of_removals(ab, ac, cos),
        _ => None,
    }
}

fn of_contrast(found: Contrast, sides: bool) -> Option<Difference> {
    let (sum, residual) = (found.sum(), found.residual());
    let side = |side: crate::analysis::similarity::contrast::Side| Parts {
        names: side.names,
        difference: side.values,
    };
    Some(Difference {
        sum: Some(sum),
        residual: Some(residual),
        explains: found.explains,
        a: PartsOfA {
            names: found.a.names,
            to_b: found.to_b,
            to_c: found.to_c,
            difference: found.a.values,
        },
        b: sides.then(|| side(found.b)),
        c: sides.then(|| side(found.c)),
    })
}

/// What the difference loses without each token, masked: of both runs of A, since A is the same.
fn of_removals(ab: &Answer, ac: &Answer, explains: f64) -> Option<Difference> {
    let [to_b, b] = ab.without.clone()?;
    let [to_c, c] = ac.without.clone()?;
    let tokens = |matrix: &PairMatrix| (matrix.rows.clone(), matrix.columns.clone());
    let ((names, names_b), (_, names_c)) = (tokens(&ab.matrix), tokens(&ac.matrix));
    let less = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x - y).collect();
    Some(Difference {
        a: PartsOfA {
            names,
            difference: less(&to_b, &to_c),
            to_b,
            to_c,
        },
        b: Some(Parts {
            names: names_b,
            difference: b,
        }),
        c: Some(Parts {
            names: names_c,
            difference: c.into_iter().map(|x| -x).collect(),
        }),
        sum: None,
        explains,
        residual: None,
    })
}

/// Tables for a person.
pub fn tables(found: &[(Method, Difference)], colors: Colors) -> String {
    let one = |(method, difference): &(Method, Difference)| table(*method, difference, colors);
    found.iter().map(one).collect()
}

fn table(method: Method, found: &Difference, colors: Colors) -> String {
    let (what, all) = match method {
        Method::Dims => ("dimension", false),
        Method::Components => ("part of A", false),
        Method::LeaveOneOut => ("without, in A", true),
        _ => ("token of A", true),
    };
    let a = &found.a;
    let mut order: Vec<usize> = (0..a.names.len()).collect();
    if !all {
        order.sort_by(|&i, &j| a.difference[j].abs().total_cmp(&a.difference[i].abs()));
        order.truncate(MOST);
    }
    let title = match all {
        true => method.name().to_owned(),
        false => format!("{}, the {} largest", method.name(), order.len()),
    };
    let mut out = format!(
        "\n{}\n{}    A·B      A·C   A·B − A·C\n",
        colors.dim(&title),
        left(what, 20)
    );
    for i in order {
        let name = left(&piece_label(&a.names[i]), 20);
        let (b, c) = (a.to_b[i], a.to_c[i]);
        out.push_str(&format!(
            "{name} {b:>8.4} {c:>8.4} {:>11.4}\n",
            a.difference[i]
        ));
    }
    for (letter, side) in [("B", &found.b), ("C", &found.c)] {
        if let (Some(side), true) = (side, all) {
            out.push_str(&format!(
                "{} A·B − A·C\n",
                left(&format!("token of {letter}"), 38)
            ));
            for (name, value) in side.names.iter().zip(&side.difference) {
                let name = left(&piece_label(name), 20);
                out.push_str(&format!("{name}{}\n", right(&format!("{value:.4}"), 30)));
            }
        }
    }
    if let (Some(sum), Some(residual)) = (found.sum, found.residual) {
        let (to_b, to_c): (f64, f64) = (a.to_b.iter().sum(), a.to_c.iter().sum());
        let residual = number(residual).replace('−', "-");
        out.push_str(&format!(
            "{} {to_b:>8.4} {to_c:>8.4} {sum:>11.4}  residual {residual}\n",
            left(if all { "Σ over A" } else { "Σ" }, 20)
        ));
    }
    out
}
