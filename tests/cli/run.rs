//! Running the program away from the network and from the person's own cache.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use safetensors::SafeTensors;
use tempfile::TempDir;

/// What one run left.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// stdout of a run that went well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }

    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("stdout is one JSON document")
    }

    /// The one line of a run that failed.
    pub fn error(self) -> String {
        assert_eq!(self.code, Some(1), "{self:#?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:#?}");
        let line = self.stderr.strip_prefix("error: ");
        line.unwrap_or_else(|| panic!("{self:#?}"))
            .trim_end()
            .to_owned()
    }

    /// stderr of a run that was asked for nonsense.
    pub fn usage(self) -> String {
        assert_eq!(self.code, Some(2), "{self:#?}");
        assert!(self.stderr.starts_with("error: "), "{self:#?}");
        self.stderr
    }
}

/// The program, without a hub and with an empty cache.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embedscope"));
    let own = std::env::vars_os().map(|(name, _)| name);
    for name in own.filter(|name| name.to_string_lossy().starts_with("HF_")) {
        command.env_remove(name);
    }
    command.env_remove("HUGGINGFACE_HUB_CACHE");
    command.env_remove("RUST_LOG");
    command.env("HF_HUB_OFFLINE", "1");
    command.env("HF_HOME", "/nonexistent");
    // Not even root can make a folder there.
    command.env("XDG_CACHE_HOME", "/dev/null/none");
    // A backtrace would be asked for by this; none may reach the person.
    command.env("RUST_BACKTRACE", "1");
    command.args(arguments);
    command
}

pub fn run(arguments: &[&str]) -> Outcome {
    finish(command(arguments), b"")
}

pub fn finish(mut command: Command, stdin: &[u8]) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let done = child.wait_with_output().unwrap();
    Outcome {
        code: done.status.code(),
        stdout: String::from_utf8(done.stdout).unwrap(),
        stderr: String::from_utf8(done.stderr).unwrap(),
    }
}

/// A folder of `tests/fixtures`.
pub fn fixture(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures").join(name).display().to_string()
}

/// A copy of a tiny model that may be damaged.
pub struct Copy {
    pub dir: TempDir,
}

impl Copy {
    pub fn of(name: &str) -> Self {
        let dir = TempDir::new().unwrap();
        copy(Path::new(&fixture(name)), dir.path());
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn folder(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    /// Changes one JSON file.
    pub fn json(&self, name: &str, change: impl FnOnce(&mut serde_json::Value)) {
        let mut value = serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap();
        change(&mut value);
        std::fs::write(self.path(name), value.to_string()).unwrap();
    }

    /// Changes the shape and the values of one f32 tensor.
    pub fn tensor(&self, name: &str, change: impl FnOnce(&mut Vec<usize>, &mut Vec<f32>)) {
        let path = self.path("model.safetensors");
        let mut tensors = tensors(&path);
        let (shape, values) = tensors.get_mut(name).unwrap();
        change(shape, values);
        let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let data: BTreeMap<&String, (Vec<usize>, Vec<u8>)> = tensors
            .iter()
            .map(|(name, (shape, values))| (name, (shape.clone(), bytes(values))))
            .collect();
        let views = data.iter().map(|(name, (shape, bytes))| {
            let view =
                safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes);
            (name, view.unwrap())
        });
        std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Shape and values of every f32 tensor of a file; i64 ones as floats.
pub fn tensors(path: &Path) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let read = |tensor: safetensors::tensor::TensorView<'_>| -> Vec<f32> {
        let data = tensor.data();
        match tensor.dtype() {
            safetensors::Dtype::F32 => data
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&x| f32::from_le_bytes(x))
                .collect(),
            safetensors::Dtype::I64 => data
                .as_chunks::<8>()
                .0
                .iter()
                .map(|&x| i64::from_le_bytes(x) as f32)
                .collect(),
            other => panic!("{other:?}"),
        }
    };
    let tensors = file.iter().map(|(name, t)| {
        let shape = t.shape().to_vec();
        (name.to_owned(), (shape, read(t)))
    });
    tensors.collect()
}

/// max |a − b|; both of one length.
pub fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .fold(0., |most, (a, b)| (a - b).abs().max(most))
}
