//! `whatif`: the score if one of two texts said something else.

use serde::Serialize;
use serde_json::{Value, json};

use super::output::{print, print_json};
use super::progress::Line;
use super::tokens::warn_of_cut;
use super::{Failure, ModelArgs, PromptArgs};
use crate::analysis::edits::rerun::{Rerun, Subject, offer, parts, rerun, search_edits};
use crate::analysis::edits::search::{Goal, Limits, Outcome, Tried};
use crate::analysis::edits::{Draft, Edit, Kind, apply, propose, searchable};
use crate::analysis::job::Job;
use crate::cancel::Cancel;
use crate::model::{Detail, HeadOptions, Model};
use crate::trace::PoolingMode;

#[derive(clap::Args, Debug)]
pub struct WhatifArgs {
    /// The first text
    #[arg(value_name = "A", allow_hyphen_values = true)]
    pub a: String,
    /// The second text
    #[arg(value_name = "B", allow_hyphen_values = true)]
    pub b: String,
    /// Which text is edited
    #[arg(long, value_enum, default_value_t)]
    pub edit: Side,
    /// Kinds of edits: delete, mask, mask-token, swap, negate, number, case, punctuation, prompt, or all
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "all"
    )]
    pub kinds: Vec<String>,
    /// Your own words instead of the edited text; may be given more than once
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub say: Vec<String>,
    /// Search for the fewest edits that bring the cosine below this
    #[arg(long, value_name = "X", allow_hyphen_values = true, conflicts_with = "above", value_parser = super::why::limit)]
    pub below: Option<f64>,
    /// Search for the fewest edits that bring the cosine above this
    #[arg(long, value_name = "X", allow_hyphen_values = true, value_parser = super::why::limit)]
    pub above: Option<f64>,
    /// Runs of the model that a search may take
    #[arg(long, value_name = "N", default_value_t = Limits::default().runs)]
    pub runs: usize,
    /// Instead of the model's own: cls, mean, max, mean_sqrt_len_tokens, weightedmean or lasttoken
    #[arg(long, value_name = "MODE")]
    pub pooling: Option<PoolingMode>,
    /// One JSON document instead of a table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub prompt: PromptArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    #[default]
    A,
    B,
}

/// One edit after its run.
struct Row {
    title: String,
    kind: Kind,
    draft: Draft,
    run: Rerun,
}

/// Everything that was found.
struct Found<'a> {
    model: &'a Model,
    args: &'a WhatifArgs,
    /// The edited text as it was.
    text: &'a str,
    score: f64,
    rows: Vec<Row>,
    edits: Vec<Edit>,
    search: Option<(Goal, Outcome)>,
}

pub fn run(args: &WhatifArgs, model: &ModelArgs) -> Result<(), Failure> {
    let kinds = kinds(&args.kinds)?;
    let model = model.load()?;
    super::why::check_pooling(&model, args.pooling)?;
    let prompt = args.prompt.prompt();
    let trace = |text: &str| model.trace(text, &prompt, Detail::Outline, &Cancel::new());
    let (a, b) = (trace(&args.a)?, trace(&args.b)?);
    warn_of_cut(&a.tokens);
    warn_of_cut(&b.tokens);
    let (text, other) = match args.edit {
        Side::A => (&a, &b),
        Side::B => (&b, &a),
    };
    let options = HeadOptions {
        pooling: args.pooling,
        ..model.options()
    };
    let subject = Subject {
        model: &model,
        text,
        other,
        options,
    };
    let found = find(subject, args, &kinds)?;
    match args.json {
        true => print_json(&document(&found)),
        false => print(&report(&found)),
    }
}

/// The kinds that were asked for.
fn kinds(names: &[String]) -> Result<Vec<Kind>, Failure> {
    let mut out = Vec::new();
    for name in names {
        match name.as_str() {
            "all" => out.extend(Kind::PROPOSED),
            name => out.push(name.parse().map_err(Failure::usage)?),
        }
    }
    Ok(out)
}

fn find<'a>(
    subject: Subject<'a>,
    args: &'a WhatifArgs,
    kinds: &[Kind],
) -> Result<Found<'a>, Failure> {
    let text = parts(&subject.text.tokens).1;
    let edits = propose(text, &offer(subject.model, &subject.text.tokens), kinds);
    let said = args.say.iter().cloned().map(Edit::Free);
    let all: Vec<Edit> = said.chain(edits.iter().cloned()).collect();
    let draft = |edit| apply(text, &[edit]).map_err(Failure::failed);
    let drafts: Vec<Draft> = all.iter().map(draft).collect::<Result<_, _>>()?;
    let (mut line, cancel) = (Line::new(), Cancel::new());
    let mut progress = |done, total| line.update(|| format!("edits: {done} of {total} run"));
    let runs = rerun(subject, &drafts, &mut Job::new(&cancel, &mut progress))?;
    let rows = all.iter().zip(drafts).zip(runs);
    let mut rows: Vec<Row> = rows
        .map(|((edit, draft), run)| Row {
            title: edit.title(text),
            kind: edit.kind(),
            draft,
            run,
        })
        .collect();
    let score = subject.score()?;
    rows.sort_by(|a, b| {
        let size = |row: &Row| (row.run.cos - score).abs();
        size(b).total_cmp(&size(a))
    });
    let goal = match (args.below, args.above) {
        (Some(below), _) => Some(Goal::Below(below)),
        (None, above) => above.map(Goal::Above),
    };
    if let Some(goal) = goal.filter(|goal| goal.is_met(score)) {
        let problem = format!(
            "the cosine {score:.4} is already {}; there is nothing to search for",
            phrase(goal)
        );
        return Err(Failure::failed(problem));
    }
    let edits = searchable(&edits);
    let limits = Limits {
        runs: args.runs,
        ..Limits::default()
    };
    let mut search = |goal| {
        search_edits(
            subject,
            &edits,
            goal,
            limits,
            &mut Job::new(&cancel, &mut progress),
        )
    };
    let search = match goal {
        Some(goal) => Some((goal, search(goal)?)),
        None => None,
    };
    Ok(Found {
        model: subject.model,
        args,
        text,
        score,
        rows,
        edits,
        search,
    })
}

