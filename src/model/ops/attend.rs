//! How the heads of one block look at packed texts.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use super::super::spec::Mask;
use super::raw::Matrix;

/// Heads, their factor on q·k, and what a distance adds or hides.
#[derive(Clone, Debug)]
pub struct Attend {
    /// H
    pub heads: usize,
    /// K
    pub kv_heads: usize,
    /// d
    pub size: usize,
    /// The factor on q·k.
    pub scale: f64,
    pub mask: Mask,
    pub bias: Option<ByDistance>,
}

/// A number for each head and distance.
#[derive(Clone, Debug)]
pub struct ByDistance {
    /// N − 1, the largest distance.
    pub farthest: usize,
    /// Head h, key − query = δ: `[h·(2N − 1) + (N − 1) + δ]`. [H, 2N − 1]
    pub table: Arc<Vec<f32>>,
}

impl ByDistance {
    /// One head's, [2N − 1].
    pub fn head(&self, h: usize) -> &[f32] {
        let width = 2 * self.farthest + 1;
        &self.table[h * width..(h + 1) * width]
    }
}

/// Which rows of a packed value belong to which text, and the place of each in its text.
#[derive(Clone, Debug)]
pub struct Rows {
    pub texts: Vec<Range<usize>>,
    pub places: Vec<usize>,
}

impl Rows {
    /// Whole texts of these lengths, one behind the other.
    pub fn whole(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut rows = Self {
            texts: Vec::new(),
            places: Vec::new(),
        };
        lengths.into_iter().for_each(|length| rows.push(0..length));
        rows
    }

    /// One more text, whose tokens stand at `places`.
    pub fn push(&mut self, places: impl Iterator<Item = usize>) {
        let start = self.places.len();
        self.places.extend(places);
        self.texts.push(start..self.places.len());
    }
}

impl Attend {
    /// Elements of one row of packed queries, keys and values: (H + 2·K)·d.
    pub fn row(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.size
    }

    /// Elements of one row of what the heads mix: H·d.
    pub fn width(&self) -> usize {
        self.heads * self.size
    }

    /// Where in a row query head `h` lies.
    pub fn query(&self, h: usize) -> usize {
        h * self.size
    }

    /// Where in a row the keys of query head `h` lie.
    pub fn key(&self, h: usize) -> usize {
        (self.heads + h * self.kv_heads / self.heads) * self.size
    }

    /// Where in a row the values of query head `h` lie.
    pub fn value(&self, h: usize) -> usize {
        self.key(h) + self.kv_heads * self.size
    }

    /// [T, d] at `offset` of the packed rows from `start` on.
    pub fn part(&self, qkv: &[f32], start: usize, offset: usize) -> Matrix {
        Matrix {
            start: qkv[start * self.row() + offset..].as_ptr(),
            row: self.row() as isize,
            column: 1,
        }
    }

    /// Adds what distances add to the scaled scores [T, T] of one head of one text, and hides what
    /// the mask hides.
    pub fn finish(&self, h: usize, places: &[usize], scores: &mut [f32]) {
        self.finish_part(h, (places, places), scores);
    }

    /// [`Self::finish`] of some queries and keys at their places: scores [n, m].
    pub fn finish_part(&self, h: usize, (queries, keys): (&[usize], &[usize]), scores: &mut [f32]) {
        let rows = scores.chunks_exact_mut(keys.len().max(1));
        let bias = self.bias.as_ref().map(|bias| (bias.farthest, bias.head(h)));
        if self.mask == Mask::Full && bias.is_none() {
            return;
        }
        for (row, &query) in rows.zip(queries) {
            if let Some((farthest, table)) = bias {
                let cells = row.iter_mut().zip(keys);
                cells.for_each(|(score, &key)| *score += table[farthest + key - query]);
            }
            if self.mask != Mask::Full {
                let cells = row.iter_mut().zip(keys);
                let hidden = cells.filter(|(_, key)| !self.mask.allows(query, **key));
                hidden.for_each(|(score, _)| *score = f32::NEG_INFINITY);
            }
        }
    }

