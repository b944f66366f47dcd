use serde_json::Value;

use crate::run::{command, finish, fixture, run};

const A: &str = "The cat sat unhappily";
const B: &str = "the dog bit the cat";

fn why(model: &str, more: &[&str]) -> Vec<String> {
    let model = fixture(&format!("tiny/{model}"));
    let start = ["why", "--model", &model, A, B].map(str::to_owned);
    let more = more.iter().map(|argument| (*argument).to_owned());
    start.into_iter().chain(more).collect()
}

fn run_why(model: &str, more: &[&str]) -> crate::run::Outcome {
    let arguments = why(model, more);
    run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// The document's pair matrix as rows, checked against its own names and sums.
fn matrix(document: &Value) -> Vec<Vec<f64>> {
    let pairs = &document["methods"]["pairs"];
    let rows = pairs["matrix"].as_array().unwrap().iter();
    let rows: Vec<Vec<f64>> = rows
        .map(|row| row.as_array().unwrap().iter().map(number).collect())
        .collect();
    assert_eq!(rows.len(), pairs["rows"].as_array().unwrap().len());
    let columns = pairs["columns"].as_array().unwrap().len();
    assert!(rows.iter().all(|row| row.len() == columns));
    let sum: f64 = rows.iter().flatten().sum();
    assert!((sum - number(&pairs["sum"])).abs() < 1e-9);
    assert!((sum - number(&pairs["explains"])).abs() <= 1e-5, "{pairs}");
    let residual = number(&pairs["sum"]) - number(&pairs["explains"]);
    assert_eq!(number(&pairs["residual"]), residual);
    assert!(number(&pairs["seconds"]) >= 0.);
    rows
}

#[test]
fn the_document_has_what_others_rely_on() {
    for model in ["plain", "concat", "relu_dense", "prompt_excluded"] {
        let document = run_why(model, &["--json"]).json();
        matrix(&document);
        assert!(document["model"]["id"].is_string() && document["model"]["hash"].is_string());
        assert_eq!(document["methods"]["pairs"]["explains"], document["cos"]);
        assert!(document["findings"].is_array());
        let modes = [
            "cls",
            "mean",
            "max",
            "mean_sqrt_len_tokens",
            "weightedmean",
            "lasttoken",
        ];
        let poolings = document["poolings"].as_object().unwrap();
        assert_eq!(poolings.len(), modes.len());
        for mode in modes {
            assert!(number(&poolings[mode]).abs() <= 1. + 1e-6, "{model} {mode}");
        }
        if let Some(own) = poolings.get(document["pooling"].as_str().unwrap()) {
            assert_eq!(own, &document["cos"]);
        }
        for (side, axis) in [("a", "rows"), ("b", "columns")] {
            let text = &document[side];
            let pieces = text["pieces"].as_array().unwrap();
            assert_eq!(text["offsets"].as_array().unwrap().len(), pieces.len());
            assert_eq!(text["special"].as_array().unwrap().len(), pieces.len());
            let names = document["methods"]["pairs"][axis].as_array().unwrap();
            assert_eq!(
                &names[..pieces.len()],
                pieces,
                "tokens first, then extra rows"
            );
        }
    }
}

#[test]
fn a_pooling_can_be_chosen_and_is_then_the_one_that_is_explained() {
    let own = run_why("plain", &["--json"]).json();
    for mode in ["cls", "max", "weightedmean", "lasttoken"] {
        let chosen = run_why("plain", &["--json", "--pooling", mode]).json();
        matrix(&chosen);
        assert_eq!(chosen["pooling"], mode);
        assert_eq!(chosen["cos"], own["poolings"][mode]);
        assert_eq!(chosen["poolings"], own["poolings"]);
    }
    assert_eq!(
        run_why("concat", &["--json"]).json()["pooling"],
        "cls+max+mean"
    );
}

#[test]
fn what_a_dense_module_does_not_take_is_null_or_refused() {
    let document = run_why("saved_v6", &["--json"]).json();
    matrix(&document);
    assert_eq!(document["poolings"]["mean"], Value::Null);
    let refused = run_why("saved_v6", &["--pooling", "mean"]).usage();
    assert!(
        refused.contains("16") && refused.contains("32"),
        "{refused}"
    );
}

#[test]
fn methods_go_by_name_and_others_are_refused_with_the_list() {
    let all = ["pairs", "dims", "input", "components", "layers"];
    for name in all {
        for model in ["plain", "concat", "relu_dense", "saved_v6"] {
            let document = run_why(model, &["--json", "--method", name]).json();
            let methods = document["methods"].as_object().unwrap();
            assert_eq!(methods.len(), 1, "{name}");
            let method = &methods[name];
            let (sum, explains) = (number(&method["sum"]), number(&method["explains"]));
            assert!((sum - explains).abs() <= 1e-5, "{model} {name}");
            assert_eq!(method["explains"], document["cos"], "{model} {name}");
            let rows = method["matrix"].as_array().unwrap();
            assert_eq!(rows.len(), method["rows"].as_array().unwrap().len());
            let columns = method["columns"].as_array().unwrap().len();
            assert!(
                rows.iter()
                    .all(|row| row.as_array().unwrap().len() == columns)
            );
        }
        let table = run_why("plain", &["--method", name]).ok();
        assert!(table.contains(&format!("\n{name}  Σ")), "{table}");
    }
    let again = ["common", "loo", "shapley", "ablation", "patching", "ij"];
    for names in ["all", "pairs,all"] {
        let document = run_why("plain", &["--json", "--method", names]).json();
        let methods = document["methods"].as_object().unwrap();
        assert!(
            all.iter()
                .chain(&again)
                .all(|name| methods.contains_key(*name)),
            "{names}"
        );
    }
    let document = run_why("plain", &["--json", "--method", "dims,layers"]).json();
    let dims = &document["methods"]["dims"];
    assert!(
        dims["top"].is_array() && dims["rogue"].is_array() && dims["pooled"]["cos"].is_number()
    );
    let layers = &document["methods"]["layers"];
    let last = layers["poolings"]["mean"]
        .as_array()
        .unwrap()
        .last()
        .unwrap();
    assert!((number(last) - number(&document["poolings"]["mean"])).abs() < 1e-6);
    let refused = run_why("plain", &["--method", "pairs,guess"]).usage();
    assert!(
        refused.contains("`guess`") && refused.contains("pairs"),
        "{refused}"
    );
    run_why("plain", &["--pooling", "median"]).usage();
}

#[test]
fn a_third_text_is_compared_with_the_second() {
    let document = run_why("plain", &["--json", "--against", B]).json();
    assert_eq!(document["against"]["cos"], document["cos"]);
    assert_eq!(number(&document["against"]["difference"]), 0.);
    let document = run_why("plain", &["--json", "--against", "dogs"]).json();
    let difference = number(&document["cos"]) - number(&document["against"]["cos"]);
    assert_eq!(number(&document["against"]["difference"]), difference);
    matrix(&document["against"]);
    assert_eq!(document["against"]["c"]["pieces"][1], "dog");
    assert!(
        run_why("plain", &["--json"])
            .json()
            .get("against")
            .is_none()
    );
    let table = run_why("plain", &["--against", "dogs"]).ok();
    assert!(table.contains("A·B − A·C"), "{table}");
}

#[test]
fn the_difference_comes_apart_by_every_method_that_can() {
    let methods = "pairs,dims,input,components,loo,layers";
    let args = ["--json", "--against", "dogs", "--method", methods];
    let document = run_why("plain", &args).json();
    let wanted = number(&document["against"]["difference"]);
    let found = document["against"]["contrast"].as_object().unwrap();
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["components", "dims", "input", "loo", "pairs"]);
    let sum = |values: &Value| -> f64 { values.as_array().unwrap().iter().map(number).sum() };
    for (name, of) in found {
        let parts = of["a"]["names"].as_array().unwrap().len();
        assert_eq!(of["a"]["difference"].as_array().unwrap().len(), parts);
        if name == "loo" {
            assert!(of["sum"].is_null() && of["residual"].is_null());
            let lost = &document["methods"]["loo"]["a"][1];
            assert_eq!(&of["a"]["to_b"][1], lost);
            continue;
        }
        let (to_b, to_c) = (sum(&of["a"]["to_b"]), sum(&of["a"]["to_c"]));
        assert!(
            (sum(&of["a"]["difference"]) - wanted).abs() < 1e-5,
            "{name}"
        );
        assert!((to_b - to_c - wanted).abs() < 1e-5, "{name}");
        assert!(number(&of["residual"]).abs() < 1e-5, "{name}");
        if name != "dims" {
            let rest = sum(&of["b"]["difference"]) + sum(&of["c"]["difference"]);
            assert!((rest - wanted).abs() < 1e-5, "{name}");
        }
    }
    let table = run_why("plain", &["--against", "dogs", "--method", methods]).ok();
    for line in [
        "token of C",
        "dims, the 12 largest",
        "without, in A",
        "Σ over A",
    ] {
        assert!(table.contains(line), "{line}: {table}");
    }
}

