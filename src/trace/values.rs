//! Reading a recorded value without copying it and without naming candle.

use std::borrow::Cow;

use candle_core::{CpuStorage, Storage, StorageRef, Tensor};

use super::maps::MapRows;
use super::site::LayerSite;

/// A read-only view of up to three axes of f32 on the CPU; strides are the encoder's own, so a
/// per-head view of a fused product is read where it lies. A map that is not kept is made where it
/// is read, row by row.
pub struct Values<'a> {
    source: Source<'a>,
    offset: usize,
    shape: Vec<usize>,
    stride: Vec<usize>,
}

enum Source<'a> {
    Held(StorageRef<'a>),
    Made(&'a dyn MapRows, LayerSite),
}

impl<'a> Values<'a> {
    /// None for anything but f32 on the CPU.
    pub fn new(tensor: &'a Tensor) -> Option<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        matches!(&*storage, Storage::Cpu(CpuStorage::F32(_))).then(|| Self {
            offset: layout.start_offset(),
            shape: layout.dims().to_vec(),
            stride: layout.stride().to_vec(),
            source: Source::Held(storage),
        })
    }

    /// A map [H, T, T] that is made where it is read.
    pub fn made(maps: &'a dyn MapRows, site: LayerSite, shape: [usize; 3]) -> Self {
        Self {
            source: Source::Made(maps, site),
            offset: 0,
            shape: shape.to_vec(),
            stride: vec![shape[1] * shape[2], shape[2], 1],
        }
    }

    /// False for a map that is made where it is read: whole planes of it are large.
    pub fn is_held(&self) -> bool {
        matches!(self.source, Source::Held(_))
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How long axis `axis` is; 1 past the last axis.
    pub fn size(&self, axis: usize) -> usize {
        self.shape.get(axis).copied().unwrap_or(1)
    }

    fn data(&self) -> &[f32] {
        match &self.source {
            Source::Held(storage) => match &**storage {
                Storage::Cpu(CpuStorage::F32(data)) => data,
                _ => &[],
            },
            Source::Made(..) => &[],
        }
    }

    /// Rows of a map that is not held, [n, T]; none for what is held or lies outside.
    fn make(&self, head: usize, queries: std::ops::Range<usize>) -> Option<Vec<f32>> {
        let Source::Made(maps, site) = self.source else {
            return None;
        };
        let inside = head < self.size(0) && queries.end <= self.size(1);
        inside.then(|| maps.rows(site, head, queries))
    }

    fn start(&self, index: &[usize]) -> Option<usize> {
        let inside = index.iter().zip(&self.shape).all(|(i, size)| i < size);
        let steps = index.iter().zip(&self.stride).map(|(i, s)| i * s);
        (inside && index.len() <= self.shape.len()).then(|| self.offset + steps.sum::<usize>())
    }

    /// One number; `None` outside the shape.
    pub fn at(&self, index: &[usize]) -> Option<f32> {
        let whole = index.len() == self.shape.len();
        if let (Source::Made(..), true, [head, query, key]) = (&self.source, whole, index) {
            let row = self.make(*head, *query..*query + 1)?;
            return row.get(*key).copied();
        }
        self.data()
            .get(self.start(index).filter(|_| whole)?)
            .copied()
    }

    /// The vector along the last axis at `index` (all axes but the last); empty outside the shape.
    pub fn row(&self, index: &[usize]) -> Cow<'_, [f32]> {
        let Some(start) = self
            .start(index)
            .filter(|_| index.len() + 1 == self.shape.len())
        else {
            return Cow::Borrowed(&[]);
        };
        if let Source::Made(..) = self.source {
            let made = self.make(index[0], index[1]..index[1] + 1);
            return Cow::Owned(made.unwrap_or_default());
        }
        let last = self.shape.len() - 1;
        let (size, stride) = (self.shape[last], self.stride[last]);
        match stride {
            1 => Cow::Borrowed(&self.data()[start..start + size]),
            _ => (0..size).map(|i| self.data()[start + i * stride]).collect(),
        }
    }

    /// Every value in order, last axis fastest; borrowed where it lies in one piece.
    pub fn flat(&self) -> Cow<'_, [f32]> {
        if let Source::Made(..) = self.source {
            let planes = (0..self.size(0)).flat_map(|head| self.plane(head).into_owned());
            return Cow::Owned(planes.collect());
        }
        let count: usize = self.shape.iter().product();
        let mut expected = 1;
        let mut in_one_piece = true;
        for (size, stride) in self.shape.iter().zip(&self.stride).rev() {
            in_one_piece &= *size == 1 || *stride == expected;
            expected *= size;
        }
        if in_one_piece {
            return Cow::Borrowed(&self.data()[self.offset..self.offset + count]);
        }
        let mut out = Vec::with_capacity(count);
        let outer = &self.shape[..self.shape.len() - 1];
        for i in 0..outer.iter().product() {
            let mut rest: usize = i;
            let mut index = vec![0; outer.len()];
            for (slot, size) in index.iter_mut().zip(outer).rev() {
                *slot = rest % size;
                rest /= size;
            }
            out.extend_from_slice(&self.row(&index));
        }
        Cow::Owned(out)
    }

    /// Rows `range` of slice `index` of the first axis: some queries of one head's map, [n, T].
    pub fn rows(&self, index: usize, range: std::ops::Range<usize>) -> Cow<'_, [f32]> {
        if let Source::Made(..) = self.source {
            return Cow::Owned(self.make(index, range).unwrap_or_default());
        }
        let columns = self.size(2);
        let cells = range.start * columns..range.end * columns;
        match self.plane(index) {
            Cow::Borrowed(plane) => Cow::Borrowed(plane.get(cells).unwrap_or_default()),
            Cow::Owned(plane) => Cow::Owned(plane.get(cells).unwrap_or_default().to_vec()),
        }
    }

    /// How many rows to read at a time: all of a map that is held, a few MiB of one that is made.
    pub fn step(&self) -> usize {
        const MOST: usize = 4 << 20;
        match self.is_held() {
            true => self.size(1).max(1),
            false => (MOST / self.size(2).max(1)).max(1),
        }
    }

    /// Slice `index` of the first axis: one head's [T, T], say.
    pub fn plane(&self, index: usize) -> Cow<'_, [f32]> {
        let Some(start) = self.start(&[index]) else {
            return Cow::Borrowed(&[]);
        };
        if let Some(made) = self.make(index, 0..self.size(1)) {
            return Cow::Owned(made);
        }
        let count: usize = self.shape[1..].iter().product();
        let packed = match self.shape.len() {
            3 => self.stride[2] == 1 && self.stride[1] == self.shape[2],
            2 => self.stride[1] == 1,
            _ => true,
        };
        match packed {
            true => Cow::Borrowed(&self.data()[start..start + count]),
            false => {
                let rows = (0..self.size(1)).flat_map(|i| self.row(&[index, i]).into_owned());
                rows.collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_strided_view_reads_as_its_copy() -> candle_core::Result<()> {
        let base = Tensor::arange(0f32, 60., &Device::Cpu)?.reshape((5, 4, 3))?;
        let view = base.narrow(1, 1, 2)?.permute((1, 0, 2))?; // [2, 5, 3]
        let copy = view.contiguous()?;
        let (view, copy) = (Values::new(&view).unwrap(), Values::new(&copy).unwrap());
        assert_eq!(view.flat(), copy.flat());
        assert_eq!(view.plane(1), copy.plane(1));
        assert_eq!(view.row(&[1, 4]), copy.row(&[1, 4]));
        assert_eq!(view.at(&[1, 4, 2]), Some(4. * 12. + 2. * 3. + 2.));
        assert_eq!(view.at(&[2, 0, 0]), None);
        assert_eq!(view.at(&[0, 0]), None, "an index must name every axis");
        assert!(view.row(&[0, 5]).is_empty());
        Ok(())
    }
}
