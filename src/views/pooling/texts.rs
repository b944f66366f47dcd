//! Which texts the maps are of.

use egui::text::LayoutJob;
use egui::{Label, Role, Sense, TextFormat, TextStyle, Ui, WidgetInfo};

use super::derive::Poolings;
use crate::app::command::Command;
use crate::app::state::{Focus, TextId};
use crate::views::ViewContext;
use crate::views::compare::{color_of, short_name, shorten_to};
use crate::views::scroll::within_ui;
use crate::widgets::SPACE;

/// Many texts scroll beyond this height, in points.
const HEIGHT: f32 = 160.;

/// Each text with its colour and its short name; hovering one points at it everywhere.
pub fn legend_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, poolings: &Poolings) {
    within_ui(ui, "texts", HEIGHT, |ui| {
        // Lines of text, not rows of buttons.
        ui.spacing_mut().interact_size.y = 0.;
        names_ui(ui, cx, poolings);
    });
}

fn names_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, poolings: &Poolings) {
    let mut pointed = (None, None);
    let mut toggled = None;
    // About what a small letter takes, and what stands in front of the first.
    let room = (ui.available_width() - 48.) / 7.;
    let letters = (room.max(0.) as usize).clamp(8, 32);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2. * SPACE;
        for &id in &poolings.texts {
            let Some(text) = cx.text(id) else { continue };
            let focused = cx.focus.text == Some(id);
            let font = TextStyle::Small.resolve(ui.style());
            let format = |color| TextFormat {
                font_id: font.clone(),
                color,
                ..Default::default()
            };
            let quiet = if focused {
                cx.theme.strong()
            } else {
                cx.theme.secondary()
            };
            let mut job = LayoutJob::default();
            let selected = cx.state.selected.contains(&id);
            let dot = if selected { "◉ " } else { "● " };
            job.append(dot, 0., format(color_of(cx, cx.theme, text)));
            job.append(&short_name(cx, text), 0., format(cx.theme.foreground()));
            job.append(
                &format!("  {}", shorten_to(&text.text, letters)),
                0.,
                format(quiet),
            );
            let label = Label::new(job)
                .sense(Sense::click())
                .selectable(false)
                .extend();
            let hint = format!("{}\n\nCtrl-click selects it", text.text);
            let response = ui.add(label).on_hover_text(hint);
            let name = format!("{}: {}", short_name(cx, text), text.text);
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &name));
            if response.hovered() {
                pointed.0 = Some(Focus::text(id));
            }
            let together = ui.input(|i| i.modifiers.command || i.modifiers.shift);
            match (response.clicked(), together) {
                (true, true) => toggled = Some(id),
                (true, false) => pointed.1 = Some(Focus::text(id)),
                _ => {}
            }
        }
    });
    cx.point(pointed.0, pointed.1);
    if let Some(id) = toggled {
        toggle(cx, id);
    }
}

/// Selects a text besides the others, or no longer.
pub fn toggle(cx: &mut ViewContext<'_>, id: TextId) {
    let mut selected = cx.state.selected.clone();
    match selected.iter().position(|&other| other == id) {
        Some(at) => {
            selected.remove(at);
        }
        None => selected.push(id),
    }
    cx.send(Command::Select(selected));
}
