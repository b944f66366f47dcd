//! Downloads what a model needs from a hub into the hub cache.
//!
//! hf-hub does the requests, the retries and the cache's layout. This adds
//! what it lacks: cancelling, a limit on silence, the choice of files, a check
//! of what arrived, and a ref that is written only once everything is there.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hf_hub::repository::RepoTreeEntry;
use hf_hub::{HFClient, HFError, HFRepository, RepoTypeModel};

use super::cache::{RepoCache, is_commit};
use super::explain::{broke_off, explain, innermost, unreachable};
use super::layout::{self, Module};
use super::reference::check_id;
use super::watch::{Activity, Stop, watch};
use super::{
    ModelFiles, ModelRef, OnProgress, Progress, SourceError, SourceOptions, files, verify,
};
use crate::cancel::Cancel;

/// How often a file that broke off is begun again. hf-hub itself retries only
/// until the first byte.
const TRIES: u32 = 3;
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// How often to wait the 10 s that hf-hub gives another process's download.
const LOCK_WAITS: u32 = 60;

/// One download.
pub(super) struct Job<'a> {
    pub repo: &'a str,
    pub revision: Option<&'a str>,
    pub options: &'a SourceOptions,
    pub progress: OnProgress<'a>,
    pub cancel: &'a Cancel,
}

impl<'a> Job<'a> {
    /// With the part of the cache that the model is in.
    ///
    /// # Errors
    /// When there can be no such id.
    pub(super) fn new(
        (repo, revision): (&'a str, Option<&'a str>),
        options: &'a SourceOptions,
        progress: OnProgress<'a>,
        cancel: &'a Cancel,
    ) -> Result<(Self, RepoCache), SourceError> {
        check_id(repo, revision)?;
        let job = Self {
            repo,
            revision,
            options,
            progress,
            cancel,
        };
        Ok((job, RepoCache::new(&options.cache_dir(), repo)))
    }

    pub(super) fn branch(&self) -> &str {
        self.revision.unwrap_or("main")
    }
}

/// Fetches all that the model needs; gives the commit.
///
/// # Errors
/// Everything from `BadEndpoint` to `Cancelled`; `PicklesOnly` or `NoWeights`
/// before anything large is fetched.
pub(super) fn download(job: &Job, cache: &RepoCache) -> Result<String, SourceError> {
    // File systems keep coarser times than the clock.
    let since = SystemTime::now().checked_sub(Duration::from_secs(1));
    let endpoint = job.options.endpoint_url()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| SourceError::io("start a download into", job.options.cache_dir(), e))?;
    let commit = runtime.block_on(async {
        let mut session = Session::open(job, cache, endpoint)?;
        session.run().await?;
        Ok(session.commit)
    });
    // Not a plain drop: that would wait for a name look-up or a file lock that
    // is still under way.
    runtime.shutdown_background();
    if commit.is_err() {
        cache.sweep(since.unwrap_or(SystemTime::UNIX_EPOCH));
    }
    commit
}

/// How many bytes a download would bring, asked of the hub alone: nothing is written.
///
/// # Errors
/// As [`download`], as far as the list of files tells.
pub(super) fn size(job: &Job, cache: &RepoCache) -> Result<u64, SourceError> {
    let endpoint = job.options.endpoint_url()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| SourceError::io("ask the hub about", job.options.cache_dir(), e))?;
    let size = runtime.block_on(async { Session::open(job, cache, endpoint)?.size().await });
    runtime.shutdown_background();
    size
}

/// A file's place in a download, for reports.
#[derive(Clone, Copy)]
struct At<'a> {
    file: &'a str,
    index: usize,
    of: usize,
}

impl<'a> At<'a> {
    /// While how much there is to fetch is not known yet.
    fn planning(file: &'a str) -> Self {
        At {
            file,
            index: 0,
            of: 0,
        }
    }
}

/// How one try at a file ended.
enum Attempt {
    Done(PathBuf),
    /// Another process is at it.
    Busy,
    Broken(String),
}

struct Session<'a> {
    job: &'a Job<'a>,
    cache: &'a RepoCache,
    repo: HFRepository<RepoTypeModel>,
    endpoint: String,
    commit: String,
    listing: BTreeSet<String>,
    activity: Arc<Activity>,
}

impl<'a> Session<'a> {
    fn open(job: &'a Job<'a>, cache: &'a RepoCache, endpoint: String) -> Result<Self, SourceError> {
        let mut builder = HFClient::builder()
            .endpoint(&endpoint)
            .cache_dir(job.options.cache_dir())
            .user_agent(concat!("embedscope/", env!("CARGO_PKG_VERSION")))
            .retry_max_attempts(3)
            .retry_base_delay(Duration::from_millis(150));
        if let Some(token) = &job.options.token {
            builder = builder.token(token);
        }
        let (owner, name) = hf_hub::split_id(job.repo);
        let client = builder
            .build()
            .map_err(|e| explain(e, job.repo, "", &endpoint))?;
        Ok(Session {
            job,
            cache,
            repo: client.model(owner, name),
            endpoint,
            commit: String::new(),
            listing: BTreeSet::new(),
            activity: Arc::default(),
        })
    }

