//! The command line: one file per subcommand. Results go to stdout, everything else to stderr.

mod check;
mod embed;
mod failure;
mod faithfulness;
mod intervene;
mod load;
mod models;
mod output;
mod progress;
mod prompt;
mod report;
mod snapshot;
mod tokens;
mod trace;
mod train;
mod whatif;
mod why;

use std::io::Write;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::WindowOptions;
pub use failure::Failure;
pub use intervene::InterveneArgs;
pub use load::ModelArgs;
pub use output::print;
pub use prompt::PromptArgs;

#[derive(Parser)]
#[command(name = "embedscope", version, about, long_about = LONG_ABOUT)]
struct Cli {
    #[command(flatten)]
    model: ModelArgs,
    /// In the window: the session file to open (*.embedscope.json)
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    session: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

const LONG_ABOUT: &str =
    "Watch every stage of a text-embedding model, and find out why two texts score as similar.

Without a subcommand the window opens. Results go to stdout, progress and warnings to stderr. \
Exit status: 0 done, 1 failed, 2 bad usage.";

/// One line per subcommand.
#[derive(Subcommand)]
enum Command {
    /// What a text becomes before the model sees it: pieces, ids, offsets
    Tokens(tokens::TokensArgs),
    /// Record every stage of one text into a safetensors file
    Trace(trace::TraceArgs),
    /// Sentence vectors of many texts
    Embed(embed::EmbedArgs),
    /// Explain why two texts score as similar
    Why(why::WhyArgs),
    /// Run edits of one text, and search for the fewest that carry the score across a threshold
    Whatif(whatif::WhatifArgs),
    /// Hold the methods of `why` against each other: does taking out the words they name move the score?
    Faithfulness(faithfulness::FaithfulnessArgs),
    /// Models in the program and in the hub cache, and the families that can be run
    Models(models::ModelsArgs),
    /// Our numbers against PyTorch's recorded ones and against candle-transformers
    Check(check::CheckArgs),
    /// Train a model: on pairs of texts, on a teacher's vectors, or both
    Train(train::TrainArgs),
    /// A panel as a picture, a table or arrays, with no window
    Snapshot(snapshot::SnapshotArgs),
    /// One HTML file with the score, what was found, and a picture of each stage
    Report(report::ReportArgs),
}

impl Command {
    fn run(&self, model: &ModelArgs) -> Result<(), Failure> {
        match self {
            Self::Tokens(args) => tokens::run(args, model),
            Self::Trace(args) => trace::run(args, model),
            Self::Embed(args) => embed::run(args, model),
            Self::Why(args) => why::run(args, model),
            Self::Whatif(args) => whatif::run(args, model),
            Self::Faithfulness(args) => faithfulness::run(args, model),
            Self::Models(args) => models::run(args),
            Self::Check(args) => check::run(args, model),
            Self::Train(args) => train::run(args, model),
            Self::Snapshot(args) => snapshot::run(args, model),
            Self::Report(args) => report::run(args, model),
        }
    }
}

/// Runs the program on the process's own arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log();
    let Some(command) = cli.command else {
        return exit(window(&cli.model, cli.session));
    };
    if cli.session.is_some() {
        let problem = "--session opens in the window, so it takes no subcommand";
        return exit(Err(Failure::usage(problem)));
    }
    report_panics();
    // The hook has already told the person.
    catch_unwind(|| exit(command.run(&cli.model))).unwrap_or(ExitCode::FAILURE)
}

fn exit(outcome: Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else {
        return ExitCode::SUCCESS;
    };
    if let Some(message) = failure.message() {
        // Nobody is left to tell when stderr is closed as well.
        let _ = writeln!(std::io::stderr(), "error: {message}");
    }
    ExitCode::from(failure.code())
}

/// Opens the window and returns when it closes.
fn window(args: &ModelArgs, session: Option<PathBuf>) -> Result<(), Failure> {
    let model = args.reference()?;
    let (device, problem) = args.device.open_or_cpu();
    let options = WindowOptions { model, device };
    crate::app::run(options, session, problem).map_err(Failure::failed)
}

/// Our warnings as one plain line each; RUST_LOG asks for more. Libraries are silent, since what they
/// log as an error is told once more in our own words.
fn start_log() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("embedscope=warn"))
        .format(|out, record| {
            let level = match record.level() {
                log::Level::Warn => "warning".to_owned(),
                level => level.as_str().to_ascii_lowercase(),
            };
            writeln!(out, "{level}: {}", record.args())
        })
        .init();
}

/// A fault of ours ends like any other failure: one line, and where it happened.
fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = failure::one_line(text.unwrap_or("unknown"));
        let place = info
            .location()
            .map_or(String::new(), |at| format!(" at {at}"));
        let _ = writeln!(
            std::io::stderr(),
            "error: internal fault{place}: {text}; please report it"
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_of_every_subcommand_are_consistent() {
        Cli::command().debug_assert();
    }
}
