//! The cards of the tour, and the two questions around it.

use egui::{
    Align2, Area, Button, Context, Id, Key, Modifiers, Order, Pos2, Rect, RichText, Ui, Vec2, vec2,
};

use crate::app::areas::{Area as Part, Areas};
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::tour::{CARDS, Card, Place, Tour, TourCommand, are_off, switch};
use crate::widgets::theme::{SPACE, SPACE_SMALL, Theme};

/// With its frame, no wider than the list of texts is at first: below that is room.
const WIDTH: f32 = 256.;

/// Whether there is something to ask around the tour.
pub fn has_question(tour: &Tour, seen: bool) -> bool {
    tour.asks() || (!seen && tour.card().is_none())
}

/// A quiet question below the texts: whether to take the tour, and after it what becomes of the sample.
pub fn question_ui(ui: &mut Ui, tour: &Tour, commands: &mut Vec<Command>) {
    let (text, yes, no) = match tour.asks() {
        true => (
            "The tour is over. Your own texts and panels are kept.",
            ("Bring mine back", TourCommand::Restore),
            ("Keep the sample", TourCommand::Keep),
        ),
        false => (
            "New here? Two minutes show what each stage does, on two sentences.",
            ("Take the two-minute tour", TourCommand::Start),
            ("Not now", TourCommand::Decline),
        ),
    };
    let frame = egui::Frame::new()
        .fill(Theme::of(ui).faint())
        .corner_radius(4.)
        .inner_margin(SPACE);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(text);
        ui.horizontal_wrapped(|ui| {
            for (label, command) in [yes, no] {
                if ui.button(label).clicked() {
                    commands.push(Command::Tour(command));
                }
            }
        });
    });
}

/// What a card shows and does.
pub struct CardInput<'a> {
    pub state: &'a State,
    /// Whether the model has positions that can be switched off.
    pub tells_places: bool,
    pub commands: &'a mut Vec<Command>,
}

/// Paints the card that is up, and notes where it is.
pub fn card_ui(ctx: &Context, tour: &Tour, areas: &mut Areas, input: &mut CardInput<'_>) {
    let Some((index, card)) = tour.card() else {
        areas.note(Part::Card, None);
        ctx.data_mut(|data| data.remove::<usize>(entered()));
        return;
    };
    let place = rect_of(card.place, areas);
    let id = Id::unique(("tour", index));
    let size = areas
        .rect(Part::Card)
        .map_or(vec2(WIDTH, 240.), |rect| rect.size());
    let (at, pivot) = Room::of(ctx, card, areas).beside(size);
    // Where it was put is where it stays, so that a person can drag it out of the way.
    let area = Area::new(id)
        .order(Order::Foreground)
        .pivot(pivot)
        .default_pos(at)
        .movable(true);
    let shown = area.show(ctx, |ui| {
        if let Some(rect) = place {
            outline_ui(ui, outline_of(card.place, rect));
        }
        egui::Frame::popup(ui.style())
            .inner_margin(1.5 * SPACE)
            .show(ui, |ui| {
                ui.set_width(WIDTH);
                areas.enter(ui, Part::Card);
                let next = content_ui(ui, index, card, tour.is_done(index), input);
                enter_ui(ui, index, &next, areas.by_key());
                leave_arrows(ui, areas);
            });
    });
    areas.note(Part::Card, Some(shown.response.rect));
}

/// Whoever goes through the tour by the keyboard has it on each new card, as its button is another one.
fn enter_ui(ui: &Ui, index: usize, next: &egui::Response, by_key: bool) {
    let before = ui.data(|data| data.get_temp::<usize>(entered()));
    if ui.is_sizing_pass() || before == Some(index) {
        return;
    }
    ui.data_mut(|data| data.insert_temp(entered(), index));
    if by_key && !ui.ctx().text_edit_focused() {
        next.request_focus();
    }
}

/// The arrow keys walk along the spine, as a card asks for, and not from one of its buttons to the next.
fn leave_arrows(ui: &Ui, areas: &Areas) {
    if areas.holding(ui.ctx()) != Some(Part::Card) {
        return;
    }
    let arrows = egui::EventFilter {
        horizontal_arrows: true,
        ..Default::default()
    };
    ui.memory_mut(|memory| {
        if let Some(id) = memory.focused() {
            memory.set_focus_lock_filter(id, arrows);
        }
    });
}

/// Where it is kept which card was up last.
fn entered() -> Id {
    Id::unique("card entered")
}

fn rect_of(place: Place, areas: &Areas) -> Option<Rect> {
    match place {
        Place::Menu => areas.rect(Part::Menu),
        Place::Texts => areas.rect(Part::Texts),
        Place::Spine => areas.rect(Part::Spine),
        Place::Inspector => areas.rect(Part::Inspector),
        Place::Panel(id) => areas.panel(id),
    }
}

/// The panels and the lists have a margin that the line fits in; the rows at the top have none.
fn outline_of(place: Place, rect: Rect) -> Rect {
    match place {
        Place::Menu | Place::Spine => rect.expand(SPACE_SMALL),
        Place::Texts | Place::Inspector | Place::Panel(_) => rect,
    }
}

