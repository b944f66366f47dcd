//! egui's triangles as pixels, with no graphics device: the same sums as its shaders make, so that a
//! picture can be drawn anywhere, on any thread.

use egui::epaint::{ClippedPrimitive, Mesh, Primitive, Vertex};
use egui::{Color32, Rect};

use super::offscreen::{Texture, Textures};

/// Sub-pixel steps: corners lie on this grid, so that triangles with a common edge neither overlap nor
/// leave a gap.
const STEPS: f32 = 256.;

/// Draws onto `background`. `size` is in pixels, `scale` pixels make a point.
pub fn draw(
    meshes: &[ClippedPrimitive],
    textures: &Textures,
    size: [usize; 2],
    scale: f32,
    background: Color32,
) -> image::RgbaImage {
    let mut canvas = Canvas {
        pixels: vec![background; size[0] * size[1]],
        size,
    };
    for clipped in meshes {
        let Primitive::Mesh(mesh) = &clipped.primitive else {
            continue;
        };
        if let Some(clip) = canvas.clip(clipped.clip_rect, scale) {
            canvas.mesh(mesh, textures.get(&mesh.texture_id), clip, scale);
        }
    }
    let bytes = canvas
        .pixels
        .iter()
        .flat_map(Color32::to_srgba_unmultiplied);
    let image = image::RgbaImage::from_raw(size[0] as u32, size[1] as u32, bytes.collect());
    image.unwrap_or_default()
}

struct Canvas {
    pixels: Vec<Color32>,
    size: [usize; 2],
}

/// Columns and rows of pixels: from, to.
type Clip = [[i64; 2]; 2];

/// A corner on the grid.
#[derive(Clone, Copy)]
struct Corner {
    x: i64,
    y: i64,
    color: [f32; 4],
    uv: [f32; 2],
}

impl Canvas {
    fn clip(&self, rect: Rect, scale: f32) -> Option<Clip> {
        let side = |from: f32, to: f32, size: usize| {
            let inside = |at: f32| (at * scale).round().clamp(0., size as f32) as i64;
            [inside(from), inside(to)]
        };
        let across = side(rect.min.x, rect.max.x, self.size[0]);
        let down = side(rect.min.y, rect.max.y, self.size[1]);
        (across[0] < across[1] && down[0] < down[1]).then_some([across, down])
    }

    fn mesh(&mut self, mesh: &Mesh, texture: Option<&Texture>, clip: Clip, scale: f32) {
        for corners in mesh.indices.chunks_exact(3) {
            let vertex = |at: usize| mesh.vertices.get(corners[at] as usize);
            if let (Some(a), Some(b), Some(c)) = (vertex(0), vertex(1), vertex(2)) {
                let corners = [a, b, c].map(|vertex| corner(vertex, scale));
                self.triangle(corners, texture, clip);
            }
        }
    }

    fn triangle(&mut self, mut corners: [Corner; 3], texture: Option<&Texture>, clip: Clip) {
        let mut area = cross(corners[0], corners[1], corners[2].x, corners[2].y);
        if area == 0 {
            return;
        }
        if area < 0 {
            corners.swap(1, 2);
            area = -area;
        }
        let [a, b, c] = corners;
        let step = STEPS as i64;
        let bounds = |of: fn(&Corner) -> i64, clip: [i64; 2]| {
            let ends = corners.iter().map(of);
            let (low, high) = (ends.clone().min().unwrap_or(0), ends.max().unwrap_or(0));
            (
                low.div_euclid(step).max(clip[0]),
                (high.div_euclid(step) + 1).min(clip[1]),
            )
        };
        let (left, right) = bounds(|corner| corner.x, clip[0]);
        let (top, bottom) = bounds(|corner| corner.y, clip[1]);
        let edges = [(b, c), (c, a), (a, b)];
        // A pixel on an edge belongs to the triangle on one side of it only.
        let bias = edges.map(|(from, to)| {
            let owned = (to.y == from.y && to.x > from.x) || to.y < from.y;
            i64::from(!owned)
        });
        let flat = a.color == b.color && b.color == c.color && a.uv == b.uv && b.uv == c.uv;
        let whole = flat.then(|| shade(a.color, texture, a.uv));
        for y in top..bottom {
            let line = y as usize * self.size[0];
            for x in left..right {
                let (px, py) = (x * step + step / 2, y * step + step / 2);
                let weights = edges.map(|(from, to)| cross(from, to, px, py));
                if weights
                    .iter()
                    .zip(&bias)
                    .any(|(weight, bias)| weight < bias)
                {
                    continue;
                }
                let color = whole.unwrap_or_else(|| {
                    let part = weights.map(|weight| weight as f32 / area as f32);
                    let mix = |of: &dyn Fn(&Corner) -> f32| {
                        part[0] * of(&a) + part[1] * of(&b) + part[2] * of(&c)
                    };
                    let color = [0, 1, 2, 3].map(|k| mix(&|corner| corner.color[k]));
                    shade(color, texture, [0, 1].map(|k| mix(&|corner| corner.uv[k])))
                });
                let pixel = &mut self.pixels[line + x as usize];
                *pixel = over(color, *pixel);
            }
        }
    }
}

