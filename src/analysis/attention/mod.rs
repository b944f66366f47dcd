//! What attention heads do: summaries, kinds, thumbnails, and the arithmetic of one cell.
//!
//! Raw attention says where a head reads from, not what the output depends on (Jain & Wallace
//! 2019; Abnar & Zuidema 2020): none of this is an explanation of a score.

mod cell;
mod digest;
mod links;
mod mask;
mod pool;
mod rows;
mod summary;
mod tally;
mod who;
mod window;

pub use cell::{Cell, scale_name};
pub use digest::Digest;
pub use links::{Link, Links};
pub use mask::{mask_name, mask_title, why_hidden};
pub use pool::{Atlas, CLIP, Map, Pool, finite_reach, largest};
pub use rows::{each_row, rows_at_once, seen, seen_column, seen_rows};
pub use summary::{BROAD, EXCESS, HeadSummary, Kind, Share, Shares, summaries};
pub use tally::row_sum;
pub use who::{Part, Who, leaders, parts};
pub use window::Window;
