//! PNG, and how a picture is put into a line of text.

use std::collections::HashMap;
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

/// The bytes of a PNG file with a table of its colours: a byte for each pixel. Colours are rounded, by less
/// than can be seen, as far as that is needed for there to be 256 at most.
///
/// # Errors
/// When the picture has no pixels.
pub fn indexed(picture: &RgbaImage) -> Result<Vec<u8>, String> {
    let said = |error: png::EncodingError| format!("the picture cannot be made: {error}");
    let Some((colors, pixels)) = (0..4).find_map(|bits| palette(picture, bits)) else {
        return encode(picture);
    };
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.set_palette(
        colors
            .iter()
            .flat_map(|c| [c[0], c[1], c[2]])
            .collect::<Vec<u8>>(),
    );
    encoder.set_trns(colors.iter().map(|color| color[3]).collect::<Vec<u8>>());
    let mut writer = encoder.write_header().map_err(said)?;
    writer.write_image_data(&pixels).map_err(said)?;
    writer.finish().map_err(said)?;
    Ok(out)
}

/// The colours without their last `bits` and each pixel's place among them; none where there are more
/// than 256.
fn palette(picture: &RgbaImage, bits: u32) -> Option<(Vec<[u8; 4]>, Vec<u8>)> {
    let half = (1u16 << bits) / 2;
    let round = |value: u8| ((u16::from(value) + half).min(255) >> bits << bits) as u8;
    let (mut colors, mut places) = (Vec::new(), HashMap::new());
    let mut pixels = Vec::with_capacity(picture.pixels().len());
    for pixel in picture.pixels() {
        let [r, g, b, a] = pixel.0;
        let color = match bits {
            0 => pixel.0,
            // What is whole stays whole.
            _ => [round(r), round(g), round(b), a],
        };
        let next = colors.len();
        let place = *places.entry(color).or_insert(next);
        if place == next {
            colors.push(color);
        }
        pixels.push(u8::try_from(place).ok()?);
    }
    Some((colors, pixels))
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
    fn few_colours_are_kept_and_many_are_rounded_to_what_fits() {
        let few = RgbaImage::from_fn(40, 5, |x, _| image::Rgba([x as u8, 3, 250, 255]));
        let back = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().to_rgba8();
        assert_eq!(back(&indexed(&few).unwrap()), few);
        let many = RgbaImage::from_fn(256, 2, |x, y| image::Rgba([x as u8, y as u8 * 2, 9, 255]));
        let shown = back(&indexed(&many).unwrap());
        assert_eq!(shown.dimensions(), many.dimensions());
        let off = shown.as_raw().iter().zip(many.as_raw());
        assert!(off.map(|(a, b)| a.abs_diff(*b)).max().unwrap() <= 2);
        let noise = RgbaImage::from_fn(64, 64, |x, y| {
            image::Rgba([x as u8 * 4, y as u8 * 4, 0, 255])
        });
        assert_eq!(
            back(&indexed(&noise).unwrap()),
            noise,
            "too many to round: as it is"
        );
    }

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