fn corner(vertex: &Vertex, scale: f32) -> Corner {
    // Beyond it nothing is seen, and sums stay far from where they would overflow.
    let place = |at: f32| (at * scale).clamp(-65_536., 65_536.);
    Corner {
        x: (place(vertex.pos.x) * STEPS).round() as i64,
        y: (place(vertex.pos.y) * STEPS).round() as i64,
        color: vertex.color.to_array().map(f32::from),
        uv: [vertex.uv.x, vertex.uv.y],
    }
}

/// Twice the area between an edge and a point; above 0 on its inner side.
fn cross(from: Corner, to: Corner, x: i64, y: i64) -> i64 {
    (to.x - from.x) * (y - from.y) - (to.y - from.y) * (x - from.x)
}

/// Premultiplied, 0 to 255.
fn shade(color: [f32; 4], texture: Option<&Texture>, uv: [f32; 2]) -> [f32; 4] {
    let texel = texture.map_or([255.; 4], |texture| sample(texture, uv));
    [0, 1, 2, 3].map(|k| color[k] * texel[k] / 255.)
}

fn sample(texture: &Texture, uv: [f32; 2]) -> [f32; 4] {
    let [width, height] = texture.image.size;
    if width == 0 || height == 0 {
        return [255.; 4];
    }
    let texel = |x: f32, y: f32| {
        let x = x.clamp(0., width as f32 - 1.) as usize;
        let y = y.clamp(0., height as f32 - 1.) as usize;
        texture.image.pixels[y * width + x]
            .to_array()
            .map(f32::from)
    };
    let (x, y) = (uv[0] * width as f32, uv[1] * height as f32);
    if texture.nearest {
        return texel(x.floor(), y.floor());
    }
    let (x, y) = (x - 0.5, y - 0.5);
    let (left, top) = (x.floor(), y.floor());
    let (right_part, low_part) = (x - left, y - top);
    let rows = [top, top + 1.].map(|row| {
        let (one, two) = (texel(left, row), texel(left + 1., row));
        [0, 1, 2, 3].map(|k| one[k] + (two[k] - one[k]) * right_part)
    });
    [0, 1, 2, 3].map(|k| rows[0][k] + (rows[1][k] - rows[0][k]) * low_part)
}

/// `color` over what is there.
fn over(color: [f32; 4], below: Color32) -> Color32 {
    let keep = 1. - color[3] / 255.;
    let below = below.to_array();
    let [r, g, b, a] = [0, 1, 2, 3].map(|k| {
        (color[k] + keep * f32::from(below[k]))
            .round()
            .clamp(0., 255.) as u8
    });
    crate::widgets::theme::premultiplied([r, g, b, a])
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{TextureId, pos2};

    fn drawn(mesh: Mesh, clip: Rect, size: usize) -> image::RgbaImage {
        let clipped = ClippedPrimitive {
            clip_rect: clip,
            primitive: Primitive::Mesh(mesh),
        };
        draw(
            &[clipped],
            &Textures::new(),
            [size, size],
            1.,
            Color32::BLACK,
        )
    }

    #[test]
    fn halves_of_a_rectangle_meet_without_a_seam() {
        let mut mesh = Mesh::with_texture(TextureId::default());
        let rect = Rect::from_min_max(pos2(1.3, 2.2), pos2(13.7, 14.9));
        let half = Color32::WHITE.gamma_multiply(0.5);
        mesh.add_colored_rect(rect, half);
        let image = drawn(mesh, Rect::EVERYTHING, 16);
        for (x, y, pixel) in image.enumerate_pixels() {
            let inside = rect.contains(pos2(x as f32 + 0.5, y as f32 + 0.5));
            let expected = if inside { 127..=129 } else { 0..=0 };
            assert!(expected.contains(&pixel.0[0]), "{x} {y} {pixel:?}");
        }
    }

    #[test]
    fn nothing_is_drawn_outside_of_the_clip() {
        let mut mesh = Mesh::with_texture(TextureId::default());
        mesh.add_colored_rect(
            Rect::EVERYTHING.intersect(Rect::from_min_max(pos2(-9e9, -9e9), pos2(9e9, 9e9))),
            Color32::WHITE,
        );
        let clip = Rect::from_min_max(pos2(2., 3.), pos2(5., 6.));
        let image = drawn(mesh, clip, 8);
        let white = image.pixels().filter(|pixel| pixel.0[0] == 255).count();
        assert_eq!(white, 9);
        assert_eq!(image.get_pixel(2, 3).0, [255; 4]);
    }
}
