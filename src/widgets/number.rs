//! How numbers look.

use egui::RichText;

/// A number for the screen: four significant digits at most, a real minus sign, and the same
/// look everywhere (`0.9907`, `12.35`, `−0.01230`, `1.23e−8`, `NaN`).
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rounding comes first: 9.9999 is 10.00, not 10.000.
    let rounded = format!("{value:.3e}");
    let exponent: i32 = rounded
        .split_once('e')
        .and_then(|(_, e)| e.parse().ok())
        .unwrap_or(0);
    let text = match exponent {
        -3..=4 => format!("{value:.*}", (3 - exponent).clamp(0, 5) as usize),
        _ => format!("{value:.2e}"),
    };
    text.replace('-', "−")
}

/// [`number`] in the monospaced font, for columns of figures.
pub fn number_text(value: f64) -> RichText {
    RichText::new(number(value)).monospace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_to_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.990_66, "0.9907"),
            (-0.0123, "−0.01230"),
            (0.00123, "0.00123"),
            (1.0, "1.000"),
            (9.999_96, "10.00"),
            (-12.345_6, "−12.35"),
            (123.45, "123.5"),
            (12_345.6, "12346"),
            (99_999.6, "1.00e5"),
            (1.234e-8, "1.23e−8"),
            (-6.02e23, "−6.02e23"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
    }
}
