"""Make tests/fixtures/tokenizer/minilm.json: odd strings through all-MiniLM-L6-v2's tokenizer.json.

Offsets are BYTES into the UTF-8 text (Python's tokenizers counts characters; converted here).
The padding and truncation that the file carries (both at 128) are cleared, and the model's own
limit of 256 is set instead.
"""

from __future__ import annotations

import argparse
import os
from itertools import accumulate
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import fixture_io as fx
import texts

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "tokenizer" / "minilm.json"
LIMIT = 256

PLAIN = [
    "", " ", "\n", "a", "The cat sat unhappily", "the  cat   sat", "Hello, world!", "don't can't won't o'clock",
    "U.S.A. e.g. i.e. Dr. Smith", "well-known state-of-the-art", "snake_case camelCase PascalCase kebab-case",
    "ALL CAPS", "MiXeD cAsE", "a.b,c;d:e!f?g", "...", "!!!???", "()[]{}<>", "\"quoted\" 'single' `tick`",
    "@user #hashtag $5 50% a&b a*b a/b a\\b a|b a^b a~b", "+-=_", "\u2013\u2014\u2026\u2018\u2019\u201c\u201d\u00ab\u00bb\u2022",
]
NUMBERS = [
    "0", "42", "007", "3.14", "1,234,567.89", "-5", "1e-10", "0xDEADBEEF", "12:34:56", "2024-02-29", "1/2 \u00bd \u00bc",
    "\u0661\u0662\u0663", "\u096a\u0968", "\u2167 \u216b", "x\u00b2 + y\u00b3 = z\u2074", "\uff11\uff12\uff13 \uff21\uff22\uff23", "10\u00b0C 5\u2032 7\u2033", "\u20ac100 \u00a320 \u00a55 \u20bf1",
    "1234567890" * 11,
]
ADDRESSES = [
    "https://example.org/search?q=embedding+models&page=2#results", "http://localhost:8080/", "www.example.co.uk",
    "someone+tag@mail.example.com", "C:\\Users\\me\\file.txt", "/usr/local/bin/../lib", "192.168.0.1", "::1", "a@b",
    "<a href=\"x\">y</a>", "{\"k\": [1, 2, null]}", "fn main() { println!(\"hi\"); }", "x = y if z else w  # comment", "\\u0041\\n",
]
EMOJI = [
    "\U0001f600", "\u2764", "\u2764\ufe0f", "I \u2764\ufe0f you", "\U0001f44d\U0001f3fd", "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family", "\U0001f1eb\U0001f1f7\U0001f1ef\U0001f1f5", "1\ufe0f\u20e3 #\ufe0f\u20e3",
    "cat\U0001f600dog", "\U0001f600 \U0001f600", "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "\u2713 \u2717 \u2605 \u2602 \u266b", ":-) ;) <3 \u00af\\_(\u30c4)_/\u00af",
]
ACCENTS = [
    "na\u00efve caf\u00e9 r\u00e9sum\u00e9", "e\u0301", "cafe\u0301", "\u0301", "a \u0301 b", "a\u0300\u0301\u0302\u0303", "Z\u0351\u036b\u0343\u036a\u0302\u036ba\u0337\u0322lgo",
    "\u00c5ngstr\u00f6m A\u030angstro\u0308m \u212bngstrom", "\u00f1 n\u0303", "\u0130stanbul", "I \u0131 \u0130 i", "\u00df \u1e9e stra\u00dfe STRASSE", "\u00e6 \u0153 \u00f8 \u0142 \u0111 \u00fe \u00f0",
    "\ufb01nd \ufb02ow o\ufb03ce", "\u01c4 \u01c5 \u01c6", "\u1ea5 \u1ec7 \u1ee3 Vi\u1ec7t Nam", "\u0149 \u01f0", "\u03a3\u03a3\u03a3 \u03c2\u03c3", "\u1f88 \u1fb3", "\u00b5 \u03bc", "\u2126 \u03a9",
]
SCRIPTS = [
    "東京は日本の首都です。", "The quick 北京 fox", "北京", "北 京", "a北b", "人工智能正在改变世界。", "吾輩は猫である。", "カタカナ ひらがな", "ﾊﾝｶｸ", "が か\u3099",
    "\u3007 \u3400 \U00020000 \U0002a6d6 \uf900", "한국어 문장", "\u1112\u1161\u11ab", "мама мыла раму", "Ёлка й", "ελληνικά", "مرحبا بالعالم", "السَّلَامُ عَلَيْكُمْ", "שלום עולם", "שָׁלוֹם",
    "abc שלום 123 مرحبا", "\u202eabc\u202c", "नमस्ते दुनिया", "क्षि", "สวัสดีชาวโลก", "ਸਤਿ ਸ੍ਰੀ ਅਕਾਲ", "தமிழ்", "ქართული", "Հայերեն", "ᏣᎳᎩ", "ᚠᛇᚻ", "\U00010330\U00010331", "\U0001d4d0\U0001d4d1 \U0001d552\U0001d553",
    "\u2460\u2461", "ℌ ℍ ℝ",
]
SPACES = [
    "\t", "a\tb", "a\nb", "a\r\nb", "a\rb", "a\u00a0b", "a\u2003b", "a\u3000b", "a\u2028b\u2029c", "a\u0085b", "a\u200bb", "a\u200cb\u200dc", "a\u00adb",
    "\ufeffabc", "ab\ufeffc", "a\u2060b", "a\u1680b", "a\u180eb", "  lead", "trail  ", "\n\n\na\n\n\n", "a\x0bb\x0cc",
]
CONTROL = [
    "\x00", "a\x00b", "\x01\x02\x03", "a\x07b", "a\x1bb[31m", "a\x7fb", "a\x80b\x9fc", "\ufffd", "a\ufffdb", "\uffff", "\ufdd0", "\U0010ffff", "\ue000", "\U000f0000", "\u0600a", "\x1c\x1d\x1e\x1f", "\ufff9a\ufffa",
]
LITERALS = [
    "[MASK]", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[CLS] a [MASK] b[SEP]", "the [MASK] sat", "a[MASK]b", "[mask]", "[ MASK ]", "[[MASK]]", "[MASK", "##ing", "un##happy", "[unused5]",
    "[MASK]" * 3, "\u00e9[SEP]\u00e9",
]
LONG_WORDS = [
    "a" * 99, "a" * 100, "a" * 101, "x" + "supercalifragilistic" * 10, "\u00e9" * 100, "\u00e9" * 101, "e\u0301" * 100, "short " + "q" * 150 + " short", "北" * 120,
    "a-" * 60, "\U0001f600" * 101, "Donaudampfschifffahrtselektrizit\u00e4tenhauptbetriebswerkbauunterbeamtengesellschaft",
]
# Given as a recipe: the text is `repeat`, `times` times over.
REPEATED = [
    ("The quick brown fox jumps over the lazy dog. ", 1112),  # 10,008 words
    ("a ", 254), ("a ", 255), ("a ", 300), ("unhappily ", 64), ("unhappily ", 63), ("\u6771", 400), ("\U0001f600 ", 260), ("word\n", 10_000), ("[MASK]", 260), ("x", 100_000),
]


def fuzz(count: int = 30) -> list[str]:
    """Strings of random assigned and unassigned characters, the same ones every time."""
    rng = np.random.default_rng(20)
    ranges = [(0x20, 0x7F), (0x20, 0x7F), (0x00, 0x20), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x600), (0x900, 0xE00),
              (0x1E00, 0x2100), (0x2100, 0x2C00), (0x3000, 0x3100), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xF900, 0xFFFF),
              (0x1F300, 0x1FAFF)]
    out = []
    for _ in range(count):
        spans = rng.integers(0, len(ranges), rng.integers(3, 24))
        out.append("".join(chr(rng.integers(*ranges[s])) for s in spans))
    return out


