//! Sets of texts to start from.

/// One set: what it shows, and its texts.
pub struct Sample {
    pub title: &'static str,
    pub about: &'static str,
    pub texts: &'static [&'static str],
}

pub static SAMPLES: &[Sample] = &[
    Sample {
        title: "Word order",
        about: "The same words in another order: what does the pool keep of who did what?",
        texts: &[
            "The cat bit the dog",
            "The dog bit the cat",
            "The dog was bitten by the cat",
            "A stray animal attacked a puppy",
            "The committee approved the budget",
        ],
    },
    Sample {
        title: "Negation",
        about: "One small word turns the meaning round, but moves the vector little.",
        texts: &[
            "The medicine is safe for children",
            "The medicine is not safe for children",
            "Children can take this medicine without risk",
            "Never give this medicine to children",
        ],
    },
    Sample {
        title: "Paraphrase",
        about: "The same meaning in other words, beside other meanings in the same words.",
        texts: &[
            "The cat sat on the mat",
            "A feline rested on the rug",
            "The cat knocked over the mat in the hall",
            "Python is a programming language",
            "Snakes are kept in the reptile house",
        ],
    },
    Sample {
        title: "Domain jargon",
        about: "Terms that the vocabulary cuts into pieces, and what they end up near.",
        texts: &[
            "Patient presents with idiopathic thrombocytopenic purpura",
            "The patient bruises easily because of low platelets",
            "Tachyarrhythmia secondary to hyperthyroidism",
            "The pod is in CrashLoopBackOff after the rollout",
            "The container keeps restarting since we deployed",
        ],
    },
    CONTRASTIVE_PAIRS,
    Sample {
        title: "Over-long passage",
        about: "What stands behind the limit is cut off, and no longer counts.",
        texts: &[
            LONG_PASSAGE,
            "How much notice must a tenant give before moving out?",
            "Who repairs the boiler when it breaks down?",
        ],
    },
];

/// Each text and the one after it mean the same: a batch for the contrastive loss.
pub const CONTRASTIVE_PAIRS: Sample = Sample {
    title: "Contrastive pairs",
    about: "Six pairs that mean the same, one after the other: a batch for contrastive training.",
    texts: &[
        "The train to Lyon leaves at half past six",
        "At 6:30 the service for Lyon departs",
        "The train to Lyon was an hour late",
        "We reached Lyon sixty minutes behind schedule",
        "The museum is closed on Mondays",
        "You cannot visit the gallery at the start of the week",
        "The museum opened again after two years of repairs",
        "Once renovated, the gallery welcomed its visitors back",
        "My laptop gets hot when I play games",
        "Gaming makes the computer overheat",
        "She planted tomatoes behind the garage",
        "There is a small vegetable bed back of her garage",
    ],
};

/// More than 256 tokens; the question about notice is answered in the part that is cut.
const LONG_PASSAGE: &str = "This agreement is made between the landlord and the tenant named on the first page, and both \
    sides keep a signed copy. The rent is due on the first working day of each month and is paid into the account that \
    the landlord names in writing. If a payment is late by more than ten days, a fee may be charged, but only after a \
    reminder has been sent. The tenant keeps the rooms clean and aired, reports damage without delay, and does not drill \
    into tiles, pipes or outside walls. The landlord keeps the roof, the windows, the heating and the wiring in order, and \
    sends somebody within two days when the boiler breaks down in winter. Pets are welcome as long as the neighbours do \
    not complain about noise or smell; large dogs need a separate permission. Bicycles are kept in the cellar and not on \
    the stairs. Rubbish is sorted into paper, glass, food and the rest, and the bins are put out on the evening before \
    collection. Parties end at eleven on weekdays and at one on Saturdays. The tenant may sublet one room with the \
    landlord's consent, which is not refused without a good reason. Small repairs up to a hundred euros are paid by the \
    tenant, up to a yearly limit of three hundred. The deposit is three months' rent, is kept apart from the landlord's \
    own money, and is returned with interest within eight weeks of the last day. The landlord may enter after a day's \
    warning, or at once when water is running through the ceiling. A tenant who wants to move out gives three months' \
    notice in writing, and the flat is handed over swept, with all keys and freshly painted where the walls are marked.";
