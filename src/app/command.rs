//! Everything that a person can ask for, behind menus, buttons, shortcuts and clicks alike.

use std::path::PathBuf;
use std::sync::Arc;

use super::export::Export;
use super::fine_tune::FineTune;
use super::history::{Run, Step};
use super::pairs::Temperature;
use super::state::{Beside, Focus, ScoreMethod, Side, State, TextId, ThemeChoice};
use super::tour::TourCommand;
use super::walk::WalkCommand;
use crate::analysis::token_weights::TokenWeights;
use crate::engine::CalibrationKey;
use crate::model::intervention::Interventions;
use crate::model::source::CachedModel;
use crate::model::{ModelRef, Prompt};
use crate::trace::PoolingMode;

/// One wish. Those that change [`State`] do so in [`apply`]; the rest reaches outside of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Takes the last change of the work back.
    Undo,
    Redo,
    AddText(String),
    EditText(TextId, String),
    RemoveText(TextId),
    /// Moves a text to another place in the list.
    MoveText(TextId, usize),
    SetTexts(Vec<String>),
    AddTexts(Vec<String>),
    /// Gives a text back what it was before lines were pasted into it, and puts the lines behind it.
    SplitText(TextId, String, Vec<String>),
    Assign(Side, TextId),
    SwapSides,
    /// Holds B against a third text, or against none.
    Against(Option<TextId>),
    /// Adds a text and holds B against it.
    AddAgainst(String),
    /// Shows one text in the panels of one text: alone, or through both models where two are side by
    /// side.
    View(Side),
    /// Shows A less B in the panels that have such a view, or one of the two again.
    ShowDifference(bool),
    /// Shows two columns in the panels of one text, or one again.
    ShowBeside(Option<Beside>),
    /// Marks two texts as a pair of the contrastive batch.
    Pair(TextId, TextId),
    /// Takes back the mark of the pair that this text is in.
    Unpair(TextId),
    /// Adds texts as marked pairs.
    AddPairs(Vec<(String, String)>),
    /// Replaces the list by marked pairs.
    SetPairs(Vec<(String, String)>),
    SetTemperature(Temperature),
    SetSymmetric(bool),
    SetFineTune(FineTune),
    /// More pairs to learn, or none.
    SetPairsFile(Option<PathBuf>),
    Lab(LabCommand),
    SetPooling(Option<PoolingMode>),
    /// Keeps so many dimensions of the sentence vector, or as many as the model keeps.
    SetTruncateDim(Option<usize>),
    SetPrompt(Prompt),
    /// Changes the person's own pooling.
    SetTokenWeights(TokenWeights),
    /// Takes texts together; none lets go.
    Select(Vec<TextId>),
    /// What is switched off or changed inside the encoder from now on.
    SetInterventions(Interventions),
    /// The same while a slider is dragged: one step as long as that goes on.
    DragInterventions(Interventions),
    SetTheme(ThemeChoice),
    /// How many MiB of traces are kept.
    SetBudget(usize),
    /// The size of everything, in percent.
    SetScale(u16),
    SetAnimations(bool),
    /// Whether the list of texts is beside the panels.
    ShowTexts(bool),
    ShowInspector(bool),
    ShowPreferences(bool),
    /// Opens or closes the list of everything that was told.
    ShowLog(bool),
    /// Opens or closes the list of where time and memory go.
    ShowPerformance(bool),
    /// Opens or closes the list of models on this machine.
    ShowModels(bool),
    /// Takes a model out of the hub's cache.
    RemoveModel(CachedModel),
    SelectLayer(usize),
    SelectHead(usize),
    /// Shows a tab of the Score panel.
    ScoreMethod(ScoreMethod),
    /// Holds a focus until it is released.
    Lock(Focus),
    Release,
    /// Puts a panel in front.
    ShowPanel(&'static str),
    ShowWorkspace(usize),
    /// Puts every panel side by side.
    ShowEveryPanel,
    ResetLayout,
    Walk(WalkCommand),
    Tour(TourCommand),
    ShowPalette,
    ShowShortcuts(bool),
    /// Takes the keyboard to the next part of the window, or to the one before.
    NextArea(bool),
    /// Brings the next tab of a group to the front, or the one before.
    NextTab(bool),
    OpenModel(ModelRef),
    /// Chooses the second model, or none.
    SetReference(Option<ModelRef>),
    /// Measures the model on unrelated texts.
    Calibrate(CalibrationKey),
    StopCalibrating,
    /// Calibrates on a person's own texts from now on, or again on the program's.
    UseBackground(Option<PathBuf>),
    CancelLoad,
    DismissError,
    AskModelFolder,
    AskTextFile,
    AskTraceFile,
    AskPictureFile,
    /// Asks where a panel is to be written.
    AskExport(Export),
    AskReportFile,
    AskPairsFile,
    AskBackgroundFile,
    AskTunedFolder,
    OpenTextFile(PathBuf),
    /// Into the session's file, or into one that is asked for.
    SaveSession,
    AskSessionFile,
    AskOpenSession,
    SaveSessionAs(PathBuf),
    /// Puts the work of a session file in place of this one, as one step.
    OpenSession(PathBuf),
    ForgetRecent,
    SaveTrace(PathBuf),
    SavePicture(PathBuf),
    Export(Export, PathBuf),
    SaveReport(PathBuf),
    CancelReport,
    Copy(String),
    Quit,
}

