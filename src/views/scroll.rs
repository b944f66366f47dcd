//! Two columns that scroll together, and parts that scroll by themselves.

use std::hash::Hash;

use egui::{Id, ScrollArea, Ui, UiBuilder, UiStackInfo};

use super::ViewContext;
use crate::app::state::{Beside, Side};
use crate::widgets::{SPACE, scrolled_ui};

/// What is painted within a picture.
const PICTURE: &str = "picture";

/// Paints a picture, in which nothing can be scrolled.
pub fn picture_ui<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    let info = UiStackInfo::default().with_tag(PICTURE);
    ui.scope_builder(UiBuilder::new().ui_stack_info(info), add)
        .inner
}

/// Whether this is painted within a picture.
pub(super) fn in_picture(ui: &Ui) -> bool {
    ui.stack().iter().any(|node| node.tags().contains(PICTURE))
}

/// At the beginning of an area that scrolls: leaves the right edge free, over which its bar floats. One of
/// two columns has a margin there.
pub(super) fn beside_bar_ui(ui: &mut Ui, cx: &ViewContext<'_>) {
    if cx.beside.is_none() {
        ui.set_max_width(ui.available_width() - SPACE);
    }
}

/// A strip of pieces of a long text scrolls beyond this height, in points: half a row tells that there are
/// more.
pub(super) const STRIP: f32 = 121.;

/// At most so high, in points, wherever it stands: what is higher scrolls.
pub(super) fn within_ui<R>(
    ui: &mut Ui,
    name: impl Hash + std::fmt::Debug,
    most: f32,
    add: impl FnOnce(&mut Ui) -> R,
) -> R {
    // Without a least height an area takes what happens to be left of the one around it.
    let area = ScrollArea::vertical().id_salt(name);
    let area = area.min_scrolled_height(most).max_height(most);
    scrolled_ui(ui, area, add).inner
}

/// How far two columns are scrolled, in points.
#[derive(Clone, Copy, Default)]
struct Scrolled {
    at: f32,
    /// The column that moved last; the other one follows it.
    by: usize,
    /// How far each can be scrolled.
    most: [f32; 2],
}

/// A difference in points that is nobody's doing.
const NOTHING: f32 = 0.5;

/// Which of two columns this is; none where there is one.
pub(super) fn column(cx: &ViewContext<'_>) -> Option<usize> {
    Some(match cx.beside? {
        Beside::Texts => usize::from(cx.side == Side::B),
        Beside::Models => usize::from(cx.is_reference),
    })
}

/// A vertical area that follows the one of the same name in the other column. A shorter one stops at its
/// own end.
pub(super) fn together_ui(
    ui: &mut Ui,
    name: &'static str,
    column: Option<usize>,
    area: ScrollArea,
    add: impl FnOnce(&mut Ui),
) {
    let id = Id::unique(("scroll together", name));
    let Some(column) = column else {
        // Where this one goes by itself is where both of them begin.
        ui.data_mut(|data| data.remove::<Scrolled>(id));
        scrolled_ui(ui, area, add);
        return;
    };
    let before = ui.data(|data| data.get_temp::<Scrolled>(id));
    let before = before.unwrap_or(Scrolled {
        by: column,
        most: [f32::INFINITY; 2],
        ..Scrolled::default()
    });
    let follows = before.by != column;
    let wanted = before.at.min(before.most[column]);
    let area = match follows {
        true => area.vertical_scroll_offset(wanted),
        false => area,
    };
    let out = scrolled_ui(ui, area, add);
    let (now, most) = (
        out.state.clamped_offset().y,
        (out.content_size.y - out.inner_rect.height()).max(0.),
    );
    let mut after = before;
    after.most[column] = most;
    let expected = if follows { wanted.min(most) } else { before.at };
    if (now - expected).abs() > NOTHING {
        (after.at, after.by) = (now, column);
    }
    let changed = (after.at, after.by, most) != (before.at, before.by, before.most[column]);
    ui.data_mut(|data| data.insert_temp(id, after));
    if changed {
        // The other column may have been painted already.
        ui.ctx().request_repaint();
    }
}