def main() -> None:
    args = arguments()
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    tokenizer.no_padding()
    check_against_transformers(args.model, tokenizer)
    whole = [PLAIN, NUMBERS, ADDRESSES, EMOJI, ACCENTS, SCRIPTS, SPACES, CONTROL, LITERALS, LONG_WORDS]
    strings = list(dict.fromkeys([s for group in whole for s in group] + fuzz() + [texts.LONG]))
    rows = [case({"text": s}, s, tokenizer) for s in strings]
    rows += [case({"repeat": s, "times": n}, s * n, tokenizer) for s, n in REPEATED]
    fx.write_json_lines(FIXTURE, {"limit": LIMIT}, "cases", rows)
    print(f"{len(rows)} cases, {sum(r['dropped'] > 0 for r in rows)} cut, {FIXTURE.stat().st_size} bytes")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("EMBEDSCOPE_MINILM")
    parser.add_argument("--model", type=Path, default=default, required=default is None, help="the model's folder")
    args = parser.parse_args()
    args.model = Path(args.model)
    return args


def case(key: dict, text: str, tokenizer: Tokenizer) -> dict:
    """One row: the text (or its recipe) and what the tokenizer makes of it."""
    tokenizer.no_truncation()
    everything = len(tokenizer.encode(text).ids)
    tokenizer.enable_truncation(LIMIT)
    e = tokenizer.encode(text)
    assert len(e.ids) == min(everything, LIMIT)
    return key | {
        "ids": e.ids,
        "pieces": e.tokens,
        "offsets": byte_offsets(text, e.offsets),
        "special": [bool(m) for m in e.special_tokens_mask],
        "words": e.word_ids,
        "dropped": everything - len(e.ids),
    }


def byte_offsets(text: str, offsets: list[tuple[int, int]]) -> list[list[int]]:
    """Character offsets to offsets into the UTF-8 bytes."""
    at = [0, *accumulate(len(c.encode()) for c in text)]
    return [[at[start], at[end]] for start, end in offsets]


def check_against_transformers(folder: Path, tokenizer: Tokenizer) -> None:
    """What sentence-transformers would use makes the same ids: the tokenizer of transformers."""
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    tokenizer.enable_truncation(LIMIT)
    for text in [*texts.FIFTY, *ACCENTS, *SCRIPTS, *SPACES, *CONTROL, *LITERALS, *LONG_WORDS, *fuzz()]:
        ids = theirs(text, truncation=True, max_length=LIMIT)["input_ids"]
        assert ids == tokenizer.encode(text).ids, repr(text)


if __name__ == "__main__":
    main()
