//! A number that is another number.

/// Number words and their successors, in lower case.
const WORDS: [(&str, &str); 21] = [
    ("zero", "one"),
    ("one", "two"),
    ("two", "three"),
    ("three", "four"),
    ("four", "five"),
    ("five", "six"),
    ("six", "seven"),
    ("seven", "eight"),
    ("eight", "nine"),
    ("nine", "ten"),
    ("ten", "eleven"),
    ("eleven", "twelve"),
    ("twelve", "thirteen"),
    ("twenty", "thirty"),
    ("thirty", "forty"),
    ("forty", "fifty"),
    ("fifty", "sixty"),
    ("hundred", "thousand"),
    ("thousand", "million"),
    ("million", "billion"),
    ("billion", "million"),
];

/// Another number in the same form: one more (2020 → 2021), of a hundred what is left (10% → 90%),
/// the next number word. None for what begins with no ASCII digit and is no number word.
pub fn changed(word: &str, is_percent: bool) -> Option<String> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        let fold = word.to_lowercase();
        let (_, next) = WORDS.iter().find(|(number, _)| *number == fold)?;
        return Some(match word.chars().next()?.is_uppercase() {
            true => super::words::capital(next),
            false => (*next).to_owned(),
        });
    }
    let (number, rest) = word.split_at(digits);
    let whole: Option<u32> = number.parse().ok();
    if let Some(percent) = whole.filter(|&n| is_percent && n <= 100 && rest.is_empty()) {
        let other = if percent == 50 { 90 } else { 100 - percent };
        return Some(other.to_string());
    }
    let number = one_more(number);
    Some(match ordinal(rest) {
        true => format!("{number}{}", ending(&number)),
        false => format!("{number}{rest}"),
    })
}

/// Decimal digits of any length, counted one on; leading zeros stay.
fn one_more(digits: &str) -> String {
    let mut out: Vec<u8> = digits.bytes().collect();
    for digit in out.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return out.into_iter().map(char::from).collect();
        }
        *digit = b'0';
    }
    format!("1{}", "0".repeat(digits.len()))
}

fn ordinal(rest: &str) -> bool {
    matches!(rest, "st" | "nd" | "rd" | "th")
}

fn ending(number: &str) -> &'static str {
    let tens = number.len() > 1 && number.as_bytes()[number.len() - 2] == b'1';
    match number.bytes().last() {
        Some(b'1') if !tens => "st",
        Some(b'2') if !tens => "nd",
        Some(b'3') if !tens => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_form() {
        let cases = [
            ("3", "4"),
            ("2020", "2021"),
            ("99", "100"),
            ("007", "008"),
            ("3.5", "4.5"),
            ("1,000", "2,000"),
            ("12:30", "13:30"),
            ("2nd", "3rd"),
            ("10th", "11th"),
            ("20th", "21st"),
            ("10km", "11km"),
            ("Two", "Three"),
        ];
        for (old, new) in cases {
            assert_eq!(changed(old, false).as_deref(), Some(new), "{old}");
        }
        let long = "9".repeat(40);
        assert_eq!(changed(&long, false), Some(format!("1{}", "0".repeat(40))));
        for (old, new) in [("10", "90"), ("50", "90"), ("100", "0"), ("150", "151")] {
            assert_eq!(changed(old, true).as_deref(), Some(new), "{old}%");
        }
        for none in ["cat", "B2B", "", "٣"] {
            assert_eq!(changed(none, false), None, "{none}");
        }
    }
}
