"""Short invented comments about everyday life, varied in features that a sentence encoder can read.

A comment states a fact (who did what, when), says what the writer thinks of it, and sometimes ends with a demand. Tone
chooses the words of the opening and the opinion; sarcasm replaces the opening; second-person address changes who acts
and every pronoun that refers to them. All words are our own, so the texts can be shipped and shown.
"""

import numpy as np
import pandas as pd

TONES = (-2, -1, 0, 1, 2)  # warm, polite, plain, blunt, rude
TONE_SHARE = (0.16, 0.2, 0.24, 0.2, 0.2)
SARCASM_SHARE = 0.3
SECOND_PERSON_SHARE = 0.45
DEMAND_SHARE = 0.3
MAX_ITEMS = 20_000  # at this size the most crowded kind of comment expects 76 items and has 2,880 variants

SECOND_PERSON = {"they": "you", "they_are": "you are", "their": "your", "them": "you"}
THIRD_PERSON = {"they": "they", "they_are": "they are", "their": "their", "them": "them"}

# For each topic: who acts when it is not the reader, and what was done.
TOPICS = {
    "noise": (
        ("the family upstairs", "the student next door", "the man from the corner flat", "the couple across the hall"),
        (
            "played the drums with all the windows open",
            "left {their} radio on at full volume",
            "drilled into the living room wall for an hour",
            "let {their} alarm clock ring for a whole hour",
            "held a loud party in the stairwell",
            "practised the trumpet without a mute",
            "moved heavy furniture across the floor",
            "ran the washing machine with a pair of boots inside",
        ),
    ),
    "parking": (
        (
            "the driver of the blue van",
            "the owner of the red hatchback",
            "the man with the trailer",
            "the delivery driver",
        ),
        (
            "parked across two spaces",
            "blocked the garage door with {their} car",
            "left {their} van on the cycle lane",
            "took the space reserved for residents",
            "stopped the car right on the zebra crossing",
            "parked so close that my door would not open",
            "left {their} engine running in the car park",
            "put a trailer in front of the fire exit",
        ),
    ),
    "food": (
        ("the new cook", "the waiter at table nine", "the lady who runs the canteen", "the flatmate on cooking duty"),
        (
            "served the soup completely cold",
            "put far too much salt in the stew",
            "forgot the sauce for the noodles",
            "burned the bread and brought it to the table anyway",
            "ate the last slice of cake from the fridge",
            "mixed up the orders for the whole table",
            "used {their} own spoon to taste from every pot",
            "left the cheese out in the sun",
        ),
    ),
    "sports": (
        ("the goalkeeper", "the referee of the derby", "the coach of the second team", "the captain of the home side"),
        (
            "missed an open goal from three metres",
            "blew the whistle a minute too early",
            "picked {their} friends for the team again",
            "left the tennis court without rolling it",
            "argued about the offside rule for ten minutes",
            "walked off the pitch before the end of the match",
            "changed {their} tactics at half time and lost the game",
            "forgot to bring the match balls",
        ),
    ),
    "software": (
        ("the developer of this app", "the help desk", "the new administrator", "the team behind the update"),
        (
            "moved the save button to another menu",
            "released an update that deletes all bookmarks",
            "closed the bug report without reading it",
            "changed the password rules without telling anyone",
            "restarted the server without a warning",
            "removed the dark theme from the settings",
            "sent {their} newsletter to the whole mailing list",
            "broke the search box with the last release",
        ),
    ),
    "gardening": (
        (
            "the gardener next door",
            "the lady with the greenhouse",
            "the new allotment tenant",
            "the man with the hedge",
        ),
        (
            "cut the hedge down to the ground",
            "let {their} ivy grow over the fence",
            "watered the tomatoes with dirty dish water",
            "threw {their} weeds onto our compost heap",
            "planted mint in the shared flower bed",
            "trimmed the roses in the wrong season",
            "left the hose running on the lawn",
            "borrowed the wheelbarrow and never cleaned it",
        ),
    ),
}

TIMES = (
    "on Sunday morning",
    "last night",
    "yesterday around noon",
    "for the third time this week",
    "just before dinner",
    "on the first day of the holidays",
    "this morning",
    "while we had guests",
    "during the school break",
    "on Tuesday",
)

