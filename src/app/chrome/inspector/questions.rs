//! Which numbers a focus asks for.

use crate::analysis::arithmetic::Ask;
use crate::app::state::{Focus, TextId};
use crate::model::EncoderSpec;
use crate::trace::site::Axis;
use crate::trace::{EmbedSite, LayerSite, Site, Trace};

/// The layer and the head that are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub layer: usize,
    pub head: usize,
}

/// The place of a focus in a site; none where the focus lacks an axis.
fn place(site: Site, focus: Focus, chosen: Chosen, spec: &EncoderSpec) -> Option<Ask> {
    let site = match site {
        Site::Layer(_, inside) if spec.layers() > 0 => Site::Layer(chosen.layer, inside),
        Site::Layer(..) => return None,
        other => other,
    };
    let at = |axis: &Axis| match axis {
        Axis::Token | Axis::Query => focus.token,
        Axis::Key => focus.other,
        Axis::Head => Some(chosen.head),
        Axis::KvHead => Some(chosen.head / spec.group()),
        Axis::HeadDim => focus.head_dimension,
        Axis::Hidden | Axis::Sentence => focus.dimension,
        Axis::Neuron => focus.neuron,
    };
    let index: Option<Vec<usize>> = site.axes().iter().map(at).collect();
    Some(Ask::new(site, &index?))
}

/// Every number that a focus asks for, the one that is meant first.
pub fn questions(spec: &EncoderSpec, trace: &Trace, focus: Focus, chosen: Chosen) -> Vec<Ask> {
    use LayerSite as S;
    let inside = |site| Site::Layer(chosen.layer, site);
    let mut focus = focus;
    let mut sites: Vec<Site> = focus.site.into_iter().collect();
    match (focus.token, focus.other, focus.neuron, focus.dimension) {
        (None, ..) => sites.push(Site::Sentence),
        (Some(token), Some(_), ..) => {
            focus.head_dimension = focus
                .head_dimension
                .or_else(|| strongest(trace, chosen, token));
            sites.extend([inside(S::Pattern), inside(S::HeadOut)]);
        }
        (_, _, Some(_), _) => sites.extend([S::FfnAct, S::FfnGate, S::FfnPre].map(inside)),
        (_, _, _, Some(_)) => {
            sites.push(Site::Embed(EmbedSite::Out));
            let stream = [S::AttnOut, S::ResidMid, S::FfnOut, S::ResidOut];
            sites.extend(stream.map(inside));
            let block = spec.blocks.get(chosen.layer);
            if block.is_some_and(|block| block.convolution.is_some()) {
                sites.extend([S::ResidFfn, S::ConvOut, S::ConvPre].map(inside));
            }
            if chosen.layer + 1 >= spec.layers() {
                sites.push(Site::FinalOut);
            }
        }
        _ => {}
    }
    let mut asks: Vec<Ask> = Vec::with_capacity(sites.len());
    for ask in sites
        .into_iter()
        .filter_map(|site| place(site, focus, chosen, spec))
    {
        // Gates, for one, are not in every model.
        let known = ask.site == Site::Sentence || inside_of(trace, &ask);
        if known && !asks.contains(&ask) {
            asks.push(ask);
        }
    }
    asks
}

/// False for what the trace holds and that has no such place.
fn inside_of(trace: &Trace, ask: &Ask) -> bool {
    match trace.values(ask.site) {
        Some(values) => ask
            .index
            .iter()
            .zip(values.shape())
            .all(|(i, size)| i < size),
        // Not at hand yet, or never: only a layer's inside comes back.
        None => match ask.site {
            Site::Layer(layer, LayerSite::FfnGate) => !trace.has_inside(layer),
            Site::Layer(..) => true,
            _ => false,
        },
    }
}

/// The dimension of the chosen head's output that is largest at this token.
fn strongest(trace: &Trace, chosen: Chosen, token: usize) -> Option<usize> {
    let values = trace.layer(chosen.layer, LayerSite::HeadOut)?;
    let row = values.row(&[chosen.head, token]);
    let most = row
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    most.map(|(j, _)| j)
}

/// The focus on a number that an account refers to, and the layer and head to choose for it.
pub(super) fn focus_on(
    ask: &Ask,
    text: TextId,
    spec: &EncoderSpec,
) -> (Focus, Option<usize>, Option<usize>) {
    let mut focus = Focus {
        site: Some(ask.site),
        ..Focus::text(text)
    };
    let mut head = None;
    for (axis, &i) in ask.site.axes().iter().zip(&ask.index) {
        match axis {
            Axis::Token | Axis::Query => focus.token = Some(i),
            Axis::Key => focus.other = Some(i),
            Axis::Head => head = Some(i),
            Axis::KvHead => head = Some(i * spec.group()),
            Axis::HeadDim => focus.head_dimension = Some(i),
            Axis::Hidden | Axis::Sentence => focus.dimension = Some(i),
            Axis::Neuron => focus.neuron = Some(i),
        }
    }
    let layer = match ask.site {
        Site::Layer(layer, _) => Some(layer),
        _ => None,
    };
    (focus, layer, head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asked_number_is_found_again_at_its_place() {
        let sizes = crate::model::spec::Sizes {
            vocabulary: 9,
            hidden: 8,
            layers: 3,
            heads: 4,
            ffn: 16,
            positions: 12,
        };
        let spec = EncoderSpec::bert("test", sizes);
        for site in Site::all(3).filter(|site| *site != Site::TokenIds) {
            let index: Vec<usize> = (1..=site.axes().len()).collect();
            let ask = Ask::new(site, &index);
            let (focus, layer, head) = focus_on(&ask, TextId(0), &spec);
            let chosen = Chosen {
                layer: layer.unwrap_or(0),
                head: head.unwrap_or(0),
            };
            assert_eq!(place(site, focus, chosen, &spec), Some(ask), "{site}");
        }
        let lacking = place(
            Site::FinalOut,
            Focus::default(),
            Chosen { layer: 0, head: 0 },
            &spec,
        );
        assert_eq!(lacking, None);
    }
}
