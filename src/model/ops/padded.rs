//! Attention of many texts at once in candle's own operations, each text padded to the longest beside
//! it: on a GPU a few large products take the place of many small ones.

use candle_core::{Device, Result, Tensor};

use super::attend::{Attend, Rows};
use super::graph::softmax;
use super::tiled::Watch;
use crate::trace::hook::MapTile;

/// Most cells of the maps of texts that run together: 256 MB of each stage.
const MOST_CELLS: usize = 1 << 26;
/// So many cells of padding cost less than another round of products.
const FREE_CELLS: usize = 1 << 20;

/// What is added to the scaled scores besides what distances add: queries and keys [B, H, T, d] and the
/// places of each text's T tokens, to [B, H, T, T].
pub type More<'a> = &'a dyn Fn(&Tensor, &Tensor, &[Vec<usize>]) -> Result<Tensor>;

/// All of attention, for texts packed one behind the other. qkv [ΣT, H + 2·K, d] to [ΣT, H·d].
pub fn attention(
    qkv: &Tensor,
    attend: &Attend,
    rows: &Rows,
    more: Option<More<'_>>,
    watch: Option<Watch<'_>>,
) -> Result<Tensor> {
    let lengths: Vec<usize> = rows.texts.iter().map(|text| text.len()).collect();
    let runs = runs(&lengths, attend.heads).into_iter();
    let mixed = runs.map(|run| {
        let batch = Batch::new(rows, run, qkv.device())?;
        batch.attention(qkv, attend, more, watch)
    });
    Tensor::cat(&mixed.collect::<Result<Vec<_>>>()?, 0)
}

/// Neighbours that run together: few cells of padding, and no more cells than fit.
fn runs(lengths: &[usize], heads: usize) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    let (mut longest, mut own) = (0, 0);
    for (text, &length) in lengths.iter().enumerate() {
        if let Some(run) = out.last_mut() {
            let longest_with = longest.max(length);
            let all = (run.len() + 1) * longest_with * longest_with * heads;
            let own_with = own + length * length * heads;
            if all <= MOST_CELLS && all <= (own_with + own_with / 2).max(FREE_CELLS) {
                run.end = text + 1;
                (longest, own) = (longest_with, own_with);
                continue;
            }
        }
        out.push(text..text + 1);
        (longest, own) = (length, length * length * heads);
    }
    out
}

/// Texts side by side.
struct Batch<'a> {
    device: &'a Device,
    lengths: Vec<usize>,
    /// T, of the longest.
    longest: usize,
    /// The packed row of each token; a text's first again for its padding. [B·T]
    taken: Vec<u32>,
    /// The place of each token; the last one again for padding. [B][T]
    places: Vec<Vec<usize>>,
}

impl<'a> Batch<'a> {
    fn new(rows: &Rows, run: std::ops::Range<usize>, device: &'a Device) -> Result<Self> {
        let texts = &rows.texts[run];
        let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        let longest = lengths.iter().max().copied().unwrap_or(0);
        let (mut taken, mut places) = (Vec::new(), Vec::with_capacity(texts.len()));
        for text in texts {
            let mut here = rows.places[text.clone()].to_vec();
            let Some(&last) = here.last() else {
                candle_core::bail!("a text without tokens has no attention");
            };
            here.resize(longest, last);
            places.push(here);
            taken.extend(text.clone().map(|row| row as u32));
            taken.extend(std::iter::repeat_n(text.start as u32, longest - text.len()));
        }
        Ok(Self {
            device,
            lengths,
            longest,
            taken,
            places,
        })
    }

