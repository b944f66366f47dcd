//! A way of looking that a panel offers.

use egui::{Button, RichText, Role, Ui, WidgetInfo};

/// A row of two choices; returns the one that is on. `choice` is kept by egui, not by the session:
/// it is a way of looking, like the place of a scroll bar.
pub fn switch_ui(ui: &mut Ui, name: &str, choices: [&str; 2]) -> usize {
    let id = ui.make_persistent_id(name);
    let mut on: usize = ui.data_mut(|data| data.get_persisted(id)).unwrap_or(0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 1.;
        for (index, choice) in choices.into_iter().enumerate() {
            let text = RichText::new(choice).small();
            let response = ui.add(Button::new(text).selected(on == index));
            let full = format!("{name}: {choice}");
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, on == index, &full));
            if response.clicked() {
                on = index;
                ui.data_mut(|data| data.insert_persisted(id, index));
            }
        }
    });
    on
}