/// A line round what the card speaks of.
fn outline_ui(ui: &Ui, place: Rect) {
    let stroke = egui::Stroke::new(2., Theme::of(ui).accent());
    let painter = ui.ctx().layer_painter(egui::LayerId::background());
    painter.rect_stroke(place.shrink(1.), 4., stroke, egui::StrokeKind::Inside);
}

/// What a card must not cover, and what it should not.
struct Room {
    window: Rect,
    /// What it speaks of, the place that it stands beside first.
    about: Vec<Rect>,
    /// What a person may want to press meanwhile.
    keep: Vec<Rect>,
    /// What a person may want to see meanwhile.
    rest: Vec<Rect>,
    /// Where the panels begin.
    left: f32,
}

impl Room {
    fn of(ctx: &Context, card: &Card, areas: &Areas) -> Self {
        let mut window = ctx.content_rect();
        if let Some(status) = areas.rect(Part::Status) {
            window.max.y = window.max.y.min(status.top());
        }
        let places = std::iter::once(&card.place).chain(card.also);
        let about = places.filter_map(|place| {
            let mut rect = rect_of(*place, areas)?;
            if *place == Place::Spine {
                // It grows with what there is to show, and a sentence on the stage may open below it.
                rect.max.x = window.max.x;
                rect.max.y += super::walk::height(window.width());
            }
            Some(rect)
        });
        let parts = [Part::Menu, Part::Spine, Part::Inspector];
        let parts = parts.into_iter().filter_map(|part| areas.rect(part));
        // A card about panels leaves them all free where it can.
        let panels = areas.rect(Part::Panel);
        let panels = panels.filter(|_| matches!(card.place, Place::Panel(_)));
        Self {
            window,
            about: about.collect(),
            keep: areas.list().map(buttons).into_iter().collect(),
            rest: parts.chain(areas.list()).chain(panels).collect(),
            left: areas.rect(Part::Texts).map_or(0., |texts| texts.right()),
        }
    }

    /// Where a card of this size stands, and which of its corners that is: where it covers least of what
    /// it speaks of, then least of the rest, and is within the window.
    fn beside(&self, size: Vec2) -> (Pos2, Align2) {
        let inner = self.window.shrink(SPACE);
        let last = (inner.max - size).max(inner.min);
        let sides = self.about.first().map(|place| {
            [
                Pos2::new(place.right() + SPACE, place.top() + SPACE),
                Pos2::new(place.left().max(self.left) + SPACE, place.bottom() + SPACE),
                Pos2::new(place.left() - SPACE - size.x, place.top() + SPACE),
                Pos2::new(place.left() + SPACE, place.top() - SPACE - size.y),
            ]
        });
        let corners = [
            last,
            Pos2::new(inner.left(), last.y),
            Pos2::new(last.x, inner.top()),
        ];
        let places = sides.into_iter().flatten().chain(corners);
        let covered = |at: Pos2, what: &[Rect]| -> f32 {
            let card = Rect::from_min_size(at, size);
            let parts = what.iter().map(|rect| rect.intersect(card));
            let parts = parts.filter(|part| part.is_positive());
            parts.map(|part| part.area()).sum()
        };
        let kept = [&self.about, &self.keep, &self.rest];
        let cost = |at: Pos2| kept.map(|what| covered(at, what));
        let places = places.map(|at| at.clamp(inner.min, last));
        let best = places.min_by(|x, y| {
            let (x, y) = (cost(*x), cost(*y));
            let mut pairs = x.iter().zip(&y).map(|(x, y)| x.total_cmp(y));
            pairs
                .find(|order| order.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let at = best.unwrap_or(inner.min);
        // One at the lower edge grows upwards.
        match at.y >= last.y && last.y > inner.top() {
            true => (Pos2::new(at.x, inner.bottom()), Align2::LEFT_BOTTOM),
            false => (at, Align2::LEFT_TOP),
        }
    }
}

/// The row of buttons that the list of texts ends with.
fn buttons(list: Rect) -> Rect {
    const ROW: f32 = 44.;
    list.with_min_y((list.bottom() - ROW).max(list.top()))
}

/// Returns the button that leads on.
fn content_ui(
    ui: &mut Ui,
    index: usize,
    card: &Card,
    done: bool,
    input: &mut CardInput<'_>,
) -> egui::Response {
    let theme = Theme::of(ui);
    ui.horizontal(|ui| {
        ui.heading(card.title);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.weak(format!("{} of {}", index + 1, CARDS.len()));
        });
    });
    ui.add_space(SPACE_SMALL);
    ui.label(card.text);
    ui.add_space(SPACE);
    let switched = card.switch.as_ref().filter(|_| are_off(input.state));
    let task = switched.map_or(card.task, |switch| switch.then);
    ui.label(RichText::new(task).strong());
    if let Some(shown) = &card.switch {
        let label = switched.map_or(shown.off, |switch| switch.on);
        let button = ui.add_enabled(input.tells_places, Button::new(label));
        if button.on_disabled_hover_text(shown.missing).clicked() {
            input.commands.push(switch(input.state));
        }
    }
    // Its line is there before it is done, so that the buttons do not move.
    let (mark, color) = match done {
        true => ("✓ Done", theme.success()),
        false => ("Not done yet; you can also go on.", theme.secondary()),
    };
    ui.colored_label(color, mark);
    ui.add_space(SPACE);
    let mut send = |command| input.commands.push(Command::Tour(command));
    ui.horizontal(|ui| {
        if ui.add_enabled(index > 0, Button::new("Back")).clicked() {
            send(TourCommand::Back);
        }
        let last = index + 1 == CARDS.len();
        let next = match last {
            true => "Finish",
            false => "Next",
        };
        let next = ui.add(Button::new(next).selected(done));
        if next.clicked() {
            send(TourCommand::Next);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if !last && ui.button("Skip the tour").clicked() {
                send(TourCommand::End);
            }
        });
        next
    })
    .inner
}