    fn attention(
        &self,
        qkv: &Tensor,
        attend: &Attend,
        more: Option<More<'_>>,
        watch: Option<Watch<'_>>,
    ) -> Result<Tensor> {
        let (b, t, h, k) = (
            self.lengths.len(),
            self.longest,
            attend.heads,
            attend.kv_heads,
        );
        let x = match self.is_padded() || self.taken[0] != 0 || b * t != qkv.dim(0)? {
            true => qkv
                .contiguous()?
                .index_select(&self.index(&self.taken)?, 0)?,
            false => qkv.clone(),
        };
        let x = x.reshape((b, t, h + 2 * k, attend.size))?;
        let heads = |from, count| x.narrow(2, from, count)?.transpose(1, 2)?.contiguous();
        let (q, keys) = (heads(0, h)?, each_query_head(heads(h, k)?, h)?);
        let v = each_query_head(heads(h + k, k)?, h)?;
        let mut scores = (q.matmul(&keys.transpose(2, 3)?.contiguous()?)? * attend.scale)?;
        if let Some(bias) = self.position_scores(attend)? {
            scores = scores.broadcast_add(&bias)?;
        }
        if let Some(more) = more {
            scores = (scores + more(&q, &keys, &self.places)?)?;
        }
        if let Some(hidden) = self.hidden(attend)? {
            scores = scores.broadcast_add(&hidden)?;
        }
        let pattern = softmax(&scores)?;
        if let Some(watch) = watch {
            self.show(&scores, &pattern, watch)?;
        }
        let mixed = pattern.matmul(&v)?.transpose(1, 2)?.contiguous()?;
        let mixed = mixed.reshape((b * t, attend.width()))?;
        match self.is_padded() {
            true => mixed.index_select(&self.index(&self.own())?, 0),
            false => Ok(mixed),
        }
    }

    fn is_padded(&self) -> bool {
        self.lengths.iter().any(|&length| length < self.longest)
    }

    fn index(&self, rows: &[u32]) -> Result<Tensor> {
        Tensor::from_slice(rows, rows.len(), self.device)
    }

    /// Where among [B·T] the tokens are, without the padding.
    fn own(&self) -> Vec<u32> {
        let rows = self.lengths.iter().enumerate().flat_map(|(text, &length)| {
            let start = text * self.longest;
            (start..start + length).map(|row| row as u32)
        });
        rows.collect()
    }

    /// One plane of cells for each text, or one for all where their tokens have the same places.
    fn planes(&self) -> &[Vec<usize>] {
        let longest = self.places.iter().zip(&self.lengths);
        let longest = longest.max_by_key(|(_, length)| **length);
        let Some((first, _)) = longest else {
            return &self.places;
        };
        let same = |(places, &length): (&Vec<usize>, &usize)| places[..length] == first[..length];
        match self.places.iter().zip(&self.lengths).all(same) {
            true => std::slice::from_ref(first),
            false => &self.places,
        }
    }

    /// What distances add: [B or 1, H, T, T]. None where they add nothing.
    fn position_scores(&self, attend: &Attend) -> Result<Option<Tensor>> {
        let Some(bias) = &attend.bias else {
            return Ok(None);
        };
        let (planes, t) = (self.planes(), self.longest);
        let mut cells = Vec::with_capacity(planes.len() * t * t);
        for places in planes {
            for query in places {
                cells.extend(
                    places
                        .iter()
                        .map(|key| (bias.farthest + key - query) as u32),
                );
            }
        }
        let shape = (attend.heads, 2 * bias.farthest + 1);
        let table = Tensor::from_slice(&bias.table, shape, self.device)?;
        let added = table.index_select(&self.index(&cells)?, 1)?; // [H, B·T·T]
        let added = added.reshape((attend.heads, planes.len(), t, t))?;
        added.transpose(0, 1)?.contiguous().map(Some)
    }

    /// 0 where a query sees a key and −∞ elsewhere, padding for one: [B, 1, T or 1, T]. A query of
    /// padding sees what its text has, so that no row is without a key. None where all is seen.
    fn hidden(&self, attend: &Attend) -> Result<Option<Tensor>> {
        let full = attend.mask == super::super::spec::Mask::Full;
        if full && !self.is_padded() {
            return Ok(None);
        }
        let (t, queries) = (self.longest, if full { 1 } else { self.longest });
        let mut cells = Vec::with_capacity(self.lengths.len() * queries * t);
        for (places, &length) in self.places.iter().zip(&self.lengths) {
            for query in 0..queries {
                let sees = |key: usize| {
                    let masked = !full && query < length;
                    key < length && (!masked || attend.mask.allows(places[query], places[key]))
                };
                let cell = |key| if sees(key) { 0. } else { f32::NEG_INFINITY };
                cells.extend((0..t).map(cell));
            }
        }
        let shape = (self.lengths.len(), 1, queries, t);
        Tensor::from_vec(cells, shape, self.device).map(Some)
    }

