//! The program as a person runs it: what it prints, writes and refuses. `tests/cli/` has the parts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "cli/broken.rs"]
mod broken;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/embed.rs"]
mod embed;
#[path = "cli/ending.rs"]
mod ending;
#[path = "cli/export.rs"]
mod export;
#[path = "cli/faithfulness.rs"]
mod faithfulness;
#[path = "cli/models.rs"]
mod models;
#[path = "cli/real.rs"]
mod real;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/tokens.rs"]
mod tokens;
#[path = "cli/trace.rs"]
mod trace;
#[path = "cli/train.rs"]
mod train;
#[path = "cli/whatif.rs"]
mod whatif;
#[path = "cli/why.rs"]
mod why;
