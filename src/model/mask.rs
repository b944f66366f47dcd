//! Which keys a query sees.

/// What a query sees. Places count from 0 in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    Full,
    /// From so many places before the query to so many after it.
    Window {
        before: usize,
        after: usize,
    },
}

impl Mask {
    /// Oneself and everything before.
    pub const CAUSAL: Self = Self::Window {
        before: usize::MAX,
        after: 0,
    };

    /// Whether nothing behind a query is seen.
    pub fn is_causal(self) -> bool {
        matches!(self, Self::Window { after: 0, .. })
    }

    /// At most so many of `keys` keys are seen by one query.
    pub fn span(self, keys: usize) -> usize {
        match self {
            Self::Full => keys,
            Self::Window { before, after } => {
                keys.min(before.saturating_add(after).saturating_add(1))
            }
        }
    }

    pub fn allows(self, query: usize, key: usize) -> bool {
        match self {
            Self::Full => true,
            Self::Window { before, after } => {
                key <= query.saturating_add(after) && query <= key.saturating_add(before)
            }
        }
    }
}
