//! What went wrong or was done: kept in a log, and shown for a while where it is not in the way.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

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
        let (date, time) = utc(self.time);
        format!("{date} {time} UTC {}: {}", self.level.name(), self.text)
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

/// Date and time of day in UTC: the program knows no time zones.
pub fn utc(time: SystemTime) -> (String, String) {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (days, of_day) = ((seconds / 86_400) as i64, seconds % 86_400);
    // Days since 0000-03-01, in eras of 400 years (Hinnant, chrono-compatible date algorithms).
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    (
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{hour:02}:{minute:02}:{second:02}"),
    )
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
        assert!(notices.all()[0].line().ends_with(" UTC Error: 100"));
        assert!(notices.toasts(Instant::now()).is_empty());
        for (seconds, date, time) in [
            (0, "1970-01-01", "00:00:00"),
            (951_827_696, "2000-02-29", "12:34:56"),
            (4_102_444_799, "2099-12-31", "23:59:59"),
        ] {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(utc(at), (date.to_owned(), time.to_owned()));
        }
    }
}
