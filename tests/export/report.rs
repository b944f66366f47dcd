//! The report.

use std::sync::Arc;

use embedscope::app::export::report::{Run, make, write};
use embedscope::app::state::State;

use super::models;

const HOSTILE: &str = "<script>alert(\"x\")</script><img src=http://evil.example/x>";

fn state() -> State {
    let mut state = State::default();
    state.set_texts(["the cat sat", HOSTILE]);
    state
}

#[test]
fn it_holds_everything_and_reaches_for_nothing() {
    let run = Run::default();
    let model = Arc::new(models::tiny("plain"));
    let hash = model.hash.clone();
    let page = make(model, state(), &run).unwrap().unwrap();
    assert_eq!(run.progress(), (16, 16));

    assert!(!page.contains("<script") && !page.contains("<img src=http"));
    assert!(
        page.contains("&lt;script&gt;alert("),
        "the text itself is there"
    );
    // A link or a source is data of the page's own; the hostile text has one as text.
    for reference in ["src=\"", "href=\"", "url("] {
        for (at, _) in page.match_indices(reference) {
            let target = &page[at + reference.len()..];
            let own = target.starts_with("data:image/png;base64,") || target.starts_with('#');
            assert!(own, "{}", &target[..target.len().min(60)]);
        }
    }
    assert!(!page.contains("@import") && !page.contains("<link"));
    for title in [
        "Tokens",
        "Embedding",
        "Position",
        "Attention",
        "Feed-forward",
        "Residual stream",
        "Pooling",
        "Score",
    ] {
        assert!(page.contains(&format!("<h2>{title}</h2>")), "{title}");
    }
    assert_eq!(page.matches("<figure class=\"light\">").count(), 8);
    assert_eq!(page.matches("<figure class=\"dark\">").count(), 8);
    assert!(page.contains(&*hash) && page.contains(env!("CARGO_PKG_VERSION")));
    assert!(page.contains("embedscope report --model"));
    assert!(page.contains("Cosine of A and B") && page.contains("<h2>Findings</h2>"));
    // Names within the page are used once.
    let ids: Vec<&str> = page
        .match_indices("<clipPath id=\"")
        .map(|(at, found)| page[at + found.len()..].split('"').next().unwrap())
        .collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len());
}

#[test]
fn long_texts_leave_it_small() {
    // The tiny models read too few tokens.
    let Some(model) = models::minilm() else {
        return;
    };
    let long = "the cat bit the dog and the dog bit the cat on the mat ".repeat(40);
    let mut state = State::default();
    state.set_texts([long.as_str(), "the cat sat"]);
    let page = make(model, state, &Run::default()).unwrap().unwrap();
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
    let (all, dark) = (
        page.matches("<figure").count(),
        page.matches("<figure class=\"dark\">").count(),
    );
    assert!(
        all - 2 * dark > 0,
        "nothing was large enough to be there once"
    );
    assert_eq!(all - dark, 8, "every panel is there");
}

#[test]
fn one_that_is_given_up_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.html");
    let run = Run::default();
    run.cancel();
    let made = write(Arc::new(models::tiny("plain")), state(), &path, &run);
    assert_eq!(made, Ok(false));
    assert!(!path.exists());
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let path = std::path::Path::new("/no/such/folder/r.html");
    let why = write(
        Arc::new(models::tiny("plain")),
        state(),
        path,
        &Run::default(),
    )
    .unwrap_err();
    assert!(
        why.starts_with("/no/such/folder/r.html: cannot be written"),
        "{why}"
    );
}