#[test]
fn a_prompt_stands_in_front_of_both() {
    let document = run_why("prompt_excluded", &["--json", "--prompt-name", "query"]).json();
    for side in ["a", "b"] {
        assert!(
            document[side]["text"]
                .as_str()
                .unwrap()
                .starts_with("query: ")
        );
    }
    let rows = matrix(&document);
    assert!(
        rows[0].iter().chain(&rows[2]).all(|&value| value == 0.),
        "the prompt is not pooled"
    );
    let failed = run_why("prompt_excluded", &["--prompt-name", "nobody"]).error();
    assert!(
        failed.contains("nobody") && failed.contains("query"),
        "{failed}"
    );
}

#[test]
fn tables_fit_a_narrow_terminal_and_have_no_colours_in_a_pipe() {
    let arguments = why("plain", &[]);
    for columns in ["40", "60", "200"] {
        let mut command = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        command
            .env("COLUMNS", columns)
            .env("COLORTERM", "truecolor");
        let table = finish(command, b"").ok();
        assert!(!table.contains('\u{1b}'), "{table}");
        assert!(
            table.contains("residual") && table.contains("special tokens"),
            "{table}"
        );
        let matrix = table.split("\n\n").nth(2).unwrap();
        let widest = matrix
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(widest <= columns.parse().unwrap(), "{table}");
    }
}

