//! What is asked for, and what ends up in the cache.

use std::fs;
use std::path::Path;
use std::time::Instant;

use embedscope::cancel::Cancel;
use embedscope::model::source::{self, ModelRef, Progress, SourceError, SourceOptions};

use crate::hub_server::{HubServer, Request, sha256};
use crate::machine::*;
use crate::xet;

/// The bytes of every file in a folder.
fn sizes_below(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).unwrap();
    let of = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sizes_below(&path),
            false => vec![fs::metadata(&path).unwrap().len()],
        }
    };
    entries.flat_map(of).collect()
}

#[test]
fn the_size_is_that_of_what_a_download_brings_and_is_asked_without_one() {
    within(seconds(20), || {
        let hub = HubServer::serving(tiny());
        let machine = Machine::new(&hub.url());
        let size = machine.size(ID).unwrap();
        assert!(!machine.repo_folder().exists(), "nothing is written");
        let asked = hub.requests();
        assert!(
            asked
                .iter()
                .all(|request| !request.path.contains("/resolve/"))
        );
        machine.resolve(ID).unwrap();
        let fetched = sizes_below(&machine.snapshot());
        assert!(fetched.len() > 8, "{fetched:?}");
        assert_eq!(size, fetched.iter().sum::<u64>());
        assert_eq!(machine.size(ID).unwrap(), 0, "it is there by now");
        // A model of pickles is refused before anything is weighed.
        let hub = HubServer::serving(without(&[WEIGHTS, "2_Dense/model.safetensors"]));
        let machine = Machine::new(&hub.url());
        let refused = machine.size(ID);
        assert!(
            matches!(refused, Err(SourceError::PicklesOnly { .. })),
            "{refused:?}"
        );
        let mut offline = Machine::new(&hub.url());
        offline.options.offline = true;
        let before = hub.requests().len();
        let error = offline.size(ID).unwrap_err();
        assert!(matches!(error, SourceError::NotCached { .. }), "{error}");
        assert_eq!(hub.requests().len(), before, "offline asks nobody");
        let missing = machine.size("some-org/other").unwrap_err();
        assert!(missing.to_string().contains("some-org/other"), "{missing}");
    });
}

#[test]
fn a_download_fills_the_cache_as_python_would_and_is_not_repeated() {
    within(seconds(20), || {
        let hub = HubServer::serving(tiny());
        let machine = Machine::new(&hub.url());
        let files = machine.resolve(ID).unwrap();
        assert_eq!(files.id(), ID);
        assert_eq!(files.revision(), Some(COMMIT));
        assert_eq!(files.folder(), Some(machine.snapshot().as_path()));
        assert_eq!(
            files.read(WEIGHTS).unwrap().into_owned(),
            tiny().files[WEIGHTS]
        );
        assert_eq!(
            files.weight_files().unwrap(),
            [source::StoredFile::Disk(machine.snapshot().join(WEIGHTS))]
        );
        assert!(files.warnings().is_empty());

        let folder = machine.repo_folder();
        assert_eq!(
            fs::read_to_string(folder.join("refs/main")).unwrap(),
            COMMIT
        );
        let link = fs::read_link(machine.snapshot().join(WEIGHTS)).unwrap();
        let sum = sha256(&tiny().files[WEIGHTS]);
        assert_eq!(link, Path::new("../../blobs").join(&sum));
        assert!(folder.join("blobs").join(sum).is_file());
        let dense = fs::read_link(machine.snapshot().join("2_Dense/model.safetensors")).unwrap();
        assert!(dense.starts_with("../../../blobs"));
        for unwanted in ["README.md", "pytorch_model.bin", "onnx/model.onnx"] {
            assert!(!files.has(unwanted), "{unwanted}");
        }

        let before = hub.requests().len();
        let again = machine.resolve(ID).unwrap();
        assert_eq!(
            hub.requests().len(),
            before,
            "a complete model costs no request"
        );
        assert_eq!(again.hash().unwrap(), files.hash().unwrap());

        let cached = source::cached(&machine.options);
        assert_eq!(cached.len(), 1);
        assert_eq!(
            (cached[0].id.as_str(), cached[0].revision.as_str()),
            (ID, COMMIT)
        );
        assert_eq!(cached[0].refs, ["main"]);
        assert_eq!(cached[0].missing, None);
        let wanted = |file: &&String| files.has(file);
        let bytes: usize = tiny()
            .files
            .keys()
            .filter(wanted)
            .map(|file| tiny().files[file].len())
            .sum();
        assert_eq!(cached[0].bytes, bytes as u64);
    });
}

