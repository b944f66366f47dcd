//! The parts of the window, and how the keyboard gets from one to the next.

use std::collections::HashMap;

use egui::{
    Context, Event, FocusDirection, Id, Key, Pos2, Rect, Response, Stroke, StrokeKind, Ui, vec2,
};

use super::actions::keys::Holder;
use super::actions::palette::give_back_now;
use super::command::Command;
use super::trail::Trail;
use crate::widgets::note_keyboard;
use crate::widgets::theme::Theme;

/// Half the width of the edge between two parts, in points.
const EDGE: f32 = 4.;

/// A part of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    Menu,
    Spine,
    Texts,
    Panel,
    Inspector,
    Status,
    /// A card of the tour.
    Card,
}

impl Area {
    /// In the order in which the keyboard goes round.
    const ALL: [Self; 7] = [
        Self::Menu,
        Self::Spine,
        Self::Texts,
        Self::Panel,
        Self::Inspector,
        Self::Status,
        Self::Card,
    ];

    fn next(self, forward: bool) -> Self {
        let count = Self::ALL.len();
        let step = if forward { 1 } else { count - 1 };
        Self::ALL[(self as usize + step) % count]
    }
}

/// Where the parts are in this frame.
#[derive(Default)]
pub struct Areas {
    rects: [Option<Rect>; Area::ALL.len()],
    /// Where the list of texts ends, within its part.
    list_end: Option<f32>,
    /// Of the panels that are in front.
    panels: HashMap<&'static str, Rect>,
    /// The part that the keyboard is on its way to.
    going: Option<Going>,
    /// Whether the keyboard was used last, and not the pointer: what has it is then outlined.
    by_key: bool,
    /// The same, but the pointer has not even moved since.
    pointer_rests: bool,
    /// Whether the keyboard is to go into the panel that was asked for last.
    to_panel: bool,
    trail: Trail,
    /// Whether Escape has ended something in this frame that is not the keyboard's stay.
    released: bool,
}

/// Whether a modal window keeps the keyboard, which it does for a frame after its last.
pub fn is_held(ctx: &Context) -> bool {
    ctx.memory(|memory| memory.top_modal_layer().is_some())
}

/// What can be seen of a widget, which may be scrolled out of sight in part; all of it where that is nothing.
pub fn seen(response: &Response) -> Rect {
    match response.interact_rect.is_positive() {
        true => response.interact_rect,
        false => response.rect,
    }
}

#[derive(Clone, Copy)]
struct Going {
    to: Area,
    forward: bool,
    /// Parts that may still be tried: some have nothing that takes the keyboard.
    left: usize,
}

impl Areas {
    /// Sends the keyboard to the next part, or to the one before.
    pub fn go(&mut self, ctx: &Context, forward: bool) {
        let before = || self.at(self.trail.place()?.center());
        let from = match self.holding(ctx).or_else(before) {
            Some(area) => area.next(forward),
            None if forward => Area::Menu,
            None => Area::Status,
        };
        self.going = Some(Going {
            to: from,
            forward,
            left: Area::ALL.len(),
        });
        self.by_key = true;
    }

    /// Where a panel is asked for by a key, the keyboard goes into it, in the next frame: in this one Enter
    /// would press what it comes to.
    pub fn follow_panel(&mut self, asked: &[Command]) {
        let shows = |command: &Command| matches!(command, Command::ShowPanel(_));
        self.to_panel |= self.by_key && asked.iter().any(shows);
    }

    /// The part that has the keyboard.
    pub fn holding(&self, ctx: &Context) -> Option<Area> {
        let id = ctx.memory(|memory| memory.focused())?;
        self.at(seen(&ctx.read_response(id)?).center())
    }

    fn at(&self, at: Pos2) -> Option<Area> {
        // The edge that is dragged between two parts is of neither.
        let inner = |area: Area| self.rect(area).map(|rect| rect.shrink2(vec2(EDGE, 0.)));
        let has = |area: &Area| inner(*area).is_some_and(|rect| rect.contains(at));
        // The card lies over the others.
        Area::ALL.into_iter().rev().find(has)
    }

    /// Who has the keyboard, for single keys.
    pub fn holder(&self, ctx: &Context) -> Holder {
        let nobody = ctx.memory(|memory| memory.focused().is_none());
        if egui::Popup::is_any_open(ctx) {
            return Holder::Other;
        }
        match nobody {
            true => Holder::Nobody,
            false if self.walks(ctx) && !ctx.text_edit_focused() => Holder::Spine,
            false => Holder::Other,
        }
    }

