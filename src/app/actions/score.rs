//! How well a few typed letters fit a title.

/// For a letter that is there at all.
const LETTER: i32 = 2;
/// For one that begins a word.
const START: i32 = 8;
/// For one right behind the one before.
const NEXT: i32 = 9;

/// Larger is better; none where the letters of `query` are not all in `title`, in their order. Spaces in
/// the query and case count for nothing. Beginnings of words and runs of letters count most, and of two
/// titles with the same letters the shorter one wins.
fn in_order(query: &str, title: &str) -> Option<i32> {
    let lower = |text: &str| -> Vec<char> { text.chars().flat_map(char::to_lowercase).collect() };
    let query: Vec<char> = lower(query)
        .into_iter()
        .filter(|c| !c.is_whitespace())
        .collect();
    let title = lower(title);
    // The best way to have the letters up to now, the last of them at each place of the title.
    let mut best: Vec<Option<i32>> = Vec::new();
    for (i, wanted) in query.iter().enumerate() {
        let mut before: Option<i32> = None;
        let row = (0..title.len()).map(|place| {
            let adjacent = place.checked_sub(1).and_then(|p| *best.get(p)?);
            let came = match i {
                0 => Some(0),
                _ => before.max(adjacent.map(|score| score + NEXT)),
            };
            before = before.max(adjacent);
            let start = place == 0 || !title[place - 1].is_alphanumeric();
            let own = LETTER + if start { START } else { 0 };
            came.filter(|_| title[place] == *wanted)
                .map(|score| score + own)
        });
        best = row.collect();
    }
    match query.is_empty() {
        true => Some(0),
        false => Some(best.into_iter().flatten().max()? * 8 - title.len() as i32),
    }
}

/// How well a title fits what is typed; `None` where it does not. Its words may come in another order.
pub fn score(query: &str, title: &str) -> Option<i32> {
    in_order(query, title).or_else(|| {
        let words = query.split_whitespace();
        let count = words.clone().count() as i32;
        let each: Option<i32> = words.map(|word| in_order(word, title)).sum();
        each.filter(|_| count > 1).map(|sum| sum / count)
    })
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn letters_must_be_there_in_their_order() {
        assert!(score("att", "Show Attention").is_some());
        assert!(score("nta", "Show Attention").is_none());
        assert!(score("zz", "Show Attention").is_none());
        assert!(score("thm lgt", "Light theme").is_some());
        assert!(score("theme zz", "Light theme").is_none());
        assert!(score("light theme", "Light theme") > score("theme light", "Light theme"));
        assert_eq!(score("", "anything"), Some(0));
        assert!(score("东", "Make “东京” A").is_some());
    }

    #[test]
    fn starts_of_words_runs_and_short_titles_come_first() {
        let better = |query, good, bad| {
            assert!(
                score(query, good) > score(query, bad),
                "{query}: {good}, not {bad}"
            );
        };
        better("ff", "Show Feed-forward", "Show off the staff");
        better("at", "Show Attention", "Theme, a light one, dark elsewhere");
        better("layer 1", "Go to layer 1", "Go to layer 11");
        better("l2h3", "L2 head 3", "L12 head 13");
        better("pool", "Show Pooling", "Open optional");
        better("swap", "Swap A and B", "Show workspace and panel");
    }
}
