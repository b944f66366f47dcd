//! The widgets with ordinary and odd data, in both looks, found by their accessible names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use egui::{Key, Pos2, Ui, vec2};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, HarnessBuilder};
use embedscope::widgets::{
    Heatmap, HeatmapTexture, Piece, Scale, ScatterPoint, Theme, Tiles, heatmap::HeatmapResponse,
    install, legend_ui, piece_label, scatter_ui, token_strip_ui, vector_bars_ui, vector_strip_ui,
};

mod gallery;

use gallery::{Textures, gallery_ui};

const LOOKS: [egui::Theme; 2] = [egui::Theme::Dark, egui::Theme::Light];

fn builder<S>(theme: egui::Theme, size: [f32; 2]) -> HarnessBuilder<S> {
    HarnessBuilder::default()
        .with_size(size)
        .with_theme(theme)
        .with_context_setup(install)
}

/// Attention over a sentence of word pieces, more or less.
fn attention(labels: &[String]) -> Vec<f32> {
    let n = labels.len();
    let mut values = vec![0.0; n * n];
    for (q, row) in values.chunks_mut(n).enumerate() {
        for (k, value) in row.iter_mut().enumerate() {
            let near = (-(q as f32 - k as f32 - 1.0).powi(2) / 3.0).exp();
            *value = near + if k == 0 { 0.4 } else { 0.02 };
        }
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|v| *v /= sum);
    }
    values
}

fn signed(rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns)
        .map(|i| ((i * 7919 % 1009) as f32 / 504.5 - 1.0).powi(3))
        .collect()
}

/// Tiles of `n` × `n`, each looking some tokens back.
fn heads(rows: usize, columns: usize, n: usize) -> Vec<f32> {
    let mut values = vec![0.0; rows * columns * n * n];
    for (i, value) in values.iter_mut().enumerate() {
        let (y, x) = (i / (columns * n), i % (columns * n));
        let (head, q, k) = (y / n * columns + x / n, y % n, x % n);
        *value = (-(q as f32 - k as f32 - (head % 5) as f32).powi(2) / (1 + head % 7) as f32).exp();
    }
    values
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(piece_label).collect()
}

const SENTENCE: &str = "[CLS] the cat sat un ##ha ##pp ##ily on the mat . [SEP]";

fn pieces<'a>(labels: &'a [String], theme: Theme) -> Vec<Piece<'a>> {
    let scale = Scale::amount(1.0);
    labels
        .iter()
        .enumerate()
        .map(|(i, label)| {
            let secondary = label.starts_with('[');
            Piece {
                label,
                secondary,
                fill: (i % 3 == 1).then(|| scale.color(theme, i as f32 / labels.len() as f32)),
                note: Some(format!("piece {i}")),
            }
        })
        .collect()
}

#[test]
fn everything_can_be_shown_and_found() {
    for theme in LOOKS {
        let mut harness = builder(theme, [1300.0, 1680.0]).build_ui_state(
            |ui, textures: &mut Textures| gallery_ui(ui, textures),
            Textures::default(),
        );
        harness.run();
        for name in [
            "attention",
            "scripts map",
            "dense",
            "vector",
            "bars",
            "texts in the plane",
            "scripts",
        ] {
            harness.get_by_label(name);
        }
        harness.get_by_label_contains("Colour scale weight");
        // Nothing changed: no image was made twice.
        harness.run();
        assert!(harness.state().0.iter().all(|t| t.images_made() == 1));
    }
}

/// One heatmap, and what it told last.
struct One {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
    labels: Vec<String>,
    fit: egui::Vec2,
    locked: Option<(usize, usize)>,
    texture: HeatmapTexture,
    last: Option<Told>,
}

struct Told {
    hovered: Option<(usize, usize)>,
    clicked: Option<(usize, usize)>,
    row: Option<usize>,
}

impl One {
    fn new(rows: usize, columns: usize, values: Vec<f32>) -> Self {
        Self {
            rows,
            columns,
            values,
            labels: (0..rows.max(columns)).map(|i| format!("r{i}")).collect(),
            fit: vec2(300.0, 300.0),
            locked: None,
            texture: HeatmapTexture::default(),
            last: None,
        }
    }

