//! Walking along the pipeline, stage by stage: where one is, and the walk that plays by itself.
//!
//! A walk is a way of looking. It changes the layer and the panel in front, and nothing that undo takes
//! back.

use super::layout::Layout;
use crate::model::Model;
use crate::views;

/// One stage of the pipeline; layers count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    Tokens,
    Embedding,
    Position,
    Attention(usize),
    FeedForward(usize),
    Pooling,
    Normalise,
    Score,
}

impl Stage {
    /// Every stage of this model, in the order in which a text goes through them.
    pub fn all(model: &Model) -> Vec<Self> {
        Self::of(model.spec().layers(), model.head.normalizes())
    }

    fn of(layers: usize, normalizes: bool) -> Vec<Self> {
        let inside = (0..layers).flat_map(|l| [Self::Attention(l), Self::FeedForward(l)]);
        let last = [Self::Pooling, Self::Normalise, Self::Score];
        [Self::Tokens, Self::Embedding, Self::Position]
            .into_iter()
            .chain(inside)
            .chain(
                last.into_iter()
                    .filter(|s| *s != Self::Normalise || normalizes),
            )
            .collect()
    }

    /// The panel that shows it.
    pub fn panel(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Embedding => "embedding",
            Self::Position => "position",
            Self::Attention(_) => "attention",
            Self::FeedForward(_) => "feed_forward",
            Self::Pooling | Self::Normalise => "pooling",
            Self::Score => "score",
        }
    }

    /// The stage that a panel shows at this layer; none where it shows no single stage.
    fn shown_by(panel: &str, layer: usize) -> Option<Self> {
        Some(match panel {
            "tokens" => Self::Tokens,
            "embedding" => Self::Embedding,
            "position" => Self::Position,
            "attention" => Self::Attention(layer),
            "feed_forward" => Self::FeedForward(layer),
            "pooling" => Self::Pooling,
            "score" => Self::Score,
            _ => return None,
        })
    }

    pub fn layer(self) -> Option<usize> {
        match self {
            Self::Attention(layer) | Self::FeedForward(layer) => Some(layer),
            _ => None,
        }
    }

    /// For a person, with the layer counted from 1.
    pub fn title(self) -> String {
        match self {
            Self::Tokens => "Tokens".to_owned(),
            Self::Embedding => "Embedding".to_owned(),
            Self::Position => "Position".to_owned(),
            Self::Attention(layer) => format!("Layer {}, attention", layer + 1),
            Self::FeedForward(layer) => format!("Layer {}, feed-forward", layer + 1),
            Self::Pooling => "Pooling".to_owned(),
            Self::Normalise => "Normalise".to_owned(),
            Self::Score => "Score".to_owned(),
        }
    }
}

/// A wish that has to do with the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkCommand {
    Go(Stage),
    Forward,
    Back,
    First,
    Last,
    /// Plays, or pauses what plays.
    Toggle,
    /// Ends it: nothing is told of the stage any more.
    Close,
}

/// Where one is.
#[derive(Default)]
pub struct Walk {
    /// The panel that was shown last.
    panel: Option<&'static str>,
    /// The stage that was gone to last; it tells stages apart that share a panel.
    last: Option<Stage>,
    /// The panels that were in front in the last frame.
    before: Vec<&'static str>,
    open: bool,
    /// When the next step is due, in seconds, while it plays.
    due: Option<f64>,
}

impl Walk {
    /// How long a stage stays while the walk plays, in seconds.
    pub const PACE: f64 = 2.5;

    /// Whether something is told of the stage.
    pub fn is_open(&self) -> bool {
        self.open
    }

    pub fn is_playing(&self) -> bool {
        self.due.is_some()
    }

