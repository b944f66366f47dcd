//! What is unusual about a pair, and the limits that a score must keep.

use std::path::PathBuf;

use super::paint::{Colors, left};
use super::{Explained, WhyArgs};
use crate::analysis::background::Background;
use crate::analysis::calibration::Calibration;
use crate::analysis::diagnosis::{Case, Diagnosis, Severity, diagnose};
use crate::analysis::similarity::Method;
use crate::cancel::Cancel;
use crate::cli::Failure;
use crate::cli::progress::Line;
use crate::engine::{CalibrationKey, CalibrationStore, calibrate, read_background};
use crate::model::{HeadOptions, Model, ModelError};

/// Looks for everything that the cards know of.
pub fn findings(
    model: &Model,
    explained: &Explained,
    calibration: Option<&Calibration>,
    options: HeadOptions,
) -> Result<Diagnosis, Failure> {
    let cancel = Cancel::new();
    Ok(diagnose(Case {
        model,
        a: &explained.a,
        b: &explained.b,
        options,
        calibration,
        cancel: &cancel,
    })?)
}

/// The person's own background, or the program's.
///
/// # Errors
/// One line that names the file and what is wrong with it.
pub fn background(args: &WhyArgs) -> Result<Background, Failure> {
    let read = |path: &PathBuf| read_background(path).map_err(Failure::failed);
    let own = args.background.as_ref().map(read).transpose()?;
    Ok(own.unwrap_or_else(Background::own))
}

/// The kept calibration of this recipe; a new one where it was asked for, be it by a background to
/// measure on or by a method that rests on it.
///
/// # Errors
/// When the model fails on a text of the background.
pub fn calibration(
    model: &Model,
    args: &WhyArgs,
    background: Background,
    methods: &[Method],
) -> Result<Option<Calibration>, ModelError> {
    let key = CalibrationKey::new(model, args.pooling, &args.prompt.prompt())?
        .cut_to(args.truncate_dim, model)
        .on(background);
    let store = CalibrationStore::from_env();
    let kept = store.load(&key);
    let wanted = args.calibrate || args.background.is_some() || methods.contains(&Method::Common);
    if kept.is_some() || !wanted {
        return Ok(kept);
    }
    let mut line = Line::new();
    let mut progress =
        |done, all| line.update(|| format!("calibrating: {done} of {all} background texts"));
    let made = calibrate(model, &key, &Cancel::new(), &mut progress)?;
    store.save(&key, &made);
    Ok(Some(made))
}

/// Where the score stands among unrelated pairs, for a person.
pub fn standing(diagnosis: &Diagnosis, colors: Colors) -> String {
    let line = diagnosis.standing();
    line.map_or_else(String::new, |line| format!("{}\n\n", colors.dim(&line)))
}

/// One line for each finding.
pub fn list(diagnosis: &Diagnosis, colors: Colors) -> String {
    let mut out = String::new();
    for finding in &diagnosis.findings {
        let severity = left(finding.severity.name(), 8);
        let severity = match finding.severity {
            Severity::Info => colors.dim(&severity),
            _ => colors.bold(&severity),
        };
        let name = colors.dim(&format!("[{}]", finding.id));
        out.push_str(&format!("{severity} {} {name}\n", finding.text));
    }
    out
}

/// # Errors
/// One line where the score is outside what the arguments allow.
pub fn check_limits(cos: f64, args: &WhyArgs) -> Result<(), Failure> {
    if let Some(least) = args.fail_below.filter(|&least| cos < least) {
        let problem = format!("the cosine {cos:.4} is below {least}, which --fail-below forbids");
        return Err(Failure::failed(problem));
    }
    if let Some(most) = args.fail_above.filter(|&most| cos > most) {
        let problem = format!("the cosine {cos:.4} is above {most}, which --fail-above forbids");
        return Err(Failure::failed(problem));
    }
    Ok(())
}

/// A limit on the command line.
pub fn limit(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|x| x.is_finite());
    number.ok_or_else(|| "must be a number, as cosines are: from -1 to 1".to_owned())
}
