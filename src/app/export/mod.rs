//! What a panel shows as a file: a picture, a table or arrays.
//!
//! The window's thread only takes a copy of what there is ([`Content`]); turning it into bytes and
//! writing them goes on away from it.

pub mod array;
pub mod file;
pub mod headless;
pub mod offscreen;
mod png;
mod raster;
pub mod report;
pub mod svg;
pub mod table;
mod window;

use std::path::Path;

pub use array::{NamedArray, Numbers};
pub use offscreen::Picture;
pub(super) use window::named;

/// What kind of file a panel becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Svg,
    /// Commas, quoted as RFC 4180 asks.
    Csv,
    /// Tabs.
    Tsv,
    /// One array, as NumPy writes it.
    Npy,
    /// Every array by its name.
    Safetensors,
}

impl Format {
    pub const ALL: [Self; 6] = [
        Self::Png,
        Self::Svg,
        Self::Csv,
        Self::Tsv,
        Self::Npy,
        Self::Safetensors,
    ];

    /// The file's ending, without its dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
        }
    }

    /// The name for a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Svg => "SVG",
            Self::Csv => "CSV",
            Self::Tsv => "TSV",
            Self::Npy => "NPY",
            Self::Safetensors => "safetensors",
        }
    }

    /// By the file's ending, whatever its case.
    ///
    /// # Errors
    /// A sentence that names the file and the endings there are.
    pub fn of(path: &Path) -> Result<Self, String> {
        let ending = path
            .extension()
            .map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let known = |format: &Self| Some(format.ending()) == ending.as_deref();
        Self::ALL.into_iter().find(known).ok_or_else(|| {
            let endings = Self::ALL.map(|format| format!(".{}", format.ending()));
            format!(
                "{}: the name must end in one of {}",
                path.display(),
                endings.join(", ")
            )
        })
    }

    pub fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Svg)
    }
}

/// One file of one panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    /// The panel's id.
    pub panel: &'static str,
    pub format: Format,
    /// Which array, where there are several; 0 of a table is the panel's own, and n is array n − 1.
    pub part: usize,
}

/// What goes into a file.
pub enum Content {
    Picture(Box<Picture>),
    /// Tab-separated.
    Table(String),
    /// One or more.
    Arrays(Vec<NamedArray>),
}

impl Content {
    /// The bytes of a file of this format; takes too long for a frame.
    ///
    /// # Errors
    /// A sentence where the content does not go into such a file.
    pub fn bytes(&self, format: Format, title: &str) -> Result<Vec<u8>, String> {
        match (self, format) {
            (Self::Picture(picture), Format::Svg) => Ok(svg::document(picture, title).into_bytes()),
            (Self::Picture(picture), Format::Png) => png::encode(&picture.raster()),
            (Self::Table(tsv), Format::Tsv) => Ok(table::tsv(tsv).into_bytes()),
            (Self::Table(tsv), Format::Csv) => Ok(table::csv(tsv).into_bytes()),
            (Self::Arrays(arrays), Format::Npy) => match arrays.first() {
                Some(array) => Ok(array::npy(array)),
                None => Err(format!("{title} has no array to write")),
            },
            (Self::Arrays(arrays), Format::Safetensors) if !arrays.is_empty() => {
                array::safetensors(arrays)
            }
            (Self::Arrays(arrays), Format::Csv | Format::Tsv) => match arrays.first() {
                Some(array) => {
                    let table = array.table();
                    Self::Table(table).bytes(format, title)
                }
                None => Err(format!("{title} has no array to write")),
            },
            _ => Err(format!(
                "{title} does not go into a {} file",
                format.title()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_chooses_the_format_and_an_unknown_one_is_told() {
        for format in Format::ALL {
            let name = format!("a.b.{}", format.ending().to_ascii_uppercase());
            assert_eq!(Format::of(Path::new(&name)), Ok(format));
        }
        let error = Format::of(Path::new("x/picture.jpg")).unwrap_err();
        assert!(
            error.contains("picture.jpg") && error.contains(".svg"),
            "{error}"
        );
        assert!(
            Format::of(Path::new("png")).is_err(),
            "that is a name, no ending"
        );
    }
}
