//! What attention heads do: summaries, kinds, thumbnails, and the arithmetic of one cell.
//!
//! Raw attention says where a head reads from, not what the output depends on (Jain & Wallace
//! 2019; Abnar & Zuidema 2020): none of this is an explanation of a score.

mod cell;
mod links;
mod pool;
mod summary;

pub use cell::Cell;
pub use links::{Link, Links};
pub use pool::{Atlas, CLIP, Map, max_pool, mean_over_heads};
pub use summary::{BROAD, EXCESS, HeadSummary, Kind, Share, Shares, entropy, row_sum, summaries};
