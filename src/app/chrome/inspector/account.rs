//! A number taken apart, line by line.

use egui::{
    Align, Button, CollapsingHeader, Label, Layout, RichText, Sense, TextStyle, TextWrapMode, Ui,
    WidgetText, vec2,
};

use crate::analysis::arithmetic::{Account, Ask, Line, Strip, Sum, Term, Unexplained};
use crate::widgets::theme::{SPACE, SPACE_SMALL, Theme, number};
use crate::widgets::{Scale, vector_bars_ui};

/// From this width on a term shows what it is the product of.
const ROOMY: f32 = 320.;
/// The height of a strip of bars.
const BARS: f32 = 14.;
/// The width of its name.
const NAME: f32 = 28.;

/// A section on one number.
pub(super) struct Section {
    pub ask: Ask,
    pub account: Result<Account, Unexplained>,
    /// What else there is to say about it: a title, and its lines.
    pub more: Option<(String, Vec<Line>)>,
}

/// The site with its index: `layer.0.attn_out[3, 7]`.
pub(super) fn title(ask: &Ask) -> String {
    let index: Vec<String> = ask.index.iter().map(usize::to_string).collect();
    format!("{}[{}]", ask.site, index.join(", "))
}

/// Paints a section, open at first where `open`; returns the number that a click asks for.
pub(super) fn section_ui(ui: &mut Ui, section: &Section, open: bool) -> Option<Ask> {
    let value = match &section.account {
        Ok(account) => number(account.recorded),
        Err(_) => "–".to_owned(),
    };
    let name = title(&section.ask);
    let text = RichText::new(format!("{name} = {value}"))
        .monospace()
        .small();
    // In two lines where one is too long: what is wider than the part would cut off the figures below.
    let room = ui.available_width() - ui.spacing().indent - 2. * ui.spacing().button_padding.x;
    let text = WidgetText::from(text);
    let text = text.into_galley(ui, Some(TextWrapMode::Wrap), room, TextStyle::Button);
    // Named by the site alone: another cell of it stays as open as this one.
    let header = CollapsingHeader::new(text)
        .id_salt(("account", section.ask.site.to_string()))
        .default_open(open);
    let body = header.show_unindented(ui, |ui| {
        ui.spacing_mut().interact_size.y = 0.;
        ui.spacing_mut().item_spacing.y = 2.;
        match &section.account {
            Ok(account) => account_ui(ui, account, section.more.as_ref()),
            Err(why) => {
                ui.label(RichText::new(why.to_string()).small());
                None
            }
        }
    });
    body.body_returned.flatten()
}

fn account_ui(ui: &mut Ui, account: &Account, more: Option<&(String, Vec<Line>)>) -> Option<Ask> {
    let holds = account.holds();
    let mut asked = ui
        .scope(|ui| {
            if !holds {
                ui.multiply_opacity(Theme::of(ui).stale_alpha());
            }
            lines_ui(ui, &account.lines)
        })
        .inner;
    recorded_ui(ui, account.recorded, account.residual(), holds);
    if let Some((title, lines)) = more {
        ui.add_space(SPACE_SMALL);
        ui.label(RichText::new(title).small().strong());
        asked = asked.or(lines_ui(ui, lines));
    }
    ui.add_space(SPACE);
    asked
}

/// What the forward pass recorded, and how far the arithmetic is off it.
pub(super) fn recorded_ui(ui: &mut Ui, recorded: f64, residual: f64, holds: bool) {
    let theme = Theme::of(ui);
    let text = format!(
        "recorded {} · off by {}",
        number(recorded),
        number(residual)
    );
    let color = match holds {
        true => theme.secondary(),
        false => theme.warning(),
    };
    let label = ui.label(RichText::new(text).small().color(color));
    label.on_hover_text(format!(
        "the arithmetic is done again in f64; the forward pass recorded {recorded:?} in f32"
    ));
    if !holds {
        let text = "This arithmetic does not explain the recorded number: do not rely on it.";
        ui.label(RichText::new(text).small().color(theme.warning()));
    }
}

/// Every line; returns the number that a click asks for.
pub(super) fn lines_ui(ui: &mut Ui, lines: &[Line]) -> Option<Ask> {
    let mut asked = None;
    for line in lines {
        let clicked = match line {
            Line::Sum(sum) => sum_ui(ui, sum),
            Line::Step(step) => {
                let value = (step.value, number(step.value));
                row_ui(ui, &step.name, &step.note, value, step.ask.as_ref(), false)
            }
            Line::Strip(strip) => {
                strip_ui(ui, strip);
                None
            }
            Line::Note(text) => {
                let text = RichText::new(text).small().color(Theme::of(ui).secondary());
                ui.label(text);
                None
            }
        };
        asked = asked.or(clicked);
    }
    asked
}

