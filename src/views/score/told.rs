//! What the verdict says beside the map of token pairs: how high the score is for this model, what
//! any pair would get of it, and what word order does.

use std::sync::Arc;

use egui::Ui;

use super::derive::{Score, ScoreKey};
use super::verdict::{capital, part};
use crate::analysis::calibration::Calibration;
use crate::analysis::diagnosis::standing;
use crate::analysis::job::Job;
use crate::analysis::similarity::common::CommonShare;
use crate::analysis::similarity::order::{Order, Reordered, order};
use crate::engine::{CalibrationState, Derived, Shown};
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::standing::calibrate_ui;
use crate::views::subject::note_ui;

/// None where there is no order to change.
type Found = Result<Option<Order>, Arc<str>>;

pub struct Told {
    order: Derived<ScoreKey, Found>,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            order: Derived::slow(),
        }
    }
}

impl Told {
    /// Nothing is shown.
    pub fn forget(&mut self) {
        self.order.stop();
    }

    /// Where the model is not calibrated: how to change that, or how far it is.
    pub fn scale_ui(&self, ui: &mut Ui, cx: &mut ViewContext<'_>, score: &Score) {
        let Some(key) = cx.calibration_key() else {
            return;
        };
        let state = cx.engine.calibration_state(&key);
        if let (Some(cos), false) = (score.cos, matches!(state, CalibrationState::Ready(_))) {
            calibrate_ui(ui, cx, &four(cos), (key, state));
        }
    }

    /// The percentile, and how much of the score any pair would get; false where nothing is known of either.
    pub fn standing_ui(&self, ui: &mut Ui, cx: &ViewContext<'_>, score: &Score) -> bool {
        let Some((cos, scale)) = score.cos.zip(scale(cx, score)) else {
            return false;
        };
        let place = standing(scale.percentile(cos));
        let share = common_share(score, &scale);
        let said = place.is_some() || share.is_some();
        if let Some(text) = place {
            let about = format!(
                "Among {} pairs of unrelated texts, of which the middle one has {} and one in twenty more \
                 than {}",
                scale.pairs(),
                four(scale.quantile(0.5)),
                four(scale.quantile(0.95))
            );
            let text = egui::RichText::new(format!("{};", capital(&text))).color(cx.theme.strong());
            ui.label(text).on_hover_text(about);
        }
        let Some(share) = share else {
            return said;
        };
        let text = format!("{} of it any pair would get;", part(share.common, cos));
        let about = format!(
            "With μ the mean vector of unrelated texts, a = μ + a′ and b = μ + b′:\n\
             cos = μ·μ {} + μ·b′ {} + a′·μ {} + a′·b′ {}, each over |a||b|.\n\
             The first is what every pair of texts has; without μ the cosine of a′ and b′ is {}.",
            four(share.common),
            four(share.common_b),
            four(share.a_common),
            four(share.own),
            four(share.centred)
        );
        ui.label(text).on_hover_text(about);
        said
    }

    /// What word order adds, from real re-runs of the newest texts, whose key `key` is: it is asked for
    /// in front of what the methods below ask for them, which may take minutes, as slow jobs run one
    /// after the other.
    pub fn order_ui(
        &mut self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        (key, score): (&ScoreKey, &Score),
    ) {
        let traces = [&key.a.0, &key.b.0];
        if traces.iter().any(|trace| !trace.interventions.is_empty()) {
            note_ui(
                ui,
                "what word order does is not measured while the model is changed.",
            );
            return;
        }
        let (of, model) = (key.clone(), cx.model.clone());
        let make = move |cancel: &crate::cancel::Cancel| -> Found {
            let options = model.options_with(of.pooling, of.truncate);
            let mut quiet = |_, _| ();
            let mut job = Job::new(cancel, &mut quiet);
            order(&model, &of.a.0, &of.b.0, options, &mut job)
                .map_err(|error| error.to_string().into())
        };
        // An old score is not worth running the model for.
        let shown = match key.model == cx.model.hash {
            true => self.order.get(cx.engine, key, make),
            false => self.order.peek(key),
        };
        let Some(Shown { value, current }) = shown else {
            note_ui(ui, "what word order does is being computed…");
            return;
        };
        // Beside an old score all is dimmed already.
        let alpha = match current || *key != score.key {
            true => 1.,
            false => cx.theme.stale_alpha(),
        };
        let told = |text: &str, color: egui::Color32| {
            egui::RichText::new(text).color(color.gamma_multiply(alpha))
        };
        match &*value {
            Ok(Some(order)) => {
                let text = told(&sentence(order), cx.theme.foreground());
                ui.label(text).on_hover_text(about(order));
            }
            Ok(None) => {
                ui.label(told(
                    "B has no word order to change.",
                    cx.theme.foreground(),
                ));
            }
            Err(problem) => {
                ui.label(told(problem, cx.theme.warning()));
            }
        }
    }
}

fn sentence(order: &Order) -> String {
    let change = order.contribution();
    match change.abs() < 5e-5 {
        true => "word order contributes less than 0.0001.".to_owned(),
        false => format!("word order contributes {}.", four(change)),
    }
}

/// How the figure was made.
fn about(order: &Order) -> String {
    let (cos, change) = (four(order.cos), four(order.contribution()));
    match order.reordered {
        Reordered::AsA => format!(
            "Both texts have the same words. B was run again with its words in A's order, which gives {}; \
             {cos} less that is {change}.",
            four(order.cos - order.contribution())
        ),
        Reordered::Shuffled(count) => format!(
            "B was run again with its words in {count} random orders, which give {} on average (standard \
             deviation {}); {cos} less that is {change}.",
            four(order.cos - order.contribution()),
            four(order.deviation())
        ),
    }
}

/// The calibration of this very score, once it is there.
fn scale(cx: &ViewContext<'_>, score: &Score) -> Option<Arc<Calibration>> {
    let key = cx.calibration_key()?;
    // While another recipe's score is still on view, the new scale says nothing of it.
    let same = score.key.model == cx.model.hash
        && score.key.pooling == cx.state.pooling
        && score.key.truncate == cx.state.truncate_dim;
    cx.engine.calibration(&key).filter(|_| same)
}

fn common_share(score: &Score, scale: &Calibration) -> Option<CommonShare> {
    let (a, b) = score.vectors.as_ref()?;
    let fits = a.len() == scale.mean.len();
    fits.then(|| CommonShare::new(a, b, &scale.mean))
}
