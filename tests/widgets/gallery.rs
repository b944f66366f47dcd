//! Every widget on one page.

use egui::{Ui, vec2};
use egui_kittest::kittest::Queryable as _;
use embedscope::widgets::{
    Heatmap, HeatmapTexture, Scale, ScatterPoint, Theme, Tiles, legend_ui, scatter_ui,
    token_strip_ui, vector_bars_ui, vector_strip_ui,
};

use crate::{LOOKS, SENTENCE, attention, builder, heads, pieces, signed, words};

const SCRIPTS: &str =
    "[CLS] שלום עולם مرحبا بالعالم 日本語 汉字 漢字 한국어 नमस्ते ไทย ##ing →↔✓⚙🔍␣⏎∑√Δ [SEP]";

#[derive(Default)]
pub struct Textures(pub [HeatmapTexture; 10]);

fn title_ui(ui: &mut Ui, title: &str) {
    ui.add_space(8.0);
    ui.heading(title);
}

/// Everything there is on one page.
pub fn gallery_ui(ui: &mut Ui, textures: &mut Textures) {
    let [
        square,
        small,
        neurons,
        strip,
        dense,
        narrow,
        dim,
        values,
        scripts,
        heads_texture,
    ] = &mut textures.0;
    let theme = Theme::of(ui);
    let labels = words(SENTENCE);
    let secondary: Vec<bool> = labels.iter().map(|l| l.starts_with('[')).collect();
    let n = labels.len();
    let weights = attention(&labels);
    title_ui(ui, "Tokens");
    token_strip_ui(ui, "sentence", &pieces(&labels, theme), Some(3), Some(5));
    let many = words(SCRIPTS);
    token_strip_ui(ui, "scripts", &pieces(&many, theme), None, None);

    title_ui(ui, "Attention: slanted, upright, thinned");
    ui.horizontal_top(|ui| {
        let map = |name, key| {
            Heatmap::new(name, key, n, n, &weights, Scale::amount(1.0))
                .row_labels(&labels)
                .column_labels(&labels)
                .secondary_rows(&secondary)
                .secondary_columns(&secondary)
        };
        map("attention", 1)
            .row_axis("from")
            .column_axis("to")
            .locked(Some((3, 1)))
            .focus_row(Some(7))
            .fit(vec2(420.0, 380.0))
            .ui(ui, square);
        map("attention, small", 1)
            .fit(vec2(230.0, 260.0))
            .ui(ui, small);
        map("attention, tiny", 1)
            .fit(vec2(120.0, 160.0))
            .focus_column(Some(5))
            .ui(ui, narrow);
        map("attention, stale", 1)
            .fit(vec2(200.0, 260.0))
            .dimmed(true)
            .ui(ui, dim);
    });
    legend_ui(ui, &Scale::amount(1.0), "weight");

    title_ui(ui, "Heads");
    let (rows, columns) = (6, 12);
    let tiles = heads(rows, columns, n);
    let layers: Vec<String> = (0..rows).map(|l| format!("L{}", l + 1)).collect();
    let numbers: Vec<String> = (0..columns).map(|h| h.to_string()).collect();
    Tiles::new("heads", 1, (rows, columns), n, &tiles, Scale::amount(1.0))
        .row_labels(&layers)
        .column_labels(&numbers)
        .locked(Some((2, 7)))
        .focus(Some((1, 3)))
        .fit(vec2(600.0, 260.0))
        .ui(ui, heads_texture);

    title_ui(ui, "Signed values, numbers, many columns, pooled");
    ui.horizontal_top(|ui| {
        let five = words("the cat bit the dog");
        Heatmap::new("numbers", 1, 5, 5, &signed(5, 5), Scale::signed(1.0))
            .row_labels(&five)
            .column_labels(&five)
            .show_values(true)
            .max_cell(44.0)
            .fit(vec2(320.0, 260.0))
            .ui(ui, values);
        ui.vertical(|ui| {
            let scale = Scale::signed(1.0);
            Heatmap::new("neurons", 1, n, 384, &signed(n, 384), scale)
                .row_labels(&labels)
                .column_axis("dimension")
                .fit(vec2(560.0, 260.0))
                .ui(ui, neurons);
            legend_ui(ui, &scale, "activation");
        });
        let scripts_labels = words(SCRIPTS);
        let count = scripts_labels.len();
        Heatmap::new(
            "scripts map",
            1,
            count,
            count,
            &attention(&scripts_labels),
            Scale::amount(0.6),
        )
        .row_labels(&scripts_labels)
        .column_labels(&scripts_labels)
        .fit(vec2(340.0, 320.0))
        .ui(ui, scripts);
    });
    title_ui(ui, "Vectors");
    let vector = signed(1, 384);
    vector_strip_ui(
        ui,
        "vector",
        1,
        &vector,
        Scale::signed_of(&vector),
        16.0,
        Some(40),
        strip,
    );
    vector_bars_ui(
        ui,
        "bars",
        &vector[..96],
        Scale::signed_of(&vector),
        48.0,
        Some(4),
    );
    title_ui(ui, "Pooled 2000 × 1536, and texts in the plane");
    ui.horizontal_top(|ui| {
        Heatmap::new(
            "dense",
            1,
            2000,
            1536,
            &signed(2000, 1536),
            Scale::signed(1.0),
        )
        .row_axis("token")
        .column_axis("neuron")
        .fit(vec2(420.0, 240.0))
        .ui(ui, dense);
        let points: Vec<ScatterPoint> = (0..14)
            .map(|i| ScatterPoint {
                x: (i as f32 * 2.1).sin() * 3.0,
                y: (i as f32 * 1.3).cos(),
                label: format!("text number {i}"),
                color: theme.text(i),
                radius: 4.0,
            })
            .collect();
        scatter_ui(
            ui,
            "texts in the plane",
            &points,
            vec2(420.0, 240.0),
            Some(2),
        );
        ui.vertical(|ui| {
            ui.label("Ordinary text 0123456789");
            ui.weak("Secondary text");
            ui.strong("Strong text");
            ui.monospace("−0.01234  1.23e−8");
            ui.colored_label(theme.a(), "A: the cat bit the dog");
            ui.colored_label(theme.b(), "B: the dog bit the cat");
            ui.colored_label(theme.warning(), "⚠ warning");
            ui.colored_label(theme.error(), "✕ error");
            let _ = ui.button("▶ Play");
            let _ = ui.selectable_label(true, "Selected");
            for i in 0..Theme::TEXTS {
                ui.colored_label(theme.text(i), format!("text {i}"));
            }
        });
    });
}

/// Not a check but a picture to look at: `cargo test --test widgets -- --ignored`.
#[test]
#[ignore = "makes pictures to look at"]
fn picture() {
    for theme in LOOKS {
        for scale in [1.0, 2.0] {
            let mut harness = builder(theme, [1300.0, 1680.0])
                .with_pixels_per_point(scale)
                .wgpu()
                .build_ui_state(
                    |ui, textures: &mut Textures| {
                        egui::Frame::central_panel(ui.style())
                            .show(ui, |ui| gallery_ui(ui, textures));
                    },
                    Textures::default(),
                );
            harness.run();
            let rect = harness.get_by_label("neurons").rect();
            harness.hover_at(rect.center());
            harness.run();
            let file = format!(
                "{}/gallery-{theme:?}-{scale}.png",
                env!("CARGO_TARGET_TMPDIR")
            );
            harness.render().unwrap().save(&file).unwrap();
            println!("{file}");
        }
    }
}
