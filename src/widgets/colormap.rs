//! Values to colours: one map for amounts, one for signed values, one legend for each.

use std::sync::OnceLock;

use egui::{Color32, Rect, Sense, Ui, pos2, vec2};

use super::label::width;
use super::number;
use super::theme::{SPACE_SMALL, Theme};

/// Steps of a colour map: finer than an eye or an 8-bit channel can tell.
const STEPS: usize = 512;

/// The two kinds of values there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Colormap {
    /// Nothing to a lot. Nothing is close to the background, in both looks.
    Amount,
    /// Negative to positive: blue, the background at 0, red.
    Signed,
}

/// A colour map and the values at its two ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub map: Colormap,
    pub min: f32,
    pub max: f32,
}

impl Scale {
    /// From 0 to `max`.
    pub fn amount(max: f32) -> Self {
        Self::range(0.0, max)
    }

    /// Amounts from `min` to `max`.
    pub fn range(min: f32, max: f32) -> Self {
        Self {
            map: Colormap::Amount,
            min,
            max,
        }
    }

    /// Signed values, the same distance on both sides of 0.
    pub fn signed(largest: f32) -> Self {
        let largest = largest.abs();
        Self {
            map: Colormap::Signed,
            min: -largest,
            max: largest,
        }
    }

    /// From 0 to the largest of these (from their smallest where one is negative).
    pub fn amount_of(values: &[f32]) -> Self {
        let (min, max) = finite_range(values);
        Self::range(min.min(0.0), max.max(0.0))
    }

    /// From minus to plus the largest magnitude of these.
    pub fn signed_of(values: &[f32]) -> Self {
        let (min, max) = finite_range(values);
        Self::signed(max.max(-min))
    }

    /// This scale, as far to both sides as the other one where they are of the same kind.
    pub fn union(self, other: Self) -> Self {
        if self.map != other.map {
            return self;
        }
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            ..self
        }
    }

    /// Where a value lies between the ends, 0 to 1; what lies outside takes the end's colour.
    pub fn position(&self, value: f32) -> f32 {
        let span = self.max - self.min;
        if span > 0.0 {
            ((value - self.min) / span).clamp(0.0, 1.0)
        } else {
            // No range to speak of: nothing is nothing, and 0 is the centre.
            match self.map {
                Colormap::Amount => 0.0,
                Colormap::Signed => 0.5,
            }
        }
    }

    /// The colour of a value; NaN has its own, and so has −∞, a cell that a mask hides.
    pub fn color(&self, theme: Theme, value: f32) -> Color32 {
        Ramp::new(*self, theme).color(value)
    }

    pub(super) fn bits(&self) -> (Colormap, u32, u32) {
        (self.map, self.min.to_bits(), self.max.to_bits())
    }
}

/// A scale with its table looked up once, for painting many values.
pub struct Ramp {
    table: &'static [Color32; STEPS],
    nan: Color32,
    hidden: Color32,
    min: f32,
    /// Steps of the table for a difference of 1; none where the scale has no range.
    steps: Option<f32>,
    /// What everything is then.
    flat: Color32,
}

impl Ramp {
    pub fn new(scale: Scale, theme: Theme) -> Self {
        const LAST: f32 = (STEPS - 1) as f32;
        let span = scale.max - scale.min;
        let table = table(scale.map, theme);
        Self {
            table,
            nan: theme.nan(),
            hidden: theme.hidden(),
            min: scale.min,
            steps: (span > 0.0).then_some(LAST / span),
            flat: table[(scale.position(0.0) * LAST + 0.5) as usize],
        }
    }

    pub fn color(&self, value: f32) -> Color32 {
        let color = self.steps.map(|steps| self.at(steps, value));
        self.or_special(value, color.unwrap_or(self.flat))
    }

    /// The colours of these values behind those of `out`.
    pub fn extend(&self, out: &mut Vec<Color32>, values: &[f32]) {
        // Without a branch in it the loop takes half as long.
        match self.steps {
            Some(steps) => {
                let color = |&value: &f32| self.or_special(value, self.at(steps, value));
                out.extend(values.iter().map(color));
            }
            None => out.extend(values.iter().map(|&value| self.color(value))),
        }
    }

    fn at(&self, steps: f32, value: f32) -> Color32 {
        let step = ((value - self.min) * steps).clamp(0.0, (STEPS - 1) as f32);
        // NaN becomes 0, and is painted over.
        self.table[((step + 0.5) as usize).min(STEPS - 1)]
    }