#[test]
fn progress_counts_files_and_bytes() {
    within(seconds(20), || {
        let hub = HubServer::serving(tiny());
        let machine = Machine::new(&hub.url());
        machine.resolve(ID).unwrap();
        let heard = machine.heard.lock().unwrap();
        assert_eq!(heard[0].files, 0, "the first word is that it asks the hub");
        let last = heard.last().unwrap();
        assert_eq!(last.file_index + 1, last.files);
        let size = tiny().files[&last.file].len() as u64;
        assert_eq!((last.bytes, last.total), (size, Some(size)));
        assert!(
            heard
                .iter()
                .any(|p| p.file == WEIGHTS && p.bytes == tiny().files[WEIGHTS].len() as u64)
        );
    });
}

#[test]
fn offline_uses_the_cache_alone() {
    within(seconds(20), || {
        let hub = HubServer::serving(tiny());
        let mut machine = Machine::new(&hub.url());
        machine.options.offline = true;
        let error = machine.resolve(ID).unwrap_err();
        assert!(matches!(error, SourceError::NotCached { .. }), "{error}");
        assert!(one_line(&error).contains("HF_HUB_OFFLINE"));
        assert!(hub.requests().is_empty());

        machine.options.offline = false;
        machine.resolve(ID).unwrap();
        let before = hub.requests().len();
        machine.options.offline = true;
        machine.resolve(ID).unwrap();
        assert_eq!(hub.requests().len(), before);
        let error = machine.resolve("some-org/tiny-model@v1").unwrap_err();
        assert!(matches!(error, SourceError::NotCached { .. }), "{error}");
    });
}

#[test]
fn the_token_goes_along() {
    within(seconds(20), || {
        let hub = HubServer::serving(tiny());
        let mut machine = Machine::new(&hub.url());
        machine.options.token = Some("hf_test".into());
        machine.resolve(ID).unwrap();
        let requests: Vec<Request> = hub.requests();
        assert!(!requests.is_empty());
        for request in requests {
            assert_eq!(
                request.token.as_deref(),
                Some("Bearer hf_test"),
                "{} {}",
                request.method,
                request.path
            );
        }
    });
}

#[test]
fn a_revision_is_its_own_snapshot() {
    within(seconds(20), || {
        let hub = HubServer::serving(tiny());
        let machine = Machine::new(&hub.url());
        for revision in ["v1", "refs/pr/1", TAGGED] {
            let files = machine.resolve(&format!("{ID}@{revision}")).unwrap();
            assert_eq!(files.revision(), Some(TAGGED), "{revision}");
            assert_eq!(files.id(), format!("{ID}@{revision}"));
        }
        let folder = machine.repo_folder();
        assert_eq!(
            fs::read_to_string(folder.join("refs/refs/pr/1")).unwrap(),
            TAGGED
        );
        assert!(!folder.join("refs/main").exists(), "nobody asked for main");
        let before = hub.requests().len();
        machine.resolve(&format!("{ID}@89abcdef")).unwrap();
        assert_eq!(
            hub.requests().len(),
            before,
            "the start of a cached commit names it"
        );
        let error = machine.resolve(&format!("{ID}@nope")).unwrap_err();
        assert!(
            matches!(error, SourceError::NoSuchRevision { .. }),
            "{error}"
        );
        assert!(one_line(&error).contains("nope"));
    });
}

