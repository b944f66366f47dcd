//! A convolution over neighbouring tokens beside a block, as in the larger models of DeBERTa v2.

use candle_core::Tensor;

use super::ModelError;
use super::encoder::Encoder;
use super::ops::Rows;
use super::pass::Pass;
use super::weights::ConvolutionWeights;
use crate::trace::site::{LayerSite, Site};

impl Encoder {
    /// norm(y + activation(conv(x))) for what enters and what leaves block `l`, both [ΣT, D].
    pub(super) fn convolved(
        &self,
        l: usize,
        weights: &ConvolutionWeights,
        (x, y): (&Tensor, &Tensor),
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let at = |site| Site::Layer(l, site);
        let read = neighbours(pass.rows(), weights.kernel, |text, token| {
            pass.sees(text, token)
        });
        let read = side_by_side(x, &read, weights.kernel)?;
        let pre = self.ops.linear(&read, &weights.taps)?;
        let pre = pass.visit_rows(at(LayerSite::ConvPre), pre)?;
        let out = self.ops.activate(&pre, weights.activation)?;
        let out = pass.visit_rows(at(LayerSite::ConvOut), out)?;
        Ok(self.ops.add_norm(&out, Some(y), &weights.norm)?)
    }
}

/// The row that each row reads under each tap, [ΣT·kernel]; ΣT, one past the last, stands for nothing:
/// a place outside of the text, a token that is left out, or one that `sees` says others do not see.
pub fn neighbours(rows: &Rows, kernel: usize, sees: impl Fn(usize, usize) -> bool) -> Vec<u32> {
    let (nothing, reach) = (rows.places.len(), kernel / 2);
    let mut read = Vec::with_capacity(nothing * kernel);
    for (text, range) in rows.texts.iter().enumerate() {
        let places = &rows.places[range.clone()];
        for (own, &place) in places.iter().enumerate() {
            read.extend((0..kernel).map(|tap| {
                let wanted = (place + tap).checked_sub(reach);
                let found = wanted.and_then(|wanted| places.binary_search(&wanted).ok());
                let found = found.filter(|&i| i == own || sees(text, places[i]));
                found.map_or(nothing, |i| range.start + i) as u32
            }));
        }
    }
    read
}

/// What each row reads, one tap behind the other: x [n, D] to [n, kernel·D].
///
/// # Errors
/// When `read` names rows that x does not have.
pub fn side_by_side(x: &Tensor, read: &[u32], kernel: usize) -> candle_core::Result<Tensor> {
    let (rows, size) = x.dims2()?;
    let nothing = Tensor::zeros((1, size), x.dtype(), x.device())?;
    let with_nothing = Tensor::cat(&[x, &nothing], 0)?;
    let index = Tensor::from_slice(read, read.len(), x.device())?;
    let picked = with_nothing.index_select(&index, 0)?;
    picked.reshape((rows, kernel * size))
}

/// A convolution's weight [D, D/groups, kernel] as that of one product over [`side_by_side`]:
/// [D, kernel·D], zeros between the groups.
///
/// # Errors
/// When D is not divided by the groups.
pub(super) fn as_product(weight: &Tensor, groups: usize) -> candle_core::Result<Tensor> {
    let (size, width, kernel) = weight.dims3()?;
    let by_tap = weight.permute((2, 0, 1))?.contiguous()?; // [kernel, D, D/groups]
    let mut taps = Vec::with_capacity(kernel);
    for tap in 0..kernel {
        let tap = by_tap.get(tap)?;
        let mut blocks = Vec::with_capacity(groups);
        for group in 0..groups {
            let rows = size / groups;
            let block = tap.narrow(0, group * rows, rows)?;
            let (before, behind) = (group * width, size - (group + 1) * width);
            blocks.push(block.pad_with_zeros(1, before, behind)?);
        }
        taps.push(Tensor::cat(&blocks, 0)?);
    }
    Tensor::cat(&taps, 1)?.contiguous()
}

/// The other way round from [`as_product`]: [D, kernel·D] to [D, D/groups, kernel].
///
/// # Errors
/// When D is not divided by the groups.
pub(super) fn from_product(
    taps: &Tensor,
    kernel: usize,
    groups: usize,
) -> candle_core::Result<Tensor> {
    let size = taps.dim(0)?;
    let width = size / groups;
    let by_tap = taps.reshape((size, kernel, size))?;
    let of_group = |group: usize| {
        let rows = by_tap.narrow(0, group * width, width)?;
        rows.narrow(2, group * width, width)
    };
    let blocks: Vec<Tensor> = (0..groups).map(of_group).collect::<Result<_, _>>()?;
    Tensor::cat(&blocks, 0)?.transpose(1, 2)?.contiguous()
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0f64, 1., shape, &Device::Cpu).unwrap()
    }

    fn close(a: &Tensor, b: &Tensor) {
        let off = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
        let off = off.max(0).unwrap().to_dtype(DType::F64).unwrap();
        assert!(off.to_scalar::<f64>().unwrap() < 1e-12);
    }

    #[test]
    fn one_product_is_candles_convolution_of_each_text() {
        for (kernel, groups) in [(1, 1), (3, 1), (5, 2), (3, 6)] {
            let (size, texts) = (6, [1, 2, 7]);
            let x = random(&[10, size]);
            let weight = random(&[size, size / groups, kernel]);
            let taps = as_product(&weight, groups).unwrap();
            close(&from_product(&taps, kernel, groups).unwrap(), &weight);
            let read = neighbours(&Rows::whole(texts), kernel, |_, _| true);
            let read = side_by_side(&x, &read, kernel).unwrap();
            let ours = read.matmul(&taps.t().unwrap()).unwrap();
            let mut start = 0;
            for tokens in texts {
                let text = x.narrow(0, start, tokens).unwrap();
                let text = text.t().unwrap().unsqueeze(0).unwrap();
                let text = text.contiguous().unwrap();
                let theirs = text.conv1d(&weight, kernel / 2, 1, 1, groups).unwrap();
                let theirs = theirs.squeeze(0).unwrap().t().unwrap();
                close(&ours.narrow(0, start, tokens).unwrap(), &theirs);
                start += tokens;
            }
        }
    }

    #[test]
    fn what_is_left_out_or_hidden_is_read_by_itself_alone() {
        let mut rows = Rows::whole([3]);
        rows.push([0, 2, 3].into_iter());
        let read = neighbours(&rows, 3, |text, token| (text, token) != (0, 1));
        let nothing = 6;
        let first = [nothing, 0, nothing, 0, 1, 2, nothing, 2, nothing];
        let second = [nothing, 3, nothing, nothing, 4, 5, 4, 5, nothing];
        assert_eq!(read, [first, second].concat());
    }
}