    fn ui(&mut self, ui: &mut Ui) {
        let scale = Scale::signed_of(&self.values);
        let HeatmapResponse {
            hovered,
            clicked,
            hovered_row,
            ..
        } = Heatmap::new("map", 1, self.rows, self.columns, &self.values, scale)
            .row_labels(&self.labels)
            .column_labels(&self.labels)
            .fit(self.fit)
            .locked(self.locked)
            .show_values(true)
            .ui(ui, &mut self.texture);
        self.locked = clicked.or(self.locked);
        let told = Told {
            hovered,
            clicked,
            row: hovered_row,
        };
        if told.clicked.is_some() || told.hovered.is_some() || told.row.is_some() {
            self.last = Some(told);
        }
    }

    fn show(self, theme: egui::Theme) -> Harness<'static, Self> {
        let mut harness =
            builder(theme, [400.0, 400.0]).build_ui_state(|ui, one: &mut Self| one.ui(ui), self);
        harness.run();
        harness
    }
}

#[test]
fn odd_matrices_are_shown_quietly() {
    let long = "a label that goes on and on ".repeat(40);
    for theme in LOOKS {
        for (rows, columns, values) in [
            (0, 0, vec![]),
            (0, 7, vec![]),
            (7, 0, vec![]),
            (1, 1, vec![0.0]),
            (1, 1, vec![f32::NAN]),
            (2, 2, vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0]),
            // Fewer values than it says.
            (3, 3, vec![1.0; 4]),
            (2000, 1536, signed(2000, 1536)),
            (1, 5000, signed(1, 5000)),
            (5000, 1, signed(5000, 1)),
        ] {
            let mut one = One::new(rows, columns, values);
            one.labels
                .iter_mut()
                .step_by(3)
                .for_each(|l| l.clone_from(&long));
            for fit in [vec2(300.0, 300.0), vec2(0.0, 0.0), vec2(-5.0, 20.0)] {
                one.fit = fit;
                let mut harness = one.show(theme);
                let centre = harness.get_by_label("map").rect().center();
                harness.hover_at(centre);
                harness.run();
                one = harness.into_state();
            }
        }
    }
}

#[test]
fn a_click_locks_and_the_arrow_keys_walk() {
    let mut values = vec![0.0; 12];
    values[7] = 1.0;
    let mut harness = One::new(3, 4, values).show(egui::Theme::Dark);
    let map = harness.get_by_label("map").rect();
    // The last cell is at the end of the picture.
    let last = map.max - vec2(6.0, 6.0);
    click(&mut harness, last);
    assert_eq!(harness.state().locked, Some((2, 3)));
    harness.key_press(Key::ArrowUp);
    harness.run();
    assert_eq!(harness.state().locked, Some((1, 3)));
    let value = harness.get_by_label("map").value().unwrap();
    assert!(
        value.contains("r1 [1] · r3 [3]") && value.contains("1.000"),
        "{value}"
    );
    for (key, cell) in [
        (Key::ArrowRight, (1, 3)),
        (Key::ArrowLeft, (1, 2)),
        (Key::ArrowDown, (2, 2)),
        (Key::ArrowDown, (2, 2)),
    ] {
        harness.key_press(key);
        harness.run();
        assert_eq!(harness.state().locked, Some(cell));
    }
}

fn click<S>(harness: &mut Harness<'_, S>, pos: Pos2) {
    harness.drag_at(pos);
    harness.run();
    harness.drop_at(pos);
    harness.run();
}

#[test]
fn hovering_a_pooled_pixel_tells_the_true_cell() {
    let (rows, columns) = (300, 500);
    let mut values = vec![0.001; rows * columns];
    values[123 * columns + 456] = -5.0;
    let mut one = One::new(rows, columns, values);
    one.fit = vec2(150.0, 150.0);
    let mut harness = one.show(egui::Theme::Light);
    // One pixel of the picture shows that cell; which one is the widget's business.
    let map = harness.get_by_label("map").rect();
    let (mut pos, mut found) = (map.min, false);
    while !found && pos.y < map.max.y {
        harness.hover_at(pos);
        harness.step();
        let told = harness.state().last.as_ref().and_then(|t| t.hovered);
        found = told == Some((123, 456));
        pos.x += 1.0;
        if pos.x > map.max.x {
            pos = egui::pos2(map.center().x, pos.y + 1.0);
        }
    }
    assert!(found);
}

