//! Why two texts score as similar: methods that spread the cosine over pairs of tokens.

pub mod ablation;
pub mod changed;
pub mod common;
pub mod components;
pub mod contrast;
pub mod dims;
pub mod faithfulness;
mod frozen;
pub mod gradients;
mod head_along;
pub mod input;
pub mod integrated;
pub mod layer_bands;
pub mod layers;
pub mod leave_one_out;
pub mod one_pair;
pub mod order;
pub mod pairs;
pub mod parts;
pub mod patching;
mod pool;
pub mod ranking;
pub(in crate::analysis) mod reruns;
pub mod shapley;
pub mod shares;
pub mod truncation;
pub mod words;

use thiserror::Error;

/// How far the sum of an exact decomposition may be from what it explains.
pub const EXACT: f64 = 1e-5;

/// The methods that there are, by the names under which the command line knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Pairs of contextual tokens, as the pool weighs them.
    Pairs,
    /// Dimensions of the sentence vector.
    Dims,
    /// What any two texts share, and what is the two texts' own.
    Common,
    /// Pairs of input tokens, through the network with its non-linearities held.
    Input,
    /// Pairs of what wrote into the residual stream: embedding, heads, feed-forwards, biases.
    Components,
    /// What each layer changes.
    Layers,
    /// Leave-one-out: the model run again without each token.
    LeaveOneOut,
    /// Pairs of Shapley values of tokens.
    Shapley,
    /// The model run again without each head and each feed-forward block.
    Ablation,
    /// One token's state from the other text's run put into this one's.
    Patching,
    /// Pairs of integrated Jacobians of tokens.
    Integrated,
}

#[derive(Debug, Error)]
#[error("`{name}` is not a method; there are: {}", Method::names())]
pub struct UnknownMethod {
    pub name: String,
}

impl Method {
    pub const ALL: [Self; 11] = [
        Self::Pairs,
        Self::Dims,
        Self::Common,
        Self::Input,
        Self::Components,
        Self::Layers,
        Self::LeaveOneOut,
        Self::Shapley,
        Self::Ablation,
        Self::Patching,
        Self::Integrated,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pairs => "pairs",
            Self::Dims => "dims",
            Self::Common => "common",
            Self::Input => "input",
            Self::Components => "components",
            Self::Layers => "layers",
            Self::LeaveOneOut => "loo",
            Self::Shapley => "shapley",
            Self::Ablation => "ablation",
            Self::Patching => "patching",
            Self::Integrated => "ij",
        }
    }

    /// True where the method reads the inside of every layer: the texts must be recorded in full.
    pub fn needs_inside(self) -> bool {
        matches!(self, Self::Input | Self::Components)
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl std::str::FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let found = Self::ALL.into_iter().find(|method| method.name() == name);
        found.ok_or_else(|| UnknownMethod {
            name: name.to_owned(),
        })
    }
}

/// A cosine spread over pairs: what each part of a and each part of b contribute to it together.
#[derive(Clone, Debug, PartialEq)]
pub struct PairMatrix {
    /// [rows, columns], row-major.
    pub values: Vec<f64>,
    /// a's tokens, then parts that belong to no token.
    pub rows: Vec<String>,
    /// b's tokens, then parts that belong to no token.
    pub columns: Vec<String>,
    /// The cosine that the values should add up to.
    pub explains: f64,
    /// How far their sum may be from it.
    pub tolerance: f64,
    /// Wall time of the method.
    pub seconds: f64,
}

/// What a [`PairMatrix`] comes to: made once where it is shown in every frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Totals {
    /// Σ of all cells.
    pub sum: f64,
    pub explains: f64,
    pub tolerance: f64,
    /// κ, see [`PairMatrix::cancellation`].
    pub cancellation: Option<f64>,
    /// The largest magnitude.
    pub largest: f64,
}

impl Totals {
    pub fn of(matrix: &PairMatrix) -> Self {
        Self {
            sum: matrix.sum(),
            explains: matrix.explains,
            tolerance: matrix.tolerance,
            cancellation: matrix.cancellation(),
            largest: matrix.largest(),
        }
    }

    /// What the sum leaves unexplained: Σ − cos.
    pub fn residual(&self) -> f64 {
        self.sum - self.explains
    }

    /// False where the sum misses the cosine by more than the method may, or is no number.
    pub fn holds(&self) -> bool {
        self.residual().abs() <= self.tolerance
    }
}

impl PairMatrix {
    /// One cell; NaN outside the matrix.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        let inside = column < self.columns.len();
        let index = row * self.columns.len() + column;
        self.values
            .get(index)
            .filter(|_| inside)
            .copied()
            .unwrap_or(f64::NAN)
    }

    pub fn row(&self, row: usize) -> &[f64] {
        let width = self.columns.len();
        self.values
            .get(row * width..(row + 1) * width)
            .unwrap_or(&[])
    }

    /// Σ of all cells.
    pub fn sum(&self) -> f64 {
        self.values.iter().sum()
    }

    /// What the sum leaves unexplained: Σ − cos.
    pub fn residual(&self) -> f64 {
        self.sum() - self.explains
    }

    /// False where the sum misses the cosine by more than the method may, or is no number.
    pub fn holds(&self) -> bool {
        self.residual().abs() <= self.tolerance
    }

    /// What each row contributes, [rows].
    pub fn row_sums(&self) -> Vec<f64> {
        let rows = 0..self.rows.len();
        rows.map(|row| self.row(row).iter().sum()).collect()
    }

    /// What each column contributes, [columns].
    pub fn column_sums(&self) -> Vec<f64> {
        let mut sums = vec![0.; self.columns.len()];
        for row in 0..self.rows.len() {
            sums.iter_mut()
                .zip(self.row(row))
                .for_each(|(sum, value)| *sum += value);
        }
        sums
    }

    /// κ = Σ|C|/|ΣC|: 1 where every pair pulls the same way, large where they cancel; none where nothing
    /// pulls.
    pub fn cancellation(&self) -> Option<f64> {
        let magnitude: f64 = self.values.iter().map(|value| value.abs()).sum();
        (magnitude > 0.).then(|| magnitude / self.sum().abs())
    }

    /// The largest magnitude, for a colour scale; what is no number does not count.
    pub fn largest(&self) -> f64 {
        self.values
            .iter()
            .fold(0., |most, value| f64::max(most, value.abs()))
    }

    /// The pairs of the largest magnitude, largest first: (row, column).
    pub fn top(&self, count: usize) -> Vec<(usize, usize)> {
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        let size = |i: usize| self.values[i].abs();
        order.sort_by(|&i, &j| size(j).total_cmp(&size(i)));
        let width = self.columns.len();
        order
            .into_iter()
            .take(count)
            .map(|i| (i / width, i % width))
            .collect()
    }
}
