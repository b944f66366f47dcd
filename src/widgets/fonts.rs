//! The fonts: bundled, so that a text looks the same everywhere and the first frame does not
//! wait for a scan of the system's fonts. Where they come from: `assets/fonts/README.md`.

use egui::{FontDefinitions, FontFamily};

/// The family of titles: the same face, heavier.
pub fn strong() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// Every family with its fallbacks, for [`egui::Context::set_fonts`].
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    proportional.push("Hack".to_owned());
    let all = proportional.clone();
    fonts.families.insert(strong(), all);
    fonts
}
