//! Numbers, days and months of a text, whatever way they are written.

use super::words::Word;

/// Number words by their value.
const NUMBER_WORDS: &[(&str, u64)] = &[
    ("zero", 0),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
];

/// Number words that multiply what stands before them.
const SCALES: &[(&str, u64)] = &[
    ("hundred", 100),
    ("thousand", 1000),
    ("million", 1_000_000),
    ("billion", 1_000_000_000),
];

/// `may` and `march` have other meanings, and are months beside a number alone.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

fn value_in(list: &[(&str, u64)], fold: &str) -> Option<u64> {
    list.iter()
        .find(|(name, _)| *name == fold)
        .map(|(_, value)| *value)
}

/// What one word may be part of.
pub fn is_number(word: &Word<'_>) -> bool {
    let fold = word.fold.as_str();
    fold.contains(|c: char| c.is_numeric())
        || value_in(NUMBER_WORDS, fold).is_some()
        || value_in(SCALES, fold).is_some()
        || DAYS.contains(&fold)
        || (MONTHS.contains(&fold) && fold != "may" && fold != "march")
}

/// A text, its numbers apart.
#[derive(Debug, Default, PartialEq)]
pub struct Quantities {
    /// In their order: numbers in digits, `month 5`, days of the week.
    pub values: Vec<String>,
    /// True where one of them is a month.
    pub dated: bool,
    /// The other words, folded; units that were written without a space too.
    pub rest: Vec<String>,
}

/// Reads `three` and `3`, `1,000` and `1000`, `2.50` and `2.5`, `8:00` and `8`, `2nd` and `2`, `5km`
/// and `5 km`, `2024-05-01` and `1 May 2024` as the same.
pub fn quantities(words: &[Word<'_>]) -> Quantities {
    let mut out = Quantities::default();
    let mut i = 0;
    while i < words.len() {
        let fold = words[i].fold.as_str();
        if let Some((value, used)) = spelled(&words[i..]) {
            out.values.push(value.to_string());
            i += used;
            continue;
        }
        let beside = |j: Option<usize>| {
            let word = j.and_then(|j| words.get(j));
            word.is_some_and(|word| word.fold.starts_with(|c: char| c.is_ascii_digit()))
        };
        let doubtful = fold == "may" || fold == "march";
        let month = MONTHS.iter().position(|month| *month == fold);
        let month = month.filter(|_| !doubtful || beside(i.checked_sub(1)) || beside(Some(i + 1)));
        match month {
            Some(month) => out.month(month as u64 + 1),
            None if DAYS.contains(&fold) => out.values.push(fold.to_owned()),
            None if fold.contains(|c: char| c.is_numeric()) => out.digits(fold),
            None => out.rest.push(fold.to_owned()),
        }
        i += 1;
    }
    out
}

impl Quantities {
    fn month(&mut self, month: u64) {
        self.values.push(format!("month {month}"));
        self.dated = true;
    }

    /// A word with digits in it.
    fn digits(&mut self, fold: &str) {
        if let Some([year, month, day]) = date(fold) {
            self.values.extend([day.to_string(), year.to_string()]);
            return self.month(month);
        }
        let end = fold
            .rfind(|c: char| c.is_ascii_digit())
            .map_or(0, |at| at + 1);
        let (number, unit) = fold.split_at(end);
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            // A name: v2, b12.
            return self.values.push(fold.to_owned());
        }
        self.values.push(even(number));
        if !unit.is_empty() && !["st", "nd", "rd", "th"].contains(&unit) {
            self.rest.push(unit.to_owned());
        }
    }
}

/// The number at the head of these words, and of how many of them it consists.
fn spelled(words: &[Word<'_>]) -> Option<(u64, usize)> {
    let (mut total, mut group, mut used) = (0_u64, 0_u64, 0);
    for word in words {
        let fold = word.fold.as_str();
        match (value_in(NUMBER_WORDS, fold), value_in(SCALES, fold)) {
            // `twenty-one` is one number, `two three` are two.
            (Some(value), _) => {
                let fits = group == 0 || group % 100 == 0 || (group % 10 == 0 && value < 10);
                if used > 0 && (!fits || value == 0) {
                    break;
                }
                group = group.saturating_add(value);
            }
            (_, Some(100)) => group = group.max(1).saturating_mul(100),
            (_, Some(scale)) => {
                total = total.saturating_add(group.max(1).saturating_mul(scale));
                group = 0;
            }
            _ => break,
        }
        used += 1;
    }
    (used > 0).then_some((total.saturating_add(group), used))
}

/// Year, month and day of an ISO date.
fn date(fold: &str) -> Option<[u64; 3]> {
    let parts: Vec<&str> = fold.split('-').collect();
    let [year, month, day] = parts[..] else {
        return None;
    };
    let sizes = year.len() == 4 && month.len() == 2 && day.len() == 2;
    let numbers = [year.parse().ok()?, month.parse().ok()?, day.parse().ok()?];
    (sizes && (1..=12).contains(&numbers[1])).then_some(numbers)
}

/// Without separators of thousands, and without zeros that say nothing.
fn even(number: &str) -> String {
    let groups: Vec<&str> = number.split(',').collect();
    let (first, rest) = (groups[0], &groups[1..]);
    let three = |group: &&str| {
        group
            .split('.')
            .next()
            .is_some_and(|whole| whole.len() == 3)
    };
    let number = match !rest.is_empty() && first.len() <= 3 && rest.iter().all(three) {
        true => groups.concat(),
        false => number.to_owned(),
    };
    let number = number.strip_suffix(":00").unwrap_or(&number);
    match number.split_once('.') {
        Some((whole, part)) if part.chars().all(|c| c.is_ascii_digit()) => {
            let part = part.trim_end_matches('0');
            if part.is_empty() {
                whole.to_owned()
            } else {
                format!("{whole}.{part}")
            }
        }
        _ => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn values(text: &str) -> Vec<String> {
        quantities(&words(text)).values
    }

    #[test]
    fn one_number_is_one_number_however_it_is_written() {
        for (a, b) in [
            ("three cats", "3 cats"),
            ("1,000 sheets", "1000 sheets"),
            ("2.50 euros", "2.5 euros"),
            ("at 8:00", "at 8"),
            ("the 2nd floor", "the 2 floor"),
            ("5km away", "5 km away"),
            ("twenty-one days", "21 days"),
            ("two hundred and", "200 and"),
            ("three million euros", "3000000 euros"),
        ] {
            assert_eq!(values(a), values(b), "{a} {b}");
            assert_eq!(
                quantities(&words(a)).rest.len(),
                quantities(&words(b)).rest.len()
            );
        }
        for (a, b) in [("v2", "v3"), ("8:15", "8:00"), ("2.5", "25"), ("10", "100")] {
            assert_ne!(values(a), values(b), "{a} {b}");
        }
        assert_eq!(values("two three"), ["2", "3"]);
        assert_eq!(values("they may march"), Vec::<String>::new());
        let mut dates = [
            values("1 May 2024"),
            values("2024-05-01"),
            values("May 1, 2024"),
        ];
        dates.iter_mut().for_each(|values| values.sort());
        assert!(dates.iter().all(|values| *values == dates[0]), "{dates:?}");
    }
}
