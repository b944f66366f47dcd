//! Downloads what a model needs from a hub into the hub cache.
//!
//! hf-hub does the requests, the retries and the cache's layout. This adds
//! what it lacks: cancelling, a limit on silence, the choice of files, a check
//! of what arrived, and a ref that is written only once everything is there.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use hf_hub::progress::{DownloadEvent, ProgressEvent, ProgressHandler};
use hf_hub::{HFClient, HFError, HFRepository, HFResult, RepoTypeModel};

use super::cache::{RepoCache, is_commit};
use super::explain::{broke_off, explain, innermost, unreachable};
use super::layout::{self, Module};
use super::{
    ModelFiles, ModelRef, OnProgress, Progress, SourceError, SourceOptions, files, verify,
};
use crate::cancel::Cancel;

/// How often a running request is looked at.
const TICK: Duration = Duration::from_millis(50);
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

impl Job<'_> {
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
    let since = SystemTime::now() - Duration::from_secs(1);
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
        cache.sweep(since);
    }
    commit
}

/// What hf-hub reports, from whichever thread.
#[derive(Default)]
struct Activity {
    bytes: AtomicU64,
    total: AtomicU64,
}

impl ProgressHandler for Activity {
    fn on_progress(&self, event: &ProgressEvent) {
        let ProgressEvent::Download(event) = event else {
            return;
        };
        match event {
            DownloadEvent::Start { total_bytes, .. } => {
                self.total.store(*total_bytes, Ordering::Relaxed)
            }
            DownloadEvent::Progress { files } => {
                let bytes = files
                    .iter()
                    .map(|file| file.bytes_completed)
                    .max()
                    .unwrap_or(0);
                self.bytes.fetch_max(bytes, Ordering::Relaxed);
            }
            DownloadEvent::AggregateProgress {
                bytes_completed, ..
            } => {
                self.bytes.fetch_max(*bytes_completed, Ordering::Relaxed);
            }
            DownloadEvent::Complete => {}
        }
    }
}

impl Activity {
    fn reset(&self) {
        self.bytes.store(0, Ordering::Relaxed);
        self.total.store(0, Ordering::Relaxed);
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn total(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|&total| total > 0)
    }
}

/// Why a request was given up.
enum Stop {
    Cancelled,
    Silent,
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
        for (i, file) in plan.iter().enumerate() {
            self.fetch(file, i, plan.len()).await?;
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
        self.report(what, 0, 0);
        let revision = self.job.revision.map(str::to_string);
        let request = self.repo.info().maybe_revision(revision).send();
        let patience = self.job.options.contact;
        let info = match self.watch(request, patience, (what, 0, 0)).await {
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

    async fn modules(&self) -> Result<Vec<Module>, SourceError> {
        if !self.listing.contains(layout::MODULES) {
            return Ok(files::default_modules());
        }
        self.fetch(layout::MODULES, 0, 0).await?;
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
        let path = self.fetch(&index, 0, 0).await?;
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

    /// Brings one file into the cache and checks it. By commit, so hf-hub
    /// leaves the refs alone and takes what an earlier download brought.
    async fn fetch(&self, file: &str, index: usize, of: usize) -> Result<PathBuf, SourceError> {
        let (mut tries, mut waits) = (0, 0);
        loop {
            self.activity.reset();
            self.report(file, index, of);
            let request = self
                .repo
                .download_file()
                .filename(file)
                .revision(&self.commit)
                .progress(Arc::clone(&self.activity))
                .send();
            let result = self
                .watch(request, self.job.options.stall, (file, index, of))
                .await;
            let cause = match result.map_err(|stop| self.stopped(stop, file))? {
                Ok(path) => match self.verify(&path)? {
                    None => {
                        self.report(file, index, of);
                        return Ok(path);
                    }
                    Some(cause) => cause,
                },
                Err(HFError::CacheLockTimeout { .. }) if waits < LOCK_WAITS => {
                    log::info!(
                        "{file} of {} is being downloaded by another process; waiting",
                        self.job.repo
                    );
                    waits += 1;
                    continue;
                }
                Err(e) if broke_off(&e) => innermost(&e),
                Err(e) => return Err(self.explain(e, file)),
            };
            tries += 1;
            log::warn!(
                "downloading {file} of {}: {cause} (try {tries} of {TRIES})",
                self.job.repo
            );
            if tries == TRIES {
                return Err(SourceError::Broken {
                    repo: self.job.repo.to_string(),
                    file: file.to_string(),
                    cause,
                });
            }
            let pause = async {
                tokio::time::sleep(RETRY_DELAY * 2u32.pow(tries)).await;
                Ok(())
            };
            let paused = self
                .watch(pause, self.job.options.stall, (file, index, of))
                .await;
            paused.map_err(|stop| self.stopped(stop, file))?.ok();
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

    /// Runs a request to its end, unless it is cancelled or no byte arrives for
    /// `patience`. Giving up drops the request, which closes its connection.
    async fn watch<T>(
        &self,
        request: impl Future<Output = HFResult<T>>,
        patience: Duration,
        at: (&str, usize, usize),
    ) -> Result<HFResult<T>, Stop> {
        tokio::pin!(request);
        let (mut seen, mut since) = (self.activity.bytes(), Instant::now());
        loop {
            if self.job.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            tokio::select! {
                result = &mut request => return Ok(result),
                () = tokio::time::sleep(TICK) => {}
            }
            let bytes = self.activity.bytes();
            if bytes != seen {
                (seen, since) = (bytes, Instant::now());
                self.report(at.0, at.1, at.2);
            } else if since.elapsed() > patience {
                return Err(Stop::Silent);
            }
        }
    }

    fn report(&self, file: &str, file_index: usize, files: usize) {
        (self.job.progress)(Progress {
            file: file.to_string(),
            file_index,
            files,
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
