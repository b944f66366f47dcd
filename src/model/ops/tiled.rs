//! Attention without keeping its maps: a few rows of queries at a time, so that the scores stay in
//! the processor's cache and a long text costs memory as T, not as T².

use std::cell::RefCell;
use std::ops::Range;

use super::attend::{Attend, Rows};
use super::heads::Factor;
use super::kernels;
use super::raw::{Matrix, PARALLEL_FROM, Target, plane, product, with_buffer, with_slice};
use super::team;
use crate::trace::hook::{HeadWatch, MapTile};
use candle_core::{Device, Result, Tensor};

/// Scores that one tile holds: 1 MiB, about half of what a core's own cache does.
const TILE: usize = 1 << 18;
/// Fewer rows than this would read keys and values too often.
const LEAST: usize = 64;

/// Rows of queries in one tile where each query sees `span` of a text's keys. Under a window a tile
/// also computes what its own queries do not share, which grows with its rows.
fn rows_of(span: usize, keys: usize) -> usize {
    let fit = (TILE / span.max(1)).max(LEAST);
    match span < keys {
        true => fit.min(span.max(LEAST)),
        false => fit,
    }
}

thread_local! {
    /// A tile's scores and, where somebody watches, a copy of them: a megabyte each, kept from pass to
    /// pass. Then its keys and its values as the products read them.
    static SCRATCH: RefCell<[Vec<f32>; 4]> = const { RefCell::new([const { Vec::new() }; 4]) };
}

/// One head over some queries of one text.
struct Tile {
    text: Range<usize>,
    head: usize,
    /// Within the text.
    queries: Range<usize>,
    /// Within the text: those that some query of the tile may see.
    keys: Range<usize>,
}

impl Tile {
    /// All tiles of packed texts.
    fn all(attend: &Attend, rows: &Rows) -> Vec<Self> {
        let mut tiles = Vec::new();
        for text in rows.texts.iter().filter(|text| !text.is_empty()) {
            let places = &rows.places[text.clone()];
            let step = rows_of(attend.mask.span(text.len()), text.len());
            for start in (0..text.len()).step_by(step) {
                let queries = start..(start + step).min(text.len());
                let keys = attend.seen_by(places, queries.clone());
                tiles.extend((0..attend.heads).map(|head| Self {
                    text: text.clone(),
                    head,
                    queries: queries.clone(),
                    keys: keys.clone(),
                }));
            }
        }
        tiles
    }

    fn cells(&self) -> usize {
        self.queries.len() * self.keys.len()
    }
}

/// Who looks at the maps of one layer.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    pub layer: usize,
    pub seen: &'a dyn HeadWatch,
}

