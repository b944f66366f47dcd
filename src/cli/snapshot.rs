//! `snapshot`: a panel as a picture.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Failure, InterveneArgs, ModelArgs, PromptArgs};
use crate::app::export::{Format, file};
use crate::app::files;
use crate::app::snapshot::{SnapshotOptions, export, snapshot};
use crate::app::state::{Beside, Focus};
use crate::model::Model;
use crate::model::intervention::GRAMMAR;
use crate::trace::site::SiteError;
use crate::views;

#[derive(clap::Args, Debug)]
#[command(after_long_help = format!("{}\n\n{GRAMMAR}", panels()))]
pub struct SnapshotArgs {
    /// A text to show; the first two are A and B
    #[arg(
        long = "text",
        value_name = "TEXT",
        required = true,
        allow_hyphen_values = true
    )]
    pub texts: Vec<String>,
    /// The panel's id, or `window` for the whole window [--help lists what there is]
    #[arg(long, value_name = "ID")]
    pub panel: String,
    /// The file to write: .png, .svg, .csv, .tsv, .npy (the first array) or .safetensors (every array)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Width and height in points. A PNG ends there, as on a screen; an SVG is as high as it needs to be
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
    /// What is held as if it were clicked: any of text (from 1), token, key, neuron, dimension (from 0)
    /// and site, as in `token=3,dimension=7,site=embed.out`
    #[arg(long, value_name = "PLACES", value_parser = lock)]
    pub lock: Option<Lock>,
    /// Show A less B, over the tokens that have a partner: embedding, position, attention,
    /// feed_forward, residual
    #[arg(long)]
    pub difference: bool,
    /// Show two columns in a panel of one text: A and B, or A through the model and the one of
    /// `--reference`
    #[arg(
        long,
        value_enum,
        value_name = "OF",
        num_args = 0..=1,
        default_missing_value = "texts",
        conflicts_with = "difference"
    )]
    pub beside: Option<Columns>,
    #[command(flatten)]
    pub prompt: PromptArgs,
    #[command(flatten)]
    pub changes: InterveneArgs,
}

/// A place of a text's numbers, and the text's in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    text: usize,
    focus: Focus,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Theme {
    Light,
    #[default]
    Dark,
}

/// What stands side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Columns {
    Texts,
    Models,
}

impl Columns {
    fn beside(self) -> Beside {
        match self {
            Self::Texts => Beside::Texts,
            Self::Models => Beside::Models,
        }
    }
}

/// For the help: every panel's id, and what it is called in the window.
fn panels() -> String {
    let line = |panel: &&views::Panel| format!("\n  {:<24}{}", panel.id, panel.title);
    let lines: String = views::PANELS.iter().map(line).collect();
    format!("Panels (--panel):{lines}\n  {:<24}All of it", "window")
}

/// Draws the panel off-screen.
pub fn run(args: &SnapshotArgs, model: &ModelArgs) -> Result<(), Failure> {
    let format = Format::of(&args.out).map_err(|why| Failure::usage(format!("--out {why}")))?;
    if args.beside == Some(Columns::Models) && args.reference.is_none() {
        let problem = "--beside models: --reference must name the second model";
        return Err(Failure::usage(problem.to_owned()));
    }
    let model = model.load()?;
    model.prompt(&args.prompt.prompt())?;
    check_place(&model, args.layer, args.head)?;
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
        lock: args.lock.map(|lock| (lock.text, lock.focus)),
        difference: args.difference,
        beside: args.beside.map(Columns::beside),
    };
    if format != Format::Png {
        let bytes = export(Arc::new(model), &options, format).map_err(Failure::failed)?;
        return file::write(&args.out, &bytes).map_err(Failure::failed);
    }
    let image = snapshot(Arc::new(model), &options).map_err(Failure::failed)?;
    let saved = files::save_picture(
        &args.out,
        [image.width() as usize, image.height() as usize],
        image.into_raw(),
    );
    saved.map_err(Failure::failed)
}

/// # Errors
/// Bad usage where the model has no such layer or head. Both count from 1.
pub(super) fn check_place(model: &Model, layer: usize, head: usize) -> Result<(), Failure> {
    let spec = model.spec();
    for (name, number, most) in [("layer", layer, spec.layers()), ("head", head, spec.heads)] {
        // A model without layers still has panels to draw.
        if !(1..=most.max(1)).contains(&number) {
            let problem = format!("--{name} {number}: this model has {name}s 1 to {most}");
            return Err(Failure::usage(problem));
        }
    }
    Ok(())
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

/// `token=3,key=5`: what a click would hold.
fn lock(text: &str) -> Result<Lock, String> {
    let mut lock = Lock {
        text: 0,
        focus: Focus::default(),
    };
    for part in text.split(',') {
        let (name, value) = part.split_once('=').ok_or("must be like token=3,key=5")?;
        let number = || {
            let bad = |_| format!("`{value}` is no number");
            value.parse::<usize>().map_err(bad)
        };
        let focus = &mut lock.focus;
        match name {
            "text" => {
                let place = number()?.checked_sub(1);
                lock.text = place.ok_or("texts count from 1")?;
            }
            "token" => focus.token = Some(number()?),
            "key" => focus.other = Some(number()?),
            "neuron" => focus.neuron = Some(number()?),
            "dimension" => focus.dimension = Some(number()?),
            "site" => focus.site = Some(value.parse().map_err(|e: SiteError| e.to_string())?),
            other => {
                return Err(format!(
                    "`{other}` is none of text, token, key, neuron, dimension, site"
                ));
            }
        }
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::{lock, size};

    #[test]
    fn places_to_hold_are_read() {
        let held = lock("text=2,token=3,key=5,site=layer.0.scores").unwrap();
        assert_eq!(
            (held.text, held.focus.token, held.focus.other),
            (1, Some(3), Some(5))
        );
        for bad in ["token", "token=x", "text=0", "site=nowhere", "head=1"] {
            assert!(lock(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_read_and_bounded() {
        assert_eq!(size("640x480"), Ok((640, 480)));
        for bad in ["640", "640x", "0x480", "99999x480", "-1x480", "1.5x480"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
