//! What surrounds the panels: menus, the spine, the list of texts, inspector and status.

pub mod chips;
pub mod fields;
pub mod inspector;
pub mod intervene;
pub mod menu;
pub mod models;
pub mod panels;
pub mod performance;
pub mod spine;
pub mod status;
pub mod texts;
