//! What panels write to files: pictures, tables, arrays and the report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "export/svg.rs"]
mod drawing;
#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;
#[path = "export/read.rs"]
mod read;
#[path = "export/report.rs"]
mod report;
#[path = "export/window.rs"]
mod window;
#[path = "support/window.rs"]
mod window_support;

use std::sync::Arc;

use egui::{Vec2, vec2};
use embedscope::app::export::headless::Headless;
use embedscope::app::export::{Content, Export, Format, NamedArray, Picture, svg, table};
use embedscope::app::state::{ScoreMethod, State};
use embedscope::cancel::Cancel;
use embedscope::model::ModelRef;
use embedscope::trace::{EmbedSite, LayerSite, Site};
use embedscope::views::{PANELS, find};

const SIZE: Vec2 = vec2(900., 700.);

/// Four short texts, a second model, and a third text to hold B against.
fn state() -> State {
    let mut state = State::default();
    state.set_texts(["the cat sat", "a \"dog\", sat", "the dog", "a cat"]);
    state.against = Some(state.texts[2].id);
    let folder = models::fixtures().join("tiny/relu_dense");
    state.reference = Some(ModelRef::Folder(folder));
    (state.layer, state.head) = (1, 2);
    state
}

fn headless(state: State) -> Headless {
    Headless::new(Arc::new(models::tiny("plain")), state)
}

/// The panel once all is there.
fn shown(headless: &mut Headless, panel: &str) {
    headless.settle(panel, SIZE, &Cancel::new()).unwrap();
}

fn figures(headless: &mut Headless, panel: &str, format: Format) -> Result<Content, String> {
    let panel = find(panel).unwrap().id;
    headless.figures(Export {
        panel,
        format,
        part: 0,
    })
}

fn tsv(headless: &mut Headless, panel: &str) -> Result<String, String> {
    match figures(headless, panel, Format::Tsv)? {
        Content::Table(table) => Ok(table::tsv(&table)),
        _ => panic!("a table"),
    }
}

fn arrays(headless: &mut Headless, panel: &str) -> Vec<NamedArray> {
    match figures(headless, panel, Format::Safetensors).unwrap() {
        Content::Arrays(arrays) => arrays,
        _ => panic!("arrays"),
    }
}

/// Every line has as many cells as the first, and no cell is a stray blank.
fn is_even(table: &str, what: &str) {
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert!(lines.len() > 1, "{what} is empty: {table}");
    assert!(lines[0].len() > 1, "{what} has one column: {table}");
    for line in &lines {
        assert_eq!(line.len(), lines[0].len(), "{what}: {line:?}");
        assert!(
            line.iter().all(|cell| *cell == cell.trim()),
            "{what}: {line:?}"
        );
    }
    assert!(
        !lines[0][0].is_empty(),
        "{what}: the first column has no name"
    );
}

#[test]
fn every_panel_has_a_table_with_even_lines() {
    let mut headless = headless(state());
    for panel in PANELS {
        shown(&mut headless, panel.id);
        match tsv(&mut headless, panel.id) {
            Ok(table) => is_even(&table, panel.id),
            // There are none before the first run.
            Err(why) => assert!(
                panel.id == "fine_tune" && why.contains("no figures"),
                "{why}"
            ),
        }
    }
}

#[test]
fn every_tab_of_the_score_has_its_own_table_and_arrays() {
    let mut tables = Vec::new();
    for method in [
        ScoreMethod::Pairs,
        ScoreMethod::Input,
        ScoreMethod::LeaveOneOut,
        ScoreMethod::Shapley,
        ScoreMethod::Integrated,
        ScoreMethod::Components,
        ScoreMethod::Dimensions,
        ScoreMethod::Layers,
        ScoreMethod::Ablation,
        ScoreMethod::Contrast,
    ] {
        let mut state = state();
        state.score_method = method;
        let mut headless = headless(state);
        shown(&mut headless, "score");
        let table = tsv(&mut headless, "score").unwrap();
        is_even(&table, &format!("{method:?}"));
        assert!(
            !tables.contains(&table),
            "{method:?} shows another tab's figures"
        );
        tables.push(table);
        if method == ScoreMethod::Contrast {
            continue;
        }
        let arrays = arrays(&mut headless, "score");
        let first = &arrays[0];
        let cells: usize = first.shape.iter().product();
        assert_eq!(first.singles().len(), cells, "{method:?} {}", first.title());
        if matches!(method, ScoreMethod::Pairs | ScoreMethod::Components) {
            let sum: f32 = first.singles().iter().sum();
            let app = headless.app();
            let cos = cosine(app);
            assert!(
                (sum - cos).abs() < 1e-4,
                "{method:?} adds up to {sum}, not {cos}"
            );
        }
    }
}

