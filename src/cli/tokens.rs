//! `tokens`: what a text becomes before the model sees it.

use serde::Serialize;

use super::output::{print, print_json};
use super::{Failure, ModelArgs, PromptArgs};
use crate::tokens::Tokens;

#[derive(clap::Args, Debug)]
pub struct TokensArgs {
    /// The text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub text: String,
    /// One JSON document instead of a table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub prompt: PromptArgs,
}

/// What `--json` prints. Keys are only ever added.
#[derive(Serialize)]
struct Document<'a> {
    ids: &'a [u32],
    pieces: &'a [String],
    /// Bytes into `text`.
    offsets: &'a [(usize, usize)],
    special: &'a [bool],
    limit: usize,
    dropped: usize,
    words: &'a [Option<u32>],
    unknown: &'a [bool],
    type_ids: &'a [u32],
    /// The prompt, where there is one, and the given text behind it.
    text: &'a str,
    /// The start of `text` that is the prompt.
    prompt: &'a str,
    normalized: &'a str,
    pre_tokens: &'a [String],
}

pub fn run(args: &TokensArgs, model: &ModelArgs) -> Result<(), Failure> {
    let model = model.load()?;
    let tokens = model.tokens(&args.text, &args.prompt.prompt())?;
    warn_of_cut(&tokens);
    match args.json {
        true => print_json(&document(&tokens)),
        false => print(&table(&tokens)),
    }
}

/// Says on stderr what the model will not see.
pub fn warn_of_cut(tokens: &Tokens) {
    if tokens.dropped > 0 {
        let (dropped, limit, cut) = (tokens.dropped, tokens.limit, tokens.cut());
        log::warn!(
            "the text is longer than the model's limit of {limit} tokens: {dropped} tokens (bytes {} to {}) were cut off",
            cut.start,
            cut.end
        );
    }
}

fn document(tokens: &Tokens) -> Document<'_> {
    Document {
        ids: &tokens.ids,
        pieces: &tokens.pieces,
        offsets: &tokens.offsets,
        special: &tokens.special,
        limit: tokens.limit,
        dropped: tokens.dropped,
        words: &tokens.words,
        unknown: &tokens.unknown,
        type_ids: &tokens.type_ids,
        text: &tokens.text,
        prompt: tokens.text.get(..tokens.prompt_bytes).unwrap_or(""),
        normalized: &tokens.normalized,
        pre_tokens: &tokens.pre_tokens,
    }
}

fn table(tokens: &Tokens) -> String {
    let pieces = tokens.pieces.iter().map(|piece| piece.chars().count());
    let wide = pieces.max().unwrap_or(0).max("piece".len());
    let mut out = format!(
        "{:>5}  {:<wide$}  {:>7}  {:>11}  {:>5}  {}\n",
        "index", "piece", "id", "bytes", "word", "kind"
    );
    for t in 0..tokens.len() {
        let (start, end) = tokens.offsets[t];
        let bytes = match tokens.special[t] {
            true => String::new(),
            false => format!("{start}..{end}"),
        };
        let word = tokens.words[t].map_or(String::new(), |word| word.to_string());
        let kind = match (tokens.special[t], tokens.unknown[t]) {
            (true, _) => "special",
            (false, true) => "unknown",
            (false, false) if t < tokens.prompt_tokens => "prompt",
            (false, false) => "",
        };
        let (piece, id) = (printable(&tokens.pieces[t]), tokens.ids[t]);
        let row = format!("{t:>5}  {piece:<wide$}  {id:>7}  {bytes:>11}  {word:>5}  {kind}");
        out.push_str(row.trim_end());
        out.push('\n');
    }
    let (count, dropped) = (tokens.len(), tokens.dropped);
    out + &match tokens.most() {
        Some(most) => format!("{count} of at most {most} tokens, {dropped} cut off\n"),
        None => format!("{count} tokens\n"),
    }
}

/// A piece without anything that would move a terminal's cursor.
fn printable(piece: &str) -> String {
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    piece.chars().map(escape).collect()
}
