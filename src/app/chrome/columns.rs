//! Two columns in a panel of one text: both texts, or one text through two models.

use egui::{Rect, RichText, Sense, Ui, UiBuilder, pos2, vec2};

use super::header::side_color;
use super::panels::Panels;
use crate::app::state::{Beside, Side, State};
use crate::engine::LoadState;
use crate::views::{Panel, ViewContext};
use crate::widgets::scrolled_ui;
use crate::widgets::theme::{SPACE, Theme};

/// No column is narrower, in points; where two are too wide, one stands above the other. What needs more
/// room than its column is scrolled there.
const COLUMN: f32 = 184.;
/// No column of a picture is narrower: it cannot be scrolled.
pub const PICTURE_COLUMN: f32 = 336.;
/// No column that stands above another is lower.
const LOWEST: f32 = 280.;
const GAP: f32 = 2. * SPACE;
/// A panel that is narrower has its columns above each other.
pub const SPLIT: f32 = 2. * COLUMN + GAP + 2. * SPACE;

/// Whose memory a column has: textures and derived values of one would displace the other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The panel by itself, and on the left of two columns.
    First,
    TextB,
    Reference,
}

impl Slot {
    /// Of the column on the right.
    pub fn beside_first(beside: Beside) -> Self {
        match beside {
            Beside::Texts => Self::TextB,
            Beside::Models => Self::Reference,
        }
    }
}

/// What one column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub slot: Slot,
    pub side: Side,
    /// Through the reference model.
    pub reference: bool,
    /// What it is one of two of.
    pub beside: Option<Beside>,
}

impl Column {
    /// What names its arrays among the other's.
    pub fn prefix(self) -> Option<&'static str> {
        Some(match (self.beside?, self.slot) {
            (Beside::Texts, Slot::First) => "A",
            (Beside::Texts, _) => "B",
            (Beside::Models, Slot::First) => "first",
            (Beside::Models, _) => "second",
        })
    }

    /// Its name and its text: `A` or the model's.
    pub fn title(self, cx: &ViewContext<'_>) -> (String, String) {
        let name = match self.beside {
            Some(Beside::Models) => cx.model.source.title(),
            _ => self.side.name().to_owned(),
        };
        let text = cx.viewed().map_or("", |text| &text.text);
        (name, text.to_owned())
    }
}

/// The columns of a panel: one, or two of the panels of one text.
pub fn columns(panel: &Panel, state: &State) -> Vec<Column> {
    let beside = state.columns().filter(|_| panel.one_text);
    let first = Column {
        slot: Slot::First,
        side: match beside {
            Some(Beside::Texts) => Side::A,
            _ => state.side,
        },
        reference: false,
        beside,
    };
    let second = beside.map(|beside| Column {
        slot: Slot::beside_first(beside),
        side: match beside {
            Beside::Texts => Side::B,
            Beside::Models => state.side,
        },
        reference: beside == Beside::Models,
        ..first
    });
    std::iter::once(first).chain(second).collect()
}

/// The columns beside each other, or above each other where that is too narrow.
pub fn columns_ui(
    ui: &mut Ui,
    panels: &mut Panels<'_>,
    panel: &'static Panel,
    columns: &[Column],
    picture: bool,
) {
    if let Some(caption) = caption(panel, columns) {
        ui.label(RichText::new(caption).small().weak());
    }
    let room = ui.available_rect_before_wrap();
    let line = (1., Theme::of(ui).hairline());
    if picture || room.width() >= 2. * COLUMN + GAP {
        for (rect, &column) in halves(room, vec2(room.width() / 2., 0.))
            .into_iter()
            .zip(columns)
        {
            column_ui(ui, rect, panels, panel, column, picture);
        }
        // A line as high as all there is would make a picture as high.
        if !picture {
            ui.painter().vline(room.center().x, room.y_range(), line);
        }
        ui.allocate_rect(room, Sense::hover());
        return;
    }
    let height = (room.height() / 2.).max(LOWEST);
    let scroll = egui::ScrollArea::vertical().id_salt("columns");
    scrolled_ui(ui, scroll.auto_shrink(false), |ui| {
        let corner = ui.max_rect().min;
        let width = ui.available_width() - GAP / 2.;
        let all = Rect::from_min_size(corner, vec2(width, 2. * height));
        for (rect, &column) in halves(all, vec2(0., height)).into_iter().zip(columns) {
            column_ui(ui, rect, panels, panel, column, false);
        }
        ui.painter().hline(all.x_range(), all.center().y, line);
        ui.allocate_rect(all, Sense::hover());
    });
}

