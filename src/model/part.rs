//! A text, or some of its tokens, on its way into the encoder.

use super::ModelError;
use crate::tokens::Tokens;

/// Some tokens of a text, each at its own position.
///
/// A token that no other may attend to, and that no pool takes, changes nothing for the others: its
/// column of every pattern is 0. So leaving its row out gives the others the very states that a mask
/// gives them, and saves its work.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub tokens: &'a Tokens,
    /// Indices into the text's tokens, ascending; none for all of them.
    kept: Option<&'a [usize]>,
}

impl<'a> Part<'a> {
    pub fn whole(tokens: &'a Tokens) -> Self {
        Self { tokens, kept: None }
    }

    /// The tokens at `kept`, which ascend.
    ///
    /// # Errors
    /// When an index lies outside the text or does not ascend.
    pub fn of(tokens: &'a Tokens, kept: &'a [usize]) -> Result<Self, ModelError> {
        let ascend = kept.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascend || kept.last().is_some_and(|&last| last >= tokens.len()) {
            return Err(ModelError::Input {
                what: "a part of a text".to_owned(),
                problem: format!("names tokens {kept:?} of {}", tokens.len()),
            });
        }
        Ok(Self {
            tokens,
            kept: Some(kept),
        })
    }

    /// K, how many tokens are kept.
    pub fn len(&self) -> usize {
        self.kept.map_or(self.tokens.len(), <[usize]>::len)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The places of the kept tokens in the whole text, [K].
    pub fn places(&self) -> impl Iterator<Item = usize> + 'a {
        let kept = self.kept;
        (0..self.len()).map(move |i| kept.map_or(i, |kept| kept[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Detail, Model, ModelRef, Prompt};
    use candle_core::Device;

    #[test]
    fn a_part_names_tokens_of_its_text_in_their_order() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = folder.join("tests/fixtures/tiny/plain");
        let options = crate::model::source::SourceOptions::from_env();
        let cancel = crate::cancel::Cancel::new();
        let reference = ModelRef::Folder(folder);
        let files = crate::model::source::resolve(&reference, &options, &|_| {}, &cancel).unwrap();
        let model = Model::load(&files, &Device::Cpu).unwrap();
        let trace = model.trace("the cat sat", &Prompt::None, Detail::Outline, &cancel);
        let tokens = trace.unwrap().tokens;
        let part = Part::of(&tokens, &[0, 2, 4]).unwrap();
        assert_eq!(part.places().collect::<Vec<_>>(), [0, 2, 4]);
        assert_eq!(Part::whole(&tokens).places().count(), tokens.len());
        assert!(Part::of(&tokens, &[]).unwrap().is_empty());
        for wrong in [&[1, 1][..], &[2, 1], &[0, tokens.len()]] {
            assert!(Part::of(&tokens, wrong).is_err(), "{wrong:?}");
        }
    }
}
