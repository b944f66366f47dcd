//! Attention maps that are too large to keep.

use std::ops::Range;

use super::site::LayerSite;

/// Makes rows of one layer's maps from what that layer's heads compared.
pub trait MapRows: Send + Sync {
    /// H for a map [H, T, T] that this layer has; none for any other site.
    fn heads(&self, site: LayerSite) -> Option<usize>;

    /// Rows `queries` of one head's map, [n, T]; empty for what [`Self::heads`] does not have.
    fn rows(&self, site: LayerSite, head: usize, queries: Range<usize>) -> Vec<f32>;
}
