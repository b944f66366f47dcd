//! Models from a hub, against a hub on loopback: what is asked for, what ends
//! up in the cache, and what is said when something goes wrong.

#[path = "support/hub_server.rs"]
mod hub_server;
#[path = "support/xet.rs"]
mod xet;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use embedscope::cancel::Cancel;
use embedscope::model::source::{self, ModelFiles, ModelRef, Progress, SourceError, SourceOptions};
use hub_server::{HubServer, Pace, Reply, Repo, Request, sha256};
use tempfile::TempDir;

const ID: &str = "some-org/tiny-model";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const TAGGED: &str = "89abcdef0123456789abcdef0123456789abcdef";
const WEIGHTS: &str = "model.safetensors";

/// A repository with all that is wanted, and things that are not.
fn tiny() -> Repo {
    let modules = r#"[{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},
        {"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
        {"idx":2,"name":"2","path":"2_Dense","type":"sentence_transformers.models.Dense"},
        {"idx":3,"name":"3","path":"3_Normalize","type":"sentence_transformers.models.Normalize"}]"#;
    let files = [
        ("README.md", "read me"),
        ("pytorch_model.bin", "a pickle"),
        ("onnx/model.onnx", "not wanted"),
        ("config.json", r#"{"model_type":"bert"}"#),
        ("modules.json", modules),
        ("sentence_bert_config.json", r#"{"max_seq_length":256}"#),
        ("config_sentence_transformers.json", "{}"),
        ("tokenizer.json", "{}"),
        ("tokenizer_config.json", "{}"),
        ("vocab.txt", "[PAD]\n[UNK]\n"),
        (
            "1_Pooling/config.json",
            r#"{"pooling_mode_mean_tokens":true}"#,
        ),
        ("2_Dense/config.json", "{}"),
        (
            "2_Dense/model.safetensors",
            "dense weights, a few bytes of them",
        ),
        (
            WEIGHTS,
            "the weights: some more bytes than that, so that a half of them is a half",
        ),
    ];
    Repo {
        id: ID.into(),
        revisions: [("main", COMMIT), ("v1", TAGGED), ("refs/pr/1", TAGGED)]
            .map(|(name, commit)| (name.to_string(), commit.to_string()))
            .into(),
        files: files
            .map(|(name, content)| (name.to_string(), content.as_bytes().to_vec()))
            .into(),
    }
}

fn without(names: &[&str]) -> Repo {
    let mut repo = tiny();
    repo.files.retain(|file, _| !names.contains(&file.as_str()));
    repo
}

/// A machine with an empty cache, and what it heard of a download.
struct Machine {
    cache: TempDir,
    options: SourceOptions,
    heard: Mutex<Vec<Progress>>,
}

impl Machine {
    fn new(endpoint: &str) -> Self {
        let cache = TempDir::new().unwrap();
        let options = SourceOptions {
            endpoint: Some(endpoint.to_string()),
            cache: Some(cache.path().to_path_buf()),
            ..SourceOptions::default()
        };
        Machine {
            cache,
            options,
            heard: Mutex::default(),
        }
    }

    fn resolve(&self, reference: &str) -> Result<ModelFiles, SourceError> {
        self.resolve_until(reference, &Cancel::new())
    }

    fn resolve_until(&self, reference: &str, cancel: &Cancel) -> Result<ModelFiles, SourceError> {
        let reference: ModelRef = reference.parse().unwrap();
        source::resolve(
            &reference,
            &self.options,
            &|p| self.heard.lock().unwrap().push(p),
            cancel,
        )
    }

    fn repo_folder(&self) -> PathBuf {
        self.cache.path().join("models--some-org--tiny-model")
    }

    fn snapshot(&self) -> PathBuf {
        self.repo_folder().join("snapshots").join(COMMIT)
    }

    /// Nothing of `file` is left where anybody would take it for the file.
    fn assert_nothing_of(&self, file: &str, content: &[u8]) {
        assert!(
            fs::symlink_metadata(self.snapshot().join(file)).is_err(),
            "{file} is in the snapshot"
        );
        let blobs = fs::read_dir(self.repo_folder().join("blobs"))
            .into_iter()
            .flatten();
        for blob in blobs.map(|entry| entry.unwrap().path()) {
            let name = blob.file_name().unwrap().to_string_lossy().into_owned();
            assert!(!name.ends_with(".incomplete"), "{name} is left");
            assert_ne!(name, sha256(content), "the blob of {file} is left");
        }
        let offline = SourceOptions {
            offline: true,
            ..self.options.clone()
        };
        let reference: ModelRef = ID.parse().unwrap();
        source::resolve(&reference, &offline, &|_| (), &Cancel::new())
            .expect_err("the cache is not complete");
    }
}

/// Runs `work` elsewhere and fails when it takes longer than `limit`.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(work()));
    receive
        .recv_timeout(limit)
        .expect("done in time, and without a panic")
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn one_line(error: &SourceError) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n') && !text.is_empty(), "{text:?}");
    text
}

#[test]
fn a_download_fills_the_cache_as_python_would_and_is_not_repeated() {
    within(seconds(20), || {
        let hub = HubServer::serving(tiny());
        let machine = Machine::new(&hub.url());
        let files = machine.resolve(ID).unwrap();
        assert_eq!(files.id(), ID);
        assert_eq!(files.revision(), Some(COMMIT));
        assert_eq!(files.root(), machine.snapshot());
        assert_eq!(files.read(WEIGHTS).unwrap(), tiny().files[WEIGHTS]);
        assert_eq!(
            files.weight_files().unwrap(),
            [machine.snapshot().join(WEIGHTS)]
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
fn refusals_are_told_apart() {
    within(seconds(20), || {
        let hub = HubServer::serving(tiny());
        let error = Machine::new(&hub.url())
            .resolve("some-org/other")
            .unwrap_err();
        assert!(matches!(error, SourceError::NoSuchRepo { .. }), "{error}");
        let error = Machine::new(&hub.url())
            .resolve("some-org/other@v1")
            .unwrap_err();
        assert!(matches!(error, SourceError::NoSuchRepo { .. }), "{error}");

        // A gated model shows its list of files to everybody.
        for status in [401, 403] {
            let hub = HubServer::start(move |request| match request.path.starts_with("/api/") {
                true => tiny().answer(request),
                false => Reply::new(status, "").with("X-Error-Code", "GatedRepo"),
            });
            let error = Machine::new(&hub.url()).resolve(ID).unwrap_err();
            match status {
                401 => assert!(matches!(error, SourceError::Unauthorized { .. }), "{error}"),
                _ => assert!(matches!(error, SourceError::Forbidden { .. }), "{error}"),
            }
            assert!(one_line(&error).contains("HF_TOKEN"));
        }
        let hub =
            HubServer::start(|_| Reply::new(401, "{\"error\":\"Invalid username or password.\"}"));
        let error = Machine::new(&hub.url()).resolve(ID).unwrap_err();
        assert!(matches!(error, SourceError::Unauthorized { .. }), "{error}");
    });
}

#[test]
fn a_hub_that_fails_twice_is_asked_again() {
    within(seconds(30), || {
        let failures = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
        let seen = Arc::clone(&failures);
        let hub = HubServer::start(move |request| {
            let mut seen = seen.lock().unwrap();
            let count = seen
                .entry(format!("{} {}", request.method, request.path))
                .or_default();
            *count += 1;
            let fragile =
                request.path.starts_with("/api/") || request.path.ends_with("/config.json");
            if fragile && *count <= 2 {
                return Reply::new(500, "not now");
            }
            tiny().answer(request)
        });
        Machine::new(&hub.url()).resolve(ID).unwrap();
    });
}

#[test]
fn a_hub_that_keeps_failing_is_reported() {
    within(seconds(30), || {
        let hub = HubServer::start(|_| Reply::new(503, "down for\nrepairs"));
        let error = Machine::new(&hub.url()).resolve(ID).unwrap_err();
        assert!(
            matches!(error, SourceError::Hub { status: 503, .. }),
            "{error}"
        );
        one_line(&error);
        assert!(hub.requests().len() > 1);
    });
}

#[test]
fn cancel_ends_a_slow_download_at_once_and_leaves_nothing() {
    within(seconds(20), || {
        let hub = HubServer::start(|request| {
            let pace = if request.path.ends_with(WEIGHTS) {
                Pace::Dribble
            } else {
                Pace::Whole
            };
            tiny().answer(request).paced(pace)
        });
        let machine = Machine::new(&hub.url());
        let cancel = Cancel::new();
        let stopper = thread::spawn({
            let cancel = cancel.clone();
            move || {
                thread::sleep(Duration::from_millis(700));
                cancel.cancel();
                Instant::now()
            }
        });
        let error = machine.resolve_until(ID, &cancel).unwrap_err();
        let late = stopper.join().unwrap().elapsed();
        assert!(matches!(error, SourceError::Cancelled), "{error}");
        assert!(late < seconds(1), "returned {late:?} after the cancel");
        machine.assert_nothing_of(WEIGHTS, &tiny().files[WEIGHTS]);
        // And a second go completes it, taking up what had arrived.
        let hub = HubServer::serving(tiny());
        let mut machine = machine;
        machine.options.endpoint = Some(hub.url());
        machine.resolve(ID).unwrap();
        assert!(
            !hub.requests().iter().any(|r| r.gets("tokenizer.json")),
            "what was there is kept"
        );
    });
}

#[test]
fn a_cancelled_job_does_not_even_begin() {
    within(seconds(5), || {
        let hub = HubServer::serving(tiny());
        let cancel = Cancel::new();
        cancel.cancel();
        let error = Machine::new(&hub.url())
            .resolve_until(ID, &cancel)
            .unwrap_err();
        assert!(matches!(error, SourceError::Cancelled), "{error}");
    });
}

/// Downloads from a hub that spoils `file`, which must be refused and leave
/// nothing behind.
fn assert_refused(file: &'static str, hub: HubServer) {
    within(seconds(30), move || {
        let machine = Machine::new(&hub.url());
        let error = machine.resolve(ID).unwrap_err();
        assert!(matches!(error, SourceError::Broken { .. }), "{error}");
        assert!(one_line(&error).contains(file));
        machine.assert_nothing_of(file, &tiny().files[file]);
    });
}

fn cutting(file: &'static str) -> HubServer {
    HubServer::start(move |request| {
        let cut = request.path.ends_with(file) && request.method == "GET";
        tiny()
            .answer(request)
            .paced(if cut { Pace::Half } else { Pace::Whole })
    })
}

/// Gives a page of the storage's in place of `file`. hf-hub itself stores it
/// as the file, whatever the status.
fn garbling(file: &'static str, status: u16) -> HubServer {
    HubServer::start(move |request| {
        let page = "<html>the storage is out of order, please come back later</html>";
        if request.gets(file) {
            Reply::new(status, page)
        } else {
            tiny().answer(request)
        }
    })
}

#[test]
fn truncated_weights_are_refused_and_nothing_is_kept() {
    assert_refused(WEIGHTS, cutting(WEIGHTS));
}

#[test]
fn a_truncated_text_is_refused_and_nothing_is_kept() {
    assert_refused("vocab.txt", cutting("vocab.txt"));
}

#[test]
fn weights_that_are_not_what_their_name_says_are_refused() {
    assert_refused(WEIGHTS, garbling(WEIGHTS, 200));
}

#[test]
fn an_error_page_is_not_taken_for_a_config() {
    assert_refused("config.json", garbling("config.json", 500));
}

#[test]
fn a_page_is_not_taken_for_a_config() {
    assert_refused("config.json", garbling("config.json", 200));
}

#[test]
fn a_body_cut_once_is_fetched_again() {
    within(seconds(30), || {
        let tries = AtomicUsize::new(0);
        let hub = HubServer::start(move |request| {
            let cut = request.path == "/cdn/model.safetensors"
                && tries.fetch_add(1, Ordering::Relaxed) == 0;
            tiny()
                .answer(request)
                .paced(if cut { Pace::Half } else { Pace::Whole })
        });
        Machine::new(&hub.url()).resolve(ID).unwrap();
    });
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    within(seconds(30), || {
        let hub = HubServer::start(|request| {
            let slow = request.path == "/cdn/model.safetensors";
            tiny()
                .answer(request)
                .paced(if slow { Pace::Dribble } else { Pace::Whole })
        });
        let machine = Machine::new(&hub.url());
        thread::scope(|scope| {
            let both = [(); 2]
                .map(|()| scope.spawn(|| machine.resolve(ID).map(|files| files.hash().unwrap())));
            let [one, two] = both.map(|thread| thread.join().unwrap().unwrap());
            assert_eq!(one, two);
        });
        let weights = |r: &&Request| r.path == "/cdn/model.safetensors";
        assert_eq!(
            hub.requests().iter().filter(weights).count(),
            1,
            "the second finds what the first brought"
        );
        assert_eq!(source::cached(&machine.options)[0].missing, None);
    });
}

#[test]
fn weights_come_from_xet_storage_too() {
    within(seconds(30), || {
        let hub = HubServer::start(|request| xet::answer(&tiny(), request));
        let machine = Machine::new(&hub.url());
        let files = machine.resolve(ID).unwrap();
        assert_eq!(files.read(WEIGHTS).unwrap(), tiny().files[WEIGHTS]);
        let storage = |r: &Request| r.path.starts_with("/xorb/");
        assert!(hub.requests().iter().any(storage), "the storage was asked");
        assert!(!hub.requests().iter().any(|r| r.path.starts_with("/cdn/")));
    });
}

#[test]
fn cancel_ends_a_download_from_xet_storage_too() {
    within(seconds(30), || {
        let hub = HubServer::start(|request| {
            let slow = request.path.starts_with("/xorb/");
            xet::answer(&tiny(), request).paced(if slow { Pace::Hang } else { Pace::Whole })
        });
        let machine = Machine::new(&hub.url());
        let cancel = Cancel::new();
        let (error, late) = thread::scope(|scope| {
            let job = scope.spawn(|| {
                (
                    machine.resolve_until(ID, &cancel).unwrap_err(),
                    Instant::now(),
                )
            });
            thread::sleep(Duration::from_millis(1500));
            cancel.cancel();
            let asked = Instant::now();
            let (error, end) = job.join().unwrap();
            (error, end.saturating_duration_since(asked))
        });
        assert!(matches!(error, SourceError::Cancelled), "{error}");
        assert!(late < seconds(1), "returned {late:?} after the cancel");
        machine.assert_nothing_of(WEIGHTS, &tiny().files[WEIGHTS]);
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
        let read: Vec<_> = shards.iter().map(|path| fs::read(path).unwrap()).collect();
        assert_eq!(read, [b"one", b"two"]);
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
fn an_index_or_module_list_cannot_point_outside() {
    within(seconds(20), || {
        let mut shards = without(&[WEIGHTS]);
        let index = r#"{"weight_map":{"a":"../../x.safetensors"}}"#;
        shards
            .files
            .insert("model.safetensors.index.json".into(), index.into());
        let mut modules = tiny();
        let list = r#"[{"path":"../../../elsewhere","type":"Transformer"}]"#;
        modules.files.insert("modules.json".into(), list.into());
        for repo in [shards, modules] {
            let hub = HubServer::serving(repo);
            let machine = Machine::new(&hub.url());
            let error = machine.resolve(ID).unwrap_err();
            assert!(
                matches!(error, SourceError::OutsideFolder { .. }),
                "{error}"
            );
            assert!(
                !hub.requests()
                    .iter()
                    .any(|r| r.path.contains("..") || r.path.contains("x.safetensors"))
            );
        }
    });
}

#[test]
fn pickles_are_refused_before_anything_large_is_fetched() {
    within(seconds(20), || {
        for gone in [WEIGHTS, "2_Dense/model.safetensors"] {
            let mut repo = without(&[gone]);
            repo.files
                .insert("2_Dense/pytorch_model.bin".into(), b"a pickle".to_vec());
            let hub = HubServer::serving(repo);
            let error = Machine::new(&hub.url()).resolve(ID).unwrap_err();
            assert!(matches!(error, SourceError::PicklesOnly { .. }), "{error}");
            assert!(one_line(&error).contains("safe_serialization=True"));
            assert!(
                !hub.requests()
                    .iter()
                    .any(|r| r.path.contains("safetensors"))
            );
        }
        let repo = without(&[WEIGHTS, "pytorch_model.bin"]);
        let error = Machine::new(&HubServer::serving(repo).url())
            .resolve(ID)
            .unwrap_err();
        assert!(
            matches!(
                error,
                SourceError::NoWeights { .. } | SourceError::Unreachable { .. }
            ),
            "{error}"
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

/// An address where nothing listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_hub_that_is_not_there_is_one_clear_line_soon() {
    within(seconds(20), || {
        // The proxies must be out of the way here too.
        drop(HubServer::serving(tiny()));
        let start = Instant::now();
        let error = Machine::new(&closed_port())
            .resolve(source::DEFAULT_REPO)
            .unwrap_err();
        assert!(start.elapsed() < seconds(4), "took {:?}", start.elapsed());
        assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
        let text = one_line(&error);
        for part in [
            "127.0.0.1",
            "refused",
            "HF_ENDPOINT",
            "folder",
            "scripts/get-minilm",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    });
}

#[test]
fn silence_ends_the_wait() {
    within(seconds(20), || {
        let hub = HubServer::start(|request| tiny().answer(request).paced(Pace::Hang));
        let mut machine = Machine::new(&hub.url());
        machine.options.contact = Duration::from_millis(300);
        let error = machine.resolve(ID).unwrap_err();
        assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");

        let hub = HubServer::start(|request| {
            let hang = request.path.ends_with(WEIGHTS);
            tiny()
                .answer(request)
                .paced(if hang { Pace::Hang } else { Pace::Whole })
        });
        let mut machine = Machine::new(&hub.url());
        machine.options.stall = Duration::from_millis(500);
        let error = machine.resolve(ID).unwrap_err();
        assert!(matches!(error, SourceError::Stalled { .. }), "{error}");
        assert!(
            one_line(&error).contains("2_Dense/model.safetensors")
                || one_line(&error).contains(WEIGHTS)
        );
        machine.assert_nothing_of(WEIGHTS, &tiny().files[WEIGHTS]);
    });
}

#[test]
fn what_is_not_a_hub_is_said_to_be_none() {
    within(seconds(20), || {
        let hub =
            HubServer::start(|_| Reply::new(200, "<html>Please log in to this network</html>"));
        let error = Machine::new(&hub.url()).resolve(ID).unwrap_err();
        assert!(matches!(error, SourceError::NotAHub { .. }), "{error}");
        assert!(one_line(&error).contains("HF_ENDPOINT"));
        let error = Machine::new("hub.example").resolve(ID).unwrap_err();
        assert!(matches!(error, SourceError::BadEndpoint { .. }), "{error}");
    });
}
