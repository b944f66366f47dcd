//! Arrays with their names, and the two files that hold them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use safetensors::Dtype;
use safetensors::tensor::{TensorView, View as _};

use crate::trace::{Site, Trace};

/// Where the numbers are. Those of a trace are read when the file is written.
#[derive(Clone)]
pub enum Numbers {
    Single(Vec<f32>),
    Double(Vec<f64>),
    /// A whole site, or one plane of its first axis.
    Site(Arc<Trace>, Site, Option<usize>),
}

/// One array: what a panel shows, in the order of its axes, last axis fastest.
#[derive(Clone)]
pub struct NamedArray {
    /// The site's name where it is one.
    pub name: String,
    pub shape: Vec<usize>,
    pub numbers: Numbers,
    /// Names of the rows and columns of a matrix, for tables; may be missing.
    pub rows: Vec<String>,
    pub columns: Vec<String>,
}

impl NamedArray {
    pub fn new(name: impl Into<String>, shape: Vec<usize>, numbers: Numbers) -> Self {
        Self {
            name: name.into(),
            shape,
            numbers,
            rows: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// A site of a trace; none where the trace does not hold it.
    pub fn site(trace: &Arc<Trace>, site: Site) -> Option<Self> {
        let shape = trace.values(site)?.shape().to_vec();
        let numbers = Numbers::Site(trace.clone(), site, None);
        Some(Self::new(site.to_string(), shape, numbers).labelled(trace))
    }

    /// One plane of a site: a head's map, say, as `layer.2.pattern.6`.
    pub fn plane(trace: &Arc<Trace>, site: Site, plane: usize) -> Option<Self> {
        let shape = trace.values(site)?.shape().to_vec();
        let (first, rest) = shape.split_first()?;
        let numbers = Numbers::Site(trace.clone(), site, Some(plane));
        let array = Self::new(format!("{site}.{plane}"), rest.to_vec(), numbers);
        (plane < *first).then(|| array.labelled(trace))
    }

    /// With tokens as names wherever an axis of a matrix is as long as the text.
    fn labelled(mut self, trace: &Trace) -> Self {
        let labels = &trace.tokens.labels;
        if let [rows, columns] = self.shape[..] {
            let named = |size| match size == labels.len() {
                true => labels.clone(),
                false => Vec::new(),
            };
            let tokens_twice = matches!(&self.numbers, Numbers::Site(_, _, Some(_)));
            self.rows = named(rows);
            self.columns = match tokens_twice {
                true => named(columns),
                false => Vec::new(),
            };
        }
        self
    }

    pub fn named(mut self, rows: Vec<String>, columns: Vec<String>) -> Self {
        (self.rows, self.columns) = (rows, columns);
        self
    }

    pub fn is_matrix(&self) -> bool {
        self.shape.len() == 2
    }

    /// `layer.2.pattern.6 [9, 9]`
    pub fn title(&self) -> String {
        format!("{} {:?}", self.name, self.shape)
    }

    /// Every number as f32; those of a trace bit for bit.
    pub fn singles(&self) -> Cow<'_, [f32]> {
        match &self.numbers {
            Numbers::Single(values) => Cow::Borrowed(values),
            Numbers::Double(values) => values.iter().map(|&x| x as f32).collect(),
            Numbers::Site(trace, site, plane) => {
                let values = trace.values(*site);
                let values = values.map(|values| match plane {
                    Some(plane) => values.plane(*plane).into_owned(),
                    None => values.flat().into_owned(),
                });
                Cow::Owned(values.unwrap_or_default())
            }
        }
    }

    fn dtype(&self) -> Dtype {
        match self.numbers {
            Numbers::Double(_) => Dtype::F64,
            _ => Dtype::F32,
        }
    }

    /// Little-endian, last axis fastest.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.numbers {
            Numbers::Double(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            _ => self
                .singles()
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect(),
        }
    }