impl Command {
    /// What undo makes of it. Steps are changes of the work: texts and their roles, the model and its
    /// recipe, what is trained on. No steps are ways of looking (layer, head, tab, side,
    /// difference or columns, lock), which are
    /// clicked through by the dozen and would bury the edit that undo is wanted for; preferences
    /// (theme, memory), which hold for all work; panels; and what happens outside of the state.
    pub fn step(&self) -> Step {
        match self {
            Self::EditText(id, _) => Step::Run(Run::Text(*id)),
            Self::SetPrompt(Prompt::Text(_)) => Step::Run(Run::Prompt),
            Self::SetTemperature(_) => Step::Run(Run::Temperature),
            Self::SetTruncateDim(_) => Step::Run(Run::Truncation),
            Self::SetTokenWeights(_) => Step::Run(Run::TokenWeights),
            Self::DragInterventions(_) => Step::Run(Run::Intervention),
            Self::SetFineTune(_) => Step::Run(Run::FineTune),
            Self::AddText(_)
            | Self::RemoveText(_)
            | Self::MoveText(..)
            | Self::SetTexts(_)
            | Self::AddTexts(_)
            | Self::SplitText(..)
            | Self::Assign(..)
            | Self::SwapSides
            | Self::Against(_)
            | Self::AddAgainst(_)
            | Self::Pair(..)
            | Self::Unpair(_)
            | Self::AddPairs(_)
            | Self::SetPairs(_)
            | Self::SetSymmetric(_)
            | Self::SetPairsFile(_)
            | Self::SetPooling(_)
            | Self::SetInterventions(_)
            | Self::SetPrompt(_)
            | Self::OpenModel(_)
            | Self::SetReference(_)
            // The last card takes the tour's changes of the encoder back.
            | Self::Tour(
                TourCommand::Start | TourCommand::Next | TourCommand::End | TourCommand::Restore,
            ) => Step::One,
            _ => Step::None,
        }
    }
}

/// What a person does with fine-tuning.
#[derive(Clone, Debug, PartialEq)]
pub enum LabCommand {
    Start,
    Stop,
    /// Puts the tuned weights in use, or the original ones.
    UseTuned(bool),
    /// Writes the tuned model as a folder.
    Save(PathBuf),
}