#[test]
fn a_new_key_makes_a_new_image_on_the_same_texture() {
    struct State(HeatmapTexture, u64);
    let values = [1.0, 2.0];
    let mut harness = builder(egui::Theme::Dark, [200.0, 200.0]).build_ui_state(
        |ui, State(texture, key)| {
            Heatmap::new("map", *key, 1, 2, &values, Scale::amount(2.0)).ui(ui, texture);
        },
        State(HeatmapTexture::default(), 1),
    );
    harness.run();
    assert_eq!(harness.state().0.images_made(), 1);
    harness.state_mut().1 = 2;
    harness.run();
    assert_eq!(harness.state().0.images_made(), 2);
}

#[test]
fn tiles_take_odd_data_and_are_walked() {
    for theme in LOOKS {
        for (rows, columns, side) in [(0, 0, 0), (1, 1, 1), (48, 64, 40), (2, 3, 500), (2, 3, 4)] {
            let values = heads(rows, columns, side);
            let mut harness = builder(theme, [300.0, 300.0]).build_ui_state(
                |ui, (texture, locked): &mut (HeatmapTexture, Option<(usize, usize)>)| {
                    let scale = Scale::amount(1.0);
                    let told = Tiles::new("tiles", 1, (rows, columns), side, &values, scale)
                        .locked(*locked)
                        .ui(ui, texture);
                    *locked = told.clicked.or(*locked);
                },
                (HeatmapTexture::default(), None),
            );
            harness.run();
            let rect = harness.get_by_label("tiles").rect();
            click(&mut harness, rect.min + vec2(3.0, 3.0));
            if rows > 0 {
                assert_eq!(harness.state().1, Some((0, 0)));
                harness.key_press(Key::ArrowRight);
                harness.run();
                assert_eq!(harness.state().1, Some((0, 1.min(columns - 1))));
            }
        }
    }
}

#[test]
fn token_strips_take_odd_and_many_pieces() {
    for theme in LOOKS {
        for count in [0_usize, 1, 3000] {
            let mut labels: Vec<String> = (0..count).map(|i| format!("piece{i}")).collect();
            if let Some(first) = labels.first_mut() {
                *first = "x".repeat(5000);
            }
            let mut harness = builder(theme, [300.0, 300.0]).build_ui(|ui| {
                let theme = Theme::of(ui);
                egui::ScrollArea::vertical().show(ui, |ui| {
                    token_strip_ui(ui, "strip", &pieces(&labels, theme), Some(7), None);
                });
            });
            harness.run();
            harness.get_by_label("strip");
            if count > 1 {
                harness.get_by_label("piece3");
                assert!(
                    harness.query_by_label("piece2999").is_none(),
                    "painted out of sight"
                );
            }
        }
    }
}

#[test]
fn a_token_can_be_clicked_and_walked_from() {
    let labels = words(SENTENCE);
    let mut harness = builder(egui::Theme::Light, [300.0, 200.0]).build_ui_state(
        |ui, locked: &mut Option<usize>| {
            let pieces = pieces(&labels, Theme::of(ui));
            let told = token_strip_ui(ui, "strip", &pieces, None, *locked);
            *locked = told.clicked.or(*locked);
        },
        None,
    );
    harness.run();
    harness.get_by_label("##pp").click();
    harness.run();
    assert_eq!(*harness.state(), Some(6));
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(*harness.state(), Some(7));
}

#[test]
fn vectors_and_points_take_odd_data() {
    for theme in LOOKS {
        for values in [
            vec![],
            vec![f32::NAN],
            vec![0.0; 3],
            signed(1, 5000),
            vec![f32::INFINITY, -1.0],
        ] {
            let mut texture = HeatmapTexture::default();
            let points: Vec<ScatterPoint> = values
                .iter()
                .map(|v| ScatterPoint {
                    x: *v,
                    y: 1.0,
                    label: "a label ".repeat(30),
                    color: Theme::DARK.a(),
                    radius: 3.0,
                })
                .take(50)
                .collect();
            let mut harness = builder(theme, [300.0, 300.0]).build_ui(|ui| {
                let scale = Scale::signed_of(&values);
                vector_strip_ui(ui, "strip", 1, &values, scale, 12.0, Some(1), &mut texture);
                vector_bars_ui(ui, "bars", &values, scale, 30.0, Some(9999));
                scatter_ui(ui, "points", &points, vec2(100.0, 100.0), Some(3));
                legend_ui(ui, &scale, "odd");
            });
            harness.run();
            for name in ["strip", "bars", "points"] {
                let centre = harness.get_by_label(name).rect().center();
                harness.hover_at(centre);
                harness.run();
            }
        }
    }
}
