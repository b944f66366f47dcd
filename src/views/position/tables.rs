//! The tables and their similarities, worked out once for each model and number of positions.

use crate::analysis::position::{similarity, sinusoid};
use crate::app::export::{NamedArray, Numbers};
use crate::cancel::Cancel;
use crate::model::Model;
use crate::views::subject::{bulk_scale, fresh_key, largest_of};
use crate::widgets::Scale;

/// The most positions that are compared with each other; of a longer table every n-th is taken.
const MOST: usize = 1024;

/// Which positions to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those of a text of so many tokens.
    First(usize),
    Whole,
}

/// One table of positions.
pub struct PositionTable {
    pub title: &'static str,
    /// [P, D], in the order of `dimensions`.
    pub values: Vec<f32>,
    /// Which dimension each column is.
    pub dimensions: Vec<usize>,
    pub scale: Scale,
    /// The value of largest magnitude.
    pub largest: f32,
    /// Cosines, [P, P].
    pub similarity: Vec<f32>,
    /// Names the values, then the cosines, for textures.
    pub keys: [u64; 2],
}

impl PositionTable {
    /// `values` are [P, D] with dimension after dimension; `dimensions` is how to show them.
    fn of(
        title: &'static str,
        values: &[f32],
        dimensions: Vec<usize>,
        cancel: &Cancel,
    ) -> Option<Self> {
        let size = dimensions.len();
        let similarity = similarity(values, size, cancel)?;
        let rows = values.chunks_exact(size.max(1));
        let values: Vec<f32> = rows
            .flat_map(|row| dimensions.iter().map(|&k| row[k]))
            .collect();
        Some(Self {
            title,
            dimensions,
            scale: bulk_scale(&values),
            largest: largest_of(&values),
            similarity,
            values,
            keys: [fresh_key(), fresh_key()],
        })
    }
}

/// The model's own table and the sinusoids, for the same P positions.
pub struct Tables {
    /// Which position each row is: all of them, or every n-th.
    pub positions: Vec<usize>,
    /// n: 1 where nothing is left out.
    pub step: usize,
    /// D
    pub size: usize,
    pub learned: PositionTable,
    pub sinusoid: PositionTable,
}

impl Tables {
    /// None while the weights are out of reach, or once the flag is up.
    pub fn of(model: &Model, part: Part, cancel: &Cancel) -> Option<Self> {
        let table = model.position_table()?;
        let first = model.first_position();
        let most = table.size(0).saturating_sub(first);
        let count = match part {
            Part::First(count) => count.min(most),
            Part::Whole => most,
        };
        let step = count.div_ceil(MOST).max(1);
        let positions: Vec<usize> = (0..count).step_by(step).collect();
        let size = table.size(1);
        let rows = positions.iter().map(|p| table.row(&[first + p]));
        let learned: Vec<f32> = rows.flat_map(|row| row.into_owned()).collect();
        let waves = sinusoid(positions.iter().copied(), size);
        // Sines and cosines take turns in the formula, which makes stripes of every wave.
        let waves_in_order = (0..size).step_by(2).chain((1..size).step_by(2)).collect();
        Some(Self {
            learned: PositionTable::of("learned", &learned, (0..size).collect(), cancel)?,
            sinusoid: PositionTable::of("sinusoidal, 2017", &waves, waves_in_order, cancel)?,
            positions,
            step,
            size,
        })
    }

    /// Values with dimension after dimension, and cosines, of the learned table and of the sinusoids.
    pub fn arrays(&self) -> Vec<NamedArray> {
        let (count, size) = (self.positions.len(), self.size);
        let rows: Vec<String> = self.positions.iter().map(usize::to_string).collect();
        let of = |name: &str, table: &PositionTable| {
            let mut values = vec![0.; table.values.len()];
            for (row, cells) in table.values.chunks(size.max(1)).enumerate() {
                for (&dimension, &value) in table.dimensions.iter().zip(cells) {
                    values[row * size + dimension] = value;
                }
            }
            let cosines = Numbers::Single(table.similarity.clone());
            [
                NamedArray::new(
                    format!("position.{name}"),
                    vec![count, size],
                    Numbers::Single(values),
                )
                .named(rows.clone(), Vec::new()),
                NamedArray::new(
                    format!("position.{name}.cosines"),
                    vec![count, count],
                    cosines,
                )
                .named(rows.clone(), rows.clone()),
            ]
        };
        let [learned, sinusoid] = [of("learned", &self.learned), of("sinusoid", &self.sinusoid)];
        learned.into_iter().chain(sinusoid).collect()
    }

    /// The cosines between learned positions.
    pub fn tsv(&self) -> String {
        let count = self.positions.len();
        let title = |p: &usize| p.to_string();
        let titles: Vec<String> = self.positions.iter().map(title).collect();
        let mut out = format!("position\t{}\n", titles.join("\t"));
        let rows = self.learned.similarity.chunks_exact(count.max(1));
        for (position, row) in titles.iter().zip(rows) {
            let row: Vec<String> = row.iter().map(f32::to_string).collect();
            out += &format!("{position}\t{}\n", row.join("\t"));
        }
        out
    }
}
