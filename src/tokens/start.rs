//! Long texts in little room.

/// The first letters of a text, with an ellipsis where it goes on.
pub fn start_of(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_says_so() {
        assert_eq!(start_of("über", 4), "über");
        assert_eq!(start_of("über", 3), "übe…");
        assert_eq!(start_of("a cat", 2), "a…");
        assert_eq!(start_of("", 0), "");
    }
}
