//! Twenty pairs, from the same meaning to none, of different lengths.

pub const PAIRS: [(&str, &str); 20] = [
    ("The cat bit the dog", "The dog bit the cat"),
    ("The cat sat on the mat", "A feline rested on the rug"),
    ("The cat sat on the mat", "Python is a programming language"),
    (
        "How do I reset my password?",
        "I forgot my login and need a new one.",
    ),
    ("She did not enjoy the film", "She enjoyed the film"),
    (
        "The meeting is at 3 pm on Monday",
        "The meeting is at 5 pm on Friday",
    ),
    (
        "Stocks fell sharply after the announcement",
        "Shares dropped when the news came out",
    ),
    (
        "Water boils at 100 degrees Celsius",
        "At sea level, water turns to steam at 212 °F",
    ),
    ("A man is playing a guitar", "A woman is slicing onions"),
    (
        "The keeper of the lighthouse wrote the temperature in his ledger every morning",
        "Each day at dawn he noted how warm it was",
    ),
    ("bank of the river", "bank account"),
    ("unhappily", "with great sadness"),
    (
        "Paris is the capital of France",
        "Berlin is the capital of Germany",
    ),
    ("hello", "hello"),
    ("", "An empty text against a text"),
    ("Der Hund schläft", "The dog is asleep"),
    (
        "E = mc²",
        "Energy equals mass times the speed of light squared",
    ),
    (
        "The quick brown fox jumps over the lazy dog, and the dog, being lazy, does not mind at all.",
        "lazy dog",
    ),
    (
        "Please find attached the invoice for March.",
        "Attached is the March invoice, please.",
    ),
    ("He gave her the book", "She was given the book by him"),
];
