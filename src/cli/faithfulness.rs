//! `faithfulness`: which methods of `why` predict what happens when words are really taken out.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::output::{print, print_json};
use super::progress::Line;
use super::{Failure, ModelArgs, PromptArgs};
use crate::analysis::job::Job;
use crate::analysis::pooling::{modes, title};
use crate::analysis::similarity::leave_one_out::Removal;
use crate::analysis::similarity::ranking::{
    Areas, Extent, Mean, Ranker, Summary, compare, summaries,
};
use crate::cancel::Cancel;
use crate::model::{Detail, HeadOptions, Model, ModelError};
use crate::trace::PoolingMode;
use crate::training::data::{Pair, parse_pairs, read_pairs};

/// Pairs from the same meaning to none, written for this.
const PAIRS: &str = include_str!("../../assets/faithfulness.tsv");

#[derive(clap::Args, Debug)]
pub struct FaithfulnessArgs {
    /// Two columns with a tab between them (.tsv, .tsv.gz), instead of the pairs in the program
    #[arg(long, value_name = "FILE")]
    pub pairs: Option<PathBuf>,
    /// The first so many pairs
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// How words are taken out
    #[arg(long, value_enum, default_value_t)]
    pub removal: RemovalName,
    /// Which methods: pairs, input, loo, shapley, ij, matching, attention, random, or all
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "all"
    )]
    pub method: Vec<String>,
    /// Instead of the model's own: cls, mean, max, mean_sqrt_len_tokens, weightedmean or lasttoken
    #[arg(long, value_name = "MODE")]
    pub pooling: Option<PoolingMode>,
    /// Of the random orders
    #[arg(long, value_name = "N", default_value_t = Extent::default().seed)]
    pub seed: u64,
    /// One JSON document instead of a table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub prompt: PromptArgs,
}

/// As [`Removal`], less the one that runs nothing again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RemovalName {
    /// Masked from attention and from the pool; the others keep their positions
    #[default]
    Mask,
    /// Out of the text, which is tokenized again
    Delete,
}

impl From<RemovalName> for Removal {
    fn from(name: RemovalName) -> Self {
        match name {
            RemovalName::Mask => Self::Mask,
            RemovalName::Delete => Self::Delete,
        }
    }
}

pub fn run(args: &FaithfulnessArgs, model: &ModelArgs) -> Result<(), Failure> {
    let rankers = rankers(&args.method)?;
    let mut pairs = match &args.pairs {
        Some(path) => read_pairs(path)?,
        None => {
            let lines: Vec<String> = PAIRS.lines().map(str::to_owned).collect();
            parse_pairs("the pairs in the program", &lines)?
        }
    };
    pairs.truncate(args.limit);
    if pairs.is_empty() {
        return Err(Failure::usage("there is no pair to look at"));
    }
    let model = model.load()?;
    super::why::check_pooling(&model, args.pooling)?;
    let areas = all(&model, &pairs, args, &rankers)?;
    let (found, removal) = (summaries(&areas), Removal::from(args.removal));
    match args.json {
        true => print_json(&document(&model, args, pairs.len(), &found)),
        false => print(&report(&model, args, pairs.len(), &found, removal)),
    }
}

/// The rankers that were asked for, each once, in their own order.
fn rankers(names: &[String]) -> Result<Vec<Ranker>, Failure> {
    let all = Ranker::ALL.map(Ranker::name);
    let known = |name: &String| name == "all" || all.contains(&name.as_str());
    if let Some(name) = names.iter().find(|name| !known(name)) {
        return Err(Failure::Usage(format!(
            "`{name}` is not a method here; there are: {}, all",
            all.join(", ")
        )));
    }
    let wanted = |ranker: &Ranker| {
        names
            .iter()
            .any(|name| name == "all" || name == ranker.name())
    };
    Ok(Ranker::ALL.into_iter().filter(wanted).collect())
}

