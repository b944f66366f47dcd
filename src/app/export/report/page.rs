//! The markup of a report. Everything that a person or a model has written is escaped.

use super::Section;
use super::facts::{Facts, Text};
use crate::app::export::svg::escaped;
use crate::app::state::{Side, State};
use crate::model::{Model, Prompt};
use crate::widgets::number;

/// A table with more lines or columns is left to the exports.
const MOST_LINES: usize = 40;
const MOST_COLUMNS: usize = 14;

const STYLE: &str = include_str!("report.css");

pub fn page(model: &Model, state: &State, facts: &Facts, sections: &[Section]) -> String {
    let mut out = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n",
    );
    let title = match facts.cos {
        Some(cos) => format!("embedscope: {}", four(cos)),
        None => "embedscope".to_owned(),
    };
    out += &format!("<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n");
    out += &headline(facts);
    out += &texts(&facts.texts);
    out += &recipe(model, state, facts);
    out += &poolings(facts);
    out += &findings(facts);
    for section in sections {
        out += &panel(section);
    }
    out += &again(model, state);
    out + "</main>\n</body>\n</html>\n"
}

fn four(value: f64) -> String {
    format!("{value:.4}").replace('-', "−")
}

fn headline(facts: &Facts) -> String {
    let Some(cos) = facts.cos else {
        return "<h1>No score: A or B has no vector</h1>\n".to_owned();
    };
    let standing = match &facts.standing {
        Some(standing) => format!("It is {}.", escaped(standing)),
        None => "The model has not been measured on unrelated texts, so this does not say whether \
            that is high for this model."
            .to_owned(),
    };
    let own = if facts.own { ", the model’s own" } else { "" };
    format!(
        "<h1>Cosine of A and B: {}</h1>\n<p class=\"verdict\">Under {} pooling{own}. {standing}</p>\n",
        four(cos),
        escaped(&facts.pooling)
    )
}

fn texts(texts: &[Text]) -> String {
    let mut out = String::from(
        "<h2>Texts</h2>\n<table>\n<tr><th></th><th>text</th><th class=\"n\">tokens</th></tr>\n",
    );
    for text in texts {
        let mut body = escaped(&text.text);
        if text.dropped > 0 {
            body += &format!(" <em>({} more tokens were cut off)</em>", text.dropped);
        }
        if let Some(error) = &text.error {
            body += &format!(" <em>{}</em>", escaped(error));
        }
        let (name, tokens) = (escaped(&text.name), text.tokens);
        out += &format!("<tr><th>{name}</th><td>{body}</td><td class=\"n\">{tokens}</td></tr>\n");
    }
    out + "</table>\n"
}

fn recipe(model: &Model, state: &State, facts: &Facts) -> String {
    let words = model.prompt(&state.prompt).unwrap_or_default();
    let prompt = match &state.prompt {
        _ if words.is_empty() => "none".to_owned(),
        Prompt::Own => format!("“{}” (the model’s own)", escaped(words)),
        Prompt::Named(name) => format!("“{}” ({})", escaped(words), escaped(name)),
        _ => format!("“{}”", escaped(words)),
    };
    let own = if facts.own {
        " (the model’s own)"
    } else {
        ""
    };
    let mut rows = vec![
        ("Model", escaped(&model.id)),
        ("Hash", format!("<code>{}</code>", escaped(&model.hash))),
        ("Pooling", format!("{}{own}", escaped(&facts.pooling))),
        ("Prompt", prompt),
    ];
    if let Some(size) = state.truncate_dim {
        rows.push(("Dimensions kept", size.to_string()));
    }
    let (layer, head) = (state.layer + 1, state.head + 1);
    rows.push(("Shown below", format!("layer {layer}, head {head}")));
    rows.push((
        "Made by",
        format!("embedscope {}", env!("CARGO_PKG_VERSION")),
    ));
    let rows = rows.iter();
    let rows: String = rows
        .map(|(name, value)| format!("<tr><th>{name}</th><td>{value}</td></tr>\n"))
        .collect();
    format!("<h2>How it was made</h2>\n<table>\n{rows}</table>\n")
}

fn poolings(facts: &Facts) -> String {
    if facts.poolings.is_empty() {
        return String::new();
    }
    let row = |(mode, cos): &(crate::trace::PoolingMode, Option<f64>)| {
        let (title, cos) = (mode.title(), cos.map_or("–".to_owned(), four));
        let used = if mode.name() == facts.pooling {
            " class=\"used\""
        } else {
            ""
        };
        format!("<tr{used}><th>{title}</th><td class=\"n\">{cos}</td></tr>\n")
    };
    let rows: String = facts.poolings.iter().map(row).collect();
    format!("<h2>Cosine under each pooling</h2>\n<table>\n{rows}</table>\n")
}