    async fn run(&mut self) -> Result<(), SourceError> {
        self.ask().await?;
        let modules = self.modules().await?;
        self.check(&modules)?;
        let mut plan = layout::wanted(&self.listing, &modules);
        for module in modules.iter().filter(|module| module.is_encoder()) {
            plan.extend(self.shards(&module.path).await?);
        }
        for (index, file) in plan.iter().enumerate() {
            let of = plan.len();
            self.fetch(At { file, index, of }).await?;
        }
        let cache_error = |e| SourceError::io("write to", self.job.options.cache_dir(), e);
        if !self.listing.contains(layout::MODULES) {
            self.cache
                .mark_absent(&self.commit, layout::MODULES)
                .map_err(cache_error)?;
        }
        self.cache
            .set_ref(self.job.branch(), &self.commit)
            .map_err(cache_error)
    }

    /// Asks the hub which commit this is and which files it has.
    async fn ask(&mut self) -> Result<(), SourceError> {
        let what = "the list of files";
        let at = At::planning(what);
        self.report(at);
        let revision = self.job.revision.map(str::to_string);
        let request = self.repo.info().maybe_revision(revision).send();
        let patience = self.job.options.contact;
        let info = match self.watch(request, patience, at).await {
            Ok(info) => info.map_err(|e| self.explain(e, what))?,
            Err(Stop::Cancelled) => return Err(SourceError::Cancelled),
            Err(Stop::Silent) => {
                return Err(
                    self.unreachable(format!("no answer within {} s", patience.as_secs_f32()))
                );
            }
        };
        let sha = info.sha.filter(|sha| is_commit(sha));
        self.commit = sha.ok_or_else(|| self.not_a_hub("no commit id"))?;
        let files = info.siblings.unwrap_or_default();
        self.listing = files.into_iter().map(|file| file.rfilename).collect();
        if self.listing.is_empty() {
            return Err(self.not_a_hub("no list of files"));
        }
        Ok(())
    }

    /// Σ of the files that [`Self::run`] would fetch. What modules there are is told by their folders:
    /// the file that lists them would have to be fetched.
    async fn size(&mut self) -> Result<u64, SourceError> {
        self.ask().await?;
        let plan = layout::likely(&self.listing);
        if !plan.iter().any(|file| file.ends_with(".safetensors")) {
            self.check(&files::default_modules())?;
        }
        let what = "the sizes of files";
        let request = self
            .repo
            .get_paths_info()
            .paths(plan)
            .revision(self.commit.clone())
            .send();
        let patience = self.job.options.contact;
        let sizes = match self.watch(request, patience, At::planning(what)).await {
            Ok(sizes) => sizes.map_err(|e| self.explain(e, what))?,
            Err(stop) => return Err(self.stopped(stop, what)),
        };
        let sizes = sizes.iter().map(|entry| match entry {
            RepoTreeEntry::File { size, .. } => *size,
            RepoTreeEntry::Directory { .. } => 0,
        });
        match sizes.sum() {
            0 => Err(self.not_a_hub("no sizes of files")),
            bytes => Ok(bytes),
        }
    }

    async fn modules(&self) -> Result<Vec<Module>, SourceError> {
        if !self.listing.contains(layout::MODULES) {
            return Ok(files::default_modules());
        }
        self.fetch(At::planning(layout::MODULES)).await?;
        Ok(self.fetched()?.modules_or_default())
    }

    /// Refuses, before anything large is fetched, what could not be used.
    fn check(&self, modules: &[Module]) -> Result<(), SourceError> {
        let has = |name: &str| self.listing.contains(name);
        let model = || self.job.repo.to_string();
        for module in modules.iter().filter(|module| module.needs_weights()) {
            let single = layout::join(&module.path, layout::WEIGHTS);
            if has(&single) || has(&layout::join(&module.path, layout::INDEX)) {
                continue;
            }
            return Err(match layout::pickle(&module.path, has) {
                Some(file) => SourceError::PicklesOnly {
                    model: model(),
                    file,
                },
                None => SourceError::NoWeights {
                    model: model(),
                    expected: single,
                },
            });
        }
        match layout::missing_file(modules, has) {
            Some(file) => Err(self.no_such_file(&file)),
            None => Ok(()),
        }
    }

    /// The shards of the encoder in `folder`, none when it is one file.
    async fn shards(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        if self
            .listing
            .contains(&layout::join(folder, layout::WEIGHTS))
        {
            return Ok(Vec::new());
        }
        let index = layout::join(folder, layout::INDEX);
        let path = self.fetch(At::planning(&index)).await?;
        let shards = layout::read_shards(&self.fetched()?.json(&index)?, &path)?;
        let shards: Vec<_> = shards
            .iter()
            .map(|shard| layout::join(folder, shard))
            .collect();
        match shards.iter().find(|shard| !self.listing.contains(*shard)) {
            Some(shard) => Err(self.no_such_file(shard)),
            None => Ok(shards),
        }
    }

