//! What surrounds the panels: menus, the spine, the list of texts, inspector and status.

pub mod fields;
pub mod inspector;
pub mod menu;
pub mod models;
pub mod panels;
pub mod performance;
pub mod shortcuts;
pub mod spine;
pub mod status;
pub mod texts;
pub mod tour;
pub mod walk;
