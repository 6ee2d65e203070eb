"""HateCheck: functional tests for hate speech detection, each labelled by five of ten annotators, with gold labels.

Paper: Röttger et al. 2021, HateCheck: Functional Tests for Hate Speech Detection Models (ACL).
"""

from pathlib import Path

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, read_table
from perspectives.data.scale import Scale

FROM_CASES = {"target_ident": "target_identity", "direction": "direction"}


def read(path: str | Path) -> Tables:
    """Read `all_annotations.csv` and, for the target of each case, `all_cases.csv`; nominal non-hateful, hateful.

    Annotators are `label_1` to `label_10`; an empty cell means that the case was not assigned to that annotator. Items
    have `gold`, `functionality`, `group` (the template: cases filled in from one template belong together) and, where
    `all_cases.csv` is there, `target_identity` and `direction` (missing where the case has none).
    Raises MissingData without the annotations, DataError when a column is missing.
    """
    file = find(path, "all_annotations.csv")
    people = [f"label_{number}" for number in range(1, 11)]
    table = read_table(file, ["case_id", "templ_id", "test_case", "label_gold", "functionality", *people])
    names = {"case_id": "item_id", "test_case": "text", "label_gold": "gold", "templ_id": "group"}
    items = table.rename(columns=names)[["item_id", "text", "gold", "functionality", "group"]]
    items["group"] = "template-" + items["group"]
    if (Path(path) / "all_cases.csv").is_file():
        cases = read_table(Path(path) / "all_cases.csv", ["case_id", *FROM_CASES], na_values=["", "-"])
        cases = cases.rename(columns=FROM_CASES | {"case_id": "item_id"})
        items = items.merge(cases[["item_id", *FROM_CASES.values()]], on="item_id", how="left")
    wide = located(table, file).rename(columns={"case_id": "item_id"})
    annotations = wide.melt(["item_id", "file", "row"], people, var_name="annotator_id", value_name="label")
    return Tables(annotations[annotations["label"].notna()], items, None, Scale("nominal", ("non-hateful", "hateful")))