    fn or_special(&self, value: f32, color: Color32) -> Color32 {
        let color = if value.is_nan() { self.nan } else { color };
        if value == f32::NEG_INFINITY {
            self.hidden
        } else {
            color
        }
    }
}

fn finite_range(values: &[f32]) -> (f32, f32) {
    let finite = values.iter().filter(|v| v.is_finite());
    let (min, max) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(min, max), &v| {
        (min.min(v), max.max(v))
    });
    if min <= max { (min, max) } else { (0.0, 0.0) }
}

fn table(map: Colormap, theme: Theme) -> &'static [Color32; STEPS] {
    static TABLES: [OnceLock<Box<[Color32; STEPS]>>; 4] = [const { OnceLock::new() }; 4];
    let slot = usize::from(map == Colormap::Signed) * 2 + usize::from(theme.dark);
    TABLES[slot].get_or_init(|| {
        let build: fn(Theme, f32) -> Color32 = match (map, theme.dark) {
            (Colormap::Amount, true) => |_, t| evenly(dark_amount, t),
            (Colormap::Amount, false) => |_, t| evenly(light_amount, t),
            (Colormap::Signed, _) => |theme, t| between(&theme.signed_stops(), t),
        };
        Box::new(std::array::from_fn(|i| {
            build(theme, i as f32 / (STEPS - 1) as f32)
        }))
    })
}

fn dark_amount(t: f32) -> Color32 {
    between(&Theme::amount_stops(), t)
}

fn light_amount(t: f32) -> Color32 {
    let c = colorous::GREEN_BLUE.eval_continuous(f64::from(t));
    Color32::from_rgb(c.r, c.g, c.b)
}

/// A colour that lies `t` of the way between evenly spaced stops.
fn between(stops: &[Color32], t: f32) -> Color32 {
    let at = t * (stops.len() - 1) as f32;
    let index = (at as usize).min(stops.len() - 2);
    stops[index].lerp_to_gamma(stops[index + 1], at - index as f32)
}

/// CIE lightness, 0 to 100.
fn lightness(color: Color32) -> f32 {
    let c = egui::Rgba::from(color);
    let y = 0.2126 * c.r() + 0.7152 * c.g() + 0.0722 * c.b();
    if y > 0.008_856 {
        116.0 * y.cbrt() - 16.0
    } else {
        903.3 * y
    }
}

/// The gradient's colour that is `t` of the way in lightness, not in the gradient's own
/// parameter: equal steps of the value then look equal.
fn evenly(gradient: fn(f32) -> Color32, t: f32) -> Color32 {
    let at = |t| lightness(gradient(t));
    let (from, to) = (at(0.0), at(1.0));
    let wanted = from + t * (to - from);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..16 {
        let middle = 0.5 * (low + high);
        if (at(middle) < wanted) == (from < to) {
            low = middle;
        } else {
            high = middle;
        }
    }
    gradient(0.5 * (low + high))
}

/// A compact legend: the label, the smallest value, the ramp, the largest value. In a narrow place the
/// label stands above.
pub fn legend_ui(ui: &mut Ui, scale: &Scale, label: &str) {
    let font = egui::TextStyle::Small.resolve(ui.style());
    let named = width(ui.painter(), label, &font);
    // A row that wraps goes on below where the figures would not fit behind what is there.
    if ui.layout().main_wrap && ui.available_size_before_wrap().x < LEAST {
        ui.end_row();
    }
    let narrow = ui.available_size_before_wrap().x < named + LEAST;
    let parts_ui = |ui: &mut Ui| {
        if !label.is_empty() {
            let color = Theme::of(ui).secondary();
            ui.label(egui::RichText::new(label).small().color(color));
        }
        match narrow {
            true => ui.horizontal(|ui| figures_ui(ui, scale, label)).inner,
            false => figures_ui(ui, scale, label),
        }
    };
    match narrow {
        true => ui.vertical(parts_ui),
        false => ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE_SMALL;
            parts_ui(ui);
        }),
    };
}

/// The ramp between the values that it ends at.
fn figures_ui(ui: &mut Ui, scale: &Scale, label: &str) {
    ui.spacing_mut().item_spacing.x = SPACE_SMALL;
    let color = Theme::of(ui).secondary();
    let figure = |value: f32| {
        let text = egui::RichText::new(number(f64::from(value)));
        text.monospace().size(11.0).color(color)
    };
    ui.label(figure(scale.min));
    ramp_ui(ui, scale, label);
    ui.label(figure(scale.max));
}

