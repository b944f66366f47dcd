//! Entries of menus and of lists that open.

use egui::{
    InnerResponse, InputState, Key, Popup, Response, Role, ScrollArea, TextWrapMode, Ui,
    WidgetInfo, WidgetText,
};

use super::theme::SPACE;

/// Entries that scroll where there are more than the window is high.
pub fn entries_ui<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    // A menu is as wide as its longest entry.
    ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
    let most = ui.ctx().content_rect().height() - 4. * SPACE;
    let area = ScrollArea::vertical()
        .max_height(most)
        .min_scrolled_height(most);
    area.show(ui, add).inner
}

/// Whether an entry was chosen. That closes the menu, which by itself only hears the pointer.
pub fn entry_chosen(ui: &Ui, entry: &Response) -> bool {
    if entry.gained_focus() {
        entry.scroll_to_me(None);
    }
    let chosen = entry.clicked();
    if chosen {
        ui.close();
        // That is the innermost menu alone, and what it opened from would stay.
        Popup::close_all(ui.ctx());
    }
    chosen
}

/// What a button that opens a menu is called, without the sign on it for that.
pub fn name_menu(button: &Response, name: String) {
    button.widget_info(|| WidgetInfo::labeled(Role::Button, button.enabled(), &name));
}

/// An entry of a list that opens, marked where it is what is chosen now.
pub fn entry_ui<T: PartialEq>(ui: &mut Ui, now: &mut T, value: T, text: impl Into<WidgetText>) {
    if choice_ui(ui, *now == value, text) {
        *now = value;
    }
}

/// One of several entries of which one is `chosen` now. Whether it is chosen in this frame, which closes
/// the menu.
pub fn choice_ui(ui: &mut Ui, chosen: bool, text: impl Into<WidgetText>) -> bool {
    let entry = ui.selectable_label(chosen, text.into());
    // The arrow keys begin at what is chosen. While a list is measured before it opens, nothing in it can
    // have the keyboard.
    let opens = entry.id.with("opens");
    if chosen && ui.is_sizing_pass() {
        ui.data_mut(|data| data.insert_temp(opens, true));
    } else if chosen
        && ui
            .data_mut(|data| data.remove_temp::<bool>(opens))
            .is_some()
    {
        entry.request_focus();
    }
    entry_chosen(ui, &entry)
}

/// The keyboard comes back to a list from its entries, which are gone once a key chose one or let go.
pub fn give_back_to<R>(list: &InnerResponse<Option<R>>) {
    let ended = |input: &InputState| {
        let keys = [Key::Enter, Key::Space, Key::Escape];
        keys.into_iter().any(|key| input.key_pressed(key))
    };
    if list.inner.is_some() && list.response.ctx.input(ended) {
        list.response.request_focus();
    }
}
