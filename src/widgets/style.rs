//! The chrome: fonts, spacing and controls, in both looks.

use egui::style::{WidgetVisuals, Widgets};
use egui::{
    Context, CornerRadius, FontFamily, FontId, Frame, Margin, Painter, ProgressBar, Rect, Response,
    Shadow, Stroke, StrokeKind, Style, TextStyle, Ui, Visuals, vec2,
};

use super::fonts;
use super::theme::{SPACE, SPACE_SMALL, Theme};

/// Seconds that something takes to open or to close.
const ANIMATION: f32 = 0.1;

/// Corners of controls, in points.
const CORNER: u8 = 4;

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

/// Whether things move and fade, or are there at once.
pub fn animate(ctx: &Context, on: bool) {
    ctx.all_styles_mut(|style| {
        style.animation_time = if on { ANIMATION } else { 0.0 };
        style.scroll_animation = match on {
            true => egui::style::ScrollAnimation::default(),
            false => egui::style::ScrollAnimation::none(),
        };
    });
}

/// What a dialog stands in: a menu's edge is too close for sentences and fields.
pub fn dialog_frame(ctx: &Context) -> Frame {
    Frame::window(&ctx.global_style()).inner_margin(1.5 * SPACE)
}

/// What `add` paints has an edge: without one a box or a ring that is empty would be a pale spot.
pub fn edged_ui<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    let edge = Stroke::new(1.0, Theme::of(ui).edge());
    within_edge_ui(ui, edge, add)
}

/// Text fields that `add` paints have an edge: their ground is hardly another than that around them.
pub fn field_ui<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    let edge = field_edge(ui, false);
    within_edge_ui(ui, edge, add)
}

/// The line round a text field that has the keyboard, or not.
pub fn field_edge(ui: &Ui, focused: bool) -> Stroke {
    match focused {
        true => ui.visuals().selection.stroke,
        false => Stroke::new(1.0, Theme::of(ui).edge()),
    }
}

/// A bar with an edge, so that it can be seen how far it has to go.
pub fn bar_ui(ui: &mut Ui, bar: ProgressBar) -> Response {
    let response = ui.add(bar);
    let edge = field_edge(ui, false);
    let rect = response.rect;
    ui.painter()
        .rect_stroke(rect, 0.5 * rect.height(), edge, StrokeKind::Inside);
    response
}

/// Two lines round `rect`, one of which is seen whatever the colours of the cells below them.
pub fn outline(painter: &Painter, rect: Rect, theme: Theme) {
    let pixel = 1.0 / painter.pixels_per_point();
    let (dark, light) = theme.outline();
    painter.rect_stroke(rect, 0.0, (pixel, light), StrokeKind::Outside);
    painter.rect_stroke(rect.expand(pixel), 0.0, (pixel, dark), StrokeKind::Outside);
}

fn within_edge_ui<R>(ui: &mut Ui, edge: Stroke, add: impl FnOnce(&mut Ui) -> R) -> R {
    let before = ui.visuals().widgets.clone();
    let widgets = &mut ui.visuals_mut().widgets;
    widgets.inactive.bg_stroke = edge;
    widgets.hovered.bg_stroke = edge;
    let shown = add(ui);
    ui.visuals_mut().widgets = before;
    shown
}

fn style(theme: Theme) -> Style {
    let mut style = Style {
        visuals: visuals(theme),
        animation_time: ANIMATION,
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
    v.disabled_alpha = theme.disabled_alpha();
    v.selection.bg_fill = theme.selection();
    v.selection.stroke = Stroke::new(1.0, theme.selected());
    v.text_cursor.stroke = Stroke::new(2.0, theme.accent());
    v.indent_has_left_vline = false;
    v.slider_trailing_fill = true;
    v.handle_shape = egui::style::HandleShape::Circle;
    widgets(theme, &mut v);
    v
}

fn widgets(theme: Theme, v: &mut Visuals) {
    let (none, hairline) = (Stroke::NONE, Stroke::new(1.0, theme.hairline()));
    let pressed = Stroke::new(1.0, theme.accent());
    let [control, control_hovered, control_pressed] = theme.controls();
    let [button, button_hovered, button_pressed] = theme.buttons();
    let (ground, text, strong) = (theme.background(), theme.foreground(), theme.strong());
    let look = |fill, weak, frame, text| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: weak,
        bg_stroke: frame,
        fg_stroke: Stroke::new(1.0, text),
        corner_radius: CornerRadius::same(CORNER),
        expansion: 0.0,
    };
    v.widgets = Widgets {
        noninteractive: look(ground, ground, hairline, text),
        inactive: look(control, button, none, text),
        hovered: look(control_hovered, button_hovered, none, strong),
        active: look(control_pressed, button_pressed, pressed, strong),
        open: look(control, button_hovered, none, strong),
    };
}

fn shadow(theme: Theme, blur: u8) -> Shadow {
    Shadow {
        offset: [0, (blur / 2) as i8],
        blur,
        spread: 0,
        color: theme.shadow(),
    }
}
