//! Analyses on models: what they explain must be what the models compute.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedscope::analysis::pooling::{self, Misfit, misfit, score, scores, sentence};
use embedscope::analysis::similarity::PairMatrix;
use embedscope::analysis::similarity::pairs::{BIAS, token_pairs};
use embedscope::analysis::similarity::shares::{PairClass, shares};
use embedscope::analysis::similarity::words::Words;
use embedscope::cancel::Cancel;
use embedscope::model::{Detail, HeadOptions, Model, Prompt};
use embedscope::trace::{PoolingMode, Site, Trace};

#[path = "support/models.rs"]
mod models;
#[path = "analyses/planted.rs"]
mod planted;

const TINY: [&str; 7] = [
    "concat",
    "plain",
    "prefixed_gamma",
    "prompt_excluded",
    "relu_dense",
    "saved_v6",
    "vocab_only",
];

fn trace(model: &Model, text: &str, prompt: &Prompt) -> Trace {
    model
        .trace(text, prompt, Detail::Outline, &Cancel::new())
        .unwrap()
}

/// The model's own recipe, but for the pooling.
fn under(model: &Model, pooling: Option<PoolingMode>) -> HeadOptions {
    HeadOptions {
        pooling,
        ..model.options()
    }
}

/// The model's own pooling and every single one.
fn poolings() -> impl Iterator<Item = Option<PoolingMode>> {
    std::iter::once(None).chain(PoolingMode::ALL.map(Some))
}

fn check(matrix: &PairMatrix, what: &str) {
    assert!(
        matrix.holds(),
        "{what}: Σ {} explains {}",
        matrix.sum(),
        matrix.explains
    );
    let (rows, columns) = (matrix.row_sums(), matrix.column_sums());
    for marginal in [rows, columns] {
        assert!(
            (marginal.iter().sum::<f64>() - matrix.sum()).abs() < 1e-9,
            "{what}"
        );
    }
}

#[test]
fn token_pairs_sum_to_the_cosine_for_every_tiny_model_and_pooling() {
    let texts = [
        "",
        "The cat sat unhappily",
        " Café東zz 7! ",
        "The dog bit the cat, the cat bit the dog; unhappily the mat sat on 1234 cats!",
    ];
    for name in TINY {
        let model = models::tiny(name);
        let hidden = model.spec().hidden;
        let traces: Vec<Trace> = texts
            .iter()
            .map(|t| trace(&model, t, &Prompt::Own))
            .collect();
        let mut checked = 0;
        for pooling in poolings().filter(|&p| misfit(&model.head, hidden, p).is_none()) {
            let options = under(&model, pooling);
            for a in &traces {
                for b in &traces {
                    let matrix = token_pairs(&model.head, a, b, options).unwrap();
                    let what =
                        format!("{name} {pooling:?} {:?} {:?}", a.tokens.text, b.tokens.text);
                    check(&matrix, &what);
                    let own = score(&model.head, a, b, options).unwrap();
                    assert_eq!(matrix.explains, own, "{what}");
                    let back = token_pairs(&model.head, b, a, options).unwrap();
                    assert!((back.at(0, 1) - matrix.at(1, 0)).abs() < 1e-9, "{what}");
                    checked += 1;
                }
            }
        }
        assert!(checked >= 16, "{name}: {checked}");
    }
}

#[test]
fn a_pooling_by_the_models_own_name_is_its_own_sentence() {
    for name in TINY {
        let model = models::tiny(name);
        let trace = trace(&model, "The cat sat unhappily", &Prompt::Own);
        let recorded = trace.values(Site::Sentence).unwrap().flat().into_owned();
        assert_eq!(
            sentence(&model.head, &trace, model.options()).unwrap(),
            recorded,
            "{name}"
        );
        if let [mode] = *model.head.pooling() {
            let chosen = under(&model, Some(mode));
            assert_eq!(
                sentence(&model.head, &trace, chosen).unwrap(),
                recorded,
                "{name}"
            );
            assert_eq!(pooling::choice(&model.head, mode), None);
        }
        assert_eq!(recorded.len(), model.sentence_size());
    }
}

