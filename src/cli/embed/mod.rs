//! `embed`: sentence vectors of many texts.

mod job;
mod read;
mod write;

use std::io::{self, BufWriter, stdout};
use std::path::{Path, PathBuf};

use clap::ArgGroup;

use super::output::Target;
use super::{Failure, InterveneArgs, ModelArgs, PromptArgs};
use crate::model::intervention::GRAMMAR;
use crate::trace::PoolingMode;
use job::Job;
pub(super) use job::size;
use read::Texts;
use write::Format;

#[derive(clap::Args, Debug)]
#[command(after_long_help = GRAMMAR)]
#[command(group = ArgGroup::new("given").required(true).multiple(true))]
pub struct EmbedArgs {
    /// A file with one text a line, or - for stdin; every line counts, empty ones as well
    #[arg(long, value_name = "FILE", group = "given")]
    pub input: Option<PathBuf>,
    /// A text; may be given several times, and comes before those of --input
    #[arg(
        long = "text",
        value_name = "TEXT",
        group = "given",
        allow_hyphen_values = true
    )]
    pub texts: Vec<String>,
    /// Where to write; .npy, .csv, .jsonl or .safetensors says how, and - writes jsonl to stdout
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Instead of the model's own: cls, mean, max, mean_sqrt_len_tokens, weightedmean or lasttoken
    #[arg(long, value_name = "MODE")]
    pub pooling: Option<PoolingMode>,
    /// Leave the vectors as long as they are
    #[arg(long)]
    pub no_normalize: bool,
    /// Keep only the first N dimensions, without normalizing again
    #[arg(long, value_name = "N", value_parser = positive)]
    pub truncate_dim: Option<usize>,
    /// How many texts run at once; changes speed and memory, not the vectors [default: 16, on a GPU 256]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub batch: Option<usize>,
    #[command(flatten)]
    pub prompt: PromptArgs,
    #[command(flatten)]
    pub changes: InterveneArgs,
}

pub(super) fn positive(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| "must be a whole number from 1".to_owned())
}

pub fn run(args: &EmbedArgs, model: &ModelArgs) -> Result<(), Failure> {
    let to_stdout = args.out == Path::new("-");
    let (format, target) = match to_stdout {
        true => (Format::Jsonl, None),
        false => {
            let format = Format::of(&args.out).map_err(Failure::Usage)?;
            (format, Some(Target::new(&args.out)?))
        }
    };
    let texts = Texts::read(&args.texts, args.input.as_deref())?;
    let model = model.load()?;
    let mut job = Job::new(args, &model, &texts)?;
    match &target {
        Some(target) => {
            let failed = |e: &io::Error| Failure::file(target.path(), "written", e);
            target.write(|out| job.run(out, format, &failed))?;
        }
        None => {
            let mut out = BufWriter::new(stdout().lock());
            job.run(&mut out, format, &Failure::stdout)?;
        }
    }
    job.report();
    Ok(())
}
