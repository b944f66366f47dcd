//! What one text has more of than another, token by token: values of A less values of B, over the
//! tokens that have a partner.

mod maps;
pub mod places;

pub use crate::tokens::Pairing;
pub use maps::{atlas, rows, window};
