//! What the list of texts remembers from frame to frame.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::app::state::{Text, TextId};

#[derive(Default)]
pub struct Seen {
    /// How high each row was, for texts at this width.
    heights: HashMap<TextId, Height>,
    /// The row that has the keyboard, and what in it.
    pub(super) holds: Option<(TextId, egui::Id)>,
    /// The row whose text is being typed.
    pub(super) typed: Option<TextId>,
    /// The last text that was ever added.
    newest: Option<TextId>,
}

#[derive(Clone, Copy)]
struct Height {
    bytes: usize,
    width: f32,
    height: f32,
}

impl Seen {
    /// Of a row as it stands now, where it was painted so.
    pub(super) fn height(&self, text: &Text, width: f32) -> Option<f32> {
        let known = self.heights.get(&text.id)?;
        (known.bytes == text.text.len() && known.width == width).then_some(known.height)
    }

    /// Notes how high a row was that was painted.
    pub(super) fn keep(&mut self, text: &Text, width: f32, height: f32) {
        let bytes = text.text.len();
        let height = Height {
            bytes,
            width,
            height,
        };
        self.heights.insert(text.id, height);
    }

    /// After these were painted.
    pub(super) fn note(&mut self, texts: &[Arc<Text>]) {
        self.newest = texts.iter().map(|text| text.id).max().max(self.newest);
        let there = |id: &TextId| texts.iter().any(|text| text.id == *id);
        self.typed = self.typed.filter(there);
        if self.heights.len() > 2 * texts.len() + 64 {
            let kept: HashSet<TextId> = texts.iter().map(|text| text.id).collect();
            self.heights.retain(|id, _| kept.contains(id));
        }
    }

    /// The first of texts that were added since the last frame, where there were texts before.
    pub(super) fn added(&self, texts: &[Arc<Text>]) -> Option<TextId> {
        let before = self.newest?;
        let added = texts.iter().map(|text| text.id);
        added.filter(|id| *id > before).min()
    }
}
