//! Colours and spacing: the only place with raw colours.
//!
//! The chrome is calm (neutral greys, hairlines, one accent) so that the data can be loud.

use egui::{Color32, Ui};

pub use super::number::{number, number_text};
pub use super::style::install;

/// The one spacing unit, between things.
pub const SPACE: f32 = 8.0;
/// Half a unit, inside controls.
pub const SPACE_SMALL: f32 = 4.0;
/// Which of the two looks is on. Every colour in the program comes from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Theme {
    pub dark: bool,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// A colour from its parts, those of colour multiplied with the last, as textures hold them.
pub const fn premultiplied([r, g, b, a]: [u8; 4]) -> Color32 {
    Color32::from_rgba_premultiplied(r, g, b, a)
}

impl Theme {
    pub const DARK: Self = Self { dark: true };
    pub const LIGHT: Self = Self { dark: false };

    /// The look that this `ui` is painted in.
    pub fn of(ui: &Ui) -> Self {
        Self {
            dark: ui.visuals().dark_mode,
        }
    }

    const fn pick(self, dark: u32, light: u32) -> Color32 {
        rgb(if self.dark { dark } else { light })
    }

    /// Text A: amber, always the lighter of the two.
    pub fn a(self) -> Color32 {
        self.pick(0xFFB74D, 0xA85000)
    }

    /// Text B: violet, always the darker of the two, so that the pair survives colour blindness
    /// and a grey print.
    pub fn b(self) -> Color32 {
        self.pick(0x9579F7, 0x4527A0)
    }

    /// The colour of the text at this place in the list; repeats after [`Self::TEXTS`].
    pub fn text(self, index: usize) -> Color32 {
        // None of these is A's amber or B's violet, and neighbours differ in lightness.
        const DARK: [u32; Theme::TEXTS] = [
            0x3FC1B0, 0xF06292, 0xA5D66F, 0x4FA3E0, 0xE8D96B, 0xD97B5B, 0x8FD3F4, 0xB0A08C,
        ];
        const LIGHT: [u32; Theme::TEXTS] = [
            0x00796B, 0xC2185B, 0x55771C, 0x0B6BB0, 0x866F00, 0xA63C1E, 0x237D97, 0x6D5F4D,
        ];
        let index = index % Self::TEXTS;
        self.pick(DARK[index], LIGHT[index])
    }

    /// How many texts have a colour of their own.
    pub const TEXTS: usize = 8;

    /// Selection, focus, links and the primary action.
    pub fn accent(self) -> Color32 {
        self.pick(0x4DA3FF, 0x0B66C3)
    }

    /// Separators and frames: one thin line, barely there.
    pub fn hairline(self) -> Color32 {
        self.pick(0x34383F, 0xD9DCE1)
    }

    /// Round a check box or a ring, which says by being empty that something is off, and round a text field,
    /// whose ground is hardly another than that around it.
    pub(super) fn edge(self) -> Color32 {
        self.pick(0x727985, 0x858C97)
    }

    /// Ordinary text.
    pub fn foreground(self) -> Color32 {
        self.pick(0xD5D9E0, 0x24292F)
    }

    /// Text that has to stand out: titles, the hovered label.
    pub fn strong(self) -> Color32 {
        self.pick(0xFFFFFF, 0x000000)
    }

    /// Special tokens, padding, captions and units.
    pub fn secondary(self) -> Color32 {
        self.pick(0x8B929D, 0x5C646E)
    }

    /// What panels are painted on.
    pub fn background(self) -> Color32 {
        self.pick(0x1A1C20, 0xFAFAFB)
    }

    /// A step away from the background: chips, stripes, quiet fills.
    pub fn faint(self) -> Color32 {
        self.pick(0x24272D, 0xEFF1F4)
    }

    /// Text fields, and the ground under a plot.
    pub fn well(self) -> Color32 {
        self.pick(0x131518, 0xFFFFFF)
    }

    pub fn warning(self) -> Color32 {
        self.pick(0xF0B429, 0x8F5B00)
    }

    pub fn error(self) -> Color32 {
        self.pick(0xFF7B72, 0xC62828)
    }

    pub fn success(self) -> Color32 {
        self.pick(0x56C271, 0x187A37)
    }

    /// A value that is not a number: in no colour map, so never mistaken for data.
    pub fn nan(self) -> Color32 {
        self.pick(0xFF33CC, 0xD400A8)
    }

    /// A cell that a mask hides: neither a value nor an error.
    pub fn hidden(self) -> Color32 {
        self.pick(0x3A3D44, 0xCFD2D7)
    }

    /// The strokes across a hidden cell.
    pub fn hatch(self) -> Color32 {
        self.pick(0x565B65, 0xA9AEB6)
    }

    /// How opaque a value is while a newer one is on its way: seen to be old, and still to be read, since
    /// some are waited for.
    pub fn stale_alpha(self) -> f32 {
        0.72
    }

