//! The score itself, and what it would be under the other poolings.

use egui::{Button, RichText, Role, Ui, WidgetInfo};

use super::derive::Score;
use crate::analysis::pooling::{choice, modes, title};
use crate::app::command::Command;
use crate::trace::Trace;
use crate::views::ViewContext;
use crate::views::compare::{Pair, about, four, same_text};
use crate::views::subject::note_ui;
use crate::widgets::SPACE_SMALL;

/// The number, and what it is the cosine of.
pub fn headline_ui(ui: &mut Ui, cx: &ViewContext<'_>, pair: &Pair, score: &Score) {
    let head = &cx.model.head;
    let pooling = title(&modes(head, score.key.pooling));
    let own = modes(head, score.key.pooling) == head.pooling();
    ui.horizontal_wrapped(|ui| {
        let number = score.cos.map_or_else(|| "–".to_owned(), four);
        ui.label(
            RichText::new(number)
                .monospace()
                .size(30.)
                .color(cx.theme.strong()),
        );
        ui.vertical(|ui| {
            ui.add_space(SPACE_SMALL);
            ui.label("cosine of A and B");
            let recipe = match own {
                true => format!("{pooling} pooling, the model's own"),
                false => format!("{pooling} pooling, not the model's own"),
            };
            ui.label(RichText::new(recipe).small().color(cx.theme.secondary()));
        });
    });
    if pair.same() {
        ui.weak(same_text(cx));
    }
}

/// Says that the score is not that of the model as it is.
pub fn changed_ui(ui: &mut Ui, score: &Score) {
    let of = |name: &str, trace: &Trace| {
        let changes = &trace.interventions.changes;
        (!changes.is_empty()).then(|| format!("{name}: {}", changes.title()))
    };
    let (a, b) = (of("A", &score.key.a.0), of("B", &score.key.b.0));
    let both: Vec<String> = [a, b].into_iter().flatten().collect();
    if !both.is_empty() {
        let text = format!(
            "Of a changed run ({}). What it is held against on unrelated texts is the model as it is.",
            both.join("; ")
        );
        note_ui(ui, text);
    }
}

/// The score under every pooling, in one row that wraps; a click chooses one.
pub fn poolings_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, score: &Score) {
    let own = cx.model.head.pooling().to_vec();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE_SMALL;
        ui.label(
            RichText::new("by pooling")
                .small()
                .color(cx.theme.secondary()),
        );
        if own.len() != 1 {
            let chip = Chip {
                title: title(&own),
                cos: score.own,
                chosen: score.key.pooling.is_none(),
                own: true,
                about: "The model's own recipe: these vectors one behind the other".to_owned(),
            };
            if chip.chip_ui(ui, cx) {
                cx.send(Command::SetPooling(None));
            }
        }
        for (mode, cos) in &score.poolings {
            let chip = Chip {
                title: mode.title().to_owned(),
                cos: cos.as_ref().ok().copied(),
                chosen: modes(&cx.model.head, score.key.pooling) == [*mode],
                own: own == [*mode],
                about: match cos {
                    Ok(_) => about(*mode).to_owned(),
                    Err(problem) => problem.to_string(),
                },
            };
            if chip.chip_ui(ui, cx) {
                cx.send(Command::SetPooling(choice(&cx.model.head, *mode)));
            }
        }
    });
}

struct Chip {
    title: String,
    cos: Option<f64>,
    chosen: bool,
    own: bool,
    about: String,
}

impl Chip {
    /// True when it was clicked.
    fn chip_ui(&self, ui: &mut Ui, cx: &ViewContext<'_>) -> bool {
        let cos = self.cos.map_or_else(|| "–".to_owned(), four);
        let mut label = egui::text::LayoutJob::default();
        let small = egui::TextStyle::Small.resolve(ui.style());
        let figure = egui::FontId::monospace(small.size + 1.);
        let piece = |color| egui::TextFormat {
            font_id: small.clone(),
            color,
            ..Default::default()
        };
        label.append(&self.title, 0., piece(cx.theme.foreground()));
        let figure = egui::TextFormat {
            font_id: figure,
            color: cx.theme.strong(),
            ..Default::default()
        };
        label.append(&cos, SPACE_SMALL, figure);
        if self.own {
            let quiet = match self.chosen {
                // Grey can hardly be read on the ground of what is chosen.
                true => ui.visuals().selection.stroke.color,
                false => cx.theme.secondary(),
            };
            label.append("own", SPACE_SMALL, piece(quiet));
        }
        let button = Button::new(label).selected(self.chosen);
        let response = ui.add_enabled(self.cos.is_some(), button);
        let own = if self.own { ", the model's own" } else { "" };
        let name = format!("{} pooling {cos}{own}", self.title);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, self.chosen, &name));
        let about = egui::WidgetText::from(&self.about);
        let clicked = response.clicked();
        response
            .on_hover_text(about.clone())
            .on_disabled_hover_text(about);
        clicked
    }
}
