//! One run over all texts, window by window.

use std::collections::BTreeMap;
use std::io::{self, Write, stderr};

use rayon::prelude::*;

use super::EmbedArgs;
use super::read::Texts;
use super::write::{Format, Header, Writer};
use crate::cancel::Cancel;
use crate::cli::Failure;
use crate::cli::progress::Line;
use crate::model::head::Module;
use crate::model::intervention::Changes;
use crate::model::{HeadOptions, Model, Prompt};
use crate::tokens::Tokens;

/// Texts that are tokenized and run before anything of them is written: enough for batches of one
/// length, and few enough that the tokens of a large file are never in memory together.
const WINDOW: usize = 512;

/// Texts that run at once on a CPU, unless told.
const BATCH: usize = 16;

pub struct Job<'a> {
    model: &'a Model,
    texts: &'a Texts,
    prompt: Prompt,
    options: HeadOptions,
    batch: usize,
    changes: Changes,
    /// E
    size: usize,
    line: Line,
    cut: Cut,
}

/// What was cut off, over all texts.
#[derive(Default)]
struct Cut {
    texts: usize,
    /// Index of the first text that lost tokens, and how many.
    first: Option<(usize, usize)>,
}

impl<'a> Job<'a> {
    /// # Errors
    /// When the options do not fit the model.
    pub fn new(args: &EmbedArgs, model: &'a Model, texts: &'a Texts) -> Result<Self, Failure> {
        let options = HeadOptions {
            pooling: args.pooling,
            raw: args.no_normalize,
            truncate_dim: args.truncate_dim.or(model.truncate_dim),
        };
        let whole = size(model, options);
        if let Some(cut) = args.truncate_dim.filter(|&cut| cut > whole) {
            return Err(Failure::Usage(format!(
                "--truncate-dim {cut}: the vectors have only {whole} dimensions"
            )));
        }
        let prompt = args.prompt.prompt();
        model.prompt(&prompt)?;
        Ok(Self {
            model,
            texts,
            prompt,
            options,
            batch: args.batch.unwrap_or(model.at_once(BATCH)),
            changes: args.changes.alone()?,
            size: options.truncate_dim.map_or(whole, |cut| cut.min(whole)),
            line: Line::new(),
            cut: Cut::default(),
        })
    }

    /// Writes every vector, in the order of the texts.
    ///
    /// # Errors
    /// The first text or write that fails; `failed` words the latter.
    pub fn run(
        &mut self,
        out: &mut dyn Write,
        format: Format,
        failed: &dyn Fn(&io::Error) -> Failure,
    ) -> Result<(), Failure> {
        let texts = self.texts.all();
        let header = self.header()?;
        let mut writer = Writer::new(out, format, &header).map_err(|e| failed(&e))?;
        for (window, texts) in texts.chunks(WINDOW).enumerate() {
            let start = window * WINDOW;
            let tokens = self.tokens(start, texts)?;
            let vectors = self.embed(start, &tokens)?;
            // stdout may be the same terminal.
            self.line.clear();
            for (i, (text, vector)) in texts.iter().zip(&vectors).enumerate() {
                self.check(start + i, vector)?;
                writer.row(text, vector).map_err(|e| failed(&e))?;
            }
            writer.flush().map_err(|e| failed(&e))?;
        }
        Ok(())
    }

    fn header(&self) -> Result<Header, Failure> {
        let modes = match self.options.pooling {
            Some(mode) => vec![mode],
            None => self.model.head.pooling().to_vec(),
        };
        let names: Vec<&str> = modes.iter().map(|mode| mode.name()).collect();
        let normalized = self.model.head.normalizes() && !self.options.raw;
        let mut about = BTreeMap::from([
            ("model", self.model.id.clone()),
            ("hash", self.model.hash.to_string()),
            ("pooling", names.join(",")),
            ("normalized", normalized.to_string()),
            ("prompt", self.model.prompt(&self.prompt)?.to_owned()),
        ]);
        if !self.changes.is_empty() {
            let specs = self.changes.list.iter().map(ToString::to_string);
            about.insert("interventions", specs.collect::<Vec<_>>().join(" "));
        }
        Ok(Header {
            count: self.texts.all().len(),
            size: self.size,
            about,
        })
    }

