use std::path::Path;

use tempfile::TempDir;

use crate::run::{Outcome, command, finish, fixture, furthest, run, tensors};

/// Several lengths, everything a format must quote, and a text that is cut.
const LINES: &str = "The cat sat unhappily\n\na, \"quoted\" dog\n  lead and trail  \nCafé 東 zz 7!\r\n\
the mat the mat the mat the mat the mat the mat the mat the mat\ndogs\nThe cat sat unhappily";
const COUNT: usize = 8;

struct Written {
    vectors: Vec<Vec<f32>>,
    texts: Option<Vec<String>>,
}

fn embed(model: &str, out: &Path, more: &[&str], stdin: &str) -> Outcome {
    let given = [
        "embed",
        "--model",
        model,
        "--input",
        "-",
        "--out",
        out.to_str().unwrap(),
    ];
    let done = finish(command(&[&given[..], more].concat()), stdin.as_bytes());
    assert_eq!(done.code, Some(0), "{done:#?}");
    done
}

/// Reads a file by its own format's rules, not with our writer's help.
fn read(path: &Path) -> Written {
    let bytes = std::fs::read(path).unwrap();
    let floats = |bytes: &[u8]| -> Vec<f32> {
        bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&x| f32::from_le_bytes(x))
            .collect()
    };
    let rows = |flat: Vec<f32>, shape: &[usize]| {
        assert_eq!(flat.len(), shape[0] * shape[1]);
        flat.chunks(shape[1]).map(<[f32]>::to_vec).collect()
    };
    match path.extension().unwrap().to_str().unwrap() {
        "npy" => {
            assert_eq!(bytes[..8], *b"\x93NUMPY\x01\x00");
            let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
            assert_eq!((10 + length) % 64, 0);
            let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
            assert!(header.contains("'descr': '<f4'") && header.contains("'fortran_order': False"));
            let shape = header
                .split_once("'shape': (")
                .unwrap()
                .1
                .split_once(')')
                .unwrap()
                .0;
            let shape: Vec<usize> = shape.split(", ").map(|n| n.parse().unwrap()).collect();
            let vectors = rows(floats(&bytes[10 + length..]), &shape);
            Written {
                vectors,
                texts: None,
            }
        }
        "safetensors" => {
            let (shape, values) = tensors(path).remove("embeddings").unwrap();
            Written {
                vectors: rows(values, &shape),
                texts: None,
            }
        }
        "jsonl" => jsonl(std::str::from_utf8(&bytes).unwrap()),
        _ => csv(std::str::from_utf8(&bytes).unwrap()),
    }
}

fn jsonl(text: &str) -> Written {
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let vector = |line: &serde_json::Value| {
        let row = line["embedding"].as_array().unwrap().iter();
        row.map(|x| x.as_f64().unwrap() as f32).collect()
    };
    let texts = lines.iter().map(|l| l["text"].as_str().unwrap().to_owned());
    Written {
        texts: Some(texts.collect()),
        vectors: lines.iter().map(vector).collect(),
    }
}

/// RFC 4180, one character at a time.
fn csv(text: &str) -> Written {
    let (mut records, mut record, mut field, mut quoted) =
        (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    let header = records.remove(0);
    assert_eq!(header[..2], ["text", "d0"]);
    assert!(records.iter().all(|r| r.len() == header.len()));
    let vector = |r: &Vec<String>| r[1..].iter().map(|x| x.parse().unwrap()).collect();
    Written {
        vectors: records.iter().map(vector).collect(),
        texts: Some(records.iter().map(|r| r[0].clone()).collect()),
    }
}

#[test]
fn four_formats_hold_the_same_vectors_in_the_order_of_the_texts() {
    let (model, dir) = (fixture("tiny/relu_dense"), TempDir::new().unwrap());
    let texts: Vec<&str> = LINES.lines().collect();
    let mut first: Option<Vec<Vec<f32>>> = None;
    for ending in ["npy", "csv", "jsonl", "safetensors"] {
        let out = dir.path().join("vectors").with_extension(ending);
        let done = embed(&model, &out, &[], LINES);
        assert_eq!(done.stdout, "");
        assert!(
            done.stderr.contains("3 of 8 texts") && done.stderr.contains("stdin line 3"),
            "the cut text is named: {done:?}"
        );
        assert!(done.stderr.contains("texts/s"), "{done:?}");
        let written = read(&out);
        assert_eq!(written.vectors.len(), COUNT);
        assert_eq!(
            written.vectors[0],
            written.vectors[COUNT - 1],
            "one text, one vector"
        );
        if let Some(theirs) = written.texts {
            assert_eq!(theirs, texts, "{ending}");
        }
        let first = first.get_or_insert(written.vectors.clone());
        assert_eq!(*first, written.vectors, "{ending}");
    }
    let left = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 4, "no partial file is left");
}

