//! What the panels are made of: pictures of matrices, vectors and tokens, and the theme.
//!
//! Widgets know nothing of models: they take slices and labels, and tell what is pointed at.

pub mod colormap;
pub mod fonts;
pub mod heatmap;
mod label;
pub mod scatter;
pub mod strip_chart;
pub mod theme;
pub mod token_strip;

pub use colormap::{Colormap, Scale, legend_ui};
pub use heatmap::{Heatmap, HeatmapResponse, HeatmapTexture};
pub use scatter::{ScatterPoint, scatter_ui};
pub use strip_chart::{vector_bars_ui, vector_strip_ui};
pub use theme::{SPACE, SPACE_SMALL, Theme, install, number, number_text};
pub use token_strip::{Piece, StripResponse, piece_label, token_strip_ui};
