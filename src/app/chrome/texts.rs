//! The list of texts on the left.

mod seen;

use egui::{Align, Key, Layout, RichText, TextEdit, Ui};

use crate::app::command::Command;
use crate::app::samples::SAMPLES;
use crate::app::state::{Focus, Side, State, Text, TextId};
use crate::tokens::start_of;
use crate::views::TextView;
use crate::widgets::theme::{SPACE, SPACE_SMALL, Theme};
use crate::widgets::{choice_ui, counted, entry_chosen, field_edge, name_menu};
pub use seen::Seen;

/// Everything the list shows.
pub struct TextList<'a> {
    pub state: &'a State,
    pub shown: &'a [TextView],
    pub focus: Focus,
    pub hovered: &'a mut Focus,
    /// Where each text's row is, for the menu of what can be done with it.
    pub rows: &'a mut Vec<(TextId, egui::Rect)>,
    pub seen: &'a mut Seen,
    pub commands: &'a mut Vec<Command>,
}

impl TextList<'_> {
    pub fn list_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            ui.heading("Texts");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.samples_ui(ui)
            });
        });
        ui.add_space(SPACE_SMALL);
        let bottom = ui.spacing().interact_size.y + 2. * SPACE;
        let height = (ui.available_height() - bottom).max(60.);
        let area = egui::ScrollArea::vertical()
            .max_height(height)
            .auto_shrink([false, true]);
        area.show(ui, |ui| {
            let added = self.seen.added(&self.state.texts);
            let held = self.seen.holds;
            let held =
                held.and_then(|(held, _)| self.state.texts.iter().position(|t| t.id == held));
            for (index, text) in self.state.texts.iter().enumerate() {
                // The row that has the keyboard, and those to which it goes on.
                let stays = held.is_some_and(|held| held.abs_diff(index) <= 1);
                let row = self.row_ui(ui, (index, text), stays);
                if added == Some(text.id) {
                    ui.scroll_to_rect(row, None);
                }
                ui.add_space(SPACE_SMALL);
            }
            self.seen.note(&self.state.texts);
            if self.state.texts.is_empty() {
                ui.weak("No texts yet. Add one, choose a sample, or drop a text file here.");
            }
        });
        ui.add_space(SPACE_SMALL);
        ui.horizontal(|ui| {
            if ui.button("+ Add text").clicked() {
                self.begin(ui);
            }
            let can_swap = self.state.a != self.state.b;
            let swap = ui.add_enabled(can_swap, egui::Button::new("Swap A and B"));
            if swap.clicked() {
                self.commands.push(Command::SwapSides);
            }
        });
    }

    fn samples_ui(&mut self, ui: &mut Ui) {
        let menu = ui.menu_button("Samples ⏷", |ui| {
            for sample in SAMPLES {
                let entry = ui.button(sample.title).on_hover_text(sample.about);
                if entry_chosen(ui, &entry) {
                    let texts = sample.texts.iter().map(|t| (*t).to_owned());
                    self.commands.push(Command::SetTexts(texts.collect()));
                }
            }
            ui.separator();
            let entry = ui.button("Open a file…");
            if entry_chosen(ui, &entry) {
                self.commands.push(Command::AskTextFile);
            }
        });
        name_menu(&menu.response, "Samples".to_owned());
    }

    /// A text where it can be seen or `stays`; of the others only the room.
    fn row_ui(&mut self, ui: &mut Ui, (index, text): (usize, &Text), stays: bool) -> egui::Rect {
        const NEAR: f32 = 200.;
        let (top, width) = (ui.next_widget_position(), ui.available_width());
        if let Some(height) = self.seen.height(text, width).filter(|_| !stays) {
            let rect = egui::Rect::from_min_size(top, egui::vec2(width, height));
            if !rect.intersects(ui.clip_rect().expand(NEAR)) {
                ui.advance_cursor_after_rect(rect);
                return rect;
            }
        }
        // Named by the text: it is the same row whatever else is painted.
        let builder = egui::UiBuilder::new().scope_id(egui::Id::unique(("text row", text.id.0)));
        let row = ui.scope_builder(builder, |ui| self.text_ui(ui, index, text));
        let rect = row.response.rect;
        self.seen.keep(text, width, rect.height());
        self.hold(ui, text.id, rect);
        rect
    }

    /// Notes whether a row has the keyboard, and scrolls to where a key has brought it.
    fn hold(&mut self, ui: &Ui, id: TextId, rect: egui::Rect) {
        let held = ui.ctx().memory(|memory| memory.focused());
        let held = held.and_then(|held| ui.ctx().read_response(held));
        let held = held.filter(|held| match self.seen.typed {
            // A long text reaches beyond its row, where it is scrolled.
            Some(typed) => typed == id,
            None => rect.contains(held.rect.center()),
        });
        match held {
            Some(held) => {
                let before = self.seen.holds.replace((id, held.id));
                let pointed = |input: &egui::InputState| {
                    input.pointer.any_down() || input.pointer.any_released()
                };
                if before != self.seen.holds && !ui.input(pointed) {
                    ui.scroll_to_rect(rect, None);
                }
            }
            None if self.seen.holds.is_some_and(|(held, _)| held == id) => self.seen.holds = None,
            None => {}
        }
    }

    fn text_ui(&mut self, ui: &mut Ui, index: usize, text: &Text) {
        let theme = Theme::of(ui);
        let view = self.shown.iter().find(|view| view.id == text.id);
        let in_focus = self.focus.text == Some(text.id);
        let row = ui.horizontal_top(|ui| {
            self.marks_ui(ui, theme, index, text.id);
            ui.vertical(|ui| {
                self.edit_ui(ui, theme, index, text);
                self.note_ui(ui, theme, index, text, view);
            });
        });
        let rect = row.response.rect;
        self.rows.push((text.id, rect));
        let bar = egui::Rect::from_min_size(
            rect.left_top() - egui::vec2(SPACE_SMALL, 0.),
            egui::vec2(if in_focus { 3. } else { 2. }, rect.height()),
        );
        let color = theme.text(index);
        ui.painter().rect_filled(bar, 1., color);
        if ui.rect_contains_pointer(rect) {
            *self.hovered = Focus::text(text.id);
        }
    }

    /// Beside a text: its number, which takes it together with others, and whether it is A or B.
    /// Ctrl-click selects anywhere here.
    fn marks_ui(&mut self, ui: &mut Ui, theme: Theme, index: usize, id: TextId) {
        ui.spacing_mut().item_spacing.x = 2.;
        let selected = self.state.selected.contains(&id);
        let number = RichText::new((index + 1).to_string()).small();
        let number = match selected {
            true => number.color(theme.on(theme.accent())).strong(),
            false => number.color(theme.secondary()),
        };
        let mut button = egui::Button::new(number).min_size(egui::vec2(16., 20.));
        button = match selected {
            true => button.fill(theme.accent()),
            false => button.frame_when_inactive(false),
        };
        let padding = std::mem::replace(&mut ui.spacing_mut().button_padding.x, 1.);
        let response = ui.add(button);
        ui.spacing_mut().button_padding.x = padding;
        let name = format!("Select text {}", index + 1);
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::CheckBox, true, selected, &name)
        });
        let about =
            "Takes texts together: those with a filled number are selected, here and in Pooling";
        let clicked = response.on_hover_text(about).clicked();
        if self.sides_ui(ui, theme, id) || clicked {
            self.commands
                .push(Command::Select(toggled(&self.state.selected, id)));
        }
    }

    /// The two buttons that make a text A or B. True where a Ctrl-click meant to select.
    fn sides_ui(&mut self, ui: &mut Ui, theme: Theme, id: TextId) -> bool {
        let together = ui.input(|i| i.modifiers.command);
        let mut select = false;
        for (side, color) in [(Side::A, theme.a()), (Side::B, theme.b())] {
            let on = self.state.id_of(side) == Some(id);
            let text = RichText::new(side.name()).strong();
            let text = match on {
                true => text.color(theme.on(color)),
                false => text.weak(),
            };
            let mut button = egui::Button::new(text).min_size(egui::vec2(20., 20.));
            if on {
                button = button.fill(color);
            }
            let index = self.state.index(id).unwrap_or(0) + 1;
            let name = format!("Make text {index} {}", side.name());
            let response = ui.add(button);
            response
                .widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, on, &name));
            let about = format!("{name}. Ctrl-click selects the text");
            match (response.on_hover_text(about).clicked(), together) {
                (true, true) => select = true,
                (true, false) => {
                    self.commands.push(Command::Assign(side, id));
                    self.commands.push(Command::View(side));
                }
                _ => {}
            }
        }
        ui.add_space(SPACE_SMALL);
        select
    }

    fn edit_ui(&mut self, ui: &mut Ui, theme: Theme, index: usize, text: &Text) {
        let mut edited = text.text.clone();
        let field = TextEdit::multiline(&mut edited)
            .id_salt(("text", text.id.0))
            .desired_rows(1)
            .desired_width(f32::INFINITY)
            .hint_text("Type a sentence")
            .return_key(None)
            .event_filter(super::fields::keeps_escape())
            .text_color(theme.foreground());
        // A passage scrolls in its field: the list stays a list. Where it is not typed into, the wheel is
        // for the list.
        let wheel = egui::scroll_area::ScrollSource {
            mouse_wheel: self.seen.typed == Some(text.id),
            ..Default::default()
        };
        let area = egui::ScrollArea::vertical()
            .id_salt(("field", text.id.0))
            .scroll_source(wheel)
            .min_scrolled_height(FIELD)
            .max_height(FIELD);
        let margin = std::mem::replace(&mut ui.spacing_mut().scroll.bar_outer_margin, BESIDE_EDGE);
        let shown = area.show(ui, |ui| ui.add(field));
        ui.spacing_mut().scroll.bar_outer_margin = margin;
        let response = shown.inner;
        // Round what can be seen of it, however far it is scrolled.
        let edge = field_edge(ui, response.has_focus());
        let corner = ui.visuals().widgets.inactive.corner_radius;
        let seen = shown.inner_rect.intersect(response.rect);
        ui.painter()
            .rect_stroke(seen, corner, edge, egui::StrokeKind::Inside);
        super::fields::leave_by_escape(ui, &response);
        super::fields::mark(ui, response.id);
        match response.has_focus() {
            true => self.seen.typed = Some(text.id),
            false if self.seen.typed == Some(text.id) => self.seen.typed = None,
            false => {}
        }
        let name = format!("Text {}", index + 1);
        ui.ctx()
            .accesskit_node_builder(response.id, |node| node.set_label(name));
        if response.changed() {
            // The field is one text: pasted lines become one line.
            let flat = edited.replace(['\n', '\r'], " ");
            self.commands.push(Command::EditText(text.id, flat));
        }
        if response.has_focus() && ui.input(|i| i.key_pressed(Key::Enter)) {
            self.begin(ui);
        }
        if ui.data(|data| data.get_temp::<usize>(begun())) == Some(index + 1) {
            ui.data_mut(|data| data.remove_temp::<usize>(begun()));
            response.request_focus();
            // With the line below it.
            let row = response.interact_rect.expand2(egui::vec2(0., 4. * SPACE));
            ui.scroll_to_rect(row, None);
        }
    }

    /// Adds a text to be typed: as soon as its field is there, it has the keyboard and is in sight.
    fn begin(&mut self, ui: &Ui) {
        let count = self.state.texts.len() + 1;
        ui.data_mut(|data| data.insert_temp(begun(), count));
        self.commands.push(Command::AddText(String::new()));
    }

    /// Token count, what was cut, and the row's menu.
    fn note_ui(
        &mut self,
        ui: &mut Ui,
        theme: Theme,
        index: usize,
        text: &Text,
        view: Option<&TextView>,
    ) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE;
            if let Some(error) = view.and_then(|view| view.error.as_ref()) {
                ui.colored_label(theme.error(), &**error);
            } else if let Some(trace) = view.and_then(|view| view.trace.as_ref()) {
                let tokens = &trace.tokens;
                let count = match tokens.most() {
                    Some(most) => format!("{}/{most} tokens", tokens.len()),
                    None => counted(tokens.len(), "token"),
                };
                // A count of what was there before is not the count of what is typed.
                let current = view.is_some_and(|view| view.current);
                let alpha = if current { 1. } else { theme.stale_alpha() };
                let small = |text: String, color: egui::Color32| {
                    RichText::new(text)
                        .small()
                        .color(color.gamma_multiply(alpha))
                };
                ui.label(small(count, theme.secondary()));
                if tokens.dropped > 0 {
                    let note = format!("{} cut off", tokens.dropped);
                    let note = small(note, theme.warning());
                    let cut = tokens.text.get(tokens.cut()).unwrap_or("");
                    let cut = RichText::new(shorten(cut)).strikethrough();
                    ui.label(note).on_hover_text(cut);
                }
            }
            let menu = ui.menu_button(RichText::new("…").small(), |ui| {
                self.row_menu_ui(ui, index, text.id);
            });
            let name = format!("More for text {}", index + 1);
            menu.response
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        });
    }

    fn row_menu_ui(&mut self, ui: &mut Ui, index: usize, id: TextId) {
        let last = self.state.texts.len() - 1;
        let entry = ui.add_enabled(index > 0, egui::Button::new("Move up"));
        if entry_chosen(ui, &entry) {
            self.commands.push(Command::MoveText(id, index - 1));
        }
        let entry = ui.add_enabled(index < last, egui::Button::new("Move down"));
        if entry_chosen(ui, &entry) {
            self.commands.push(Command::MoveText(id, index + 1));
        }
        let entry = ui.button("Duplicate");
        if entry_chosen(ui, &entry) {
            self.commands
                .push(Command::AddText(self.state.texts[index].text.clone()));
        }
        self.pair_menu_ui(ui, id);
        let entry = ui.button("Remove");
        if entry_chosen(ui, &entry) {
            self.commands.push(Command::RemoveText(id));
        }
    }

    /// Which text this one means the same as, for the contrastive loss.
    fn pair_menu_ui(&mut self, ui: &mut Ui, id: TextId) {
        if self.state.partner(id).is_some() {
            let entry = ui.button("Unpair");
            if entry_chosen(ui, &entry) {
                self.commands.push(Command::Unpair(id));
            }
        }
        ui.menu_button("Pair with", |ui| {
            let area = egui::ScrollArea::vertical().max_height(PAIR_MENU);
            area.show(ui, |ui| {
                for (index, other) in self.state.texts.iter().enumerate() {
                    if other.id == id {
                        continue;
                    }
                    let name = format!("{}  {}", index + 1, start_of(&other.text, START));
                    let on = self.state.partner(id) == Some(other.id);
                    if choice_ui(ui, on, name) {
                        self.commands.push(Command::Pair(id, other.id));
                    }
                }
            });
        });
    }
}

/// Where it is kept how many texts there are with the one that waits for its field.
fn begun() -> egui::Id {
    egui::Id::unique("text begun")
}

/// The selection with this text in it, or without it where it was.
fn toggled(selected: &[TextId], id: TextId) -> Vec<TextId> {
    let others = selected.iter().copied().filter(|&other| other != id);
    match selected.contains(&id) {
        true => others.collect(),
        false => others.chain([id]).collect(),
    }
}

/// The height of a text's field at most, in points.
const FIELD: f32 = 200.;
/// Between the handle that scrolls a field and the line round it, in points.
const BESIDE_EDGE: f32 = 2.;
/// The height of a menu of texts at most, in points.
const PAIR_MENU: f32 = 320.;
/// Letters of a text in a menu.
const START: usize = 40;

/// The ends of a long text.
fn shorten(text: &str) -> String {
    const END: usize = 300;
    let count = text.chars().count();
    if count <= 2 * END {
        return text.to_owned();
    }
    let head: String = text.chars().take(END).collect();
    let tail: String = text.chars().skip(count - END).collect();
    format!("{head} […] {tail}")
}
