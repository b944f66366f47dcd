//! The header of a panel: which text it shows, and its menus.

use egui::{RichText, Ui};

use super::export::export_ui;
use super::panels::Panels;
use crate::app::command::Command;
use crate::app::export::table;
use crate::app::state::{Beside, Side};
use crate::views::difference;
use crate::views::{Panel, ViewContext};
use crate::widgets::SPACE_SMALL;
use crate::widgets::theme::Theme;

/// Less room than this shows nothing of a text, in points.
const LEAST: f32 = 40.;

/// What the switch and the menus need to stand in one row, in points.
const ROW: f32 = 430.;

/// The switch between texts on the left, menus on the right, and the text's start between them; the
/// switch has a row of its own where all that is too wide.
pub fn header_ui(ui: &mut Ui, panel: &'static Panel, panels: &mut Panels<'_>) {
    let theme = Theme::of(ui);
    let switch_ui = |ui: &mut Ui, panels: &mut Panels<'_>| {
        if panel.one_text {
            ui.spacing_mut().item_spacing.x = SPACE_SMALL;
            panels.with(panel.id, theme, |panel, _, cx| sides_ui(ui, cx, panel));
        }
    };
    let narrow = panel.one_text && ui.available_width() < ROW;
    if narrow {
        ui.horizontal_wrapped(|ui| switch_ui(ui, panels));
    }
    ui.horizontal(|ui| {
        if !narrow {
            ui.scope(|ui| switch_ui(ui, panels));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            buttons_ui(ui, panel, panels);
            if panel.one_text && ui.available_width() > LEAST {
                let left = egui::Layout::left_to_right(egui::Align::Center);
                ui.with_layout(left, |ui| {
                    panels.with(panel.id, theme, |panel, _, cx| text_ui(ui, cx, panel));
                });
            }
        });
    });
}

/// A picture's title, and whose text is below it.
pub fn title_ui(ui: &mut Ui, cx: &ViewContext<'_>, panel: &Panel) {
    ui.horizontal(|ui| {
        let title = RichText::new(panel.title);
        ui.label(title.text_style(egui::TextStyle::Heading));
        if panel.one_text {
            let both = difference::is_shown(panel, cx.state.difference);
            if !both && cx.state.columns() != Some(Beside::Texts) {
                side_ui(ui, cx);
            }
            text_ui(ui, cx, panel);
        }
    });
}

fn side_ui(ui: &mut Ui, cx: &ViewContext<'_>) {
    let name = RichText::new(cx.side.name()).strong();
    ui.label(name.color(side_color(cx.theme, cx.side)));
}

/// The start of the text, or of both; nothing where each has a column of its own.
fn text_ui(ui: &mut Ui, cx: &ViewContext<'_>, panel: &Panel) {
    if difference::is_shown(panel, cx.state.difference) {
        return difference::texts_ui(ui, cx);
    }
    if cx.state.columns() == Some(Beside::Texts) {
        return;
    }
    if let Some(viewed) = cx.viewed() {
        let text = RichText::new(&*viewed.text).weak();
        ui.add(egui::Label::new(text).truncate());
    }
}

/// From the right: what the panel is, its files, its figures.
fn buttons_ui(ui: &mut Ui, panel: &'static Panel, panels: &mut Panels<'_>) {
    let button = ui.menu_button("?", |ui| {
        ui.set_width(340.);
        ui.strong(panel.title);
        ui.label(panel.about);
    });
    let name = format!("What am I looking at in {}?", panel.title);
    button
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    export_ui(ui, panel, panels);
    let copy = ui
        .button("Copy")
        .on_hover_text("Copy the figures as tab-separated values");
    let name = format!("Copy {}", panel.title);
    copy.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    // Writing the figures out takes longer than a frame has, so only when asked.
    if copy.clicked()
        && let Some(tsv) = panels.tsv(panel.id)
    {
        panels.commands.push(Command::Copy(table::tsv(&tsv)));
    }
}

pub(super) fn side_color(theme: Theme, side: Side) -> egui::Color32 {
    match side {
        Side::A => theme.a(),
        Side::B => theme.b(),
    }
}

/// Which of the two texts the panels of one text show, what one has more of than the other, or two
/// columns.
fn sides_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, panel: &Panel) {
    let one = cx.state.columns() != Some(Beside::Texts)
        && !difference::is_shown(panel, cx.state.difference);
    for side in [Side::A, Side::B] {
        let color = side_color(cx.theme, side);
        let on = cx.state.side == side && one;
        let mut text = RichText::new(side.name()).strong();
        if on {
            text = text.color(cx.theme.on(color));
        }
        let mut button = egui::Button::new(text).selected(on);
        if on {
            button = button.fill(color);
        }
        let response = ui.add(button);
        let name = format!("Show text {}", side.name());
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, on, &name));
        if response.on_hover_text(name).clicked() {
            cx.send(Command::View(side));
        }
    }
    difference::button_ui(ui, cx, panel);
    for beside in [Beside::Texts, Beside::Models] {
        beside_ui(ui, cx, panel, beside);
    }
}

/// The button of two columns.
fn beside_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, panel: &Panel, beside: Beside) {
    let (label, name) = match beside {
        Beside::Texts => ("A | B", "Show A and B side by side"),
        Beside::Models => ("Two models", "Show two models side by side"),
    };
    let on = cx.state.columns() == Some(beside);
    let mut text = RichText::new(label).strong();
    if on {
        text = text.color(cx.theme.on(cx.theme.accent()));
    }
    let mut button = egui::Button::new(text).selected(on);
    if on {
        button = button.fill(cx.theme.accent());
    }
    let there = beside == Beside::Texts || cx.state.reference.is_some();
    let response = ui.add_enabled(there, button);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, there, on, name));
    let why = "No second model is chosen: the panel Two models does that";
    let response = response.on_hover_text(name).on_disabled_hover_text(why);
    if response.clicked() {
        // Where there is not room enough for all panels, this one stays.
        cx.send(Command::ShowPanel(panel.id));
        cx.send(Command::ShowBeside((!on).then_some(beside)));
    }
}
