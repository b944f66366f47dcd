//! The pipeline, always in sight: each stage a small live picture of itself. A click opens the stage.

mod layers;

use std::sync::Arc;

use egui::{
    Align2, Color32, EventFilter, FontId, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui,
    Vec2, vec2,
};

use crate::analysis::{pooling, residual};
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::walk::{Stage, Walk, WalkCommand};
use crate::engine::{Derived, Engine};
use crate::model::{HeadOptions, Model};
use crate::trace::Trace;
use crate::trace::site::{EmbedSite, PoolingMode, Site};
use crate::views::TextView;
use crate::widgets::colormap::Scale;
use crate::widgets::theme::{SPACE_SMALL, Theme};

/// Columns and rows of a stage's miniature.
const GRID: (usize, usize) = (16, 6);
const HEIGHT: f32 = 52.;

/// What the spine's pictures are made of.
#[derive(Default)]
pub struct Spine {
    pictures: Derived<Key, Pictures>,
    /// The stage of the last frame.
    before: Option<Stage>,
}

#[derive(Clone)]
struct Key {
    a: Arc<Trace>,
    b: Arc<Trace>,
    mode: PoolingMode,
    /// What the score is taken with.
    options: HeadOptions,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let same = |x: &Arc<Trace>, y: &Arc<Trace>| Arc::ptr_eq(x, y);
        let recipe = |key: &Self| (key.mode, key.options);
        same(&self.a, &other.a) && same(&self.b, &other.b) && recipe(self) == recipe(other)
    }
}

struct Pictures {
    /// The hash of the model that they are of.
    model: Arc<str>,
    /// Of A and B.
    tokens: [usize; 2],
    embedding: Vec<f32>,
    position: Vec<f32>,
    pooled: [Vec<f32>; 2],
    sentence: [Vec<f32>; 2],
    /// cos(A, B) at `embed.out` and behind each layer.
    cosines: Vec<f64>,
    /// None where the model's modules do not take the chosen pooling.
    cosine: Option<f64>,
}

/// One frame's surroundings.
pub struct SpineInput<'a> {
    pub state: &'a State,
    pub engine: &'a Engine,
    pub model: &'a Arc<Model>,
    pub a: Option<&'a TextView>,
    pub b: Option<&'a TextView>,
    pub walk: &'a Walk,
    /// Whether one of its stages has the keyboard.
    pub focused: bool,
    pub commands: &'a mut Vec<Command>,
}

impl Spine {
    pub fn spine_ui(&mut self, ui: &mut Ui, input: &mut SpineInput<'_>) {
        let theme = Theme::of(ui);
        let traces = input
            .a
            .and_then(|a| a.trace.clone())
            .zip(input.b.and_then(|b| b.trace.clone()));
        let mode = input.state.pooling.unwrap_or(input.model.head.pooling()[0]);
        let shown = traces.as_ref().and_then(|(a, b)| {
            let key = Key {
                a: a.clone(),
                b: b.clone(),
                mode,
                options: input
                    .model
                    .options_with(input.state.pooling, input.state.truncate_dim),
            };
            let (model, job) = (input.model.clone(), key.clone());
            self.pictures
                .get(input.engine, &key, move |_| pictures(&model, &job))
        });
        // Texts that are new have no trace yet: those before them stay, dimmed.
        let coming = |text: Option<&TextView>| text.is_some_and(|text| text.error.is_none());
        let mut before = || {
            let last = self.pictures.last()?;
            let waits = coming(input.a) && coming(input.b);
            (waits && last.value.model == input.model.hash).then_some(last)
        };
        let shown = match traces {
            Some(_) => shown,
            None => before(),
        };
        let fresh = |text: Option<&TextView>| text.is_some_and(|text| text.current);
        let current = fresh(input.a) && fresh(input.b) && shown.as_ref().is_some_and(|s| s.current);
        if !current {
            ui.multiply_opacity(theme.stale_alpha());
        }
        let pictures = shown.as_ref().map(|shown| &*shown.value);
        let layers = input.model.spec().layers();
        let stages = Stage::all(input.model);
        let current = input.walk.stage(input.state.layer, &stages);
        let moved = current != self.before;
        self.before = current;
        ui.spacing_mut().item_spacing.x = SPACE_SMALL;
        let mut row = Row {
            ui,
            theme,
            current,
            layer: input.state.layer,
            moved,
            focused: input.focused,
            commands: input.commands,
        };
        row.play_ui(input.walk.is_playing());

        row.tokens_ui(pictures.map(|p| p.tokens));
        row.grid_ui(
            "Embedding",
            Stage::Embedding,
            pictures.map(|p| &p.embedding[..]),
        );
        match input.model.position_scheme() {
            None => row.grid_ui(
                "Position",
                Stage::Position,
                pictures.map(|p| &p.position[..]),
            ),
            Some(scheme) => row.word_ui("Position", Stage::Position, scheme),
        }
        // There are none between a table and a mean alone.
        if layers > 0 {
            let cosines = pictures.map(|p| &p.cosines[..]);
            row.layers_ui(layers, input.state.layer, cosines);
        }
        row.vectors_ui("Pool", Stage::Pooling, pictures.map(|p| &p.pooled));
        if stages.contains(&Stage::Normalise) {
            row.vectors_ui("Normalise", Stage::Normalise, pictures.map(|p| &p.sentence));
        }
        row.score_ui(pictures.and_then(|p| p.cosine));
    }
}

