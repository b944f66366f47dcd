//! PNG, and how a picture is put into a line of text.

use std::io::Cursor;

use image::RgbaImage;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};

/// The bytes of a PNG file.
///
/// # Errors
/// When the picture has no pixels.
pub fn encode(picture: &RgbaImage) -> Result<Vec<u8>, String> {
    let mut out = Cursor::new(Vec::new());
    // Maps and letters repeat themselves: packing them well makes files a fraction as large.
    let encoder =
        PngEncoder::new_with_quality(&mut out, CompressionType::Default, FilterType::Adaptive);
    let written = picture.write_with_encoder(encoder);
    written.map_err(|error| format!("the picture cannot be made: {error}"))?;
    Ok(out.into_inner())
}

/// <https://www.rfc-editor.org/rfc/rfc4648#section-4>
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            // Two letters hold one byte, three hold two.
            out.push(match place <= chunk.len() {
                true => char::from(letter),
                false => '=',
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_the_standard_has_it() {
        for (text, code) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(text.as_bytes()), code);
        }
    }
}
