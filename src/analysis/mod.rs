//! Pure functions of traces (and a model where they must run it again): no IO, no egui, no threads.

pub mod attention;
pub mod neurons;
pub mod residual;