fn findings(facts: &Facts) -> String {
    if facts.findings.is_empty() {
        return "<h2>Findings</h2>\n<p>Nothing unusual was found about these texts or how they are encoded.</p>\n".to_owned();
    }
    let item = |finding: &crate::analysis::diagnosis::Finding| {
        let severity = finding.severity.name();
        let (text, id) = (escaped(&finding.text), finding.id);
        format!("<li class=\"{severity}\"><b>{severity}</b> {text} <code>{id}</code></li>\n")
    };
    let items: String = facts.findings.iter().map(item).collect();
    format!("<h2>Findings</h2>\n<ul>\n{items}</ul>\n")
}

fn panel(section: &Section) -> String {
    let [light, dark] = &section.pictures;
    let (title, about) = (escaped(section.title), escaped(section.about));
    let table = section.table.as_deref().and_then(table).unwrap_or_default();
    let figures = match dark.is_empty() {
        true => format!("<figure>\n{light}</figure>\n"),
        false => format!(
            "<figure class=\"light\">\n{light}</figure>\n<figure class=\"dark\">\n{dark}</figure>\n"
        ),
    };
    format!("<section>\n<h2>{title}</h2>\n<p>{about}</p>\n{figures}{table}</section>\n")
}

/// A small table; none where it is a large one.
fn table(tsv: &str) -> Option<String> {
    let lines: Vec<Vec<&str>> = tsv.lines().map(|line| line.split('\t').collect()).collect();
    let columns = lines.iter().map(Vec::len).max()?;
    if lines.len() < 2 || lines.len() > MOST_LINES || columns > MOST_COLUMNS {
        return None;
    }
    let mut out = String::from("<details>\n<summary>Figures</summary>\n<table>\n");
    for (at, line) in lines.iter().enumerate() {
        out += "<tr>";
        for column in 0..columns {
            let text = line.get(column).copied().unwrap_or_default();
            out += &match at {
                0 => format!("<th>{}</th>", escaped(text)),
                _ => figure(text),
            };
        }
        out += "</tr>\n";
    }
    Some(out + "</table>\n</details>\n")
}

/// Numbers with the digits that matter, on the right.
fn figure(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(value) if text.contains('.') => format!("<td class=\"n\">{}</td>", number(value)),
        Ok(_) => format!("<td class=\"n\">{text}</td>"),
        Err(_) => format!("<td>{}</td>", escaped(text)),
    }
}

/// The command that makes it again.
fn again(model: &Model, state: &State) -> String {
    let command = escaped(&command(model, state));
    format!(
        "<h2>Making it again</h2>\n<pre>{command}</pre>\n<p>The same model (see its hash) gives the same figures.</p>\n"
    )
}

pub fn command(model: &Model, state: &State) -> String {
    let mut parts = vec!["embedscope report".to_owned()];
    let mut option = |name: &str, value: &str| parts.push(format!("--{name} {}", quoted(value)));
    option("model", &model.source.to_string());
    // The first two texts are A and B.
    let first = [Side::A, Side::B].map(|side| state.id_of(side));
    let rest = state.texts.iter().map(|text| Some(text.id));
    let rest = rest.filter(|id| !first.contains(id));
    for id in first.into_iter().chain(rest).flatten() {
        if let Some(text) = state.texts.iter().find(|text| text.id == id) {
            option("text", &text.text);
        }
    }
    match &state.prompt {
        Prompt::Own => {}
        Prompt::None => option("prompt", ""),
        Prompt::Named(name) => option("prompt-name", name),
        Prompt::Text(text) => option("prompt", text),
    }
    if let Some(pooling) = state.pooling {
        option("pooling", pooling.name());
    }
    if let Some(size) = state.truncate_dim {
        option("truncate-dim", &size.to_string());
    }
    if state.layer > 0 {
        option("layer", &(state.layer + 1).to_string());
    }
    if state.head > 0 {
        option("head", &(state.head + 1).to_string());
    }
    option("out", "report.html");
    parts.join(" ")
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@#:".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("org/name@v1"), "org/name@v1");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn small_tables_are_shown_and_what_is_in_them_is_escaped() {
        let shown = table("token\tcos\n<b>\t0.123456789\nx\t3\n").unwrap();
        assert!(
            shown.contains("<td>&lt;b&gt;</td>") && !shown.contains("<b>"),
            "{shown}"
        );
        assert!(
            shown.contains("0.1235") && shown.contains(">3</td>"),
            "{shown}"
        );
        assert_eq!(table(&"a\tb\n".repeat(100)), None);
        assert_eq!(table("alone\n"), None);
    }
}
