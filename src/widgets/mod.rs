pub mod colormap;
pub mod fonts;
pub mod label;
pub mod theme;
