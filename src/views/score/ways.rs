//! How a token or a part is taken away, where a tab is about that.

use egui::Ui;
use serde::{Deserialize, Serialize};

use super::tabs::Tab;
use crate::analysis::similarity::ablation::Fill;
use crate::analysis::similarity::leave_one_out::Removal;
use crate::app::state::ScoreMethod;
use crate::views::recorded::{keep_ui, kept_ui, switch_ui};

/// What was chosen.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// Of a token.
    pub removal: Removal,
    /// In the place of a head's or a block's output.
    pub fill: Fill,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            removal: Removal::Mask,
            fill: Fill::Zero,
        }
    }
}

/// How a token is taken away, as it is kept between runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Taken {
    #[default]
    Mask,
    Pool,
    Delete,
}

impl Taken {
    fn removal(self) -> Removal {
        match self {
            Self::Mask => Removal::Mask,
            Self::Pool => Removal::Pool,
            Self::Delete => Removal::Delete,
        }
    }
}

/// Asks for what the tab is about; says what was chosen last of the rest.
pub fn ways_ui(ui: &mut Ui, tab: &Tab) -> Ways {
    let mut taken = kept_ui(ui, Taken::default());
    let mut fill = kept_ui(ui, Fill::default());
    match tab.method {
        ScoreMethod::LeaveOneOut => {
            ui.horizontal_wrapped(|ui| switch_ui(ui, &mut taken, &REMOVALS));
            keep_ui(ui, taken);
        }
        ScoreMethod::Ablation => {
            ui.horizontal_wrapped(|ui| switch_ui(ui, &mut fill, &FILLS));
            keep_ui(ui, fill);
        }
        _ => {}
    }
    Ways {
        removal: taken.removal(),
        fill,
    }
}

const REMOVALS: [(Taken, &str, &str); 3] = [
    (
        Taken::Mask,
        "masked",
        "Out of attention and of the pool; the others keep their positions",
    ),
    (
        Taken::Pool,
        "out of the pool",
        "Out of the pool alone: the other tokens keep what they read from it",
    ),
    (
        Taken::Delete,
        "deleted",
        "Its letters out of the text, which is tokenized again",
    ),
];

const FILLS: [(Fill, &str, &str); 2] = [
    (Fill::Zero, "set to zero", "The part says nothing"),
    (
        Fill::Mean,
        "set to its mean",
        "The mean of the part's output over the text's tokens: it says the same to every token",
    ),
];