    fn tokens(&mut self, start: usize, texts: &[String]) -> Result<Vec<Tokens>, Failure> {
        let tokens = texts
            .par_iter()
            .map(|text| self.model.tokens(text, &self.prompt));
        let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
        for (i, tokens) in tokens.iter().enumerate() {
            if tokens.is_empty() {
                let place = self.texts.place(start + i);
                return Err(Failure::Failed(format!(
                    "{place}: has no tokens, and this tokenizer adds none of its own; leave the text out"
                )));
            }
            if tokens.dropped > 0 {
                self.cut.texts += 1;
                self.cut.first.get_or_insert((start + i, tokens.dropped));
            }
        }
        Ok(tokens)
    }

    fn embed(&mut self, start: usize, tokens: &[Tokens]) -> Result<Vec<Vec<f32>>, Failure> {
        let (line, all) = (&mut self.line, self.texts.all().len());
        let mut progress = |done: usize| {
            let done = start + done.min(tokens.len());
            let rate = done as f64 / line.elapsed().as_secs_f64();
            line.update(|| format!("{done} of {all} texts ({rate:.0} texts/s)"));
        };
        let cancel = Cancel::new();
        if !self.changes.is_empty() {
            let mut vectors = Vec::with_capacity(tokens.len());
            for text in &self.texts.all()[start..start + tokens.len()] {
                let (of, options) = ((text.as_str(), &self.prompt), self.options);
                let vector = self
                    .model
                    .embed_changed(of, &self.changes, options, &cancel)?;
                vectors.push(vector);
                progress(vectors.len());
            }
            return Ok(vectors);
        }
        let vectors = self
            .model
            .embed(tokens, self.options, self.batch, &cancel, &mut progress)?;
        Ok(vectors)
    }

    fn check(&self, index: usize, vector: &[f32]) -> Result<(), Failure> {
        let problem = match vector.len() == self.size {
            true if vector.iter().all(|x| x.is_finite()) => return Ok(()),
            true => "its vector has NaN or infinite values".to_owned(),
            false => format!(
                "its vector has {} dimensions, not {}",
                vector.len(),
                self.size
            ),
        };
        Err(Failure::Failed(format!(
            "{}: {problem}",
            self.texts.place(index)
        )))
    }

    /// Tells the person how it went.
    pub fn report(&mut self) {
        self.line.clear();
        let count = self.texts.all().len();
        if count == 0 {
            log::warn!("the input holds no text, so there are no vectors");
        }
        if let Some((first, dropped)) = self.cut.first {
            let (texts, limit) = (self.cut.texts, self.model.tokenizer.limit());
            let place = self.texts.place(first);
            log::warn!(
                "{texts} of {count} texts are longer than the model's limit of {limit} tokens and were cut; the first is {place}, which lost {dropped} tokens"
            );
        }
        let seconds = self.line.elapsed().as_secs_f64();
        let rate = count as f64 / seconds;
        // Without stderr there is nobody to tell.
        let _ = writeln!(
            stderr(),
            "{count} texts in {seconds:.2} s ({rate:.0} texts/s)"
        );
    }
}

/// E before it is cut: a Dense module decides it, else the number of poolings.
pub fn size(model: &Model, options: HeadOptions) -> usize {
    let hidden = model.spec().hidden;
    let dense = model
        .head
        .modules
        .iter()
        .any(|m| matches!(m, Module::Dense(_)));
    match options.pooling {
        Some(_) if !dense => hidden,
        _ => model.head.size(hidden),
    }
}
