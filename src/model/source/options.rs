//! Where models are looked for, and how long to wait for them.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::SourceError;
use super::reference::expand_home;

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// Settings of [`super::resolve`].
#[derive(Clone)]
pub struct SourceOptions {
    /// Use the cache alone, as `HF_HUB_OFFLINE=1` asks.
    pub offline: bool,
    /// The hub's address; `None` is huggingface.co.
    pub endpoint: Option<String>,
    /// The hub cache; `None` is `~/.cache/huggingface/hub`.
    pub cache: Option<PathBuf>,
    /// An access token; `None` leaves it to hf-hub, which looks at HF_TOKEN,
    /// HF_TOKEN_PATH and the file that `hf auth login` writes.
    pub token: Option<String>,
    /// How long the hub may take to answer the first question.
    pub contact: Duration,
    /// How long a download may go without a single byte.
    pub stall: Duration,
}

impl Default for SourceOptions {
    fn default() -> Self {
        SourceOptions {
            offline: false,
            endpoint: None,
            cache: None,
            token: None,
            contact: Duration::from_secs(10),
            stall: Duration::from_secs(60),
        }
    }
}

// By hand, so that no log ever shows a token.
impl fmt::Debug for SourceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceOptions")
            .field("offline", &self.offline)
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("contact", &self.contact)
            .field("stall", &self.stall)
            .finish()
    }
}

impl SourceOptions {
    /// What the environment asks for, by the variables that Python's
    /// huggingface_hub reads: HF_HUB_OFFLINE, HF_ENDPOINT, HF_HUB_CACHE (or
    /// HUGGINGFACE_HUB_CACHE), HF_HOME, XDG_CACHE_HOME. Tokens stay with hf-hub.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        // A variable that is set but empty counts as not set.
        let get = |name| {
            lookup(name)
                .map(|v| v.trim().to_string())
                .filter(|v| !v.is_empty())
        };
        let folder = |name| get(name).map(|v| expand_home(&v));
        let cache = folder("HF_HUB_CACHE")
            .or_else(|| folder("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| folder("HF_HOME").map(|home| home.join("hub")))
            .or_else(|| folder("XDG_CACHE_HOME").map(|home| home.join("huggingface/hub")));
        SourceOptions {
            offline: get("HF_HUB_OFFLINE").is_some_and(|v| is_true(&v)),
            endpoint: get("HF_ENDPOINT"),
            cache,
            ..Self::default()
        }
    }

    /// The hub cache in use.
    pub fn cache_dir(&self) -> PathBuf {
        self.cache
            .clone()
            .unwrap_or_else(|| expand_home("~/.cache/huggingface/hub"))
    }

    /// The hub's address without a closing slash.
    ///
    /// # Errors
    /// `BadEndpoint` when it is no http address.
    pub fn endpoint_url(&self) -> Result<String, SourceError> {
        let endpoint = self
            .endpoint
            .as_deref()
            .unwrap_or(DEFAULT_ENDPOINT)
            .trim_end_matches('/');
        let host = endpoint
            .strip_prefix("https://")
            .or_else(|| endpoint.strip_prefix("http://"));
        match host {
            Some(host) if !host.is_empty() => Ok(endpoint.to_string()),
            _ => Err(SourceError::BadEndpoint {
                endpoint: endpoint.to_string(),
            }),
        }
    }
}

/// What Python's huggingface_hub takes for true.
fn is_true(value: &str) -> bool {
    ["1", "on", "yes", "true"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> SourceOptions {
        SourceOptions::from_lookup(|name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.to_string())
        })
    }

    #[test]
    fn offline_is_read_as_python_reads_it() {
        for on in ["1", "true", "YES", "On"] {
            assert!(with(&[("HF_HUB_OFFLINE", on)]).offline, "{on}");
        }
        for off in ["", "0", "false", "no", "2"] {
            assert!(!with(&[("HF_HUB_OFFLINE", off)]).offline, "{off}");
        }
    }

    #[test]
    fn the_cache_follows_the_variables_in_order() {
        let home = ("HF_HOME", "/h");
        assert_eq!(with(&[home]).cache_dir(), PathBuf::from("/h/hub"));
        assert_eq!(
            with(&[home, ("HF_HUB_CACHE", "/c")]).cache_dir(),
            PathBuf::from("/c")
        );
        assert_eq!(
            with(&[home, ("HF_HUB_CACHE", "")]).cache_dir(),
            PathBuf::from("/h/hub")
        );
        assert_eq!(
            with(&[("XDG_CACHE_HOME", "/x")]).cache_dir(),
            PathBuf::from("/x/huggingface/hub")
        );
        assert!(with(&[]).cache_dir().ends_with(".cache/huggingface/hub"));
    }

    #[test]
    fn an_endpoint_must_be_an_address() {
        let url = |e| with(&[("HF_ENDPOINT", e)]).endpoint_url();
        assert_eq!(url("http://127.0.0.1:8/").unwrap(), "http://127.0.0.1:8");
        assert_eq!(url("").unwrap(), DEFAULT_ENDPOINT);
        for bad in ["localhost:8080", "hub.example", "https://", "ftp://x"] {
            assert!(
                matches!(url(bad), Err(SourceError::BadEndpoint { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let options = SourceOptions {
            token: Some("hf_secret".into()),
            ..Default::default()
        };
        assert!(!format!("{options:?}").contains("secret"));
    }
}
