//! The cards of the tour, and the two questions around it.

use egui::{
    Area, Button, Context, Id, Key, Modifiers, Order, Pos2, Rect, RichText, Ui, Vec2, vec2,
};

use crate::app::areas::{Area as Part, Areas};
use crate::app::command::Command;
use crate::app::tour::{CARDS, Card, Place, Tour, TourCommand};
use crate::widgets::theme::{SPACE, SPACE_SMALL, Theme};

const WIDTH: f32 = 320.;

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

/// Paints the card that is up, and notes where it is.
pub fn card_ui(ctx: &Context, tour: &Tour, areas: &mut Areas, commands: &mut Vec<Command>) {
    let Some((index, card)) = tour.card() else {
        areas.note(Part::Card, None);
        return;
    };
    let place = match card.place {
        Place::Texts => areas.rect(Part::Texts),
        Place::Spine => areas.rect(Part::Spine),
        Place::Panel(id) => areas.panel(id),
    };
    let id = Id::unique(("tour", index));
    let size = areas
        .rect(Part::Card)
        .map_or(vec2(WIDTH, 200.), |rect| rect.size());
    let at = beside(place, size, ctx.content_rect());
    // Where it was put is where it stays, so that a person can drag it out of the way.
    let area = Area::new(id)
        .order(Order::Foreground)
        .default_pos(at)
        .movable(true);
    let shown = area.show(ctx, |ui| {
        if let Some(place) = place {
            outline_ui(ui, place);
        }
        egui::Frame::popup(ui.style())
            .inner_margin(1.5 * SPACE)
            .show(ui, |ui| {
                ui.set_width(WIDTH);
                areas.enter(ui, Part::Card);
                content_ui(ui, index, card, tour.is_done(index), commands);
            });
    });
    areas.note(Part::Card, Some(shown.response.rect));
}

/// A line round what the card speaks of.
fn outline_ui(ui: &Ui, place: Rect) {
    let stroke = egui::Stroke::new(2., Theme::of(ui).accent());
    let painter = ui.ctx().layer_painter(egui::LayerId::background());
    painter.rect_stroke(place.shrink(1.), 4., stroke, egui::StrokeKind::Inside);
}

/// Where a card of this size stands beside `place`: where it covers least of it, and is within the window.
fn beside(place: Option<Rect>, size: Vec2, window: Rect) -> Pos2 {
    let inner = window.shrink(SPACE);
    let Some(place) = place else {
        return inner.max - size;
    };
    let corners = [
        Pos2::new(place.right() + SPACE, place.top() + SPACE),
        Pos2::new(place.left() + SPACE, place.bottom() + SPACE),
        Pos2::new(place.left() - SPACE - size.x, place.top() + SPACE),
        Pos2::new(place.left() + SPACE, place.top() - SPACE - size.y),
    ];
    let within = |at: Pos2| at.clamp(inner.min, (inner.max - size).max(inner.min));
    let covered = |at: &Pos2| {
        Rect::from_min_size(*at, size)
            .intersect(place)
            .area()
            .max(0.)
    };
    let places = corners.map(within);
    let best = places
        .iter()
        .min_by(|x, y| covered(x).total_cmp(&covered(y)));
    best.copied().unwrap_or(inner.min)
}

fn content_ui(ui: &mut Ui, index: usize, card: &Card, done: bool, commands: &mut Vec<Command>) {
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
    ui.label(RichText::new(card.task).strong());
    // Its line is there before it is done, so that the buttons do not move.
    let (mark, color) = match done {
        true => ("✓ Done", theme.success()),
        false => ("Not done yet; you can also go on.", theme.secondary()),
    };
    ui.colored_label(color, mark);
    ui.add_space(SPACE);
    let mut send = |command| commands.push(Command::Tour(command));
    ui.horizontal(|ui| {
        if ui.add_enabled(index > 0, Button::new("Back")).clicked() {
            send(TourCommand::Back);
        }
        let last = index + 1 == CARDS.len();
        let next = match last {
            true => "Finish",
            false => "Next",
        };
        if ui.add(Button::new(next).selected(done)).clicked() {
            send(TourCommand::Next);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if !last && ui.button("Skip the tour").clicked() {
                send(TourCommand::End);
            }
        });
    });
}

/// Escape ends the tour, once nothing else waits for it.
pub fn escaped(ctx: &Context, tour: &Tour, areas: &Areas) -> bool {
    let waits = egui::Popup::is_any_open(ctx) || ctx.text_edit_focused();
    let free = ctx.memory(|m| m.focused().is_none()) || areas.holding(ctx) == Some(Part::Card);
    tour.card().is_some()
        && !waits
        && free
        && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_stands_within_the_window_and_covers_as_little_as_it_can() {
        let window = Rect::from_min_size(Pos2::ZERO, vec2(1280., 800.));
        let size = vec2(WIDTH, 200.);
        for place in [
            Rect::from_min_size(Pos2::ZERO, vec2(300., 800.)),
            Rect::from_min_size(Pos2::new(300., 120.), vec2(400., 600.)),
            Rect::from_min_size(Pos2::new(0., 30.), vec2(1280., 60.)),
            Rect::from_min_size(Pos2::new(700., 120.), vec2(560., 600.)),
        ] {
            let card = Rect::from_min_size(beside(Some(place), size, window), size);
            assert!(window.contains_rect(card), "{place:?}");
            assert!(!card.intersects(place), "{place:?}: {card:?}");
        }
        let all = Rect::from_min_size(Pos2::ZERO, vec2(400., 300.));
        let card = beside(Some(all), vec2(500., 400.), all);
        assert!(
            card.x <= SPACE && card.y <= SPACE,
            "too large for the window"
        );
    }
}
