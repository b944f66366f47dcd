"""Make tests/fixtures/tokenizer/KIND.json.gz: 1,000 odd strings through a tokenizer of every kind the families use.

Each is the tokenizer.json of a folder of fixtures/families, so make_families.py comes first; or, where there is none,
what transformers makes of the folder's vocab.json and merges.txt. Offsets are bytes into
the UTF-8 text. Special tokens are added; nothing is cut.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

import make_tokenizer as strings

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
COUNT = 1000

# kind of tokenizer -> the variant whose tokenizer.json is one
KINDS = {
    "byte_bpe": "roberta",
    "byte_bpe_files": "roberta_files",
    "byte_bpe_gpt2": "gpt2_files",
    "byte_bpe_nfc": "modernbert",
    "byte_bpe_split": "qwen3",
    "byte_bpe_digits": "llama",
    "byte_fallback": "gemma3_text",
    "byte_fallback_prefix": "mistral",
    "unigram": "xlm_roberta",
    "unigram_lower": "albert",
    "unigram_t5": "t5",
    "unigram_strip": "deberta_v2",
    "wordpiece": "mpnet",
}

SPECIALS = [
    "<s>", "</s>", "<pad>", "<unk>", "<mask>", "<s>cat</s>", "the <mask> sat", "cat<mask>dog", " <mask> ",
    "<bos>cat<eos>",
    "<|endoftext|>", "cat<|im_start|>dog<|im_end|>", "<|begin_of_text|> cat", "<|eot_id|>",
    "<extra_id_0> cat <extra_id_1>", "<0x41>",
    "\u2581", "\u2581cat\u2581 sat", "a  b   c    d", "``cat'' sat", "12345678 1 22 333", "I'm you'LL we'Ve",
    "cat\n\n  dog \n", "\u0120cat",
]


def texts() -> list[str]:
    s = strings
    whole = [SPECIALS, s.PLAIN, s.NUMBERS, s.ADDRESSES, s.EMOJI, s.ACCENTS, s.SCRIPTS, s.SPACES, s.CONTROL, s.LITERALS,
        s.LONG_WORDS]
    known = list(dict.fromkeys(t for group in whole for t in group))
    return list(dict.fromkeys(known + s.fuzz(COUNT)))[:COUNT]


def case(text: str, tokenizer: Tokenizer) -> dict:
    e = tokenizer.encode(text)
    return {"text": text, "ids": e.ids, "offsets": strings.byte_offsets(text, e.offsets)}


def write(path: Path, value: dict) -> None:
    """Packed without a time or a name, so that the same content is the same file."""
    body = json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(body.encode("ascii"), 9, mtime=0))


def main() -> None:
    everything = texts()
    assert len(everything) == COUNT
    for kind, variant in KINDS.items():
        where = f"families/{variant}/tokenizer.json"
        if (FIXTURES / where).is_file():
            tokenizer = Tokenizer.from_file(str(FIXTURES / where))
        else:
            where = f"families/{variant}"
            tokenizer = AutoTokenizer.from_pretrained(str(FIXTURES / where)).backend_tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()
        path = FIXTURES / "tokenizer" / f"{kind}.json.gz"
        write(path, {"tokenizer": where, "cases": [case(t, tokenizer) for t in everything]})
        print(f"{kind}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
