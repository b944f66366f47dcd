//! What is special about the chosen layer: its mask, shared keys, shared weights.

use egui::Ui;

use super::{Scene, ViewContext};
use crate::analysis::attention::mask_title;
use crate::model::EncoderSpec;
use crate::views::recorded::sharing;
use crate::views::subject::note_ui;
use crate::widgets::theme::SPACE;

pub(super) fn layer_ui(ui: &mut Ui, cx: &ViewContext<'_>, scene: &Scene) {
    let (spec, layer) = (cx.model.spec(), scene.layer);
    let mut parts = vec![format!("Layer {}: {}", layer + 1, mask_title(scene.mask))];
    if let Some(shared) = shared_keys(spec, scene.head) {
        parts.push(shared);
    }
    if let Some(shared) = sharing(spec, layer) {
        parts.push(shared);
    }
    note_ui(ui, format!("{}.", parts.join(" · ")));
    ui.add_space(SPACE);
}

/// A caption for each head of keys, where several heads of queries share one.
pub(super) fn groups(spec: &EncoderSpec) -> Vec<String> {
    match spec.group() > 1 {
        true => (1..=spec.kv_heads).map(|k| format!("keys {k}")).collect(),
        false => Vec::new(),
    }
}

/// Which heads read the same keys and values as this one.
fn shared_keys(spec: &EncoderSpec, head: usize) -> Option<String> {
    let group = spec.group();
    if group < 2 {
        return None;
    }
    let keys = head / group;
    Some(format!(
        "{} heads share {} of keys and values; keys {}: heads {}–{}",
        spec.heads,
        spec.kv_heads,
        keys + 1,
        keys * group + 1,
        (keys + 1) * group
    ))
}
