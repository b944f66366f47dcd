//! What every panel gets to see and say.

use std::sync::Arc;

use crate::app::command::Command;
use crate::app::state::{Beside, Focus, Side, State, TextId};
use crate::engine::{CalibrationKey, Engine};
use crate::model::Model;
use crate::trace::Trace;
use crate::widgets::theme::Theme;

/// One text of the list with the newest trace of it that there is.
#[derive(Clone)]
pub struct TextView {
    pub id: TextId,
    /// Place in the list; also picks its colour.
    pub index: usize,
    pub text: Arc<str>,
    /// The last trace that was ready.
    pub trace: Option<Arc<Trace>>,
    /// False while `trace` belongs to an earlier text, prompt or model: paint it dimmed.
    pub current: bool,
    /// Why there is no trace of this text.
    pub error: Option<Arc<str>>,
    /// The last trace of it by the reference model.
    pub reference: Option<Arc<Trace>>,
    /// False while `reference` belongs to an earlier text or prompt.
    pub reference_current: bool,
    /// Why there is no trace of it by the reference model.
    pub reference_error: Option<Arc<str>>,
}

impl TextView {
    /// The text as the reference model sees it: its trace in the place of the first model's.
    pub fn of_reference(&self) -> Self {
        Self {
            trace: self.reference.clone(),
            current: self.reference_current,
            error: self.reference_error.clone(),
            reference: None,
            reference_current: false,
            reference_error: None,
            ..self.clone()
        }
    }
}

/// A panel's surroundings for one frame.
pub struct ViewContext<'a> {
    pub state: &'a State,
    pub engine: &'a Engine,
    pub model: &'a Arc<Model>,
    /// A second model that the same texts are seen through.
    pub reference: Option<&'a Arc<Model>>,
    /// In the order of the list.
    pub texts: &'a [TextView],
    /// Which of A and B a panel of one text shows.
    pub side: Side,
    /// What this column is one of two of.
    pub beside: Option<Beside>,
    /// What is hovered now, else what is locked; in places of this model's passes.
    pub focus: Focus,
    /// What is locked, in places of this model's passes.
    pub locked: Focus,
    /// True where `model` is the reference model, and `texts` are as it sees them.
    pub is_reference: bool,
    pub theme: Theme,
    pub(crate) hovered: &'a mut Focus,
    pub(crate) commands: &'a mut Vec<Command>,
}

impl<'a> ViewContext<'a> {
    /// What the model's scale would be measured with: its recipe, the prompt and the unrelated texts of
    /// now. None where the prompt is not the model's.
    pub fn calibration_key(&self) -> Option<CalibrationKey> {
        let state = self.state;
        let key = CalibrationKey::new(self.model, state.pooling, &state.prompt).ok()?;
        let key = key.cut_to(state.truncate_dim, self.model);
        Some(key.on(self.engine.background()))
    }

    /// One panel's surroundings. What the panel hovers and wishes is left in the last argument.
    pub fn new(
        state: &'a State,
        engine: &'a Engine,
        model: &'a Arc<Model>,
        texts: &'a [TextView],
        focus: Focus,
        theme: Theme,
        (hovered, commands): (&'a mut Focus, &'a mut Vec<Command>),
    ) -> Self {
        Self {
            state,
            engine,
            model,
            reference: None,
            texts,
            side: state.side,
            beside: None,
            focus,
            locked: state.locked,
            is_reference: false,
            theme,
            hovered,
            commands,
        }
    }

    /// With a second model.
    pub fn with_reference(self, reference: Option<&'a Arc<Model>>) -> Self {
        Self { reference, ..self }
    }

    pub fn text(&self, id: TextId) -> Option<&TextView> {
        self.texts.iter().find(|text| text.id == id)
    }

    pub fn side(&self, side: Side) -> Option<&TextView> {
        self.text(self.state.id_of(side)?)
    }

    pub fn a(&self) -> Option<&TextView> {
        self.side(Side::A)
    }

    pub fn b(&self) -> Option<&TextView> {
        self.side(Side::B)
    }

    /// The text that panels of one text show.
    pub fn viewed(&self) -> Option<&TextView> {
        self.side(self.side)
    }

    /// The chosen layer, within the model's; 0 also where it has none.
    pub fn layer(&self) -> usize {
        let last = self.model.spec().layers().saturating_sub(1);
        self.state.layer.min(last)
    }

    /// The chosen head, within the model's.
    pub fn head(&self) -> usize {
        self.state.head.min(self.model.spec().heads - 1)
    }

    /// The token of one text that is in focus, by itself or as the partner of a pair.
    pub fn token_of(&self, text: TextId) -> Option<usize> {
        let own = self.focus.token.filter(|_| self.focus.text == Some(text));
        let across = self.focus.across.filter(|(other, _)| *other == text);
        own.or(across.map(|(_, token)| token))
    }

    /// A focus of this panel as the whole window understands it.
    fn told(&self, focus: Focus) -> Focus {
        let whole = Focus {
            text: focus.text,
            ..Focus::default()
        };
        // A text is the same one to both models; what is in it is not.
        let reference = self.is_reference && focus != whole;
        Focus { reference, ..focus }
    }

    /// Previews a focus everywhere while the pointer rests here.
    pub fn hover(&mut self, focus: Focus) {
        *self.hovered = self.told(focus);
    }

    pub fn send(&mut self, command: Command) {
        self.commands.push(match command {
            Command::Lock(focus) => Command::Lock(self.told(focus)),
            other => other,
        });
    }

    /// Hovers or locks, as the pointer did.
    pub fn point(&mut self, hovered: Option<Focus>, clicked: Option<Focus>) {
        if let Some(focus) = hovered {
            self.hover(focus);
        }
        if let Some(focus) = clicked {
            let again = self.told(focus) == self.state.locked;
            self.send(if again {
                Command::Release
            } else {
                Command::Lock(focus)
            });
        }
    }
}
