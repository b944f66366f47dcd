//! embedscope opens the black box `embedding = model.encode(text)`.
pub mod analysis;
pub mod app;
pub mod cancel;
pub mod cli;
pub mod engine;
pub mod model;
pub mod parity;
pub mod tokens;
pub mod trace;
pub mod training;
pub mod views;
pub mod widgets;
