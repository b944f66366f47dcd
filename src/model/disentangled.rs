//! Disentangled attention: content asks for distances, and distances for content (He et al. 2021).

use candle_core::{D, Tensor};

use super::ModelError;
use super::encoder::Encoder;
use super::ops::{Ops, Rows};
use super::weights::Relative;

impl Encoder {
    /// scale·(q·Kᵣᵀ + k·Qᵣᵀ) at the row for each distance, [H, T, T] (He et al. 2021, eq. 4).
    pub(super) fn disentangled(
        &self,
        relative: &Relative,
        q: &Tensor,
        k: &Tensor,
        places: &[usize],
    ) -> Result<Tensor, ModelError> {
        let rows = self.relative_rows(places)?; // [H, T, T]
        self.by_distance(relative, q, k, &rows)
    }

    /// [`Self::disentangled`] of texts side by side: q, k [B, H, T, d] and the places of each to [B, H, T, T].
    pub(super) fn disentangled_beside(
        &self,
        relative: &Relative,
        q: &Tensor,
        k: &Tensor,
        places: &[Vec<usize>],
    ) -> Result<Tensor, ModelError> {
        let rows = places.iter().map(|places| self.relative_rows(places));
        let rows = Tensor::stack(&rows.collect::<Result<Vec<_>, _>>()?, 0)?;
        self.by_distance(relative, q, k, &rows)
    }

    /// The row of the relative table for each query and key: [H, T, T].
    fn relative_rows(&self, places: &[usize]) -> Result<Tensor, ModelError> {
        let Some(spec) = self.spec.disentangled else {
            return Err(ModelError::config(
                "config.json",
                "pos_att_type",
                "is missing",
            ));
        };
        Ok(spec.rows(self.spec.heads, places, self.device())?)
    }

    /// q, k [.., H, T, d] and rows [.., H, T, T] to [.., H, T, T].
    fn by_distance(
        &self,
        relative: &Relative,
        q: &Tensor,
        k: &Tensor,
        rows: &Tensor,
    ) -> Result<Tensor, ModelError> {
        let last = rows.rank() - 1;
        let ask = |x: &Tensor, table: &Tensor| -> candle_core::Result<Tensor> {
            let table = table.transpose(1, 2)?.contiguous()?; // [H, d, 2·buckets]
            x.contiguous()?.broadcast_matmul(&table)? * self.spec.scale
        };
        let by_content = relative.keys.as_ref().map(|keys| {
            ask(q, keys)?.gather(rows, D::Minus1) // [.., H, query, key]
        });
        let by_position = relative.queries.as_ref().map(|queries| {
            let rows = rows.transpose(last - 1, last)?.contiguous()?; // [.., H, key, query]
            let asked = ask(k, queries)?.gather(&rows, D::Minus1)?;
            asked.transpose(last - 1, last)?.contiguous()
        });
        match (by_content.transpose()?, by_position.transpose()?) {
            (Some(x), Some(y)) => Ok((x + y)?),
            (Some(x), None) | (None, Some(x)) => Ok(x),
            (None, None) => Ok(Tensor::zeros(rows.shape(), q.dtype(), q.device())?),
        }
    }

    /// Attention in forward mode: P·v with P = softmax(S), and Ṗ·v + P·v̇ with
    /// Ṗ = P ⊙ (Ṡ − Σ P ⊙ Ṡ). What distances add is linear in q and in k, so it adds the same of q̇ and
    /// k̇ to Ṡ. qkv [(1 + k)·n, 3·H, d], `block` = n, to [(1 + k)·n, H·d].
    pub(super) fn disentangled_along(
        &self,
        relative: &Relative,
        qkv: &Tensor,
        block: usize,
        rows: &Rows,
    ) -> Result<Tensor, ModelError> {
        let (ops, h, scale) = (Ops::Graph, self.spec.heads, self.spec.scale);
        let blocks = qkv.dim(0)? / block;
        let values: Vec<_> = rows.texts.iter().filter(|text| text.end <= block).collect();
        let mut out = vec![Vec::with_capacity(values.len()); blocks];
        for text in values {
            let places = &rows.places[text.clone()];
            let of = |b: usize, part: usize| {
                let here = qkv.narrow(0, b * block + text.start, text.len())?;
                here.narrow(1, part * h, h)?.transpose(0, 1)?.contiguous()
            };
            let (q, k, v) = (of(0, 0)?, of(0, 1)?, of(0, 2)?);
            let content = ops.scores(&q, &k, scale)?;
            let scores = (content + self.disentangled(relative, &q, &k, places)?)?;
            let pattern = ops.softmax(&scores)?;
            out[0].push(ops.mix(&pattern, &v)?);
            for (b, out) in out.iter_mut().enumerate().skip(1) {
                let (dq, dk, dv) = (of(b, 0)?, of(b, 1)?, of(b, 2)?);
                let content = (ops.scores(&dq, &k, scale)? + ops.scores(&q, &dk, scale)?)?;
                let change = (content + self.disentangled(relative, &dq, &dk, places)?)?;
                let along = (&pattern * &change)?.sum_keepdim(D::Minus1)?;
                let change = (&pattern * change.broadcast_sub(&along)?)?;
                out.push((ops.mix(&change, &v)? + ops.mix(&pattern, &dv)?)?);
            }
        }
        let all: Vec<Tensor> = out.into_iter().flatten().collect(); // each [T, H, d]
        Ok(Tensor::cat(&all, 0)?.flatten_from(1)?)
    }
}
