use std::path::PathBuf;

use crate::training::fresh::Shape;
use crate::training::{Decay, OptimizerSettings, Settings};

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// The model's folder, in sentence-transformers' layout
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Pairs that mean the same: two columns with a tab between them (.tsv, .tsv.gz)
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "What to learn from")]
    pub pairs: Vec<PathBuf>,
    /// Sentences for the teacher, one a line (.txt, .txt.gz)
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "What to learn from")]
    pub corpus: Vec<PathBuf>,
    /// The model whose vectors of the corpus are to be matched; a new model's word vectors are its,
    /// too
    #[arg(
        long,
        value_name = "M",
        help_heading = "What to learn from",
        requires = "corpus"
    )]
    pub teacher: Option<String>,
    /// The teacher's vectors of the corpus, line by line, as `embedscope embed` writes them; without
    /// it they are made first
    #[arg(
        long,
        value_name = "F.npy",
        help_heading = "What to learn from",
        requires = "teacher"
    )]
    pub targets: Option<PathBuf>,

    /// Layers of a new model (made where no --model is given to go on from)
    #[arg(long, default_value_t = 4, help_heading = "A new model")]
    pub layers: usize,
    /// Dimensions of a new model
    #[arg(long, default_value_t = 192, help_heading = "A new model")]
    pub hidden: usize,
    /// Attention heads of a new model
    #[arg(long, default_value_t = 6, help_heading = "A new model")]
    pub heads: usize,
    /// Feed-forward neurons of a new model
    #[arg(long, default_value_t = 768, help_heading = "A new model")]
    pub ffn: usize,
    /// Pieces in a new model's vocabulary, at most
    #[arg(long, default_value_t = 15_000, help_heading = "A new model")]
    pub vocabulary: usize,
    /// The longest text of a new model, in tokens
    #[arg(long, default_value_t = 256, help_heading = "A new model")]
    pub tokens: usize,

    /// Steps in all
    #[arg(long, default_value_t = 50)]
    pub steps: usize,
    /// Pairs, and sentences, in a step
    #[arg(long, default_value_t = 64)]
    pub batch: usize,
    /// Learning rate at its highest
    #[arg(long, default_value_t = 2e-5, value_name = "RATE")]
    pub learning_rate: f64,
    /// Steps over which the learning rate climbs
    #[arg(long, default_value_t = 0, value_name = "STEPS")]
    pub warmup: usize,
    /// How the learning rate goes on
    #[arg(long, value_enum, default_value_t = Decay::Linear)]
    pub decay: Decay,
    /// AdamW's decay of weights
    #[arg(long, default_value_t = 0.01, value_name = "RATE")]
    pub weight_decay: f64,
    /// Longest gradient
    #[arg(long, default_value_t = 1.0, value_name = "LENGTH")]
    pub clip: f64,
    /// τ of InfoNCE: cosines are divided by it
    #[arg(long, default_value_t = 0.05, value_name = "TAU")]
    pub temperature: f64,
    /// InfoNCE from the first texts to the second ones only
    #[arg(long)]
    pub one_way: bool,
    /// Weight of 1 − cosine to the teacher's vector
    #[arg(long, default_value_t = 1.0, value_name = "WEIGHT")]
    pub distill: f64,
    /// Weight of InfoNCE against the teacher's vectors in the batch
    #[arg(long, default_value_t = 0.0, value_name = "WEIGHT")]
    pub contrast: f64,
    /// Decides everything that is left to chance
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Write the weights as f16
    #[arg(long)]
    pub half: bool,
    /// Steps between two checkpoints: a folder that loads, and a state for --resume
    #[arg(long, default_value_t = 200, value_name = "STEPS")]
    pub checkpoint_every: usize,
    /// Go on from the last checkpoint in --out; give the other options as before
    #[arg(long)]
    pub resume: bool,
    /// Keep the weights as they are behind these steps (0: before the first), in DIR/checkpoints
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub keep: Vec<usize>,
}

const EXAMPLES: &str = "\
Go on from a model with pairs of one's own:
  embedscope train --model bundled --pairs pairs.tsv --steps 100 --out my-model
A new model that learns from another one:
  embedscope train --corpus texts.txt --teacher sentence-transformers/all-MiniLM-L6-v2 \\
      --steps 10000 --batch 128 --learning-rate 1e-3 --warmup 300 --out small-model

The folder opens in embedscope and in Python's sentence-transformers. The losses of every step are in
DIR/training/log.csv. A run that was stopped leaves its last checkpoint, which loads, and from which
--resume goes on to the same weights as a run that was not stopped.";

impl TrainArgs {
    pub fn settings(&self) -> Settings {
        Settings {
            steps: self.steps,
            batch: self.batch,
            seed: self.seed,
            temperature: self.temperature,
            symmetric: !self.one_way,
            distill: self.distill,
            contrast: self.contrast,
            optimizer: OptimizerSettings {
                learning_rate: self.learning_rate,
                warmup: self.warmup,
                decay: self.decay,
                weight_decay: self.weight_decay,
                clip: self.clip,
                ..OptimizerSettings::default()
            },
        }
    }

    pub fn shape(&self) -> Shape {
        Shape {
            layers: self.layers,
            hidden: self.hidden,
            heads: self.heads,
            ffn: self.ffn,
            vocabulary: self.vocabulary,
            tokens: self.tokens,
        }
    }
}
