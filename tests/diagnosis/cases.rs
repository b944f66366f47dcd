//! Cases for each card: where it must speak, and the same kind of pair where it must not.

use embedscope::model::Prompt;
use embedscope::trace::PoolingMode;

use super::{Pair, pair};

pub type Cases = (&'static str, Vec<Pair>, Vec<Pair>);

fn pairs(list: &[(&str, &str)]) -> Vec<Pair> {
    list.iter().map(|(a, b)| pair(a, b)).collect()
}

fn of(model: &'static str, list: &[(&str, &str)]) -> Vec<Pair> {
    pairs(list).into_iter().map(|pair| pair.of(model)).collect()
}

fn each(list: &[(&str, &str)], change: impl Fn(Pair) -> Pair) -> Vec<Pair> {
    pairs(list).into_iter().map(change).collect()
}

/// Pairs about which there is nothing to say but their words.
const PLAIN: [(&str, &str); 5] = [
    ("The cat sat on the mat", "A feline rested on the rug"),
    (
        "The committee approved the budget",
        "Copper prices rose in early trading",
    ),
    ("She plays the violin", "He repairs old bicycles"),
    ("How do I reset my password?", "I forgot my login"),
    ("Rain is expected tomorrow", "The bread needs more salt"),
];

/// In the order of the cards.
pub fn all() -> Vec<Cases> {
    let mut all = recipe_and_tokens();
    all.extend(scale());
    all.extend(words());
    all
}

fn recipe_and_tokens() -> Vec<Cases> {
    let long = "the cat sat on the mat the cat sat on the mat";
    let own = |p: Pair| p;
    vec![
        (
            "truncated",
            of(
                "plain",
                &[
                    (long, "the cat"),
                    ("the dog", long),
                    (long, long),
                    (long, ""),
                    ("a", long),
                ],
            ),
            of(
                "plain",
                &[
                    ("the cat sat on the mat", "the cat"),
                    ("the dog", "the cat sat on the mat"),
                    ("the cat", "the cat"),
                    ("", ""),
                    ("the cat sat on the mat", "the dog sat on the mat"),
                ],
            ),
        ),
        (
            "pooling_mismatch",
            each(&PLAIN, |p| p.pooling(PoolingMode::Max)),
            [
                each(&PLAIN, own),
                vec![pair("a", "b").of("plain").pooling(PoolingMode::Mean)],
            ]
            .concat(),
        ),
        (
            "not_normalized",
            [
                each(&PLAIN, Pair::raw),
                of("plain", &[("the cat", "the dog")]),
            ]
            .concat(),
            each(&PLAIN, own),
        ),
        (
            "prompt_missing",
            [
                each(&PLAIN[..3], |p| p.of("prompt_excluded")),
                each(&PLAIN[..3], |p| p.of("relu_dense").prompt(Prompt::None)),
            ]
            .concat(),
            [
                each(&PLAIN[..2], |p| {
                    p.of("prompt_excluded")
                        .prompt(Prompt::Named("query".into()))
                }),
                each(&PLAIN[..2], |p| p.of("relu_dense")),
                each(&PLAIN[..2], |p| p.of("saved_v6")),
                of("prompt_excluded", &[("query: the cat", "query: a dog")]),
                of("plain", &[("the cat", "a dog")]),
            ]
            .concat(),
        ),
        (
            "unknown_tokens",
            of(
                "plain",
                &[
                    ("the cat 🦄", "the cat"),
                    ("the cat", "кот"),
                    ("🦄", "🦄"),
                    ("猫 猫 猫", "the cat"),
                    ("the cat ±± ж", "the mat"),
                ],
            ),
            of(
                "plain",
                &[
                    ("the cat", "the cat"),
                    ("the cat", "a dog"),
                    ("cat", "dog"),
                    ("a mat", "the cat"),
                    ("unhappily", "the mat"),
                ],
            ),
        ),
        (
            "pad_tokens",
            of("plain", &[("the [PAD] cat", "the cat"), ("[PAD]", "[PAD]")]),
            of("plain", &[("the cat", "the cat"), ("", "")]),
        ),
        (
            "equal_ids",
            of(
                "plain",
                &[
                    ("The cat", "the cat"),
                    ("the   cat", "the cat"),
                    ("кот", "дом"),
                    (
                        "the cat sat on the mat the cat sat on the mat",
                        "the cat sat on the mat the cat sat on the dog",
                    ),
                    ("cát", "cat"),
                ],
            ),
            of(
                "plain",
                &[
                    ("the cat", "the cat"),
                    ("the cat", "the dog"),
                    ("the cat", "cat the"),
                    ("a mat", "the mat"),
                    ("dog", "cat"),
                ],
            ),
        ),
        (
            "case_whitespace",
            of("vocab_only", &CASED),
            [
                of("plain", &CASED),
                of(
                    "vocab_only",
                    &[("the cat", "the cat"), ("the cat", "a dog")],
                ),
            ]
            .concat(),
        ),
    ]
}

const CASED: [(&str, &str); 5] = [
    ("The cat sat", "the cat sat"),
    ("the Cat sat", "the cat sat"),
    ("the cat sat on the mat", "The cat sat on the mat"),
    ("the cat", "The Cat"),
    ("the dog bit the Cat", "the dog bit the cat"),
];

/// Long enough for special tokens to weigh little.
pub const LONG: [(&str, &str); 5] = [
    (
        "The committee met on the second floor to talk about the budget of the school and the roof of its old gym",
        "The roof of the gym leaks in heavy rain and the school has asked the town for the money to have it repaired",
    ),
    (
        "She learned to play the violin from her uncle who had been a member of a small orchestra in the mountains",
        "He repairs old bicycles in a shed behind the house and sells them at the market when the weather is good",
    ),
    (
        "The ferry to the island leaves from the north pier and takes about forty minutes when the sea is calm enough",
        "A boat to the island goes from the pier in the north of the harbour and the trip takes less than one hour",
    ),
    (
        "Bread dough needs a long rest in a warm place before it is shaped into loaves and put into a hot oven",
        "The engine of the tractor makes a strange noise when it is cold and the oil has not been changed for a year",
    ),
    (
        "Visitors are asked to leave their bags and coats in the lockers near the entrance of the museum before the tour",
        "Large bags have to be left in a locker at the entrance before the guided tour through the museum can begin",
    ),
];

fn scale() -> Vec<Cases> {
    vec![
        (
            "special_tokens",
            each(&PLAIN, |p| {
                Pair {
                    b: p.a.clone(),
                    ..p
                }
                .pooling(PoolingMode::Cls)
            }),
            each(&LONG, |p| p),
        ),
        (
            "high_floor",
            each(&PLAIN, |p| p.floor(0.7)),
            [each(&PLAIN[..3], |p| p.floor(0.)), each(&PLAIN[..3], |p| p)].concat(),
        ),
        (
            "rogue_dimension",
            each(&PLAIN, |p| {
                Pair {
                    b: p.a.clone(),
                    ..p
                }
                .truncate(4)
            }),
            each(&PLAIN, |p| Pair {
                b: p.a.clone(),
                ..p
            }),
        ),
    ]
}

fn words() -> Vec<Cases> {
    let mut all = order_and_meaning();
    all.extend([
        (
            "shared_prefix",
            pairs(&[
                (
                    "Dear customer, thank you for your order of books",
                    "Dear customer, thank you for your complaint",
                ),
                (
                    "Terms of use of this service: no resale",
                    "Terms of use of this service: pay monthly",
                ),
                (
                    "The weather in the north of Italy is wet",
                    "The weather in the north of Italy stays hot",
                ),
                (
                    "Please find below the answer to question four",
                    "Please find below the answer to nothing",
                ),
                (
                    "According to the company's spokesman profits fell",
                    "According to the company's spokesman nobody was hurt",
                ),
            ]),
            [
                pairs(&PLAIN[..3]),
                pairs(&[
                    ("Dear customer, thank you", "Dear customer, goodbye"),
                    (
                        "The weather in the north of Italy",
                        "The weather in the north of Italy",
                    ),
                    (
                        "The weather in the north of Italy",
                        "The weather in the north of Italy is wet and cold",
                    ),
                ]),
            ]
            .concat(),
        ),
        (
            "lexical_overlap",
            pairs(&[
                (
                    "The red car hit the old bridge",
                    "The red car crossed the old bridge",
                ),
                (
                    "Doctors treat patients with antibiotics",
                    "Patients treat doctors with chocolates",
                ),
                ("Cheap flights to Lisbon", "Cheap hotels Lisbon flights"),
                ("Grilled fish with lemon and rice", "Fish, rice, lemon"),
                ("Python snakes eat mice", "Python eats snakes and mice"),
            ]),
            [
                pairs(&PLAIN),
                pairs(&[("The cat bit the dog", "The dog bit the cat")]),
            ]
            .concat(),
        ),
        (
            "length_mismatch",
            lengths(),
            [pairs(&PLAIN), pairs(&LONG)].concat(),
        ),
        (
            "script",
            pairs(&[
                ("The cat sleeps", "Кошка спит"),
                ("The cat sleeps", "猫は寝ている"),
                ("קטשוב", "The cat sleeps"),
                (
                    "Der Hund ist in dem Haus und schläft",
                    "The dog is in the house and it sleeps",
                ),
                (
                    "How do I reset my password?",
                    "Wie setze ich mein Passwort zurück?",
                ),
                (
                    "El perro está en la casa con los niños",
                    "Le chien est dans la maison avec les enfants",
                ),
            ]),
            [
                pairs(&PLAIN),
                pairs(&[
                    ("Кошка спит", "Собака не спит"),
                    ("Der Hund ist in dem Haus", "Die Katze und der Hund"),
                    ("1234", "The cat sleeps"),
                ]),
            ]
            .concat(),
        ),
    ]);
    all
}

fn lengths() -> Vec<Pair> {
    let shorts = ["roof", "violin", "ferry", "bread", "museum"];
    let texts = LONG.iter().zip(shorts);
    texts.map(|((long, _), short)| pair(long, short)).collect()
}

fn order_and_meaning() -> Vec<Cases> {
    vec![
        (
            "same_order",
            pairs(&[
                ("The cat bit the dog", "The dog bit the cat"),
                ("Anna pays Ben", "Ben pays Anna"),
                ("from Rome to Paris", "from Paris to Rome"),
                ("The nurse called the doctor", "The doctor called the nurse"),
                ("Mostly harmless, never dull", "Never dull, mostly harmless"),
            ]),
            pairs(&[
                ("The cat bit the dog", "The cat bit the dog"),
                ("The cat bit the dog", "The cat bit the mouse"),
                ("Anna pays Ben", "Anna pays Carl"),
                ("from Rome to Paris", "from Paris to Rome to Paris"),
                ("The nurse called", "The doctor called"),
            ]),
        ),
        (
            "negation",
            pairs(&[
                (
                    "The medicine is safe for children",
                    "The medicine is not safe for children",
                ),
                ("I don't like this film", "I like this film"),
                ("The bridge was never closed", "The bridge was closed"),
                ("You can't park here", "You can park here"),
                ("Coffee without sugar", "Coffee with sugar"),
            ]),
            pairs(&[
                (
                    "The medicine is safe for children",
                    "The medicine is safe for adults",
                ),
                ("I don't like this film", "I do not like this film"),
                (
                    "The bridge was never closed",
                    "Copper prices rose in early trading",
                ),
                ("You can park here", "You can park here"),
                ("A knotted rope", "A rope"),
            ]),
        ),
        (
            "numbers",
            pairs(&[
                ("The train leaves at 8:15", "The train leaves at 9:40"),
                ("Invoice 4711 is due", "Invoice 4712 is due"),
                ("The meeting is on Monday", "The meeting is on Friday"),
                ("Take two tablets a day", "Take ten tablets a day"),
                ("Released on 2021-03-04", "Released on 2024-03-04"),
            ]),
            pairs(&[
                ("The train leaves at 8:15", "The train leaves at 8:15"),
                ("Invoice 4711 is due", "Copper costs 4712 dollars"),
                ("The meeting is on Monday", "The meeting is over"),
                ("Take two tablets", "Take tablets"),
                ("The cat sat", "The dog sat"),
            ]),
        ),
    ]
}
