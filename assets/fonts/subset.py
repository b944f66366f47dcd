#!/usr/bin/env python3
"""Makes the bundled fonts from the full ones. How to run it: README.md."""

import os
import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph

HERE = pathlib.Path(__file__).parent
DEBIAN = pathlib.Path("/usr/share/fonts")
NOTO = DEBIAN / "truetype/noto"


def span(*ranges):
    return {c for first, last in ranges for c in range(first, last + 1)}


def decoded(codec, first, last):
    """Every character of a double-byte legacy set, rows `first` to `last`."""
    found = set()
    for high in range(first, last + 1):
        for low in range(0x40, 0xFF):
            try:
                text = bytes([high, low]).decode(codec)
            except UnicodeDecodeError:
                continue
            found.update(map(ord, text))
    return {c for c in found if c > 0x7F}


LATIN = span(
    (0x20, 0x7E), (0xA0, 0x24F), (0x2B0, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F),
    (0x1E00, 0x1EFF), (0x2010, 0x2027), (0x2030, 0x205E), (0x2070, 0x209F), (0x20A0, 0x20BF),
    (0x2100, 0x214F), (0x2190, 0x21FF), (0x2200, 0x22FF),
)
TITLES = span((0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x2010, 0x2027), (0x2190, 0x2193), (0x2200, 0x2265))
# What the words of common vocabularies are written with, beyond Latin, Greek and Cyrillic.
SCRIPTS = span(
    (0x250, 0x2AF), (0x300, 0x36F), (0x530, 0x58F), (0x590, 0x5FF), (0x10A0, 0x10FF),
    (0x1D00, 0x1DBF), (0xFB00, 0xFB06), (0xFB1D, 0xFB4F), (0x1E00, 0x1EFF), (0x1F00, 0x1FFF),
    (0x2C60, 0x2C7F), (0xA720, 0xA7FF),
)
SIGNS = span(
    (0x2010, 0x2027), (0x2030, 0x205E), (0x2070, 0x209F), (0x20A0, 0x20BF), (0x20D0, 0x20DF),
    (0x2100, 0x218F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x2300, 0x23FF), (0x2400, 0x2426),
    (0x2460, 0x24FF), (0x2500, 0x25FF), (0x2600, 0x26FF), (0x2700, 0x27BF), (0x27C0, 0x27FF),
    (0x2900, 0x297F), (0x2A00, 0x2AFF), (0x2B00, 0x2B5F), (0x2800, 0x28FF),
    (0xFFF9, 0xFFFD),
)
# Simplified (both levels), Japanese (first level), traditional (first level).
HAN = decoded("gb2312", 0xB0, 0xF7) | decoded("big5", 0xA4, 0xC6)
HAN |= {
    ord(bytes([row + 0xA0, cell + 0xA0]).decode("euc_jp", "ignore") or " ")
    for row in range(16, 48)
    for cell in range(1, 95)
}
CJK = HAN | span((0x3000, 0x30FF), (0x31F0, 0x31FF), (0xFF00, 0xFFEF), (0x3105, 0x312F), (0x3200, 0x33FF))
HANGUL = decoded("euc_kr", 0xB0, 0xC8) | span((0x3130, 0x318F))
# Word-piece tokenizers take syllables apart.
JAMO = span((0x1100, 0x11FF))
# Radicals and brackets that stand alone in word-piece vocabularies.
RADICALS = {0x2EA9, 0x2EBC, 0x2F65, 0x3008, 0x3009, 0x5DFF, 0x7CF9, 0x8A01, 0x9FB8}
# Faces and hands, hearts, and what a button may show.
EMOJI = span((0x1F600, 0x1F64F), (0x1F440, 0x1F450), (0x1F493, 0x1F49F), (0x1F4C1, 0x1F4CE))
EMOJI |= set(map(ord, "🌍🌙🎉🎤🎨🎯🏠🐈🐕🐱🐶👤➕💡💬💯💾📖📝📦🔀🔁🔍🔎🔒🔓🔔🔗🔥🔧🔬🕐🖼🗑🗙🚀🚗🤔🤖🧠🧪"))
# What joined signs are made of, people and their things, which stand side by side where the font has no glyph
# for the whole, and the letters that make a flag.
EMOJI |= span((0x1F1E6, 0x1F1FF), (0x1F464, 0x1F487), (0x1F3A4, 0x1F3B6))
EMOJI |= set(map(ord, "❤✈✊✋✌☝☀☁☔☕⚽⛄✨⭐🌈🌊🌞🌟🌱🌲🌴🌷🌸🌹🌻🌾🍀🍎🍓🍕🍩🍰🍳🍴🍺🍻"))
EMOJI |= set(map(ord, "🎀🎁🎂🎈🎓🏀🏃🏄🏆🏡🏥🏫🏭🐎🐝🐟🐢🐧🐭🐯🐰🐴🐵🐻🐼👀👑👟💃💅💋💌💍💓"))
EMOJI |= set(map(ord, "💘💤💥💦💨💩💪💻💼📅📈📉📊📚📞📢📧📱📷🚀🚒"))
# Asks for the coloured sign; there is nothing to see of it.
ASKS_COLOUR = 0xFE0F