/// Escape ends the tour, once nothing else waits for it.
pub fn escaped(ctx: &Context, tour: &Tour, areas: &Areas, state: &State) -> bool {
    let held = !state.locked.is_empty();
    let waits = held || egui::Popup::is_any_open(ctx) || ctx.text_edit_focused();
    let free = ctx.memory(|m| m.focused().is_none()) || areas.holding(ctx) == Some(Part::Card);
    tour.card().is_some()
        && !waits
        && free
        && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The window as it is at first, with a card about `about`.
    fn room(about: Rect, panel: bool) -> Room {
        let texts = Rect::from_min_size(Pos2::new(0., 120.), vec2(300., 300.));
        let top = Rect::from_min_size(Pos2::ZERO, vec2(1280., 120.));
        let panels = Rect::from_min_size(Pos2::new(300., 120.), vec2(980., 680.));
        let mut rest = vec![top, texts];
        rest.extend(panel.then_some(panels));
        Room {
            window: Rect::from_min_size(Pos2::ZERO, vec2(1280., 800.)),
            about: vec![about],
            keep: vec![buttons(texts)],
            rest,
            left: 300.,
        }
    }

    fn card(room: &Room, size: Vec2) -> Rect {
        let (at, pivot) = room.beside(size);
        pivot.anchor_size(at, size)
    }

    #[test]
    fn a_card_leaves_the_buttons_below_the_texts_free_when_the_strip_of_changes_makes_room_scarce()
    {
        let top = Rect::from_min_size(Pos2::ZERO, vec2(1280., 160.));
        // Four texts and the buttons, then too little room for a card.
        let texts = Rect::from_min_size(Pos2::new(0., 160.), vec2(300., 330.));
        let panels = Rect::from_min_size(Pos2::new(300., 160.), vec2(740., 610.));
        let position = panels.with_max_x(720.);
        let inspector = Rect::from_min_size(Pos2::new(1040., 160.), vec2(240., 610.));
        let mut top_and_below = top;
        top_and_below.max.y += super::super::walk::height(1280.);
        let room = Room {
            window: Rect::from_min_size(Pos2::ZERO, vec2(1280., 770.)),
            about: vec![position, top_and_below],
            keep: vec![buttons(texts)],
            rest: vec![top, texts, inspector, panels],
            left: 300.,
        };
        for height in [240., 300., 340., 420.] {
            let card = card(&room, vec2(WIDTH + 3. * SPACE, height));
            assert!(room.window.contains_rect(card));
            for free in [buttons(texts), position, top] {
                let over = card.intersect(free).is_positive();
                assert!(!over, "{height}: {card:?} covers {free:?}");
            }
        }
    }

    #[test]
    fn a_card_stands_within_the_window_and_covers_nothing_that_it_speaks_of() {
        let size = vec2(WIDTH + 3. * SPACE, 240.);
        for (place, panel) in [
            (
                Rect::from_min_size(Pos2::new(0., 120.), vec2(300., 680.)),
                false,
            ),
            (
                Rect::from_min_size(Pos2::new(300., 120.), vec2(400., 600.)),
                true,
            ),
            (
                Rect::from_min_size(Pos2::new(0., 30.), vec2(1280., 60.)),
                false,
            ),
            (
                Rect::from_min_size(Pos2::new(700., 120.), vec2(560., 600.)),
                true,
            ),
            (
                Rect::from_min_size(Pos2::new(300., 120.), vec2(980., 680.)),
                true,
            ),
        ] {
            let room = room(place, panel);
            let card = card(&room, size);
            assert!(room.window.contains_rect(card), "{place:?}");
            for kept in room.about.iter().chain(&room.rest) {
                let parted = !card.intersect(*kept).is_positive();
                let texts = room.about[0].left() == 0. && kept.width() == 300.;
                assert!(parted || texts, "{place:?}: {card:?} covers {kept:?}");
            }
        }
        let all = Rect::from_min_size(Pos2::ZERO, vec2(400., 300.));
        let tight = Room {
            window: all,
            about: vec![all],
            keep: Vec::new(),
            rest: Vec::new(),
            left: 0.,
        };
        let card = card(&tight, vec2(500., 400.));
        assert!(
            card.left() <= SPACE && card.top() <= SPACE,
            "too large for the window"
        );
    }
}
