//! The Tokens, Embedding and Position panels on a tiny model.

#[path = "support/panel.rs"]
mod panel_support;