    /// Whether what has the keyboard leaves the keys of the walk to it: the spine, and a card of the tour.
    fn walks(&self, ctx: &Context) -> bool {
        matches!(self.holding(ctx), Some(Area::Spine | Area::Card))
    }

    pub fn rect(&self, area: Area) -> Option<Rect> {
        self.rects[area as usize]
    }

    /// Where a panel is, while it is in front.
    pub fn panel(&self, id: &str) -> Option<Rect> {
        self.panels.get(id).copied()
    }

    pub fn note(&mut self, area: Area, rect: Option<Rect>) {
        self.rects[area as usize] = rect;
    }

    /// The list of texts, without what is free below it.
    pub fn list(&self) -> Option<Rect> {
        let rect = self.rect(Area::Texts)?;
        let end = self.list_end.unwrap_or(rect.bottom());
        Some(rect.with_max_y(end.clamp(rect.top(), rect.bottom())))
    }

    pub fn note_list_end(&mut self, y: f32) {
        self.list_end = Some(y);
    }

    pub fn note_panel(&mut self, id: &'static str, rect: Rect) {
        self.panels.insert(id, rect);
    }

    /// Before anything of a frame is painted: whether the keyboard arrived where it was sent.
    pub fn begin(&mut self, ctx: &Context) {
        self.panels.clear();
        self.released = false;
        self.hear(ctx);
        self.trail.resume(ctx);
        if std::mem::take(&mut self.to_panel) {
            self.going = Some(Going {
                to: Area::Panel,
                forward: true,
                left: Area::ALL.len(),
            });
        }
        let Some(going) = self.going else {
            give_back_now(ctx);
            return;
        };
        if is_held(ctx) {
            ctx.request_repaint();
            return;
        }
        if going.left < Area::ALL.len() {
            if self.holding(ctx) == Some(going.to) || going.left == 0 {
                self.going = None;
                return;
            }
            self.going = Some(Going {
                to: going.to.next(going.forward),
                ..going
            });
        }
        if let Some(going) = &mut self.going {
            going.left -= 1;
        }
        ctx.request_repaint();
    }

    fn hear(&mut self, ctx: &Context) {
        ctx.input(|input| {
            for event in &input.events {
                match event {
                    Event::PointerButton { pressed: true, .. } => self.by_key = false,
                    Event::PointerMoved(_) => self.pointer_rests = false,
                    Event::Key {
                        key, pressed: true, ..
                    } => {
                        let moves = [
                            Key::Tab,
                            Key::ArrowUp,
                            Key::ArrowDown,
                            Key::ArrowLeft,
                            Key::ArrowRight,
                        ];
                        self.by_key |= moves.contains(key);
                        self.pointer_rests |= moves.contains(key);
                    }
                    _ => {}
                }
            }
        });
    }

    /// At the beginning of a part: where the keyboard is on its way to it, the next thing that takes it
    /// has it.
    pub fn enter(&self, ui: &Ui, area: Area) {
        if self.going.is_none_or(|going| going.to != area) || is_held(ui.ctx()) {
            return;
        }
        let (id, layer) = (Id::unique(("beginning", area as usize)), ui.layer_id());
        ui.memory_mut(|memory| {
            memory.request_focus(id);
            memory.move_focus(FocusDirection::Next);
            memory.interested_in_focus(id, layer);
        });
    }

    /// Notes that Escape has ended something else in this frame: it ends one thing at a time, and the
    /// keyboard stays.
    pub fn note_release(&mut self) {
        self.released = true;
    }

    /// Whether the keyboard was used last.
    pub fn by_key(&self) -> bool {
        self.by_key
    }

    /// Whether keys are used, and the pointer lies still: what only it can do need not stop them.
    pub fn keys_alone(&self) -> bool {
        self.pointer_rests
    }

    /// After everything of a frame is painted.
    pub fn end(&mut self, ctx: &Context) {
        note_keyboard(ctx);
        if self.going.is_none() {
            self.trail.follow(ctx, self.by_key, self.released);
        }
    }

    /// Outlines what has the keyboard, where keys brought it there.
    pub fn outline_ui(&self, ui: &Ui) {
        let ctx = ui.ctx();
        if !self.by_key || ctx.text_edit_focused() {
            return;
        }
        let Some(id) = ctx.memory(|memory| memory.focused()) else {
            return;
        };
        let Some(response) = ctx.read_response(id) else {
            return;
        };
        let stroke = Stroke::new(1.5, Theme::of(ui).accent());
        let rect = response.interact_rect.expand(1.);
        // In front of its own layer, and no further: not over a menu that has opened above it.
        ctx.layer_painter(response.layer_id)
            .rect_stroke(rect, 3., stroke, StrokeKind::Outside);
    }
}
