//! Undo and redo over a thousand random commands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedscope::analysis::token_weights::TokenWeights;
use embedscope::app::command::{Command, apply};
use embedscope::app::history::{History, Moment, Step};
use embedscope::app::layout::Layout;
use embedscope::app::state::{Beside, Focus, Side, State, TextId, ThemeChoice};
use embedscope::model::{ModelRef, Prompt};
use embedscope::trace::PoolingMode;

/// Numbers that are the same in every run (Steele et al. 2014, SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % most as u64) as usize
    }

    /// The name of a text: mostly one that is there, sometimes one that was or never was.
    fn text(&mut self, state: &State, gone: &[TextId]) -> TextId {
        match self.below(4) {
            0 if !gone.is_empty() => gone[self.below(gone.len())],
            _ if state.texts.is_empty() => TextId(999_999),
            _ => state.texts[self.below(state.texts.len())].id,
        }
    }

    fn side(&mut self) -> Side {
        [Side::A, Side::B][self.below(2)]
    }

    fn words(&mut self) -> String {
        let words = ["cat", "dog", "bites", "", "日本", "the"];
        let count = self.below(4);
        let words: Vec<&str> = (0..count).map(|_| words[self.below(6)]).collect();
        words.join(" ")
    }

    fn command(&mut self, state: &State, gone: &[TextId]) -> Command {
        let id = self.text(state, gone);
        match self.below(24) {
            0 => Command::AddText(self.words()),
            1..=4 => Command::EditText(id, self.words()),
            5 => Command::RemoveText(id),
            6 => Command::MoveText(id, self.below(8)),
            7 => Command::SetTexts((0..self.below(4)).map(|_| self.words()).collect()),
            8 => Command::Assign(self.side(), id),
            9 => Command::SwapSides,
            10 => Command::Against(Some(id).filter(|_| self.below(3) > 0)),
            11 => Command::AddAgainst(self.words()),
            12 if self.below(3) == 0 => Command::ShowDifference(self.below(2) == 0),
            12 if self.below(2) == 0 => {
                let ways = [None, Some(Beside::Texts), Some(Beside::Models)];
                Command::ShowBeside(ways[self.below(3)])
            }
            12 => Command::View(self.side()),
            13 => Command::Pair(id, self.text(state, gone)),
            14 => Command::Unpair(id),
            15 => Command::SetPooling([None, Some(PoolingMode::Max)][self.below(2)]),
            16 => Command::SetTruncateDim([None, Some(64), Some(0)][self.below(3)]),
            17 => Command::SetPrompt(
                [Prompt::Own, Prompt::Text("query: ".into())][self.below(2)].clone(),
            ),
            18 => Command::SelectLayer(self.below(6)),
            19 => Command::Lock(Focus::token(id, self.below(5))),
            20 => Command::SetTheme([ThemeChoice::Dark, ThemeChoice::Light][self.below(2)]),
            21 => Command::Select((0..self.below(3)).map(|_| self.text(state, gone)).collect()),
            22 => Command::SetTokenWeights(TokenWeights {
                own: [("cat".to_owned(), self.below(200) as u32)].into(),
                ..TokenWeights::default()
            }),
            _ => Command::SetReference([None, Some(ModelRef::minilm())][self.below(2)].clone()),
        }
    }
}

/// What undo answers for: the work, without how it is looked at and without preferences.
fn work(state: &State) -> State {
    state.clone().seen_as(&State::default())
}

#[test]
fn a_thousand_commands_are_taken_back_and_done_again_one_by_one() {
    for seed in 0..4 {
        let mut random = Random(seed);
        let (mut state, mut layout) = (State::default(), Layout::default());
        let mut history = History::default();
        let (mut gone, mut now) = (Vec::new(), 0.0);
        // The work before each step, oldest first; runs go on without a new one.
        let mut stages: Vec<State> = Vec::new();
        for _ in 0..1000 {
            let command = random.command(&state, &gone);
            if let Command::RemoveText(id) = command {
                gone.push(id);
            }
            // Sometimes a pause that ends a run.
            now += [0.1, 0.4, 5.0][random.below(3)];
            let (before, step, steps) = (Moment::of(&state), command.step(), history.steps());
            let earlier = work(&state);
            apply(&mut state, command);
            state.repair();
            history.record(before, &state, step, now);
            let later = work(&state);
            if step == Step::None {
                assert_eq!(earlier, later, "a way of looking changed the work");
            }
            if history.steps() > steps {
                stages.push(earlier);
            }
        }
        let last = work(&state);
        let mut redone = vec![last];
        let mut taken_back = 0;
        while history.can_undo() {
            assert!(history.undo(&mut state, &mut layout));
            taken_back += 1;
            redone.push(work(&state));
        }
        assert!(
            taken_back > 100 && taken_back <= History::MOST_STEPS,
            "{taken_back}"
        );
        if stages.len() == taken_back {
            let expected: Vec<State> = stages.iter().rev().cloned().collect();
            for (found, expected) in redone[1..].iter().zip(&expected) {
                assert_eq!(without_names(found), without_names(expected));
            }
        }
        // Forward again, through the very same states.
        for expected in redone.iter().rev().skip(1) {
            assert!(history.redo(&mut state, &mut layout));
            assert_eq!(without_names(&work(&state)), without_names(expected));
        }
        assert!(!history.can_redo() && !history.redo(&mut state, &mut layout));
    }
}

/// Names are never used twice, so that the next one stays ahead after a step back.
fn without_names(state: &State) -> serde_json::Value {
    let mut value = serde_json::to_value(state).unwrap();
    value.as_object_mut().unwrap().remove("next_id");
    value
}

#[test]
fn typing_is_one_step_until_a_pause_and_the_past_is_bounded() {
    let (mut state, mut layout) = (State::default(), Layout::default());
    let mut history = History::default();
    let id = state.texts[0].id;
    let edit = |state: &mut State, history: &mut History, text: String, now| {
        let (before, command) = (Moment::of(state), Command::EditText(id, text));
        let step = command.step();
        apply(state, command);
        history.record(before, state, step, now);
    };
    let first = state.texts[0].text.clone();
    for (i, now) in [0.0, 0.2, 0.4, 5.0].into_iter().enumerate() {
        edit(&mut state, &mut history, "x".repeat(i + 1), now);
    }
    assert_eq!(history.steps(), 2, "three keys, a pause, one key");
    history.undo(&mut state, &mut layout);
    assert_eq!(state.texts[0].text, "xxx");
    history.undo(&mut state, &mut layout);
    assert_eq!(state.texts[0].text, first);
    // A new change makes what was taken back unreachable.
    edit(&mut state, &mut history, "new".to_owned(), 100.0);
    assert!(!history.can_redo());
    for i in 0..2 * History::MOST_STEPS {
        edit(
            &mut state,
            &mut history,
            format!("{i}"),
            200.0 + 10.0 * i as f64,
        );
    }
    assert_eq!(history.steps(), History::MOST_STEPS);
}
