//! What the list of texts remembers from frame to frame.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::app::state::{Text, TextId};

/// What the list remembers from frame to frame.
#[derive(Default)]
pub struct Seen {
    /// How high each row was, for texts at this width.
    pub(super) heights: HashMap<TextId, Height>,
    /// The row that has the keyboard, and what in it.
    pub(super) holds: Option<(TextId, egui::Id)>,
    /// The row whose text is being typed.
    pub(super) typed: Option<TextId>,
    /// The last text that was ever added.
    newest: Option<TextId>,
}

#[derive(Clone, Copy)]
pub(super) struct Height {
    pub bytes: usize,
    pub width: f32,
    pub height: f32,
}

impl Seen {
    /// Of a row as it stands now, where it was painted so.
    pub(super) fn height(&self, text: &Text, width: f32) -> Option<f32> {
        let known = self.heights.get(&text.id)?;
        (known.bytes == text.text.len() && known.width == width).then_some(known.height)
    }

    /// After these were painted.
    pub(super) fn note(&mut self, texts: &[Arc<Text>]) {
        self.newest = texts.iter().map(|text| text.id).max().max(self.newest);
        let gone = |id: TextId| texts.iter().all(|text| text.id != id);
        self.typed = self.typed.filter(|&id| !gone(id));
        if self.heights.len() > 2 * texts.len() + 64 {
            let kept: HashSet<TextId> = texts.iter().map(|text| text.id).collect();
            self.heights.retain(|id, _| kept.contains(id));
        }
    }

    /// The first of texts that were added since the last frame, where there were texts before.
    pub(super) fn added(&mut self, texts: &[Arc<Text>]) -> Option<TextId> {
        let before = self.newest?;
        let added = texts.iter().map(|text| text.id);
        added.filter(|id| *id > before).min()
    }
}
