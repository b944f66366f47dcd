//! How many dimensions of the sentence vector are kept, and what each cut does to the cosines.

use std::sync::Arc;

use egui::{Align2, Rect, Role, Sense, Slider, Stroke, TextStyle, Ui, WidgetInfo, pos2, vec2};

use crate::analysis::pooling::sentence;
use crate::analysis::similarity::truncation::{curve, usual_cuts};
use crate::analysis::vectors::to_f64;
use crate::app::command::Command;
use crate::app::state::TextId;
use crate::engine::Derived;
use crate::model::{HeadOptions, Model};
use crate::trace::PoolingMode;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::subject::{SameTrace, note_ui, section_ui};
use crate::widgets::{SPACE, SPACE_SMALL, counted};

/// Pairs whose curves are drawn; A and B come first.
const MOST: usize = 60;
const HEIGHT: f32 = 96.;
/// The plot is no wider than this, in points.
const WIDE: f32 = 720.;
/// Room for the figures beside it.
const AXIS: f32 = 40.;

#[derive(Clone, PartialEq)]
struct Key {
    /// The model's hash.
    model: Arc<str>,
    pooling: Option<PoolingMode>,
    texts: Vec<(TextId, SameTrace)>,
    /// A and B.
    pair: Option<(TextId, TextId)>,
}

/// The cosine of each pair over the dimensions that are kept.
struct Curves {
    /// E, uncut.
    size: usize,
    /// [pairs] of [E]; where there is a pair of A and B, it comes first.
    curves: Vec<Vec<f64>>,
    /// True where the first is that of A and B.
    has_pair: bool,
    /// How many pairs there are, drawn or not.
    pairs: usize,
    /// The least and the greatest cosine.
    range: (f64, f64),
}

#[derive(Default)]
pub struct Truncation(Derived<Key, Option<Curves>>);

impl Truncation {
    pub fn truncation_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, texts: &[TextId]) {
        let trace = |&id: &TextId| Some((id, SameTrace(cx.text(id)?.trace.clone()?)));
        let key = Key {
            model: cx.model.hash.clone(),
            pooling: cx.state.pooling,
            texts: texts.iter().filter_map(trace).collect(),
            pair: cx.state.a.zip(cx.state.b).filter(|(a, b)| a != b),
        };
        let (made, model) = (key.clone(), cx.model.clone());
        let shown = self
            .0
            .get(cx.engine, &key, move |_| Curves::new(&made, &model));
        let Some(shown) = shown else { return };
        let Some(curves) = &*shown.value else {
            return;
        };
        section_ui(ui, "Fewer dimensions", "");
        let own = cx
            .model
            .truncate_dim
            .unwrap_or(curves.size)
            .min(curves.size);
        let now = cx.state.truncate_dim.unwrap_or(own).min(curves.size);
        let chosen = cut_ui(ui, (now, own, curves.size));
        if chosen != now {
            let choice = (chosen != own).then_some(chosen);
            cx.send(Command::SetTruncateDim(choice));
        }
        said_ui(ui, curves, chosen);
        curves_ui(ui, cx, curves, chosen);
    }
}

impl Curves {
    /// None where no text has a vector under this pooling.
    fn new(key: &Key, model: &Model) -> Option<Self> {
        let options = HeadOptions {
            pooling: key.pooling,
            truncate_dim: None,
            ..model.options()
        };
        let vector = |(id, trace): &(TextId, SameTrace)| {
            let vector = sentence(&model.head, &trace.0, options).ok()?;
            Some((*id, to_f64(&vector)))
        };
        let vectors: Vec<(TextId, Vec<f64>)> = key.texts.iter().filter_map(vector).collect();
        let size = vectors.first()?.1.len();
        let all = (0..vectors.len()).flat_map(|a| (0..a).map(move |b| (b, a)));
        let is_pair = |&(a, b): &(usize, usize)| {
            let ids = (vectors[a].0, vectors[b].0);
            key.pair
                .is_some_and(|(a, b)| ids == (a, b) || ids == (b, a))
        };
        let (first, rest): (Vec<_>, Vec<_>) = all.partition(is_pair);
        let has_pair = !first.is_empty();
        let drawn = first.into_iter().chain(rest).take(MOST);
        let curves: Vec<Vec<f64>> = drawn
            .map(|(a, b)| curve(&vectors[a].1, &vectors[b].1))
            .collect();
        let values = || curves.iter().flatten().copied();
        let range = (
            values().fold(1., f64::min).min(0.),
            values().fold(0., f64::max).max(1e-3),
        );
        Some(Self {
            size,
            curves,
            has_pair,
            pairs: vectors.len() * vectors.len().saturating_sub(1) / 2,
            range,
        })
    }

