use std::path::Path;

use tempfile::TempDir;

use crate::run::{Copy, command, finish};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Puts a model into a hub cache, as a download would.
fn cache(home: &Path, id: &str, model: &Copy) {
    let repo = home.join(format!("hub/models--{}", id.replace('/', "--")));
    std::fs::create_dir_all(repo.join("refs")).unwrap();
    std::fs::write(repo.join("refs/main"), COMMIT).unwrap();
    std::fs::create_dir_all(repo.join("snapshots")).unwrap();
    std::fs::rename(model.dir.path(), repo.join("snapshots").join(COMMIT)).unwrap();
    // The temporary folder is looked for when the test ends.
    std::fs::create_dir_all(model.dir.path()).unwrap();
}

#[test]
fn cached_models_are_listed_and_run_offline() {
    let home = TempDir::new_in(std::env::temp_dir()).unwrap();
    let (good, strange) = (Copy::of("tiny/plain"), Copy::of("tiny/plain"));
    strange.json("config.json", |c| c["model_type"] = "gpt9".into());
    cache(home.path(), "org/good", &good);
    cache(home.path(), "org/strange", &strange);
    let at_home = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("HF_HOME", home.path());
        finish(command, b"")
    };

    let listed = at_home(&["models", "--json"]).json();
    assert_eq!(listed["families"][0], "bert");
    let bundled = listed["bundled"].as_array().unwrap();
    assert_eq!(bundled[0]["id"], "bundled");
    assert_eq!(bundled[1]["id"], "bundled@start");
    assert!(
        bundled
            .iter()
            .all(|row| row["bytes"].as_u64() > Some(1_000_000))
    );
    let rows = listed["cached"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["id"], &rows[0]["supported"]),
        (&"org/good".into(), &true.into())
    );
    assert_eq!(
        (&rows[0]["revision"], &rows[0]["refs"][0]),
        (&COMMIT.into(), &"main".into())
    );
    assert!(rows[0]["bytes"].as_u64().unwrap() > 10_000);
    assert_eq!(
        (&rows[1]["id"], &rows[1]["supported"]),
        (&"org/strange".into(), &false.into())
    );
    assert!(rows[1]["problem"].as_str().unwrap().contains("gpt9"));

    let table = at_home(&["models"]).ok();
    assert!(
        table.contains("org/good") && table.contains("gpt9"),
        "{table}"
    );

    let tokens = at_home(&[
        "tokens",
        "--json",
        "--model",
        "org/good@main",
        "--text",
        "cat",
    ])
    .json();
    assert_eq!(tokens["pieces"][1], "cat");
}

#[test]
fn an_empty_cache_is_no_failure() {
    let home = TempDir::new().unwrap();
    let mut command = command(&["models"]);
    command.env("HF_HOME", home.path());
    let done = finish(command, b"");
    assert_eq!(done.stderr, "");
    assert!(done.ok().contains("none"));
}
