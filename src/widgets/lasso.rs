//! A loop drawn with the pointer around what it takes.

use egui::{Event, Id, Pos2, Response, Shape, Ui};

use super::theme::Theme;

/// A pointer that has moved less, in points, adds no corner.
const STEP: f32 = 3.0;

/// Draws the loop while the pointer drags over `response`; when it is let go, the places within.
pub(super) fn lasso_ui(
    ui: &Ui,
    response: &Response,
    places: &[Option<Pos2>],
) -> Option<Vec<usize>> {
    let id = response.id.with("lasso");
    if response.drag_started() {
        let origin = ui.input(|input| input.pointer.press_origin());
        set(ui, id, origin.into_iter().collect());
    }
    let mut corners: Vec<Pos2> = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    if response.dragged() || response.drag_stopped() {
        // A frame that is laid out twice hears the same events again.
        if ui.ctx().current_pass_index() == 0 {
            ui.input(|input| follow(&mut corners, &input.events));
            set(ui, id, corners.clone());
        }
        paint(ui, response, &corners);
    }
    if !response.drag_stopped() || corners.len() < 3 {
        return None;
    }
    set(ui, id, Vec::new());
    let inside = |place: &Option<Pos2>| place.is_some_and(|place| contains(&corners, place));
    Some((0..places.len()).filter(|&i| inside(&places[i])).collect())
}

/// Every place that the pointer went through, as a quick loop may be over within a few frames.
fn follow(corners: &mut Vec<Pos2>, events: &[Event]) {
    for event in events {
        if let Event::PointerMoved(at) = event
            && corners.last().is_none_or(|last| last.distance(*at) >= STEP)
        {
            corners.push(*at);
        }
    }
}

fn set(ui: &Ui, id: Id, corners: Vec<Pos2>) {
    ui.data_mut(|data| data.insert_temp(id, corners));
}

fn paint(ui: &Ui, response: &Response, corners: &[Pos2]) {
    let theme = Theme::of(ui);
    let painter = ui.painter_at(response.rect);
    let closed = corners.iter().chain(corners.first()).copied().collect();
    painter.add(Shape::line(closed, (1.5, theme.accent())));
}

/// True for a point within a polygon: a line from it crosses the border an odd number of times.
fn contains(corners: &[Pos2], at: Pos2) -> bool {
    let ends = corners.iter().skip(1).chain(corners.first());
    let crossed = corners.iter().zip(ends).filter(|(from, to)| {
        let spans = (from.y > at.y) != (to.y > at.y);
        spans && at.x < (to.x - from.x) * (at.y - from.y) / (to.y - from.y) + from.x
    });
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn a_loop_takes_what_is_within_also_where_it_bends_inwards() {
        // A U that is open at the top.
        let corners = [
            pos2(0., 0.),
            pos2(2., 0.),
            pos2(2., 6.),
            pos2(6., 6.),
            pos2(6., 0.),
            pos2(8., 0.),
            pos2(8., 9.),
            pos2(0., 9.),
        ];
        for (at, inside) in [
            (pos2(1., 3.), true),
            (pos2(7., 1.), true),
            (pos2(4., 8.), true),
            (pos2(4., 3.), false),
            (pos2(9., 3.), false),
            (pos2(4., -1.), false),
        ] {
            assert_eq!(contains(&corners, at), inside, "{at:?}");
        }
    }
}
