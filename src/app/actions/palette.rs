//! The command palette: everything that can be done, found by a few letters of its name.

use egui::{
    Align2, Context, FontId, Id, Key, Modal, Modifiers, ScrollArea, Sense, TextEdit, Ui, vec2,
};

use super::entries::{Entry, entries};
use super::keys::keys_text;
use super::score::score;
use super::{ActionState, table};
use crate::app::areas::is_held;
use crate::app::command::Command;
use crate::model::ModelRef;
use crate::widgets::line;
use crate::widgets::theme::{SPACE, SPACE_SMALL, Theme};

const WIDTH: f32 = 560.;
const ROW: f32 = 26.;
/// Lines that are seen at once.
const ROWS: usize = 12;
/// Below the upper edge of the window.
const TOP: f32 = 96.;

/// The palette, open or closed.
#[derive(Default)]
pub struct Palette {
    open: Option<Open>,
}

struct Open {
    query: String,
    entries: Vec<Entry>,
    /// Those that fit, the best first.
    fitting: Vec<usize>,
    /// Place in `fitting`.
    chosen: usize,
    /// What had the keyboard before.
    before: Option<Id>,
    fresh: bool,
    /// Whether the chosen line has to come into sight.
    moved: bool,
}

impl Palette {
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether something had the keyboard before it opened.
    pub fn took_keyboard(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.before.is_some())
    }

    /// Opens it over what there is now.
    pub fn open(&mut self, ctx: &Context, on: &ActionState<'_>) {
        let entries = entries(on);
        let before = ctx.memory(|memory| memory.focused());
        // What is typed from here on is for the palette.
        if let Some(before) = before {
            ctx.memory_mut(|memory| memory.surrender_focus(before));
        }
        let mut open = Open {
            query: String::new(),
            fitting: Vec::new(),
            entries,
            chosen: 0,
            before,
            fresh: true,
            moved: true,
        };
        open.filter();
        self.open = Some(open);
    }

    /// Adds the models that can be opened, each with a word on where it is. They come later, as the
    /// disk has to be looked at.
    pub fn offer(&mut self, models: Vec<(ModelRef, String)>, now: &ModelRef) {
        let Some(open) = &mut self.open else { return };
        let known = |reference: &ModelRef, entries: &[Entry]| {
            let opens = |entry: &Entry| matches!(&entry.commands[..], [Command::OpenModel(other)] if other == reference);
            entries.iter().any(opens)
        };
        let before = open.entries.len();
        for (reference, about) in models {
            if !known(&reference, &open.entries) {
                open.entries.push(Entry::model(reference, now, about));
            }
        }
        if open.entries.len() > before {
            open.filter();
        }
    }

    /// Paints it, and returns what was chosen.
    pub fn palette_ui(&mut self, ctx: &Context) -> Vec<Command> {
        let Some(open) = &mut self.open else {
            return Vec::new();
        };
        let keys = Keys::take(ctx);
        let id = Id::unique("command palette");
        let area = Modal::default_area(id).anchor(Align2::CENTER_TOP, vec2(0., TOP));
        let frame = egui::Frame::popup(&ctx.global_style()).inner_margin(SPACE);
        let modal = Modal::new(id).area(area).frame(frame);
        let modal = modal.show(ctx, |ui| open.content_ui(ui, &keys));
        let decided = match modal.inner {
            _ if keys.close => Vec::new(),
            Some(decided) => decided,
            None if modal.backdrop_response.clicked() => Vec::new(),
            None => return Vec::new(),
        };
        if let Some(open) = self.open.take() {
            give_back(ctx, open.before);
        }
        decided
    }
}

/// Gives the keyboard back to what had it before a modal window, as soon as that is gone:
/// [`give_back_now`].
pub fn give_back(ctx: &Context, before: Option<Id>) {
    ctx.memory_mut(|memory| memory.stop_text_input());
    if let Some(id) = before {
        ctx.data_mut(|data| data.insert_temp(Id::unique(BEFORE), GiveBack { id, waited: false }));
    }
    ctx.request_repaint();
}

const BEFORE: &str = "what had the keyboard";

#[derive(Clone, Copy)]
struct GiveBack {
    id: Id,
    waited: bool,
}

