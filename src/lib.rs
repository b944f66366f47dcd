//! embedscope opens the black box `embedding = model.encode(text)`.
//!
//! In reading order: a text becomes [`tokens`], a [`model`] runs over them with a hook at every
//! [`trace`] site, [`analysis`] explains what was recorded, the [`engine`] does all of that away from
//! the window, and [`app`] holds the window's state around [`views`], which paint with [`widgets`].
//! [`cli`] is the same without a window.
//!
//! What `tests/tidy.rs` holds: no egui below `app`; no candle, threads or files in `views`; colours from
//! `widgets` alone; one encoder for every family, `candle-transformers` only as the oracle that it is
//! checked against; no `unwrap` outside of tests.
pub mod analysis;
pub mod app;
pub mod cancel;
pub mod cli;
pub mod engine;
pub mod memory;
pub mod model;
pub mod os;
pub mod parity;
pub mod perf;
pub mod tokens;
pub mod trace;
pub mod training;
pub mod views;
pub mod widgets;
