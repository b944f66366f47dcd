//! embedscope opens the black box `embedding = model.encode(text)`.
pub mod cancel;
pub mod model;
