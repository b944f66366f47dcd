//! What surrounds the panels: menus, the spine, the list of texts, inspector and status.

pub mod chips;
pub mod columns;
mod context_cell;
pub mod context_entries;
pub mod context_menu;
pub mod export;
pub mod fields;
pub mod header;
pub mod import;
pub mod inspector;
pub mod intervene;
pub mod log;
pub mod manager;
pub mod menu;
pub mod models;
pub mod panels;
pub mod paste;
pub mod performance;
pub mod preferences;
pub mod recent;
pub mod shortcuts;
pub mod sizes;
pub mod spine;
pub mod status;
pub mod texts;
pub mod tour;
pub mod walk;
