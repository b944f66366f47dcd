//! Everything that a run needs before its first step.

use std::path::Path;

use super::{Run, STATE, TrainArgs};
use crate::cancel::Cancel;
use crate::cli::progress::{Download, Line};
use crate::cli::{Failure, ModelArgs};
use crate::model::source::{ModelFiles, ModelRef, SourceOptions, resolve};
use crate::model::{HeadOptions, Model};
use crate::training::data::{read_pairs, read_texts};
use crate::training::folder::{self, Precision, Template};
use crate::training::targets::Basis;
use crate::training::trainer::tokenize;
use crate::training::{Material, Targets, Trainer, fresh};

/// Texts that the teacher reads between two lines of progress.
const TEACHER_WINDOW: usize = 4096;
const TEACHER_BATCH: usize = 64;

pub fn begin(args: &TrainArgs, model: &ModelArgs) -> Result<Run, Failure> {
    check(args)?;
    let mut material = Material::default();
    for path in &args.pairs {
        material.pairs.extend(read_pairs(path)?);
    }
    for path in &args.corpus {
        material.texts.extend(read_texts(path)?);
    }
    if material.pairs.is_empty() && material.texts.is_empty() {
        return Err(Failure::usage("the files hold nothing to learn from"));
    }
    let state = args.out.join(STATE);
    if args.resume && !state.is_file() {
        return Err(Failure::Failed(format!(
            "{}: there is no state to go on from; train without --resume",
            state.display()
        )));
    }
    let teacher = args
        .teacher
        .as_deref()
        .map(|name| load(name, model))
        .transpose()?;
    let (template, model) = match model.reference()? {
        Some(base) => {
            let files = find(&base)?;
            (Template::of(&files)?, load_files(&files, model)?)
        }
        None if args.resume => {
            let files = find(&ModelRef::Folder(args.out.clone()))?;
            (Template::of(&files)?, load_files(&files, model)?)
        }
        None => new(args, model, &mut material, teacher.as_ref())?,
    };
    if let Some(teacher) = &teacher {
        targets(args, &mut material, teacher)?;
        project(&mut material, model.sentence_size())?;
    }
    let trainer = match args.resume {
        true => Trainer::resume(&model, args.settings(), &state)?,
        false => Trainer::new(&model, args.settings())?,
    };
    Ok(Run {
        log: Run::open_log(&args.out, trainer.step_number())?,
        folder: args.out.clone(),
        template,
        precision: if args.half {
            Precision::Half
        } else {
            Precision::Single
        },
        every: args.checkpoint_every.max(1),
        keep: args.keep.clone(),
        model,
        material,
        trainer,
    })
}

fn check(args: &TrainArgs) -> Result<(), Failure> {
    let usage = |problem: &str| Err(Failure::usage(problem));
    if args.pairs.is_empty() && args.corpus.is_empty() {
        return usage("give --pairs, or --corpus with --teacher");
    }
    if !args.corpus.is_empty() && args.teacher.is_none() {
        return usage("--corpus needs --teacher, whose vectors are to be matched");
    }
    if args.steps == 0 || args.batch == 0 {
        return usage("--steps and --batch must be more than 0");
    }
    if args.batch < 2 && (!args.pairs.is_empty() || args.contrast > 0.) {
        return usage("--batch must be at least 2: InfoNCE needs something to tell apart");
    }
    if !(args.temperature > 0. && args.temperature.is_finite()) {
        return usage("--temperature must be more than 0");
    }
    if !(args.learning_rate > 0. && args.learning_rate.is_finite()) {
        return usage("--learning-rate must be more than 0");
    }
    let taken = args
        .out
        .read_dir()
        .is_ok_and(|mut files| files.next().is_some());
    if taken && !args.resume {
        return Err(Failure::Failed(format!(
            "{}: is not empty; name a new folder, or give --resume to go on",
            args.out.display()
        )));
    }
    Ok(())
}

fn find(reference: &ModelRef) -> Result<ModelFiles, Failure> {
    let download = Download::new();
    let report = |progress| download.report(progress);
    let files = resolve(
        reference,
        &SourceOptions::from_env(),
        &report,
        &Cancel::new(),
    );
    download.finish();
    Ok(files?)
}

