//! Progress on stderr: one line that updates itself on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::source::Progress;

/// A line of progress.
pub struct Line {
    terminal: bool,
    started: Instant,
    last: Option<Instant>,
    shown: bool,
}

impl Line {
    pub fn new() -> Self {
        Self {
            terminal: stderr().is_terminal(),
            started: Instant::now(),
            last: None,
            shown: false,
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Shows what `text` makes, unless something was shown a moment ago.
    pub fn update(&mut self, text: impl FnOnce() -> String) {
        let pause = match self.terminal {
            true => Duration::from_millis(100),
            false => Duration::from_secs(10),
        };
        // Work that is over at once needs no progress.
        if self.last.unwrap_or(self.started).elapsed() < pause {
            return;
        }
        self.last = Some(Instant::now());
        self.shown = true;
        // Without stderr there is nobody to inform.
        let _ = match self.terminal {
            true => write!(stderr(), "\r\x1b[K{}", text()),
            false => writeln!(stderr(), "{}", text()),
        };
    }

    /// Clears the line on a terminal, so that what follows starts at the left.
    pub fn clear(&mut self) {
        if self.terminal && self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
        self.shown = false;
    }
}

/// So that an error does not stand behind half a line.
impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Progress of a download.
pub struct Download(Mutex<Line>);

impl Download {
    pub fn new() -> Self {
        Self(Mutex::new(Line::new()))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn report(&self, progress: Progress) {
        self.line().update(|| describe(&progress));
    }

    pub fn finish(&self) {
        self.line().clear();
    }
}

fn describe(progress: &Progress) -> String {
    let Progress {
        file,
        file_index,
        files,
        bytes,
        total,
    } = progress;
    if *files == 0 {
        return format!("downloading {file}");
    }
    let so_far = match total {
        Some(total) => format!("{} of {}", size(*bytes), size(*total)),
        None => size(*bytes),
    };
    format!("downloading {file} ({}/{files}): {so_far}", file_index + 1)
}

/// Bytes for a person, in powers of ten as hubs count.
pub fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB"];
    let mut amount = bytes as f64 / 1e3;
    let mut unit = 0;
    while amount >= 1e3 && unit + 1 < units.len() {
        amount /= 1e3;
        unit += 1;
    }
    match bytes {
        0..1000 => format!("{bytes} B"),
        _ => format!("{amount:.1} {}", units[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_choose_their_unit() {
        let sizes = [999, 1000, 90_868_376, 2_300_000_000, 5_000_000_000_000].map(size);
        assert_eq!(sizes, ["999 B", "1.0 kB", "90.9 MB", "2.3 GB", "5000.0 GB"]);
    }
}
