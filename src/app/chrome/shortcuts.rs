//! The list of shortcuts.

use egui::{Context, Grid, Id, Modal, RichText, ScrollArea, Ui};

use crate::app::actions::keys::keys_text;
use crate::app::actions::palette::give_back;
use crate::app::actions::{Menu, table};
use crate::widgets::dialog_frame;
use crate::widgets::theme::{SPACE, SPACE_SMALL};

/// The list, open or closed.
#[derive(Default)]
pub struct Shortcuts {
    /// What had the keyboard before.
    open: Option<Option<Id>>,
    fresh: bool,
}

impl Shortcuts {
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub fn show(&mut self, ctx: &Context, on: bool) {
        match (on, self.open.take()) {
            (true, before) => {
                let now = || ctx.memory(|memory| memory.focused());
                (self.open, self.fresh) = (Some(before.unwrap_or_else(now)), true);
            }
            (false, Some(before)) => give_back(ctx, before),
            (false, None) => {}
        }
    }

    pub fn shortcuts_ui(&mut self, ctx: &Context) {
        if !self.is_open() {
            return;
        }
        let fresh = std::mem::take(&mut self.fresh);
        let modal = Modal::new(Id::unique("shortcuts"))
            .frame(dialog_frame(ctx))
            .show(ctx, |ui| content_ui(ui, fresh));
        if modal.inner || modal.should_close() {
            self.show(ctx, false);
        }
    }
}

/// Returns whether it is to be closed.
fn content_ui(ui: &mut Ui, fresh: bool) -> bool {
    // Side by side, so that all of it is seen at once, where there is room for that.
    let room = ui.ctx().content_rect().width() - 6. * SPACE;
    let columns: &[&[Menu]] = match room >= 2. * COLUMN + SPACE {
        true => &[&Menu::ALL[..3], &Menu::ALL[3..]],
        false => &[&Menu::ALL],
    };
    ui.set_width((columns.len() as f32 * (COLUMN + SPACE) - SPACE).min(room));
    ui.heading("Keyboard shortcuts");
    ui.add_space(SPACE);
    let height = (ui.ctx().content_rect().height() - 180.).max(160.);
    // As high as the window lets it be: that there is more below would not be seen.
    let area = ScrollArea::vertical()
        .max_height(height)
        .min_scrolled_height(height);
    area.show(ui, |ui| {
        ui.horizontal_top(|ui| {
            for menus in columns {
                ui.vertical(|ui| {
                    ui.set_width(COLUMN);
                    menus.iter().for_each(|menu| menu_ui(ui, *menu));
                });
            }
        });
        ui.weak("Keys without Ctrl or Alt are shortcuts only while nothing is typed into. Tab goes from one control to the next, Enter presses it. The arrow keys hold a cell, a row, a token or a point after the other, and move an edge; Shift+F10 or the menu key lists what can be done there.");
    });
    ui.add_space(SPACE);
    let close = ui.button("Close");
    if fresh {
        close.request_focus();
    }
    close.clicked()
}

const COLUMN: f32 = 370.;
/// Room for the longest pair of shortcuts, with air behind it.
const KEYS: f32 = 165.;

/// The shortcuts of one menu.
fn menu_ui(ui: &mut Ui, menu: Menu) {
    let actions = table().iter().filter(|action| action.menu == menu);
    let with_keys = actions.filter(|action| !action.shortcuts.is_empty());
    ui.label(RichText::new(menu.title()).strong());
    let grid = Grid::new(menu.title()).num_columns(2);
    grid.spacing([SPACE, SPACE_SMALL]).show(ui, |ui| {
        for action in with_keys {
            let keys = action.shortcuts.iter();
            let keys: Vec<String> = keys.map(|keys| keys_text(ui.ctx(), keys)).collect();
            ui.scope(|ui| {
                ui.set_width(KEYS);
                ui.monospace(keys.join("  "));
            });
            ui.label(&*action.title);
            ui.end_row();
        }
    });
    ui.add_space(SPACE);
}
