//! Pure functions of traces, and of a model where its weights are part of the answer. No input or
//! output, no threads, no egui. Sums are in f64, and what explains a number says how far off it is.

pub mod pooling;
pub mod projection;
pub mod similarity;
pub mod vectors;
