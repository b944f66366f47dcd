//! The background set: texts that have nothing to do with each other, from which a model's scale of
//! cosines is measured.

const TEXTS: &str = include_str!("../../assets/background.txt");

/// Every text of the set, in its order.
pub fn texts() -> impl Iterator<Item = &'static str> {
    TEXTS.lines()
}

/// The set as it is kept in the program, for telling one version of it from the next.
pub fn bytes() -> &'static [u8] {
    TEXTS.as_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_texts_are_many_all_different_and_of_many_lengths() {
        let all: Vec<&str> = texts().collect();
        assert!(all.len() >= 1500, "{}", all.len());
        assert!(all.iter().all(|text| !text.trim().is_empty()));
        let folded: HashSet<String> = all.iter().map(|text| text.trim().to_lowercase()).collect();
        assert_eq!(folded.len(), all.len(), "some texts are there twice");
        let mut lengths: Vec<usize> = all
            .iter()
            .map(|text| text.split_whitespace().count())
            .collect();
        lengths.sort_unstable();
        let at = |share: f64| lengths[(share * (lengths.len() - 1) as f64) as usize];
        assert!(at(0.1) <= 6, "short ones: {}", at(0.1));
        assert!(at(0.98) >= 18, "long ones: {}", at(0.98));
    }
}
