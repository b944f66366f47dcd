//! Lines between two columns of the tokens, as in BertViz's head view (Vig 2019): on the left those
//! that read, on the right those that are read.

mod paint;

use std::sync::Arc;

use egui::{
    Align, EventFilter, Rect, Response, Role, ScrollArea, Sense, Slider, TextStyle, Ui, WidgetInfo,
    vec2,
};
use paint::{Columns, labels_ui, lines_ui};

use super::average::{Chosen, Large, Over};
use super::head::cell_focus;
use super::{Options, Scene, ViewContext, head_name, title_ui};
use crate::analysis::attention::{
    Link, Links, Map, Who, each_row, parts, seen_column, seen_rows, why_hidden,
};
use crate::app::state::Focus;
use crate::cancel::Cancel;
use crate::engine::Derived;
use crate::model::spec::Mask;
use crate::trace::LayerSite;
use crate::views::recorded::Recorded;
use crate::widgets::heatmap::arrow_step;
use crate::widgets::theme::{SPACE, Theme, number};

/// From one token to the next.
const PITCH: f32 = 18.0;
/// The tallest that the columns grow before they scroll.
const TALLEST: f32 = 480.0;
/// No more lines than this are painted while no token is in focus.
const MOST: usize = 1000;

/// What the lines depend on.
#[derive(Clone, PartialEq)]
struct Key {
    trace: u64,
    who: Who,
    threshold: f32,
}

/// Lines with the text that they are of.
struct Drawn {
    large: Large,
    links: Links,
}

#[derive(Default)]
pub(super) struct Arcs {
    drawn: Derived<Key, Drawn>,
    /// The query that was locked in the last frame.
    locked: Option<usize>,
}

impl Arcs {
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (scene, chosen): (&Scene, &Chosen),
        options: &mut Options,
    ) {
        // The map's part of the panel says why there is nothing.
        if matches!(chosen, Chosen::Never(_)) {
            return;
        }
        title_ui(ui, "Who reads whom", |ui| {
            if let Chosen::Now(large) = chosen {
                ui.weak(&large.name);
            }
        });
        let slider = Slider::new(&mut options.threshold, 0.0..=0.5).text("smallest weight");
        ui.add(slider);
        let drawn = match chosen {
            Chosen::Now(large) => {
                let key = Key {
                    trace: scene.text.key,
                    who: large.who.clone(),
                    threshold: options.threshold,
                };
                let (large, threshold) = (Large::clone(large), key.threshold);
                let make = move |cancel: &_| Drawn {
                    links: links(&large, threshold, cancel),
                    large,
                };
                self.drawn.get(cx.engine, &key, make)
            }
            Chosen::Coming(_) => self.drawn.last(),
            Chosen::Never(_) => None,
        };
        let Some(drawn) = drawn else { return };
        let (drawn, stale): (Arc<Drawn>, bool) = (drawn.value, !drawn.current);
        let height = PITCH * drawn.large.text.tokens() as f32;
        let (locked, _) = scene.text.focused(cx.locked);
        let moved = locked.filter(|_| self.locked != locked);
        self.locked = locked;
        let mut columns = |ui: &mut Ui| {
            if stale {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            let rect = columns_ui(ui, cx, &drawn, scene);
            // A query that was locked elsewhere comes into view; the surrounding panel stays.
            if let Some(query) = moved.filter(|_| height > TALLEST) {
                let row = rect.top() + PITCH * query as f32;
                let row = Rect::from_x_y_ranges(rect.x_range(), row..=row + PITCH);
                ui.scroll_to_rect(row, Some(Align::Center));
            }
        };
        match height > TALLEST {
            true => {
                let area = ScrollArea::vertical()
                    .id_salt("arcs")
                    .min_scrolled_height(TALLEST)
                    .max_height(TALLEST);
                area.auto_shrink([false, true]).show(ui, columns);
            }
            false => columns(ui),
        }
        note_ui(ui, &drawn.links);
    }
}

fn links(large: &Large, threshold: f32, cancel: &Cancel) -> Links {
    let tokens = large.text.tokens();
    let mut links = Links::default();
    // A hidden key's −∞ reaches no threshold, not even 0.
    let add = |first, rows: &[f32]| links.add(first, rows, tokens, threshold, MOST);
    let of = (&large.who, Map::Pattern);
    each_row(&large.text.trace, of, 0..tokens, cancel, add);
    links
}

fn note_ui(ui: &mut Ui, links: &Links) {
    let shown = links.shown.len();
    let text = match shown < links.above {
        true => format!(
            "The {shown} strongest of {} weights; point at a token for all of its own.",
            links.above
        ),
        false => format!("{shown} weights; point at a token for its own."),
    };
    let color = Theme::of(ui).secondary();
    ui.label(egui::RichText::new(text).small().color(color));
}

