//! `models`: what is at hand, and what can be run.

use serde::Serialize;

use super::Failure;
use super::output::{print, print_json};
use super::progress::size;
use crate::cancel::Cancel;
use crate::model::config::Config;
use crate::model::families::{self, FAMILIES};
use crate::model::source::{
    CHECKPOINTS, CachedModel, SourceOptions, bundled_size, cached, remove, resolve,
};
use crate::model::{ModelError, ModelRef};

#[derive(clap::Args, Debug)]
pub struct ModelsArgs {
    /// One JSON document instead of a table
    #[arg(long)]
    pub json: bool,
    /// Take a model out of the hub's cache: every snapshot of it, or the one named behind an @
    #[arg(long, value_name = "ORG/NAME[@REVISION]", conflicts_with = "json")]
    pub remove: Option<String>,
}

/// What `--json` prints. Keys are only ever added.
#[derive(Serialize)]
struct Document {
    bundled: Vec<Bundled>,
    cache: String,
    cached: Vec<Row>,
    /// The `model_type`s that can be run.
    families: Vec<&'static str>,
}

/// The model in the program, or one of its checkpoints.
#[derive(Serialize)]
struct Bundled {
    /// As `--model` takes it.
    id: String,
    title: String,
    /// In the program.
    bytes: usize,
}

/// One model of the hub cache.
#[derive(Serialize)]
struct Row {
    id: String,
    revision: String,
    refs: Vec<String>,
    bytes: u64,
    path: String,
    supported: bool,
    /// Why it cannot be run.
    problem: Option<String>,
}

pub fn run(args: &ModelsArgs) -> Result<(), Failure> {
    let options = SourceOptions {
        offline: true,
        ..SourceOptions::from_env()
    };
    if let Some(id) = &args.remove {
        return take_out(id, &options);
    }
    let rows = cached(&options)
        .into_iter()
        .map(|model| row(model, &options));
    let document = Document {
        bundled: bundled(),
        cache: options.cache_dir().display().to_string(),
        cached: rows.collect(),
        families: FAMILIES
            .iter()
            .flat_map(|f| f.model_types.iter().copied())
            .collect(),
    };
    match args.json {
        true => print_json(&document),
        false => print(&table(&document)),
    }
}

/// Removes what `id` names.
fn take_out(id: &str, options: &SourceOptions) -> Result<(), Failure> {
    let (repo, revision) = match id.split_once('@') {
        Some((repo, revision)) => (repo, Some(revision)),
        None => (id, None),
    };
    let named = |model: &CachedModel| {
        let is = |revision: &str| {
            let start = revision.len() >= 7 && model.revision.starts_with(revision);
            start || model.refs.iter().any(|name| name == revision)
        };
        model.id == repo && revision.is_none_or(is)
    };
    let found: Vec<CachedModel> = cached(options).into_iter().filter(named).collect();
    if found.is_empty() {
        let cache = options.cache_dir().display().to_string();
        return Err(Failure::failed(format!(
            "{id} is not in the cache {cache}; `embedscope models` lists what is"
        )));
    }
    for model in found {
        let bytes = remove(&model, options).map_err(ModelError::from)?;
        let revision: String = model.revision.chars().take(12).collect();
        print(&format!(
            "removed {} {revision} ({})\n",
            model.id,
            size(bytes)
        ))?;
    }
    Ok(())
}

fn bundled() -> Vec<Bundled> {
    let of = |reference: ModelRef, bytes| Bundled {
        id: reference.to_string(),
        title: reference.title(),
        bytes,
    };
    let checkpoints = CHECKPOINTS.iter().map(|c| of(c.reference(), c.size()));
    [of(ModelRef::default(), bundled_size())]
        .into_iter()
        .chain(checkpoints)
        .collect()
}

fn row(model: CachedModel, options: &SourceOptions) -> Row {
    let problem = match &model.missing {
        Some(missing) => Some(format!("not complete: {missing} is missing")),
        None => supported(&model, options).err().map(|e| e.to_string()),
    };
    Row {
        id: model.id,
        revision: model.revision,
        refs: model.refs,
        bytes: model.bytes,
        path: model.path.display().to_string(),
        supported: problem.is_none(),
        problem,
    }
}

/// Whether its config.json asks for something that can be run. No weights are read.
fn supported(model: &CachedModel, options: &SourceOptions) -> Result<(), ModelError> {
    let reference = ModelRef::Hub {
        repo: model.id.clone(),
        revision: Some(model.revision.clone()),
    };
    let files = resolve(&reference, options, &|_| {}, &Cancel::new())?;
    let name = match files.encoder_dir() {
        "" => "config.json".to_owned(),
        folder => format!("{folder}/config.json"),
    };
    let config = Config::new(&name, files.json(&name)?)?;
    let spec = (families::find(&config)?.spec)(&config)?;
    spec.check(&name)?;
    files.weight_files()?;
    Ok(())
}

fn table(document: &Document) -> String {
    let mut out = String::from("in the program:\n");
    let wide = document.bundled.iter().map(|row| row.id.len()).max();
    for row in &document.bundled {
        let (wide, size) = (wide.unwrap_or(0), size(row.bytes as u64));
        out += &format!("  {:<wide$}  {size:>9}  {}\n", row.id, row.title);
    }
    let cache = &document.cache;
    match document.cached.is_empty() {
        true => out += &format!("cached in {cache}: none\n"),
        false => out += &format!("cached in {cache}:\n"),
    }
    let wide = document.cached.iter().map(|row| row.id.chars().count());
    let wide = wide.max().unwrap_or(0);
    for row in &document.cached {
        let revision: String = row.revision.chars().take(12).collect();
        let refs = match row.refs.is_empty() {
            true => String::new(),
            false => format!(" ({})", row.refs.join(", ")),
        };
        let state = row.problem.as_deref().unwrap_or("can be run");
        let (id, size, path) = (&row.id, size(row.bytes), &row.path);
        out += &format!("  {id:<wide$}  {revision}{refs}  {size:>9}  {state}\n      {path}\n");
    }
    out + &format!("families: {}\n", document.families.join(", "))
}
