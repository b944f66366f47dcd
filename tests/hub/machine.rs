//! A machine with a cache of its own, and the repository that it downloads.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use embedscope::cancel::Cancel;
use embedscope::model::source::{self, ModelFiles, ModelRef, Progress, SourceError, SourceOptions};
use tempfile::TempDir;

use crate::hub_server::{Repo, sha256};

pub const ID: &str = "some-org/tiny-model";
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub const TAGGED: &str = "89abcdef0123456789abcdef0123456789abcdef";
pub const WEIGHTS: &str = "model.safetensors";

/// A repository with all that is wanted, and things that are not.
pub fn tiny() -> Repo {
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

pub fn without(names: &[&str]) -> Repo {
    let mut repo = tiny();
    repo.files.retain(|file, _| !names.contains(&file.as_str()));
    repo
}

/// A machine with an empty cache, and what it heard of a download.
pub struct Machine {
    pub cache: TempDir,
    pub options: SourceOptions,
    pub heard: Mutex<Vec<Progress>>,
}

impl Machine {
    pub fn new(endpoint: &str) -> Self {
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

    pub fn resolve(&self, reference: &str) -> Result<ModelFiles, SourceError> {
        self.resolve_until(reference, &Cancel::new())
    }

    pub fn resolve_until(
        &self,
        reference: &str,
        cancel: &Cancel,
    ) -> Result<ModelFiles, SourceError> {
        let reference: ModelRef = reference.parse().unwrap();
        source::resolve(
            &reference,
            &self.options,
            &|p| self.heard.lock().unwrap().push(p),
            cancel,
        )
    }

    /// How much a download would bring.
    pub fn size(&self, reference: &str) -> Result<u64, SourceError> {
        let reference: ModelRef = reference.parse().unwrap();
        source::download_size(&reference, &self.options, &Cancel::new())
    }

    pub fn repo_folder(&self) -> PathBuf {
        self.cache.path().join("models--some-org--tiny-model")
    }

    pub fn snapshot(&self) -> PathBuf {
        self.repo_folder().join("snapshots").join(COMMIT)
    }

    /// Nothing of `file` is left where anybody would take it for the file.
    pub fn assert_nothing_of(&self, file: &str, content: &[u8]) {
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
pub fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(work()));
    receive
        .recv_timeout(limit)
        .expect("done in time, and without a panic")
}

pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn one_line(error: &SourceError) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n') && !text.is_empty(), "{text:?}");
    text
}

/// An address where nothing listens.
pub fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
