//! Weights as int8 rows: per tensor NAME an I8 tensor and, as `NAME.scale`, one f32 per row (first
//! axis), or a single one for a vector. value = q · scale.

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

const SCALE: &str = ".scale";

/// The same tensors as a safetensors file of f32.
///
/// # Errors
/// What is wrong with the bytes, in words.
pub(super) fn to_f32(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| format!("is not a whole safetensors file ({e})"))?;
    let mut tensors = Vec::new();
    for (name, rows) in file.iter().filter(|(name, _)| !name.ends_with(SCALE)) {
        let scale = file.tensor(&format!("{name}{SCALE}"));
        let scale = scale.map_err(|_| format!("tensor `{name}` has no `{name}{SCALE}`"))?;
        let values = values(&rows, &scale).map_err(|what| format!("tensor `{name}` {what}"))?;
        tensors.push((name.to_string(), rows.shape().to_vec(), values));
    }
    let views = tensors.iter().map(|(name, shape, values)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), values);
        view.map(|view| (name, view)).map_err(|e| e.to_string())
    });
    serialize(views.collect::<Result<Vec<_>, _>>()?, None).map_err(|e| e.to_string())
}

/// q · scale as little-endian f32.
fn values(rows: &TensorView<'_>, scale: &TensorView<'_>) -> Result<Vec<u8>, String> {
    if (rows.dtype(), scale.dtype()) != (Dtype::I8, Dtype::F32) {
        let (q, scale) = (rows.dtype(), scale.dtype());
        return Err(format!(
            "must be I8 with an F32 scale, not {q:?} with {scale:?}"
        ));
    }
    let count = match rows.shape() {
        [_] => 1,
        shape => shape.first().copied().unwrap_or(0),
    };
    if scale.shape() != [count] || count == 0 {
        return Err(format!(
            "needs a scale of shape [{count}], not {:?}",
            scale.shape()
        ));
    }
    let (scales, _) = scale.data().as_chunks::<4>();
    let width = (rows.data().len() / count).max(1);
    let mut out = Vec::with_capacity(rows.data().len() * 4);
    for (row, scale) in rows.data().chunks(width).zip(scales) {
        let scale = f32::from_le_bytes(*scale);
        out.extend(
            row.iter()
                .flat_map(|&q| (f32::from(q as i8) * scale).to_le_bytes()),
        );
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(q: (Dtype, &[usize], &[u8]), scale: &[f32]) -> Vec<u8> {
        let bytes: Vec<u8> = scale.iter().flat_map(|s| s.to_le_bytes()).collect();
        let views = vec![
            ("w", TensorView::new(q.0, q.1.to_vec(), q.2).unwrap()),
            (
                "w.scale",
                TensorView::new(Dtype::F32, vec![scale.len()], &bytes).unwrap(),
            ),
        ];
        serialize(views, None).unwrap()
    }

    fn read(bytes: &[u8]) -> (Vec<usize>, Vec<f32>) {
        let out = to_f32(bytes).unwrap();
        let file = SafeTensors::deserialize(&out).unwrap();
        assert_eq!(file.names(), ["w"]);
        let tensor = file.tensor("w").unwrap();
        let (values, _) = tensor.data().as_chunks::<4>();
        let values = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
        (tensor.shape().to_vec(), values)
    }

    #[test]
    fn each_row_has_its_scale_and_a_vector_one() {
        let q = [1, 2, 255, 127];
        let matrix = read(&file((Dtype::I8, &[2, 2], &q), &[0.5, 2.]));
        assert_eq!(matrix, (vec![2, 2], vec![0.5, 1., -2., 254.]));
        let vector = read(&file((Dtype::I8, &[4], &q), &[0.5]));
        assert_eq!(vector, (vec![4], vec![0.5, 1., -0.5, 63.5]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let q = [1, 2, 3, 4];
        for bad in [
            file((Dtype::I8, &[2, 2], &q), &[0.5]),
            file((Dtype::U8, &[2, 2], &q), &[0.5, 1.]),
            file((Dtype::I8, &[4], &q), &[0.5, 1.]),
        ] {
            assert!(to_f32(&bad).unwrap_err().contains("`w`"));
        }
        assert!(to_f32(b"nonsense").is_err());
    }
}