/// Whether the colours of one column say the same in the other; nothing where there are none.
fn caption(panel: &Panel, columns: &[Column]) -> Option<&'static str> {
    let beside = columns.first()?.beside?;
    (panel.id != "tokens").then_some(match beside {
        Beside::Texts => "Both texts share every colour range: their colours compare.",
        Beside::Models => {
            "Each model has its own colour ranges: read the legends before comparing colours."
        }
    })
}

/// Two equal parts of `all`, the second of which is `step` away from the first.
fn halves(all: Rect, step: egui::Vec2) -> [Rect; 2] {
    let end = match step.x > 0. {
        true => pos2(all.left() + step.x - GAP / 2., all.bottom()),
        false => pos2(all.right(), all.top() + step.y - GAP / 2.),
    };
    let first = Rect::from_min_max(all.min, end);
    let gap = match step.x > 0. {
        true => vec2(GAP / 2., 0.),
        false => vec2(0., GAP / 2.),
    };
    [first, first.translate(step + gap)]
}

fn column_ui(
    ui: &mut Ui,
    rect: Rect,
    panels: &mut Panels<'_>,
    panel: &'static Panel,
    column: Column,
    picture: bool,
) {
    let builder = UiBuilder::new().max_rect(rect).id_salt(column.slot);
    let mut ui = ui.new_child(builder);
    // Labels at the end of an axis reach a little beyond it.
    ui.shrink_clip_rect(rect.expand(GAP / 2.));
    let ui = &mut ui;
    let theme = Theme::of(ui);
    let unchanged = panels.state.interventions.is_empty();
    let first = panels.model.source.title();
    let painted = panels.with_column(panel, column, theme, |view, cx| {
        head_ui(ui, cx, column);
        if column.reference && !unchanged {
            let what = format!("The changes inside the encoder are made in {first} alone.");
            ui.label(RichText::new(what).small().color(cx.theme.secondary()));
        }
        if picture {
            return view.ui(ui, cx);
        }
        // It is clipped where it ends, and labels at the end of an axis reach a little beyond it.
        let reach = GAP / 2.;
        let room = ui.available_rect_before_wrap().expand2(vec2(reach, 0.));
        let mut ui = ui.new_child(UiBuilder::new().max_rect(room));
        let area = egui::ScrollArea::horizontal().id_salt("across");
        let area = area.content_margin(egui::Margin::symmetric(reach as i8, 0));
        scrolled_ui(&mut ui, area.auto_shrink(false), |ui| view.ui(ui, cx));
    });
    if painted.is_none() {
        waiting_ui(ui, panels.engine.reference_state());
    }
}

/// Whose column it is.
fn head_ui(ui: &mut Ui, cx: &ViewContext<'_>, column: Column) {
    let (name, text) = column.title(cx);
    ui.horizontal(|ui| match column.beside {
        Some(Beside::Models) => {
            let layers = cx.model.spec().layers();
            let about = format!(
                "{}: {layers} layers of {} heads",
                cx.model.id,
                cx.model.spec().heads
            );
            let name = egui::Label::new(RichText::new(name).strong());
            ui.add(name.truncate()).on_hover_text(about);
        }
        _ => {
            let color = side_color(cx.theme, column.side);
            ui.label(RichText::new(name).strong().color(color));
            ui.add(egui::Label::new(RichText::new(text).weak()).truncate());
        }
    });
}

/// In place of the second model's column while that is not there.
fn waiting_ui(ui: &mut Ui, load: LoadState) {
    match load {
        LoadState::Running { reference, .. } => {
            ui.weak(format!("{} is being loaded…", reference.title()));
        }
        LoadState::Failed { reference, error } => {
            let text = format!("{} cannot be used: {error}", reference.title());
            ui.colored_label(Theme::of(ui).error(), text);
        }
        LoadState::Idle => {
            ui.weak("The second model is not there.");
        }
    }
}