/// Carries out a command on the state. Returns the command where more is to be done outside of it.
pub fn apply(state: &mut State, command: Command) -> Option<Command> {
    match command {
        Command::AddText(text) => {
            state.add(&text);
        }
        Command::EditText(id, text) => {
            if let Some(index) = state.index(id) {
                Arc::make_mut(&mut state.texts[index]).text = text;
            }
        }
        Command::RemoveText(id) => state.remove(id),
        Command::MoveText(id, to) => {
            if let Some(from) = state.index(id) {
                let text = state.texts.remove(from);
                let to = to.min(state.texts.len());
                state.texts.insert(to, text);
            }
        }
        Command::SetTexts(texts) => state.set_texts(texts.iter().map(String::as_str)),
        Command::AddTexts(texts) => {
            for text in texts {
                state.add(&text);
            }
        }
        Command::SplitText(id, before, lines) => state.split(id, before, lines),
        Command::Assign(side, id) => assign(state, side, id),
        Command::SwapSides => std::mem::swap(&mut state.a, &mut state.b),
        // The text may have been removed in the meantime.
        Command::Against(text) => state.against = text.filter(|&id| state.index(id).is_some()),
        Command::AddAgainst(text) => state.against = Some(state.add(&text)),
        Command::View(side) => {
            // Two models show one text each time: the chosen one.
            let models = |_: &Beside| state.columns() == Some(Beside::Models);
            let beside = state.beside.filter(models);
            (state.side, state.difference, state.beside) = (side, false, beside);
        }
        Command::ShowDifference(on) => {
            state.difference = on;
            state.beside = state.beside.filter(|_| !on);
        }
        Command::ShowBeside(beside) => {
            state.beside = beside;
            state.difference &= beside.is_none();
        }
        Command::Pair(a, b) => state.pair(a, b),
        Command::Unpair(id) => state.unpair(id),
        Command::AddPairs(pairs) => state.add_pairs(pairs),
        Command::SetPairs(pairs) => state.set_pairs(&pairs),
        Command::SetFineTune(settings) => state.fine_tune = settings,
        Command::SetPairsFile(file) => state.fine_tune.file = file,
        Command::SetTemperature(temperature) => state.temperature = temperature,
        Command::SetSymmetric(symmetric) => state.symmetric = symmetric,
        Command::SetPooling(pooling) => state.pooling = pooling,
        Command::SetTruncateDim(size) => state.truncate_dim = size.filter(|&size| size > 0),
        Command::SetPrompt(prompt) => state.prompt = prompt,
        Command::SetTokenWeights(weights) => state.token_weights = weights,
        Command::Select(texts) => state.select(&texts),
        Command::SetTheme(theme) => state.preferences.theme = theme,
        Command::SetBudget(mebibytes) => state.preferences.budget = mebibytes,
        Command::SetScale(percent) => state.preferences.set_scale(percent),
        Command::SetAnimations(on) => state.preferences.animations = on,
        Command::ShowTexts(on) => state.preferences.texts = on,
        Command::ShowInspector(on) => state.preferences.inspector = Some(on),
        Command::ForgetRecent => state.preferences.recent.clear(),
        Command::SetInterventions(all) | Command::DragInterventions(all) => {
            state.interventions = all;
        }
        Command::SelectLayer(layer) => state.layer = layer,
        Command::SelectHead(head) => state.head = head,
        Command::ScoreMethod(method) => state.score_method = method,
        Command::Lock(focus) => state.lock(focus),
        Command::Release => state.locked = Focus::default(),
        Command::OpenModel(reference) => {
            state.model = reference;
            return Some(Command::OpenModel(state.model.clone()));
        }
        Command::SetReference(reference) => {
            state.reference = reference;
            // Its tokens were those of the model before.
            if state.locked.reference {
                state.locked = Focus::default();
            }
            return Some(Command::SetReference(state.reference.clone()));
        }
        other => return Some(other),
    }
    None
}

/// Makes a text A or B; the other side takes what this side had where both would be the same.
fn assign(state: &mut State, side: Side, id: TextId) {
    if state.index(id).is_none() {
        return;
    }
    let before = state.id_of(side);
    let (mine, other) = match side {
        Side::A => (&mut state.a, &mut state.b),
        Side::B => (&mut state.b, &mut state.a),
    };
    *mine = Some(id);
    if *other == Some(id) {
        *other = before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assigning_the_other_sides_text_swaps_them() {
        let mut state = State::default();
        state.set_texts(["one", "two"]);
        let (one, two) = (state.texts[0].id, state.texts[1].id);
        assert_eq!(apply(&mut state, Command::Assign(Side::A, two)), None);
        assert_eq!((state.a, state.b), (Some(two), Some(one)));
    }

    #[test]
    fn moving_past_the_end_puts_a_text_last() {
        let mut state = State::default();
        state.set_texts(["one", "two", "three"]);
        let one = state.texts[0].id;
        apply(&mut state, Command::MoveText(one, 99));
        assert_eq!(state.index(one), Some(2));
        assert_eq!(state.a, Some(one), "A is the text, not its place");
    }
}
