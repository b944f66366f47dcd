//! Painting that several panels share.

pub mod colormap;
pub mod fonts;
pub mod heatmap;
mod label;
pub mod scatter;
pub mod strip_chart;
pub mod theme;
pub mod token_strip;