fn all(
    model: &Model,
    pairs: &[Pair],
    args: &FaithfulnessArgs,
    rankers: &[Ranker],
) -> Result<Vec<Vec<Areas>>, ModelError> {
    let options = HeadOptions {
        pooling: args.pooling,
        ..model.options()
    };
    let extent = Extent {
        removal: args.removal.into(),
        seed: args.seed,
        ..Extent::default()
    };
    // Ctrl-C ends the process as it stands: nothing is written until the end.
    let (cancel, prompt, mut line) = (Cancel::new(), args.prompt.prompt(), Line::new());
    let mut found = Vec::with_capacity(pairs.len());
    for (i, pair) in pairs.iter().enumerate() {
        let mut progress =
            |_, _| line.update(|| format!("faithfulness: pair {} of {}", i + 1, pairs.len()));
        let trace = |text: &str| model.trace(text, &prompt, Detail::Full, &cancel);
        let (a, b) = (trace(&pair.a)?, trace(&pair.b)?);
        let mut job = Job::new(&cancel, &mut progress);
        found.push(compare(
            model,
            (&a, &b),
            options,
            rankers,
            extent,
            &mut job,
        )?);
    }
    Ok(found)
}

fn document(model: &Model, args: &FaithfulnessArgs, pairs: usize, found: &[Summary]) -> Value {
    let method = |summary: &Summary| {
        let value = json!({
            "deletion": summary.deletion,
            "insertion": summary.insertion,
            "loo_correlation": summary.agreement,
            "below_matching": summary.below_matching,
            "below_random": summary.below_random,
            "won_against_matching": summary.won,
            "won_against_random": summary.won_random,
            "seconds": summary.seconds,
        });
        (summary.ranker.name().to_owned(), value)
    };
    let methods: serde_json::Map<String, Value> = found.iter().map(method).collect();
    json!({
        "model": {"id": model.id, "hash": &*model.hash},
        "pooling": title(&modes(&model.head, args.pooling)),
        "pairs": pairs,
        "removal": Removal::from(args.removal).name(),
        "seed": args.seed,
        "methods": methods,
    })
}

fn report(
    model: &Model,
    args: &FaithfulnessArgs,
    pairs: usize,
    found: &[Summary],
    removal: Removal,
) -> String {
    let how = match removal {
        Removal::Delete => "deleted from the text, which is tokenized again",
        Removal::Mask | Removal::Pool => "masked from attention and pool",
    };
    let mut out = format!(
        "{pairs} pairs, {}, {} pooling. Words are {how}, by real re-runs.\n\n{:<10} {:>15} {:>15} {:>14} {:>16} {:>13} {:>13} {:>8}\n",
        model.id,
        title(&modes(&model.head, args.pooling)),
        "method",
        "deletion ↓",
        "insertion ↑",
        "~ loo ↑",
        "below matching",
        "won matching",
        "won random",
        "seconds"
    );
    let won = |won: Option<f64>| match won {
        Some(won) => format!("{won:.1}"),
        None => "–".to_owned(),
    };
    for row in found {
        out.push_str(&format!(
            "{:<10} {:>15} {:>15} {:>14} {:>16} {:>13} {:>13} {:>8.1}\n",
            row.ranker.name(),
            with_error(Some(row.deletion)),
            with_error(Some(row.insertion)),
            with_error(Some(row.agreement)),
            with_error(row.below_matching),
            won(row.won),
            won(row.won_random),
            row.seconds
        ));
    }
    out + "\n\
        deletion: mean cosine while words go out, the one said to raise it most first; lower is better.\n\
        insertion: the same while they come in; higher is better. Each ± the standard error over pairs.\n\
        ~ loo: Spearman's correlation of words with leave-one-out by the same removal.\n\
        below, won: how much lower the deletion curve is than that of token matching (the greedy\n\
        cosines of BERTScore), pair by pair, and on how many pairs; equal ones count half.\n\
        attention is no explanation: it knows nothing of the other text, and is here to be compared with.\n"
}

fn with_error(value: Option<Mean>) -> String {
    match value {
        Some(Mean { mean, error }) if mean.is_finite() && error.is_finite() => {
            format!("{mean:.3} ± {error:.3}")
        }
        Some(Mean { mean, .. }) if mean.is_finite() => format!("{mean:.3}"),
        _ => "–".to_owned(),
    }
}
