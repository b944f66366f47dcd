//! A hub on loopback: as much of the protocol as hf-hub asks for, with a
//! closure in front so that a test can make it misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub token: Option<String>,
    /// What was sent along.
    pub body: Vec<u8>,
}

impl Request {
    /// Whether this asks for the content of `file`.
    pub fn gets(&self, file: &str) -> bool {
        self.method == "GET"
            && self.path.contains("/resolve/")
            && self.path.ends_with(&format!("/{file}"))
    }
}

/// How the body goes out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    Whole,
    /// Half of it, then the connection closes.
    Half,
    /// A byte every 20 ms.
    Dribble,
    /// One byte, then nothing while the server lives.
    Hang,
}

/// What goes back. `{here}` in a header or a text stands for the server's own
/// address.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub pace: Pace,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Reply {
            status,
            headers: Vec::new(),
            body: body.into(),
            pace: Pace::Whole,
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn paced(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }
}

/// A repository to serve.
#[derive(Clone)]
pub struct Repo {
    pub id: String,
    /// What may be asked for, and the commit it stands for.
    pub revisions: BTreeMap<String, String>,
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Repo {
    pub fn answer(&self, request: &Request) -> Reply {
        let path = request.path.replace("%2F", "/");
        if let Some(rest) = path.strip_prefix(&format!("/api/models/{}", self.id)) {
            if rest.starts_with("/paths-info/") {
                return self.sizes(&request.body);
            }
            return match rest.strip_prefix("/revision/") {
                Some(revision) => self.info(revision),
                None => self.info("main"),
            };
        }
        if let Some(rest) = path.strip_prefix(&format!("/{}/resolve/", self.id)) {
            let found = self.revisions.iter().find_map(|(name, commit)| {
                let named = rest.strip_prefix(&format!("{name}/"));
                let file = named.or_else(|| rest.strip_prefix(&format!("{commit}/")))?;
                Some((commit.clone(), file.to_string()))
            });
            return match found {
                Some((commit, file)) => self.file(&commit, &file),
                None => Reply::new(404, "").with("X-Error-Code", "RevisionNotFound"),
            };
        }
        match path.strip_prefix("/cdn/") {
            Some(file) => Reply::new(200, self.files[file].clone()),
            None => Reply::new(404, "{\"error\":\"Repository not found\"}")
                .with("X-Error-Code", "RepoNotFound"),
        }
    }

    fn info(&self, revision: &str) -> Reply {
        let by_name = self.revisions.get(revision);
        let Some(commit) = by_name.or_else(|| self.revisions.values().find(|c| *c == revision))
        else {
            return Reply::new(404, "{}").with("X-Error-Code", "RevisionNotFound");
        };
        let siblings: Vec<_> = self
            .files
            .keys()
            .map(|f| serde_json::json!({ "rfilename": f }))
            .collect();
        let info = serde_json::json!({ "id": self.id, "sha": commit, "siblings": siblings });
        Reply::new(200, info.to_string()).with("Content-Type", "application/json")
    }

    /// Of the files that were asked for.
    fn sizes(&self, asked: &[u8]) -> Reply {
        let asked: serde_json::Value = serde_json::from_slice(asked).unwrap();
        let paths = asked["paths"].as_array().unwrap();
        let named = |path: &str| paths.iter().any(|asked| asked == path);
        let known = self.files.iter().filter(|(path, _)| named(path));
        let all = known.map(|(path, content)| {
            serde_json::json!({ "type": "file", "oid": "0", "path": path, "size": content.len() })
        });
        let all = serde_json::Value::Array(all.collect());
        Reply::new(200, all.to_string()).with("Content-Type", "application/json")
    }

    /// Weights redirect to storage and are named by SHA-256, as LFS files are;
    /// anything else comes straight, with a git-like etag.
    fn file(&self, commit: &str, file: &str) -> Reply {
        let Some(content) = self.files.get(file) else {
            return Reply::new(404, "")
                .with("X-Error-Code", "EntryNotFound")
                .with("X-Repo-Commit", commit);
        };
        let sha = sha256(content);
        if file.ends_with(".safetensors") {
            return Reply::new(302, "Found. Redirecting.")
                .with("Location", format!("{{here}}/cdn/{file}"))
                .with("X-Repo-Commit", commit)
                .with("X-Linked-Etag", format!("\"{sha}\""))
                .with("X-Linked-Size", content.len().to_string());
        }
        Reply::new(200, content.clone())
            .with("X-Repo-Commit", commit)
            .with("ETag", format!("\"{}\"", &sha[..40]))
    }
}

pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// Serves until it is dropped.
pub struct HubServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    listener: Option<thread::JoinHandle<()>>,
}

impl HubServer {
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        prepare_environment();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let handler: Arc<Handler> = Arc::new(handler);
        let (log, stopped) = (Arc::clone(&requests), Arc::clone(&stop));
        let listener = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (handler, log, stopped) =
                    (Arc::clone(&handler), Arc::clone(&log), Arc::clone(&stopped));
                thread::spawn(move || serve(stream, address, &*handler, &log, &stopped));
            }
        });
        HubServer {
            address,
            requests,
            stop,
            listener: Some(listener),
        }
    }

    pub fn serving(repo: Repo) -> Self {
        Self::start(move |request| repo.answer(request))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for HubServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees the flag.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn serve(
    stream: TcpStream,
    address: SocketAddr,
    handler: &Handler,
    log: &Mutex<Vec<Request>>,
    stop: &AtomicBool,
) {
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let Some(request) = read_request(&stream) else {
        return;
    };
    log.lock().unwrap().push(request.clone());
    let mut reply = handler(&request);
    let here = format!("http://{address}");
    if let Ok(text) = std::str::from_utf8(&reply.body) {
        reply.body = text.replace("{here}", &here).into();
    }
    let mut head = format!(
        "HTTP/1.1 {} x\r\nConnection: close\r\nContent-Length: {}\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        let value = value.replace("{here}", &here);
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    // A client that goes away in the middle is part of some tests.
    let _ = send(stream, &head, &request, &reply, stop);
}

fn send(
    mut stream: TcpStream,
    head: &str,
    request: &Request,
    reply: &Reply,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    stream.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return Ok(());
    }
    let body = &reply.body;
    match reply.pace {
        Pace::Whole => stream.write_all(body)?,
        Pace::Half => stream.write_all(&body[..body.len() / 2])?,
        Pace::Dribble => {
            for byte in body {
                stream.write_all(&[*byte])?;
                thread::sleep(Duration::from_millis(20));
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
            }
        }
        Pace::Hang => {
            stream.write_all(&body[..1])?;
            while !stop.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
    stream.flush()
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ');
    let mut request = Request {
        method: words.next()?.to_string(),
        path: words.next()?.to_string(),
        token: None,
        body: Vec::new(),
    };
    let mut length = 0;
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("authorization") {
            request.token = Some(value.trim().to_string());
        }
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    reader.take(length).read_to_end(&mut request.body).ok()?;
    Some(request)
}

/// Where the machine reaches the world through a proxy, loopback must not go
/// through it, and xet's working files belong to the tests, not to the person
/// who runs them: both are read when a client is built.
fn prepare_environment() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // SAFETY: the only write, before any client of this process is built;
        // Rust's own readers of the environment take the same lock.
        unsafe {
            std::env::set_var("NO_PROXY", "127.0.0.1,localhost");
            std::env::set_var("no_proxy", "127.0.0.1,localhost");
            std::env::set_var("HF_XET_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/xet"));
        }
    });
}
