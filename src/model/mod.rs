//! Everything between files on disk and numbers: candle lives here.
