//! What is said, and what is left, when something goes wrong.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use embedscope::model::source::{self, SourceError};

use crate::hub_server::{HubServer, Pace, Reply};
use crate::machine::*;

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
fn a_hub_that_is_not_there_is_one_clear_line_soon() {
    within(seconds(20), || {
        // The proxies must be out of the way here too.
        drop(HubServer::serving(tiny()));
        let start = Instant::now();
        let error = Machine::new(&closed_port())
            .resolve(source::MINILM)
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
