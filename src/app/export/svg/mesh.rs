//! Triangles: bars and ramps of colour, and images on them.

use egui::epaint::Vertex;
use egui::{Color32, Mesh, Pos2, Rect, Stroke, TextureId};

use super::Drawing;
use super::paths::polygon;
use super::write::{Writer, fill, place};

/// A mesh that is one upright image; false for any other.
pub fn image(drawing: &mut Drawing<'_>, mesh: &Mesh) -> bool {
    if mesh.texture_id == TextureId::default() || mesh.vertices.len() != 4 {
        return false;
    }
    let rect = Rect::from_points(&corners(&mesh.vertices, |vertex| vertex.pos));
    let uv = Rect::from_points(&corners(&mesh.vertices, |vertex| vertex.uv));
    drawing.image(rect, mesh.texture_id, uv, mesh.vertices[0].color)
}

fn corners(vertices: &[Vertex], of: impl Fn(&Vertex) -> Pos2) -> Vec<Pos2> {
    vertices.iter().map(of).collect()
}

/// Triangles of plain colour: two that make a rectangle as one, and any other as it is.
pub fn flat(out: &mut Writer, mesh: &Mesh) {
    let mut rest = &mesh.indices[..];
    while let [first, second, third, more @ ..] = rest {
        let one = [*first, *second, *third];
        let pair = more.first_chunk::<3>();
        if let Some(two) = pair
            && rect(out, mesh, one, *two)
        {
            rest = &more[3..];
            continue;
        }
        let vertices = one.map(|at| mesh.vertices.get(at as usize).copied().unwrap_or_default());
        let color = mean(&vertices);
        let points = vertices.map(|vertex| vertex.pos);
        // Neighbours would let what is below shine through between them.
        polygon(out, &points, true, color, Stroke::new(0.3, color));
        rest = more;
    }
}

/// Two triangles with a common edge and upright sides, as one rectangle.
fn rect(out: &mut Writer, mesh: &Mesh, one: [u32; 3], two: [u32; 3]) -> bool {
    let common = two.iter().filter(|corner| one.contains(corner)).count();
    if common != 2 {
        return false;
    }
    let all: Vec<Vertex> = one
        .iter()
        .chain(two.iter().filter(|corner| !one.contains(corner)))
        .filter_map(|&at| mesh.vertices.get(at as usize).copied())
        .collect();
    let rect = Rect::from_points(&corners(&all, |vertex| vertex.pos));
    let upright = |vertex: &Vertex| {
        let at = vertex.pos;
        let on = |at: f32, from: f32, to: f32| (at - from).abs() < 0.01 || (at - to).abs() < 0.01;
        on(at.x, rect.left(), rect.right()) && on(at.y, rect.top(), rect.bottom())
    };
    if all.len() != 4 || !all.iter().all(upright) {
        return false;
    }
    let place = place(rect);
    let color = fill(mean(&all));
    out.line(&format!(
        "<rect {place} shape-rendering=\"crispEdges\"{color}/>"
    ));
    true
}

fn mean(vertices: &[Vertex]) -> Color32 {
    let count = vertices.len().max(1) as u32;
    let sum = |k: usize| {
        vertices
            .iter()
            .map(|v| u32::from(v.color.to_array()[k]))
            .sum::<u32>()
    };
    crate::widgets::theme::premultiplied([0, 1, 2, 3].map(|k| (sum(k) / count) as u8))
}
