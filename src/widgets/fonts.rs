//! The fonts: bundled, so that a text looks the same everywhere and the first frame does not
//! wait for a scan of the system's fonts. Where they come from: `assets/fonts/README.md`.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily};

macro_rules! bundled {
    ($($file:literal),+ $(,)?) => {
        [$(($file, include_bytes!(concat!("../../assets/fonts/", $file)).as_slice())),+]
    };
}

/// Ordinary text, with figures of one width.
const TEXT: &str = "Text-Regular.otf";
/// Titles.
const TITLES: &str = "Text-SemiBold.otf";
/// Brought by egui.
const MONOSPACE: &str = "Hack";
const ICONS: &str = "egui-icons";

/// What other scripts and signs fall back to, in order.
const FALLBACK: [(&str, &[u8]); 17] = bundled![
    "Scripts.ttf",
    "Arabic.ttf",
    "Cjk.ttf",
    "Hangul.ttf",
    "Jamo.ttf",
    "Radicals.otf",
    "Devanagari.ttf",
    "Bengali.ttf",
    "Tamil.ttf",
    "Thai.ttf",
    "Kannada.ttf",
    "Sinhala.ttf",
    "Tibetan.ttf",
    "Myanmar.ttf",
    "Symbols.ttf",
    "Math.ttf",
    "Emoji.ttf",
];

/// The family of titles: the same face, heavier.
pub fn strong() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// Every family with its fallbacks, for [`egui::Context::set_fonts`].
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let text = bundled!["Text-Regular.otf", "Text-SemiBold.otf"];
    for (name, bytes) in text.into_iter().chain(FALLBACK) {
        let data = Arc::new(FontData::from_static(bytes));
        fonts.font_data.insert(name.to_owned(), data);
    }
    let families = [
        (FontFamily::Proportional, [TEXT, MONOSPACE]),
        (FontFamily::Monospace, [MONOSPACE, TEXT]),
        (strong(), [TITLES, TEXT]),
    ];
    for (family, first) in families {
        let chain = first
            .into_iter()
            .chain(FALLBACK.iter().map(|(name, _)| *name))
            .chain([ICONS])
            .map(str::to_owned)
            .collect();
        fonts.families.insert(family, chain);
    }
    fonts
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::FontId;
    use egui::epaint::text::{Fonts, TextOptions};

    #[test]
    fn what_tokens_and_buttons_are_written_with_is_there() {
        let mut fonts = Fonts::new(TextOptions::default(), definitions());
        for family in [FontFamily::Proportional, FontFamily::Monospace, strong()] {
            let font = FontId::new(13.0, family);
            for text in [
                "→↔←↑↓✓✗✕⚙🔍␣⏎⇥↵∑√Δ∅‹›…·×−²‖⊙∘≈≤≥∞▶◀■●○▲▼★⚠ℹ⏸⏵⏭⏮☰📋💾🔗🗙⧉⟨⟩",
                "שלום עולם",
                "مرحبا بالعالم",
                "日本語 かな カナ 汉字 漢字 한국어 가",
                "नमस्ते বাংলা தமிழ் ไทย",
                "Ελληνικά Кириллица Tiếng Việt",
                "##ing ▁the Ġthe",
                // Joined signs, a sign that asks for colour, and the letters of a flag.
                "👩\u{200D}💻 👨\u{200D}👩\u{200D}👧 ❤\u{FE0F} 👍 🇩🇪",
            ] {
                assert!(fonts.has_glyphs(&font, text), "{font:?}: {text}");
            }
        }
    }

    #[test]
    fn figures_have_one_width() {
        let mut fonts = Fonts::new(TextOptions::default(), definitions());
        let font = FontId::proportional(13.0);
        let mut view = fonts.with_pixels_per_point(1.0);
        let widths: Vec<f32> = ('0'..='9').map(|c| view.glyph_width(&font, c)).collect();
        assert!(
            widths.iter().all(|w| (w - widths[0]).abs() < 1e-3),
            "{widths:?}"
        );
    }

    #[test]
    fn all_fonts_together_stay_small() {
        let bytes: usize = FALLBACK.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes < 2_800_000, "{bytes}");
    }
}
