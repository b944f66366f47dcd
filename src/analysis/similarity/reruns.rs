//! The model run again on parts of a text and on changed states, many at once.

use candle_core::Tensor;

use crate::analysis::job::Job;
use crate::analysis::pooling::missing;
use crate::model::intervention::Intervening;
use crate::model::pass::Pass;
use crate::model::{Head, HeadOptions, Model, ModelError, Part};
use crate::trace::hook::{Chain, Hook, StopWhen};
use crate::trace::{LayerSite, Site, Trace};

/// Rows of one packed batch on a CPU: enough that the products are at their best, few enough that a stop is
/// soon heard.
pub const ROWS: usize = 512;

/// Cuts items of the given row counts into runs of at most `most` rows, but one item at least.
pub fn batches(most: usize, rows: impl IntoIterator<Item = usize>) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    let mut filled = 0;
    for (i, rows) in rows.into_iter().enumerate() {
        match out.last_mut() {
            Some(batch) if filled + rows <= most => {
                batch.end = i + 1;
                filled += rows;
            }
            _ => {
                out.push(i..i + 1);
                filled = rows;
            }
        }
    }
    out
}

/// What a head makes of packed final token vectors [ΣK, D], in f64: [E] for each part.
pub fn heads(
    head: &Head,
    parts: &[Part<'_>],
    out: &Tensor,
    options: HeadOptions,
) -> Result<Vec<Vec<f64>>, ModelError> {
    let mut start = 0;
    let mut vectors = Vec::with_capacity(parts.len());
    for part in parts {
        let rows = out.narrow(0, start, part.len())?;
        start += part.len();
        vectors.push(in_f64(&head.sentence_of(*part, &rows, options)?)?);
    }
    Ok(vectors)
}

fn in_f64(vector: &Tensor) -> Result<Vec<f64>, ModelError> {
    let values: Vec<f32> = vector.to_vec1()?;
    Ok(values.into_iter().map(f64::from).collect())
}

/// The sentence vector [E] of each part, run again in packed batches. A part without tokens pools to
/// zeros. One step of `job` is one part.
///
/// # Errors
/// [`ModelError::Stopped`] within a batch once the job's flag is up, and those of the encoder.
pub fn encode(
    model: &Model,
    head: &Head,
    parts: &[Part<'_>],
    options: HeadOptions,
    job: &mut Job<'_>,
) -> Result<Vec<Vec<f64>>, ModelError> {
    let mut vectors = Vec::with_capacity(parts.len());
    for batch in batches(model.at_once(ROWS), parts.iter().map(Part::len)) {
        job.check()?;
        let parts = &parts[batch];
        let full: Vec<Part<'_>> = parts.iter().filter(|p| !p.is_empty()).copied().collect();
        let out = match full.is_empty() {
            true => model.encoder.weights.token.narrow(0, 0, 0)?, // [0, D]
            false => model
                .encoder
                .forward_parts(&full, &mut StopWhen(job.cancel))?,
        };
        vectors.extend(heads(head, parts, &out, options)?);
        job.did(parts.len());
    }
    Ok(vectors)
}

/// One text with changed states, on its way from layer `first` on.
pub struct Restart<'a> {
    pub trace: &'a Trace,
    /// `resid_in` of layer `first`, or `resid_out` of the last layer: [T, D].
    pub states: Tensor,
}

/// The sentence vectors [E] of restarted texts, with the changes that their traces ran with. `hook` sees them in their order, `index` being that
/// of the first.
///
/// # Errors
/// As [`encode`].
pub fn restart(
    model: &Model,
    head: &Head,
    first: usize,
    texts: &[Restart<'_>],
    options: HeadOptions,
    hook: &mut dyn Hook,
    job: &Job<'_>,
) -> Result<Vec<Vec<f64>>, ModelError> {
    job.check()?;
    let states: Vec<&Tensor> = texts.iter().map(|text| &text.states).collect();
    let states = Tensor::cat(&states, 0)?.to_device(model.encoder.device())?;
    let mut stop = StopWhen(job.cancel);
    let changes = texts.iter().map(|text| &*text.trace.interventions);
    let mut intervening = Intervening(changes.collect());
    let mut hook = Chain(vec![&mut stop, &mut intervening, hook]);
    let mut pass = Pass::new(&mut hook, texts.iter().map(|text| text.trace.tokens.len()));
    let earlier = earlier(model, first, texts)?;
    let encoder = &model.encoder;
    let out = encoder.layers_after(earlier, first, states, &mut pass)?;
    let parts: Vec<Part<'_>> = texts.iter().map(|t| Part::whole(&t.trace.tokens)).collect();
    heads(head, &parts, &out, options)
}

/// What the recorded states before layer `first` give to the texts' mix of layers, [ΣT, D]; none where
/// nothing is mixed, or nothing of theirs.
fn earlier(
    model: &Model,
    first: usize,
    texts: &[Restart<'_>],
) -> Result<Option<Tensor>, ModelError> {
    let Some(mix) = &model.encoder.weights.mix else {
        return Ok(None);
    };
    if mix.first >= first {
        return Ok(None);
    }
    let shares = mix.share_of_each()?;
    let of_text = |text: &Restart<'_>| -> Result<Tensor, ModelError> {
        let mut sum = text.states.zeros_like()?;
        let before = shares.iter().enumerate().take(first);
        for (state, &share) in before.skip(mix.first) {
            let recorded = held(text.trace, Site::Layer(state, LayerSite::ResidIn))?;
            sum = (sum + (recorded * share)?)?;
        }
        Ok(sum)
    };
    let sums: Vec<Tensor> = texts.iter().map(of_text).collect::<Result<_, _>>()?;
    let sums = Tensor::cat(&sums, 0)?;
    Ok(Some(sums.to_device(model.encoder.device())?))
}

/// One site of a trace as a tensor.
///
/// # Errors
/// When the trace was recorded without it.
pub fn held(trace: &Trace, site: Site) -> Result<&Tensor, ModelError> {
    trace.tensor(site).ok_or_else(|| missing(site))
}

/// Every token but `left`, of T.
pub fn all_but(tokens: usize, left: usize) -> Vec<usize> {
    (0..tokens).filter(|&token| token != left).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::cancel::Cancel;
    use crate::model::source::{SourceOptions, resolve};
    use crate::model::{Detail, ModelRef, Prompt};
    use crate::trace::hook::Act;

    /// Raises the flag in layer 0 and counts the layers that end after that.
    struct Raise<'a>(&'a Cancel, usize);

    impl Hook for Raise<'_> {
        fn wants(&self, site: Site) -> bool {
            use crate::trace::LayerSite::{ResidMid, ResidOut};
            matches!(site, Site::Layer(0, ResidMid) | Site::Layer(_, ResidOut))
        }

        fn visit(&mut self, site: Site, _: usize, _: &Tensor) -> candle_core::Result<Act> {
            self.0.cancel();
            self.1 += usize::from(matches!(site, Site::Layer(1.., _)));
            Ok(Act::Keep)
        }
    }

    #[test]
    fn a_stop_is_heard_within_a_batch() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let reference = ModelRef::Folder(folder.join("tests/fixtures/tiny/plain"));
        let (options, cancel) = (SourceOptions::from_env(), Cancel::new());
        let files = resolve(&reference, &options, &|_| {}, &cancel).unwrap();
        let model = Model::load(&files, &Device::Cpu).unwrap();
        let trace = model.trace("the cat", &Prompt::None, Detail::Outline, &cancel);
        let trace = trace.unwrap();
        let states = held(&trace, Site::Layer(0, crate::trace::LayerSite::ResidIn)).unwrap();
        let text = Restart {
            trace: &trace,
            states: states.clone(),
        };
        let mut ignore = |_, _| {};
        let (job, mut hook) = (Job::new(&cancel, &mut ignore), Raise(&cancel, 0));
        let (head, options) = (&model.head, model.options());
        let ended = restart(&model, head, 0, &[text], options, &mut hook, &job);
        assert!(matches!(ended, Err(ModelError::Stopped)));
        assert_eq!(hook.1, 0, "layer 1 was never finished");
    }

    #[test]
    fn batches_hold_everything_once_and_no_more_than_fits() {
        assert_eq!(
            batches(ROWS, [200, 200, 200, 600, 1]),
            [0..2, 2..3, 3..4, 4..5]
        );
        assert_eq!(batches(ROWS, [ROWS, 0, 0, 1]), [0..3, 3..4]);
        assert!(batches(ROWS, []).is_empty());
    }
}
