use tempfile::TempDir;

use crate::run::{fixture, run};

fn snapshot(panel: &str, out: &std::path::Path) -> crate::run::Outcome {
    let model = fixture("tiny/plain");
    let out = out.to_str().unwrap();
    run(&[
        "snapshot", "--model", &model, "--text", "the cat", "--text", "a dog", "--panel", panel,
        "--out", out,
    ])
}

#[test]
fn the_ending_chooses_what_is_written() {
    let dir = TempDir::new().unwrap();
    let file = |name: &str| dir.path().join(name);
    snapshot("attention", &file("a.svg")).ok();
    let svg = std::fs::read_to_string(file("a.svg")).unwrap();
    assert!(svg.starts_with("<?xml") && svg.contains("<image "));
    snapshot("attention", &file("a.npy")).ok();
    let npy = std::fs::read(file("a.npy")).unwrap();
    assert!(npy.starts_with(b"\x93NUMPY"));
    let shape = String::from_utf8_lossy(&npy[..128]).into_owned();
    assert!(
        shape.contains("'shape': (4, 4)"),
        "[CLS] the cat [SEP]: {shape}"
    );
    snapshot("attention", &file("a.safetensors")).ok();
    assert_eq!(
        crate::run::tensors(&file("a.safetensors"))["layer.0.pattern"].0,
        [4, 4, 4]
    );
    snapshot("tokens", &file("t.csv")).ok();
    let csv = std::fs::read_to_string(file("t.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 4);
    snapshot("tokens", &file("t.svg")).ok();
    let svg = std::fs::read_to_string(file("t.svg")).unwrap();
    let height = svg.split_once(" height=\"").unwrap().1;
    let height: u32 = height.split_once('"').unwrap().0.parse().unwrap();
    assert!(
        (300..1500).contains(&height),
        "cells without letters make no picture long: {height}"
    );
    snapshot("tokens", &file("t.tsv")).ok();
    let tsv = std::fs::read_to_string(file("t.tsv")).unwrap();
    assert_eq!(
        tsv.lines().next().unwrap().replace('\t', ","),
        csv.lines().next().unwrap()
    );
}

#[test]
fn an_unknown_ending_is_bad_usage_and_what_a_panel_lacks_is_told() {
    let dir = TempDir::new().unwrap();
    let error = snapshot("tokens", &dir.path().join("a.jpg")).usage();
    assert!(error.contains("a.jpg") && error.contains(".svg"), "{error}");
    let error = snapshot("diagnosis", &dir.path().join("a.npy")).error();
    assert!(error.contains("no arrays"), "{error}");
    let error = snapshot("tokens", std::path::Path::new("/no/such/folder/a.svg")).error();
    assert!(error.contains("/no/such/folder/a.svg"), "{error}");
}

#[test]
fn a_report_is_one_file() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("r.html");
    let model = fixture("tiny/plain");
    let done = run(&[
        "report",
        "--model",
        &model,
        "--text",
        "the cat",
        "--text",
        "it's <b>",
        "--pooling",
        "max",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(done.ok(), "");
    let page = std::fs::read_to_string(&out).unwrap();
    assert!(page.contains("it&#39;s &lt;b&gt;") && page.contains("--pooling max"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let done = run(&[
        "report",
        "--model",
        &model,
        "--text",
        "a",
        "--out",
        "/no/such/folder/r.html",
    ]);
    assert!(done.error().contains("/no/such/folder"));
}

#[test]
fn two_columns_are_both_in_the_picture_the_table_and_the_arrays() {
    let dir = TempDir::new().unwrap();
    let snapshot = |panel: &str, name: &str, more: &[&str]| {
        let (model, out) = (fixture("tiny/plain"), dir.path().join(name));
        let out = out.to_str().unwrap();
        let texts = ["--text", "the cat", "--text", "a dog bit"];
        let args = [
            "snapshot", "--model", &model, "--panel", panel, "--out", out,
        ];
        run(&[&args[..], &texts[..], more].concat())
    };
    snapshot("attention", "a.safetensors", &["--beside"]).ok();
    let tensors = crate::run::tensors(&dir.path().join("a.safetensors"));
    assert_eq!(tensors["A/layer.0.pattern"].0, [4, 4, 4]);
    assert_eq!(tensors["B/layer.0.pattern"].0, [4, 5, 5]);
    snapshot("tokens", "t.tsv", &["--beside"]).ok();
    let tsv = std::fs::read_to_string(dir.path().join("t.tsv")).unwrap();
    assert!(tsv.starts_with("A\tthe cat\t"), "{tsv}");
    assert!(tsv.contains("\nB\ta dog bit\t"), "{tsv}");
    assert_eq!(tsv.lines().count(), 2 * 2 + 4 + 5);
    snapshot("tokens", "t.svg", &["--beside", "--size", "900x700"]).ok();
    let svg = std::fs::read_to_string(dir.path().join("t.svg")).unwrap();
    // Each word has a place of its own.
    let parts = svg.split('<').filter_map(|part| part.split_once('>'));
    let words: String = parts.map(|(_, words)| words).collect();
    assert!(words.contains("the cat") && words.contains("a dog bit"));

    let second = fixture("families/roberta");
    let models = ["--beside", "models", "--reference", &second];
    snapshot("attention", "m.safetensors", &models).ok();
    let tensors = crate::run::tensors(&dir.path().join("m.safetensors"));
    assert_eq!(tensors["first/layer.0.pattern"].0, [4, 4, 4]);
    assert_eq!(
        tensors["second/layer.0.pattern"].0[0], 2,
        "heads of roberta"
    );
    let error = snapshot("attention", "m.png", &["--beside", "models"]).usage();
    assert!(error.contains("--reference"), "{error}");
}

#[test]
fn a_snapshot_needs_no_screen_and_no_graphics_driver() {
    let dir = TempDir::new().unwrap();
    let model = fixture("tiny/plain");
    for (panel, theme, dark) in [("window", "dark", true), ("attention", "light", false)] {
        let out = dir.path().join(format!("{panel}.png"));
        let mut command = crate::run::command(&[
            "snapshot",
            "--model",
            &model,
            "--text",
            "the cat",
            "--text",
            "a dog",
            "--panel",
            panel,
            "--size",
            "900x620",
            "--theme",
            theme,
            "--out",
            out.to_str().unwrap(),
        ]);
        for name in [
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "WAYLAND_SOCKET",
            "XDG_RUNTIME_DIR",
        ] {
            command.env_remove(name);
        }
        // What Vulkan and GL loaders look for their drivers by.
        for name in [
            "VK_ICD_FILENAMES",
            "VK_DRIVER_FILES",
            "LIBGL_DRIVERS_PATH",
            "GBM_BACKENDS_PATH",
            "__EGL_VENDOR_LIBRARY_FILENAMES",
        ] {
            command.env(name, "/nonexistent");
        }
        let done = command.output().unwrap();
        assert!(done.status.success(), "{panel}: {done:?}");
        let picture = image::open(&out).unwrap().to_rgba8();
        assert_eq!(picture.dimensions(), (900, 620), "{panel}");
        let mut counts = std::collections::HashMap::<[u8; 4], usize>::new();
        for pixel in picture.pixels() {
            *counts.entry(pixel.0).or_default() += 1;
        }
        let (ground, most) = counts.iter().max_by_key(|(_, count)| **count).unwrap();
        assert!(*most < 900 * 620 * 98 / 100, "{panel} is blank");
        assert!(counts.len() > 100, "{panel}: {} colours", counts.len());
        assert_eq!(ground[0] < 128, dark, "{panel}: {ground:?}");
        assert!(
            picture.pixels().all(|pixel| pixel.0[3] == 255),
            "{panel} has holes"
        );
        // Text and map reach into every quarter but the last, where a panel may end early.
        for (x, y) in [(0, 0), (450, 0), (0, 310)] {
            let part = image::imageops::crop_imm(&picture, x, y, 450, 310);
            let other = part.to_image();
            let other = other.pixels().filter(|pixel| pixel.0 != *ground).count();
            assert!(other > 500, "{panel} has {other} pixels at {x}, {y}");
        }
    }
}
