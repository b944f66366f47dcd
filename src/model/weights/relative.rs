//! The rows for distances of disentangled attention: as a checkpoint has them, and as each layer's heads
//! see them (see [`super::super::spec::Disentangled`]).

use candle_core::Tensor;

use super::super::ModelError;
use super::super::spec::EncoderSpec;
use super::{Linear, Map, Norm, Weights, maybe};

/// One row for every distance, shared by all layers.
#[derive(Clone, Debug)]
pub struct Distances {
    pub table: Tensor,      // [2·buckets, D]
    pub norm: Option<Norm>, // [D]
}

/// The rows as the heads of one layer see them, and the products that make them.
#[derive(Clone, Debug)]
pub struct Relative {
    /// What content asks: [H, 2·buckets, d].
    pub keys: Option<Tensor>,
    /// What asks for content: [H, 2·buckets, d].
    pub queries: Option<Tensor>,
    /// Where the rows do not go through the content's own product.
    pub key: Option<Linear>,
    pub query: Option<Linear>,
}

impl Distances {
    pub(super) fn map(&self, f: &mut Map<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            table: f("relative.table", &self.table)?,
            norm: maybe(self.norm.as_ref(), |x| x.map("relative.norm", f))?,
        })
    }
}

impl Relative {
    /// Products alone; the rows come by [`Weights::see_distances`].
    pub(super) fn of(key: Option<Linear>, query: Option<Linear>) -> Self {
        Self {
            keys: None,
            queries: None,
            key,
            query,
        }
    }

    pub(super) fn map(&self, at: &str, f: &mut Map<'_>) -> Result<Self, ModelError> {
        let rows = |rows: &Option<Tensor>, name: &str, f: &mut Map<'_>| {
            maybe(rows.as_ref(), |x| f(&format!("{at}.relative.{name}"), x))
        };
        Ok(Self {
            keys: rows(&self.keys, "keys", f)?,
            queries: rows(&self.queries, "queries", f)?,
            key: maybe(self.key.as_ref(), |x| x.map(&format!("{at}.pos_key"), f))?,
            query: maybe(self.query.as_ref(), |x| {
                x.map(&format!("{at}.pos_query"), f)
            })?,
        })
    }
}

impl Weights {
    /// Makes every layer's rows for distances from the shared ones, differentiable in all that they come
    /// from. Nothing happens where there are none.
    ///
    /// # Errors
    /// When a product fails.
    pub fn see_distances(&mut self, spec: &EncoderSpec) -> Result<(), ModelError> {
        let (Some(distances), Some(terms)) = (&self.distances, spec.disentangled) else {
            return Ok(());
        };
        let table = match &distances.norm {
            None => distances.table.clone(),
            Some(norm) => {
                let eps = norm.eps as f32;
                let (weight, bias) = (&norm.weight, &norm.bias);
                candle_nn::ops::layer_norm_slow(&distances.table, weight, bias, eps)?
            }
        };
        let (heads, size) = (spec.heads, spec.head_size);
        let through = |product: &Linear| -> Result<Tensor, ModelError> {
            let rows = table.matmul(&product.weight.t()?)?;
            let rows = rows.broadcast_add(&product.bias)?; // [2·buckets, H·d]
            let by_head = rows.reshape((rows.dim(0)?, heads, size))?;
            Ok(by_head.transpose(0, 1)?.contiguous()?)
        };
        let width = heads * size;
        for layer in &mut self.layers {
            let qkv = &layer.qkv;
            let Some(relative) = &mut layer.relative else {
                continue;
            };
            let rows = |own: &Option<Linear>, from: usize| match own {
                Some(product) => through(product),
                None => through(&qkv.rows(from, width)?),
            };
            if terms.content_to_position {
                relative.keys = Some(rows(&relative.key, width)?);
            }
            if terms.position_to_content {
                relative.queries = Some(rows(&relative.query, 0)?);
            }
        }
        Ok(())
    }
}
