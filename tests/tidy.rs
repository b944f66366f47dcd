//! The invariants of the architecture, held against the source itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under a folder of src, with its text up to its tests.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src").join(folder)];
    while let Some(folder) = folders.pop() {
        if folder.with_extension("rs").is_file() {
            found.push(folder.with_extension("rs"));
        }
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.dedup();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> = code
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .collect();
        (path, code.join("\n"))
    };
    found.into_iter().map(read).collect()
}

/// Fails with every file under `folders` that has one of `words`.
fn forbid(folders: &[&str], words: &[&str], why: &str) {
    let mut broken = Vec::new();
    let mut read = 0;
    for folder in folders {
        for (path, code) in sources(folder) {
            read += 1;
            for word in words.iter().filter(|word| code.contains(**word)) {
                broken.push(format!("{} has `{word}`", path.display()));
            }
        }
    }
    assert!(read > 0, "no source was read under {folders:?}");
    assert!(broken.is_empty(), "{why}:\n{}", broken.join("\n"));
}

#[test]
fn the_engine_room_knows_nothing_of_the_window() {
    forbid(
        &["tokens", "model", "trace", "analysis", "engine"],
        &[
            "egui",
            "eframe",
            "crate::app",
            "crate::views",
            "crate::widgets",
        ],
        "nothing below the window may know of it",
    );
}

#[test]
fn views_only_paint() {
    forbid(
        &["views"],
        &[
            "candle",
            "thread::",
            "std::fs",
            "File::",
            "Color32::from",
            "Rgba::from",
        ],
        "views import no candle, start no threads, open no files and make no colours",
    );
}

#[test]
fn colours_are_made_in_the_theme_and_the_colour_maps_alone() {
    let mut makers: Vec<String> = sources("")
        .into_iter()
        .filter(|(_, code)| code.contains("Color32::from_") || code.contains("hex_color!"))
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    makers.retain(|file| file != "theme.rs" && file != "colormap.rs");
    assert!(
        makers.is_empty(),
        "these files make colours of their own: {makers:?}"
    );
}

#[test]
fn analyses_touch_no_files_and_no_threads() {
    forbid(
        &["analysis"],
        &["std::fs", "std::net", "thread::", "File::"],
        "analyses are pure functions",
    );
}

#[test]
fn stock_models_are_the_oracle_and_never_the_forward_pass() {
    let users: Vec<_> = sources("")
        .into_iter()
        .filter(|(_, code)| code.contains("candle_transformers"))
        .map(|(path, _)| path.strip_prefix(root()).unwrap().display().to_string())
        .collect();
    let allowed =
        |path: &String| path.starts_with("src/cli/check") || path.starts_with("src/parity");
    assert!(
        users.iter().all(allowed),
        "candle-transformers is used in {users:?}"
    );
}

#[test]
fn nothing_is_unpickled() {
    let everything = [""];
    forbid(
        &everything,
        &["pickle::", "PthTensors", "from_pth"],
        "weights are safetensors only",
    );
}

#[test]
fn painting_functions_say_so() {
    let mut unnamed = Vec::new();
    for folder in ["views", "widgets", "app"] {
        for (path, code) in sources(folder) {
            for line in code.lines().map(str::trim_start) {
                let Some(rest) = line
                    .trim_start_matches("pub ")
                    .trim_start_matches("pub(super) ")
                    .strip_prefix("fn ")
                else {
                    continue;
                };
                let name = rest.split(['(', '<']).next().unwrap_or_default();
                if rest.contains("ui: &mut Ui")
                    && !(name == "new" || name == "ui" || name.ends_with("_ui"))
                {
                    unnamed.push(format!("{}: {name}", path.display()));
                }
            }
        }
    }
    assert!(
        unnamed.is_empty(),
        "functions that paint end in _ui:\n{}",
        unnamed.join("\n")
    );
}

#[test]
fn files_stay_small_enough_to_hold_in_the_head() {
    const MOST: usize = 450;
    let long: Vec<_> = sources("")
        .into_iter()
        .map(|(path, code)| (path, code.lines().count()))
        .filter(|(_, lines)| *lines > MOST)
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
}