#[test]
fn the_same_text_twice_is_one() {
    let model = fixture("tiny/plain");
    let document = run(&["why", "--model", &model, A, A, "--json"]).json();
    assert!((number(&document["cos"]) - 1.).abs() < 1e-6);
    let rows = matrix(&document);
    for (i, row) in rows.iter().enumerate() {
        for (j, value) in row.iter().enumerate() {
            assert!((value - rows[j][i]).abs() < 1e-12, "symmetric");
        }
    }
}

#[test]
fn methods_that_run_the_model_again_have_their_own_keys() {
    let names = "loo,shapley,ablation,ij";
    let document = run_why("plain", &["--json", "--method", names]).json();
    let methods = &document["methods"];
    let tokens = |side: &str| document[side]["pieces"].as_array().unwrap().len();
    let size = |value: &Value| value.as_array().unwrap().len();
    for (name, tolerance) in [("shapley", 1e-5), ("ij", 1e-3)] {
        let method = &methods[name];
        assert_eq!(size(&method["rows"]), tokens("a") + 1, "{name}");
        assert_eq!(size(&method["columns"]), tokens("b") + 1, "{name}");
        assert_eq!(method["explains"], document["cos"]);
        assert!(number(&method["residual"]).abs() <= tolerance, "{method}");
    }
    assert_eq!(size(&methods["shapley"]["row_errors"]), tokens("a") + 1);
    assert!(number(&methods["ij"]["steps"]) >= 8.);
    // No decompositions: they explain nothing that a sum could miss.
    for name in ["loo", "ablation"] {
        assert_eq!(methods[name]["explains"], Value::Null, "{name}");
        assert_eq!(methods[name]["residual"], Value::Null, "{name}");
        assert!(number(&methods[name]["seconds"]) >= 0.);
    }
    for removal in ["pool", "mask", "delete"] {
        let found = &methods["loo"]["removals"][removal];
        assert_eq!(size(&found["a"]), tokens("a"));
        assert_eq!(size(&found["b"]), tokens("b"));
        assert_eq!(
            found["a"][0].is_null(),
            removal == "delete",
            "[CLS] is no text"
        );
    }
    assert_eq!(methods["loo"]["a"], methods["loo"]["removals"]["mask"]["a"]);
    let ablation = &methods["ablation"];
    assert_eq!(size(&ablation["rows"]), 2);
    assert_eq!(size(&ablation["columns"]), 5, "four heads and a block");
    assert_eq!(size(&ablation["a"][1]), 5);
    for fill in ["zero", "mean"] {
        let found = &ablation["fills"][fill];
        assert_eq!(size(&found["matrix"][1]), 5, "{fill}");
        assert_eq!(found["matrix"] == ablation["matrix"], fill == "zero");
        assert_eq!(found["a"] == ablation["a"], fill == "zero");
    }
    let table = run_why("plain", &["--method", names]).ok();
    for word in ["without, in A", "empty", " H4 ", "reference"] {
        assert!(table.contains(word), "{word}: {table}");
    }
}