    /// The maps of each text, as they pass by: scores and pattern [B, H, T, T].
    fn show(&self, scores: &Tensor, pattern: &Tensor, watch: Watch<'_>) -> Result<()> {
        for (text, &length) in self.lengths.iter().enumerate() {
            for head in 0..scores.dim(1)? {
                let map = |maps: &Tensor| -> Result<Vec<f32>> {
                    let map = maps.get(text)?.get(head)?;
                    let map = map.narrow(0, 0, length)?.narrow(1, 0, length)?;
                    map.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()
                };
                watch.seen.tile(&MapTile {
                    layer: watch.layer,
                    head,
                    queries: 0..length,
                    keys: 0..length,
                    scores: &map(scores)?,
                    pattern: &map(pattern)?,
                });
            }
        }
        Ok(())
    }
}

/// Keys or values as every query head sees them: [B, K, T, d] to [B, H, T, d].
fn each_query_head(x: Tensor, heads: usize) -> Result<Tensor> {
    let (b, shared, t, size) = x.dims4()?;
    if shared == heads {
        return Ok(x);
    }
    let each = x
        .unsqueeze(2)?
        .expand((b, shared, heads / shared, t, size))?;
    each.contiguous()?.reshape((b, heads, t, size))
}

#[cfg(test)]
mod tests {
    use super::super::{Ops, attend};
    use super::*;

    #[test]
    fn texts_of_one_length_run_together_and_a_long_one_apart() {
        assert_eq!(runs(&[9; 100], 4), std::slice::from_ref(&(0..100)));
        assert_eq!(runs(&[512, 3, 3], 12), [0..1, 1..3]);
        assert_eq!(runs(&[512; 40], 12), [0..21, 21..40]);
        assert!(runs(&[], 12).is_empty());
    }

    #[test]
    fn side_by_side_is_what_one_by_one_is() {
        let mut rows = Rows::whole([1, 7, 62, 7]);
        // Parts of texts, in which places are left out.
        rows.push([0, 2, 3, 9].into_iter());
        rows.push([4, 5, 61].into_iter());
        for attend in attend::every_kind(62) {
            let row = attend.row() / attend.size;
            let shape = [rows.places.len(), row, attend.size];
            let qkv = Tensor::randn(0f32, 1.5, &shape, &Device::Cpu).unwrap();
            let apart = attend::staged(Ops::Graph, &qkv, &attend, &rows);
            let whole = attention(&qkv, &attend, &rows, None, None).unwrap();
            let off = (whole - apart).unwrap().abs().unwrap();
            let off = off.max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(off < 1e-5, "{:?}: {off}", attend.mask);
        }
    }

    #[test]
    fn what_is_padding_has_no_gradient_and_makes_no_nan() {
        let (rows, attend) = (Rows::whole([2, 9]), attend::every_kind(9).remove(1));
        let row = attend.row() / attend.size;
        let qkv = Tensor::randn(0f32, 1., (11, row, attend.size), &Device::Cpu).unwrap();
        let both = candle_core::Var::from_tensor(&qkv).unwrap();
        let of = |var: &candle_core::Var, rows: &Rows| {
            let out = attention(var.as_tensor(), &attend, rows, None, None).unwrap();
            let loss = out.narrow(0, 0, 2).unwrap().sqr().unwrap();
            let grads = loss.sum_all().unwrap().backward().unwrap();
            grads.get(var.as_tensor()).unwrap().narrow(0, 0, 2).unwrap()
        };
        let first = candle_core::Var::from_tensor(&qkv.narrow(0, 0, 2).unwrap()).unwrap();
        let alone = of(&first, &Rows::whole([2]));
        let off = (of(&both, &rows) - alone).unwrap().abs().unwrap();
        let off = off.max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(off < 1e-5, "{off}");
    }
}
