//! Which tokens of many unrelated texts drive each neuron of a layer most.

use candle_core::Tensor;

use crate::analysis::job::Job;
use crate::model::{Model, ModelError, Prompt};
use crate::tokens::Tokens;
use crate::trace::hook::{Act, Hook};
use crate::trace::{LayerSite, Site};

/// Texts that run at a time.
const BATCH: usize = 16;

/// One token of one of the texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excited {
    pub text: usize,
    pub token: usize,
    /// `ffn_act` of the neuron there.
    pub act: f32,
}

/// The strongest tokens of every neuron of one layer over some texts.
pub struct Exciters {
    /// What was run, in the order given.
    pub texts: Vec<Tokens>,
    /// [F], each by falling |act|.
    tops: Vec<Vec<Excited>>,
}

impl Exciters {
    /// Runs the texts, several at a time and no farther than the layer, and keeps the `count` strongest
    /// tokens of each neuron.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] once the job's flag is up; otherwise those of a pass.
    pub fn new(
        model: &Model,
        texts: &[String],
        layer: usize,
        count: usize,
        job: &mut Job<'_>,
    ) -> Result<Self, ModelError> {
        let tokens = texts.iter().map(|text| model.tokens(text, &Prompt::Own));
        let tokens: Vec<Tokens> = tokens.collect::<Result<_, _>>()?;
        job.expect(tokens.len());
        let mut tops = Vec::new();
        for (batch, packed) in tokens.chunks(BATCH).enumerate() {
            job.check()?;
            let mut hook = Strongest {
                site: Site::Layer(layer, LayerSite::FfnAct),
                first: batch * BATCH,
                last: packed.len() - 1,
                count,
                tops: &mut tops,
            };
            let packed: Vec<&Tokens> = packed.iter().collect();
            match model.run(&packed, model.options(), &mut hook) {
                // What lies behind the layer is not needed.
                Ok(_) | Err(ModelError::Stopped) => {}
                Err(error) => return Err(error),
            }
            job.did(packed.len());
        }
        Ok(Self {
            texts: tokens,
            tops,
        })
    }

    /// The strongest tokens of one neuron, strongest first.
    pub fn of(&self, neuron: usize) -> &[Excited] {
        self.tops.get(neuron).map_or(&[], Vec::as_slice)
    }
}

/// Keeps the strongest tokens of each neuron as they pass by.
struct Strongest<'a> {
    site: Site,
    /// The batch's first text among all, and its last text within the batch.
    first: usize,
    last: usize,
    count: usize,
    tops: &'a mut Vec<Vec<Excited>>,
}

impl Hook for Strongest<'_> {
    fn wants(&self, site: Site) -> bool {
        site == self.site
    }

    fn visit(&mut self, _: Site, text: usize, value: &Tensor) -> candle_core::Result<Act> {
        let rows: Vec<Vec<f32>> = value.to_vec2()?; // [T, F]
        for (token, row) in rows.iter().enumerate() {
            self.tops
                .resize_with(row.len().max(self.tops.len()), Vec::new);
            for (top, &act) in self.tops.iter_mut().zip(row) {
                let weakest = top.last().map_or(0., |last| last.act.abs());
                if top.len() == self.count && act.abs() <= weakest {
                    continue;
                }
                let place = top.partition_point(|other| other.act.abs() >= act.abs());
                let text = self.first + text;
                top.insert(place, Excited { text, token, act });
                top.truncate(self.count);
            }
        }
        Ok(match text == self.last {
            true => Act::Stop,
            false => Act::Keep,
        })
    }
}
