//! Panels at the bottom of others that come and go.

use egui::{Id, Panel, Ui};

/// A panel at the bottom of `ui`, as high as what is in it. egui learns the height while it paints: what
/// has changed is painted once more before it is seen, or it would stand cut off until something moves.
pub fn foot_ui<R>(
    ui: &mut Ui,
    name: &'static str,
    line: bool,
    add: impl FnOnce(&mut Ui) -> R,
) -> R {
    let panel = Panel::bottom(name)
        .resizable(false)
        .show_separator_line(line);
    let shown = panel.show(ui, add);
    let (height, id) = (shown.response.rect.height(), Id::unique(("foot", name)));
    let before = ui.data(|data| data.get_temp(id));
    if before != Some(height) {
        ui.data_mut(|data| data.insert_temp(id, height));
        ui.ctx().request_discard(name);
    }
    shown.inner
}