    /// The cosine of A and B at a cut, and of the whole vectors.
    fn pair(&self, kept: usize) -> Option<(f64, f64)> {
        let curve = self.curves.first().filter(|_| self.has_pair)?;
        Some((*curve.get(kept.checked_sub(1)?)?, *curve.last()?))
    }
}

/// The slider and the usual cuts; returns what is chosen.
fn cut_ui(ui: &mut Ui, (now, own, size): (usize, usize, usize)) -> usize {
    let mut chosen = now;
    // On a line of its own, so that slider and figure fit a narrow panel.
    let label = ui.label("dimensions kept");
    ui.horizontal(|ui| {
        const FIGURE: f32 = 84.;
        let room = ui.available_width() - FIGURE;
        ui.spacing_mut().slider_width = room.clamp(40., ui.spacing().slider_width);
        let slider = Slider::new(&mut chosen, 1..=size).logarithmic(true);
        ui.add(slider)
            .labelled_by(label.id)
            .on_hover_text("Every vector is cut here, in every panel. Cosines do not need a cut vector to be normalised again.");
    });
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE_SMALL;
        for cut in usual_cuts(size) {
            let label = match cut == own {
                true => format!("{cut} (own)"),
                false => cut.to_string(),
            };
            offer_ui(ui, &mut chosen, cut, &label);
        }
        if !usual_cuts(size).contains(&own) {
            offer_ui(ui, &mut chosen, own, &format!("{own} (own)"));
        }
    });
    chosen
}

/// One number of dimensions to keep.
fn offer_ui(ui: &mut Ui, chosen: &mut usize, cut: usize, label: &str) {
    let on = *chosen == cut;
    let response = ui.selectable_label(on, label);
    let name = format!("Keep {label} dimensions");
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, &name));
    if response.clicked() {
        *chosen = cut;
    }
}

fn said_ui(ui: &mut Ui, curves: &Curves, kept: usize) {
    let Some((here, whole)) = curves.pair(kept) else {
        note_ui(ui, "Two texts or more make a curve.");
        return;
    };
    let size = curves.size;
    let first = match kept {
        1 => "first dimension alone".to_owned(),
        _ => format!("first {kept} dimensions"),
    };
    let mut said = format!("cos(A, B) of the {first} is {}", four(here));
    if kept < size {
        said += &format!(", of all {size} {}", four(whole));
    }
    if curves.curves.len() > 1 {
        let (shown, all) = (curves.curves.len() - 1, curves.pairs - 1);
        let others = counted(all, "other pair");
        said += &match shown < all {
            true => format!(" · thin: the first {shown} of {others}"),
            false => format!(" · thin: {others}"),
        };
    }
    note_ui(ui, said);
}