/// At the beginning of a frame. A modal window holds the keyboard for one frame after its last; where it
/// is held for longer, another one has opened, and keeps it.
pub fn give_back_now(ctx: &Context) {
    let slot = Id::unique(BEFORE);
    let Some(mut back) = ctx.data(|data| data.get_temp::<GiveBack>(slot)) else {
        return;
    };
    match is_held(ctx) {
        // What was chosen may have opened something that has it by now.
        false => ctx.memory_mut(|memory| {
            if memory.focused().is_none() {
                memory.request_focus(back.id);
            }
        }),
        true if back.waited => {}
        true => {
            back.waited = true;
            ctx.data_mut(|data| data.insert_temp(slot, back));
            ctx.request_repaint();
            return;
        }
    }
    ctx.data_mut(|data| data.remove::<GiveBack>(slot));
}

impl Open {
    fn filter(&mut self) {
        let scored = self.entries.iter().enumerate();
        let scored = scored.filter_map(|(i, entry)| Some((score(&self.query, &entry.title)?, i)));
        let mut scored: Vec<(i32, usize)> = scored.collect();
        // What can be done comes before what cannot, where both fit alike.
        scored.sort_by_key(|&(score, i)| (-score, self.entries[i].off.is_some(), i));
        self.fitting = scored.into_iter().map(|(_, i)| i).collect();
        (self.chosen, self.moved) = (0, true);
    }

    /// A single step goes round; a page ends at the ends.
    fn step(&mut self, step: isize) {
        let count = self.fitting.len() as isize;
        if count == 0 {
            return;
        }
        let next = self.chosen as isize + step;
        let next = match step.abs() {
            1 => next.rem_euclid(count),
            _ => next.clamp(0, count - 1),
        };
        (self.chosen, self.moved) = (next as usize, true);
    }

    /// What the line at this place does; none where it cannot be done.
    fn take(&self, place: usize) -> Option<Vec<Command>> {
        let entry = &self.entries[*self.fitting.get(place)?];
        entry.off.is_none().then(|| entry.commands.clone())
    }

    fn content_ui(&mut self, ui: &mut Ui, keys: &Keys) -> Option<Vec<Command>> {
        ui.set_width(WIDTH);
        if self.fresh {
            // The field has the keyboard from the next frame on; what was typed by then is for it as well.
            self.query += &ui.input(typed);
        }
        let hinted = self.query.is_empty();
        let field = TextEdit::singleline(&mut self.query)
            .hint_text("What would you like to do?")
            .desired_width(f32::INFINITY);
        let field = ui.add(field);
        ui.ctx()
            .accesskit_node_builder(field.id, |node| node.set_label("Find a command"));
        if field.changed() && hinted {
            // It has painted the hint before it heard the letter, and the list below is already filtered.
            ui.ctx().request_discard("the hint of the palette");
        }
        let fresh = std::mem::take(&mut self.fresh);
        if fresh || !field.has_focus() {
            field.request_focus();
        }
        if field.changed() || (fresh && !self.query.is_empty()) {
            self.filter();
        }
        // A slow frame brings letters and Enter together: Enter is for what the letters found.
        for &step in &keys.steps {
            self.step(step);
        }
        let entered = keys.go.then(|| self.take(self.chosen)).flatten();
        ui.add_space(SPACE_SMALL);
        let mut clicked = None;
        // The same height for any number of lines: nothing jumps while a person types.
        let height = ROW * ROWS as f32;
        ui.allocate_ui(vec2(WIDTH, height), |ui| {
            ui.set_min_height(height);
            if self.fitting.is_empty() {
                ui.weak("Nothing has a name like that.");
                return;
            }
            ui.spacing_mut().item_spacing.y = 0.;
            let mut area = ScrollArea::vertical().auto_shrink(false).max_height(height);
            if std::mem::take(&mut self.moved) {
                area = area.vertical_scroll_offset(self.offset(ui));
            }
            let area = area.show_rows(ui, ROW, self.fitting.len(), |ui, range| {
                for place in range {
                    if self.row_ui(ui, place) {
                        clicked = Some(place);
                    }
                }
            });
            ui.data_mut(|data| data.insert_temp(Id::unique(OFFSET), area.state.clamped_offset().y));
        });
        entered.or(clicked.and_then(|place| self.take(place)))
    }

