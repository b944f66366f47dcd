//! The four shapes of a file of vectors, written row by row.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::json;

/// How vectors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// NumPy 1.0, `<f4` [n, E] in C order. No texts.
    Npy,
    /// A header `text,d0,d1,…`, then one text a row, quoted as RFC 4180 asks.
    Csv,
    /// One `{"text", "embedding"}` a line.
    Jsonl,
    /// `embeddings`, f32 [n, E], and what made it as metadata. No texts.
    Safetensors,
}

impl Format {
    /// By the file's ending.
    pub fn of(path: &Path) -> Result<Self, String> {
        let ending = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        Ok(match ending.as_deref() {
            Some("npy") => Self::Npy,
            Some("csv") => Self::Csv,
            Some("jsonl") => Self::Jsonl,
            Some("safetensors") => Self::Safetensors,
            _ => {
                let path = path.display();
                return Err(format!(
                    "--out {path}: the name must end in .npy, .csv, .jsonl or .safetensors, or be - for jsonl on stdout"
                ));
            }
        })
    }
}

/// One line of jsonl.
#[derive(Serialize)]
struct Row<'a> {
    text: &'a str,
    embedding: &'a [f32],
}

/// What is known before the first row.
#[derive(Clone, Debug)]
pub struct Header {
    /// n
    pub count: usize,
    /// E
    pub size: usize,
    /// What made the vectors.
    pub about: BTreeMap<&'static str, String>,
}

/// Writes `count` rows of `size` numbers. Numbers in text read back as the same f32.
pub struct Writer<'a> {
    out: &'a mut dyn Write,
    format: Format,
}

impl<'a> Writer<'a> {
    /// Writes what stands in front of the rows.
    pub fn new(out: &'a mut dyn Write, format: Format, header: &Header) -> io::Result<Self> {
        match format {
            Format::Npy => out.write_all(&npy_header(header))?,
            Format::Csv => out.write_all(csv_header(header).as_bytes())?,
            Format::Jsonl => {}
            Format::Safetensors => out.write_all(&safetensors_header(header)?)?,
        }
        Ok(Self { out, format })
    }

    pub fn row(&mut self, text: &str, vector: &[f32]) -> io::Result<()> {
        match self.format {
            Format::Npy | Format::Safetensors => {
                let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
                self.out.write_all(&bytes)
            }
            Format::Csv => {
                let mut row = csv_field(text);
                for x in vector {
                    row.push_str(&format!(",{x:?}"));
                }
                row.push('\n');
                self.out.write_all(row.as_bytes())
            }
            Format::Jsonl => {
                let embedding = vector;
                serde_json::to_writer(&mut *self.out, &Row { text, embedding })?;
                self.out.write_all(b"\n")
            }
        }
    }

    /// Hands on what is buffered, so that a reader at the other end of a pipe sees it.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>
fn npy_header(header: &Header) -> Vec<u8> {
    let (count, size) = (header.count, header.size);
    let mut about =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {size}), }}");
    // Magic, version, length, text and newline fill whole blocks of 64 bytes.
    let unpadded = 10 + about.len() + 1;
    about.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    about.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((about.len() as u16).to_le_bytes());
    out.extend(about.as_bytes());
    out
}

/// <https://github.com/huggingface/safetensors#format>: written by hand because the crate wants every
/// row in memory.
fn safetensors_header(header: &Header) -> io::Result<Vec<u8>> {
    let bytes = header.count * header.size * size_of::<f32>();
    let about = json!({
        "__metadata__": header.about,
        "embeddings": {
            "dtype": "F32",
            "shape": [header.count, header.size],
            "data_offsets": [0, bytes],
        },
    });
    let mut text = serde_json::to_vec(&about)?;
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut out = (text.len() as u64).to_le_bytes().to_vec();
    out.extend(text);
    Ok(out)
}

fn csv_header(header: &Header) -> String {
    let columns = (0..header.size).map(|d| format!(",d{d}"));
    format!("text{}\n", columns.collect::<String>())
}

/// Quoted where RFC 4180 asks for it, and where a reader might trim.
fn csv_field(text: &str) -> String {
    let needs = text.is_empty()
        || text.contains(['"', ',', '\n', '\r'])
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace);
    match needs {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format, rows: &[(&str, &[f32])]) -> Vec<u8> {
        let header = Header {
            count: rows.len(),
            size: rows[0].1.len(),
            about: BTreeMap::from([("model", "a".to_owned())]),
        };
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, format, &header).unwrap();
        for (text, vector) in rows {
            writer.row(text, vector).unwrap();
        }
        out
    }

    const HARD: [f32; 5] = [0.1, -1.0e-38, f32::MIN_POSITIVE / 4., 16_777_217., -0.0];

    #[test]
    fn numbers_written_as_text_read_back_bit_for_bit() {
        let csv = String::from_utf8(written(Format::Csv, &[("a", &HARD)])).unwrap();
        let row = csv.lines().nth(1).unwrap().split(',').skip(1);
        let csv: Vec<u32> = row.map(|x| x.parse::<f32>().unwrap().to_bits()).collect();
        assert_eq!(csv, HARD.map(f32::to_bits));
        let line = written(Format::Jsonl, &[("a", &HARD)]);
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let row = value["embedding"].as_array().unwrap().iter();
        let jsonl: Vec<u32> = row
            .map(|x| (x.as_f64().unwrap() as f32).to_bits())
            .collect();
        assert_eq!(jsonl, HARD.map(f32::to_bits));
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let fields = ["plain", "a,b", "say \"hi\"", "two\nlines", "", " lead"].map(csv_field);
        assert_eq!(
            fields,
            [
                "plain",
                "\"a,b\"",
                "\"say \"\"hi\"\"\"",
                "\"two\nlines\"",
                "\"\"",
                "\" lead\""
            ]
        );
    }

    #[test]
    fn binary_headers_are_aligned_and_read_back() {
        let rows: [(&str, &[f32]); 2] = [("a", &[1., 2., 3.]), ("b", &[4., 5., 6.])];
        let npy = written(Format::Npy, &rows);
        assert_eq!((npy.len() - 24) % 64, 0);
        assert_eq!(npy[npy.len() - 24..][..4], 1f32.to_le_bytes());
        let bytes = written(Format::Safetensors, &rows);
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let tensor = file.tensor("embeddings").unwrap();
        assert_eq!(tensor.shape(), [2, 3]);
        assert_eq!(tensor.data()[20..], 6f32.to_le_bytes());
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap()["model"], "a");
    }
}