fn curves_ui(ui: &mut Ui, cx: &ViewContext<'_>, curves: &Curves, kept: usize) {
    if curves.curves.is_empty() {
        return;
    }
    let width = ui.available_width().min(WIDE);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
    let name = "Cosine over the dimensions kept";
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    let inner = Rect::from_min_max(
        pos2(rect.left() + AXIS, rect.top() + SPACE),
        pos2(rect.right() - SPACE, rect.bottom() - 2. * SPACE),
    );
    let place = Place {
        inner,
        size: curves.size,
        range: curves.range,
    };
    axes(ui, cx, &place);
    for (index, curve) in curves.curves.iter().enumerate().rev() {
        let main = index == 0 && curves.has_pair;
        let stroke = match main {
            true => Stroke::new(2., cx.theme.accent()),
            false => Stroke::new(1., cx.theme.secondary().gamma_multiply(0.4)),
        };
        let points = place.line(curve);
        ui.painter().line(points, stroke);
    }
    let x = place.x(kept);
    ui.painter()
        .vline(x, inner.y_range(), (1., cx.theme.strong()));
    if let Some((here, _)) = curves.pair(kept) {
        let at = pos2(x, place.y(here));
        ui.painter().circle_filled(at, 3.5, cx.theme.accent());
    }
    hover_ui(curves, &place, response);
}

fn hover_ui(curves: &Curves, place: &Place, response: egui::Response) {
    let Some(at) = response.hover_pos() else {
        return;
    };
    let kept = place.kept(at.x);
    if let Some((here, _)) = curves.pair(kept) {
        response.on_hover_text(format!(
            "{}: cos(A, B) {}",
            counted(kept, "dimension"),
            four(here)
        ));
    }
}

/// The figures at the sides, a line at 0, and where the usual cuts are.
fn axes(ui: &Ui, cx: &ViewContext<'_>, place: &Place) {
    let font = TextStyle::Small.resolve(ui.style());
    let (painter, color) = (ui.painter(), cx.theme.secondary());
    let (low, high) = place.range;
    for value in [low, 0., high] {
        if value != 0. && (value - low).abs() > 0. && (value - high).abs() > 0. {
            continue;
        }
        let y = place.y(value);
        painter.hline(place.inner.x_range(), y, (1., cx.theme.faint()));
        let figure = format!("{value:.2}").replace('-', "−");
        let at = pos2(place.inner.left() - SPACE_SMALL, y);
        painter.text(at, Align2::RIGHT_CENTER, figure, font.clone(), color);
    }
    let mut free = f32::NEG_INFINITY;
    for cut in [1].into_iter().chain(usual_cuts(place.size)) {
        let x = place.x(cut);
        painter.vline(
            x,
            place.inner.bottom()..=place.inner.bottom() + 3.,
            (1., color),
        );
        if x >= free {
            let at = pos2(x, place.inner.bottom() + SPACE_SMALL);
            let text = painter.text(at, Align2::CENTER_TOP, cut, font.clone(), color);
            free = text.right() + 2. * SPACE;
        }
    }
}

/// Where a cut and a cosine lie; the dimensions by their logarithm, as on the slider.
struct Place {
    inner: Rect,
    size: usize,
    range: (f64, f64),
}

impl Place {
    fn x(&self, kept: usize) -> f32 {
        let whole = (self.size.max(2) as f32).ln();
        let share = (kept.max(1) as f32).ln() / whole;
        self.inner.left() + share * self.inner.width()
    }

    fn kept(&self, x: f32) -> usize {
        let share = ((x - self.inner.left()) / self.inner.width()).clamp(0., 1.);
        let kept = (share * (self.size.max(2) as f32).ln()).exp().round() as usize;
        kept.clamp(1, self.size)
    }

    fn y(&self, value: f64) -> f32 {
        let (low, high) = self.range;
        let share = ((value - low) / (high - low)) as f32;
        self.inner.bottom() - share * self.inner.height()
    }

    /// Points of a curve, no two in one pixel.
    fn line(&self, curve: &[f64]) -> Vec<egui::Pos2> {
        let mut points: Vec<egui::Pos2> = Vec::new();
        for (kept, &value) in (1..).zip(curve).filter(|(_, value)| value.is_finite()) {
            let point = pos2(self.x(kept), self.y(value));
            match points.last() {
                Some(last) if point.x - last.x < 0.5 && kept < curve.len() => {}
                _ => points.push(point),
            }
        }
        points
    }
}