/// What two figures with the shortest ramp between them take, in points.
const LEAST: f32 = 136.0;

fn ramp_ui(ui: &mut Ui, scale: &Scale, label: &str) {
    let theme = Theme::of(ui);
    // The figure behind it needs its room in a narrow panel.
    const FIGURE: f32 = 48.0;
    let width = (ui.available_width() - FIGURE).clamp(32.0, 96.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 10.0), Sense::hover());
    let name = format!(
        "Colour scale {label}: {} to {}",
        number(f64::from(scale.min)),
        number(f64::from(scale.max))
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
    let ramp = Ramp::new(*scale, theme);
    let steps = 48;
    let mut mesh = egui::Mesh::default();
    for i in 0..=steps {
        let t = i as f32 / steps as f32;
        let color = ramp.table[(t * (STEPS - 1) as f32) as usize];
        let x = egui::lerp(rect.x_range(), t);
        mesh.colored_vertex(pos2(x, rect.top()), color);
        mesh.colored_vertex(pos2(x, rect.bottom()), color);
        if i > 0 {
            let k = 2 * i as u32;
            mesh.add_triangle(k - 2, k - 1, k);
            mesh.add_triangle(k - 1, k, k + 1);
        }
    }
    ui.painter().add(mesh);
    frame(ui, rect, theme);
    if let Some(pos) = response.hover_pos() {
        let t = egui::remap_clamp(pos.x, rect.x_range(), 0.0..=1.0);
        let value = egui::lerp(scale.min..=scale.max, t);
        response.on_hover_text(number(f64::from(value)));
    }
}

fn frame(ui: &Ui, rect: Rect, theme: Theme) {
    ui.painter().rect_stroke(
        rect,
        0.0,
        (1.0, theme.hairline()),
        egui::StrokeKind::Outside,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Theme; 2] = [Theme::DARK, Theme::LIGHT];

    #[test]
    fn the_ends_and_what_lies_beyond_them() {
        for theme in BOTH {
            let scale = Scale::range(2.0, 4.0);
            assert_eq!(scale.color(theme, 2.0), scale.color(theme, -7.0));
            assert_eq!(scale.color(theme, 4.0), scale.color(theme, f32::INFINITY));
            assert_ne!(scale.color(theme, 2.0), scale.color(theme, 4.0));
        }
    }

    #[test]
    fn signed_is_centred_at_zero() {
        for theme in BOTH {
            let scale = Scale::signed_of(&[-1.0, 0.25, 3.0]);
            assert_eq!((scale.min, scale.max), (-3.0, 3.0));
            let centre = theme.signed_stops()[2];
            let zero = scale.color(theme, 0.0);
            for (a, b) in zero.to_array().iter().zip(centre.to_array()) {
                assert!(a.abs_diff(b) <= 1);
            }
            let (minus, plus) = (scale.color(theme, -3.0), scale.color(theme, 3.0));
            assert!(minus.b() > minus.r() && plus.r() > plus.b());
        }
    }

    #[test]
    fn nan_has_its_own_colour_and_does_not_spoil_a_range() {
        for theme in BOTH {
            for scale in [
                Scale::amount(1.0),
                Scale::signed(1.0),
                Scale::amount(f32::NAN),
            ] {
                assert_eq!(scale.color(theme, f32::NAN), theme.nan());
                assert_eq!(scale.color(theme, f32::NEG_INFINITY), theme.hidden());
            }
        }
        assert_eq!(Scale::amount_of(&[f32::NAN, 2.0]), Scale::amount(2.0));
        assert_eq!(Scale::amount_of(&[]), Scale::amount(0.0));
        assert_eq!(Scale::signed_of(&[f32::NAN]), Scale::signed(0.0));
    }

    #[test]
    fn equal_amounts_are_equal_steps_of_lightness() {
        for theme in BOTH {
            let light: Vec<f32> = (0..=8)
                .map(|i| lightness(Scale::amount(8.0).color(theme, i as f32)))
                .collect();
            let step = (light[8] - light[0]) / 8.0;
            for pair in light.windows(2) {
                assert!(
                    (pair[1] - pair[0] - step).abs() < 2.5,
                    "{theme:?} {light:?}"
                );
            }
        }
    }
}
