"""Tiny tokenizers of every kind the families use, made by hand: the real pipelines, small vocabularies.

No trainer of the tokenizers library takes part, since not all of them make the same file twice.
"""

from __future__ import annotations

import string
from collections import Counter

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

import make_tiny
from families.charsmap import CHARSMAP

WORDS = "the cat dog sat on mat bit query passage un happily The and cats dogs unhappily in is of to a".split()
PIECES = WORDS + ["ing", "ly", "ed", "er", "happ", "ily"]
LETTERS = [c for c in string.ascii_lowercase if c != "z"]  # no z and no 7, so that something is unknown
DIGITS = [c for c in string.digits if c != "7"]
MARKS = list(".,:;!?-'\"()")
OTHERS = ["T", "C", "A", "\u00e9", "\u6771"]

GPT_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,%d}| ?[^\s\p{L}\p{N}]+[\r\n]*"
             r"|\s*[\r\n]+|\s+(?!\S)|\s+")


# --------------------------------------------------------------------------- BPE


def merges_of(words: list[str], count: int) -> list[tuple[str, str]]:
    """Byte-pair merges by frequency, ties in alphabetical order. A frequent word is an early one of the list."""
    state = {tuple(w): len(words) - i for i, w in enumerate(words)}
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for symbols, n in state.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += n
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        state = {merged(symbols, best): n for symbols, n in state.items()}
    return merges


def merged(symbols: tuple, pair: tuple) -> tuple:
    out = []
    for s in symbols:
        if out and (out[-1], s) == pair:
            out[-1] += s
        else:
            out.append(s)
    return tuple(out)


def numbered(*groups) -> dict[str, int]:
    pieces = [p for group in groups for p in group]
    assert len(pieces) == len(set(pieces)), [p for p, n in Counter(pieces).items() if n > 1]
    return {p: i for i, p in enumerate(pieces)}


def byte_level(first: list[str], last: list[str], count: int = 35) -> Tokenizer:
    """BPE over bytes (GPT-2's alphabet), `first` specials before and `last` ones after the pieces."""
    merges = merges_of(["\u0120" + w for w in WORDS], count)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = numbered(first, alphabet, [a + b for a, b in merges], last)
    t = Tokenizer(models.BPE(vocab, merges))
    t.decoder = decoders.ByteLevel()
    return t


def template(t: Tokenizer, single: str) -> processors.TemplateProcessing:
    names = [s for s in single.split() if not s.startswith("$")]
    return processors.TemplateProcessing(single=single, pair=f"{single} $B:1", special_tokens=[
        (s, t.token_to_id(s)) for s in dict.fromkeys(names)])


def roberta() -> Tokenizer:
    t = byte_level(["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"])
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    t.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)])
    return t


def modernbert() -> Tokenizer:
    specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    t = byte_level([], [*specials, "  ", "   "])
    t.normalizer = normalizers.NFC()
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.post_processor = template(t, "[CLS] $A [SEP]")
    t.add_special_tokens([*specials[:4], AddedToken("[MASK]", lstrip=True)])
    t.add_tokens([AddedToken(s, normalized=True) for s in ("  ", "   ")])  # the real one has runs up to 24
    return t


def gpt_split(t: Tokenizer, digits: int) -> None:
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(GPT_SPLIT % digits), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def qwen() -> Tokenizer:
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    t = byte_level([], specials)
    t.normalizer = normalizers.NFC()
    gpt_split(t, 1)
    t.add_special_tokens(specials)
    t.post_processor = processors.Sequence([
        processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        template(t, "$A <|endoftext|>")])
    return t


def llama3() -> Tokenizer:
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    t = byte_level([], specials)
    gpt_split(t, 3)
    t.add_special_tokens(specials)
    t.post_processor = processors.Sequence([
        processors.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False),
        template(t, "<|begin_of_text|> $A")])
    return t


def byte_fallback(specials: list[str]) -> Tokenizer:
    """SentencePiece's BPE: characters, and bytes for the unknown ones."""
    merges = merges_of(["\u2581" + w for w in WORDS], 30)
    chars = ["\u2581", *LETTERS, *DIGITS, *MARKS, *OTHERS]
    vocab = numbered(specials, [f"<0x{b:02X}>" for b in range(256)], chars, [a + b for a, b in merges])
    t = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    return t


