//! The parts of the window beside the panels, which can be put away: the list of texts and the inspector.

use egui::{Button, Panel, Rect, Role, Ui, WidgetInfo};

use super::App;
use super::areas::Area;
use super::chrome::log::toasts_ui;
use super::chrome::texts::TextList;
use super::chrome::tour;
use super::command::Command;
use super::edges;
use super::preferences::Preferences;
use super::state::Focus;
use super::ui::NARROWEST;
use crate::widgets::foot_ui;
use crate::widgets::theme::SPACE;

/// Below this width of the window there is room for one of them beside the panels, in points. The
/// inspector is put away there unless a person wants it.
const NARROW: f32 = 880.;
/// Where a part is put away, the strip that brings it back.
const STRIP: f32 = 24.;

/// Which of the parts are beside the panels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sides {
    pub texts: bool,
    pub inspector: bool,
    /// Whether the inspector was asked for after the texts: where there is room for one, it has that.
    newer: bool,
    list: Breadth,
    inspected: Breadth,
}

impl Default for Sides {
    fn default() -> Self {
        Self {
            texts: true,
            inspector: true,
            newer: false,
            list: Breadth::default(),
            inspected: Breadth::default(),
        }
    }
}

/// How wide a part is wanted. A panel keeps what a small window has left of its width; this gives it
/// back once there is room again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Breadth {
    wanted: Option<f32>,
    /// How wide the part could be at most when it was last painted.
    most: f32,
}

impl Breadth {
    /// The widths between which the part is painted, where it may be dragged to from `least` to `most`.
    fn range(self, least: f32, most: f32) -> egui::Rangef {
        let wanted = self.wanted.filter(|_| self.most != most);
        egui::Rangef::new(
            wanted.map_or(least, |wanted| wanted.clamp(least, most)),
            most,
        )
    }

    /// After it was painted: another width than that was to be is one that a person has dragged it to.
    fn note(&mut self, shown: f32, most: f32, at_first: f32) {
        let full = shown + 1. >= most;
        self.wanted = match self.wanted {
            None if full => Some(shown.max(at_first)),
            Some(wanted) if (shown - wanted).abs() < 1. || (full && wanted > most) => Some(wanted),
            _ => Some(shown),
        };
        self.most = most;
    }
}

impl Sides {
    /// Hears what is asked for.
    pub fn note(&mut self, command: &Command) {
        match command {
            Command::ShowTexts(true) => self.newer = false,
            Command::ShowInspector(true) => self.newer = true,
            _ => {}
        }
    }

    /// As a person prefers them in a window of this width. What there is no room for is put away and
    /// still preferred: it comes back when the window widens, or the other part closes.
    fn fit(&mut self, preferences: &Preferences, width: f32) {
        let wide = width >= NARROW;
        let (texts, inspector) = (preferences.texts, preferences.inspector.unwrap_or(wide));
        let both = wide || !(texts && inspector);
        self.texts = texts && (both || !self.newer);
        self.inspector = inspector && (both || self.newer);
    }
}

/// The least height of the list of texts, in points, with the offer of the tour below it.
const OFFER: f32 = 320.;

impl App {
    /// Before either is painted.
    pub(super) fn fit_sides(&mut self, ctx: &egui::Context) {
        let width = ctx.content_rect().width();
        self.sides.fit(&self.state.preferences, width);
    }

    /// The texts on the left, or the strip in their place.
    pub(super) fn texts_ui(&mut self, ui: &mut Ui, focus: Focus) {
        if !self.sides.texts {
            let open = || Command::ShowTexts(true);
            let rect = strip_ui(
                ui,
                Panel::left("texts strip"),
                ("›", "Show the texts"),
                || {
                    self.commands.push(open());
                },
            );
            self.areas.note(Area::Texts, Some(rect));
            return;
        }
        const AT_FIRST: f32 = 300.;
        let most = (0.4 * ui.available_width()).clamp(220., 520.);
        edges::push_side(ui, "texts", 1);
        let texts = Panel::left("texts")
            .default_size(AT_FIRST)
            .size_range(self.sides.list.range(220., most))
            .show(ui, |ui| {
                self.pasted_ui(ui);
                self.areas.enter(ui, Area::Texts);
                ui.add_space(SPACE);
                let seen = self.state.preferences.tour_seen;
                // Where it would lie over the texts the offer waits; Help has the tour all the same.
                let fits = ui.available_height() >= OFFER || self.tour.asks();
                if fits && tour::has_question(&self.tour, seen) {
                    foot_ui(ui, "tour", false, |ui| {
                        tour::question_ui(ui, &self.tour, &mut self.commands);
                    });
                }
                let mut list = TextList {
                    state: &self.state,
                    shown: &self.shown,
                    focus,
                    hovered: &mut self.hovered,
                    rows: &mut self.context.rows,
                    seen: &mut self.listed,
                    commands: &mut self.commands,
                };
                list.list_ui(ui);
                self.areas.note_list_end(ui.next_widget_position().y);
            });
        let rect = texts.response.rect;
        edges::name_side(ui, "texts", "Edge between texts and panels");
        self.sides.list.note(rect.width(), most, AT_FIRST);
        self.areas.note(Area::Texts, Some(rect));
    }