#[test]
fn a_dense_module_for_concatenated_vectors_takes_no_single_pooling() {
    let model = models::tiny("saved_v6");
    let wrong = Some(Misfit {
        gives: 16,
        takes: 32,
    });
    assert_eq!(misfit(&model.head, 16, Some(PoolingMode::Mean)), wrong);
    assert_eq!(misfit(&model.head, 16, None), None);
    let a = trace(&model, "The cat sat", &Prompt::Own);
    let all = scores(&model.head, &a, &a, model.options()).unwrap();
    assert!(all.iter().all(|(_, cos)| cos.is_none()) && all.len() == 6);
    let refused = sentence(&model.head, &a, under(&model, Some(PoolingMode::Cls)));
    let message = refused.unwrap_err().to_string();
    assert!(
        message.contains("16") && message.contains("32"),
        "{message}"
    );

    // A Dense of the encoder's own size takes them all.
    let model = models::tiny("relu_dense");
    let a = trace(&model, "The cat sat", &Prompt::Own);
    let b = trace(&model, "dogs", &Prompt::Own);
    let all = scores(&model.head, &a, &b, model.options()).unwrap();
    assert!(
        all.iter()
            .all(|(_, cos)| cos.is_some_and(|cos| cos.abs() <= 1.))
    );
    assert_ne!(all[0].1, all[1].1, "poolings differ");
}

#[test]
fn the_bias_of_a_head_is_a_part_of_its_own() {
    for (name, has) in [("relu_dense", true), ("saved_v6", true), ("plain", false)] {
        let model = models::tiny(name);
        let a = trace(&model, "The cat sat", &Prompt::Own);
        let b = trace(&model, "dogs", &Prompt::Own);
        let matrix = token_pairs(&model.head, &a, &b, model.options()).unwrap();
        let extra = usize::from(has);
        assert_eq!(matrix.rows.len(), a.tokens.len() + extra, "{name}");
        assert_eq!(matrix.columns.len(), b.tokens.len() + extra, "{name}");
        assert_eq!(matrix.rows.last().unwrap() == BIAS, has, "{name}");
        let all = shares(&matrix, &a.tokens, &b.tokens);
        let bias = &all[PairClass::Bias as usize];
        let cells = extra * (matrix.rows.len() + matrix.columns.len() - 1);
        assert_eq!(bias.pairs, cells, "{name}");
        if has {
            assert_eq!(bias.title(), "no token (bias)", "{name}");
            let mut named = matrix.clone();
            *named.rows.last_mut().unwrap() = "reference".to_owned();
            let of_padding = shares(&named, &a.tokens, &b.tokens);
            assert_eq!(of_padding[0].title(), "no token (reference)", "{name}");
        }
    }
}

#[test]
fn tokens_outside_the_pool_get_nothing() {
    let model = models::tiny("prompt_excluded");
    let prompt = Prompt::Named("query".to_owned());
    let a = trace(&model, "The cat sat", &prompt);
    let b = trace(&model, "dogs", &prompt);
    for pooling in poolings() {
        let matrix = token_pairs(&model.head, &a, &b, under(&model, pooling)).unwrap();
        check(&matrix, "prompt excluded");
        let rows = matrix.row_sums();
        assert!(
            rows[..3].iter().all(|&sum| sum == 0.),
            "{pooling:?}: {rows:?}"
        );
        let columns = matrix.column_sums();
        assert!(
            columns[..3].iter().all(|&sum| sum == 0.),
            "{pooling:?}: {columns:?}"
        );
        let shares = shares(&matrix, &a.tokens, &b.tokens);
        assert_eq!(shares[PairClass::Prompt as usize].sum, 0.);
        assert!(shares[PairClass::Prompt as usize].pairs > 0);
    }
}

#[test]
fn every_pair_is_in_one_class_and_the_shares_add_up() {
    let texts = [
        "The cat sat unhappily on 1234!",
        "unhappily, the dog bit the cat",
    ];
    for name in TINY {
        let model = models::tiny(name);
        let [a, b] = texts.map(|text| trace(&model, text, &Prompt::Own));
        let matrix = token_pairs(&model.head, &a, &b, model.options()).unwrap();
        let shares = shares(&matrix, &a.tokens, &b.tokens);
        let total: f64 = shares.iter().map(|share| share.sum).sum();
        assert!((total - matrix.sum()).abs() < 1e-9, "{name}");
        let pairs: usize = shares.iter().map(|share| share.pairs).sum();
        assert_eq!(pairs, matrix.values.len(), "{name}");
    }
}

