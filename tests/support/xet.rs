//! The storage behind most weights on the hub today: a file is put together
//! from terms, each a run of chunks in a xorb. Here every file is one chunk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use crate::hub_server::{Reply, Repo, Request, sha256};

/// As [`Repo::answer`], with the weights in xet storage on the same server.
pub fn answer(repo: &Repo, request: &Request) -> Reply {
    if request.path.contains("/xet-read-token/") {
        let token =
            json!({ "accessToken": "storage", "exp": 4_000_000_000_u64, "casUrl": "{here}" });
        return Reply::new(200, token.to_string());
    }
    if let Some(hash) = request.path.strip_prefix("/v1/reconstructions/") {
        return recipe(repo, hash);
    }
    if let Some(hash) = request.path.strip_prefix("/xorb/") {
        return match content(repo, hash) {
            Some(content) => Reply::new(206, chunk(content)),
            None => Reply::new(404, ""),
        };
    }
    let reply = repo.answer(request);
    let linked = reply
        .headers
        .iter()
        .find(|(name, _)| *name == "X-Linked-Etag");
    match linked.map(|(_, etag)| etag.trim_matches('"').to_string()) {
        Some(sha) => reply.with("X-Xet-Hash", sha),
        None => reply,
    }
}

fn content<'a>(repo: &'a Repo, hash: &str) -> Option<&'a Vec<u8>> {
    repo.files.values().find(|content| sha256(content) == hash)
}

fn recipe(repo: &Repo, hash: &str) -> Reply {
    let Some(content) = content(repo, hash) else {
        return Reply::new(404, "");
    };
    let chunks = json!({ "start": 0, "end": 1 });
    let bytes = json!({ "start": 0, "end": chunk(content).len() - 1 });
    let recipe = json!({
        "offset_into_first_range": 0,
        "terms": [{ "hash": hash, "unpacked_length": content.len(), "range": chunks }],
        "fetch_info": { hash: [{ "range": chunks, "url": format!("{{here}}/xorb/{hash}"), "url_range": bytes }] },
    });
    Reply::new(200, recipe.to_string())
}

/// Version 0, packed length, scheme "not compressed", length; then the bytes.
fn chunk(content: &[u8]) -> Vec<u8> {
    let length = &u32::try_from(content.len()).unwrap().to_le_bytes()[..3];
    [&[0], length, &[0], length, content].concat()
}
