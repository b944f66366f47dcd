//! The texts that were taken together, and what can be done with them.

use egui::{Sense, Ui, vec2};
use serde::{Deserialize, Serialize};

use crate::app::command::Command;
use crate::app::state::{Side, TextId};
use crate::views::ViewContext;
use crate::views::recorded::{keep_ui, kept_ui};
use crate::views::subject::note_ui;
use crate::widgets::edged_ui;

/// Whether the maps are of the selected texts alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Only(bool);

/// The texts that the maps are of; none for all of them.
pub fn only(cx: &ViewContext<'_>, ui: &Ui) -> Option<Vec<TextId>> {
    let Only(only) = kept_ui(ui, Only::default());
    (only && !cx.state.selected.is_empty()).then(|| cx.state.selected.clone())
}

/// How many are selected, and the commands for them. While none is, how to select some: the plane in
/// which a loop is drawn does not move away when the loop is closed.
pub fn selection_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    let selected = cx.state.selected.clone();
    ui.horizontal_wrapped(|ui| {
        if selected.is_empty() {
            note_ui(ui, "Draw a loop around points to select texts.");
            // As high as the row of buttons.
            let height = ui.spacing().interact_size.y;
            ui.allocate_exact_size(vec2(0., height), Sense::hover());
            return;
        }
        let count = selected.len();

        ui.label(format!("{count} selected"));
        let Only(mut only) = kept_ui(ui, Only::default());
        let response = edged_ui(ui, |ui| ui.checkbox(&mut only, "only these"));
        response.on_hover_text("Maps and planes of the selected texts alone");
        keep_ui(ui, Only(only));
        let pair = ui.add_enabled(count >= 2, egui::Button::new("As A and B"));
        if pair.on_hover_text("The first two become A and B").clicked() {
            cx.send(Command::Assign(Side::A, selected[0]));
            cx.send(Command::Assign(Side::B, selected[1]));
        }
        let remove = ui.button("Remove");
        if remove
            .on_hover_text("From the list. Undo brings them back")
            .clicked()
        {
            selected
                .iter()
                .for_each(|&id| cx.send(Command::RemoveText(id)));
        }
        if ui.button("Let go").clicked() {
            cx.send(Command::Select(Vec::new()));
        }
    });
}