fn ids(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| {
            assert!(finding["severity"].is_string() && finding["evidence"].is_object());
            assert!(!finding["text"].as_str().unwrap().is_empty());
            finding["id"].as_str().unwrap()
        })
        .collect()
}

#[test]
fn findings_are_in_the_document_and_on_the_screen() {
    let folder = fixture("tiny/plain");
    let swapped = ["The cat bit the dog", "The dog bit the cat"];
    let arguments = ["why", "--model", &folder, swapped[0], swapped[1]];
    let screen = run(&arguments).ok();
    assert!(screen.contains("[same_order]"), "{screen}");
    let json = run(&[&arguments[..], &["--json", "--pooling", "max"]].concat()).json();
    let found = ids(&json);
    assert!(
        found.contains(&"same_order") && found.contains(&"pooling_mismatch"),
        "{found:?}"
    );
    assert_eq!(json["percentile"], Value::Null);
    let same = ["why", "--json", "--model", &folder, "the cat", "the cat"];
    assert!(!ids(&run(&same).json()).contains(&"same_order"));
}

#[test]
fn what_a_changed_run_leaves_out_is_named() {
    let plain = run_why("plain", &["--json"]).json();
    assert!(plain.get("not_looked_for").is_none());
    let change = ["--intervene", "no-head:1.2"];
    let changed = run_why("plain", &[&change[..], &["--json"]].concat()).json();
    let left_out = changed["not_looked_for"].as_array().unwrap();
    assert!(left_out.contains(&Value::from("negation")), "{left_out:?}");
    assert!(!left_out.contains(&Value::from("truncated")));
    let told = run_why("plain", &change).ok();
    assert!(
        told.contains("another run of it is not looked for"),
        "{told}"
    );
    let told = run_why("plain", &[]).ok();
    assert!(!told.contains("not looked for"), "{told}");
}

#[test]
fn a_calibration_is_made_on_request_and_used_from_then_on() {
    let cache = tempfile::tempdir().unwrap();
    let json = |more: &[&str]| {
        let arguments = why("plain", &[&["--json"], more].concat());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = command(&arguments);
        command.env("XDG_CACHE_HOME", cache.path());
        finish(command, b"").json()
    };
    assert_eq!(json(&[])["percentile"], Value::Null);
    let percentile = number(&json(&["--calibrate"])["percentile"]);
    assert!((0. ..=100.).contains(&percentile));
    assert_eq!(number(&json(&[])["percentile"]), percentile);
    assert_eq!(json(&["--pooling", "max"])["percentile"], Value::Null);
}

#[test]
fn limits_on_the_score_end_in_failure_after_the_answer() {
    for (limits, fails) in [
        (vec!["--fail-below", "-1"], false),
        (vec!["--fail-above", "1.01"], false),
        (vec!["--fail-below=-1", "--fail-above=1.01"], false),
        (vec!["--fail-below", "1.01"], true),
        (vec!["--fail-above=-1.01"], true),
    ] {
        for json in [&["--json"][..], &[]] {
            let outcome = run_why("plain", &[&limits[..], json].concat());
            assert!(!outcome.stdout.is_empty(), "the answer comes first");
            match fails {
                true => {
                    let name = limits[0].split('=').next().unwrap();
                    let error = outcome.error();
                    assert!(error.contains(name) && error.contains("cosine"), "{error}");
                }
                false => drop(outcome.ok()),
            }
        }
    }
    run_why("plain", &["--fail-below", "often"]).usage();
    run_why("plain", &["--fail-below", "nan"]).usage();
}
