//! `why`: why two texts score as similar.

mod causal;
mod contrast;
mod document;
mod findings;
mod grid;
mod methods;
mod paint;
mod report;

use super::output::{print, print_json};
use super::tokens::warn_of_cut;
use super::{Failure, InterveneArgs, ModelArgs, PromptArgs};
use crate::analysis::calibration::Calibration;
use crate::analysis::pooling::{Misfit, misfit, modes, scores};
use crate::analysis::similarity::Method;
use crate::analysis::similarity::changed::hindrance;
use crate::model::intervention::{Changes, GRAMMAR};
use crate::model::{HeadOptions, Model};
use crate::trace::{PoolingMode, Trace};
pub(super) use findings::limit;
use methods::{Answer, Subject, answer};

#[derive(clap::Args, Debug)]
#[command(after_long_help = GRAMMAR)]
pub struct WhyArgs {
    /// The first text
    #[arg(value_name = "A", allow_hyphen_values = true)]
    pub a: String,
    /// The second text
    #[arg(value_name = "B", allow_hyphen_values = true)]
    pub b: String,
    /// Instead of the model's own: cls, mean, max, mean_sqrt_len_tokens, weightedmean or lasttoken
    #[arg(long, value_name = "MODE")]
    pub pooling: Option<PoolingMode>,
    /// Keep only the first N dimensions of each vector
    #[arg(long, value_name = "N", value_parser = super::embed::positive)]
    pub truncate_dim: Option<usize>,
    /// One JSON document instead of tables
    #[arg(long)]
    pub json: bool,
    /// How to explain the cosine: pairs, dims, common, input, components, layers, loo, shapley, ablation, patching, ij, or all
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "pairs"
    )]
    pub method: Vec<String>,
    /// A third text: what makes B closer to A than this one, or less close
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub against: Option<String>,
    /// Measure the model on unrelated texts first, once; kept for the next time
    #[arg(long)]
    pub calibrate: bool,
    /// Unrelated texts of your own for that, one a line (50 or more), instead of the program's
    #[arg(long, value_name = "FILE")]
    pub background: Option<std::path::PathBuf>,
    /// Exit status 1 where the cosine is below this
    #[arg(long, value_name = "X", allow_hyphen_values = true, value_parser = findings::limit)]
    pub fail_below: Option<f64>,
    /// Exit status 1 where the cosine is above this
    #[arg(long, value_name = "X", allow_hyphen_values = true, value_parser = findings::limit)]
    pub fail_above: Option<f64>,
    #[command(flatten)]
    pub prompt: PromptArgs,
    #[command(flatten)]
    pub changes: InterveneArgs,
}

/// A score with everything that explains it.
struct Explained {
    a: Trace,
    b: Trace,
    pooling: Vec<PoolingMode>,
    /// True where `pooling` is the model's own.
    own: bool,
    cos: f64,
    /// None where the modules behind the pool do not take a single mode's vector.
    poolings: Vec<(PoolingMode, Option<f64>)>,
    methods: Vec<(Method, Answer)>,
}

pub fn run(args: &WhyArgs, model: &ModelArgs) -> Result<(), Failure> {
    let methods = methods(&args.method)?;
    let background = findings::background(args)?;
    let model = model.load()?;
    let options = model.options_with(args.pooling, args.truncate_dim);
    check_pooling(&model, args.pooling)?;
    check_size(&model, options)?;
    let calibration = findings::calibration(&model, args, background, &methods)?;
    let scale = calibration.as_ref();
    let explain = |b: &str| explain(&model, b, args, scale, options, &methods);
    let first = explain(&args.b)?;
    let second = args.against.as_deref().map(explain).transpose()?;
    let diagnosis = findings::findings(&model, &first, scale, options)?;
    let (second, found) = (second.as_ref(), &diagnosis);
    match args.json {
        true => print_json(&document::document(&model, &first, second, found))?,
        false => {
            let paint = (paint::Colors::of_stdout(), paint::width_of_stdout());
            let report = report::report(&model, &first, second, found, paint);
            print(&format!("{}{report}", told(&first)))?;
        }
    }
    findings::check_limits(first.cos, args)
}