fn phrase(goal: Goal) -> String {
    match goal {
        Goal::Below(x) => format!("below {x}"),
        Goal::Above(x) => format!("above {x}"),
    }
}

fn titles(found: &Found<'_>, tried: &Tried) -> Vec<String> {
    let title = |&edit: &usize| found.edits[edit].title(found.text);
    tried.edits.iter().map(title).collect()
}

/// The edited text after a set of edits.
fn text_of(found: &Found<'_>, tried: &Tried) -> Option<String> {
    let edits: Vec<&Edit> = tried.edits.iter().map(|&edit| &found.edits[edit]).collect();
    apply(found.text, &edits).ok().map(|draft| draft.text())
}

fn report(found: &Found<'_>) -> String {
    let side = match found.args.edit {
        Side::A => "A",
        Side::B => "B",
    };
    let mut out = format!("cosine {:.4}; edits of {side}:\n\n", found.score);
    out.push_str("   cos    Δcos  edit\n");
    for row in &found.rows {
        let change = row.run.cos - found.score;
        let note = if row.run.same { " (same tokens)" } else { "" };
        let Row { title, run, .. } = row;
        out.push_str(&format!("{:>7.4} {change:>+7.4}  {title}{note}\n", run.cos));
    }
    if found.rows.is_empty() {
        out.push_str("no edit of these kinds applies\n");
    }
    if let Some((goal, outcome)) = &found.search {
        out.push_str(&format!("\n{}\n", sentence(found, *goal, outcome)));
    }
    out
}

fn sentence(found: &Found<'_>, goal: Goal, outcome: &Outcome) -> String {
    let (goal, runs) = (phrase(goal), outcome.runs);
    let count = |tried: &Tried| match tried.edits.len() {
        1 => "1 edit".to_owned(),
        count => format!("{count} edits"),
    };
    match (&outcome.found, &outcome.nearest) {
        (Some(tried), _) => format!(
            "{goal} with {}: {} → {:.4} ({runs} runs)\n{}",
            count(tried),
            titles(found, tried).join(", "),
            tried.score,
            text_of(found, tried).unwrap_or_default()
        ),
        (None, Some(tried)) => format!(
            "none found {goal} within {runs} runs; the nearest: {} → {:.4}",
            titles(found, tried).join(", "),
            tried.score
        ),
        (None, None) => format!("none found {goal}: there is nothing to try"),
    }
}

/// What is stable of `--json`.
fn document(found: &Found<'_>) -> impl Serialize {
    let rows = found.rows.iter().map(|row| {
        json!({
            "edit": row.title,
            "kind": row.kind.name(),
            "text": row.draft.text(),
            "hidden": spans(&row.draft),
            "prompt": row.draft.prompt.as_ref().and_then(|p| found.model.prompt(p).ok()),
            "cos": row.run.cos,
            "change": row.run.cos - found.score,
            "same_tokens": row.run.same,
        })
    });
    json!({
        "model": {"id": found.model.id, "hash": &*found.model.hash},
        "edited": match found.args.edit { Side::A => "a", Side::B => "b" },
        "a": found.args.a,
        "b": found.args.b,
        "cos": found.score,
        "edits": rows.collect::<Vec<_>>(),
        "search": found.search.as_ref().map(|(goal, outcome)| searched(found, *goal, outcome)),
    })
}

/// Hidden bytes of a draft's text.
fn spans(draft: &Draft) -> Vec<[usize; 2]> {
    let hidden = draft.hidden().into_iter();
    hidden.map(|range| [range.start, range.end]).collect()
}

fn searched(found: &Found<'_>, goal: Goal, outcome: &Outcome) -> Value {
    let tried = |tried: &Tried| {
        json!({
            "edits": titles(found, tried),
            "text": text_of(found, tried),
            "cos": tried.score,
        })
    };
    let (below, above) = match goal {
        Goal::Below(x) => (Some(x), None),
        Goal::Above(x) => (None, Some(x)),
    };
    json!({
        "below": below,
        "above": above,
        "found": outcome.found.as_ref().map(tried),
        "nearest": outcome.nearest.as_ref().map(tried),
        "runs": outcome.runs,
        "every_single_edit_tried": outcome.singles,
        "budget_spent": outcome.spent,
    })
}
