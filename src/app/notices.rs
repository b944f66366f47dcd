//! What went wrong or was done: kept in a log, and shown for a while where it is not in the way.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Local, TimeZone};

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    /// Stays on screen like an error, though nothing failed.
    Warning,
    Error,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "Info",
            Self::Warning => "Warning",
            Self::Error => "Error",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Notice {
    pub number: u64,
    pub level: Level,
    pub text: Arc<str>,
    pub time: SystemTime,
    since: Instant,
    /// On screen until it is dismissed, read, or has been there long enough.
    shown: bool,
}

impl Notice {
    /// The moment at which it goes by itself; none for what waits until it is dismissed or read.
    fn end(&self) -> Option<Instant> {
        let letters = Duration::from_millis(50) * self.text.chars().count().min(400) as u32;
        (self.level == Level::Info).then(|| self.since + Notices::SHORTEST + letters)
    }

    /// From 1, fully there, to 0 as it goes.
    pub fn presence(&self, now: Instant) -> f32 {
        let left = self.end().map(|end| end.saturating_duration_since(now));
        left.map_or(1., |left| {
            (left.as_secs_f32() / Notices::FADE.as_secs_f32()).min(1.)
        })
    }

    /// As one line of a log: when, how loud, what.
    pub fn line(&self) -> String {
        let [date, time, zone] = here(self.time);
        format!("{date} {time} {zone} {}: {}", self.level.name(), self.text)
    }
}

/// The latest notices, newest last.
#[derive(Default)]
pub struct Notices {
    list: Vec<Notice>,
    made: u64,
    /// How many of them have not been looked at.
    pub unread: usize,
}

impl Notices {
    const MOST: usize = 500;
    /// An info without any text would stay so long.
    const SHORTEST: Duration = Duration::from_secs(4);
    const FADE: Duration = Duration::from_millis(180);

    pub fn info(&mut self, text: impl Into<Arc<str>>) {
        self.push(Level::Info, text.into(), true);
    }

    pub fn warning(&mut self, text: impl Into<Arc<str>>) {
        let text = text.into();
        log::warn!("{text}");
        self.push(Level::Warning, text, true);
    }

    pub fn error(&mut self, text: impl Into<Arc<str>>) {
        let text = text.into();
        log::error!("{text}");
        self.push(Level::Error, text, true);
    }

    /// An error that is on screen already: for the log alone.
    pub fn note_error(&mut self, text: impl Into<Arc<str>>) {
        self.push(Level::Error, text.into(), false);
    }

    fn push(&mut self, level: Level, text: Arc<str>, shown: bool) {
        if self.list.len() == Self::MOST {
            self.list.remove(0);
        }
        self.made += 1;
        self.list.push(Notice {
            number: self.made,
            level,
            text,
            time: SystemTime::now(),
            since: Instant::now(),
            shown,
        });
        self.unread += 1;
    }

    pub fn all(&self) -> &[Notice] {
        &self.list
    }

    /// What is on screen at `now`, newest last.
    pub fn toasts(&mut self, now: Instant) -> Vec<Notice> {
        for notice in &mut self.list {
            notice.shown &= notice.end().is_none_or(|end| now < end);
        }
        let shown = self.list.iter().filter(|notice| notice.shown);
        shown.cloned().collect()
    }

    /// How long until what is on screen changes by itself; `fade` where it fades as it goes.
    pub fn next_change(&self, now: Instant, fade: bool) -> Option<Duration> {
        let shown = self.list.iter().filter(|notice| notice.shown);
        let ends = shown.filter_map(Notice::end);
        let next = ends.min()?.saturating_duration_since(now);
        // First to the beginning of its fading, then frame by frame.
        Some(match (fade, next > Self::FADE) {
            (false, _) => next,
            (true, true) => next - Self::FADE,
            (true, false) => Duration::from_millis(16),
        })
    }

    pub fn dismiss(&mut self, number: u64) {
        for notice in self.list.iter_mut().filter(|n| n.number == number) {
            notice.shown = false;
            self.unread = self.unread.saturating_sub(1);
        }
    }

    /// Everything has been looked at: nothing needs to stay on screen for it.
    pub fn read(&mut self) {
        self.unread = 0;
        for notice in &mut self.list {
            notice.shown = false;
        }
    }

    pub fn clear(&mut self) {
        self.list.clear();
        self.unread = 0;
    }
}

/// Date, time of day and zone of where the program runs.
pub fn here(time: SystemTime) -> [String; 3] {
    stamp(&DateTime::<Local>::from(time))
}

fn stamp<Z: TimeZone>(time: &DateTime<Z>) -> [String; 3]
where
    Z::Offset: std::fmt::Display,
{
    ["%Y-%m-%d", "%H:%M:%S", "UTC%:z"].map(|format| time.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_info_goes_by_itself_and_an_error_stays_until_it_is_dismissed_or_read() {
        let mut notices = Notices::default();
        notices.info("saved");
        notices.error("lost");
        notices.warning("odd");
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(60));
        assert_eq!(notices.toasts(now).len(), 3);
        assert_eq!(notices.toasts(now)[0].presence(now), 1.);
        assert!(notices.next_change(now, true).unwrap() > Duration::from_secs(3));
        let end = notices.toasts(now)[0].end().unwrap();
        let nearly = end - Duration::from_millis(100);
        let waits = [true, false].map(|fade| notices.next_change(nearly, fade));
        let frame = Duration::from_millis(16);
        assert_eq!(waits, [Some(frame), Some(end - nearly)], "nothing moves");
        let left = notices.toasts(later);
        let texts: Vec<&str> = left.iter().map(|notice| &*notice.text).collect();
        assert_eq!(texts, ["lost", "odd"]);
        assert_eq!(notices.next_change(later, true), None);
        notices.dismiss(left[0].number);
        assert_eq!((notices.toasts(later).len(), notices.unread), (1, 2));
        notices.read();
        assert!(notices.toasts(later).is_empty());
        assert_eq!(
            (notices.all().len(), notices.unread),
            (3, 0),
            "the log keeps them"
        );
    }

    #[test]
    fn the_log_is_bounded_and_its_lines_say_when() {
        let mut notices = Notices::default();
        for i in 0..600 {
            notices.note_error(format!("{i}"));
        }
        assert_eq!(notices.all().len(), Notices::MOST);
        let zone = here(SystemTime::now())[2].clone();
        let line = notices.all()[0].line();
        assert!(line.ends_with(&format!(" {zone} Error: 100")), "{line}");
        assert!(notices.toasts(Instant::now()).is_empty());
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(951_827_696);
        let east = chrono::FixedOffset::east_opt(2 * 3600 + 1800).unwrap();
        let said = stamp(&DateTime::<chrono::Utc>::from(at).with_timezone(&east));
        assert_eq!(said, ["2000-02-29", "15:04:56", "UTC+02:30"]);
    }
}
