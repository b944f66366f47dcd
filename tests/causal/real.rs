//! all-MiniLM-L6-v2 on a swap of roles that leaves every word in place.

use std::time::Instant;

use embedscope::analysis::similarity::ablation::{Fill, ablation};
use embedscope::analysis::similarity::faithfulness::{Ranking, Way, curve, spearman};
use embedscope::analysis::similarity::integrated::integrated;
use embedscope::analysis::similarity::leave_one_out::{Removal, leave_one_out};
use embedscope::analysis::similarity::patching::{patching, same_index};
use embedscope::analysis::similarity::shapley::{Sampling, shapley};

use crate::{done, models, near, trace};

#[test]
fn every_method_on_the_real_model() {
    let Some(model) = models::minilm() else {
        return;
    };
    let texts = [
        ("The cat bit the dog", "The dog bit the cat"),
        (
            "A quiet old dog slept under the wide kitchen table all long night.",
            "The cat spent a warm evening beside the stove in our small kitchen.",
        ),
    ];
    for (text_a, text_b) in texts {
        let (a, b) = (trace(&model, text_a), trace(&model, text_b));
        let options = model.options();
        println!("{} and {} tokens", a.tokens.len(), b.tokens.len());
        let started = Instant::now();
        let say = |what: &str, residual: f64, started: Instant| {
            println!("{what}: residual {residual:.1e}, {:.2?}", started.elapsed());
        };
        let mut masked = Vec::new();
        for removal in Removal::ALL {
            let started = Instant::now();
            let found = done(|job| leave_one_out(&model, &a, &b, options, removal, job));
            say(removal.name(), f64::NAN, started);
            if removal == Removal::Mask {
                masked = found.a;
            }
        }
        let started_shapley = Instant::now();
        let found = done(|job| shapley(&model, &a, &b, options, Sampling::default(), job));
        say("shapley", found.matrix.residual(), started_shapley);
        assert!(found.matrix.holds(), "{}", found.matrix.residual());
        let rows = found.matrix.row_sums();
        println!(
            "shapley ~ loo: {:.2}",
            spearman(&rows[..masked.len()], &masked)
        );

        let started_ij = Instant::now();
        let found = done(|job| integrated(&model, &a, &b, options, job));
        say("ij", found.matrix.residual(), started_ij);
        println!("{} steps, off {:?}", found.steps, found.off);
        assert!(found.matrix.holds(), "{}", found.matrix.residual());
        let rows = found.matrix.row_sums();
        println!("ij ~ loo: {:.2}", spearman(&rows[..masked.len()], &masked));

        let started_ablation = Instant::now();
        let found = done(|job| ablation(&model, &a, &b, options, Fill::Zero, job));
        say("ablation", f64::NAN, started_ablation);
        assert_eq!(found.both.len(), 6 * 13);

        let started_patching = Instant::now();
        let aligned = same_index(&a, &b);
        let found = done(|job| patching(&model, &a, &b, options, &aligned, job));
        say("patching", f64::NAN, started_patching);
        assert_eq!(found.change.len(), 6 * a.tokens.len());

        let ranking = Ranking {
            scores: &masked,
            orders: 8,
            seed: 1,
        };
        for way in [Way::Deletion, Way::Insertion] {
            let found = done(|job| curve(&model, &a, &b, options, ranking, way, job));
            println!("{way:?} by loo: {:.3} better than chance", found.advantage);
            assert!(found.advantage > -0.05, "{}", found.advantage);
        }
        println!("all: {:.2?}", started.elapsed());
    }
    let (a, b) = (trace(&model, texts[0].0), trace(&model, texts[0].1));
    let found = done(|job| leave_one_out(&model, &a, &b, model.options(), Removal::Mask, job));
    near(found.cos, 0.9907, 1e-4);
}
