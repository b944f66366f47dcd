#!/usr/bin/env python3
"""The texts that the bundled model learns from: a mix of corpus files, edits of
their sentences, and sentences made here from word lists.

usage: bundled_texts.py --corpus DIR --out FILE [--held-out FILE] [--scale X]

Deterministic: the same corpus gives the same file. One sentence a line. Needs
nothing but Python. DIR holds *.txt or *.txt.gz, one sentence a line; a file
that SHARES does not name gives its lines by the share OTHER.
"""

import argparse
import gzip
import hashlib
import pathlib
import random

SEED = 20261124
# One sentence in HELD_OUT is kept from training, to measure on.
HELD_OUT = 60
LONGEST = 40  # words

# How many lines of a file are taken at scale 1. Short general sentences first:
# encyclopaedic prose is long and much alike.
SHARES = {
    "common-voice-en": 54_000,
    "oewn-examples": 44_000,
    "oewn-definitions": 34_000,
    "books-public-domain": 42_000,
    "digitalgov": 20_000,
    "18f-posts": 7_000,
    "medquad-answers": 14_000,
    "medquad-questions": 3_000,
    "nlvr2-sentences": 5_900,
    "clinc-oos": 8_000,
    "nlu-evaluation-data": 5_000,
    "polyai-banking": 4_000,
    "polyai-nlupp-restaurant8k": 3_000,
    "snips-custom-intents": 3_000,
    "taskmaster4-coffee": 2_000,
    "ljspeech-text": 6_000,
    "factbook": 3_000,
    "public-domain-recipes": 4_000,
}
OTHER = 5_500
EDITS = 46_000
SCENES = 34_000
NEWS = 16_000


