//! How much the block writes: the length of its output against that of what it is added to.

use egui::{RichText, Ui};

use super::{Subject, ViewContext};
use crate::app::state::Focus;
use crate::trace::{LayerSite, Site};
use crate::widgets::theme::number;
use crate::widgets::{Scale, vector_bars_ui};

pub(super) fn writes_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject) {
    let firing = &subject.firing;
    let ratios = firing.ratios();
    ui.label(RichText::new("How much it writes at each token").strong());
    let site = |site| Site::Layer(subject.layer, site);
    let (out, mid) = (site(LayerSite::FfnOut), site(LayerSite::ResidMid));
    let name = format!("|{out}| / |{mid}|");
    let token = subject.token.min(ratios.len().saturating_sub(1));
    let strip = vector_bars_ui(
        ui,
        &name,
        &ratios,
        Scale::amount_of(&ratios),
        48.0,
        Some(token),
    );
    let focus = |token| Focus::token(subject.text.id, token);
    cx.point(strip.hovered.map(focus), strip.clicked.map(focus));
    let (Some(written), Some(onto)) = (firing.written.get(token), firing.onto.get(token)) else {
        return;
    };
    let line = format!(
        "{}: |ffn_out| {} onto |resid_mid| {}, ratio {}",
        subject.text.token(token),
        number(*written),
        number(*onto),
        number(written / onto),
    );
    ui.label(RichText::new(line).small()).on_hover_text(name);
}
