"""The texts of the fixtures. Written for this purpose; deterministic, so that a rerun makes the same files."""

from __future__ import annotations

# Distinct sentences, so that a long text made of them repeats no stretch a model could shortcut.
STORY = [
    "The lighthouse keeper woke before dawn and counted the gulls on the railing, as he had done every morning since the war.",
    "Below him the harbour was still dark, and only the bakery on Quay Street showed a thin yellow line under its door.",
    "He wound the clock, trimmed a lamp that nobody needed any more, and wrote the temperature (4.5 degrees) in a ledger bound with string.",
    "At 6:40 a fishing boat called the Marigold came round the point with its engine coughing and a torn blue flag at the stern.",
    "Its skipper, a woman of sixty named Ines Okafor, had sailed these waters longer than anyone and trusted no forecast but her own knees.",
    "She shouted something up at the tower, but the wind took the words and scattered them over the roofs like seed.",
    "Economists would later argue whether the closing of the cannery in 1987 had ruined the town or merely finished what refrigeration began.",
    "Children born afterwards knew the place only as a brick shell where pigeons nested and where, on Fridays, a man sold second-hand bicycles.",
    "Yet the census of that year recorded eleven more households than the one before, which puzzled the clerk who typed it.",
    "Biologists from the university arrived every spring to tag crabs; they measured salinity, argued about sampling error, and drank far too much coffee.",
    "One of them discovered that the females moved north by roughly two kilometres a decade, following water that had grown too warm for their larvae.",
    "Her paper, rejected twice and finally printed on page 212 of an obscure journal, is now cited more than any other work on the subject.",
    "Meanwhile the council debated a railway bridge, a swimming pool, parking fees, and whether dogs should be allowed on the eastern beach in October.",
    "Nobody mentioned the lighthouse, because nobody remembered that it still employed a person.",
    "In the evenings the keeper read detective novels, always guessing the murderer by chapter three and always hoping to be wrong.",
    "He kept a radio for company and understood about half of the Norwegian stations, which seemed to him the correct proportion.",
    "When the storm of the fourteenth struck, it broke forty windows, drowned a tractor, and lifted the chapel roof clean into Hallam's orchard.",
    "For three nights the electric beacon failed, and the old oil lamp, trimmed each morning out of nothing but habit, burned in its place.",
    "Seven vessels found the channel by it, the Marigold among them, her pumps choking and her skipper singing loudly to stay awake.",
    "Afterwards there was a ceremony with a brass band, a plaque spelled incorrectly, and a speech that praised modern engineering.",
    "The keeper listened politely, shook the minister's cold hand, and went home to write the temperature in his ledger.",
    "Whoever inherits that book will find thirty-one years of mornings in it, every one of them different by a degree or two.",
    "On the final page there is no number at all, only a pressed sprig of sea lavender and the word 'enough', underlined once.",
]

LONG = " ".join(STORY)

# name of the fixture, text
EIGHT = [
    ("unhappily", "The cat sat unhappily"),
    ("mat", "The cat sat on the mat"),
    ("bit", "The cat bit the dog"),
    ("empty", ""),
    ("punctuation", "?!\u2026 ,;: \u2014 (\u00ab\u00bb) ... ''"),
    ("cjk", "東京は日本の首都です。 The quick 北京"),
    ("emoji", "I \u2764\ufe0f na\u00efve caf\u00e9 \U0001f469\u200d\U0001f469\u200d\U0001f467 e\u0301"),
    ("long", LONG),
]

# text a, text b, the cosine that must come out under the model's own pooling
PAIRS = [
    ("The cat sat on the mat", "A feline rested on the rug", 0.5643),
    ("The cat sat on the mat", "Python is a programming language", 0.0309),
    ("The cat bit the dog", "The dog bit the cat", 0.9907),
]

PYTHON_CODE = '''def quicksort(items: list[int]) -> list[int]:
    """Sort by partition; not in place."""
    if len(items) <= 1:
        return items
    pivot, *rest = items
    return quicksort([x for x in rest if x < pivot]) + [pivot] + quicksort([x for x in rest if x >= pivot])
'''