    /// The inspector on the right, or the strip in its place.
    pub(super) fn inspector_ui(&mut self, ui: &mut Ui, pointed: Focus) {
        if !self.sides.inspector {
            let open = || Command::ShowInspector(true);
            let rect = strip_ui(
                ui,
                Panel::right("inspector strip"),
                ("‹", "Show the inspector"),
                || self.commands.push(open()),
            );
            self.areas.note(Area::Inspector, Some(rect));
            return;
        }
        const AT_FIRST: f32 = 240.;
        let most = (ui.available_width() - NARROWEST).clamp(240., 480.);
        edges::push_side(ui, "inspector", -1);
        let inspector = Panel::right("inspector")
            .default_size(AT_FIRST)
            .size_range(self.sides.inspected.range(180., most))
            .show(ui, |ui| {
                // A panel is as wide as what is in it was: a few words would draw it in.
                ui.take_available_width();
                self.toasts_ui(ui);
                self.areas.enter(ui, Area::Inspector);
                ui.add_space(SPACE);
                self.inspect_ui(ui, pointed);
            });
        let rect = inspector.response.rect;
        edges::name_side(ui, "inspector", "Edge between panels and inspector");
        self.sides.inspected.note(rect.width(), most, AT_FIRST);
        self.areas.note(Area::Inspector, Some(rect));
    }

    /// What was told lately: below the inspector, or below the panels while that is put away.
    fn toasts_ui(&mut self, ui: &mut Ui) {
        let fade = self.state.preferences.animations;
        toasts_ui(ui, &mut self.notices, fade, &mut self.commands);
    }

    /// Before the panels are painted into `ui`.
    pub(super) fn below_panels_ui(&mut self, ui: &mut Ui) {
        if !self.sides.inspector {
            self.toasts_ui(ui);
        }
    }
}

/// A strip with one button, which opens what it stands for.
fn strip_ui(ui: &mut Ui, panel: Panel, (sign, name): (&str, &str), open: impl FnOnce()) -> Rect {
    let shown = panel
        .resizable(false)
        .exact_size(STRIP)
        .frame(egui::Frame::new().fill(ui.visuals().panel_fill))
        .show(ui, |ui| {
            ui.add_space(SPACE);
            ui.vertical_centered(|ui| {
                ui.spacing_mut().button_padding.x = 2.;
                // What is wider than the strip would push it out of the window.
                ui.spacing_mut().interact_size.x = 0.;
                let button = Button::new(sign).min_size(egui::vec2(16., 20.));
                let response = ui.add(button);
                response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
                if response.on_hover_text(name).clicked() {
                    open();
                }
            });
        });
    shown.response.rect
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the texts and the inspector are there, at each width.
    fn fitted(sides: &mut Sides, preferences: &Preferences, width: f32) -> [bool; 2] {
        sides.fit(preferences, width);
        [sides.texts, sides.inspector]
    }

    #[test]
    fn a_part_is_as_wide_as_a_person_made_it_once_there_is_room_again() {
        let mut part = Breadth::default();
        let mut width = 300.;
        // What a panel does: what it was, within the limits.
        let mut paint = |part: &mut Breadth, most: f32| {
            let range = part.range(220., most);
            width = range.clamp(width);
            part.note(width, most, 300.);
            width
        };
        assert_eq!(paint(&mut part, 520.), 300.);
        assert_eq!(paint(&mut part, 260.), 260.);
        assert_eq!(paint(&mut part, 260.), 260.);
        assert_eq!(paint(&mut part, 520.), 300.);
        // Dragged.
        part.note(410., 520., 300.);
        assert_eq!(part.wanted, Some(410.));
        let mut small = Breadth::default();
        small.note(230., 230., 300.);
        assert_eq!(
            small.range(220., 520.).min,
            300.,
            "opened in a small window"
        );
    }

    #[test]
    fn where_there_is_room_for_one_it_is_the_one_that_was_asked_for_last() {
        let (mut sides, mut preferences) = (Sides::default(), Preferences::default());
        assert_eq!(fitted(&mut sides, &preferences, 1440.), [true, true]);
        assert_eq!(fitted(&mut sides, &preferences, 720.), [true, false]);
        preferences.inspector = Some(true);
        sides.note(&Command::ShowInspector(true));
        assert_eq!(fitted(&mut sides, &preferences, 720.), [false, true]);
        assert_eq!(fitted(&mut sides, &preferences, 1440.), [true, true]);
        sides.note(&Command::ShowTexts(true));
        assert_eq!(fitted(&mut sides, &preferences, 720.), [true, false]);
        // What is closed makes room for the other.
        preferences.texts = false;
        assert_eq!(fitted(&mut sides, &preferences, 720.), [false, true]);
        preferences.inspector = Some(false);
        assert_eq!(fitted(&mut sides, &preferences, 1440.), [false, false]);
    }
}