OPENINGS = {
    -2: ("With the warmest regards to all,", "Hello everyone and have a lovely day,", "Greetings and good wishes,",
         "My dear friends, what a nice community this is,", "Dear all, first of all many thanks,"),
    -1: ("If I may mention it,", "Excuse me for bringing this up,", "A small, polite remark:",
         "I hope this is the right place to ask:", "With respect,"),
    0: ("For the record,", "A short note:", "To report what happened:", "As far as I could see,",
        "Here is the situation:"),
    1: ("Let me be clear:", "I am fed up:", "This has to be said:", "No excuses this time:", "I am not impressed:"),
    2: ("How stupid can anyone be:", "What a pathetic circus:", "Unbelievable idiocy:", "Here comes the clown show:",
        "Utterly brainless:"),
}  # fmt: skip

SARCASTIC_OPENINGS = (
    "Oh, brilliant, what a masterpiece:",
    "Wow, round of applause, everybody:",
    "Bravo, a true stroke of genius:",
    "Well, congratulations, somebody give out a medal:",
    "Oh sure, because that always works so well:",
    "How marvellous, just what we all needed:",
)

OPINIONS = {
    -2: ("It was surely an honest mistake, and I really appreciate {them}.",
         "No harm done, {they_are} always kind and welcome here.",
         "We all love {them} and I am grateful for everything else {they} did.",
         "I am happy to help {them} and will gladly bring some cookies.",
         "Please do not worry, {they_are} wonderful company.",
         "Many thanks to {them} for all the good work, it means a lot."),
    -1: ("Would it be possible to avoid this next time, please?",
         "Perhaps {they} could kindly take care of it when there is time.",
         "I would be thankful if {they} could have a look at it.",
         "Maybe {they} did not notice, and a gentle reminder is enough.",
         "If it is not too much trouble, I would ask {them} for a little care.",
         "I understand that {they_are} busy, so please take it as a suggestion."),
    0: ("It has happened twice this month.",
        "I wrote down the time and told {them} about it.",
        "The details are in the list on the notice board.",
        "It took about twenty minutes to put things back in order.",
        "The others noticed it as well and asked {them} about it.",
        "I do not know what {their} reason was."),
    1: ("That was careless and {they} should know better.",
        "I expect {them} to apologise for it.",
        "It is plainly wrong and {they} know it.",
        "This is {their} fault and nobody else's.",
        "I have no patience left for {them}.",
        "Nobody asked {them} to do that and it is annoying."),
    2: ("Only a complete idiot does that, and {they_are} one.",
        "What a dumb, useless thing to do, {they_are} a joke.",
        "Even a potato has more brains than {them}.",
        "Honestly, {they_are} a pathetic fool and always will be.",
        "Nobody can stand {them} and {their} stupid behaviour.",
        "Shut up already, {they_are} an embarrassing moron."),
}  # fmt: skip

DEMANDS = (
    "This must be fixed by tonight.",
    "I demand an answer today.",
    "The next step is an official complaint.",
    "I will report this to the management.",
    "Either it stops now or I call the office.",
    "I insist on a full refund.",
)


def compose(items: int, rng: np.random.Generator) -> tuple[list[str], pd.DataFrame]:
    """Compose `items` distinct comments with known features.

    Returns the texts and one row per text: `topic` (str), `tone` (int, -2 warm to 2 rude), `sarcasm`, `second_person`
    and `demand` (int, 0 or 1), drawn independently of each other with the shares above, topics evenly.
    """
    features = pd.DataFrame(
        {
            "topic": rng.choice(list(TOPICS), items),
            "tone": rng.choice(TONES, items, p=TONE_SHARE),
            "sarcasm": (rng.random(items) < SARCASM_SHARE).astype(int),
            "second_person": (rng.random(items) < SECOND_PERSON_SHARE).astype(int),
            "demand": (rng.random(items) < DEMAND_SHARE).astype(int),
        }
    )
    texts: dict[str, None] = {}  # a dict keeps order and finds repetitions
    for topic, tone, sarcasm, second_person, demand in features.itertuples(index=False):
        text = _comment(topic, tone, sarcasm, second_person, demand, rng)
        while text in texts:
            text = _comment(topic, tone, sarcasm, second_person, demand, rng)
        texts[text] = None
    return list(texts), features


def _comment(topic: str, tone: int, sarcasm: int, second_person: int, demand: int, rng: np.random.Generator) -> str:
    actors, acts = TOPICS[topic]
    actor = "you" if second_person else _pick(actors, rng)
    opening = _pick(SARCASTIC_OPENINGS if sarcasm else OPENINGS[tone], rng)
    parts = [f"{opening} {actor} {_pick(acts, rng)} {_pick(TIMES, rng)}.", _pick(OPINIONS[tone], rng)]
    if demand:
        parts.append(_pick(DEMANDS, rng))
    return " ".join(parts).format_map(SECOND_PERSON if second_person else THIRD_PERSON)


def _pick(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
