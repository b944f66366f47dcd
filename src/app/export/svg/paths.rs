//! Lines, curves and round things.

use egui::emath::Rot2;
use egui::epaint::{
    BandShape, CircleShape, ColorMode, CubicBezierShape, EllipseShape, PathShape, PathStroke,
    QuadraticBezierShape,
};
use egui::{Color32, Pos2, Stroke, pos2};

use super::write::{self, Writer, fill, num, stroke};

pub fn circle(out: &mut Writer, shape: &CircleShape) {
    let (x, y, r) = (num(shape.center.x), num(shape.center.y), num(shape.radius));
    out.line(&format!(
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{}{}/>",
        fill(shape.fill),
        stroke(shape.stroke)
    ));
}

pub fn ellipse(out: &mut Writer, shape: &EllipseShape) {
    let (x, y) = (num(shape.center.x), num(shape.center.y));
    let (rx, ry) = (num(shape.radius.x), num(shape.radius.y));
    let turned = match shape.angle == 0. {
        true => String::new(),
        false => write::turn(shape.angle, shape.center),
    };
    out.line(&format!(
        "<ellipse cx=\"{x}\" cy=\"{y}\" rx=\"{rx}\" ry=\"{ry}\"{turned}{}{}/>",
        fill(shape.fill),
        stroke(shape.stroke)
    ));
}

pub fn segment(out: &mut Writer, [from, to]: [Pos2; 2], of: Stroke) {
    let line = stroke(of);
    if line.is_empty() {
        return;
    }
    let ends = [from.x, from.y, to.x, to.y].map(num);
    let [x1, y1, x2, y2] = ends;
    out.line(&format!(
        "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{line}/>"
    ));
}

pub fn path(out: &mut Writer, shape: &PathShape) {
    polygon(
        out,
        &shape.points,
        shape.closed,
        shape.fill,
        solid(&shape.stroke),
    );
}

pub fn polygon(out: &mut Writer, points: &[Pos2], closed: bool, of: Color32, line: Stroke) {
    if points.len() < 2 {
        return;
    }
    let name = if closed { "polygon" } else { "polyline" };
    let points: Vec<String> = points
        .iter()
        .map(|point| format!("{},{}", num(point.x), num(point.y)))
        .collect();
    out.line(&format!(
        "<{name} points=\"{}\"{}{}/>",
        points.join(" "),
        fill(of),
        stroke(line)
    ));
}

/// A stroke whose colour changes along the way gets the colour that it begins with.
fn solid(of: &PathStroke) -> Stroke {
    let color = match &of.color {
        ColorMode::Solid(color) => *color,
        ColorMode::UV(color) => color(egui::Rect::ZERO, Pos2::ZERO),
    };
    Stroke::new(of.width, color)
}

pub fn band(out: &mut Writer, shape: &BandShape) {
    let upper = shape.points.iter().map(|point| pos2(point.x, point.y.max));
    let lower = shape.points.iter().rev();
    let lower = lower.map(|point| pos2(point.x, point.y.min));
    let mut around: Vec<Pos2> = upper.chain(lower).collect();
    if shape.angle != 0. {
        let turn = Rot2::from_angle(shape.angle);
        for point in &mut around {
            *point = (turn * point.to_vec2()).to_pos2();
        }
    }
    polygon(out, &around, true, shape.fill, shape.stroke);
}

pub fn quadratic(out: &mut Writer, shape: &QuadraticBezierShape) {
    let [from, by, to] = shape.points.map(point);
    let way = format!("M{from} Q{by} {to}");
    curve(out, &way, shape.closed, shape.fill, solid(&shape.stroke));
}

pub fn cubic(out: &mut Writer, shape: &CubicBezierShape) {
    let [from, one, two, to] = shape.points.map(point);
    let way = format!("M{from} C{one} {two} {to}");
    curve(out, &way, shape.closed, shape.fill, solid(&shape.stroke));
}

fn point(at: Pos2) -> String {
    format!("{} {}", num(at.x), num(at.y))
}

fn curve(out: &mut Writer, way: &str, closed: bool, of: Color32, line: Stroke) {
    let end = if closed { " Z" } else { "" };
    out.line(&format!(
        "<path d=\"{way}{end}\"{}{}/>",
        fill(of),
        stroke(line)
    ));
}
