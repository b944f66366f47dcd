//! `report`: everything about two texts in one HTML file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::output::Target;
use super::progress::Line;
use super::snapshot::check_place;
use super::why::check_pooling;
use super::{Failure, ModelArgs, PromptArgs};
use crate::app::export::report::{Run, make};
use crate::app::state::State;
use crate::trace::PoolingMode;

#[derive(clap::Args, Debug)]
pub struct ReportArgs {
    /// A text; the first two are A and B
    #[arg(
        long = "text",
        value_name = "TEXT",
        required = true,
        allow_hyphen_values = true
    )]
    pub texts: Vec<String>,
    /// The HTML file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Instead of the model's own: cls, mean, max, mean_sqrt_len_tokens, weightedmean or lasttoken
    #[arg(long, value_name = "MODE")]
    pub pooling: Option<PoolingMode>,
    /// Keep only the first N dimensions of each vector
    #[arg(long, value_name = "N", value_parser = super::embed::positive)]
    pub truncate_dim: Option<usize>,
    /// The layer to show, from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub layer: usize,
    /// The head to show, from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub head: usize,
    #[command(flatten)]
    pub prompt: PromptArgs,
}

/// Makes the report off-screen.
pub fn run(args: &ReportArgs, model: &ModelArgs) -> Result<(), Failure> {
    let target = Target::new(&args.out)?;
    let model = model.load()?;
    model.prompt(&args.prompt.prompt())?;
    check_pooling(&model, args.pooling)?;
    check_place(&model, args.layer, args.head)?;
    let mut state = State::default();
    state.set_texts(args.texts.iter().map(String::as_str));
    state.prompt = args.prompt.prompt();
    state.pooling = args.pooling;
    state.truncate_dim = args.truncate_dim;
    (state.layer, state.head) = (args.layer - 1, args.head - 1);
    let run = Run::default();
    let (sender, receiver) = channel();
    let (model, watched) = (Arc::new(model), run.clone());
    // Apart, so that progress can be told while it is made.
    std::thread::spawn(move || sender.send(make(model, state, &run)));
    let mut line = Line::new();
    let page = loop {
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok(page) => break page.map_err(Failure::failed)?,
            Err(RecvTimeoutError::Timeout) => line.update(|| {
                let (done, all) = watched.progress();
                format!("report: {done} of {all} pictures")
            }),
            // The hook for panics has told what happened.
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::failed("the report came to no end"));
            }
        }
    };
    let page = page.ok_or_else(|| Failure::failed("the report was given up"))?;
    target.write(|out| {
        use std::io::Write as _;
        let written = out.write_all(page.as_bytes());
        written.map_err(|error| Failure::file(target.path(), "written", &error))
    })
}
