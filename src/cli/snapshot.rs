//! `snapshot`: a panel as a picture.

use std::path::PathBuf;

use super::{Failure, ModelArgs, PromptArgs};

#[derive(clap::Args, Debug)]
pub struct SnapshotArgs {
    /// A text to show; the first two are A and B
    #[arg(long = "text", value_name = "TEXT", required = true)]
    pub texts: Vec<String>,
    /// The panel's id
    #[arg(long, value_name = "ID")]
    pub panel: String,
    /// The PNG to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Width and height in points
    #[arg(long, value_name = "WxH", default_value = "1280x800", value_parser = size)]
    pub size: (u32, u32),
    #[arg(long, value_enum, default_value_t)]
    pub theme: Theme,
    #[command(flatten)]
    pub prompt: PromptArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Theme {
    Light,
    #[default]
    Dark,
}

/// Draws the panel off-screen.
pub fn run(_: &SnapshotArgs, _: &ModelArgs) -> Result<(), Failure> {
    Err(Failure::failed("snapshot is not built yet"))
}

/// `1280x800`; no side so long that a graphics device refuses it.
fn size(text: &str) -> Result<(u32, u32), String> {
    const MOST: u32 = 8192;
    let sides = text.split_once(['x', '×']).and_then(|(width, height)| {
        let side = |text: &str| text.parse().ok().filter(|side| (64..=MOST).contains(side));
        Some((side(width)?, side(height)?))
    });
    sides.ok_or_else(|| format!("must be WIDTHxHEIGHT, each from 64 to {MOST}"))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_read_and_bounded() {
        assert_eq!(size("640x480"), Ok((640, 480)));
        for bad in ["640", "640x", "0x480", "99999x480", "-1x480", "1.5x480"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