FIFTY = [
    # short
    "cat",
    "a",
    ".",
    "42",
    "Hello, world!",
    "UPPER CASE SHOUTING",
    "unbelievably counterproductive antidisestablishmentarianism",
    # questions and statements that resemble one another
    "How do I reset my password?",
    "I forgot my login and need a new password.",
    "What is the capital of France?",
    "Paris is the capital and most populous city of France.",
    "Is the museum open on Sundays?",
    "The museum is not open on Sundays.",
    "The museum is open on Sundays.",
    "Who was the first woman to fly solo across the Atlantic?",
    "The bank raised interest rates by 25 basis points.",
    "We had a picnic on the bank of the river.",
    "The patient denies chest pain, fever or shortness of breath.",
    "Photosynthesis converts light energy into chemical energy stored in glucose.",
    # code, numbers, markup
    PYTHON_CODE,
    "SELECT name, COUNT(*) FROM orders WHERE total > 99.95 GROUP BY name HAVING COUNT(*) > 3;",
    "fn main() { println!(\"{}\", (1..=10).map(|x| x * x).sum::<u32>()); }",
    "{\"id\": 17, \"tags\": [\"a\", \"b\"], \"ok\": true, \"ratio\": -1.5e-3}",
    "<p class=\"lead\">Hello &amp; <b>welcome</b></p>",
    "https://example.org/search?q=embedding+models&page=2#results",
    "C:\\Users\\me\\Documents\\report_final_v2(1).docx",
    "3.14159265358979323846264338327950288419716939937510",
    "+44 20 7946 0958, ext. 12; 2024-02-29T23:59:60Z; 1,234,567.89 \u20ac",
    "E = mc^2, \u2211_{i=1}^{n} i = n(n+1)/2, \u2200x \u2208 \u211d: x\u00b2 \u2265 0",
    # other languages and scripts
    "Der schnelle braune Fuchs springt \u00fcber den faulen Hund; stra\u00dfe, \u00fcbergr\u00f6\u00dfe.",
    "\u00bfD\u00f3nde est\u00e1 la biblioteca m\u00e1s cercana, por favor?",
    "L'\u0153uvre \u00e9tait d\u00e9j\u00e0 achev\u00e9e lorsqu'il arriva \u00e0 No\u00ebl.",
    "Быстрая коричневая лиса прыгает через ленивую собаку.",
    "吾輩は猫である。名前はまだ無い。",
    "人工智能正在改变世界。",
    "한국어 문장을 임베딩하는 방법을 알려 주세요.",
    "مرحبا بالعالم، كيف حالك اليوم؟",
    "שלום עולם, מה שלומך?",
    "नमस्ते दुनिया, आप कैसे हैं?",
    "สวัสดีชาวโลก",
    "\u0130stanbul'da I\u015f\u0131k ve \u0131l\u0131k s\u00fct",
    # emoji and odd whitespace
    "\U0001f600\U0001f525\U0001f44d\U0001f3fd \u2764\ufe0f \U0001f1eb\U0001f1f7 \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "Great job \U0001f389\U0001f389!!! See you at 5 \u23f0",
    "   leading, trailing   and \t tab \n\n new\r\nlines   ",
    "non\u00a0breaking\u2003em\u3000ideographic\u200bzero\u00adsoft\ufeffbom",
    # long ones, each over 256 tokens
    LONG,
    " ".join(reversed(STORY)),
    " ".join(str(n * n) for n in range(1, 151)),
    PYTHON_CODE * 5,
    " ".join(f"Item {n}: {word} costs {n * 7 % 53}.{n % 10}0 and weighs {n * 13 % 97} grams." for n, word in enumerate(
        "copper basil saddle violin engine pepper lantern anchor marble ribbon kettle walnut compass velvet "
        "ginger hammer pillow cobalt feather button".split(), 1)),
]
assert len(FIFTY) == 50 and len(set(FIFTY)) == 50