/// Returns where the columns stand.
fn columns_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, drawn: &Drawn, scene: &Scene) -> Rect {
    let (large, text) = (&drawn.large, &drawn.large.text);
    let tokens = text.tokens();
    let width = (ui.available_width() - SPACE).min(420.0);
    let size = vec2(width, PITCH * tokens as f32);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let names = (0.3 * width).min(110.0);
    let columns = Columns {
        rect,
        left: rect.left() + names,
        right: rect.right() - names,
        font: TextStyle::Small.resolve(ui.style()),
    };
    let hovered = response.hover_pos().and_then(|pos| columns.at(pos, tokens));
    let stale = text.key != scene.text.key;
    if !stale {
        point_ui(ui, cx, text, &response, hovered);
    }
    let (query, other) = text.focused(cx.focus);
    let own = own_links(large, query, other);
    let painter = ui.painter().with_clip_rect(ui.clip_rect().intersect(rect));
    lines_ui(&painter, &columns, cx.theme, &drawn.links.shown, &own);
    labels_ui(&painter, &columns, cx.theme, text, (query, other), &own);
    let name = format!("Who reads whom in {}", large.name);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), &name));
    if let Some(at) = hovered {
        response.on_hover_text_at_pointer(hover_text(large, at, query, scene.mask));
    }
    rect
}

/// Hovering or clicking a reader picks the query; one that is read, the key of the locked query.
fn point_ui(
    ui: &Ui,
    cx: &mut ViewContext<'_>,
    text: &Recorded,
    response: &Response,
    hovered: Option<(usize, bool)>,
) {
    let (locked, _) = text.focused(cx.locked);
    let focus = hovered.map(|(token, read)| match (read, locked) {
        (false, _) => Focus::token(text.id, token),
        (true, Some(query)) => cell_focus(text, query, token),
        (true, None) => Focus {
            other: Some(token),
            ..Focus::text(text.id)
        },
    });
    let mut clicked = focus.filter(|_| response.clicked());
    if response.clicked() {
        response.request_focus();
    }
    let arrows = EventFilter {
        vertical_arrows: true,
        ..Default::default()
    };
    if let Some((_, down)) = arrow_step(ui, response, arrows) {
        let last = text.tokens().saturating_sub(1);
        let to = locked.map_or(0, |at| at.saturating_add_signed(down).min(last));
        clicked = Some(Focus::token(text.id, to));
    }
    if response.has_focus() {
        let stroke = (1.0, cx.theme.accent());
        ui.painter()
            .rect_stroke(response.rect, 2.0, stroke, egui::StrokeKind::Inside);
    }
    cx.point(focus, clicked);
}

/// The weights of the focused token alone: of its row where it reads, of its column where it is read.
/// Every row goes into a column, so that one of a map that is not held would take too long.
fn own_links(large: &Large, query: Option<usize>, other: Option<usize>) -> Vec<Link> {
    let text = &large.text;
    let (trace, who, map) = (&text.trace, &large.who, Map::Pattern);
    let weight = |weight: f32| weight.max(0.0); // Hidden ones are 0.
    let held = || {
        who.heads().iter().all(|(layer, _)| {
            let pattern = trace.layer(*layer, LayerSite::Pattern);
            pattern.is_some_and(|pattern| pattern.is_held())
        })
    };
    match (query, other) {
        (Some(query), _) => {
            let row = seen_rows(trace, who, map, query..query + 1, &Cancel::new());
            let link = |(key, w)| Link {
                query,
                key,
                weight: weight(w),
            };
            row.unwrap_or_default()
                .into_iter()
                .enumerate()
                .map(link)
                .collect()
        }
        (None, Some(token)) if held() => {
            let column = seen_column(trace, who, map, token);
            let link = |(query, w)| Link {
                query,
                key: token,
                weight: weight(w),
            };
            column
                .unwrap_or_default()
                .into_iter()
                .enumerate()
                .map(link)
                .collect()
        }
        _ => Vec::new(),
    }
}

fn hover_text(
    large: &Large,
    (token, read): (usize, bool),
    query: Option<usize>,
    mask: Mask,
) -> String {
    let (text, name) = (&large.text, &large.name);
    match (read, query) {
        (false, _) => format!("What {} reads\n{name}", text.token(token)),
        (true, None) => format!("Who reads {}\n{name}", text.token(token)),
        (true, Some(query)) => {
            let links = own_links(large, Some(query), None);
            let weight = links.get(token).map_or(f64::NAN, |link| link.weight.into());
            format!(
                "{} reads from {}\n{}{}\n{name}: {}",
                text.token(query),
                text.token(token),
                why_hidden(mask, query, token).unwrap_or_else(|| number(weight)),
                most_from(large, query, token),
                large.index(query, token),
            )
        }
    }
}

/// The head that puts most into one weight of a mean.
fn most_from(large: &Large, query: usize, key: usize) -> String {
    if large.over == Over::One {
        return String::new();
    }
    let parts = parts(&large.text.trace, &large.who, Map::Pattern, query, key);
    let most = parts.and_then(|parts| parts.first().copied());
    most.map_or_else(String::new, |most| {
        let value = most.value.map_or(f64::NAN, f64::from);
        let head = head_name(most.layer, most.head);
        format!("\nmost from {head}: {}", number(value))
    })
}
