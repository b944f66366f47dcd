//! Which heads are looked at together: one, those of a layer, or those of all layers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Options, Scene, ViewContext, head_name};
use crate::analysis::attention::{HeadSummary, Kind, Map, Who};
use crate::engine::Derived;
use crate::model::ModelError;
use crate::trace::Trace;
use crate::views::recorded::Recorded;
use crate::widgets::counted;

/// What a mean is taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Over {
    /// No mean: the chosen head.
    #[default]
    One,
    /// The heads of the chosen layer.
    Heads,
    /// The heads of every layer.
    Layers,
}

impl Over {
    pub const CHOICES: [(Self, &str, &str); 3] = [
        (Self::One, "One head", "The chosen head"),
        (
            Self::Heads,
            "Mean over heads",
            "The mean over this layer's heads, or over those of a kind that Find picks out, with the head that puts most into each cell",
        ),
        (
            Self::Layers,
            "Mean over layers",
            "The mean over the heads of every layer, or over those of a kind that Find picks out, with the layer and head that put most into each cell",
        ),
    ];

    /// The heads of a model `[layers, heads]` that are looked at.
    pub fn heads(self, [layers, heads]: [usize; 2], chosen: (usize, usize)) -> Vec<(usize, usize)> {
        let of = |layer| (0..heads).map(move |head| (layer, head));
        match self {
            Self::One => vec![chosen],
            Self::Heads => of(chosen.0).collect(),
            Self::Layers => (0..layers).flat_map(of).collect(),
        }
    }

    /// What stands for the map of so many heads in titles.
    pub fn name(self, chosen: (usize, usize), heads: usize, kind: Option<Kind>) -> String {
        let of = match kind {
            Some(kind) => counted(heads, &format!("{} head", kind.title())),
            None => counted(heads, "head"),
        };
        match self {
            Self::One => head_name(chosen.0, chosen.1),
            Self::Heads => format!("L{} · mean of {of}", chosen.0 + 1),
            Self::Layers => format!("All layers · mean of {of}"),
        }
    }

    /// The name of the values: `layer.2.pattern`, or `layer.*.pattern` of all layers.
    pub fn site(self, layer: usize, map: Map) -> String {
        let layer = match self {
            Self::Layers => "*".to_owned(),
            _ => layer.to_string(),
        };
        format!("layer.{layer}.{}", map.site().name())
    }
}

/// Whose map stands large, and the pass that has it.
#[derive(Clone)]
pub(super) struct Large {
    pub over: Over,
    /// The kind that alone is in a mean.
    pub kind: Option<Kind>,
    pub who: Who,
    pub text: Recorded,
    pub name: String,
    pub site: String,
}

impl Large {
    /// A cell of the map as it is indexed.
    pub fn index(&self, query: usize, key: usize) -> String {
        let site = &self.site;
        match (self.over, self.who.heads()) {
            (Over::One, [(_, head)]) => format!("{site}[{head}, {query}, {key}]"),
            (Over::Layers, _) => format!("mean over l, h of {site}[h, {query}, {key}]"),
            _ => format!("mean over h of {site}[h, {query}, {key}]"),
        }
    }

    /// A head as it is named beside others: with its layer where they are of several.
    pub fn short(&self, (layer, head): (usize, usize)) -> String {
        match self.over {
            Over::Layers => format!("{}.{}", layer + 1, head + 1),
            _ => (head + 1).to_string(),
        }
    }
}

/// What there is to look at.
pub(super) enum Chosen {
    Now(Box<Large>),
    /// It is not known yet; the last one stays, dimmed.
    Coming(&'static str),
    /// Why there is nothing.
    Never(String),
}

#[derive(Default)]
pub(super) struct Average {
    /// The pass with every layer's inside, where the text's own lacks some.
    whole: Derived<u64, Result<Arc<Trace>, ModelError>>,
}

impl Average {
    pub fn choose(&mut self, cx: &ViewContext<'_>, scene: &Scene, options: &Options) -> Chosen {
        let over = options.over;
        let text = match over {
            Over::Layers => match self.whole(cx, scene) {
                Ok(text) => text,
                Err(other) => return other,
            },
            _ => {
                // Nobody reads what was made for all layers.
                self.whole.stop();
                self.whole = Derived::default();
                scene.text.clone()
            }
        };
        let chosen = (scene.layer, scene.head);
        let mut heads = over.heads([text.trace.layers, scene.heads], chosen);
        let kind = options.kind.filter(|_| over != Over::One);
        if let Some(kind) = kind {
            let Some(all) = scene.summaries() else {
                return Chosen::Coming("The heads are being summed up…");
            };
            let of = |all: &[HeadSummary], (layer, head): (usize, usize)| {
                all.get(layer * scene.heads + head)
                    .is_some_and(|summary| summary.kind == kind)
            };
            heads.retain(|&head| of(all, head));
            if heads.is_empty() {
                return Chosen::Never(nothing(over, scene.layer, kind));
            }
        }
        Chosen::Now(Box::new(Large {
            over,
            kind,
            name: over.name(chosen, heads.len(), kind),
            site: over.site(scene.layer, options.map),
            who: Who::mean(heads),
            text,
        }))
    }

    /// The text with the inside of every layer.
    fn whole(&mut self, cx: &ViewContext<'_>, scene: &Scene) -> Result<Recorded, Chosen> {
        let text = &scene.text;
        if text.trace.is_full() {
            return Ok(text.clone());
        }
        let (model, trace) = (cx.model.clone(), text.trace.clone());
        let make = move |cancel: &_| Ok(Arc::new(model.whole(&trace, cancel)?.into_owned()));
        let shown = self.whole.get(cx.engine, &text.key, make);
        let Some(shown) = shown.filter(|shown| shown.current) else {
            return Err(Chosen::Coming(
                "Every layer is run again for what is inside of it…",
            ));
        };
        match &*shown.value {
            Ok(trace) => Ok(Recorded {
                trace: trace.clone(),
                ..text.clone()
            }),
            Err(error) => Err(Chosen::Never(error.to_string())),
        }
    }
}

fn nothing(over: Over, layer: usize, kind: Kind) -> String {
    let of = match over {
        Over::Layers => "this model".to_owned(),
        _ => format!("layer {}", layer + 1),
    };
    let title = kind.title();
    format!(
        "No head of {of} is of the kind “{title}”, so there is no mean to show: a click on “{title}” lets all heads in again."
    )
}