    /// The scroll offset nearest to the one of now that shows the chosen line.
    fn offset(&self, ui: &Ui) -> f32 {
        let now: f32 = ui
            .data(|data| data.get_temp(Id::unique(OFFSET)))
            .unwrap_or(0.);
        let (top, height) = (self.chosen as f32 * ROW, ROW * ROWS as f32);
        let most = (self.fitting.len() as f32 * ROW - height).max(0.);
        now.clamp(top + ROW - height, top).clamp(0., most)
    }

    fn row_ui(&mut self, ui: &mut Ui, place: usize) -> bool {
        let entry = &self.entries[self.fitting[place]];
        let theme = Theme::of(ui);
        // Clicked, but no stop for the Tab key: the arrows go through the list.
        let size = vec2(ui.available_width(), ROW);
        let (rect, response) = ui.allocate_exact_size(size, Sense::CLICK);
        let (on, chosen) = (entry.off.is_none(), place == self.chosen);
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::Button, on, chosen, &entry.title)
        });
        let moving = ui.input(|i| i.pointer.delta() != egui::Vec2::ZERO);
        if response.hovered() && moving {
            self.chosen = place;
        }
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        if chosen {
            let fill = ui.visuals().selection.bg_fill;
            painter.rect_filled(rect, 3., fill);
        }
        let font = FontId::proportional(13.);
        let inner = rect.shrink2(vec2(SPACE, 0.));
        // What is quiet elsewhere could hardly be read on the fill of what is chosen.
        let selected = ui.visuals().selection.stroke.color;
        let (name, aside) = match (on, chosen) {
            (true, true) => (theme.strong(), selected),
            (false, true) => (selected, selected),
            (true, false) => (theme.foreground(), theme.secondary()),
            (false, false) => (theme.secondary(), theme.secondary()),
        };
        let right = match (entry.off, entry.action) {
            (Some(why), _) => why.to_owned(),
            (None, Some(action)) => shortcut(ui.ctx(), action),
            (None, None) => entry.about.clone(),
        };
        // What it is comes first; what there is to say of it has the room that is left.
        let title = line(&painter, &entry.title, &font, name, inner.width());
        let left = inner.width() - title.size().x - 2. * SPACE;
        let at = Align2::LEFT_CENTER.anchor_size(inner.left_center(), title.size());
        painter.galley(at.min, title, name);
        if left > LEAST {
            let right = line(&painter, &right, &font, aside, left);
            let at = Align2::RIGHT_CENTER.anchor_size(inner.right_center(), right.size());
            painter.galley(at.min, right, aside);
        }
        let clicked = response.clicked() && on;
        if !entry.about.is_empty() {
            response.on_hover_text(&entry.about);
        }
        clicked
    }
}

/// Keys of one frame that decide or move.
struct Keys {
    close: bool,
    go: bool,
    steps: Vec<isize>,
}

impl Keys {
    fn take(ctx: &Context) -> Self {
        let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        let moves = [
            (Key::ArrowDown, 1),
            (Key::ArrowUp, -1),
            (Key::PageDown, ROWS as isize - 1),
            (Key::PageUp, 1 - ROWS as isize),
        ];
        let (close, go) = (pressed(Key::Escape), pressed(Key::Enter));
        let steps = moves.into_iter().filter(|(key, _)| pressed(*key));
        let steps = steps.map(|(_, step)| step).collect();
        let again = table().iter().find(|action| action.id == "help.palette");
        let mut again = again.into_iter().flat_map(|action| &action.shortcuts);
        let again = again.any(|keys| ctx.input_mut(|i| i.consume_shortcut(keys)));
        Self {
            close: close || again,
            go,
            steps,
        }
    }
}

/// What was typed in this frame.
fn typed(input: &egui::InputState) -> String {
    let letters = input.events.iter().filter_map(|event| match event {
        egui::Event::Text(text) => Some(text.as_str()),
        _ => None,
    });
    letters.collect()
}

/// Less room than this says nothing of an entry, in points.
const LEAST: f32 = 40.;
const OFFSET: &str = "command palette offset";

/// As it is written for a person, the first of several.
fn shortcut(ctx: &Context, action: usize) -> String {
    let keys = table()
        .get(action)
        .and_then(|action| action.shortcuts.first());
    keys.map_or(String::new(), |keys| keys_text(ctx, keys))
}