fn cosine(app: &embedscope::app::App) -> f32 {
    let model = app.engine().model().unwrap();
    let trace = |at: usize| app.shown()[at].trace.clone().unwrap();
    let options = model.options_with(None, None);
    embedscope::analysis::pooling::score(&model.head, &trace(0), &trace(1), options).unwrap() as f32
}

#[test]
fn every_panel_is_drawn_in_lines_and_in_pixels() {
    let mut headless = headless(state());
    for panel in PANELS {
        shown(&mut headless, panel.id);
        let picture = headless.picture(panel.id, SIZE);
        let document = svg::document(&picture, panel.title);
        let read = read::Xml::of(&document).unwrap_or_else(|why| panic!("{}: {why}", panel.id));
        assert_eq!(read.count("svg"), 1);
        assert!(
            read.texts.iter().any(|text| text == panel.title),
            "{}",
            panel.id
        );
        let written: String = read.texts.iter().map(|text| without_blanks(text)).collect();
        for line in lines(&picture) {
            assert!(
                written.contains(&line),
                "{}: `{line}` is on screen and not in {:?}",
                panel.id,
                read.texts
            );
        }
        let raster = picture.raster();
        // To look at.
        if let Some(folder) = std::env::var_os("EMBEDSCOPE_PICTURES") {
            let path = std::path::Path::new(&folder).join(panel.id);
            raster.save(path.with_extension("png")).unwrap();
            std::fs::write(path.with_extension("svg"), &document).unwrap();
        }
        let size = picture.size * 2.;
        assert_eq!(
            (raster.width(), raster.height()),
            (size.x.round() as u32, size.y.round() as u32),
            "{}",
            panel.id
        );
        let background = *raster.get_pixel(0, 0);
        let painted = raster
            .pixels()
            .filter(|pixel| **pixel != background)
            .count();
        assert!(painted > 2000, "{} is blank: {painted}", panel.id);
    }
}

fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Every line of text that is seen, without its blanks: runs of another look stand apart.
fn lines(picture: &Picture) -> Vec<String> {
    let canvas = egui::Rect::from_min_size(egui::Pos2::ZERO, picture.size);
    let seen = picture.shapes.iter().filter_map(|clipped| {
        let egui::Shape::Text(text) = &clipped.shape else {
            return None;
        };
        let clip = clipped.clip_rect.intersect(canvas);
        let inside = text.visual_bounding_rect().intersects(clip) && clip.is_positive();
        inside.then(|| text.galley.rows.iter().map(|row| row.row.text()))
    });
    // The arrow of menus is written as one that more faces have.
    let written = |line: String| without_blanks(&line).replace('⏷', "▾");
    seen.flatten().map(written).collect()
}

#[test]
fn heatmaps_and_tiles_are_images_of_the_same_colours_in_both() {
    let mut headless = headless(state());
    shown(&mut headless, "attention");
    let picture = headless.picture("attention", SIZE);
    let document = svg::document(&picture, "Attention");
    // A thumbnail for each of 2 · 4 heads, and the large map.
    let images = document.matches("<image ").count();
    assert!(images > 2 * 4, "{images}");
}

