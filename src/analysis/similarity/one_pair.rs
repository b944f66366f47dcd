//! One cell of the map of token pairs, taken further apart: by dimensions, by what wrote the two
//! vectors, and layer by layer.

use std::ops::Range;

use super::components::{group_parts, written_names};
use super::pairs::token_pairs;
use super::parts::Parts;
use super::{EXACT, PairMatrix};
use crate::analysis::pooling::{missing, sentence};
use crate::analysis::vectors::{cosine, norm, quotient, to_f64};
use crate::cancel::Cancel;
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::{EmbedSite, LayerSite, Site, Trace};

/// Which tokens of a and of b: a token or the pieces of a word each.
pub type Cell = (Range<usize>, Range<usize>);

/// What two tokens (or words) add to the cosine together, C_ij (see [`token_pairs`]), taken apart.
pub struct OnePair {
    /// By dimensions of the sentence vector: row `pair`, columns `0`, `1`, …: [1, E]. Under mean
    /// pooling without modules behind it these are w_i·w_j·x_ik·y_jk/(|e_a||e_b|). Σ is C_ij.
    pub dimensions: PairMatrix,
    /// By what wrote into the residual stream at the two tokens, rows of a's and columns of b's:
    /// `embed`, `L1.H1`, …, `biases`; direct effects as in [`super::components`]. Σ is C_ij.
    /// [2 + L·(H + 1)] squared.
    pub writers: PairMatrix,
    /// The cosine of the two tokens' states at `embed.out` and after each layer, [1 + L]; of a word
    /// the sum over its pieces.
    pub layers: Vec<f64>,
}

impl OnePair {
    /// Both traces must be full ones of this model.
    ///
    /// # Errors
    /// When a trace lacks a site, the cell lies outside of the texts, or the head does not take this
    /// pooling; [`ModelError::Stopped`] once `cancel` is up.
    pub fn new(
        model: &Model,
        (a, b): (&Trace, &Trace),
        options: HeadOptions,
        cell: &Cell,
        cancel: &Cancel,
    ) -> Result<Self, ModelError> {
        let (rows, columns) = cell;
        if rows.end > a.tokens.len() || columns.end > b.tokens.len() {
            return Err(ModelError::Input {
                what: "pair".to_owned(),
                problem: "lies outside of the texts".to_owned(),
            });
        }
        let pairs = token_pairs(&model.head, a, b, options)?;
        let cells = rows
            .clone()
            .flat_map(|row| columns.clone().map(move |column| (row, column)));
        let value: f64 = cells.map(|(row, column)| pairs.at(row, column)).sum();
        let (e_a, e_b) = (
            sentence(&model.head, a, options)?,
            sentence(&model.head, b, options)?,
        );
        Ok(Self {
            dimensions: dimensions(model, (a, b), options, cell, value)?,
            writers: {
                let of_a = group_parts(model, a, options, rows, cancel)?;
                let of_b = group_parts(model, b, options, columns, cancel)?;
                corner(
                    &of_a.pairs(&of_b, &e_a, &e_b)?,
                    written_names(model).len(),
                    value,
                )
            },
            layers: layers((a, b), cell)?,
        })
    }

    /// C_ij.
    pub fn value(&self) -> f64 {
        self.dimensions.explains
    }
}

fn dimensions(
    model: &Model,
    (a, b): (&Trace, &Trace),
    options: HeadOptions,
    (rows, columns): &Cell,
    value: f64,
) -> Result<PairMatrix, ModelError> {
    let vector = |trace: &Trace, tokens: &Range<usize>| {
        let parts = Parts::of_tokens(&model.head, trace, options)?.parts; // [T, E]
        let group = parts.narrow(0, tokens.start, tokens.len())?.sum(0)?;
        Ok::<Vec<f64>, ModelError>(group.to_vec1()?)
    };
    let (u, v) = (vector(a, rows)?, vector(b, columns)?);
    let length =
        |trace| Ok::<_, ModelError>(norm(&to_f64(&sentence(&model.head, trace, options)?)));
    let lengths = length(a)? * length(b)?;
    let products = u.iter().zip(&v).map(|(x, y)| quotient(x * y, lengths));
    Ok(PairMatrix {
        values: products.collect(),
        rows: vec!["pair".to_owned()],
        columns: (0..u.len()).map(|k| k.to_string()).collect(),
        explains: value,
        tolerance: EXACT,
        seconds: 0.,
    })
}

/// The first `size` rows and columns, which should add up to `value`.
fn corner(matrix: &PairMatrix, size: usize, value: f64) -> PairMatrix {
    PairMatrix {
        values: (0..size)
            .flat_map(|row| matrix.row(row)[..size].to_vec())
            .collect(),
        rows: matrix.rows[..size].to_vec(),
        columns: matrix.columns[..size].to_vec(),
        explains: value,
        ..*matrix
    }
}

fn layers((a, b): (&Trace, &Trace), (rows, columns): &Cell) -> Result<Vec<f64>, ModelError> {
    let after = (0..a.layers).map(|l| Site::Layer(l, LayerSite::ResidOut));
    let sites = std::iter::once(Site::Embed(EmbedSite::Out)).chain(after);
    let state = |trace: &Trace, site: Site, tokens: &Range<usize>| {
        let values = trace.values(site).ok_or_else(|| missing(site))?;
        let mut sum = vec![0.; values.size(1)];
        for t in tokens.clone() {
            let row = values.row(&[t]);
            sum.iter_mut()
                .zip(row.iter())
                .for_each(|(sum, &x)| *sum += f64::from(x));
        }
        Ok::<_, ModelError>(sum)
    };
    let at = |site| Ok(cosine(&state(a, site, rows)?, &state(b, site, columns)?));
    sites.map(at).collect()
}
