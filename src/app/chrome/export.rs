//! The menu that writes a panel to a file.

use egui::Ui;

use super::panels::Panels;
use crate::app::command::Command;
use crate::app::export::{Export, Format, NamedArray, table};
use crate::views::Panel;
use crate::widgets::{entries_ui, entry_chosen};

/// The button in a panel's header, and what it opens.
pub fn export_ui(ui: &mut Ui, panel: &'static Panel, panels: &mut Panels<'_>) {
    let enabled = !panels.texts.is_empty();
    ui.add_enabled_ui(enabled, |ui| {
        let button = ui.menu_button("Export", |ui| formats_ui(ui, panel, panels));
        let name = format!("Export {}", panel.title);
        button
            .response
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, &name));
    });
}

fn formats_ui(ui: &mut Ui, panel: &'static Panel, panels: &mut Panels<'_>) {
    let ask = |panels: &mut Panels<'_>, format, part| {
        panels.commands.push(Command::AskExport(Export {
            panel: panel.id,
            format,
            part,
        }));
    };
    let copy = ui.button("Copy as TSV");
    if entry_chosen(ui, &copy)
        && let Some(tsv) = panels.tsv(panel.id)
    {
        panels.commands.push(Command::Copy(table::tsv(&tsv)));
    }
    ui.separator();
    for (format, about) in [
        (Format::Png, "The whole panel as pixels, two for each point"),
        (
            Format::Svg,
            "The whole panel as lines and letters, sharp at any size",
        ),
    ] {
        let button = ui.button(format!("{}…", format.title()));
        let button = button.on_hover_text(about);
        if entry_chosen(ui, &button) {
            ask(panels, format, 0);
        }
    }
    ui.separator();
    let arrays = panels.arrays(panel.id);
    let matrices = arrays.iter().enumerate();
    let matrices: Vec<(usize, &NamedArray)> =
        matrices.filter(|(_, array)| array.is_matrix()).collect();
    match matrices.is_empty() {
        true => {
            let button = ui.button("CSV…").on_hover_text("The figures as a table");
            if entry_chosen(ui, &button) {
                ask(panels, Format::Csv, 0);
            }
        }
        false => {
            ui.menu_button("CSV", |ui| {
                entries_ui(ui, |ui| {
                    let button = ui.button("Figures of the panel…");
                    if entry_chosen(ui, &button) {
                        ask(panels, Format::Csv, 0);
                    }
                    for (index, array) in matrices {
                        let button = ui.button(format!("{}…", array.title()));
                        if entry_chosen(ui, &button) {
                            ask(panels, Format::Csv, index + 1);
                        }
                    }
                });
            });
        }
    }
    arrays_ui(ui, &arrays, |format, part| ask(panels, format, part));
}

/// What only panels with arrays have.
fn arrays_ui(ui: &mut Ui, arrays: &[NamedArray], mut ask: impl FnMut(Format, usize)) {
    match arrays {
        [] => {}
        [one] => {
            let button = ui.button("NPY…").on_hover_text(one.title());
            if entry_chosen(ui, &button) {
                ask(Format::Npy, 0);
            }
        }
        several => {
            ui.menu_button("NPY", |ui| {
                entries_ui(ui, |ui| {
                    for (index, array) in several.iter().enumerate() {
                        let button = ui.button(format!("{}…", array.title()));
                        if entry_chosen(ui, &button) {
                            ask(Format::Npy, index);
                        }
                    }
                });
            });
        }
    }
    if !arrays.is_empty() {
        let names: Vec<String> = arrays.iter().map(NamedArray::title).collect();
        let button = ui.button("safetensors…").on_hover_text(names.join("\n"));
        if entry_chosen(ui, &button) {
            ask(Format::Safetensors, 0);
        }
    }
}
