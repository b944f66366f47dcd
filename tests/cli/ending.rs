//! How a run ends when somebody has had enough of it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use embedscope::trace::site::LayerSite;
use embedscope::views::PANELS;
use tempfile::TempDir;

use crate::run::{command, fixture, run};

/// So many texts that no machine is done with them before it is interrupted.
fn many(dir: &TempDir) -> String {
    let path = dir.path().join("in.txt");
    std::fs::write(&path, "the cat sat on the mat\n".repeat(1_000_000)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let (model, dir) = (fixture("tiny/plain"), TempDir::new().unwrap());
    let input = many(&dir);
    let mut child = command(&["embed", "--model", &model, "--input", &input, "--out", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"text\":"), "{line}");
    drop(out);
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_at_once_and_leaves_no_half_output() {
    use std::os::unix::process::ExitStatusExt;
    const SIGINT: i32 = 2;
    let (model, dir) = (fixture("tiny/plain"), TempDir::new().unwrap());
    let (input, out) = (many(&dir), dir.path().join("v.npy"));
    let mut child = command(&["embed", "--model", &model, "--input", &input])
        .args(["--out", out.to_str().unwrap()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = || {
        let mut entries = std::fs::read_dir(dir.path()).unwrap();
        entries.any(|e| {
            e.unwrap()
                .file_name()
                .to_string_lossy()
                .ends_with(".partial")
        })
    };
    let patience = Instant::now();
    while !started() {
        assert!(patience.elapsed() < Duration::from_secs(60));
        assert_eq!(
            child.try_wait().unwrap(),
            None,
            "it ended before it was interrupted"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let asked = Instant::now();
    let status = child.wait().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert_eq!(status.signal(), Some(SIGINT));
    assert!(!out.exists());
}

#[test]
fn bad_usage_is_status_2_and_help_is_0() {
    for arguments in [
        &["nonsense"][..],
        &["tokens"],
        &["tokens", "--text"],
        &["tokens", "--text", "a", "--device", "tpu"],
        &[
            "snapshot", "--text", "a", "--panel", "tokens", "--out", "a.png", "--size", "0x0",
        ],
    ] {
        run(arguments).usage();
    }
    let help = run(&["--help"]).ok();
    for command in [
        "tokens", "trace", "embed", "why", "models", "check", "snapshot",
    ] {
        assert!(help.contains(command), "{help}");
    }
    let sites = run(&["trace", "--help"]).ok();
    for site in LayerSite::ALL {
        assert!(sites.contains(&format!(".{} ", site.name())), "{sites}");
    }
    let panels = run(&["snapshot", "--help"]).ok();
    for panel in PANELS {
        assert!(panels.contains(&format!("  {} ", panel.id)), "{panels}");
    }
    assert!(panels.contains("no-head:L.H"), "{panels}");
    assert!(run(&["--version"]).ok().starts_with("embedscope "));
}
