pub mod theme;
pub mod colormap;
pub mod fonts;
pub mod label;
