//! Pure functions of traces (and a model where they must run it again): no IO, no egui, no threads.
//! Sums are in f64, and what explains a number says how far off it is.

pub mod alignment;
pub mod arithmetic;
pub mod attention;
pub mod background;
pub mod calibration;
pub mod contrastive;
pub mod diagnosis;
pub mod difference;
pub mod edits;
pub mod embedding;
pub mod geometry;
pub mod job;
pub mod neurons;
pub mod pooling;
pub mod position;
pub mod projection;
pub mod range;
pub mod residual;
pub mod shared;
pub mod similarity;
pub mod token_weights;
pub mod tsne;
pub mod vectors;
