//! The window: state, commands, and how they meet the engine.

pub mod command;
pub mod samples;
pub mod state;