# Kerning and marks stay; ligatures and contextual forms go, because a token must look like
# what it is (`->` must not turn into an arrow).
PLAIN = ["kern", "mark", "mkmk", "ccmp"]
SHAPED = ["*"]

# name, source, characters, features
FONTS = [
    ("Text-Regular", DEBIAN / "opentype/inter/Inter-Regular.otf", LATIN, PLAIN),
    ("Text-SemiBold", DEBIAN / "opentype/inter/Inter-SemiBold.otf", TITLES, PLAIN),
    ("Scripts", DEBIAN / "truetype/dejavu/DejaVuSans.ttf", SCRIPTS | SIGNS, SHAPED),
    ("Cjk", DEBIAN / "truetype/droid/DroidSansFallbackFull.ttf", CJK, PLAIN),
    ("Hangul", DEBIAN / "truetype/nanum/NanumBarunGothic.ttf", HANGUL, PLAIN),
    ("Jamo", DEBIAN / "truetype/nanum/NanumGothic.ttf", JAMO, PLAIN),
    ("Radicals", DEBIAN / "opentype/noto/NotoSansCJK-Regular.ttc", RADICALS, PLAIN),
    ("Arabic", NOTO / "NotoSansArabic-Regular.ttf", span((0x600, 0x6FF)), SHAPED),
    ("Devanagari", NOTO / "NotoSansDevanagari-Regular.ttf", span((0x900, 0x97F)), SHAPED),
    ("Bengali", NOTO / "NotoSansBengali-Regular.ttf", span((0x980, 0x9FF)), SHAPED),
    ("Tamil", NOTO / "NotoSansTamil-Regular.ttf", span((0xB80, 0xBFF)), SHAPED),
    ("Thai", NOTO / "NotoSansThai-Regular.ttf", span((0xE00, 0xE7F)), SHAPED),
    # Single letters only: these are rare in vocabularies.
    ("Kannada", NOTO / "NotoSansKannada-Regular.ttf", span((0xC80, 0xCFF)), PLAIN),
    ("Sinhala", NOTO / "NotoSansSinhala-Regular.ttf", span((0xD80, 0xDFF)), PLAIN),
    ("Tibetan", NOTO / "NotoSerifTibetan-Regular.ttf", span((0xF00, 0xFBC)), PLAIN),
    ("Myanmar", NOTO / "NotoSansMyanmar-Regular.ttf", span((0x1000, 0x104F)), PLAIN),
    ("Symbols", NOTO / "NotoSansSymbols2-Regular.ttf", span((0x23E9, 0x23FA)) | {0x1F5D9}, PLAIN),
    ("Math", NOTO / "NotoSansMath-Regular.ttf", {0x29C9}, PLAIN),
]


def tabular(font):
    """Figures of one width: the digits become their tabular alternates."""
    table = font["GSUB"].table
    alternates = {}
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for part in table.LookupList.Lookup[index].SubTable:
                    alternates.update(getattr(part, "ExtSubTable", part).mapping)
    for part in font["cmap"].tables:
        for code in range(ord("0"), ord("9") + 1):
            part.cmap[code] = alternates.get(part.cmap[code], part.cmap[code])


def blank(font, character):
    """A character that takes no room."""
    name = "blank"
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"][name] = Glyph()
    font["hmtx"][name] = (0, 0)
    for part in font["cmap"].tables:
        part.cmap[character] = name


def rename(font, name):
    """Under a name of our own, as some licences ask of changed fonts."""
    full = f"embedscope {name}"
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = full
        elif record.nameID in (3, 6):
            record.string = full.replace(" ", "-")


def make(name, source, characters, features):
    font = TTFont(source, fontNumber=0)
    if name.startswith("Text"):
        tabular(font)
    options = subset.Options()
    options.layout_features = features
    options.hinting = False
    options.desubroutinize = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 13, 14]
    options.notdef_outline = True
    worker = subset.Subsetter(options)
    worker.populate(unicodes=characters)
    worker.subset(font)
    if name == "Emoji":
        blank(font, ASKS_COLOUR)
    rename(font, name)
    target = HERE / f"{name}.{'otf' if 'CFF ' in font else 'ttf'}"
    font.save(target)
    return target, len(font.getBestCmap())


def main():
    emoji = sys.argv[1] if len(sys.argv) > 1 else None
    fonts = list(FONTS)
    if emoji:
        fonts.append(("Emoji", pathlib.Path(emoji), EMOJI, PLAIN))
    total = 0
    for entry in fonts:
        target, count = make(*entry)
        size = os.path.getsize(target)
        total += size
        print(f"{target.name:20} {count:6} characters {size:9} bytes")
    print(f"{total} bytes")


if __name__ == "__main__":
    main()
