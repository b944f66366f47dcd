//! A teacher's sentence vectors, as a student is to give them.

use std::path::Path;

use candle_core::{DType, Tensor};

use super::TrainError;
use crate::analysis::projection::eigen;

/// One vector for each text, row by row.
pub struct Targets {
    values: Vec<f32>,
    size: usize,
}

/// The directions along which a teacher's vectors vary most, uncentred, so that dot products
/// between what is left are as near as can be to those of the whole vectors (Eckart & Young 1936).
pub struct Basis {
    /// [to, from], orthonormal rows, the largest first.
    rows: Tensor,
    /// The share of the vectors' squared length that it keeps.
    pub kept: f64,
}

/// Vectors that a basis is made from, at most.
const BASIS_FROM: usize = 60_000;

impl Basis {
    /// The best `size` directions of the targets' own.
    pub fn new(targets: &Targets, size: usize) -> Result<Self, TrainError> {
        let from = targets.size;
        let every = targets.len().div_ceil(BASIS_FROM).max(1);
        let sample: Vec<f32> = (0..targets.len())
            .step_by(every)
            .flat_map(|i| targets.row(i).iter().copied())
            .collect();
        let count = sample.len() / from;
        let sample = Tensor::from_vec(sample, (count, from), &candle_core::Device::Cpu)?;
        let moments = sample.t()?.contiguous()?.matmul(&sample)?; // [from, from]
        let moments = moments.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
        let (values, vectors) = eigen(moments, from);
        let kept = values[..size].iter().sum::<f64>() / values.iter().sum::<f64>();
        let rows: Vec<f32> = vectors[..size]
            .iter()
            .flatten()
            .map(|&x| x as f32)
            .collect();
        Ok(Self {
            rows: Tensor::from_vec(rows, (size, from), &candle_core::Device::Cpu)?,
            kept,
        })
    }

    /// [n, from] to [n, to].
    pub fn project(&self, targets: &Targets) -> Result<Targets, TrainError> {
        const ROWS: usize = 8192;
        let (to, from) = self.rows.dims2()?;
        let turned = self.rows.t()?.contiguous()?;
        let mut values = Vec::with_capacity(targets.len() * to);
        for part in targets.values.chunks(ROWS * from) {
            let part = Tensor::from_slice(part, (part.len() / from, from), self.rows.device())?;
            values.extend(part.matmul(&turned)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(Targets { values, size: to })
    }
}

impl Targets {
    /// # Errors
    /// When the values do not make whole rows.
    pub fn new(values: Vec<f32>, size: usize) -> Result<Self, TrainError> {
        match size > 0 && values.len().is_multiple_of(size) {
            true => Ok(Self { values, size }),
            false => Err(TrainError::Settings(format!(
                "{} values do not make whole vectors of {size}",
                values.len()
            ))),
        }
    }

    /// The rows of a .npy file, as `embedscope embed` writes it.
    ///
    /// # Errors
    /// When it is no matrix of floats, or holds NaN.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let bad = |problem: String| TrainError::file(path, problem);
        let tensor = Tensor::read_npy(path)
            .and_then(|t| t.to_dtype(DType::F32))
            .map_err(|e| bad(format!("is not a .npy file of floats ({e})")))?;
        let (_, size) = tensor.dims2().map_err(|_| {
            bad(format!(
                "has shape {:?}, not [texts, dimensions]",
                tensor.dims()
            ))
        })?;
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        if values.iter().any(|x| !x.is_finite()) {
            return Err(bad("holds NaN or infinite values".to_owned()));
        }
        Self::new(values, size)
    }

    pub fn len(&self) -> usize {
        self.values.len() / self.size
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The length of each vector.
    pub fn size(&self) -> usize {
        self.size
    }

    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.size..(i + 1) * self.size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basis_keeps_the_dot_products_of_vectors_in_few_directions() {
        // Vectors of six dimensions that only use three directions.
        let value = |i: usize, k: usize| {
            let x = [i as f32, (i * i % 7) as f32, 1.];
            x[0] * [1., 0., 2., 0., 1., 0.][k]
                + x[1] * [0., 1., 0., 0., 1., 0.][k]
                + x[2] * [0., 0., 0., 3., 0., 1.][k]
        };
        let values = (0..20)
            .flat_map(|i| (0..6).map(move |k| value(i, k)))
            .collect();
        let whole = Targets::new(values, 6).unwrap();
        let basis = Basis::new(&whole, 3).unwrap();
        assert!((basis.kept - 1.).abs() < 1e-9);
        let short = basis.project(&whole).unwrap();
        assert_eq!((short.len(), short.size()), (20, 3));
        let dot =
            |t: &Targets, i, j| -> f32 { t.row(i).iter().zip(t.row(j)).map(|(a, b)| a * b).sum() };
        for (i, j) in [(0, 3), (5, 19), (7, 7)] {
            let (long, short) = (dot(&whole, i, j), dot(&short, i, j));
            assert!(
                (long - short).abs() < 1e-3 * (1. + long.abs()),
                "{long} {short}"
            );
        }
        assert!(Basis::new(&whole, 2).unwrap().kept < 1.);
    }

    #[test]
    fn what_is_no_matrix_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        std::fs::write(&path, b"hello").unwrap();
        let error = Targets::read(&path).err().unwrap().to_string();
        assert!(error.contains("x.npy: is not a .npy file"), "{error}");
        assert!(Targets::new(vec![0.; 7], 2).is_err());
    }
}
