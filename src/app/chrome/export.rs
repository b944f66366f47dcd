//! The menu that writes a panel to a file.

use egui::Ui;

use crate::app::command::Command;
use crate::app::export::{Export, Format, NamedArray, table};
use crate::views::{Panel, View, ViewContext};

/// The button in a panel's header, and what it opens.
pub fn export_ui(ui: &mut Ui, panel: &'static Panel, view: &dyn View, cx: &mut ViewContext<'_>) {
    let enabled = !cx.texts.is_empty();
    ui.add_enabled_ui(enabled, |ui| {
        let button = ui.menu_button("Export", |ui| formats_ui(ui, panel, view, cx));
        let name = format!("Export {}", panel.title);
        button
            .response
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, &name));
    });
}

fn formats_ui(ui: &mut Ui, panel: &'static Panel, view: &dyn View, cx: &mut ViewContext<'_>) {
    let ask = |cx: &mut ViewContext<'_>, format, part| {
        cx.send(Command::AskExport(Export {
            panel: panel.id,
            format,
            part,
        }));
    };
    if ui.button("Copy as TSV").clicked()
        && let Some(tsv) = view.tsv(cx)
    {
        cx.send(Command::Copy(table::tsv(&tsv)));
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
        if button.on_hover_text(about).clicked() {
            ask(cx, format, 0);
        }
    }
    ui.separator();
    let arrays = view.arrays(cx);
    let matrices = arrays.iter().enumerate();
    let matrices: Vec<(usize, &NamedArray)> =
        matrices.filter(|(_, array)| array.is_matrix()).collect();
    match matrices.is_empty() {
        true => {
            if ui
                .button("CSV…")
                .on_hover_text("The figures as a table")
                .clicked()
            {
                ask(cx, Format::Csv, 0);
            }
        }
        false => {
            ui.menu_button("CSV", |ui| {
                if ui.button("Figures of the panel…").clicked() {
                    ask(cx, Format::Csv, 0);
                }
                for (index, array) in matrices {
                    if ui.button(format!("{}…", array.title())).clicked() {
                        ask(cx, Format::Csv, index + 1);
                    }
                }
            });
        }
    }
    arrays_ui(ui, &arrays, |format, part| ask(cx, format, part));
}

/// What only panels with arrays have.
fn arrays_ui(ui: &mut Ui, arrays: &[NamedArray], mut ask: impl FnMut(Format, usize)) {
    match arrays {
        [] => {}
        [one] => {
            let button = ui.button("NPY…").on_hover_text(one.title());
            if button.clicked() {
                ask(Format::Npy, 0);
            }
        }
        several => {
            ui.menu_button("NPY", |ui| {
                for (index, array) in several.iter().enumerate() {
                    if ui.button(format!("{}…", array.title())).clicked() {
                        ask(Format::Npy, index);
                    }
                }
            });
        }
    }
    if !arrays.is_empty() {
        let names: Vec<String> = arrays.iter().map(NamedArray::title).collect();
        let button = ui.button("safetensors…").on_hover_text(names.join("\n"));
        if button.clicked() {
            ask(Format::Safetensors, 0);
        }
    }
}
