//! Which keys a query sees, in words.

use crate::model::spec::Mask;

/// What a mask lets through, in a few words.
pub fn mask_title(mask: Mask) -> String {
    match mask {
        Mask::Full => "every token sees every token".to_owned(),
        Mask::CAUSAL => "causal: a token sees itself and those before it".to_owned(),
        Mask::Window { .. } => format!(
            "{}: a token sees no key farther away",
            window(mask).unwrap_or_default()
        ),
    }
}

/// The same as a name: `no mask`, `causal`, `window of ±4`.
pub fn mask_name(mask: Mask) -> String {
    match mask {
        Mask::Full => "no mask".to_owned(),
        Mask::CAUSAL => "causal".to_owned(),
        Mask::Window { .. } => window(mask).unwrap_or_default(),
    }
}

/// Why a query does not see a key; none where it does.
pub fn why_hidden(mask: Mask, query: usize, key: usize) -> Option<String> {
    if mask.allows(query, key) {
        return None;
    }
    Some(match mask {
        Mask::Full => "hidden".to_owned(),
        Mask::Window { after: 0, .. } if key > query => {
            "hidden: causal, the key comes later".to_owned()
        }
        Mask::Window { .. } => format!("hidden: outside the {}", window(mask).unwrap_or_default()),
    })
}

fn window(mask: Mask) -> Option<String> {
    let Mask::Window { before, after } = mask else {
        return None;
    };
    Some(match (before, after) {
        (before, after) if before == after => format!("window of ±{before}"),
        (before, after) => format!("window of −{before} to +{after}").replace("+0", "0"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_say_what_they_hide() {
        let near = Mask::Window {
            before: 4,
            after: 4,
        };
        assert_eq!(mask_name(near), "window of ±4");
        assert_eq!(why_hidden(near, 3, 7), None);
        assert_eq!(
            why_hidden(near, 3, 8).unwrap(),
            "hidden: outside the window of ±4"
        );
        let late = why_hidden(Mask::CAUSAL, 3, 4).unwrap();
        assert_eq!(late, "hidden: causal, the key comes later");
        assert_eq!(why_hidden(Mask::CAUSAL, 4, 0), None);
        let mistral = Mask::Window {
            before: 2,
            after: 0,
        };
        assert_eq!(mask_name(mistral), "window of −2 to 0");
        assert_eq!(why_hidden(mistral, 3, 4).unwrap(), late);
        assert!(
            why_hidden(mistral, 9, 0)
                .unwrap()
                .contains("window of −2 to 0")
        );
    }
}