    /// The keys of a text that some of its `queries` may see; `places` ascend.
    pub fn seen_by(&self, places: &[usize], queries: Range<usize>) -> Range<usize> {
        let Mask::Window { before, after } = self.mask else {
            return 0..places.len();
        };
        let [Some(&first), Some(&last)] = [queries.start, queries.end - 1].map(|i| places.get(i))
        else {
            return 0..places.len();
        };
        let start = places.partition_point(|&key| key.saturating_add(before) < first);
        let end = places.partition_point(|&key| key <= last.saturating_add(after));
        start..end
    }

    /// What distances add to the scores of one text: [H, T, T]. None where they add nothing.
    ///
    /// # Errors
    /// Those of allocating a tensor.
    pub fn position_scores(&self, places: &[usize], device: &Device) -> Result<Option<Tensor>> {
        let Some(bias) = &self.bias else {
            return Ok(None);
        };
        let mut out = Vec::with_capacity(self.heads * places.len() * places.len());
        for h in 0..self.heads {
            let table = bias.head(h);
            for query in places {
                out.extend(places.iter().map(|key| table[bias.farthest + key - query]));
            }
        }
        let shape = (self.heads, places.len(), places.len());
        Tensor::from_vec(out, shape, device).map(Some)
    }

    /// 0 where a query sees a key and −∞ elsewhere: [1, T, T]. None where everything is seen.
    ///
    /// # Errors
    /// Those of allocating a tensor.
    pub fn hidden(&self, places: &[usize], device: &Device) -> Result<Option<Tensor>> {
        if self.mask == Mask::Full {
            return Ok(None);
        }
        let cell = |query: usize, key: usize| match self.mask.allows(query, key) {
            true => 0.,
            false => f32::NEG_INFINITY,
        };
        let rows = places.iter();
        let cells = rows.flat_map(|&query| places.iter().map(move |&key| cell(query, key)));
        let shape = (1, places.len(), places.len());
        Tensor::from_vec(cells.collect(), shape, device).map(Some)
    }
}

/// Every way in which heads look, for texts up to `most` tokens: plain; shared keys; a window; what
/// distances add.
#[cfg(test)]
pub fn every_kind(most: usize) -> Vec<Attend> {
    let plain = Attend {
        heads: 4,
        kv_heads: 4,
        size: 8,
        scale: 0.35,
        mask: Mask::Full,
        bias: None,
    };
    let table = (0..4 * (2 * most - 1))
        .map(|i| (i as f32 * 0.37).sin())
        .collect();
    let bias = ByDistance {
        farthest: most - 1,
        table: Arc::new(table),
    };
    let window = Mask::Window {
        before: 3,
        after: 1,
    };
    vec![
        plain.clone(),
        Attend {
            kv_heads: 2,
            mask: Mask::CAUSAL,
            ..plain.clone()
        },
        Attend {
            kv_heads: 1,
            mask: window,
            bias: Some(bias.clone()),
            ..plain.clone()
        },
        Attend {
            bias: Some(bias),
            ..plain
        },
    ]
}

/// Attention of packed rows stage by stage, as a hook sees it.
#[cfg(test)]
pub fn staged(ops: super::Ops, qkv: &Tensor, attend: &Attend, rows: &Rows) -> Tensor {
    let of = |text: &Range<usize>| -> Result<Tensor> {
        let here = qkv.narrow(0, text.start, text.len())?;
        let part = |from, count| here.narrow(1, from, count)?.transpose(0, 1);
        let (h, k) = (attend.heads, attend.kv_heads);
        let mut scores = ops.scores(&part(0, h)?, &part(h, k)?, attend.scale)?;
        let places = &rows.places[text.clone()];
        if let Some(position) = attend.position_scores(places, &Device::Cpu)? {
            scores = (scores + position)?;
        }
        if let Some(hidden) = attend.hidden(places, &Device::Cpu)? {
            scores = scores.broadcast_add(&hidden)?;
        }
        let out = ops.mix(&ops.softmax(&scores)?, &part(h + k, k)?)?;
        out.reshape((text.len(), attend.width()))
    };
    let texts = rows.texts.iter().map(|text| of(text).unwrap());
    Tensor::cat(&texts.collect::<Vec<_>>(), 0).unwrap()
}
