//! Pure functions of traces (and a model where they must run it again): no IO, no egui, no threads.
//! Sums are in f64.

pub mod embedding;
pub mod position;
pub mod residual;
pub mod shared;
