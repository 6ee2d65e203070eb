"""Gab Hate Corpus: posts labelled by at least three trained annotators each.

Tested on files written from the documented columns, not on the original.
Paper: Kennedy et al. 2022, Introducing the Gab Hate Corpus (Language Resources and Evaluation).
"""

from pathlib import Path

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, one_of, read_table
from perspectives.data.scale import Scale

COLUMNS = ("Hate", "HD", "CV", "VO", "REL", "RAE", "SXO", "GEN", "IDL", "NAT", "POL", "MPH", "EX", "IM")


def read(path: str | Path, target: str = "hate") -> Tables:
    """Read `GabHateCorpus_annotations.tsv`, a row per annotator and post; nominal 0 and 1.

    target: `hate` (assault on human dignity `HD` or call for violence `CV`, as in Davani et al. 2022), or one published
        column: Hate, HD, CV, VO (vulgar or offensive), REL, RAE, SXO, GEN, IDL, NAT, POL, MPH (targets), EX, IM
        (explicit, implicit). A blank cell is a missing label: it has no row; for `hate`, one of the two is enough.

    Raises MissingData without the file, DataError when a column is missing or the target unknown.
    """
    sources = ["HD", "CV"] if target == "hate" else [one_of("target", target, ("hate", *COLUMNS))]
    file = find(path, "GabHateCorpus_annotations.tsv")
    table = located(read_table(file, ["ID", "Annotator", "Text", *sources]), file)
    cells = table[sources].apply(lambda column: column.str.removesuffix(".0"))
    table["label"] = cells.bfill(axis=1).iloc[:, 0].mask((cells == "1").any(axis=1), "1")
    table = table.rename(columns={"ID": "item_id", "Annotator": "annotator_id", "Text": "text"})
    return Tables(
        table.loc[table["label"].notna(), ["item_id", "annotator_id", "label", "file", "row"]],
        table[["item_id", "text"]].drop_duplicates(),
        None,
        Scale("nominal", ("0", "1")),
    )