/// Terms, the rest and the total, with as many places behind the point as make them add up.
fn sum_ui(ui: &mut Ui, sum: &Sum) -> Option<Ask> {
    let values = sum.terms.iter().map(|term| term.value);
    let values = values.chain(sum.rest.map(|rest| rest.value));
    let places = places(values.chain([sum.total]));
    let mut asked = None;
    for (i, term) in sum.terms.iter().enumerate() {
        let sign = if i == 0 { " " } else { "+" };
        let clicked = term_ui(ui, sign, term, places);
        asked = asked.or(clicked);
    }
    if let Some(rest) = sum.rest {
        let name = format!("+ {} smaller", rest.count);
        let value = (rest.value, fixed(rest.value, places));
        row_ui(ui, &name, "the other terms, added up", value, None, false);
    }
    let name = match sum.name.starts_with('=') {
        true => sum.name.clone(),
        false => format!("= {}", sum.name),
    };
    let value = (sum.total, fixed(sum.total, places));
    row_ui(ui, &name, "the terms, added up", value, None, true);
    asked
}

fn term_ui(ui: &mut Ui, sign: &str, term: &Term, places: usize) -> Option<Ask> {
    let product = term
        .factors
        .map(|[x, y]| format!("{} × {}", number(x), number(y)));
    let name = match &product {
        Some(product) if ui.available_width() >= ROOMY => {
            format!("{sign} {}  {product}", term.label)
        }
        _ => format!("{sign} {}", term.label),
    };
    let note = product.unwrap_or_default();
    let value = (term.value, fixed(term.value, places));
    row_ui(ui, &name, &note, value, term.ask.as_ref(), false)
}

/// A name on the left, a number on the right; a click on the name asks for the number behind it.
fn row_ui(
    ui: &mut Ui,
    name: &str,
    note: &str,
    (exact, shown): (f64, String),
    ask: Option<&Ask>,
    strong: bool,
) -> Option<Ask> {
    let theme = Theme::of(ui);
    let style = |text: &str| {
        let text = RichText::new(text).small();
        if strong { text.strong() } else { text }
    };
    // A row of its own height: a layout by itself would take all the room below.
    let size = vec2(
        ui.available_width(),
        ui.text_style_height(&TextStyle::Small) + 2.,
    );
    let layout = Layout::right_to_left(Align::Center);
    let row = ui.allocate_ui_with_layout(size, layout, |ui| {
        let size = TextStyle::Small.resolve(ui.style()).size;
        let value = ui.label(style(&shown).font(egui::FontId::monospace(size)));
        value.on_hover_text(format!("{exact:?}"));
        let left = Layout::left_to_right(Align::Center);
        ui.with_layout(left, |ui| match ask {
            None => ui.add(Label::new(style(name)).truncate().sense(Sense::hover())),
            Some(_) => {
                ui.spacing_mut().button_padding = egui::Vec2::ZERO;
                let text = style(name).color(theme.accent());
                ui.add(Button::new(text).frame(false).truncate())
            }
        })
        .inner
    });
    let hover = match (note.is_empty(), ask) {
        (_, None) => note.to_owned(),
        (true, Some(ask)) => format!("Click to take {} apart", title(ask)),
        (false, Some(ask)) => format!("{note}\nClick to take {} apart", title(ask)),
    };
    let mut response = row.inner;
    let clicked = response.clicked();
    if !hover.is_empty() {
        response = response.on_hover_text(format!("{name}\n{hover}"));
    }
    drop(response);
    ask.filter(|_| clicked).cloned()
}

/// A vector's name and its bars.
fn strip_ui(ui: &mut Ui, strip: &Strip) {
    let most = strip.values.iter().fold(0f32, |most, x| most.max(x.abs()));
    ui.horizontal(|ui| {
        // Strips begin at the same place, so that their dimensions stand under each other.
        let left = Layout::left_to_right(Align::Center);
        ui.allocate_ui_with_layout(vec2(NAME, BARS), left, |ui| {
            ui.set_min_width(NAME);
            ui.label(RichText::new(&strip.name).small());
        });
        let name = format!("Bars of {}", strip.name);
        vector_bars_ui(
            ui,
            &name,
            &strip.values,
            Scale::signed(most),
            BARS,
            strip.at,
        );
    });
}

/// So many places behind the point show five digits of the largest.
fn places(values: impl Iterator<Item = f64>) -> usize {
    let finite = values.filter(|x| x.is_finite());
    let most = finite.fold(0f64, |most, x| most.max(x.abs()));
    if most == 0. {
        return 1;
    }
    (4. - most.log10().floor()).clamp(0., 9.) as usize
}

/// With a real minus sign, and as it is where it is not finite.
fn fixed(value: f64, places: usize) -> String {
    match value.is_finite() {
        true => {
            let text = format!("{value:.places$}");
            let zero = text.trim_start_matches('-');
            // Rounded to nothing, it has no sign.
            let is_zero = zero.chars().all(|c| matches!(c, '0' | '.'));
            if is_zero { zero } else { &text }.replace('-', "−")
        }
        false => number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_sum_have_the_same_places_and_add_up() {
        let values = [0.123_456_7, -12.5, 0.000_04];
        let places = places(values.into_iter());
        assert_eq!(places, 3);
        let shown = values.map(|x| fixed(x, places));
        assert_eq!(shown, ["0.123", "−12.500", "0.000"]);
        assert_eq!(fixed(-0.000_04, 3), "0.000");
        assert_eq!(fixed(f64::NEG_INFINITY, 3), "−∞");
        assert_eq!(super::places([0.].into_iter()), 1);
    }
}