fn load(name: &str, args: &ModelArgs) -> Result<Model, Failure> {
    load_files(&find(&name.parse()?)?, args)
}

fn load_files(files: &ModelFiles, args: &ModelArgs) -> Result<Model, Failure> {
    Ok(Model::load(files, &args.open_device())?)
}

/// Makes a new model in --out and opens it.
fn new(
    args: &TrainArgs,
    device: &ModelArgs,
    material: &mut Material,
    teacher: Option<&Model>,
) -> Result<(Template, Model), Failure> {
    let mut texts = material.texts.clone();
    texts.extend(
        material
            .pairs
            .iter()
            .flat_map(|p| [p.a.clone(), p.b.clone()]),
    );
    log::info!("making a vocabulary of {} texts", texts.len());
    let shape = args.shape();
    let tokenizer = fresh::vocabulary(&texts, shape.vocabulary)?;
    let template = fresh::template(&shape, &tokenizer)?;
    let words = match teacher {
        None => None,
        Some(teacher) => {
            targets(args, material, teacher)?;
            let Some(targets) = &material.targets else {
                return Err(Failure::usage("--teacher needs --corpus"));
            };
            let basis = Basis::new(targets, shape.hidden.min(targets.size()))?;
            let whole = shape.hidden <= targets.size();
            whole
                .then(|| fresh::word_vectors(&tokenizer, teacher, &basis, &Cancel::new()))
                .transpose()?
        }
    };
    let spec = fresh::spec(&shape, tokenizer.get_vocab_size(true));
    spec.check("the new model")?;
    let weights = fresh::weights(&spec, words, args.seed)?;
    let head = crate::model::Head::mean();
    folder::write(&args.out, &template, (&weights, &head), Precision::Single)?;
    let files = find(&ModelRef::Folder(args.out.clone()))?;
    Ok((template, load_files(&files, device)?))
}

/// The teacher's vectors: read, or made.
fn targets(args: &TrainArgs, material: &mut Material, teacher: &Model) -> Result<(), Failure> {
    if material.targets.is_some() {
        return Ok(());
    }
    let targets = match &args.targets {
        Some(path) => read_targets(path, material.texts.len())?,
        None => make_targets(material, teacher)?,
    };
    material.targets = Some(targets);
    Ok(())
}

fn read_targets(path: &Path, texts: usize) -> Result<Targets, Failure> {
    let targets = Targets::read(path)?;
    match targets.len() == texts {
        true => Ok(targets),
        false => Err(Failure::Failed(format!(
            "{}: holds {} vectors, but --corpus has {texts} texts; make it again from these files",
            path.display(),
            targets.len()
        ))),
    }
}

fn make_targets(material: &Material, teacher: &Model) -> Result<Targets, Failure> {
    let (texts, mut line) = (&material.texts, Line::new());
    let mut values = Vec::new();
    for (i, window) in texts.chunks(TEACHER_WINDOW).enumerate() {
        let window: Vec<&str> = window.iter().map(String::as_str).collect();
        let tokens = tokenize(teacher, &window)?;
        let options = HeadOptions::default();
        let vectors = teacher.embed(&tokens, options, TEACHER_BATCH, &Cancel::new(), &mut |n| {
            line.update(|| {
                let done = i * TEACHER_WINDOW + n;
                format!("the teacher has read {done} of {} texts", texts.len())
            });
        })?;
        values.extend(vectors.into_iter().flatten());
    }
    line.clear();
    Ok(Targets::new(values, teacher.sentence_size())?)
}

/// Brings the targets to the student's length.
fn project(material: &mut Material, size: usize) -> Result<(), Failure> {
    let Some(targets) = &material.targets else {
        return Ok(());
    };
    if targets.size() < size {
        return Err(Failure::usage(format!(
            "the teacher's vectors have {} dimensions, but the student's {size}; make the student smaller",
            targets.size()
        )));
    }
    if targets.size() > size {
        let basis = Basis::new(targets, size)?;
        log::info!(
            "{size} of {} dimensions keep {:.1}% of the teacher's vectors",
            targets.size(),
            100. * basis.kept
        );
        material.targets = Some(basis.project(targets)?);
    }
    Ok(())
}