def mistral() -> Tokenizer:
    specials = ["<unk>", "<s>", "</s>"]
    t = byte_fallback(specials)
    t.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    t.add_special_tokens(specials)
    t.post_processor = template(t, "<s> $A </s>")
    return t


def gemma() -> Tokenizer:
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    t = byte_fallback(specials)
    t.normalizer = normalizers.Replace(" ", "\u2581")
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    t.add_special_tokens(specials)
    t.post_processor = template(t, "<bos> $A <eos>")
    return t


# --------------------------------------------------------------------------- Unigram


def unigram(first: list[str], last: list[str], unknown: str, letters: list[str] = LETTERS) -> Tokenizer:
    """Words and letters with made-up log probabilities, no two alike."""
    words = [("\u2581" + w) for w in PIECES] + ["ing", "ly", "ed", "er", "happ", "ily", "pp"]
    single = ["\u2581", *letters, *DIGITS, *MARKS, *OTHERS]
    scored = [(p, -3.0 - 0.07 * i) for i, p in enumerate(dict.fromkeys(words))]
    known = {p for p, _ in scored}
    scored += [(p, -7.0 - 0.03 * i) for i, p in enumerate(dict.fromkeys(single)) if p not in known]
    vocab = [(p, 0.0) for p in first] + scored + [(p, 0.0) for p in last]
    t = Tokenizer(models.Unigram(vocab, unk_id=first.index(unknown)))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("\u2581", "always")])
    t.decoder = decoders.Metaspace("\u2581", "always")
    return t


def charsmap(*more) -> normalizers.Normalizer:
    return normalizers.Sequence([normalizers.Precompiled(CHARSMAP), normalizers.Replace(Regex(" {2,}"), " "), *more])


def xlm_roberta() -> Tokenizer:
    t = unigram(["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"], "<unk>")
    t.normalizer = charsmap()
    t.post_processor = template(t, "<s> $A </s>")
    t.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)])
    return t


def camembert() -> Tokenizer:
    first = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>"]
    t = unigram(first, ["<mask>"], "<unk>")
    t.normalizer = charsmap()
    t.post_processor = template(t, "<s> $A </s>")
    t.add_special_tokens(["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED", "<s>", "<pad>", "</s>", "<unk>",
                          AddedToken("<mask>", lstrip=True)])
    return t


def albert() -> Tokenizer:
    t = unigram(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], [], "<unk>")
    t.normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
        normalizers.Lowercase(), normalizers.Precompiled(CHARSMAP), normalizers.Replace(Regex(" {2,}"), " ")])
    t.post_processor = template(t, "[CLS] $A [SEP]")
    t.add_special_tokens(["<pad>", "<unk>", "[CLS]", "[SEP]", AddedToken("[MASK]", lstrip=True)])
    return t


def t5() -> Tokenizer:
    t = unigram(["<pad>", "</s>", "<unk>"], ["<extra_id_1>", "<extra_id_0>"], "<unk>")
    t.normalizer = normalizers.Precompiled(CHARSMAP)
    t.post_processor = template(t, "$A </s>")
    t.add_special_tokens(["<pad>", "</s>", "<unk>", "<extra_id_0>", "<extra_id_1>"])
    return t


def deberta() -> Tokenizer:
    t = unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]"], ["[MASK]"], "[UNK]")
    t.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.Precompiled(CHARSMAP),
                                         normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "always")
    t.post_processor = template(t, "[CLS] $A [SEP]")
    t.add_special_tokens(["[PAD]", "[CLS]", "[SEP]", AddedToken("[UNK]", normalized=True), "[MASK]"])
    return t


# --------------------------------------------------------------------------- WordPiece


def wordpiece(specials: list[str], cls: str, sep: str, unknown: str) -> Tokenizer:
    """As BERT's: lower case, accents stripped."""
    pieces = [p for p in make_tiny.vocabulary(False) if p not in make_tiny.SPECIALS]
    vocab = numbered(specials, pieces)
    t = Tokenizer(models.WordPiece(vocab, unk_token=unknown))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.add_special_tokens(specials)
    t.post_processor = template(t, f"{cls} $A {sep}")
    return t


def bert() -> Tokenizer:
    return wordpiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "[CLS]", "[SEP]", "[UNK]")


def mpnet() -> Tokenizer:
    """The real file marks [UNK] as unknown, and keeps <unk> beside it as a special token."""
    t = wordpiece(["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"], "<s>", "</s>", "[UNK]")
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return t