def lines_of(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [line.strip() for line in file if 0 < len(line.split()) <= LONGEST]


def held_out(line):
    return int.from_bytes(hashlib.sha1(line.encode()).digest()[:4], "big") % HELD_OUT == 0


NEGATED = {
    "is": "is not", "are": "are not", "was": "was not", "were": "were not", "can": "cannot",
    "will": "will not", "would": "would not", "should": "should not", "has": "has not",
    "have": "have not", "had": "had not", "could": "could not", "must": "must not",
    "does": "does not", "do": "do not", "did": "did not", "always": "never", "all": "no",
}
NUMBERS = "one two three four five six seven eight nine ten twelve twenty fifty hundred".split()


def negate(words, _):
    at = [i for i, word in enumerate(words) if word.lower() in NEGATED]
    if not at:
        return None
    return words[: at[0]] + [NEGATED[words[at[0]].lower()]] + words[at[0] + 1 :]


def swap(words, rng):
    """Two content words change places: the same bag of words, another order."""
    at = [i for i, word in enumerate(words) if len(word) > 3]
    if len(at) < 2:
        return None
    i, j = rng.sample(at, 2)
    words = list(words)
    words[i], words[j] = words[j], words[i]
    return words


def drop(words, rng):
    if len(words) < 5:
        return None
    start = rng.randrange(len(words) - 1)
    return words[:start] + words[start + rng.randint(1, min(3, len(words) // 3)) :]


def part(words, rng):
    if len(words) < 8:
        return None
    size = rng.randint(3, len(words) // 2)
    start = rng.randrange(len(words) - size)
    return words[start : start + size]


def count(words, rng):
    at = [i for i, word in enumerate(words) if word.lower() in NUMBERS or word.isdigit()]
    if not at:
        return None
    words = list(words)
    i = rng.choice(at)
    words[i] = str(rng.randint(2, 99)) if words[i].isdigit() else rng.choice(NUMBERS)
    return words


def edits(pool, wanted, rng):
    ways = [negate, negate, swap, drop, drop, part, count]
    made = []
    for line in rng.choices(pool, k=3 * wanted):
        edited = rng.choice(ways)(line.split(), rng)
        if edited:
            made.append(" ".join(edited))
        if len(made) == wanted:
            break
    return made


PEOPLE = """a man;a woman;a boy;a girl;a child;a baby;a person;two men;two women;two people;a group of people;
three children;some people;a young man;an old woman;a little girl;a small boy;the man;the woman;a teacher;a chef;
a soldier;a football player;a dancer;a musician;a worker;a couple;the people;a crowd;a student;a doctor""".split(";")
ANIMALS = """a dog;a cat;a black dog;a brown dog;two dogs;a white cat;a horse;a bird;a monkey;a panda;a lion;a tiger;
a cow;a sheep;a squirrel;a rabbit;a kitten;a puppy;an elephant;a fish;a duck;a hamster;a turtle;a zebra;a bear""".split(";")
THINGS = """a guitar;a piano;a flute;a violin;a keyboard;drums;a trumpet;a harp;an onion;a potato;a tomato;a carrot;
some bread;a cucumber;garlic;a pineapple;an apple;a lemon;some meat;a fish;shrimp;broccoli;a banana;an egg;a pepper;
a bicycle;a motorcycle;a horse;a car;a bus;a skateboard;a surfboard;a boat;a truck;a ball;a frisbee;a stick;a bone;
a book;a newspaper;a letter;a phone;a camera;a computer;a box;a bag;a chair;a table;a door;a window;a bottle;a cup;
a knife;a sword;a gun;a rope;a tree;a rock;a wall;paper;a plate;a bowl;water;milk;coffee;wine;oil;rice;pasta;soup;
a cake;a sandwich;a pizza;a hat;a shirt;a dress;shoes;makeup;lipstick;her hair;his hair;her nails;his face""".split(";")
DOES = {
    "playing": range(0, 8), "slicing": range(8, 25), "cutting": range(8, 25), "peeling": range(8, 23),
    "chopping": range(8, 25), "eating": list(range(8, 25)) + list(range(65, 72)), "cooking": list(range(8, 25)) + [65, 66, 67],
    "riding": range(25, 33), "driving": [28, 29, 33], "fixing": [25, 26, 28, 33, 41], "throwing": range(34, 38),
    "chasing": range(34, 38), "catching": range(34, 37), "kicking": [34, 43], "reading": [38, 39, 40],
    "writing": [38, 40], "holding": range(34, 56), "carrying": range(36, 50), "opening": [43, 44, 47, 48, 49],
    "closing": [43, 47, 48], "cleaning": [45, 46, 47, 48, 58], "drinking": range(60, 64), "pouring": range(60, 65),
    "mixing": range(60, 68), "boiling": [60, 65, 66, 67, 23], "climbing": [54, 55, 56, 53], "breaking": [46, 47, 49, 56],
    "wearing": range(71, 75), "putting on": range(71, 77), "washing": [28, 58, 72, 77, 78, 80], "cutting up": [77, 78, 57],
    "shooting": [52, 41], "firing": [52], "buying": range(38, 75), "selling": range(8, 75), "drawing": [54, 41, 34],
}
ACTS = """dancing;singing;running;walking;jumping;swimming;sleeping;sitting;standing;talking;laughing;crying;smiling;
fighting;playing;exercising;doing push-ups;lifting weights;skiing;surfing;skating;running a race;playing football;
playing basketball;playing chess;playing cards;taking a picture;talking on the phone;using a computer;watching television;
looking at the camera;waiting for a bus;crossing the street;riding a horse;doing a trick;eating;cooking;working;praying""".split(";")
BEASTS = """running;barking;sleeping;jumping over a fence;playing with a ball;chasing another dog;chasing a cat;eating grass;
drinking water;swimming;sitting;standing;lying down;looking at the camera;walking;climbing a tree;playing with a toy;
licking a plate;biting a stick;catching a frisbee;flying;eating;fighting;rolling on the ground;playing the piano""".split(";")
PLACES = """in the park;on the beach;on the street;in the snow;in the water;in a field;on the grass;in the kitchen;
on a stage;outside;inside;at night;in front of a building;near the river;on a bench;on a couch;on the floor;in a pool;
in the rain;in a room;at a table;on a mountain;in the woods;on a road;in a car;on a bed;by a window;in the city""".split(";")


def clean(words):
    return [word.strip() for word in words]


def scenes(wanted, rng):
    """Captions: somebody does something somewhere."""
    people, animals, things, acts, beasts, places = map(clean, [PEOPLE, ANIMALS, THINGS, ACTS, BEASTS, PLACES])
    made = []
    for _ in range(wanted):
        kind = rng.random()
        if kind < 0.55:
            verb = rng.choice(list(DOES))
            thing = things[rng.choice([i for i in DOES[verb] if i < len(things)])]
            who, act = rng.choice(people), f"{verb} {thing}"
        elif kind < 0.78:
            who, act = rng.choice(people), rng.choice(acts)
        else:
            who, act = rng.choice(animals), rng.choice(beasts)
        many = who.startswith(("two", "three", "some", "the people"))
        be = "are" if many else "is"
        if rng.random() < 0.08:
            be += " not"
        text = f"{who} {be} {act}" if rng.random() < 0.85 else f"{who} {act}"
        if rng.random() < 0.1 and " a " in act:
            text = f"{act.split(' ', 1)[1]} is being {act.split(' ', 1)[0].replace('ing', 'ed')} by {who}"
        if rng.random() < 0.4:
            text += " " + rng.choice(places)
        made.append(text[0].upper() + text[1:] + ("." if rng.random() < 0.6 else ""))
    return made


LANDS = """China;India;Iran;Syria;Russia;Ukraine;Israel;Egypt;Pakistan;Afghanistan;Iraq;North Korea;South Korea;Japan;
France;Germany;Britain;Italy;Spain;Greece;Turkey;Libya;Somalia;Nigeria;South Africa;Kenya;Mexico;Brazil;Venezuela;Cuba;
Canada;Australia;Thailand;Vietnam;Philippines;Bangladesh;Lebanon;Yemen;Gaza;Poland;the US;the EU;the UN""".split(";")
ACTORS = """president;prime minister;government;police;army;troops;rebels;protesters;court;parliament;foreign minister;
opposition;central bank;judge;lawmakers;officials;gunmen;militants;workers;scientists;voters;airline;company""".split(";")
DEEDS = """visits {l};warns {l} over nuclear program;rejects {l} peace plan;to hold talks with {l};calls for talks;resigns;
arrested in {l};killed in {l} bomb blast;dies in {l} plane crash;injured in {l} train crash;approves new budget;raises taxes;
cuts interest rates;agrees to ceasefire;wins election;loses election;faces corruption charges;sentenced to {n} years in prison;
clash with police;protest in capital;demand higher pay;kills {n} in attack;frees {n} hostages;test fires missile;
signs trade deal with {l};bans imports from {l};recalls ambassador from {l};denies {l} claims;says {n} dead in flood;
reports {n} killed in earthquake;to cut {n} jobs;shares fall {n} percent;stocks rise;profit falls {n} percent;
sales rose {n} percent;oil prices rise;dollar falls against euro;launches satellite;finds new planet;sues rival;buys rival for {n} billion dollars""".split(";")


def news(wanted, rng):
    """Headlines: whom it concerns, what happened."""
    lands, actors, deeds = map(clean, [LANDS, ACTORS, DEEDS])
    made = []
    for _ in range(wanted):
        deed = rng.choice(deeds).format(l=rng.choice(lands), n=rng.choice([2, 3, 5, 8, 10, 12, 20, 35, 50, 100, 200]))
        who = rng.choice(lands) + (f" {rng.choice(actors)}" if rng.random() < 0.75 else "")
        text = f"{who} {deed}"
        made.append(text[0].upper() + text[1:])
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--held-out", type=pathlib.Path)
    parser.add_argument("--scale", type=float, default=1.0)
    args = parser.parse_args()
    rng = random.Random(SEED)
    taken, kept = [], []
    for path in sorted(args.corpus.glob("*.txt*")):
        lines = lines_of(path)
        kept += [line for line in lines if held_out(line)]
        lines = [line for line in lines if not held_out(line)]
        wanted = round(args.scale * SHARES.get(path.name.split(".")[0], OTHER))
        taken += rng.sample(lines, min(wanted, len(lines)))
    if not taken:
        raise SystemExit(f"{args.corpus}: no *.txt or *.txt.gz with sentences")
    made = edits(taken, round(args.scale * EDITS), rng)
    made += scenes(round(args.scale * SCENES), rng) + news(round(args.scale * NEWS), rng)
    texts = list(dict.fromkeys(taken + made))
    rng.shuffle(texts)
    args.out.write_text("\n".join(texts) + "\n", encoding="utf-8")
    if args.held_out:
        rng.shuffle(kept)
        args.held_out.write_text("\n".join(kept[:20_000]) + "\n", encoding="utf-8")
    print(f"{len(texts)} texts")


if __name__ == "__main__":
    main()