#[test]
fn weights_come_from_xet_storage_too() {
    within(seconds(30), || {
        let hub = HubServer::start(|request| xet::answer(&tiny(), request));
        let machine = Machine::new(&hub.url());
        let files = machine.resolve(ID).unwrap();
        assert_eq!(
            files.read(WEIGHTS).unwrap().into_owned(),
            tiny().files[WEIGHTS]
        );
        let storage = |r: &Request| r.path.starts_with("/xorb/");
        assert!(hub.requests().iter().any(storage), "the storage was asked");
        assert!(!hub.requests().iter().any(|r| r.path.starts_with("/cdn/")));
    });
}

#[test]
fn a_sharded_model_comes_whole() {
    within(seconds(20), || {
        let mut repo = without(&[WEIGHTS]);
        let index =
            r#"{"weight_map":{"a":"model-1-of-2.safetensors","b":"model-2-of-2.safetensors"}}"#;
        repo.files
            .insert("model.safetensors.index.json".into(), index.into());
        repo.files
            .insert("model-1-of-2.safetensors".into(), b"one".to_vec());
        repo.files
            .insert("model-2-of-2.safetensors".into(), b"two".to_vec());
        let hub = HubServer::serving(repo);
        let machine = Machine::new(&hub.url());
        let files = machine.resolve(ID).unwrap();
        let shards = files.weight_files().unwrap();
        let read: Vec<_> = shards.iter().map(|file| file.read().unwrap()).collect();
        assert_eq!(read, [&b"one"[..], b"two"]);
        let before = hub.requests().len();
        machine.resolve(ID).unwrap();
        assert_eq!(hub.requests().len(), before);
        fs::remove_file(machine.snapshot().join("model-2-of-2.safetensors")).unwrap();
        machine.resolve(ID).unwrap();
        assert!(
            hub.requests().len() > before,
            "a lost shard is fetched again"
        );
    });
}

#[test]
fn a_model_without_a_module_list_is_asked_about_once() {
    within(seconds(20), || {
        let hub = HubServer::serving(without(&["modules.json"]));
        let machine = Machine::new(&hub.url());
        let files = machine.resolve(ID).unwrap();
        assert_eq!(files.modules(), None);
        let before = hub.requests().len();
        machine.resolve(ID).unwrap();
        assert_eq!(hub.requests().len(), before);
    });
}

#[test]
fn a_cache_that_transformers_filled_is_completed() {
    within(seconds(30), || {
        let hub = HubServer::serving(tiny());
        let mut machine = Machine::new(&hub.url());
        machine.resolve(ID).unwrap();
        // transformers alone never asks for the module list.
        fs::remove_file(machine.snapshot().join("modules.json")).unwrap();
        fs::remove_dir_all(machine.snapshot().join("1_Pooling")).unwrap();

        machine.options.offline = true;
        let files = machine.resolve(ID).unwrap();
        assert_eq!(
            files.warnings().len(),
            1,
            "offline it is used, with a warning"
        );

        machine.options.offline = false;
        machine.options.endpoint = Some(closed_port());
        assert_eq!(
            machine.resolve(ID).unwrap().warnings().len(),
            1,
            "and so without a network"
        );

        machine.options.endpoint = Some(hub.url());
        let files = machine.resolve(ID).unwrap();
        assert!(files.has("modules.json") && files.has("1_Pooling/config.json"));
        assert!(files.warnings().is_empty());
    });
}

#[test]
fn all_minilm_is_found_where_the_script_puts_it() {
    let options = SourceOptions {
        offline: true,
        ..SourceOptions::from_env()
    };
    let heard = |p: Progress| panic!("nothing is downloaded, not even {}", p.file);
    match source::resolve(&ModelRef::minilm(), &options, &heard, &Cancel::new()) {
        Ok(files) => {
            assert!(files.warnings().is_empty());
            assert_eq!(files.json("config.json").unwrap()["model_type"], "bert");
            assert_eq!(files.modules().unwrap().len(), 3);
            let start = Instant::now();
            assert_eq!(files.hash().unwrap().len(), 16);
            assert!(
                start.elapsed() < seconds(1),
                "the weights are not read for it"
            );
        }
        Err(error) => {
            let required = std::env::var_os("EMBEDSCOPE_REQUIRE_MODEL").is_some();
            assert!(!required, "{error}");
            eprintln!("left out: {error}");
        }
    }
}
