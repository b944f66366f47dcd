//! Pieces of a vocabulary as a person can read them. For showing them; what is computed with and
//! what goes into files are the pieces as the vocabulary spells them.

use tokenizers::{ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// How a vocabulary spells words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    #[default]
    WordPiece,
    /// BPE over bytes, each written as a character of its own.
    ByteLevel,
    Bpe,
    /// BPE over characters; what the vocabulary lacks is spelled in bytes, `<0xE6>`.
    ByteFallback,
    Unigram,
    WordLevel,
}

impl Kind {
    pub(super) fn of(tokenizer: &Tokenizer) -> Self {
        match tokenizer.get_model() {
            ModelWrapper::WordPiece(_) => Self::WordPiece,
            ModelWrapper::Unigram(_) => Self::Unigram,
            ModelWrapper::WordLevel(_) => Self::WordLevel,
            ModelWrapper::BPE(_) if is_byte_level(tokenizer) => Self::ByteLevel,
            ModelWrapper::BPE(model) if model.byte_fallback => Self::ByteFallback,
            ModelWrapper::BPE(_) => Self::Bpe,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::WordPiece => "WordPiece",
            Self::ByteLevel => "byte-level BPE",
            Self::Bpe => "BPE",
            Self::ByteFallback => "BPE with byte fallback",
            Self::Unigram => "Unigram",
            Self::WordLevel => "whole words",
        }
    }

    /// A piece with its signs read: `Ġthe` and `▁the` as `␣the`, the three characters that stand for
    /// the bytes of `東` as `東`, bytes that are no whole character as `⟨E6⟩`.
    pub fn readable(self, piece: &str) -> String {
        match self {
            Self::ByteLevel => match bytes(piece) {
                Some(bytes) if !bytes.is_empty() => readable_bytes(&bytes),
                _ => piece_label(piece),
            },
            Self::WordPiece | Self::WordLevel => piece_label(piece),
            Self::Bpe | Self::ByteFallback | Self::Unigram => match fallback_byte(piece) {
                Some(byte) => byte_label(byte),
                None => piece_label(&piece.replace(SPACE_MARK, " ")),
            },
        }
    }
}

/// What SentencePiece writes for a space.
pub(super) const SPACE_MARK: char = '▁';

fn is_byte_level(tokenizer: &Tokenizer) -> bool {
    let pre = |p: &PreTokenizerWrapper| matches!(p, PreTokenizerWrapper::ByteLevel(_));
    let split = match tokenizer.get_pre_tokenizer() {
        Some(PreTokenizerWrapper::Sequence(all)) => all.as_ref().iter().any(pre),
        Some(one) => pre(one),
        None => false,
    };
    let norm = |n: &NormalizerWrapper| matches!(n, NormalizerWrapper::ByteLevel(_));
    split
        || match tokenizer.get_normalizer() {
            Some(NormalizerWrapper::Sequence(all)) => all.as_ref().iter().any(norm),
            Some(one) => norm(one),
            None => false,
        }
}

/// The bytes that a byte-level piece stands for; none where a character stands for no byte, as in
/// added tokens.
///
/// Printable Latin-1 characters stand for themselves; the other 68 bytes, in order, for U+0100 and on.
pub(super) fn bytes(piece: &str) -> Option<Vec<u8>> {
    piece.chars().map(byte_of).collect()
}

fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    match code {
        0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF => u8::try_from(code).ok(),
        0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        0x121..=0x142 => u8::try_from(code - 0x121 + 0x7F).ok(),
        0x143 => Some(0xAD),
        _ => None,
    }
}

/// The byte of a byte-fallback piece, `<0xE6>`.
pub(super) fn fallback_byte(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    let two = digits.len() == 2;
    two.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

fn byte_label(byte: u8) -> String {
    format!("⟨{byte:02X}⟩")
}

fn readable_bytes(bytes: &[u8]) -> String {
    let mut label = String::new();
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            label += &piece_label(chunk.valid());
        }
        chunk
            .invalid()
            .iter()
            .for_each(|&byte| label += &byte_label(byte));
    }
    label
}

/// Text as it can be seen: white space and control characters get a sign, nothing else changes.
pub fn piece_label(piece: &str) -> String {
    if piece.is_empty() {
        return "∅".to_owned();
    }
    let mut label = String::with_capacity(piece.len());
    for c in piece.chars() {
        match c {
            ' ' | '\u{3000}' => label.push('␣'),
            '\n' => label.push('⏎'),
            '\t' => label.push('⇥'),
            '\r' => label.push('↵'),
            c if is_invisible(c) => label.push_str(&format!("‹{:04X}›", u32::from(c))),
            c => label.push(c),
        }
    }
    label
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        let known = (0..0x200).filter_map(char::from_u32);
        let mut found: Vec<u8> = known.filter_map(byte_of).collect();
        found.sort_unstable();
        assert_eq!(found, (0..=255).collect::<Vec<u8>>());
        for (c, byte) in [
            ('Ġ', b' '),
            ('Ċ', b'\n'),
            ('ĉ', b'\t'),
            ('a', b'a'),
            ('æ', 0xE6),
        ] {
            assert_eq!(byte_of(c), Some(byte), "{c}");
        }
        assert_eq!(byte_of('東'), None);
    }

    #[test]
    fn pieces_are_shown_as_what_they_stand_for() {
        for (kind, piece, label) in [
            (Kind::WordPiece, "##ing", "##ing"),
            (Kind::WordPiece, "▁", "▁"),
            (Kind::ByteLevel, "Ġthe", "␣the"),
            (Kind::ByteLevel, "æĿ±", "東"),
            (Kind::ByteLevel, "Ġæ", "␣⟨E6⟩"),
            (Kind::ByteLevel, "Ŀ±x", "⟨9D⟩⟨B1⟩x"),
            (Kind::ByteLevel, "ĊĊ", "⏎⏎"),
            (Kind::ByteLevel, "<|東|>", "<|東|>"),
            (Kind::ByteLevel, "", "∅"),
            (Kind::Unigram, "▁the", "␣the"),
            (Kind::Unigram, "▁", "␣"),
            (Kind::ByteFallback, "<0xE6>", "⟨E6⟩"),
            (Kind::ByteFallback, "<0xE", "<0xE"),
            (Kind::ByteFallback, "▁▁cat", "␣␣cat"),
            (Kind::Bpe, "cat", "cat"),
        ] {
            assert_eq!(kind.readable(piece), label, "{kind:?} {piece:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_gets_a_sign() {
        for (piece, label) in [
            ("##ing", "##ing"),
            ("▁the", "▁the"),
            (" a", "␣a"),
            ("\n\t", "⏎⇥"),
            ("\u{200b}x\u{7}", "‹200B›x‹0007›"),
            ("\u{a0}", "‹00A0›"),
            ("", "∅"),
            ("שלום", "שלום"),
        ] {
            assert_eq!(piece_label(piece), label);
        }
    }
}
