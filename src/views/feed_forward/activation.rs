//! The activation function with the points at which one neuron uses it.

use egui::{
    Align2, Rect, RichText, Role, Sense, Shape, Stroke, TextStyle, Ui, WidgetInfo, pos2, vec2,
};

use super::{Scene, ViewContext, title_ui};
use crate::analysis::neurons::{Firing, activate};
use crate::trace::LayerSite;
use crate::widgets::theme::number;

const STEPS: usize = 96;
/// f32 rounding and the encoder's own erf leave this much, relative to the value.
const TOLERANCE: f64 = 1e-5;

/// `across` is the neuron at every token.
pub(super) fn curve_ui(
    ui: &mut Ui,
    cx: &ViewContext<'_>,
    scene: &Scene,
    across: &[Firing],
    weight: Option<f32>,
    width: f32,
) {
    let function = cx.model.spec().activation;
    // What the function makes of its input; a gate's other branch and an expert's weight come later.
    let out = |f: &Firing| activate(function, f.input().into()) as f32;
    let name = function.title();
    let of = if scene.gated() { "the gate of" } else { "" };
    let title = format!("{name} at {of} neuron {}", scene.neuron).replace("  ", " ");
    title_ui(ui, cx, &title, false);
    let size = vec2(width.min(ui.available_width()).max(120.0), 132.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let label = format!(
        "{name} with neuron {} at {} tokens",
        scene.neuron,
        across.len()
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
    // What is no number, or beyond all of them, has no place in the picture.
    let known = |f: &&Firing| f.input().is_finite() && out(f).is_finite();
    let across: Vec<Firing> = across.iter().filter(known).copied().collect();
    let most = across
        .iter()
        .fold(3.0_f32, |most, f| most.max(f.input().abs()))
        * 1.1;
    let top = across.iter().fold(most.min(3.0), |top, f| top.max(out(f))) * 1.1;
    let bottom = across
        .iter()
        .fold(-0.35_f32, |low, f| low.min(out(f) * 1.2));
    let inner = rect.shrink2(vec2(2.0, 4.0));
    let at = |x: f32, y: f32| {
        pos2(
            egui::remap(x, -most..=most, inner.x_range().min..=inner.x_range().max),
            egui::remap_clamp(y, bottom..=top, inner.bottom()..=inner.top()),
        )
    };
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    axes_ui(ui, &painter, cx, inner, at(0.0, 0.0), most);
    let curve = (0..=STEPS).map(|i| {
        let x = egui::lerp(-most..=most, i as f32 / STEPS as f32);
        (x, activate(function, x.into()) as f32)
    });
    // What rises out of the picture is left out, not drawn along its edge.
    let curve = curve
        .filter(|(_, y)| *y <= top)
        .map(|(x, y)| at(x, y))
        .collect();
    painter.add(Shape::line(curve, Stroke::new(1.5, cx.theme.secondary())));
    for firing in &across {
        let dot = cx.theme.accent().gamma_multiply(0.5);
        painter.circle_filled(at(firing.input(), out(firing)), 2.5, dot);
    }
    if let Some(firing) = across.iter().find(|f| f.token == scene.token) {
        painter.circle_filled(at(firing.input(), out(firing)), 4.5, cx.theme.accent());
        painter.circle_stroke(
            at(firing.input(), out(firing)),
            4.5,
            (1.0, cx.theme.strong()),
        );
        check_ui(ui, cx, scene, *firing, weight);
    }
}

fn axes_ui(
    ui: &Ui,
    painter: &egui::Painter,
    cx: &ViewContext<'_>,
    rect: Rect,
    zero: egui::Pos2,
    most: f32,
) {
    let line = (1.0, cx.theme.hairline());
    painter.hline(rect.x_range(), zero.y, line);
    painter.vline(zero.x, rect.y_range(), line);
    let font = TextStyle::Small.resolve(ui.style());
    let color = cx.theme.secondary();
    let label = |at, align, text: String| {
        painter.text(at, align, text, font.clone(), color);
    };
    label(
        pos2(rect.right(), zero.y),
        Align2::RIGHT_BOTTOM,
        number(most.into()),
    );
    label(
        pos2(rect.left(), zero.y),
        Align2::LEFT_BOTTOM,
        format!("before {}", number((-most).into())),
    );
    label(
        pos2(zero.x - 3.0, rect.top()),
        Align2::RIGHT_TOP,
        "after".to_owned(),
    );
}

/// The focused point: the arithmetic that made it, and how far that is from what was recorded.
fn check_ui(ui: &mut Ui, cx: &ViewContext<'_>, scene: &Scene, firing: Firing, weight: Option<f32>) {
    let function = cx.model.spec().activation;
    let computed = firing.activated(function) * weight.map_or(1.0, f64::from);
    let residual = computed - f64::from(firing.act);
    let color = match residual.abs() <= TOLERANCE * computed.abs().max(1.0) {
        true => cx.theme.secondary(),
        false => cx.theme.error(),
    };
    let up = match firing.gate {
        Some(_) => format!(" × up {}", number(firing.pre.into())),
        None => String::new(),
    };
    let expert = weight.map_or(String::new(), |w| format!(" × expert {}", number(w.into())));
    let text = format!(
        "{}({}){up}{expert} = {}, residual {}",
        function.title(),
        number(firing.input().into()),
        number(computed),
        number(residual),
    );
    let site = scene.site(LayerSite::FfnAct, (firing.token, firing.neuron));
    ui.label(RichText::new(text).monospace().small().color(color))
        .on_hover_text(format!(
            "{}: recorded {site} = {:?}",
            scene.text.token(firing.token),
            firing.act
        ));
}
