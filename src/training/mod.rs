//! Training of the one encoder: InfoNCE over in-batch negatives, and distillation from a teacher.
//!
//! ```text
//! texts, pairs, targets ─▶ Student::forward ─▶ sentence vectors ─▶ losses and ∂loss/∂vector
//!                               ▲                                          │
//!                             AdamW ◀── ∂loss/∂parameter ◀── Student::backward
//! ```
//!
//! The losses are those of [`crate::analysis::contrastive`]: what a person sees in the window is what
//! is minimised here. Everything is in f32 on the CPU, and follows from the seed alone.

pub mod course;
pub mod data;
mod error;
pub mod folder;
pub mod fresh;
pub mod optimizer;
pub mod rng;
mod snapshot;
pub mod student;
pub mod targets;
pub mod trainer;

pub use course::{Check, Course, Plan};
pub use data::{Material, Pair};
pub use error::TrainError;
pub use optimizer::{Decay, OptimizerSettings};
pub use targets::Targets;
pub use trainer::{Report, Settings, Trainer};