    /// How opaque a control is that does nothing now: its name can be read.
    pub(super) fn disabled_alpha(self) -> f32 {
        0.6
    }

    /// Black or white, whichever can be read on `fill`.
    pub fn on(self, fill: Color32) -> Color32 {
        // Relative luminance in linear light; 0.18 is where both contrasts are equal.
        let c = egui::Rgba::from(fill);
        let luminance = 0.2126 * c.r() + 0.7152 * c.g() + 0.0722 * c.b();
        if luminance > 0.18 {
            Color32::BLACK
        } else {
            Color32::WHITE
        }
    }

    /// Two strokes that together can be seen on any colour: outer, inner.
    pub fn outline(self) -> (Color32, Color32) {
        (Color32::BLACK, Color32::WHITE)
    }

    /// Behind selected text and selected buttons.
    pub(super) fn selection(self) -> Color32 {
        self.pick(0x1F4A7A, 0x8DBBEA)
    }

    /// Selected text.
    pub(super) fn selected(self) -> Color32 {
        self.pick(0xE3F0FF, 0x0A3D73)
    }

    /// A check box, a slider: at rest, hovered, pressed.
    pub(super) fn controls(self) -> [Color32; 3] {
        [
            self.pick(0x33373F, 0xE2E5EA),
            self.pick(0x3D424B, 0xD6DBE2),
            self.pick(0x484E59, 0xC6CDD7),
        ]
    }

    /// A button: at rest, hovered, pressed.
    pub(super) fn buttons(self) -> [Color32; 3] {
        [
            self.faint(),
            self.pick(0x2E323A, 0xE2E6EC),
            self.pick(0x383D47, 0xD3D9E2),
        ]
    }

    pub(super) fn shadow(self) -> Color32 {
        Color32::from_black_alpha(if self.dark { 110 } else { 36 })
    }

    /// Nothing to a lot on dark ground: out of the background through blue and teal. No amber
    /// and no violet, which are A and B. (On light ground `colorous` has such a map.)
    pub(super) fn amount_stops() -> [Color32; 6] {
        [0x1E2128, 0x2C3B63, 0x2F6A98, 0x38A3A5, 0x80D9B0, 0xF2FCE8].map(rgb)
    }

    /// Blue, the background, red.
    pub(super) fn signed_stops(self) -> [Color32; 5] {
        if self.dark {
            [0xA8D8FF, 0x2F7FD6, 0x1F2126, 0xD0492F, 0xFFC2A1].map(rgb)
        } else {
            [0x053061, 0x4393C3, 0xF7F7F7, 0xD6604D, 0x67001F].map(rgb)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lightness(c: Color32) -> f32 {
        let c = egui::Rgba::from(c);
        let y = 0.2126 * c.r() + 0.7152 * c.g() + 0.0722 * c.b();
        116.0 * y.cbrt() - 16.0
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let y = |c| ((lightness(c) + 16.0) / 116.0).powi(3) + 0.05;
        (y(a) / y(b)).max(y(b) / y(a))
    }

    #[test]
    fn a_is_lighter_than_b_and_both_can_be_read() {
        for theme in [Theme::DARK, Theme::LIGHT] {
            assert!(lightness(theme.a()) > lightness(theme.b()) + 15.0);
            for color in [
                theme.a(),
                theme.b(),
                theme.secondary(),
                theme.accent(),
                theme.error(),
            ] {
                for ground in [theme.background(), theme.faint()] {
                    assert!(contrast(color, ground) >= 4.5, "{color:?}");
                }
            }
            assert!(contrast(theme.edge(), theme.background()) >= 3.0);
            assert!(contrast(theme.selected(), theme.selection()) >= 4.5);
            for index in 0..Theme::TEXTS {
                assert!(
                    contrast(theme.text(index), theme.background()) >= 4.5,
                    "{index}"
                );
            }
        }
    }

    /// What is seen of `color` on `ground`.
    fn faded(color: Color32, alpha: f32, ground: Color32) -> Color32 {
        ground.lerp_to_gamma(color, alpha)
    }

    #[test]
    fn what_is_dimmed_can_still_be_read() {
        for theme in [Theme::DARK, Theme::LIGHT] {
            for ground in [theme.background(), theme.faint(), theme.well()] {
                for color in [
                    theme.foreground(),
                    theme.secondary(),
                    theme.accent(),
                    theme.a(),
                    theme.b(),
                    theme.warning(),
                    theme.error(),
                ] {
                    let stale = faded(color, theme.stale_alpha(), ground);
                    assert!(contrast(stale, ground) >= 3.0, "{color:?} on {ground:?}");
                }
                let disabled = faded(theme.foreground(), theme.disabled_alpha(), ground);
                assert!(contrast(disabled, ground) >= 3.0, "{ground:?}");
            }
        }
    }
}
