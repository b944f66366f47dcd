//! Pure functions of traces: no window, no threads, no files.

pub mod attention;
pub mod neurons;
