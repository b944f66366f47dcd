//! Notices on screen: a few beside the inspector while they are new, all of them in a log.

use std::time::Instant;

use egui::{Align, Frame, Label, Layout, RichText, Role, ScrollArea, Ui, WidgetInfo, Window};

use crate::app::command::Command;
use crate::app::floating::Floating;
use crate::app::notices::{Level, Notice, Notices, here};
use crate::widgets::theme::{SPACE, SPACE_SMALL, Theme};
use crate::widgets::{foot_ui, scrolled_ui};

/// How many notices are on screen at once; older ones are a click away.
const MOST: usize = 3;
/// Share of the height that they take at most.
const SHARE: f32 = 0.5;

fn color(theme: Theme, level: Level) -> egui::Color32 {
    match level {
        Level::Info => theme.secondary(),
        Level::Warning => theme.warning(),
        Level::Error => theme.error(),
    }
}

/// The newest notices at the bottom of `ui`, which gives them room: they cover nothing.
pub fn toasts_ui(ui: &mut Ui, notices: &mut Notices, fade: bool, commands: &mut Vec<Command>) {
    let now = Instant::now();
    let toasts = notices.toasts(now);
    if let Some(next) = notices.next_change(now, fade) {
        ui.ctx().request_repaint_after(next);
    }
    if toasts.is_empty() {
        return;
    }
    let height = ui.available_height() * SHARE;
    foot_ui(ui, "toasts", true, |ui| {
        // More than there was room for until now.
        ui.set_max_height(height);
        ui.add_space(SPACE_SMALL);
        let area = ScrollArea::vertical().max_height(height);
        area.show(ui, |ui| {
            let newest = toasts.iter().rev().take(MOST);
            for (index, notice) in newest.enumerate() {
                ui.scope(|ui| {
                    if fade {
                        ui.multiply_opacity(notice.presence(now));
                    }
                    toast_ui(ui, index, notice, notices);
                });
            }
        });
        let more = toasts.len().saturating_sub(MOST);
        let text = match more {
            0 => "Open the log".to_owned(),
            more => format!("Open the log ({more} more)"),
        };
        if ui.link(text).clicked() {
            commands.push(Command::ShowLog(true));
        }
        ui.add_space(SPACE_SMALL);
    });
}

fn toast_ui(ui: &mut Ui, index: usize, notice: &Notice, notices: &mut Notices) {
    let theme = Theme::of(ui);
    let color = color(theme, notice.level);
    let frame = Frame::new().fill(theme.faint()).inner_margin(SPACE);
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(
                RichText::new(notice.level.name())
                    .small()
                    .strong()
                    .color(color),
            );
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = ui.small_button("✕");
                let name = format!("Dismiss message {}", index + 1);
                close.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
                if close.on_hover_text(&name).clicked() {
                    notices.dismiss(notice.number);
                }
            });
        });
        ui.add(Label::new(&*notice.text).wrap());
    });
    let rect = shown.response.rect;
    let bar = egui::Rect::from_min_size(rect.left_top(), egui::vec2(2., rect.height()));
    ui.painter().rect_filled(bar, 0., color);
}

/// The window with every notice.
pub fn log_ui(ctx: &egui::Context, notices: &mut Notices, commands: &mut Vec<Command>) {
    notices.read();
    let mut open = true;
    Window::new("Log")
        .id(Floating::Log.id())
        .open(&mut open)
        .collapsible(false)
        .default_pos(Floating::place(ctx, 640.))
        .default_size([640., 320.])
        .show(ctx, |ui| {
            let none = notices.all().is_empty();
            if !none {
                // Else nothing in it takes the keyboard, which would go on to the menus.
                Floating::Log.enter_ui(ui);
            }
            ui.horizontal(|ui| {
                let copy = ui.add_enabled(!none, egui::Button::new("Copy all"));
                if copy.clicked() {
                    let lines: Vec<String> = notices.all().iter().map(Notice::line).collect();
                    commands.push(Command::Copy(lines.join("\n")));
                }
                let clear = ui.add_enabled(!none, egui::Button::new("Clear"));
                if clear.clicked() {
                    notices.clear();
                }
                ui.weak("Newest first");
            });
            ui.separator();
            if !none {
                // Over the first column, whose times need a zone.
                let [_, _, zone] = here(std::time::SystemTime::now());
                let title = format!("Local time ({zone})");
                ui.label(RichText::new(title).small().weak());
            }
            if notices.all().is_empty() {
                ui.weak("Nothing has happened that needs telling.");
            }
            let area = ScrollArea::vertical().auto_shrink([false, false]);
            scrolled_ui(ui, area, |ui| {
                for notice in notices.all().iter().rev() {
                    entry_ui(ui, notice, commands);
                }
            });
        });
    if !open {
        commands.push(Command::ShowLog(false));
    }
}

fn entry_ui(ui: &mut Ui, notice: &Notice, commands: &mut Vec<Command>) {
    let theme = Theme::of(ui);
    ui.horizontal_top(|ui| {
        let [date, time, zone] = here(notice.time);
        let time = ui.label(RichText::new(time).monospace().color(theme.secondary()));
        time.on_hover_text(format!("{date} {zone}"));
        ui.label(RichText::new(notice.level.name()).color(color(theme, notice.level)));
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            let copy = ui.small_button("Copy");
            let name = format!("Copy message {}", notice.number);
            copy.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            if copy.clicked() {
                commands.push(Command::Copy(notice.line()));
            }
            ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
                ui.add(Label::new(&*notice.text).wrap());
            });
        });
    });
}