    /// The panel that was shown last.
    pub fn panel(&self) -> Option<&'static str> {
        self.panel
    }

    /// Stops playing; what is told of the stage stays.
    pub fn pause(&mut self) {
        self.due = None;
    }

    /// Notes that a panel was brought to the front.
    pub fn note(&mut self, panel: &'static str) {
        self.panel = Some(panel);
    }

    /// A panel that was dragged elsewhere is where one is, whatever came to the front where it was.
    pub fn put(&mut self, panel: &'static str, layout: &Layout) {
        self.before = layout.front();
        self.panel = Some(panel);
    }

    /// Begins with the first panel of a workspace, which is what it is for.
    pub fn arrive(&mut self, layout: &Layout) {
        self.before = layout.front();
        self.panel = layout.first();
    }

    /// Goes on where a layout was left that is restored or opened; a walk that played rests.
    pub fn resume(&mut self, layout: &Layout) {
        self.arrive(layout);
        let at = layout.at.as_deref().and_then(views::find);
        let at = at.map(|panel| panel.id);
        self.panel = at.filter(|at| self.before.contains(at)).or(self.panel);
        (self.open, self.due) = (layout.walking, None);
    }

    /// Follows what a person brings to the front by its tab.
    pub fn follow(&mut self, layout: &Layout) {
        let front = layout.front();
        if front == self.before {
            return;
        }
        let fresh = || front.iter().filter(|panel| !self.before.contains(*panel));
        let staged = |panel: &&&'static str| Stage::shown_by(panel, 0).is_some();
        let noted = self.panel.filter(|panel| front.contains(panel));
        let lately = noted.filter(|panel| !self.before.contains(panel));
        self.panel = lately
            .or(fresh().find(staged).copied())
            .or(fresh().next().copied())
            .or(noted)
            .or(front.first().copied());
        self.before = front;
    }

    /// The stage that is looked at, where the panel that was shown last shows one.
    pub fn stage(&self, layer: usize, stages: &[Stage]) -> Option<Stage> {
        let layers = stages.iter().filter_map(|stage| stage.layer());
        let layer = layer.min(layers.max().unwrap_or(0));
        let shown = Stage::shown_by(self.panel?, layer)?;
        let twin = self.last == Some(Stage::Normalise) && shown == Stage::Pooling;
        let stage = if twin { Stage::Normalise } else { shown };
        Some(stage).filter(|stage| stages.contains(stage))
    }

    /// Where `command` leads from here; none where it leads nowhere.
    pub fn carry_out(
        &mut self,
        command: WalkCommand,
        layer: usize,
        stages: &[Stage],
        now: f64,
    ) -> Option<Stage> {
        let here = self.stage(layer, stages).or(self.last);
        let at = here.and_then(|stage| stages.iter().position(|s| *s == stage));
        let end = stages.len().saturating_sub(1);
        let place = match command {
            WalkCommand::Go(stage) => stages.iter().position(|s| *s == stage)?,
            WalkCommand::Forward => at.map_or(0, |at| (at + 1).min(end)),
            WalkCommand::Back => at.map_or(0, |at| at.saturating_sub(1)),
            WalkCommand::First => 0,
            WalkCommand::Last => end,
            WalkCommand::Toggle if self.is_playing() => {
                self.pause();
                return None;
            }
            // From the end it begins anew.
            WalkCommand::Toggle => at.filter(|&at| at < end).unwrap_or(0),
            WalkCommand::Close => {
                (self.open, self.due) = (false, None);
                return None;
            }
        };
        // A click on a stage shows that stage, and tells nothing unless a walk is under way.
        self.open |= !matches!(command, WalkCommand::Go(_));
        self.due = (command == WalkCommand::Toggle).then_some(now + Self::PACE);
        let stage = *stages.get(place)?;
        self.last = Some(stage);
        Some(stage)
    }

    /// While it plays: the next stage, where it is due by `now`. Stops at the end.
    pub fn play(&mut self, layer: usize, stages: &[Stage], now: f64) -> Option<Stage> {
        if now < self.due? {
            return None;
        }
        let next = self.carry_out(WalkCommand::Forward, layer, stages, now)?;
        self.due = (stages.last() != Some(&next)).then_some(now + Self::PACE);
        Some(next)
    }

    /// Seconds until the next step, while it plays.
    pub fn wait(&self, now: f64) -> Option<f64> {
        self.due.map(|due| (due - now).max(0.))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks as the window does.
    fn go(walk: &mut Walk, layer: &mut usize, command: WalkCommand, stages: &[Stage]) {
        if let Some(stage) = walk.carry_out(command, *layer, stages, 0.) {
            walk.note(stage.panel());
            *layer = stage.layer().unwrap_or(*layer);
        }
    }

    #[test]
    fn a_walk_visits_each_stage_there_and_back() {
        let stages = Stage::of(3, true);
        assert_eq!(stages.len(), 3 + 6 + 3);
        let (mut walk, mut layer) = (Walk::default(), 2);
        go(&mut walk, &mut layer, WalkCommand::First, &stages);
        for stage in &stages[1..] {
            go(&mut walk, &mut layer, WalkCommand::Forward, &stages);
            assert_eq!(walk.stage(layer, &stages), Some(*stage));
        }
        go(&mut walk, &mut layer, WalkCommand::Forward, &stages);
        assert_eq!(
            walk.stage(layer, &stages),
            Some(Stage::Score),
            "it ends there"
        );
        for stage in stages[..stages.len() - 1].iter().rev() {
            go(&mut walk, &mut layer, WalkCommand::Back, &stages);
            assert_eq!(walk.stage(layer, &stages), Some(*stage));
        }
    }

    #[test]
    fn what_is_not_there_is_no_stage() {
        assert_eq!(Stage::of(0, false).len(), 5);
        let stages = Stage::of(2, false);
        let mut walk = Walk::default();
        assert_eq!(walk.stage(0, &stages), None);
        walk.note("diagnosis");
        assert_eq!(walk.stage(0, &stages), None, "it shows no single stage");
        walk.note("attention");
        assert_eq!(walk.stage(9, &stages), Some(Stage::Attention(1)));
        let wish = WalkCommand::Go(Stage::Normalise);
        assert_eq!(walk.carry_out(wish, 0, &stages, 0.), None);
    }

    #[test]
    fn it_plays_at_its_pace_and_stops_at_the_end() {
        let stages = Stage::of(1, true);
        let mut walk = Walk::default();
        let begun = walk.carry_out(WalkCommand::Toggle, 0, &stages, 10.);
        assert_eq!((begun, walk.is_playing()), (Some(Stage::Tokens), true));
        walk.note("tokens");
        assert_eq!(walk.play(0, &stages, 10. + Walk::PACE - 0.1), None);
        let (mut now, mut seen) = (10., vec![Stage::Tokens]);
        while walk.is_playing() {
            now += Walk::PACE;
            let stage = walk.play(0, &stages, now).unwrap();
            walk.note(stage.panel());
            seen.push(stage);
        }
        assert_eq!(seen, stages);
    }

    #[test]
    fn a_tab_that_is_brought_to_the_front_is_where_one_is() {
        let mut layout = Layout::workspace(0);
        let stages = Stage::of(2, true);
        let mut walk = Walk::default();
        walk.follow(&layout);
        assert_eq!(
            walk.stage(0, &stages),
            Some(Stage::Tokens),
            "the first in front"
        );
        layout.show("position");
        walk.follow(&layout);
        assert_eq!(walk.stage(0, &stages), Some(Stage::Position));
        layout.show("pooling");
        walk.follow(&layout);
        assert_eq!(walk.stage(0, &stages), Some(Stage::Pooling));
    }

    #[test]
    fn what_was_looked_at_is_so_again_where_a_layout_comes_back() {
        let stages = Stage::of(3, true);
        let mut layout = Layout::workspace(0);
        layout.show("pooling");
        for (at, stage) in [
            (Some("pooling"), Stage::Pooling),
            (Some("tokens"), Stage::Tokens),
            // Not in sight, not there any more, and never known.
            (Some("score"), Stage::Tokens),
            (Some("gone"), Stage::Tokens),
            (None, Stage::Tokens),
        ] {
            layout.at = at.map(str::to_owned);
            layout.walking = at.is_some();
            let mut walk = Walk::default();
            walk.resume(&layout);
            walk.follow(&layout);
            assert_eq!(walk.stage(1, &stages), Some(stage), "{at:?}");
            assert_eq!((walk.is_open(), walk.is_playing()), (at.is_some(), false));
        }
    }
}
