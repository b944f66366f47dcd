//! How long it took until there was something to see, for the log.

use std::time::Instant;

/// From the program's beginning until both texts are there.
pub struct Start {
    began: Instant,
    frames: Frames,
}

#[derive(PartialEq)]
enum Frames {
    None,
    First,
    Told,
}

impl Start {
    pub fn now() -> Self {
        Self {
            began: Instant::now(),
            frames: Frames::None,
        }
    }

    /// At the beginning of a turn: all turns before it have been painted, so the second one knows when
    /// the first was. True where that turn is to come soon.
    pub fn turn(&mut self) -> bool {
        match self.frames {
            Frames::None => self.frames = Frames::First,
            Frames::First => {
                let ms = self.began.elapsed().as_millis();
                log::info!("first frame painted {ms} ms after the start");
                self.frames = Frames::Told;
            }
            Frames::Told => {}
        }
        self.frames == Frames::First
    }

    /// Both texts are there. True when there is nothing left to tell.
    pub fn traced(&self) -> bool {
        if self.frames == Frames::Told {
            let ms = self.began.elapsed().as_millis();
            log::info!("both texts traced in full {ms} ms after the start");
        }
        self.frames == Frames::Told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_is_told_once_and_before_the_texts() {
        let mut start = Start::now();
        assert!(!start.traced(), "nothing has been painted");
        assert!(start.turn(), "the next turn tells of the first");
        assert!(!start.traced());
        assert!(!start.turn());
        assert!(start.traced());
        assert!(!start.turn());
    }
}
