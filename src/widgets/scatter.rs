//! A few named points in the plane.

use egui::{
    Align2, Color32, EventFilter, Painter, Pos2, Rect, Role, Sense, StrokeKind, TextStyle, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use super::heatmap::{arrow_step, nothing_ui};
use super::lasso::lasso_ui;
use super::number;
use super::theme::{SPACE, SPACE_SMALL, Theme};
use super::token_strip::StripResponse;

/// One point. Points that are not finite are left out.
pub struct ScatterPoint {
    pub x: f32,
    pub y: f32,
    pub label: String,
    pub color: Color32,
    /// In points.
    pub radius: f32,
}

/// What is drawn besides the points.
#[derive(Clone, Copy, Default)]
pub struct ScatterMarks<'a> {
    /// Pairs of points that a thin line joins.
    pub links: &'a [(usize, usize)],
    /// An arrow from each point, in the points' units; none where this is empty.
    pub arrows: &'a [[f32; 2]],
}

/// Points with the same scale on both axes; labels that would overlap are left out and come back
/// on hover.
pub fn scatter_ui(
    ui: &mut Ui,
    name: &str,
    points: &[ScatterPoint],
    size: Vec2,
    focus: Option<usize>,
) -> StripResponse {
    marked_scatter_ui(ui, name, points, ScatterMarks::default(), size, focus)
}

/// [`scatter_ui`] with lines between points and arrows from them; the arrows' tips are in sight.
pub fn marked_scatter_ui(
    ui: &mut Ui,
    name: &str,
    points: &[ScatterPoint],
    marks: ScatterMarks<'_>,
    size: Vec2,
    focus: Option<usize>,
) -> StripResponse {
    sensed_ui(ui, name, points, marks, (size, Sense::click()), focus).0
}

/// [`marked_scatter_ui`] in which a loop drawn with the pointer takes the points within it: their
/// indices, once the loop is let go. A loop around nothing takes none.
pub fn lasso_scatter_ui(
    ui: &mut Ui,
    name: &str,
    points: &[ScatterPoint],
    marks: ScatterMarks<'_>,
    size: Vec2,
    focus: Option<usize>,
) -> (StripResponse, Option<Vec<usize>>) {
    let sense = Sense::click_and_drag();
    let (out, places) = sensed_ui(ui, name, points, marks, (size, sense), focus);
    let taken = lasso_ui(ui, &out.response, &places);
    (out, taken)
}

fn sensed_ui(
    ui: &mut Ui,
    name: &str,
    points: &[ScatterPoint],
    marks: ScatterMarks<'_>,
    (size, sense): (Vec2, Sense),
    focus: Option<usize>,
) -> (StripResponse, Vec<Option<Pos2>>) {
    let Some(bounds) = bounds(points, marks.arrows) else {
        return (StripResponse::nothing(nothing_ui(ui, name)), Vec::new());
    };
    let size = size.max(vec2(40.0, 40.0));
    let (rect, response) = ui.allocate_exact_size(size, sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), name));
    let area = rect.shrink(2.0 * SPACE);
    let places = place(points, bounds, area);
    if let Some(point) = focus.and_then(|at| points.get(at)) {
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_value(told(point)));
    }
    let arrows = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..Default::default()
    };
    let step = arrow_step(ui, &response, arrows);
    let walked = step.and_then(|step| neighbour(&places, focus, step));
    let hovered = response
        .hover_pos()
        .and_then(|pos| nearest(points, &places, pos));
    if ui.is_rect_visible(rect) {
        let first = hovered.or(focus);
        let painter = ui.painter_at(rect);
        paint_links(&painter, Theme::of(ui), marks.links, &places, first);
        let scale = scale(bounds, area);
        paint_arrows(&painter, points, &places, marks.arrows, scale, first);
        paint(ui, rect, points, &places, first);
        if response.has_focus() {
            let stroke = (1.0, Theme::of(ui).accent());
            painter.rect_stroke(rect, 0.0, stroke, StrokeKind::Inside);
        }
    }
    if response.clicked() {
        response.request_focus();
    }
    let clicked = walked.or(hovered.filter(|_| response.clicked()));
    let response = match hovered {
        Some(at) => response.on_hover_text_at_pointer(told(&points[at])),
        None => response,
    };
    let out = StripResponse {
        response,
        hovered,
        clicked,
    };
    (out, places)
}

fn told(point: &ScatterPoint) -> String {
    let (x, y) = (number(f64::from(point.x)), number(f64::from(point.y)));
    format!("{}\n({x}, {y})", point.label)
}

