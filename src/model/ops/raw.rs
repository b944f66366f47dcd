//! Products and loops over plain slices: what the fused and the differentiable fast path share.

use candle_core::{CpuStorage, Result, Storage, Tensor};

use super::team;

/// Elements below which waking another thread costs more than it saves.
pub const PARALLEL_FROM: usize = 1 << 14;

/// Runs `read` on the tensor's values, which must lie in one piece in row-major order.
pub fn with_slice<R>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let start = layout.start_offset();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(data)) => {
            Ok(read(&data[start..start + layout.shape().elem_count()]))
        }
        _ => candle_core::bail!("the fused path takes f32 on the CPU"),
    }
}

/// A matrix inside a larger buffer: start and strides in elements.
#[derive(Clone, Copy)]
pub struct Matrix {
    pub start: *const f32,
    pub row: isize,
    pub column: isize,
}

impl Matrix {
    /// Rows of `columns` values one behind the other.
    pub fn dense(values: &[f32], columns: usize) -> Self {
        Self {
            start: values.as_ptr(),
            row: columns as isize,
            column: 1,
        }
    }

    /// What is left behind the first `row` rows.
    pub fn skip_rows(self, row: usize) -> Self {
        Self {
            start: self.start.wrapping_offset(row as isize * self.row),
            ..self
        }
    }

    pub fn transposed(self) -> Self {
        Self {
            start: self.start,
            row: self.column,
            column: self.row,
        }
    }
}

// SAFETY: a `Matrix` is only made from a slice that outlives the product it is passed to, and only
// read.
unsafe impl Send for Matrix {}
// SAFETY: as above.
unsafe impl Sync for Matrix {}

/// Start and strides of slice `h` of a [heads, T, d] view.
pub fn plane(tensor: &Tensor, data: &[f32], h: usize) -> Matrix {
    let (stride, offset) = (tensor.stride(), tensor.layout().start_offset());
    Matrix {
        start: data[offset + h * stride[0]..].as_ptr(),
        row: stride[1] as isize,
        column: stride[2] as isize,
    }
}

/// Runs `read` on the whole buffer behind a tensor, whatever its layout.
pub fn with_buffer<R>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let (storage, _) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(data)) => Ok(read(data)),
        _ => candle_core::bail!("the fused path takes f32 on the CPU"),
    }
}

/// A place to write to, for tasks that write to disjoint parts of one buffer.
#[derive(Clone, Copy)]
pub struct Target(pub *mut f32);

// SAFETY: each task writes only to its own part.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    /// The address `offset` elements on; a method, so that closures capture the whole `Target`.
    pub fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// dst (rows of stride `dst_row`) = alpha·lhs·rhs, or += with `add`.
///
/// # Safety
/// `dst` must be valid for `size.0` rows of `size.1` elements `dst_row` apart, and not be written to
/// by anyone else; `lhs` must hold size.0 × size.2 and `rhs` size.2 × size.1 elements.
pub unsafe fn product(
    size: (usize, usize, usize),
    dst: *mut f32,
    dst_row: usize,
    add: bool,
    (lhs, rhs): (Matrix, Matrix),
    alpha: f32,
    parallel: bool,
) {
    let (m, n, k) = size;
    let threads = rayon::current_num_threads();
    let parallelism = match parallel && threads > 1 && m * n * k >= 48 * 48 * 256 {
        true => gemm::Parallelism::Rayon(threads),
        false => gemm::Parallelism::None,
    };
    // SAFETY: by this function's own contract.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst,
            1,
            dst_row as isize,
            add,
            lhs.start,
            lhs.column,
            lhs.row,
            rhs.start,
            rhs.column,
            rhs.row,
            1.,
            alpha,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Applies `f(input, output)` to matching chunks of whole rows, in parallel where it pays.
pub fn by_rows(
    x: &[f32],
    out: &mut [f32],
    columns: usize,
    f: impl Fn(usize, &[f32], &mut [f32]) + Sync,
) {
    let (size, threads) = (out.len(), team::size());
    if size < PARALLEL_FROM || threads == 1 {
        return f(0, x, out);
    }
    let chunk = (size / columns).div_ceil(threads * 2) * columns;
    let target = Target(out.as_mut_ptr());
    team::each(size.div_ceil(chunk), |i| {
        let cells = i * chunk..((i + 1) * chunk).min(size);
        // SAFETY: the chunks do not overlap and lie inside of `out`, which is borrowed for all of this.
        let out = unsafe { std::slice::from_raw_parts_mut(target.at(cells.start), cells.len()) };
        f(cells.start, &x[cells], out);
    });
}
