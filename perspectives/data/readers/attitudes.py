"""Annotators with Attitudes: 12 posts rated by 641 people, with their attitudes and politics. The texts are not
published.

Paper: Sap et al. 2022, Annotators with Attitudes: How Annotator Beliefs And Identities Bias Toxic Language Detection
(NAACL), the breadth-of-workers study.
"""

from pathlib import Path

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, one_of, read_table
from perspectives.data.scale import Scale

TARGETS = ("racist", "toany", "toyou", "intent")
BELIEFS = {
    "racism": "racist_beliefs", "freeSpeech": "free_speech", "harmHateSpeech": "harm_of_hate_speech",
    "traditionalism": "traditionalism", "lingPurism": "linguistic_purism", "empathy": "empathy", "altruism": "altruism",
}  # fmt: skip
IDENTITY = {
    "annotatorGender": "gender", "annotatorRace": "race", "annotatorPolitics": "politics",
    "sexualOrientation": "sexual_orientation", "bornUS": "born_in_us", "BLMsupport": "blm_support",
}  # fmt: skip


def read(path: str | Path, target: str = "racist") -> Tables:
    """Read `annotators_with_attitude.csv`, a row per person and post; ordinal levels 1 to 5.

    target: `racist`, `toany` (offensive to anyone), `toyou` (offensive to the person asked) or `intent` (to offend).

    An item is a `category` (AAE, Vulgar, targetsBlackPeople) and a number within it; there is no text, so the set
    serves agreement only. Attributes: identity, and beliefs as scales from -1 to 1 (as is `politics`, where 1 goes with
    conservative beliefs).
    Raises MissingData without the file, DataError when a column is missing or the target is unknown.
    """
    one_of("target", target, TARGETS)
    attributes = IDENTITY | BELIEFS
    file = find(path, "annotators_with_attitude.csv")
    table = located(read_table(file, ["annID", "postCategory", "postId", target, *attributes]), file)
    table["item_id"] = table["postCategory"] + "-" + table["postId"]
    table = table.rename(columns={"annID": "annotator_id", "postCategory": "category", target: "label"} | attributes)
    return Tables(
        table[["item_id", "annotator_id", "label", "file", "row"]],
        table[["item_id", "category"]].drop_duplicates(),
        table[["annotator_id", *attributes.values()]].drop_duplicates(),
        Scale.integers(1, 5),
    )