/// Rows averaged into a small grid, for a picture of a [T, D] site.
fn miniature(trace: &Trace, site: Site) -> Vec<f32> {
    let (columns, rows) = GRID;
    let Some(values) = trace.values(site) else {
        return vec![0.; columns * rows];
    };
    let (tokens, size) = (values.size(0), values.size(1));
    let mut out = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        let token = values.row(&[row * tokens / rows]);
        for column in 0..columns {
            // The value with the largest magnitude stands for its neighbours.
            let part = &token[column * size / columns..((column + 1) * size / columns).max(1)];
            let largest = part
                .iter()
                .copied()
                .max_by(|x, y| x.abs().total_cmp(&y.abs()));
            out.push(largest.unwrap_or(0.));
        }
    }
    out
}

fn pictures(model: &Model, key: &Key) -> Pictures {
    let vector = |trace: &Trace, site| {
        trace
            .values(site)
            .map_or(Vec::new(), |v| v.flat().into_owned())
    };
    let taken = [&key.a, &key.b].map(|trace| model.head.pooled_tokens(&trace.tokens));
    let (a, b) = ((&*key.a, &taken[0][..]), (&*key.b, &taken[1][..]));
    let cosines = residual::layer_cosines(a, b, key.mode);
    Pictures {
        model: key.a.model.clone(),
        tokens: [&key.a, &key.b].map(|trace| trace.tokens.len()),
        embedding: miniature(&key.a, Site::Embed(EmbedSite::Out)),
        position: miniature(&key.a, Site::Embed(EmbedSite::Position)),
        pooled: [&key.a, &key.b].map(|trace| vector(trace, Site::Pooled(key.mode))),
        sentence: [&key.a, &key.b].map(|trace| vector(trace, Site::Sentence)),
        cosine: pooling::score(&model.head, &key.a, &key.b, key.options).ok(),
        cosines,
    }
}

/// Paints stages one behind the other.
struct Row<'a> {
    ui: &'a mut Ui,
    theme: Theme,
    /// The stage that is looked at.
    current: Option<Stage>,
    layer: usize,
    /// Whether it is another one than in the last frame.
    moved: bool,
    focused: bool,
    commands: &'a mut Vec<Command>,
}

