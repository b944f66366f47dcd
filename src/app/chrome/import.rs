//! Choosing the column of a table that holds the texts.

use egui::{Button, ComboBox, Grid, Modal, RichText, Role, ScrollArea, Ui, WidgetInfo};

use crate::app::command::Command;
use crate::app::import::Import;
use crate::app::table::{Separator, Table, one_line};
use crate::tokens::start_of;
use crate::widgets::theme::{SPACE, Theme};
use crate::widgets::{counted, dialog_frame, edged_ui, entry_ui, give_back_to};

/// Rows and letters of a cell that are shown.
const ROWS: usize = 5;
const LETTERS: usize = 28;
/// Columns that are shown; the lists of columns have all.
const COLUMNS: usize = 8;

/// Paints the dialog. Returns true once it is to be closed.
pub fn import_ui(ctx: &egui::Context, import: &mut Import, commands: &mut Vec<Command>) -> bool {
    let modal = Modal::new(egui::Id::unique("import table"))
        .frame(dialog_frame(ctx))
        .show(ctx, |ui| {
            ui.set_width(520.);
            ui.heading(format!("Texts from {}", import.name));
            ui.add_space(SPACE);
            choices_ui(ui, import);
            ui.add_space(SPACE);
            preview_ui(ui, import);
            ui.add_space(SPACE);
            buttons_ui(ui, import, commands)
        });
    modal.inner || modal.should_close()
}

fn choices_ui(ui: &mut Ui, import: &mut Import) {
    let mut separator = import.separator;
    Grid::new("import choices")
        .num_columns(2)
        .spacing([2. * SPACE, SPACE])
        .show(ui, |ui| {
            let list = List("Separated by", separator.title());
            list.list_ui(ui, |ui| {
                for choice in Separator::ALL {
                    entry_ui(ui, &mut separator, choice, choice.title());
                }
            });
            let names: Vec<String> = (0..import.table.columns())
                .map(|column| import.column_name(column))
                .collect();
            let name = |column: usize| names.get(column).map_or("", String::as_str);
            let list = List("Column of texts", name(import.column));
            list.list_ui(ui, |ui| {
                for (column, name) in names.iter().enumerate() {
                    entry_ui(ui, &mut import.column, column, name);
                }
            });
            let list = List("Paired with", import.paired.map_or("nothing", name));
            list.list_ui(ui, |ui| {
                entry_ui(ui, &mut import.paired, None, "nothing");
                for (column, name) in names.iter().enumerate() {
                    if column != import.column {
                        entry_ui(ui, &mut import.paired, Some(column), name);
                    }
                }
            });
            ui.allocate_space(egui::Vec2::ZERO);
            let about = "The first row names the columns";
            edged_ui(ui, |ui| ui.checkbox(&mut import.header, about));
            ui.end_row();
        });
    import.paired = import.paired.filter(|&column| column != import.column);
    if separator != import.separator {
        import.separate(separator);
    }
    if let Some(problem) = import.problem {
        ui.colored_label(Theme::of(ui).error(), format!("{}: {problem}", import.name));
    }
}

/// A list with a name and what is chosen.
struct List<'a>(&'a str, &'a str);

impl List<'_> {
    fn list_ui(&self, ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
        let Self(name, chosen) = *self;
        ui.label(name);
        let list = ComboBox::from_id_salt(name)
            .selected_text(chosen)
            .width(280.)
            .show_ui(ui, add);
        give_back_to(&list);
        let name = format!("{name}: {chosen}");
        list.response
            .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, &name));
        ui.end_row();
    }
}

/// The first rows of the first columns and of the chosen ones, which are strong.
fn preview_ui(ui: &mut Ui, import: &Import) {
    let theme = Theme::of(ui);
    let (all_rows, all_columns) = (import.table.rows.len(), import.table.columns());
    let chosen = |column: usize| column == import.column || Some(column) == import.paired;
    let columns = shown_columns(all_columns, chosen);
    let rows = all_rows.min(ROWS + usize::from(import.header));
    ScrollArea::horizontal().show(ui, |ui| {
        Grid::new("import preview").striped(true).show(ui, |ui| {
            for column in &columns {
                ui.label(RichText::new((column + 1).to_string()).small().weak());
            }
            ui.end_row();
            for row in 0..rows {
                for &column in &columns {
                    let text = shorten(import.table.cell(row, column));
                    let text = match (import.header && row == 0, chosen(column)) {
                        (true, _) => RichText::new(text).small().color(theme.secondary()),
                        (_, true) => RichText::new(text).color(theme.strong()),
                        _ => RichText::new(text).color(theme.secondary()),
                    };
                    ui.add(egui::Label::new(text).extend());
                }
                ui.end_row();
            }
        });
    });
    if columns.len() < all_columns {
        let text = format!("{} of {all_columns} columns are shown.", columns.len());
        ui.label(RichText::new(text).small().weak());
    }
    if let Some(text) = uneven(&import.table) {
        ui.label(RichText::new(text).small().weak());
    }
}

/// What is to be known of rows of different lengths before a column of them is taken.
fn uneven(table: &Table) -> Option<String> {
    let said = |rows: usize, what: &str| match rows {
        0 => None,
        1 => Some(format!("1 has {what} cells")),
        rows => Some(format!("{rows} have {what} cells")),
    };
    let (fewer, more) = table.uneven();
    let parts: Vec<_> = [said(fewer, "fewer"), said(more, "more")]
        .into_iter()
        .flatten()
        .collect();
    let parts = parts.join(", ");
    let text = format!("Not all rows are as long as the first: {parts}.");
    (!parts.is_empty()).then_some(text)
}

/// The chosen columns, and as many of the first as there is room for.
fn shown_columns(all: usize, chosen: impl Fn(usize) -> bool) -> Vec<usize> {
    let (mut shown, others): (Vec<usize>, Vec<usize>) = (0..all).partition(|&c| chosen(c));
    let room = COLUMNS.saturating_sub(shown.len());
    shown.extend(others.into_iter().take(room));
    shown.sort_unstable();
    shown
}

/// Returns true once it is decided.
fn buttons_ui(ui: &mut Ui, import: &Import, commands: &mut Vec<Command>) -> bool {
    let (all, taken) = import.counts();
    let what = match import.paired {
        None => "text",
        Some(_) => "pair",
    };
    if taken < all {
        let all = counted(all, what);
        ui.weak(format!("The list takes the first {taken} of {all}."));
    }
    ui.horizontal(|ui| {
        let mut decided = false;
        for (text, replace) in [
            (format!("Open {}", counted(taken, what)), true),
            (format!("Add {taken} to the list"), false),
        ] {
            let button = ui.add_enabled(taken > 0, Button::new(text));
            // Who came by the keyboard goes on with it.
            if replace && ui.memory(|memory| memory.focused().is_none()) {
                button.request_focus();
            }
            if button.clicked() {
                commands.push(import.command(replace));
                decided = true;
            }
        }
        decided || ui.button("Cancel").clicked()
    })
    .inner
}

fn shorten(cell: &str) -> String {
    start_of(&one_line(cell), LETTERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_columns_are_always_in_the_preview() {
        assert_eq!(shown_columns(3, |c| c == 1), [0, 1, 2]);
        let far = shown_columns(31, |c| c == 30 || c == 12);
        assert_eq!(far, [0, 1, 2, 3, 4, 5, 12, 30]);
    }
}
