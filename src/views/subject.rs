//! The one text of a panel: its trace, or why there is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use egui::{RichText, Ui, vec2};

use super::ViewContext;
use crate::analysis::embedding::magnitude_quantile;
use crate::app::state::{Focus, Side, TextId};
use crate::trace::{Site, Trace};
use crate::widgets::{SPACE, SPACE_SMALL, Scale, Theme, legend_ui, number};

/// What a panel of one text shows.
pub struct Subject {
    pub id: TextId,
    pub side: Side,
    pub trace: Arc<Trace>,
    /// False while a newer trace is on its way.
    pub current: bool,
}

impl Subject {
    /// T, tokens.
    pub fn tokens(&self) -> usize {
        self.trace.tokens.len()
    }

    pub fn key(&self) -> SameTrace {
        SameTrace(self.trace.clone())
    }

    /// The focused token of this text, within its trace.
    pub fn focused(&self, cx: &ViewContext<'_>) -> Option<usize> {
        cx.token_of(self.id).filter(|&t| t < self.tokens())
    }

    /// The locked token of this text, within its trace.
    pub fn locked(&self, cx: &ViewContext<'_>) -> Option<usize> {
        let locked = cx.locked;
        let token = locked.token.filter(|_| locked.text == Some(self.id));
        token.filter(|&t| t < self.tokens())
    }

    pub fn focus_on(&self, token: usize) -> Focus {
        Focus::token(self.id, token)
    }

    /// A token and a dimension: a cell of a [T, D] map.
    pub fn focus_cell(&self, (token, dimension): (usize, usize)) -> Focus {
        Focus {
            dimension: Some(dimension),
            ..Focus::token(self.id, token)
        }
    }

    /// [`Self::focus_cell`] of one site, where several have such cells.
    pub fn focus_site(&self, site: Site, cell: (usize, usize)) -> Focus {
        Focus {
            site: Some(site),
            ..self.focus_cell(cell)
        }
    }
}

/// A trace as the key of what is derived from it: equal to every trace of the same pass, whichever
/// insides they hold.
#[derive(Clone)]
pub struct SameTrace(pub Arc<Trace>);

impl PartialEq for SameTrace {
    fn eq(&self, other: &Self) -> bool {
        self.0.pass == other.0.pass
    }
}

/// A number that no other picture has: names values for a texture.
pub fn fresh_key() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The viewed text's trace. Says what is wrong or still to come where there is none, and dims
/// what follows while the trace is an old one.
pub fn subject_ui(ui: &mut Ui, cx: &ViewContext<'_>) -> Option<Subject> {
    let side = cx.side;
    let Some(view) = cx.viewed() else {
        note_ui(
            ui,
            "No text is chosen. Choose one as A or B in the list on the left.",
        );
        return None;
    };
    if let Some(error) = &view.error {
        let why = format!("This text could not be encoded: {error}");
        ui.label(RichText::new(why).color(cx.theme.error()));
        ui.add_space(SPACE);
    }
    let Some(trace) = view.trace.clone() else {
        if view.error.is_none() {
            note_ui(ui, "Encoding the text…");
        }
        return None;
    };
    if !view.current {
        ui.multiply_opacity(cx.theme.stale_alpha());
    }
    Some(Subject {
        id: view.id,
        side,
        trace,
        current: view.current,
    })
}

/// A sentence in the background: captions, and what to do about an empty state.
pub fn note_ui(ui: &mut Ui, text: impl Into<String>) -> egui::Response {
    let theme = Theme::of(ui);
    ui.label(RichText::new(text).small().color(theme.secondary()))
}

/// A sentence with something to click in it: its lines stand as close as those of any other.
pub fn sentence_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.scope(|ui| {
        // Before the row begins: its first line would be as high as a button.
        ui.spacing_mut().interact_size.y = 0.;
        ui.spacing_mut().item_spacing = vec2(SPACE_SMALL, 0.);
        ui.horizontal_wrapped(add);
    });
}

/// Sets the groups of a wrapped row apart: a row that is full gets no wider by it.
pub fn apart_ui(ui: &mut Ui) {
    let left = ui.available_size_before_wrap().x;
    if left > 0.0 {
        ui.add_space(left.min(2.0 * SPACE));
    }
}

/// Legends in a row; one below the other where they would not fit.
pub fn legends_ui(ui: &mut Ui, legends: &[(&Scale, &str)]) {
    /// About what a legend takes: its ramp, two figures and a few words.
    const LEGEND: f32 = 280.0;
    let all = |ui: &mut Ui| {
        for (scale, label) in legends {
            legend_ui(ui, scale, label);
        }
    };
    match ui.available_width() >= LEGEND * legends.len() as f32 {
        true => ui.horizontal(all).inner,
        false => all(ui),
    }
}

/// Signed values in colours that tell the bulk of them apart: the few of largest magnitude share
/// the end of the scale.
pub fn bulk_scale<'a>(values: impl IntoIterator<Item = &'a f32>) -> Scale {
    Scale::signed(magnitude_quantile(values.into_iter().copied(), BULK))
}

/// The share of the values that a [`bulk_scale`] tells apart.
const BULK: f64 = 0.995;

/// The value of largest magnitude; 0 where there is none.
pub fn largest_of<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    let larger = |most: f32, &x: &f32| if x.abs() > most.abs() { x } else { most };
    values.into_iter().fold(0.0, larger)
}

/// What a [`bulk_scale`] does not show.
pub fn beyond_note(scale: &Scale, largest: f32) -> Option<String> {
    // A hair beyond the end is not worth a sentence.
    let beyond = largest.abs() > 1.01 * scale.max;
    beyond.then(|| {
        let largest = number(f64::from(largest));
        format!("colours reach at least 99.5% of the values; the largest is {largest}")
    })
}

/// The colour of A or of B.
pub fn side_color(theme: Theme, side: Side) -> egui::Color32 {
    match side {
        Side::A => theme.a(),
        Side::B => theme.b(),
    }
}

/// The title of a part of a panel, with a line on what it is.
pub fn section_ui(ui: &mut Ui, title: &str, about: &str) {
    ui.add_space(SPACE);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(title).text_style(egui::TextStyle::Heading));
        if !about.is_empty() {
            note_ui(ui, about);
        }
    });
}
