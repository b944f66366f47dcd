//! Watching a request: what it brings, how long it has been silent, and
//! whether anybody still wants it.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hf_hub::progress::{DownloadEvent, ProgressEvent, ProgressHandler};

use crate::cancel::Cancel;

/// How often something under way is looked at.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// What hf-hub reports of one transfer, from whichever thread.
#[derive(Default)]
pub(super) struct Activity {
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
    pub(super) fn reset(&self) {
        self.bytes.store(0, Ordering::Relaxed);
        self.total.store(0, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn total(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|&total| total > 0)
    }
}

/// Why a request was given up.
pub(super) enum Stop {
    Cancelled,
    Silent,
}

/// Runs a request to its end, unless it is cancelled or no byte arrives for
/// `patience`. Giving up drops the request, which closes its connection.
/// `moved` hears when bytes have come in.
pub(super) async fn watch<T>(
    request: impl Future<Output = T>,
    activity: &Activity,
    patience: Duration,
    cancel: &Cancel,
    moved: impl Fn(),
) -> Result<T, Stop> {
    tokio::pin!(request);
    let (mut seen, mut since) = (activity.bytes(), Instant::now());
    loop {
        if cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        tokio::select! {
            result = &mut request => return Ok(result),
            () = tokio::time::sleep(TICK) => {}
        }
        let bytes = activity.bytes();
        if bytes != seen {
            (seen, since) = (bytes, Instant::now());
            moved();
        } else if since.elapsed() > patience {
            return Err(Stop::Silent);
        }
    }
}
