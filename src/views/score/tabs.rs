//! The methods to choose from, and what each of them asks.

use std::sync::Arc;

use egui::{Button, RichText, Role, Ui, WidgetInfo};

use super::tasks::Task;
use super::ways::Ways;
use crate::analysis::similarity::{Method, changed};
use crate::app::command::Command;
use crate::app::state::ScoreMethod;
use crate::model::Model;
use crate::trace::Trace;
use crate::views::ViewContext;
use crate::views::subject::note_ui;
use crate::widgets::SPACE_SMALL;

/// A tab: its title, its question, and how its answer is to be read.
pub struct Tab {
    pub method: ScoreMethod,
    pub title: &'static str,
    pub question: &'static str,
    pub note: &'static str,
}

pub static TABS: [Tab; 10] = [
    Tab {
        method: ScoreMethod::Pairs,
        title: "Token pairs",
        question: "Which pairs of contextual tokens add up to the score?",
        note: "Pairs are of contextual tokens: by the last layer each already holds what attention brought in \
            from the others. Long vectors count for more, so the cosine is not the average of the tokens' \
            cosines.",
    },
    Tab {
        method: ScoreMethod::Input,
        title: "Input tokens",
        question: "What did each token, as it was read, supply to the score?",
        note: "Pairs are of input tokens, before attention mixed them. Attention patterns, norms and activation \
            slopes are held as recorded: this is what tokens supplied, not how they steered attention. “bias” \
            is what the model adds whatever the text says.",
    },
    Tab {
        method: ScoreMethod::LeaveOneOut,
        title: "Leave one out",
        question: "What does the score lose when a token is really taken away?",
        note: "Beside each token: the cosine less the cosine without it. In the cells: what two tokens do together \
            that neither does alone. It adds up to nothing in particular; a word's figure is that of its \
            pieces added up.",
    },
    Tab {
        method: ScoreMethod::Shapley,
        title: "Shapley",
        question: "What does each token bring on average, whatever else is there?",
        note: "Tokens come in one by one in random orders; each is credited with the change it makes to the \
            vector. “empty” is the special tokens alone, which are always there.",
    },
    Tab {
        method: ScoreMethod::Integrated,
        title: "Integrated gradients",
        question: "What does each token bring on the way from padding to the text?",
        note: "The gradient of the vector, integrated along the straight line from a text of padding to this one; \
            “reference” is that text of padding.",
    },
    Tab {
        method: ScoreMethod::Components,
        title: "Components",
        question: "Which heads and feed-forwards wrote what the score reads?",
        note: "The direct effect of what wrote into the residual stream: what a head does by way of later heads \
            and feed-forwards counts as theirs. Ablation shows both.",
    },
    Tab {
        method: ScoreMethod::Dimensions,
        title: "Dimensions",
        question: "Which dimensions of the sentence vectors carry the score?",
        note: "a_k and b_k are the vectors at length 1, so each product is that dimension's part of the cosine. \
            One that carries more than a fifth by itself is rogue: it often does so for every pair of texts.",
    },
    Tab {
        method: ScoreMethod::Layers,
        title: "Layers",
        question: "How similar are the texts after each layer?",
        note: "The cosine if the model ended at each layer, under the pooling chosen above. Deep layers are often \
            high for every pair of texts: hold the curve against what unrelated texts have there.",
    },
    Tab {
        method: ScoreMethod::Ablation,
        title: "Ablation",
        question: "What does the score lose without a head or a feed-forward?",
        note: "The cosine less the cosine with the part's output set to zero, or to its mean over the text's tokens, \
            the model run again from there. It adds up to nothing in particular.",
    },
    Tab {
        method: ScoreMethod::Contrast,
        title: "Contrast",
        question: "Why is A closer to B than to C?",
        note: "What each part of A adds to the cosine with B, less what it adds to the cosine with C: the parts \
            add up to the difference. Word by word the same holds for B and C together.",
    },
];

impl Tab {
    pub fn of(method: ScoreMethod) -> &'static Self {
        TABS.iter()
            .find(|tab| tab.method == method)
            .unwrap_or(&TABS[0])
    }

    /// What is to be computed for it; nothing for what is there with the score.
    pub fn task(&self, Ways { removal, fill }: Ways) -> Option<Task> {
        Some(match self.method {
            ScoreMethod::Pairs | ScoreMethod::Contrast => return None,
            ScoreMethod::Input => Task::Input,
            ScoreMethod::LeaveOneOut => Task::LeaveOneOut(removal),
            ScoreMethod::Shapley => Task::Shapley,
            ScoreMethod::Integrated => Task::Integrated,
            ScoreMethod::Components => Task::Components,
            ScoreMethod::Dimensions => Task::Dimensions,
            ScoreMethod::Layers => Task::Layers,
            ScoreMethod::Ablation => Task::Ablation(fill),
        })
    }

    /// Why it does not hold for these texts, where that is known beforehand.
    pub fn refusal(&self, model: &Model, traces: [&Trace; 2]) -> Option<Arc<str>> {
        let method = match self.method {
            // Of a contrast the pairs hold always, and its parts say what does not.
            ScoreMethod::Pairs | ScoreMethod::Contrast => Method::Pairs,
            ScoreMethod::Input => Method::Input,
            ScoreMethod::LeaveOneOut => Method::LeaveOneOut,
            ScoreMethod::Shapley => Method::Shapley,
            ScoreMethod::Integrated => Method::Integrated,
            ScoreMethod::Components => Method::Components,
            ScoreMethod::Dimensions => Method::Dims,
            ScoreMethod::Layers => Method::Layers,
            ScoreMethod::Ablation => Method::Ablation,
        };
        let checked = changed::check(method, traces);
        let blank = match method {
            Method::Integrated => model.tokenizer.blank().is_some(),
            _ => true,
        };
        match checked {
            Err(error) => Some(error.to_string().into()),
            Ok(()) if !blank => {
                Some("it needs a padding or an unknown token, and the tokenizer has neither".into())
            }
            Ok(()) => None,
        }
    }

    /// True for a map of tokens by tokens whose sums can be held against leave-one-out.
    pub fn explains_tokens(&self) -> bool {
        use ScoreMethod::{Input, Integrated, Pairs, Shapley};
        matches!(self.method, Pairs | Input | Shapley | Integrated)
    }
}

/// One tab; true where it is clicked and not open already.
fn tab_ui(ui: &mut Ui, tab: &Tab, on: bool, refusal: Option<Arc<str>>) -> bool {
    let text = match refusal {
        Some(_) => RichText::new(tab.title).weak().italics(),
        None => RichText::new(tab.title),
    };
    let response = ui.add(Button::selectable(on, text));
    let response = match refusal {
        None => response.on_hover_text(tab.question),
        Some(why) => {
            let name = format!("{}, not available: {why}", tab.title);
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, &name));
            response.on_hover_text(format!("{}\nNot available: {why}", tab.question))
        }
    };
    response.clicked() && !on
}

/// The tabs in a row that wraps, and the question of the chosen one. Those that `refuses` has a reason
/// for step back, and say it once they are opened.
pub fn tabs_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    refuses: impl Fn(&Tab) -> Option<Arc<str>>,
) -> &'static Tab {
    let shown = cx.state.score_method;
    ui.horizontal_wrapped(|ui| {
        for tab in &TABS {
            if tab_ui(ui, tab, tab.method == shown, refuses(tab)) {
                cx.send(Command::ScoreMethod(tab.method));
            }
        }
    });
    let tab = Tab::of(shown);
    ui.add_space(SPACE_SMALL);
    note_ui(ui, tab.question);
    tab
}
