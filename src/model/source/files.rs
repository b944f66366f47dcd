//! A model's files, in a folder or in the program, and nothing outside them.

use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use super::bundled::{BUNDLED_NAME, BundledCheckpoint, Entry, FILES};
use super::layout::{self, Module};
use super::stored::StoredFile;
use super::{ModelRef, SourceError, digest};

/// The files of one model. Cheap to clone; reads nothing ahead of time but
/// `modules.json`.
#[derive(Clone, Debug)]
pub struct ModelFiles {
    reference: ModelRef,
    /// What every name in a message starts with; the folder itself, if there is one.
    root: PathBuf,
    place: Place,
    revision: Option<String>,
    modules: Option<Vec<Module>>,
    warnings: Vec<String>,
    hash: OnceLock<String>,
}

/// Where the files are kept.
#[derive(Clone, Debug)]
enum Place {
    Folder {
        /// The canonical folder that a link may lead into.
        boundary: PathBuf,
    },
    Program {
        files: &'static [Entry],
        /// Instead of the encoder's own weights.
        checkpoint: Option<&'static BundledCheckpoint>,
    },
}

impl ModelFiles {
    /// The files under `root`, which `reference` named.
    ///
    /// # Errors
    /// `NoFolder`, `NotAFolder`, or what is wrong with `modules.json`.
    pub(super) fn open(
        reference: ModelRef,
        root: &Path,
        revision: Option<String>,
    ) -> Result<Self, SourceError> {
        let path = root.to_path_buf();
        match fs::metadata(root) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(SourceError::NotAFolder { path }),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(SourceError::NoFolder { path });
            }
            Err(e) => return Err(SourceError::io("open", path, e)),
        }
        let canonical = root
            .canonicalize()
            .map_err(|e| SourceError::io("open", &path, e))?;
        let boundary = boundary(&canonical);
        Self::in_place(reference, path, Place::Folder { boundary }, revision)
    }

    /// The files in the program, with the weights of one of the checkpoints or with their own.
    ///
    /// # Errors
    /// `NoSuchCheckpoint`.
    pub(super) fn bundled(checkpoint: Option<&str>) -> Result<Self, SourceError> {
        let checkpoint = checkpoint.map(BundledCheckpoint::find).transpose()?;
        let reference = checkpoint.map_or_else(ModelRef::default, BundledCheckpoint::reference);
        let files = FILES;
        let place = Place::Program { files, checkpoint };
        Self::in_place(reference, PathBuf::from(BUNDLED_NAME), place, None)
    }

    fn in_place(
        reference: ModelRef,
        root: PathBuf,
        place: Place,
        revision: Option<String>,
    ) -> Result<Self, SourceError> {
        let mut files = ModelFiles {
            reference,
            root,
            place,
            revision,
            modules: None,
            warnings: Vec::new(),
            hash: OnceLock::new(),
        };
        if let Some(value) = files.json_if_present(layout::MODULES)? {
            files.modules = Some(layout::read_modules(
                &value,
                &files.root.join(layout::MODULES),
            )?);
        }
        Ok(files)
    }

    /// The same files under another name.
    pub(super) fn named(mut self, reference: ModelRef) -> Self {
        self.reference = reference;
        self
    }

    pub fn reference(&self) -> &ModelRef {
        &self.reference
    }

    /// The model's name as a person gave it.
    pub fn id(&self) -> String {
        self.reference.to_string()
    }

    /// The folder that every relative path starts from; `None` for files in the program.
    pub fn folder(&self) -> Option<&Path> {
        matches!(self.place, Place::Folder { .. }).then_some(&self.root)
    }

    /// The commit, for a model from a hub.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// What `modules.json` lists; `None` where there is no such file.
    pub fn modules(&self) -> Option<&[Module]> {
        self.modules.as_deref()
    }

    /// What a person should know about how these files were found.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(super) fn warn(&mut self, warning: String) {
        log::warn!("{warning}");
        self.warnings.push(warning);
    }

    /// The folder of the encoder's config, tokenizer and weights: empty for the
    /// root, or such as `0_Transformer` in old sentence-transformers models.
    pub fn encoder_dir(&self) -> &str {
        self.modules
            .as_ref()
            .and_then(|list| list.first())
            .map_or("", |module| &module.path)
    }

    pub(super) fn modules_or_default(&self) -> Vec<Module> {
        self.modules.clone().unwrap_or_else(default_modules)
    }

    /// Where `relative` is kept.
    ///
    /// # Errors
    /// `OutsideFolder` for an absolute path, for `..`, and for a link that
    /// leaves the model's folder; `MissingFile` when it is no regular file.
    pub fn file(&self, relative: &str) -> Result<StoredFile, SourceError> {
        if !layout::stays_inside(relative) {
            return Err(self.outside(relative));
        }
        let path = self.root.join(relative);
        match &self.place {
            Place::Folder { boundary } => self.on_disk(relative, path, boundary),
            Place::Program { files, .. } => {
                match files.iter().find(|(name, _)| *name == relative) {
                    Some((_, bytes)) => Ok(StoredFile::Memory { name: path, bytes }),
                    None => Err(SourceError::MissingFile { path }),
                }
            }
        }
    }

    fn on_disk(
        &self,
        relative: &str,
        path: PathBuf,
        boundary: &Path,
    ) -> Result<StoredFile, SourceError> {
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(SourceError::MissingFile { path });
            }
            Err(e) => return Err(SourceError::io("open", path, e)),
        };
        if !real.starts_with(boundary) {
            return Err(self.outside(relative));
        }
        if !real.is_file() {
            return Err(SourceError::MissingFile { path });
        }
        Ok(StoredFile::Disk(path))
    }

    fn outside(&self, relative: &str) -> SourceError {
        SourceError::OutsideFolder {
            named_by: self.id(),
            name: relative.to_string(),
        }
    }

    /// Whether `relative` is a file that may be read.
    pub fn has(&self, relative: &str) -> bool {
        self.file(relative).is_ok()
    }

    /// The bytes of `relative`.
    ///
    /// # Errors
    /// Those of [`Self::file`], and `Io`.
    pub fn read(&self, relative: &str) -> Result<Cow<'static, [u8]>, SourceError> {
        self.file(relative)?.read()
    }

    /// `relative` as JSON.
    ///
    /// # Errors
    /// Those of [`Self::read`], and `Json` with file, line and column.
    pub fn json(&self, relative: &str) -> Result<Value, SourceError> {
        let bytes = self.read(relative)?;
        // Some editors start a file with a byte-order mark; JSON has none.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        serde_json::from_slice(text).map_err(|e| {
            let what = e.to_string();
            SourceError::Json {
                path: self.root.join(relative),
                line: e.line(),
                column: e.column(),
                what: what.split(" at line ").next().unwrap_or(&what).to_string(),
            }
        })
    }

    /// As [`Self::json`], with `None` for a file that is not there.
    ///
    /// # Errors
    /// Those of [`Self::json`] but `MissingFile`.
    pub fn json_if_present(&self, relative: &str) -> Result<Option<Value>, SourceError> {
        match self.json(relative) {
            Ok(value) => Ok(Some(value)),
            Err(SourceError::MissingFile { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The encoder's safetensors: one file, or the shards of its index.
    ///
    /// # Errors
    /// `PicklesOnly`, `NoWeights`, what is wrong with the index, and
    /// `OutsideFolder` or `MissingFile` for a shard.
    pub fn weight_files(&self) -> Result<Vec<StoredFile>, SourceError> {
        self.weight_files_in(self.encoder_dir())
    }

    /// As [`Self::weight_files`], for the module in `folder` (`2_Dense`).
    ///
    /// # Errors
    /// Those of [`Self::weight_files`].
    pub fn weight_files_in(&self, folder: &str) -> Result<Vec<StoredFile>, SourceError> {
        let single = layout::join(folder, layout::WEIGHTS);
        if let Place::Program {
            checkpoint: Some(checkpoint),
            ..
        } = self.place
            && folder == self.encoder_dir()
        {
            return Ok(vec![StoredFile::Int8 {
                name: self
                    .root
                    .join(format!("checkpoints/{}.safetensors", checkpoint.name)),
                bytes: checkpoint.bytes,
            }]);
        }
        match self.file(&single) {
            Ok(file) => return Ok(vec![file]),
            Err(SourceError::MissingFile { .. }) => {}
            Err(e) => return Err(e),
        }
        let index_name = layout::join(folder, layout::INDEX);
        if let Some(index) = self.json_if_present(&index_name)? {
            let shards = layout::read_shards(&index, &self.root.join(&index_name))?;
            return shards
                .iter()
                .map(|shard| self.file(&layout::join(folder, shard)))
                .collect();
        }
        Err(match layout::pickle(folder, |name| self.has(name)) {
            Some(file) => SourceError::PicklesOnly {
                model: self.id(),
                file,
            },
            None => SourceError::NoWeights {
                model: self.id(),
                expected: single,
            },
        })
    }

    /// 16 hex digits over what decides the vectors: configs, tokenizer and
    /// weights. The same content gives the same hash on every machine, from a
    /// folder or from a hub. Computed once; a hub's weights are not even read,
    /// since the cache names them by their SHA-256.
    ///
    /// # Errors
    /// Those of finding and reading the files.
    pub fn hash(&self) -> Result<String, SourceError> {
        if let Some(hash) = self.hash.get() {
            return Ok(hash.clone());
        }
        let mut lines = String::new();
        for (name, file) in self.hashed_files()? {
            lines.push_str(&format!("{}  {name}\n", file.sha256()?));
        }
        let hash = digest::sha256_bytes(lines.as_bytes())[..16].to_string();
        Ok(self.hash.get_or_init(|| hash).clone())
    }

    fn hashed_files(&self) -> Result<Vec<(String, StoredFile)>, SourceError> {
        let encoder = self.encoder_dir();
        let mut names = vec![layout::MODULES.to_string()];
        for module in self.modules_or_default() {
            names.push(layout::join(&module.path, layout::CONFIG));
            if module.path != encoder {
                names.push(layout::join(&module.path, layout::WEIGHTS));
            }
        }
        names.push(layout::join(encoder, "sentence_bert_config.json"));
        let tokenizer = layout::join(encoder, "tokenizer.json");
        match self.has(&tokenizer) {
            true => names.push(tokenizer),
            false => {
                let older = ["vocab.txt", "vocab.json", "merges.txt"];
                names.extend(older.map(|name| layout::join(encoder, name)));
            }
        }
        names.sort();
        names.dedup();
        let mut files: Vec<_> = names
            .into_iter()
            .filter_map(|name| self.file(&name).ok().map(|file| (name, file)))
            .collect();
        for (i, file) in self.weight_files()?.into_iter().enumerate() {
            files.push((format!("weights {i}"), file));
        }
        Ok(files)
    }
}

/// What a model without `modules.json` consists of.
pub(super) fn default_modules() -> Vec<Module> {
    vec![Module {
        kind: "Transformer".into(),
        path: String::new(),
    }]
}

/// The folder that links may lead into: the model's own, or the repository's
/// folder in a hub cache, whose snapshots are links to `../../blobs`.
fn boundary(root: &Path) -> PathBuf {
    let snapshots = root
        .parent()
        .filter(|p| p.file_name().is_some_and(|n| n == "snapshots"));
    let repo = snapshots.and_then(Path::parent).filter(|p| {
        let name = p.file_name().map(|n| n.to_string_lossy());
        name.is_some_and(|n| n.starts_with("models--"))
    });
    repo.unwrap_or(root).to_path_buf()
}
