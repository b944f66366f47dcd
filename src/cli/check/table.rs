//! The tables that `check` prints.

use crate::parity::oracle::OracleReport;
use crate::parity::{SENTENCE_COSINE, SENTENCE_DELTA, SITE_TOLERANCE, SiteReport};

fn verdict(passes: bool) -> &'static str {
    match passes {
        true => "ok",
        false => "FAIL",
    }
}

/// How far a cosine is from 1, which is where its digits are.
fn below_one(cosine: Option<f64>) -> String {
    cosine.map_or(String::new(), |cosine| format!("{:.1e}", 1. - cosine))
}

/// Site by site, the worst over the texts.
pub fn sites(rows: &[SiteReport]) -> String {
    let mut out = format!(
        "{:<28} {:>5}  {:>9}  {:>9}  {:>9}\n",
        "site", "texts", "relative", "max |Δ|", "1 − cos"
    );
    for row in rows {
        let cosine = below_one(row.cosine);
        out += &format!(
            "{:<28} {:>5}  {:>9.1e}  {:>9.1e}  {cosine:>9}  {}\n",
            row.site,
            row.texts,
            row.relative,
            row.absolute,
            verdict(row.passes())
        );
        if !row.passes() {
            out += &format!("    {}\n", trouble(row));
        }
    }
    out + &tolerances()
}

fn trouble(row: &SiteReport) -> String {
    let worst = || format!("worst in the text `{}`", row.text.escape_debug());
    row.problem.clone().unwrap_or_else(worst)
}

fn tolerances() -> String {
    format!(
        "allowed: relative {SITE_TOLERANCE:.0e}; sentence max |Δ| {SENTENCE_DELTA:.0e} and 1 − cos {:.0e}\n",
        1. - SENTENCE_COSINE
    )
}

/// Text by text, the last hidden state and the sentence vector of another's pass over the same weights.
pub fn other(name: &str, reports: &[OracleReport]) -> String {
    let mut out = format!(
        "{name} on the same weights\n{:>6}  {:>19}  {:>17}  {:>9}\n",
        "tokens", "final.out, relative", "sentence, max |Δ|", "1 − cos"
    );
    for report in reports {
        let cosine = below_one(report.sentence.cosine);
        out += &format!(
            "{:>6}  {:>19.1e}  {:>17.1e}  {cosine:>9}  {}\n",
            report.tokens,
            report.out.relative,
            report.sentence.absolute,
            verdict(report.passes())
        );
    }
    out
}
