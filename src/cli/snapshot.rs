//! `snapshot`: a panel as a picture.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Failure, InterveneArgs, ModelArgs, PromptArgs};
use crate::app::files;
use crate::app::snapshot::{SnapshotOptions, snapshot};

#[derive(clap::Args, Debug)]
pub struct SnapshotArgs {
    /// A text to show; the first two are A and B
    #[arg(
        long = "text",
        value_name = "TEXT",
        required = true,
        allow_hyphen_values = true
    )]
    pub texts: Vec<String>,
    /// The panel's id, or `window` for the whole window
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
    /// The layer to show, from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub layer: usize,
    /// The head to show, from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub head: usize,
    /// A second model that the same texts are seen through, as `--model` takes it
    #[arg(long, value_name = "M")]
    pub reference: Option<String>,
    #[command(flatten)]
    pub prompt: PromptArgs,
    #[command(flatten)]
    pub changes: InterveneArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Theme {
    Light,
    #[default]
    Dark,
}

/// Draws the panel off-screen.
pub fn run(args: &SnapshotArgs, model: &ModelArgs) -> Result<(), Failure> {
    let model = model.load()?;
    model.prompt(&args.prompt.prompt())?;
    let spec = model.spec();
    for (name, number, most) in [
        ("layer", args.layer, spec.layers()),
        ("head", args.head, spec.heads),
    ] {
        // A model without layers still has panels to draw.
        if !(1..=most.max(1)).contains(&number) {
            let problem = format!("--{name} {number}: this model has {name}s 1 to {most}");
            return Err(Failure::usage(problem));
        }
    }
    let options = SnapshotOptions {
        panel: args.panel.clone(),
        texts: args.texts.clone(),
        size: [args.size.0 as f32, args.size.1 as f32],
        dark: args.theme == Theme::Dark,
        layer: args.layer - 1,
        head: args.head - 1,
        prompt: args.prompt.prompt(),
        interventions: args.changes.all(),
        reference: args.reference.as_deref().map(str::parse).transpose()?,
    };
    let image = snapshot(Arc::new(model), &options).map_err(Failure::failed)?;
    let saved = files::save_picture(
        &args.out,
        [image.width() as usize, image.height() as usize],
        image.into_raw(),
    );
    saved.map_err(Failure::failed)
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
