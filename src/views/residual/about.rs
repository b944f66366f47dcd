//! How this model's blocks join the stream, in a sentence or two.

use crate::analysis::residual::{Added, Joins};
use crate::model::spec::Placement;

/// What the figures mean in this model.
pub fn joins_text(joins: &Joins) -> String {
    let mut text = match joins.placement {
        Placement::Post => {
            "Post-norm: each block's sum is normed, resid_mid = norm(resid_in + attn_out) and \
             resid_out = norm(resid_mid + ffn_out). So the norms set the lengths, and what is added \
             is measured before them."
        }
        Placement::Pre => {
            "Pre-norm: each block reads a normed copy and its output is added as it is, \
             resid_mid = resid_in + attn_out and resid_out = resid_mid + ffn_out. So nothing holds \
             the lengths down, and they mostly grow."
        }
        Placement::Sandwich => {
            "Sandwich norm, four norms a layer: what a block writes is normed and then added, \
             resid_mid = resid_in + norm(attn_out) and resid_out = resid_mid + norm(ffn_out)."
        }
    }
    .to_owned();
    if joins.added.iter().flatten().any(|&a| a == Added::Step) {
        text += " What is added is measured behind that norm, as the state after less the state before.";
    }
    if joins.twice {
        text += " In this model the normed sum of some blocks is added to the state once more; \
                 what is added is measured at the block's output.";
    }
    if let [first, ..] = joins.convolutions[..] {
        let layers: Vec<String> = joins
            .convolutions
            .iter()
            .map(|l| format!("{}", l + 1))
            .collect();
        let of = match joins.convolutions.len() {
            1 => format!("Layer {} has", first + 1),
            _ => format!("Layers {} have", layers.join(", ")),
        };
        text += &format!(
            " {of} a convolution besides: resid_out = norm(resid_ffn + conv_out), where resid_ffn \
             is what the feed-forward block leaves."
        );
    }
    if joins.final_norm {
        text += " A final norm follows the last layer (final.out) and is not in these figures.";
    }
    text
}
