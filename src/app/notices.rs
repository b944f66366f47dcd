//! What went wrong or was done, kept until the person has read it.

use std::sync::Arc;

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    Error,
}

#[derive(Clone, Debug)]
pub struct Notice {
    pub level: Level,
    pub text: Arc<str>,
}

/// The latest notices, newest last.
#[derive(Default)]
pub struct Notices {
    list: Vec<Notice>,
    /// How many of them have not been looked at.
    pub unread: usize,
}

impl Notices {
    const MOST: usize = 200;

    pub fn info(&mut self, text: impl Into<Arc<str>>) {
        self.push(Level::Info, text.into());
    }

    pub fn error(&mut self, text: impl Into<Arc<str>>) {
        let text = text.into();
        log::error!("{text}");
        self.push(Level::Error, text);
    }

    fn push(&mut self, level: Level, text: Arc<str>) {
        if self.list.len() == Self::MOST {
            self.list.remove(0);
        }
        self.list.push(Notice { level, text });
        self.unread += 1;
    }

    pub fn latest(&self) -> Option<&Notice> {
        self.list.last()
    }

    pub fn all(&self) -> &[Notice] {
        &self.list
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
