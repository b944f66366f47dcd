//! Colours, spacing and number formats: the only place with raw colours.
//!
//! The chrome is calm (neutral greys, hairlines, one accent) so that the data can be loud.

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Margin, RichText, Shadow, Stroke, Style,
    TextStyle, Ui, Visuals, vec2,
};

use super::fonts;

/// The one spacing unit, between things.
pub const SPACE: f32 = 8.0;
/// Half a unit, inside controls.
pub const SPACE_SMALL: f32 = 4.0;
/// Corners of controls, in points.
const CORNER: u8 = 4;

/// Which of the two looks is on. Every colour in the program comes from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Theme {
    pub dark: bool,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
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
        self.pick(0xFFB74D, 0xB25603)
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
            0x00796B, 0xC2185B, 0x55771C, 0x0B6BB0, 0x8A7300, 0xA63C1E, 0x237D97, 0x6D5F4D,
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
        self.pick(0x8B929D, 0x69717C)
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
        self.pick(0x56C271, 0x1B7F3B)
    }

    /// A value that is not a number: in no colour map, so never mistaken for data.
    pub fn nan(self) -> Color32 {
        self.pick(0xFF33CC, 0xD400A8)
    }

    /// How opaque a value is while a newer one is on its way.
    pub fn stale_alpha(self) -> f32 {
        0.45
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

    /// From nothing (the background) to a lot, ends and stops of the map for amounts.
    pub(super) fn signed_stops(self) -> [Color32; 5] {
        if self.dark {
            [0xA8D8FF, 0x2F7FD6, 0x1F2126, 0xD0492F, 0xFFC2A1].map(rgb)
        } else {
            [0x053061, 0x4393C3, 0xF7F7F7, 0xD6604D, 0x67001F].map(rgb)
        }
    }
}

/// Fonts, both looks, spacing and figures. Once, before the first frame.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts::definitions());
    for (which, theme) in [
        (egui::Theme::Dark, Theme::DARK),
        (egui::Theme::Light, Theme::LIGHT),
    ] {
        ctx.set_style_of(which, style(theme));
    }
}

fn style(theme: Theme) -> Style {
    let mut style = Style {
        visuals: visuals(theme),
        animation_time: 0.1,
        ..Style::default()
    };
    style.text_styles = [
        (
            TextStyle::Small,
            FontId::new(11.0, FontFamily::Proportional),
        ),
        (TextStyle::Body, FontId::new(13.0, FontFamily::Proportional)),
        (
            TextStyle::Button,
            FontId::new(13.0, FontFamily::Proportional),
        ),
        (TextStyle::Heading, FontId::new(14.0, fonts::strong())),
        (
            TextStyle::Monospace,
            FontId::new(12.5, FontFamily::Monospace),
        ),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(SPACE, SPACE_SMALL);
    spacing.button_padding = vec2(SPACE, SPACE_SMALL);
    spacing.window_margin = Margin::same(SPACE as i8);
    spacing.menu_margin = Margin::same(SPACE_SMALL as i8);
    spacing.indent = 2.0 * SPACE;
    spacing.interact_size = vec2(24.0, 24.0);
    spacing.icon_spacing = SPACE_SMALL;
    style.interaction.tooltip_delay = 0.25;
    style
}

fn visuals(theme: Theme) -> Visuals {
    let mut v = if theme.dark {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    let hairline = Stroke::new(1.0, theme.hairline());
    v.panel_fill = theme.background();
    v.window_fill = theme.background();
    v.window_stroke = hairline;
    v.window_corner_radius = CornerRadius::same(6);
    v.menu_corner_radius = CornerRadius::same(6);
    v.window_shadow = shadow(theme, 16);
    v.popup_shadow = shadow(theme, 8);
    v.faint_bg_color = theme.faint();
    v.extreme_bg_color = theme.well();
    v.code_bg_color = theme.faint();
    v.warn_fg_color = theme.warning();
    v.error_fg_color = theme.error();
    v.hyperlink_color = theme.accent();
    v.weak_text_color = Some(theme.secondary());
    v.selection.bg_fill = theme.pick(0x1F4A7A, 0xC7DFF7);
    v.selection.stroke = Stroke::new(1.0, theme.pick(0xE3F0FF, 0x0A3D73));
    v.text_cursor.stroke = Stroke::new(2.0, theme.accent());
    v.indent_has_left_vline = false;
    v.slider_trailing_fill = true;
    v.handle_shape = egui::style::HandleShape::Circle;
    widgets(theme, &mut v);
    v
}

fn widgets(theme: Theme, v: &mut Visuals) {
    let w = &mut v.widgets;
    let corner = CornerRadius::same(CORNER);
    let rows = [
        // what, fill, weak fill, frame, text
        (
            &mut w.noninteractive,
            theme.background(),
            theme.background(),
            theme.hairline(),
            theme.foreground(),
        ),
        (
            &mut w.inactive,
            theme.pick(0x33373F, 0xE2E5EA),
            theme.faint(),
            Color32::TRANSPARENT,
            theme.foreground(),
        ),
        (
            &mut w.hovered,
            theme.pick(0x3D424B, 0xD6DBE2),
            theme.pick(0x2E323A, 0xE2E6EC),
            Color32::TRANSPARENT,
            theme.strong(),
        ),
        (
            &mut w.active,
            theme.pick(0x484E59, 0xC6CDD7),
            theme.pick(0x383D47, 0xD3D9E2),
            theme.accent(),
            theme.strong(),
        ),
        (
            &mut w.open,
            theme.pick(0x33373F, 0xE2E5EA),
            theme.pick(0x2E323A, 0xE2E6EC),
            Color32::TRANSPARENT,
            theme.strong(),
        ),
    ];
    for (visuals, fill, weak, frame, text) in rows {
        visuals.bg_fill = fill;
        visuals.weak_bg_fill = weak;
        visuals.bg_stroke = if frame == Color32::TRANSPARENT {
            Stroke::NONE
        } else {
            Stroke::new(1.0, frame)
        };
        visuals.fg_stroke = Stroke::new(1.0, text);
        visuals.corner_radius = corner;
        visuals.expansion = 0.0;
    }
}

fn shadow(theme: Theme, blur: u8) -> Shadow {
    Shadow {
        offset: [0, (blur / 2) as i8],
        blur,
        spread: 0,
        color: Color32::from_black_alpha(if theme.dark { 110 } else { 36 }),
    }
}

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
                assert!(contrast(color, theme.background()) >= 4.5, "{color:?}");
            }
            for index in 0..Theme::TEXTS {
                assert!(
                    contrast(theme.text(index), theme.background()) >= 4.0,
                    "{index}"
                );
            }
        }
    }
}