#[test]
fn arrays_are_the_values_of_the_trace() {
    let mut headless = headless(state());
    shown(&mut headless, "attention");
    let trace = headless.app().shown()[0].trace.clone().unwrap();
    let pattern = trace.layer(1, LayerSite::Pattern).unwrap();
    let tokens = trace.tokens.len();
    let maps = arrays(&mut headless, "attention");
    assert_eq!(maps[0].name, "layer.1.pattern.2");
    assert_eq!(maps[0].shape, [tokens, tokens]);
    assert_eq!(&*maps[0].singles(), &*pattern.plane(2));
    assert_eq!(maps[1].name, "layer.1.pattern");
    assert_eq!(&*maps[1].singles(), &*pattern.flat());
    let bytes = Content::Arrays(maps[..1].to_vec())
        .bytes(Format::Npy, "Attention")
        .unwrap();
    let (shape, values) = read::npy(&bytes);
    assert_eq!(
        (shape, &values[..]),
        (vec![tokens, tokens], &*pattern.plane(2))
    );
    let bytes = Content::Arrays(maps)
        .bytes(Format::Safetensors, "Attention")
        .unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(
        file.tensor("layer.1.pattern").unwrap().shape(),
        [4, tokens, tokens]
    );
    assert!(file.tensor("layer.1.scores").is_ok());

    shown(&mut headless, "embedding");
    let embedded = arrays(&mut headless, "embedding");
    let site = Site::Embed(EmbedSite::Out);
    assert_eq!(embedded[0].name, site.to_string());
    assert_eq!(
        &*embedded[0].singles(),
        &*trace.values(site).unwrap().flat()
    );

    shown(&mut headless, "feed_forward");
    let fired = arrays(&mut headless, "feed_forward");
    let site = Site::Layer(1, LayerSite::FfnAct);
    assert_eq!(fired[0].name, site.to_string());
    assert_eq!(&*fired[0].singles(), &*trace.values(site).unwrap().flat());

    shown(&mut headless, "position");
    let positions = arrays(&mut headless, "position");
    let embedded = trace.values(Site::Embed(EmbedSite::Position)).unwrap();
    let rows = &positions[0].singles()[..tokens * positions[0].shape[1]];
    assert_eq!(rows, &*embedded.flat(), "the rows that the text uses");

    shown(&mut headless, "pooling");
    let pooled = arrays(&mut headless, "pooling");
    assert_eq!(pooled[0].name, "pooled.mean");
    assert_eq!(pooled[0].shape, [4, 32]);
    let cosines = pooled[1].singles();
    assert!(
        (cosines[1] - cosine(headless.app())).abs() < 1e-5,
        "A with B"
    );
}

#[test]
fn what_has_no_arrays_says_so() {
    let mut headless = headless(state());
    shown(&mut headless, "diagnosis");
    let why = figures(&mut headless, "diagnosis", Format::Npy)
        .err()
        .unwrap();
    assert!(
        why.contains("Diagnosis") && why.contains("no arrays"),
        "{why}"
    );
}

#[test]
fn a_csv_reads_back_as_the_table_that_is_shown() {
    let mut state = state();
    // Quotes, commas and a line end in one text.
    state.set_texts(["the \"cat\", sat\nthe dog", "a, b"]);
    let mut headless = headless(state);
    for panel in ["tokens", "what_if", "diagnosis", "embedding"] {
        shown(&mut headless, panel);
        let shown = tsv(&mut headless, panel).unwrap();
        let Ok(Content::Table(table)) = figures(&mut headless, panel, Format::Csv) else {
            panic!("a table");
        };
        let csv = Content::Table(table).bytes(Format::Csv, panel).unwrap();
        let read = read::csv(&String::from_utf8(csv).unwrap());
        let cells: Vec<Vec<&str>> = shown.lines().map(|l| l.split('\t').collect()).collect();
        assert_eq!(read, cells, "{panel}");
    }
    shown(&mut headless, "tokens");
    let table = tsv(&mut headless, "tokens").unwrap();
    assert!(table.contains('"') && table.contains(','), "{table}");
}

#[test]
fn a_token_with_a_comma_is_quoted_in_the_csv_of_a_map() {
    let mut headless = headless(state());
    shown(&mut headless, "attention");
    let map = arrays(&mut headless, "attention").remove(0);
    let labels: Vec<String> = ["a,b", "say \"x\"", "plain"].map(String::from).to_vec();
    let few = NamedArray::new(
        "m",
        vec![3, 3],
        embedscope::app::export::Numbers::Single(vec![0.5; 9]),
    )
    .named(labels.clone(), labels.clone());
    let csv = Content::Arrays(vec![few]).bytes(Format::Csv, "x").unwrap();
    let read = read::csv(&String::from_utf8(csv).unwrap());
    assert_eq!(read[0][1..], labels);
    assert_eq!(read[2], ["say \"x\"", "0.5", "0.5", "0.5"]);
    let csv = Content::Arrays(vec![map.clone()])
        .bytes(Format::Csv, "x")
        .unwrap();
    let read = read::csv(&String::from_utf8(csv).unwrap());
    let trace = headless.app().shown()[0].trace.clone().unwrap();
    assert_eq!(read[0][1..], trace.tokens.labels);
    let row: f32 = read[1][1..]
        .iter()
        .map(|cell| cell.parse::<f32>().unwrap())
        .sum();
    assert!(
        (row - 1.).abs() < 1e-5,
        "a row of the pattern sums to {row}"
    );
}