    /// A matrix with its names, tab-separated; anything else as one number a line with its index.
    pub fn table(&self) -> String {
        let numbers: Vec<String> = match &self.numbers {
            Numbers::Double(values) => values.iter().map(f64::to_string).collect(),
            _ => self.singles().iter().map(f32::to_string).collect(),
        };
        let name = |names: &[String], at: usize| {
            let name = names.get(at).cloned();
            super::table::cell(&name.unwrap_or_else(|| at.to_string()))
        };
        let mut out = String::new();
        // Writing to a string cannot fail.
        if let [_, columns] = self.shape[..] {
            let titles: Vec<String> = (0..columns).map(|c| name(&self.columns, c)).collect();
            let _ = writeln!(out, "{}\t{}", self.name, titles.join("\t"));
            for (row, cells) in numbers.chunks(columns.max(1)).enumerate() {
                let _ = writeln!(out, "{}\t{}", name(&self.rows, row), cells.join("\t"));
            }
            return out;
        }
        let axes: Vec<String> = (0..self.shape.len()).map(|a| format!("axis {a}")).collect();
        let _ = writeln!(out, "{}\t{}", axes.join("\t"), self.name);
        for (at, number) in numbers.iter().enumerate() {
            let mut rest = at;
            let mut index = vec![String::new(); self.shape.len()];
            for (slot, size) in index.iter_mut().zip(&self.shape).rev() {
                *slot = (rest % size.max(&1)).to_string();
                rest /= size.max(&1);
            }
            let _ = writeln!(out, "{}\t{number}", index.join("\t"));
        }
        out
    }
}

/// <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, version 1.0, C order.
pub fn npy(array: &NamedArray) -> Vec<u8> {
    let kind = match array.dtype() {
        Dtype::F64 => "<f8",
        _ => "<f4",
    };
    let sizes: Vec<String> = array.shape.iter().map(usize::to_string).collect();
    let shape = match &sizes[..] {
        [one] => format!("({one},)"),
        several => format!("({})", several.join(", ")),
    };
    let mut about = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version, length, text and newline fill whole blocks of 64 bytes.
    let unpadded = 10 + about.len() + 1;
    about.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    about.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((about.len() as u16).to_le_bytes());
    out.extend(about.as_bytes());
    out.extend(array.bytes());
    out
}

/// # Errors
/// When a shape and its numbers do not agree, which would be a fault of ours.
pub fn safetensors(arrays: &[NamedArray]) -> Result<Vec<u8>, String> {
    let held: Vec<(String, Vec<u8>, &NamedArray)> = arrays
        .iter()
        .map(|array| (array.name.clone(), array.bytes(), array))
        .collect();
    let views = held.iter().map(|(name, bytes, array)| {
        let view = TensorView::new(array.dtype(), array.shape.clone(), bytes);
        view.map(|view| (name.clone(), view))
            .map_err(|error| format!("{name}: {error}"))
    });
    let views: Vec<(String, TensorView<'_>)> = views.collect::<Result<_, _>>()?;
    debug_assert!(
        views
            .iter()
            .all(|(_, view)| view.data_len() > 0 || view.shape().contains(&0))
    );
    safetensors::serialize(views, None).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_and_a_matrix_read_back() {
        let vector = NamedArray::new("v", vec![3], Numbers::Double(vec![1., -2.5, 1e-300]));
        let bytes = npy(&vector);
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.contains("'<f8'") && text.contains("'shape': (3,), }"),
            "{text}"
        );
        assert_eq!((bytes.len() - 24) % 64, 0);
        assert_eq!(bytes[bytes.len() - 8..], 1e-300f64.to_le_bytes());
        let matrix = NamedArray::new("m", vec![2, 2], Numbers::Single(vec![1., 2., 3., 4.]));
        let table = matrix
            .clone()
            .named(vec!["a".into(), "b".into()], Vec::new());
        assert_eq!(table.table(), "m\t0\t1\na\t1\t2\nb\t3\t4\n");
        let file = safetensors(&[vector, matrix]).unwrap();
        let file = safetensors::SafeTensors::deserialize(&file).unwrap();
        assert_eq!(file.tensor("v").unwrap().dtype(), Dtype::F64);
        assert_eq!(file.tensor("m").unwrap().shape(), [2, 2]);
        assert_eq!(file.tensor("m").unwrap().data()[12..], 4f32.to_le_bytes());
    }
}