#[test]
fn a_text_alone_and_in_a_batch_has_one_vector_that_is_the_references() {
    let (model, dir) = (fixture("tiny/plain"), TempDir::new().unwrap());
    let vectors = |batch: &str| {
        let out = dir.path().join("v.npy");
        embed(&model, &out, &["--batch", batch], LINES);
        read(&out).vectors
    };
    let (alone, batched) = (vectors("1"), vectors("7"));
    for (alone, batched) in alone.iter().zip(&batched) {
        assert!(furthest(alone, batched) <= 1e-5);
    }
    let expected = |name: &str, site: &str| {
        let file = fixture(&format!("tiny/plain/expected/{name}.safetensors"));
        tensors(Path::new(&file)).remove(site).unwrap().1
    };
    assert!(furthest(&alone[0], &expected("short", "sentence")) <= 1e-5);
    assert!(furthest(&alone[1], &expected("empty", "sentence")) <= 1e-5);
    // This model has nothing behind its pooling, so another pooling gives that site itself.
    let out = dir.path().join("v.jsonl");
    embed(
        &model,
        &out,
        &["--pooling", "max", "--truncate-dim", "5"],
        LINES,
    );
    let cut = read(&out).vectors;
    assert!(furthest(&cut[0], &expected("short", "pooled.max")[..5]) <= 1e-5);
}

#[test]
fn prompts_and_normalizing_are_the_models_own_unless_said_otherwise() {
    let (model, dir) = (fixture("tiny/relu_dense"), TempDir::new().unwrap());
    let out = dir.path().join("v.jsonl");
    let one = |more: &[&str]| {
        embed(&model, &out, more, "The cat sat");
        read(&out).vectors.remove(0)
    };
    let expected = |name: &str| {
        let file = fixture(&format!("tiny/relu_dense/expected/{name}.safetensors"));
        tensors(Path::new(&file)).remove("sentence").unwrap().1
    };
    let own = one(&[]);
    assert!(furthest(&own, &expected("short")) <= 1e-5);
    assert!(furthest(&one(&["--prompt", ""]), &expected("no_prompt")) <= 1e-5);
    let raw = one(&["--no-normalize"]);
    let length = |v: &[f32]| v.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
    assert!((length(&own) - 1.).abs() < 1e-6);
    assert!((length(&raw) - 1.).abs() > 1e-3);
    let cos = own
        .iter()
        .zip(&raw)
        .map(|(a, b)| f64::from(a * b))
        .sum::<f64>()
        / length(&raw);
    assert!((cos - 1.).abs() < 1e-6, "only the length changes");
}

#[test]
fn texts_come_first_and_stdout_takes_jsonl() {
    let (model, dir) = (fixture("tiny/plain"), TempDir::new().unwrap());
    let input = dir.path().join("in.txt");
    std::fs::write(&input, "three\n").unwrap();
    let given = [
        "embed", "--model", &model, "--out", "-", "--text", "one", "--text", "-2 two",
    ];
    let done = run(&[&given[..], &["--input", input.to_str().unwrap()]].concat());
    assert_eq!(jsonl(&done.ok()).texts.unwrap(), ["one", "-2 two", "three"]);

    std::fs::write(&input, b"fine\ncaf\xe9\n").unwrap();
    let error = run(&[&given[..], &["--input", input.to_str().unwrap()]].concat()).error();
    assert!(
        error.contains("in.txt") && error.contains("line 2"),
        "{error}"
    );
    assert!(error.contains("UTF-8"), "{error}");
}

#[test]
fn an_input_without_texts_gives_no_rows_and_says_so() {
    let (model, dir) = (fixture("tiny/plain"), TempDir::new().unwrap());
    let out = dir.path().join("v.npy");
    let done = embed(&model, &out, &[], "");
    assert!(done.stderr.contains("warning: "), "{done:?}");
    let bytes = std::fs::read(&out).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("'shape': (0, 32)"));
}

#[test]
fn arguments_that_make_no_sense_are_bad_usage() {
    let model = fixture("tiny/plain");
    let given = ["embed", "--model", &model, "--text", "a", "--out"];
    for (more, named) in [
        (&["v.txt"][..], ".npy"),
        (&["-", "--pooling", "median"], "median"),
        (&["-", "--batch", "0"], "--batch"),
        (&["-", "--truncate-dim", "33"], "32"),
        (
            &["-", "--prompt", "a", "--prompt-name", "b"],
            "--prompt-name",
        ),
    ] {
        let usage = run(&[&given[..], more].concat()).usage();
        assert!(usage.contains(named), "{usage}");
    }
    let nothing = run(&["embed", "--model", &model, "--out", "-"]).usage();
    assert!(nothing.contains("--input"), "{nothing}");
}
