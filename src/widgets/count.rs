//! How many there are of something, as a person writes it.

/// 30522 as 30,522.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 piece`, `2 pieces`: of a `what` that takes an s.
pub fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{} {what}s", grouped(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural_and_thousands_are_set_apart() {
        let said = [0, 1, 2, 999, 1000, 1_234_567].map(|count| counted(count, "token"));
        assert_eq!(
            said,
            [
                "0 tokens",
                "1 token",
                "2 tokens",
                "999 tokens",
                "1,000 tokens",
                "1,234,567 tokens"
            ]
        );
    }
}
