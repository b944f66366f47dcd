//! Folders: what is taken for a model, and that nothing outside it is read.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test may end it as the test itself may"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A folder with these files in it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn open(path: &Path) -> Result<ModelFiles, SourceError> {
    let reference = ModelRef::Folder(path.to_path_buf());
    resolve(
        &reference,
        &SourceOptions::default(),
        &|_| (),
        &Cancel::new(),
    )
}

const PLAIN: [(&str, &str); 3] = [
    ("config.json", "{\"model_type\": \"bert\"}"),
    ("tokenizer.json", "{}"),
    ("model.safetensors", "weights"),
];

#[test]
fn a_folder_is_used_as_it_is() {
    let model = folder(&PLAIN);
    let files = open(model.path()).unwrap();
    assert_eq!(files.json("config.json").unwrap()["model_type"], "bert");
    assert_eq!(*files.read("model.safetensors").unwrap(), *b"weights");
    assert_eq!(files.json_if_present("modules.json").unwrap(), None);
    assert_eq!(
        files.weight_files().unwrap(),
        [StoredFile::Disk(model.path().join("model.safetensors"))]
    );
    assert_eq!(files.encoder_dir(), "");
    assert_eq!(files.revision(), None);
}

#[test]
fn what_is_no_model_folder_is_named_with_what_is_expected() {
    let model = folder(&[("notes.txt", "")]);
    let cases = [
        (model.path().join("nowhere"), "no such folder"),
        (model.path().join("notes.txt"), "is not a folder"),
        (model.path().to_path_buf(), "has no config.json"),
    ];
    for (path, expected) in cases {
        let text = open(&path).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
        assert!(text.contains(&path.display().to_string()), "{text}");
        assert!(!text.contains('\n'));
    }
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let secret = folder(&[("secret.json", "{}")]);
    let model = folder(&PLAIN);
    let root = model.path();
    symlink(secret.path().join("secret.json"), root.join("link.json")).unwrap();
    symlink(secret.path(), root.join("linked")).unwrap();
    symlink(root.join("config.json"), root.join("inside.json")).unwrap();
    symlink("/dev/zero", root.join("endless.json")).unwrap();
    let files = open(root).unwrap();
    let absolute = secret.path().join("secret.json");
    for name in [
        "link.json",
        "linked/secret.json",
        "../secret.json",
        "a/../../x",
        "endless.json",
        absolute.to_str().unwrap(),
        "",
    ] {
        let error = files.read(name).expect_err(name);
        assert!(
            matches!(error, SourceError::OutsideFolder { .. }),
            "{name}: {error}"
        );
        assert!(!files.has(name));
    }
    assert!(files.has("inside.json"));
    for name in ["nowhere.json", "config.json/x", "."] {
        let error = files.read(name).expect_err(name);
        assert!(
            matches!(error, SourceError::MissingFile { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_snapshot_given_as_a_folder_may_link_to_its_blobs() {
    let cache = folder(&[
        ("models--o--n/blobs/aa", "{}"),
        ("models--o--n/blobs/bb", "weights"),
        ("models--o--n/snapshots/c0/tokenizer.json", "{}"),
        ("outside.json", "{}"),
    ]);
    let snapshot = cache.path().join("models--o--n/snapshots/c0");
    symlink("../../blobs/aa", snapshot.join("config.json")).unwrap();
    symlink("../../blobs/bb", snapshot.join("model.safetensors")).unwrap();
    symlink("../../../outside.json", snapshot.join("modules.json")).unwrap();
    let error = open(&snapshot).unwrap_err();
    assert!(
        matches!(error, SourceError::OutsideFolder { .. }),
        "{error}"
    );
    fs::remove_file(snapshot.join("modules.json")).unwrap();
    let files = open(&snapshot).unwrap();
    assert_eq!(*files.read("model.safetensors").unwrap(), *b"weights");
}

#[test]
fn broken_json_is_named_by_file_line_and_column() {
    let model = folder(&PLAIN);
    fs::write(model.path().join("bad.json"), "{\n  \"a\": 1,\n  oops\n}").unwrap();
    fs::write(model.path().join("marked.json"), "\u{feff}{\"a\": 1}").unwrap();
    fs::write(model.path().join("empty.json"), "").unwrap();
    let files = open(model.path()).unwrap();
    let text = files.json("bad.json").unwrap_err().to_string();
    assert!(
        text.contains("bad.json") && text.contains("line 3, column 3"),
        "{text}"
    );
    assert_eq!(text.matches("line").count(), 1, "{text}");
    assert!(files.json("empty.json").is_err());
    assert_eq!(files.json("marked.json").unwrap()["a"], 1);
    fs::write(model.path().join("modules.json"), "[").unwrap();
    let text = open(model.path()).unwrap_err().to_string();
    assert!(text.contains("modules.json"), "{text}");
}

#[test]
fn pickles_are_refused_with_the_way_out() {
    let model = folder(&[PLAIN[0], PLAIN[1], ("pytorch_model.bin", "pickle")]);
    let error = open(model.path()).unwrap().weight_files().unwrap_err();
    assert!(matches!(error, SourceError::PicklesOnly { .. }), "{error}");
    let text = error.to_string();
    for part in [
        "pytorch_model.bin",
        "never read",
        "save_file",
        "safe_serialization=True",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let model = folder(&PLAIN[..2]);
    let error = open(model.path()).unwrap().weight_files().unwrap_err();
    assert!(matches!(error, SourceError::NoWeights { .. }), "{error}");
}

#[test]
fn shards_are_listed_and_kept_inside() {
    let index =
        |a: &str| format!("{{\"weight_map\": {{\"x\": \"{a}\", \"y\": \"b.safetensors\"}}}}");
    let model = folder(&[
        PLAIN[0],
        PLAIN[1],
        ("a.safetensors", "1"),
        ("b.safetensors", "2"),
    ]);
    let path = model.path().join("model.safetensors.index.json");
    let weights = |text: String| {
        fs::write(&path, text).unwrap();
        open(model.path()).unwrap().weight_files()
    };
    let root = model.path();
    assert_eq!(
        weights(index("a.safetensors")).unwrap(),
        ["a.safetensors", "b.safetensors"].map(|name| StoredFile::Disk(root.join(name)))
    );
    let missing = weights(index("c.safetensors")).unwrap_err();
    assert!(
        matches!(missing, SourceError::MissingFile { .. }),
        "{missing}"
    );
    for escape in ["../../x.safetensors", "/etc/x.safetensors"] {
        let error = weights(index(escape)).unwrap_err();
        assert!(
            matches!(error, SourceError::OutsideFolder { .. }),
            "{error}"
        );
    }
}

#[test]
fn an_encoder_may_have_its_own_folder() {
    let modules =
        "[{\"path\": \"0_Transformer\", \"type\": \"sentence_transformers.models.Transformer\"}]";
    let model = folder(&[
        ("modules.json", modules),
        ("0_Transformer/config.json", "{}"),
        ("0_Transformer/model.safetensors", "weights"),
    ]);
    let files = open(model.path()).unwrap();
    assert_eq!(files.encoder_dir(), "0_Transformer");
    assert_eq!(
        files.weight_files().unwrap(),
        [StoredFile::Disk(
            model.path().join("0_Transformer/model.safetensors")
        )]
    );
}

#[test]
fn the_hash_follows_the_content_and_not_the_place() {
    let hash = |model: &TempDir| open(model.path()).unwrap().hash().unwrap();
    let (one, two) = (folder(&PLAIN), folder(&PLAIN));
    assert_eq!(hash(&one), hash(&two));
    assert_eq!(hash(&one).len(), 16);
    fs::write(two.path().join("README.md"), "irrelevant").unwrap();
    assert_eq!(hash(&one), hash(&two));
    for (name, _) in PLAIN {
        let other = folder(&PLAIN);
        fs::write(other.path().join(name), "{\"other\": 1}").unwrap();
        assert_ne!(hash(&one), hash(&other), "{name}");
    }

    // In a hub cache the blob's name stands for the content.
    let sum = digest::sha256_bytes(b"weights");
    let blob = format!("models--o--n/blobs/{sum}");
    let cache = folder(&[(&blob, "weights"), ("models--o--n/snapshots/c0/x", "")]);
    let snapshot = cache.path().join("models--o--n/snapshots/c0");
    for (name, content) in &PLAIN[..2] {
        fs::write(snapshot.join(name), content).unwrap();
    }
    symlink(
        format!("../../blobs/{sum}"),
        snapshot.join("model.safetensors"),
    )
    .unwrap();
    assert_eq!(open(&snapshot).unwrap().hash().unwrap(), hash(&one));
}
