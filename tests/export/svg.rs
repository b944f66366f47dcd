//! SVG of a few widgets, without a model.

use egui::{Rect, RichText, pos2, vec2};

use embedscope::app::export::Picture;
use embedscope::app::export::offscreen::Offscreen;
use embedscope::app::export::svg::document;

fn drawn(paint: impl FnMut(&mut egui::Ui)) -> (Picture, String) {
    let mut off = Offscreen::new(false);
    let mut paint = paint;
    off.pass(vec2(300., 200.), &mut paint);
    let shapes = off.pass(vec2(300., 200.), &mut paint);
    let picture = off.picture(vec2(300., 200.), shapes);
    let svg = document(&picture, "Test <1>");
    (picture, svg)
}

#[test]
fn text_is_text_in_its_own_colour_and_hostile_text_is_text() {
    let (_, svg) = drawn(|ui| {
        ui.label("</text><script>alert('&')</script>");
        let strong = ui.visuals().warn_fg_color;
        ui.label(RichText::new("loud").color(strong).monospace().size(20.));
        ui.label("bell \u{7} rings");
    });
    assert!(!svg.contains("<script"), "{svg}");
    assert!(
        svg.contains("&lt;script&gt;alert(&#39;&amp;&#39;)"),
        "{svg}"
    );
    assert!(svg.contains("<title>Test &lt;1&gt;</title>"));
    let loud = svg.lines().find(|line| line.contains(">loud<")).unwrap();
    assert!(
        loud.contains("font-size=\"20\"") && loud.contains("monospace"),
        "{loud}"
    );
    assert!(!svg.chars().any(|c| c == '\u{7}'), "XML cannot hold a bell");
}

#[test]
fn runs_of_one_line_keep_their_own_look() {
    let (_, svg) = drawn(|ui| {
        let mut job = egui::text::LayoutJob::default();
        let font = egui::FontId::proportional(14.);
        let color = ui.visuals().text_color();
        job.append("plain ", 0., egui::TextFormat::simple(font.clone(), color));
        let mut lined = egui::TextFormat::simple(font, color);
        lined.strikethrough = egui::Stroke::new(1., color);
        job.append("gone", 0., lined);
        ui.label(job);
    });
    assert!(
        svg.contains(">plain</text>") && svg.contains(">gone</text>"),
        "{svg}"
    );
    assert!(svg.contains("<line "), "{svg}");
}

#[test]
fn every_word_has_its_own_place() {
    let (_, svg) = drawn(|ui| {
        ui.label("none ⏷");
    });
    let words: Vec<f32> = svg
        .split("<tspan x=\"")
        .skip(1)
        .map(|rest| rest[..rest.find('"').unwrap()].parse().unwrap())
        .collect();
    assert!(words.len() == 2 && words[0] + 20. < words[1], "{svg}");
    assert!(
        svg.contains(">▾</tspan>"),
        "few faces have the arrow: {svg}"
    );
}

#[test]
fn what_is_clipped_away_is_not_drawn_and_what_is_cut_is_cut() {
    let (_, svg) = drawn(|ui| {
        let color = ui.visuals().text_color();
        let clip = Rect::from_min_size(pos2(10., 20.), vec2(30., 40.));
        let painter = ui.painter().with_clip_rect(clip);
        painter.circle_filled(pos2(40., 40.), 25., color);
        painter.circle_filled(pos2(200., 40.), 25., color);
    });
    assert_eq!(svg.matches("<circle ").count(), 1, "{svg}");
    let clip = "<rect x=\"10\" y=\"20\" width=\"30\" height=\"40\"/></clipPath>";
    assert!(
        svg.contains(clip) && svg.contains("<g clip-path=\"url(#c0)\">"),
        "{svg}"
    );
    assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
}

#[test]
fn a_map_is_an_image_of_its_cells() {
    let mut texture = None;
    let (picture, svg) = drawn(|ui| {
        let texture = texture.get_or_insert_with(|| {
            let pixels = vec![ui.visuals().warn_fg_color; 6];
            let image = egui::ColorImage::new([3, 2], pixels);
            ui.ctx()
                .load_texture("map", image, egui::TextureOptions::NEAREST)
        });
        let rect = Rect::from_min_size(pos2(50., 60.), vec2(90., 60.));
        let uv = Rect::from_min_max(pos2(0., 0.), pos2(1., 1.));
        ui.painter()
            .image(texture.id(), rect, uv, egui::Color32::WHITE);
    });
    let image = svg
        .lines()
        .find(|line| line.starts_with("<image "))
        .unwrap();
    assert!(
        image.contains("x=\"50\" y=\"60\" width=\"90\" height=\"60\""),
        "{image}"
    );
    assert!(image.contains("pixelated") && image.contains("data:image/png;base64,"));
    let raster = picture.raster();
    assert_eq!(raster.dimensions(), (600, 400));
    assert_eq!(raster.get_pixel(101, 121), raster.get_pixel(278, 238));
    assert_ne!(raster.get_pixel(101, 121), raster.get_pixel(98, 121));
}