    /// What has arrived so far.
    fn fetched(&self) -> Result<ModelFiles, SourceError> {
        let reference = ModelRef::Hub {
            repo: self.job.repo.to_string(),
            revision: self.job.revision.map(str::to_string),
        };
        ModelFiles::open(
            reference,
            &self.cache.snapshot(&self.commit),
            Some(self.commit.clone()),
        )
    }

    /// Brings one file into the cache and checks it.
    async fn fetch(&self, at: At<'_>) -> Result<PathBuf, SourceError> {
        let (repo, file) = (self.job.repo, at.file);
        let (mut tries, mut waits) = (0, 0);
        loop {
            let cause = match self.attempt(at).await? {
                Attempt::Done(path) => return Ok(path),
                Attempt::Busy if waits < LOCK_WAITS => {
                    log::info!("{file} of {repo} is being downloaded by another process; waiting");
                    waits += 1;
                    continue;
                }
                Attempt::Busy => "another process has been at it for too long".to_string(),
                Attempt::Broken(cause) => cause,
            };
            tries += 1;
            log::warn!("downloading {file} of {repo}: {cause} (try {tries} of {TRIES})");
            if tries == TRIES {
                return Err(SourceError::Broken {
                    repo: repo.to_string(),
                    file: file.to_string(),
                    cause,
                });
            }
            let pause = tokio::time::sleep(RETRY_DELAY * 2u32.pow(tries));
            let paused = self.watch(pause, self.job.options.stall, at).await;
            paused.map_err(|stop| self.stopped(stop, file))?;
        }
    }

    /// One try. It asks by commit, so hf-hub leaves the refs alone and takes
    /// what an earlier download brought.
    async fn attempt(&self, at: At<'_>) -> Result<Attempt, SourceError> {
        self.activity.reset();
        self.report(at);
        let request = self
            .repo
            .download_file()
            .filename(at.file)
            .revision(&self.commit)
            .progress(Arc::clone(&self.activity))
            .send();
        let result = self.watch(request, self.job.options.stall, at).await;
        match result.map_err(|stop| self.stopped(stop, at.file))? {
            Ok(path) => {
                self.report(at);
                let fault = self.verify(&path)?;
                Ok(fault.map_or(Attempt::Done(path), Attempt::Broken))
            }
            Err(HFError::CacheLockTimeout { .. }) => Ok(Attempt::Busy),
            Err(e) if broke_off(&e) => Ok(Attempt::Broken(innermost(&e))),
            Err(e) => Err(self.explain(e, at.file)),
        }
    }

    /// What is wrong with a file that arrived, after putting it out of reach.
    fn verify(&self, path: &Path) -> Result<Option<String>, SourceError> {
        if !path.starts_with(self.cache.snapshot(&self.commit)) {
            return Err(self.not_a_hub("a file of another commit"));
        }
        let fault = verify::fault(path, self.activity.total(), self.job.cancel)?;
        if fault.is_some() {
            verify::discard(path);
        }
        Ok(fault)
    }

    async fn watch<T>(
        &self,
        request: impl Future<Output = T>,
        patience: Duration,
        at: At<'_>,
    ) -> Result<T, Stop> {
        let moved = || self.report(at);
        watch(request, &self.activity, patience, self.job.cancel, moved).await
    }

    fn report(&self, at: At<'_>) {
        (self.job.progress)(Progress {
            file: at.file.to_string(),
            file_index: at.index,
            files: at.of,
            bytes: self.activity.bytes(),
            total: self.activity.total(),
        });
    }

    fn stopped(&self, stop: Stop, file: &str) -> SourceError {
        match stop {
            Stop::Cancelled => SourceError::Cancelled,
            Stop::Silent => SourceError::Stalled {
                repo: self.job.repo.to_string(),
                file: file.to_string(),
                endpoint: self.endpoint.clone(),
                seconds: self.job.options.stall.as_secs(),
            },
        }
    }

    fn explain(&self, error: HFError, file: &str) -> SourceError {
        explain(error, self.job.repo, file, &self.endpoint)
    }

    fn unreachable(&self, cause: String) -> SourceError {
        unreachable(self.job.repo, &self.endpoint, cause)
    }

    fn no_such_file(&self, file: &str) -> SourceError {
        SourceError::NoSuchFile {
            repo: self.job.repo.to_string(),
            file: file.to_string(),
            endpoint: self.endpoint.clone(),
        }
    }

    fn not_a_hub(&self, what: &str) -> SourceError {
        SourceError::NotAHub {
            repo: self.job.repo.to_string(),
            endpoint: self.endpoint.clone(),
            what: what.to_string(),
        }
    }
}