#[test]
fn words_keep_the_sum_and_join_their_pieces() {
    let model = models::tiny("plain");
    let a = trace(&model, "The cat sat unhappily", &Prompt::Own);
    let b = trace(&model, "", &Prompt::Own);
    let words = Words::new(&a.tokens);
    assert_eq!(
        words.labels,
        ["[CLS]", "The", "cat", "sat", "unhappily", "[SEP]"]
    );
    assert!(words.tokens(4).len() > 1, "the vocabulary cuts the word");
    let matrix = token_pairs(&model.head, &a, &b, model.options()).unwrap();
    let grouped = matrix.by_words(&words, &Words::new(&b.tokens));
    assert_eq!((grouped.rows.len(), grouped.columns.len()), (6, 2));
    let sum: f64 = words.tokens(4).map(|t| matrix.at(t, 1)).sum();
    assert!((grouped.at(4, 1) - sum).abs() < 1e-12, "sums, never means");
    assert!((grouped.sum() - matrix.sum()).abs() < 1e-12);

    // The head's bias stays a row of its own.
    let model = models::tiny("relu_dense");
    let a = trace(&model, "The cat", &Prompt::None);
    let words = Words::new(&a.tokens);
    let matrix = token_pairs(&model.head, &a, &a, model.options()).unwrap();
    let grouped = matrix.by_words(&words, &words);
    assert_eq!(grouped.rows.last().unwrap(), BIAS);
    assert_eq!(grouped.rows.len(), words.labels.len() + 1);
    let corner = |m: &PairMatrix| m.at(m.rows.len() - 1, m.columns.len() - 1);
    assert_eq!(corner(&grouped), corner(&matrix));
}

#[test]
fn the_winners_of_max_pooling_make_the_pooled_vector() {
    for name in TINY {
        let model = models::tiny(name);
        let a = trace(&model, "The dog bit the cat", &Prompt::Own);
        let winners = pooling::winners(&model.head, &a).unwrap();
        let pooled = a
            .values(Site::Pooled(PoolingMode::Max))
            .unwrap()
            .flat()
            .into_owned();
        let out = a.final_out().unwrap();
        for (k, (&token, &value)) in winners.token.iter().zip(&pooled).enumerate() {
            assert_eq!(out.at(&[token, k]), Some(value), "{name} dimension {k}");
        }
        assert_eq!(winners.counts.iter().sum::<usize>(), pooled.len());
    }
}

fn near(value: f64, truth: f64) {
    assert!((value - truth).abs() < 1e-6, "{value} is not {truth}");
}

#[test]
fn the_real_model_gives_the_reference_cosines_under_every_pooling() {
    let Some(model) = models::minilm() else {
        return;
    };
    let file = models::fixtures().join("minilm/pairs.json");
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let pairs = file["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 3);
    for pair in pairs {
        let [a, b] =
            ["a", "b"].map(|side| trace(&model, pair[side].as_str().unwrap(), &Prompt::Own));
        let matrix = token_pairs(&model.head, &a, &b, model.options()).unwrap();
        check(&matrix, "minilm");
        near(matrix.explains, pair["cos"].as_f64().unwrap());
        for (mode, cos) in scores(&model.head, &a, &b, model.options()).unwrap() {
            near(
                cos.unwrap(),
                pair["poolings"][mode.name()].as_f64().unwrap(),
            );
            let matrix = token_pairs(&model.head, &a, &b, under(&model, Some(mode))).unwrap();
            check(&matrix, mode.name());
        }
    }
}

#[test]
fn the_classes_of_the_real_models_tokens() {
    let Some(model) = models::minilm() else {
        return;
    };
    let a = trace(
        &model,
        "The cat, unhappily",
        &Prompt::Text("query: ".to_owned()),
    );
    let b = trace(&model, "cat", &Prompt::None);
    let matrix = token_pairs(&model.head, &a, &b, model.options()).unwrap();
    // query : the cat , un ##ha ##pp ##ily against cat, the other pairs being special.
    let shares = shares(&matrix, &a.tokens, &b.tokens);
    let pairs: Vec<usize> = shares.iter().map(|share| share.pairs).collect();
    assert_eq!(pairs, [0, 33 - 9, 2, 1, 1, 1, 4]);
    let cat = &shares[PairClass::Identical as usize];
    assert_eq!(cat.sum, matrix.at(4, 1));
}