/// Where an arrow key, as (right, down), leads from the point `from`: to the nearest that lies rather that
/// way than another. The first of all where there is no such point yet.
fn neighbour(
    places: &[Option<Pos2>],
    from: Option<usize>,
    (right, down): (isize, isize),
) -> Option<usize> {
    let Some(start) = from.and_then(|at| *places.get(at)?) else {
        return places.iter().position(Option::is_some);
    };
    let way = vec2(right as f32, down as f32).normalized();
    let cost = |place: &Pos2| {
        let to = *place - start;
        let along = to.dot(way);
        // Points in one place are behind one another and cannot be told apart by a direction.
        (along > 0.0 && along >= 0.7 * to.length()).then(|| to.length_sq() / along)
    };
    let all = places.iter().enumerate();
    let costs = all.filter_map(|(index, place)| Some((index, cost(place.as_ref()?)?)));
    let nearest = costs.min_by(|one, other| one.1.total_cmp(&other.1));
    nearest.map(|(index, _)| index)
}

fn finite(p: &ScatterPoint) -> bool {
    p.x.is_finite() && p.y.is_finite()
}

/// Around all points and the tips of their arrows.
fn bounds(points: &[ScatterPoint], arrows: &[[f32; 2]]) -> Option<Rect> {
    let mut bounds = Rect::NOTHING;
    for (index, p) in points.iter().enumerate().filter(|(_, p)| finite(p)) {
        bounds.extend_with(pos2(p.x, p.y));
        if let Some([x, y]) = arrows
            .get(index)
            .filter(|a| a[0].is_finite() && a[1].is_finite())
        {
            bounds.extend_with(pos2(p.x + x, p.y + y));
        }
    }
    bounds.is_finite().then_some(bounds)
}

/// Screen points for one unit of the points.
fn scale(bounds: Rect, area: Rect) -> f32 {
    let fit = |span: f32, room: f32| {
        if span > 0.0 {
            room / span
        } else {
            f32::INFINITY
        }
    };
    let scale = fit(bounds.width(), area.width()).min(fit(bounds.height(), area.height()));
    // All points in one place: the middle.
    if scale.is_finite() { scale } else { 0.0 }
}

/// Screen places, y upwards; `None` for what is not finite.
fn place(points: &[ScatterPoint], bounds: Rect, area: Rect) -> Vec<Option<Pos2>> {
    let scale = scale(bounds, area);
    let to_screen = |p: &ScatterPoint| {
        let from_centre = pos2(p.x, p.y) - bounds.center();
        area.center() + vec2(from_centre.x, -from_centre.y) * scale
    };
    points
        .iter()
        .map(|p| finite(p).then(|| to_screen(p)))
        .collect()
}

fn nearest(points: &[ScatterPoint], places: &[Option<Pos2>], pos: Pos2) -> Option<usize> {
    let mut best = None;
    for (index, place) in places.iter().enumerate() {
        if let Some(place) = place {
            let distance = (place.distance(pos) - points[index].radius).max(0.0);
            if distance <= SPACE && best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, index));
            }
        }
    }
    best.map(|(_, index)| index)
}

/// Lines between partners; those of the marked point stand out.
fn paint_links(
    painter: &Painter,
    theme: Theme,
    links: &[(usize, usize)],
    places: &[Option<Pos2>],
    first: Option<usize>,
) {
    let at = |index: usize| places.get(index).copied().flatten();
    for &(from, to) in links {
        let Some(ends) = at(from).zip(at(to)) else {
            continue;
        };
        let marked = first.is_some_and(|i| i == from || i == to);
        let color = if marked {
            theme.strong()
        } else {
            theme.secondary().gamma_multiply(0.6)
        };
        painter.line_segment([ends.0, ends.1], (1.0, color));
    }
}

/// An arrow from each point in its colour; all but the marked point's step back while there is one.
fn paint_arrows(
    painter: &Painter,
    points: &[ScatterPoint],
    places: &[Option<Pos2>],
    arrows: &[[f32; 2]],
    scale: f32,
    first: Option<usize>,
) {
    const HEAD: f32 = 6.0;
    for (index, ([x, y], place)) in arrows.iter().zip(places).enumerate() {
        let way = vec2(*x, -*y) * scale;
        let (Some(from), true) = (*place, way.length() >= 1.5) else {
            continue;
        };
        let quiet = first.is_some_and(|i| i != index);
        let color = points[index]
            .color
            .gamma_multiply(if quiet { 0.45 } else { 1.0 });
        let stroke = (if first == Some(index) { 2.5 } else { 1.75 }, color);
        let tip = from + way;
        painter.line_segment([from, tip], stroke);
        let back = way.normalized() * HEAD.min(way.length());
        for side in [-0.5, 0.5] {
            painter.line_segment([tip, tip - back + back.rot90() * side], stroke);
        }
    }
}

