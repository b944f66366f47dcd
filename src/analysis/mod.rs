//! Pure functions of traces and models: no windows, no threads, no files. Sums are in f64.

pub mod embedding;
pub mod position;
pub mod residual;
pub mod shared;