/// Scores, softmax and mixing, for texts packed one behind the other. Only one text is watched.
/// qkv [ΣT, H + 2·K, d] to [ΣT, H·d].
pub fn attention(
    qkv: &Tensor,
    attend: &Attend,
    rows: &Rows,
    watch: Option<Watch<'_>>,
) -> Result<Tensor> {
    let (all, width, size) = (qkv.dim(0)?, attend.width(), attend.size);
    let mut out: Vec<f32> = Vec::with_capacity(all * width);
    let target = Target(out.as_mut_ptr());
    with_slice(qkv, |qkv| {
        let one = |tile: &Tile, [scratch, scores, own_keys, own_values]: &mut [Vec<f32>; 4]| {
            let (n, m) = (tile.queries.len(), tile.keys.len());
            let places = &rows.places[tile.text.clone()];
            let first = tile.text.start + tile.queries.start;
            let keys = |offset| attend.part(qkv, tile.text.start + tile.keys.start, offset);
            scratch.resize(n * m, 0.);
            let q = attend.part(qkv, first, attend.query(tile.head));
            let right = keys(attend.key(tile.head)).transposed();
            let (to, scale) = (scratch.as_mut_ptr(), attend.scale as f32);
            // SAFETY: the scratch holds n × m elements and is this task's own; q and k hold as many rows.
            unsafe { Factor::new(right, (size, m), scale, own_keys).times((q, n), to, m) };
            let apart = (&places[tile.queries.clone()], &places[tile.keys.clone()]);
            attend.finish_part(tile.head, apart, scratch);
            if watch.is_some() {
                scores.clone_from(scratch);
            }
            kernels::softmax(scratch, m);
            if let Some(watch) = watch {
                watch.seen.tile(&MapTile {
                    layer: watch.layer,
                    head: tile.head,
                    queries: tile.queries.clone(),
                    keys: tile.keys.clone(),
                    scores,
                    pattern: scratch,
                });
            }
            let (left, right) = (Matrix::dense(scratch, m), keys(attend.value(tile.head)));
            let dst = target.at(first * width + tile.head * size);
            // SAFETY: this task writes its head's columns of its queries' rows, and no other.
            unsafe { Factor::new(right, (m, size), 1., own_values).times((left, n), dst, width) };
        };
        let tiles = Tile::all(attend, rows);
        let work: usize = tiles.iter().map(Tile::cells).sum::<usize>() * size;
        match work >= PARALLEL_FROM * 16 {
            true => team::each(tiles.len(), |i| {
                SCRATCH.with_borrow_mut(|own| one(&tiles[i], own))
            }),
            false => SCRATCH.with_borrow_mut(|own| tiles.iter().for_each(|tile| one(tile, own))),
        }
    })?;
    // SAFETY: every head of every query was written, and the texts cover all rows.
    unsafe { out.set_len(all * width) };
    Tensor::from_vec(out, (all, width), &Device::Cpu)
}

/// The scores of some queries over all keys of one text as the tiles make them: before distances and
/// mask where `content`. q [H, T, d], k [K, T, d] to [n, T].
///
/// # Errors
/// When a tensor is not f32 on the CPU.
pub fn score_rows(
    (q, k): (&Tensor, &Tensor),
    attend: &Attend,
    head: usize,
    queries: Range<usize>,
    content: bool,
) -> Result<Vec<f32>> {
    let (keys, size) = (k.dim(1)?, attend.size);
    let q = q.narrow(1, queries.start, queries.len())?;
    let shared = head * attend.kv_heads / attend.heads;
    let mut out = vec![0.; queries.len() * keys];
    // Read where they lie: a copy for each of many short reads would cost more than the product.
    with_buffer(&q, |qs| {
        with_buffer(k, |ks| {
            let pair = (plane(&q, qs, head), plane(k, ks, shared).transposed());
            let (to, scale) = (out.as_mut_ptr(), attend.scale as f32);
            let size = (queries.len(), keys, size);
            // SAFETY: `out` holds queries × keys elements and is ours alone; q and k hold as many rows
            // of the head's size.
            unsafe { product(size, to, keys, false, pair, scale, true) };
        })
    })??;
    if !content {
        let places: Vec<usize> = (0..keys).collect();
        attend.finish_part(head, (&places[queries], &places), &mut out);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::attend::every_kind;
    use super::super::{Ops, attend};
    use super::*;
    use crate::model::spec::Mask;

    /// Texts of several tiles, under masks that let a tile skip keys.
    #[test]
    fn tiles_of_a_long_text_add_up_to_the_whole() {
        let most = 700;
        let rows = Rows::whole([most, 3, 530]);
        let near = Mask::Window {
            before: 40,
            after: 17,
        };
        let mut kinds = every_kind(most);
        kinds.push(Attend {
            mask: near,
            ..kinds[0].clone()
        });
        for attend in kinds {
            let shape = [rows.places.len(), attend.row() / attend.size, attend.size];
            let qkv = Tensor::randn(0f32, 1.5, &shape, &Device::Cpu).unwrap();
            assert!(Tile::all(&attend, &rows).len() > 3 * attend.heads);
            let tiled = attention(&qkv, &attend, &rows, None).unwrap();
            let whole = attend::staged(Ops::Graph, &qkv, &attend, &rows);
            let apart = (tiled - whole).unwrap().abs().unwrap();
            let largest: f32 = apart.max_all().unwrap().to_scalar().unwrap();
            assert!(largest < 2e-5, "{attend:?} differs by {largest}");
        }
    }
}