fn paint(
    ui: &Ui,
    rect: Rect,
    points: &[ScatterPoint],
    places: &[Option<Pos2>],
    first: Option<usize>,
) {
    let theme = Theme::of(ui);
    let painter = ui.painter_at(rect);
    painter.rect_stroke(rect, 0.0, (1.0, theme.hairline()), StrokeKind::Inside);
    let mut taken: Vec<Rect> = Vec::new();
    for (place, point) in places.iter().zip(points) {
        if let Some(place) = place {
            painter.circle_filled(*place, point.radius, point.color);
            taken.push(Rect::from_center_size(
                *place,
                Vec2::splat(2.0 * point.radius),
            ));
        }
    }
    if let Some((place, point)) = first.and_then(|i| Some(((*places.get(i)?)?, &points[i]))) {
        painter.circle_stroke(place, point.radius + 2.0, (1.5, theme.strong()));
    }
    // The marked point's label is placed first, so it is the one that stays.
    let font = TextStyle::Small.resolve(ui.style());
    let order = first
        .into_iter()
        .chain((0..points.len()).filter(|i| Some(*i) != first));
    for index in order {
        let Some(Some(place)) = places.get(index) else {
            continue;
        };
        let point = &points[index];
        if point.label.is_empty() {
            continue;
        }
        let color = if first == Some(index) {
            theme.strong()
        } else {
            theme.foreground()
        };
        let galley = super::label::line(&painter, &point.label, &font, color, 160.0);
        let gap = point.radius + SPACE_SMALL + if first == Some(index) { 2.0 } else { 0.0 };
        let spots = [
            Align2::LEFT_CENTER.anchor_size(*place + vec2(gap, 0.0), galley.size()),
            Align2::RIGHT_CENTER.anchor_size(*place - vec2(gap, 0.0), galley.size()),
            Align2::CENTER_BOTTOM.anchor_size(*place - vec2(0.0, gap), galley.size()),
            Align2::CENTER_TOP.anchor_size(*place + vec2(0.0, gap), galley.size()),
        ];
        // Clear of the frame, which letters that end on it seem to run through.
        let inside = rect.shrink(2.0);
        let free = |spot: &&Rect| {
            inside.contains_rect(**spot) && !taken.iter().any(|t| t.expand(2.0).intersects(**spot))
        };
        let forced = (first == Some(index)).then_some(&spots[0]);
        if let Some(spot) = spots.iter().find(free).or(forced) {
            taken.push(*spot);
            painter.galley(spot.min, galley, color);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f32, y: f32) -> ScatterPoint {
        ScatterPoint {
            x,
            y,
            label: String::new(),
            color: Color32::RED,
            radius: 3.0,
        }
    }

    #[test]
    fn both_axes_have_the_same_scale_and_odd_points_are_left_out() {
        let points = [
            point(0.0, 0.0),
            point(4.0, 0.0),
            point(0.0, 1.0),
            point(f32::NAN, 0.0),
        ];
        let area = Rect::from_min_size(Pos2::ZERO, vec2(100.0, 100.0));
        let bounds = bounds(&points, &[]).unwrap();
        let places = place(&points, bounds, area);
        let at = |i: usize| places[i].unwrap();
        assert!(((at(1).x - at(0).x) / 4.0 - (at(0).y - at(2).y)).abs() < 1e-3);
        assert!(places[3].is_none());
        assert!(
            places
                .iter()
                .flatten()
                .all(|p| area.expand(0.1).contains(*p))
        );
    }

    #[test]
    fn one_point_is_in_the_middle_and_none_is_nothing() {
        let area = Rect::from_min_size(Pos2::ZERO, vec2(100.0, 60.0));
        let points = [point(7.0, -3.0)];
        let places = place(&points, bounds(&points, &[]).unwrap(), area);
        assert_eq!(places[0], Some(area.center()));
        assert!(bounds(&[], &[]).is_none());
        assert!(bounds(&[point(f32::INFINITY, 0.0)], &[]).is_none());
    }

    #[test]
    fn an_arrow_key_leads_to_the_nearest_point_that_way() {
        let places = [
            Some(pos2(0.0, 0.0)),
            Some(pos2(10.0, 1.0)),
            Some(pos2(20.0, 0.0)),
            Some(pos2(1.0, 9.0)),
            None,
        ];
        let from = |at, step| neighbour(&places, at, step);
        assert_eq!(from(None, (1, 0)), Some(0));
        assert_eq!(from(Some(0), (1, 0)), Some(1));
        assert_eq!(from(Some(1), (1, 0)), Some(2));
        assert_eq!(from(Some(2), (1, 0)), None);
        assert_eq!(from(Some(2), (-1, 0)), Some(1));
        assert_eq!(from(Some(0), (0, 1)), Some(3));
        assert_eq!(from(Some(3), (0, -1)), Some(0));
        assert_eq!(from(Some(4), (1, 0)), Some(0), "it is nowhere");
    }

    #[test]
    fn the_tips_of_arrows_are_in_sight() {
        let points = [point(0.0, 0.0), point(1.0, 0.0)];
        let arrows = [[-1.0, 0.0], [0.0, 2.0]];
        let bounds = bounds(&points, &arrows).unwrap();
        assert_eq!((bounds.min, bounds.max), (pos2(-1.0, 0.0), pos2(1.0, 2.0)));
    }
}
