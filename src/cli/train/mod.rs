//! `embedscope train`: a new model, or one that is there, on pairs and on a teacher's vectors.

mod args;
mod begin;

pub use args::TrainArgs;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use super::progress::Line;
use super::{Failure, ModelArgs};
use crate::model::Model;
use crate::training::folder::{self, Precision, Template};
use crate::training::{Material, Report, Trainer};

/// What only the run itself needs, inside of the model's folder.
const STATE: &str = "training/state.safetensors";
const LOG: &str = "training/log.csv";

pub fn run(args: &TrainArgs, model: &ModelArgs) -> Result<(), Failure> {
    let mut run = begin::begin(args, model)?;
    run.keep_if_asked()?;
    let from = run.trainer.step_number();
    let mut line = Line::new();
    while !run.trainer.is_done() {
        let report = run.trainer.step(&run.model, &run.material)?;
        run.log(&report)?;
        let (step, steps) = (run.trainer.step_number(), run.trainer.settings.steps);
        let seconds = line.elapsed().as_secs_f64();
        line.update(|| {
            let left = seconds / (step - from) as f64 * (steps - step) as f64;
            format!(
                "step {step} of {steps}, loss {:.4}, {:.0} min left",
                report.loss,
                left / 60.
            )
        });
        run.keep_if_asked()?;
        if step.is_multiple_of(run.every) && step < steps {
            run.checkpoint()?;
        }
    }
    line.clear();
    let (cut, limit) = (run.trainer.cut, run.model.tokenizer.limit());
    if cut > 0 {
        log::warn!(
            "{cut} times a text was longer than the {limit} tokens that the model reads; its end was not learned from"
        );
    }
    run.finish()?;
    let (steps, seconds) = (
        run.trainer.settings.steps - from,
        line.elapsed().as_secs_f64(),
    );
    super::print(&format!("{}\n", run.folder.display()))?;
    log::info!("{steps} steps in {seconds:.1} s");
    Ok(())
}

/// A training run and where it writes.
struct Run {
    folder: PathBuf,
    template: Template,
    precision: Precision,
    /// Steps between two checkpoints.
    every: usize,
    /// Steps behind which the weights are kept, small.
    keep: Vec<usize>,
    /// Tokenizes.
    model: Model,
    material: Material,
    trainer: Trainer,
    log: File,
}

impl Run {
    /// Opens the log, without the steps that will be taken once more.
    fn open_log(folder: &std::path::Path, step: usize) -> Result<File, Failure> {
        let path = folder.join(LOG);
        let failed = |e: std::io::Error| Failure::file(&path, "written", &e);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        let kept = old.lines().take(if step > 0 { step + 1 } else { 0 });
        let mut text: String = kept.map(|line| format!("{line}\n")).collect();
        if text.is_empty() {
            text = "step,loss,pairs,distance,gradient,rate\n".to_owned();
        }
        std::fs::write(&path, text).map_err(failed)?;
        OpenOptions::new().append(true).open(&path).map_err(failed)
    }

    fn log(&mut self, report: &Report) -> Result<(), Failure> {
        let number = |value: Option<f64>| value.map_or(String::new(), |x| format!("{x:.6}"));
        let (pairs, distance) = (number(report.pairs), number(report.distance));
        writeln!(
            self.log,
            "{},{:.6},{pairs},{distance},{:.5},{:.3e}",
            report.step, report.loss, report.gradient, report.rate
        )
        .map_err(|e| Failure::file(&self.folder.join(LOG), "written", &e))
    }

    /// The weights as they are, where the person wants those of this step.
    fn keep_if_asked(&self) -> Result<(), Failure> {
        let step = self.trainer.step_number();
        if !self.keep.contains(&step) {
            return Ok(());
        }
        let name = match step {
            0 => "start".to_owned(),
            step => format!("step-{step}"),
        };
        let (weights, _) = self.trainer.student().snapshot()?;
        let tensors = folder::encoder_tensors(&self.template, &weights)?;
        let bytes = folder::rows_of_i8(tensors)?;
        folder::put(
            &self.folder,
            &format!("checkpoints/{name}.safetensors"),
            &bytes,
        )?;
        Ok(())
    }

    /// A folder that loads, and a state to go on from.
    fn checkpoint(&self) -> Result<(), Failure> {
        self.write(Precision::Single)?;
        Ok(self.trainer.save(&self.folder.join(STATE))?)
    }

    fn write(&self, precision: Precision) -> Result<(), Failure> {
        let (weights, head) = self.trainer.student().snapshot()?;
        let parts = (&weights, &head);
        Ok(folder::write(
            &self.folder,
            &self.template,
            parts,
            precision,
        )?)
    }

    /// The finished model. There is nothing to go on from any more.
    fn finish(&self) -> Result<(), Failure> {
        self.write(self.precision)?;
        let state = self.folder.join(STATE);
        match std::fs::remove_file(&state) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::file(&state, "removed", &e))
            }
            _ => Ok(()),
        }
    }
}
