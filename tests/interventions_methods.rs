//! Analyses and the engine with runs that a person has changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

#[path = "support/changed.rs"]
#[allow(dead_code)]
mod changed;

use changed::*;
use embedscope::analysis::job::Job;
use embedscope::analysis::similarity::ablation::{Fill, ablation};
use embedscope::cancel::Cancel;
use embedscope::model::Prompt;
use embedscope::model::intervention::{Changes, Intervention};
use embedscope::model::source::SourceOptions;
use models::tiny;

#[test]
fn methods_hold_for_a_changed_run_or_say_which_change_stands_in_the_way() {
    use embedscope::analysis::similarity::Method;
    use embedscope::analysis::similarity::changed::holds;
    use embedscope::analysis::similarity::components::components;
    use embedscope::analysis::similarity::input::input_pairs;
    use embedscope::analysis::similarity::integrated::integrated;
    use embedscope::analysis::similarity::layers::Layers;
    use embedscope::analysis::similarity::leave_one_out::{Removal, leave_one_out};
    use embedscope::analysis::similarity::pairs::token_pairs;
    use embedscope::analysis::similarity::patching::{patching, same_index};
    use embedscope::analysis::similarity::shapley::{Sampling, shapley};
    let cancel = Cancel::new();
    let mut kept = 0;
    let chosen = [
        "roberta",
        "modernbert",
        "qwen3",
        "mpnet",
        "deberta_v2",
        "gte",
        "mixed",
    ];
    for (name, model) in families()
        .into_iter()
        .filter(|(name, _)| chosen.contains(&name.as_str()))
    {
        let options = model.options();
        for changes in kinds(&model) {
            let what = format!("{name}: {}", changes.title());
            let (a, b) = (
                full(&model, TEXT, &changes),
                full(&model, OTHER, &Changes::default()),
            );
            let score = cos(&sentence(&a), &sentence(&b));
            let allowed = |method| changes.list.iter().all(|what| holds(method, what));
            let pairs = token_pairs(&model.head, &a, &b, options).unwrap();
            assert!(
                pairs.holds() && (pairs.explains - score).abs() < 1e-6,
                "{what}: pairs"
            );
            let layers = Layers::new(&model.head, &a, &b, options).unwrap().steps();
            assert!(layers.holds(), "{what}: layers");
            let found = components(&model, &a, &b, options, &cancel);
            assert_eq!(found.is_ok(), allowed(Method::Components), "{what}");
            if let Ok(found) = found {
                let off = found.residual();
                assert!(found.holds(), "{what}: components are off by {off:.1e}");
                kept += 1;
            }
            let found = input_pairs(&model, &a, &b, options, &cancel);
            assert_eq!(found.is_ok(), allowed(Method::Input), "{what}");
            if let Ok(found) = found {
                let off = found.matrix.residual();
                assert!(found.matrix.holds(), "{what}: input is off by {off:.1e}");
                kept += 1;
            }
            let mut ignore = |_, _| {};
            let mut job = Job::new(&cancel, &mut ignore);
            // What goes on from recorded states goes on with the same changes.
            let found = ablation(&model, &a, &b, options, Fill::Zero, &mut job).unwrap();
            assert!((found.cos - score).abs() < 1e-6, "{what}: ablation");
            if let [Intervention::NoHead { layer, head }] = changes.list[..] {
                let cell = found.a[layer * (found.heads + 1) + head];
                assert!(
                    cell.abs() < 1e-6,
                    "{what}: a head that is off is taken out again: {cell}"
                );
            }
            let found = patching(&model, &a, &a, options, &same_index(&a, &a), &mut job).unwrap();
            let most = found
                .change
                .iter()
                .fold(0., |most: f64, x| most.max(x.abs()));
            assert!(
                most < 1e-5,
                "{what}: a text patched with itself moves by {most:.1e}"
            );
            // What encodes anew says so.
            for error in [
                shapley(&model, &a, &b, options, Sampling::default(), &mut job).err(),
                integrated(&model, &a, &b, options, &mut job).err(),
                leave_one_out(&model, &a, &b, options, Removal::Mask, &mut job).err(),
            ] {
                let error = error
                    .unwrap_or_else(|| panic!("{what} was passed over"))
                    .to_string();
                assert!(error.contains(&changes.list[0].title()), "{error}");
            }
            leave_one_out(&model, &a, &b, options, Removal::Pool, &mut job).unwrap();
        }
    }
    assert!(kept > 40, "{kept}");
}

#[test]
fn the_engine_keeps_the_traces_of_every_set_of_changes_apart() {
    use embedscope::engine::{Engine, TraceKey, Wanted};
    use embedscope::model::Detail;
    use std::sync::Arc;
    let model = Arc::new(tiny("plain"));
    let engine = Engine::new(
        candle_core::Device::Cpu,
        SourceOptions::from_env(),
        Arc::new(|| {}),
    );
    engine.use_model(model.clone());
    let key = |changes: Changes| TraceKey {
        model: model.hash.clone(),
        text: TEXT.into(),
        prompt: Prompt::Own,
        changes: Arc::new(changes),
        detail: Detail::Full,
    };
    let (plain, off) = (
        key(Changes::default()),
        key(only(Intervention::NoAttention { layer: 0 })),
    );
    let wrong = key(only(Intervention::NoAttention { layer: 9 }));
    engine.want(Wanted {
        traces: vec![plain.clone(), off.clone(), wrong.clone()],
        insides: Vec::new(),
    });
    assert!(engine.settle(std::time::Duration::from_secs(60)));
    let of = |key: &TraceKey| engine.trace(key).unwrap();
    let (a, b) = (of(&plain).unwrap(), of(&off).unwrap());
    assert!(a.interventions.is_empty() && apart(&sentence(&a), &sentence(&b)) > 1e-3);
    assert_eq!(b.interventions.changes.list, off.changes.list);
    assert!(of(&wrong).err().unwrap().contains("names layer 10"));
    // Put aside and taken up again, it is there at once.
    assert_eq!(of(&plain).unwrap().pass, a.pass);
}