impl Row<'_> {
    /// Plays the walk, or pauses it.
    fn play_ui(&mut self, playing: bool) {
        let (sign, name) = match playing {
            true => ("⏸", "Pause the walk"),
            false => ("▶", "Play the walk"),
        };
        let button = egui::Button::new(sign).min_size(vec2(28., HEIGHT));
        let response = self.ui.add(button);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
        let about = format!("{name} through the stages, with a sentence on each");
        if response.on_hover_text(about).clicked() {
            self.commands.push(Command::Walk(WalkCommand::Toggle));
        }
    }

    /// The frame that all stages share: a button with its title under a picture.
    fn frame_ui(&mut self, title: &str, width: f32, current: bool) -> (Response, Rect) {
        let (rect, response) = self
            .ui
            .allocate_exact_size(vec2(width, HEIGHT), Sense::click());
        let name = format!("Stage {title}");
        response
            .widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, current, &name));
        let fill = match response.hovered() || response.has_focus() {
            true => self.theme.well(),
            false => self.theme.faint(),
        };
        let painter = self.ui.painter();
        painter.rect_filled(rect, 3., fill);
        let color = match current {
            true => self.theme.strong(),
            false => self.theme.foreground(),
        };
        let font = FontId::proportional(11.);
        let at = rect.center_bottom() - vec2(0., 2.);
        painter.text(at, Align2::CENTER_BOTTOM, title, font, color);
        if current {
            let stroke = Stroke::new(1.5, self.theme.accent());
            painter.rect_stroke(rect, 3., stroke, StrokeKind::Inside);
            self.show(rect);
            // Who walks with the keyboard on the spine takes it along.
            if self.moved && self.focused {
                response.request_focus();
            }
        }
        // The arrow keys walk here; they do not look for the nearest button.
        let filter = EventFilter {
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        self.ui
            .memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let picture = Rect::from_min_max(
            rect.min + Vec2::splat(SPACE_SMALL),
            rect.max - vec2(SPACE_SMALL, 16.),
        );
        (response, picture)
    }

    /// Brings the stage that was gone to into sight, at once where nothing is to move by itself.
    fn show(&self, rect: Rect) {
        if !self.moved {
            return;
        }
        let animation = match self.ui.style().animation_time > 0. {
            true => egui::style::ScrollAnimation::default(),
            false => egui::style::ScrollAnimation::none(),
        };
        self.ui.scroll_to_rect_animation(rect, None, animation);
    }

    fn go(&mut self, stage: Stage) {
        self.commands.push(Command::Walk(WalkCommand::Go(stage)));
    }

    fn arrow_ui(&mut self) {
        self.ui.weak("›");
    }

    fn tokens_ui(&mut self, counts: Option<[usize; 2]>) {
        let (response, picture) = self.frame_ui("Tokens", 76., self.is(Stage::Tokens));
        for (row, (count, color)) in counts
            .into_iter()
            .flatten()
            .zip([self.theme.a(), self.theme.b()])
            .enumerate()
        {
            // A text at the limit fills the row; a short one shows its tokens one by one.
            let step = (picture.width() / count.max(12) as f32).max(1.);
            let top = picture.top() + row as f32 * (picture.height() / 2. + 1.);
            for token in 0..count.min(picture.width() as usize) {
                let min = Pos2::new(picture.left() + token as f32 * step, top);
                let size = vec2((step - 1.).max(1.), picture.height() / 2. - 2.);
                self.ui
                    .painter()
                    .rect_filled(Rect::from_min_size(min, size), 0., color);
            }
        }
        self.open(&response, Stage::Tokens);
        self.arrow_ui();
    }

    fn grid_ui(&mut self, title: &str, stage: Stage, values: Option<&[f32]>) {
        let (response, picture) = self.frame_ui(title, 76., self.is(stage));
        if let Some(values) = values {
            self.cells(picture, GRID, values);
        }
        self.open(&response, stage);
        self.arrow_ui();
    }

    /// A stage that adds nothing to the vectors: what it is instead.
    fn word_ui(&mut self, title: &str, stage: Stage, word: &str) {
        let (response, picture) = self.frame_ui(title, 76., self.is(stage));
        let font = FontId::proportional(12.);
        let (at, color) = (picture.center(), self.theme.secondary());
        let painter = self.ui.painter();
        painter.text(at, Align2::CENTER_CENTER, word, font, color);
        self.open(&response, stage);
        self.arrow_ui();
    }

    fn cells(&self, rect: Rect, (columns, rows): (usize, usize), values: &[f32]) {
        let scale = Scale::signed_of(values);
        let cell = vec2(rect.width() / columns as f32, rect.height() / rows as f32);
        let mut mesh = egui::Mesh::default();
        for (i, &value) in values.iter().enumerate() {
            let corner = vec2((i % columns) as f32 * cell.x, (i / columns) as f32 * cell.y);
            let color = scale.color(self.theme, value);
            mesh.add_colored_rect(Rect::from_min_size(rect.min + corner, cell), color);
        }
        self.ui.painter().add(mesh);
    }

    fn vectors_ui(&mut self, title: &str, stage: Stage, vectors: Option<&[Vec<f32>; 2]>) {
        let (response, picture) = self.frame_ui(title, 76., self.is(stage));
        for (row, vector) in vectors.into_iter().flatten().enumerate() {
            if vector.is_empty() {
                continue;
            }
            let columns = 24.min(vector.len());
            let part = |c: usize| {
                let part = &vector[c * vector.len() / columns..(c + 1) * vector.len() / columns];
                part.iter()
                    .copied()
                    .max_by(|x, y| x.abs().total_cmp(&y.abs()))
                    .unwrap_or(0.)
            };
            let values: Vec<f32> = (0..columns).map(part).collect();
            let height = picture.height() / 2. - 1.;
            let min = picture.min + vec2(0., row as f32 * (height + 2.));
            self.cells(
                Rect::from_min_size(min, vec2(picture.width(), height)),
                (columns, 1),
                &values,
            );
        }
        self.open(&response, stage);
        self.arrow_ui();
    }

    fn score_ui(&mut self, cosine: Option<f64>) {
        let (response, picture) = self.frame_ui("Score", 84., self.is(Stage::Score));
        let text = cosine.map_or("–".to_owned(), |cosine| format!("{cosine:.4}"));
        let chosen = self.is(Stage::Score);
        response.widget_info(|| egui::WidgetInfo {
            current_text_value: Some(text.clone()),
            ..egui::WidgetInfo::selected(egui::Role::Button, true, chosen, "Stage Score")
        });
        let font = FontId::monospace(16.);
        let color: Color32 = self.theme.strong();
        self.ui
            .painter()
            .text(picture.center(), Align2::CENTER_CENTER, text, font, color);
        self.open(&response, Stage::Score);
    }

    fn is(&self, stage: Stage) -> bool {
        self.current == Some(stage)
    }

    fn open(&mut self, response: &Response, stage: Stage) {
        if response.clicked() {
            self.go(stage);
        }
    }
}