/// What was changed, in front of a report.
fn told(explained: &Explained) -> String {
    let sides = [("a", &explained.a), ("b", &explained.b)];
    let of = |(name, trace): (&str, &Trace)| {
        let changes = &trace.interventions.changes;
        (!changes.is_empty()).then(|| format!("changed in {name}: {}\n", changes.title()))
    };
    sides.into_iter().filter_map(of).collect()
}

/// The methods that were asked for, each once.
fn methods(names: &[String]) -> Result<Vec<Method>, Failure> {
    let mut out = Vec::new();
    for name in names {
        let found = match name.as_str() {
            "all" => Method::ALL.to_vec(),
            name => vec![name.parse().map_err(Failure::usage)?],
        };
        out.extend(
            found
                .into_iter()
                .filter(|method| !out.contains(method))
                .collect::<Vec<_>>(),
        );
    }
    Ok(out)
}

/// # Errors
/// Bad usage where the modules behind the pool do not take what this pooling gives.
pub(super) fn check_pooling(model: &Model, pooling: Option<PoolingMode>) -> Result<(), Failure> {
    let (Some(mode), Some(Misfit { gives, takes })) =
        (pooling, misfit(&model.head, model.spec().hidden, pooling))
    else {
        return Ok(());
    };
    Err(Failure::Usage(format!(
        "--pooling {mode} gives {gives} dimensions, but the module behind this model's pooling takes {takes}; leave the option out"
    )))
}

/// # Errors
/// Bad usage where more dimensions are to be kept than there are.
fn check_size(model: &Model, options: HeadOptions) -> Result<(), Failure> {
    let whole = super::embed::size(model, options);
    match options.truncate_dim.filter(|&cut| cut > whole) {
        Some(cut) if Some(cut) != model.truncate_dim => Err(Failure::Usage(format!(
            "--truncate-dim {cut}: the vectors have only {whole} dimensions"
        ))),
        _ => Ok(()),
    }
}

/// Bytes up to which a text is recorded whole.
const WHOLE: usize = 1 << 30;

fn explain(
    model: &Model,
    b: &str,
    args: &WhyArgs,
    calibration: Option<&Calibration>,
    options: HeadOptions,
    methods: &[Method],
) -> Result<Explained, Failure> {
    let prompt = args.prompt.prompt();
    // Recorded whole where a method reads every layer's inside and the memory allows it.
    let most = match methods.iter().any(|method| method.needs_inside()) {
        true => WHOLE,
        false => 0,
    };
    let trace = |text: &str, changes: Changes| {
        super::intervene::trace(model, (text, &prompt), &changes, most)
    };
    let a = trace(&args.a, args.changes.of_side(true, b))?;
    let b = trace(b, args.changes.of_side(false, &args.a))?;
    warn_of_cut(&a.tokens);
    warn_of_cut(&b.tokens);
    let subject = Subject {
        model,
        a: &a,
        b: &b,
        options,
        calibration,
    };
    // Asked for all, those that do not hold for a changed run are left out.
    let all = args.method.iter().any(|name| name == "all");
    let held = |method: &&Method| match hindrance(**method, [&a, &b]) {
        Some(what) if all => {
            log::warn!(
                "`{}` does not hold under the change {what} and is left out",
                method.name()
            );
            false
        }
        _ => true,
    };
    let methods: Vec<&Method> = methods.iter().filter(held).collect();
    let run = |&method: &&Method| Ok((*method, answer(*method, &subject)?));
    let methods: Vec<_> = methods.iter().map(run).collect::<Result<_, Failure>>()?;
    let pooling = modes(&model.head, options.pooling);
    Ok(Explained {
        own: pooling == model.head.pooling(),
        pooling,
        cos: crate::analysis::pooling::score(&model.head, &a, &b, options)?,
        poolings: scores(&model.head, &a, &b, options)?,
        methods,
        a,
        b,
    })
}
