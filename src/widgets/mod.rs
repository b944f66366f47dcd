//! What the panels are made of: pictures of matrices, vectors and tokens, and the theme.
//!
//! Widgets know nothing of models: they take slices and labels, and tell what is pointed at.

pub mod colormap;
mod count;
pub mod fonts;
mod foot;
pub mod heatmap;
mod label;
mod lasso;
mod menu;
mod number;
pub mod scatter;
mod sight;
pub mod strip_chart;
pub mod style;
pub mod table;
pub mod theme;
pub mod tiles;
pub mod token_strip;

pub use colormap::{Colormap, Scale, legend_ui};
pub use count::{counted, grouped};
pub use foot::foot_ui;
pub use heatmap::{Heatmap, HeatmapResponse, HeatmapTexture, Pictures};
pub use label::line;
pub use menu::{choice_ui, entries_ui, entry_chosen, entry_ui, give_back_to, name_menu};
pub use number::{number, number_text};
pub use scatter::{ScatterMarks, ScatterPoint, lasso_scatter_ui, marked_scatter_ui, scatter_ui};
pub use sight::{keyboard_came, note_keyboard, scrolled_ui};
pub use strip_chart::{vector_bars_ui, vector_strip_ui};
pub use style::{bar_ui, dialog_frame, edged_ui, field_edge, field_ui, install, outline};
pub use table::{Cell, Column, Table};
pub use theme::{SPACE, SPACE_SMALL, Theme};
pub use tiles::{Tiles, TilesResponse};
pub use token_strip::{Piece, StripResponse, token_strip_ui, word_strip_ui};

pub use crate::tokens::piece_label;
