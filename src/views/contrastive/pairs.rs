//! Which texts belong together: the list of pairs, and how to mark them.

use egui::text::LayoutJob;
use egui::{Button, Label, Role, Sense, TextFormat, TextStyle, Ui, WidgetInfo};

use super::derive::MOST;
use crate::app::command::Command;
use crate::app::pairs::Batch;
use crate::app::samples::CONTRASTIVE_PAIRS;
use crate::app::state::{Focus, TextId};
use crate::views::ViewContext;
use crate::views::compare::{color_of, short_name, shorten_to};
use crate::views::scroll::within_ui;
use crate::views::subject::{note_ui, section_ui};
use crate::widgets::{SPACE, SPACE_SMALL};

/// Many pairs scroll beyond this height, in points.
const HEIGHT: f32 = 180.;

/// Letters of each text at most, the width of one, and what else stands in a line, in points.
const LETTERS: usize = 40;
const LETTER: f32 = 7.5;
const NAMES: f32 = 100.;

/// What to do about a batch in which there is nothing to tell apart.
pub fn too_few_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, batch: &Batch) {
    let why = match batch.marked {
        true => {
            "One pair alone has nothing to be told apart from: mark a second one below, or take the \
             mark back to use neighbours of the list as pairs."
        }
        false => {
            "A contrastive loss tells pairs apart, so it needs two at least: add texts on the left \
             until there are four, each two neighbours meaning the same."
        }
    };
    ui.label(why);
    ui.add_space(SPACE_SMALL);
    if ui.button("Load the sample pairs").clicked() {
        let texts = CONTRASTIVE_PAIRS.texts.iter().map(|&text| text.to_owned());
        cx.send(Command::SetTexts(texts.collect()));
    }
}

pub fn pairs_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, batch: &Batch) {
    section_ui(ui, "Pairs", "");
    within_ui(ui, "pairs", HEIGHT, |ui| {
        for (index, &pair) in batch.pairs.iter().take(MOST).enumerate() {
            pair_ui(ui, cx, index, pair, batch.marked);
        }
    });
    buttons_ui(ui, cx, batch);
    for note in notes(cx, batch) {
        note_ui(ui, note);
    }
}

/// One pair with both texts; hovering one points at its anchor everywhere.
fn pair_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    index: usize,
    (a, b): (TextId, TextId),
    marked: bool,
) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE;
        if marked {
            let name = format!("Remove pair {}", index + 1);
            let button = ui.add(Button::new("×").small());
            button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            if button.on_hover_text(&name).clicked() {
                cx.send(Command::Unpair(a));
            }
        }
        let job = job(ui, cx, index, (a, b));
        let name = format!("Pair {}", job.text.replace("● ", ""));
        let label = Label::new(job)
            .sense(Sense::click())
            .selectable(false)
            .truncate();
        let response = ui.add(label);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        let hovered = response.hovered().then(|| Focus::text(a));
        let clicked = response.clicked().then(|| Focus::text(a));
        cx.point(hovered, clicked);
        let full = |id| cx.text(id).map_or("", |text| &*text.text);
        response.on_hover_text(format!("{}\n{}", full(a), full(b)));
    });
}

/// `1  ● A The cat …  –  ● B A feline …`
fn job(ui: &Ui, cx: &ViewContext<'_>, index: usize, (a, b): (TextId, TextId)) -> LayoutJob {
    let font = TextStyle::Body.resolve(ui.style());
    let format = |color| TextFormat {
        font_id: font.clone(),
        color,
        ..Default::default()
    };
    let quiet = format(cx.theme.secondary());
    let room = (ui.available_width() - NAMES) / (2. * LETTER);
    let letters = (room.max(0.) as usize).clamp(4, LETTERS);
    let mut job = LayoutJob::default();
    job.append(&format!("{}", index + 1), 0., quiet.clone());
    for (id, gap) in [(a, "  "), (b, "  –  ")] {
        job.append(gap, 0., quiet.clone());
        let Some(text) = cx.text(id) else { continue };
        let color = match cx.focus.text == Some(id) {
            true => cx.theme.strong(),
            false => cx.theme.foreground(),
        };
        job.append("● ", 0., format(color_of(cx, cx.theme, text)));
        job.append(&short_name(cx, text), 0., quiet.clone());
        job.append(
            &format!(" {}", shorten_to(&text.text, letters)),
            0.,
            format(color),
        );
    }
    job
}

fn buttons_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, batch: &Batch) {
    let sides = cx.state.a.zip(cx.state.b).filter(|(a, b)| a != b);
    let new = sides.filter(|&(a, b)| cx.state.partner(a) != Some(b));
    ui.horizontal_wrapped(|ui| {
        let pair = ui.add_enabled(new.is_some(), Button::new("Pair A with B"));
        let about = "Marks the two texts as a pair; each leaves the pair that it was in";
        if pair.on_hover_text(about).clicked()
            && let Some((a, b)) = new
        {
            cx.send(Command::Pair(a, b));
        }
        let about = "Marks the neighbours, so that single pairs can be removed and others added";
        if !batch.marked
            && !batch.pairs.is_empty()
            && ui.button("Keep these pairs").on_hover_text(about).clicked()
        {
            batch
                .pairs
                .iter()
                .for_each(|&(a, b)| cx.send(Command::Pair(a, b)));
        }
        let about = "Goes back to neighbours of the list as pairs";
        if batch.marked && ui.button("Remove all").on_hover_text(about).clicked() {
            batch
                .pairs
                .iter()
                .for_each(|&(a, _)| cx.send(Command::Unpair(a)));
        }
    });
}

/// How the pairs came about, and what is left out.
fn notes(cx: &ViewContext<'_>, batch: &Batch) -> Vec<String> {
    let mut notes = Vec::new();
    if !batch.marked {
        notes.push(
            "No pair is marked, so neighbours are pairs: texts 1 and 2, 3 and 4, and so on."
                .to_owned(),
        );
    }
    let name = |id: TextId| {
        cx.text(id)
            .map_or_else(String::new, |text| short_name(cx, text))
    };
    match batch.alone.as_slice() {
        [] => {}
        [one] => notes.push(format!(
            "Text {} has no partner and is left out.",
            name(*one)
        )),
        many => notes.push(format!(
            "{} texts have no partner and are left out.",
            many.len()
        )),
    }
    if batch.pairs.len() > MOST {
        let pairs = batch.pairs.len();
        notes.push(format!("The batch is the first {MOST} of {pairs} pairs."));
    }
    notes
}
