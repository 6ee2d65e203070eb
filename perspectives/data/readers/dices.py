"""DICES: safety of conversations, each rated by 69 to 123 people. `Yes` means UNSAFE, for any reason.

Two published forms are read: the original CSV files (with demographics; tested on files written from the documented
columns, not on the originals), and the JSON conversion of JUDGE-BENCH (scores only; tested on the published files).
Paper: Aroyo et al. 2023, DICES Dataset: Diversity in Conversational AI Evaluation for Safety (NeurIPS D&B).
"""

from pathlib import Path

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import find, located, one_of, parsing, read_object, read_table, shared_context
from perspectives.data.scale import Scale
from perspectives.errors import DataError

SCALE = Scale("ordinal", ("No", "Unsure", "Yes"))
CORPORA = ("350", "990")
OF_ITEM = {"context": "text", "response": "text_pair", "safety_gold": "gold", "degree_of_harm": "degree_of_harm",
           "harm_type": "harm_type"}  # fmt: skip


def read(path: str | Path, corpus: str, target: str = "Q_overall") -> Tables:
    """Read `diverse_safety_adversarial_dialog_<corpus>.csv` (also in a folder `<corpus>`) or, where it does not exist,
    `dices_350_crowdsourced.json` with `dices_350_expert.json`, or `dices_990.json`. Ordinal levels No, Unsure, Yes.

    corpus: `350` (123 people rated everything) or `990` (173 people, each a part).
    target: question column of the CSV, for example `Q2_harmful_content_overall`; the JSON holds `Q_overall` only.

    `text` is the conversation, `text_pair` the response that was rated, `group` the same for items with equal
    conversations, `gold` the experts' label (350 only). The CSV adds `degree_of_harm` and `harm_type` to the items,
    every `rater_*` column to the annotators (prefix dropped), `phase` as `condition` and `answer_timestamp` as `time`.

    People in the JSON. 350: position j of the scores is the same person in every item, so annotators are `rater_000` to
    `rater_122`, without demographics. 990: positions are NOT people. Every score therefore gets an annotator of its
    own, `<item>/<position>`; use that form for soft labels only.
    Raises MissingData when neither form exists, DataError when a file is malformed or lacks the target.
    """
    name = f"diverse_safety_adversarial_dialog_{one_of('corpus', str(corpus), CORPORA)}.csv"
    json_name = "dices_350_crowdsourced.json" if str(corpus) == "350" else "dices_990.json"
    file = find(path, name, f"{corpus}/{name}", json_name)
    if file.suffix == ".csv":
        return _read_csv(file, target)
    if target != "Q_overall":
        raise DataError(f"{file} holds Q_overall only, not {target!r}; get {name} from the original publication")
    return _read_json(file, file.with_name("dices_350_expert.json") if str(corpus) == "350" else None)


def _read_csv(file: Path, target: str) -> Tables:
    table = located(read_table(file, ["item_id", "rater_id", "context", "response", target]), file)
    table = table.rename(columns={"rater_id": "annotator_id"})
    attributes = {column: column.removeprefix("rater_") for column in table.columns if column.startswith("rater_")}
    circumstances = {"phase": "condition", "answer_timestamp": "time"}
    of_annotation = {target: "label"} | {c: name for c, name in circumstances.items() if c in table}
    of_item = {c: name for c, name in OF_ITEM.items() if c in table}
    items = table[["item_id", *of_item]].drop_duplicates().rename(columns=of_item)
    return Tables(
        table[["item_id", "annotator_id", *of_annotation, "file", "row"]].rename(columns=of_annotation),
        items.assign(group=shared_context(items["text"])),
        table[["annotator_id", *attributes]].drop_duplicates().rename(columns=attributes),
        SCALE,
    )


def _read_json(file: Path, experts: Path | None) -> Tables:
    items = _instances(file)
    scores = items.pop("scores")
    if experts is None:
        people = [
            f"{item}/{position}"
            for item, row in zip(items["item_id"], scores, strict=True)
            for position in range(len(row))
        ]
    else:
        people = [f"rater_{position:03d}" for row in scores for position in range(len(row))]
        gold = _instances(find(experts.parent, experts.name)).set_index("item_id")["scores"].str[0]
        items["gold"] = items["item_id"].map(gold)
    item_ids = items["item_id"].repeat([len(row) for row in scores])
    annotations = pd.DataFrame(
        {"item_id": item_ids.to_numpy(), "annotator_id": people, "label": scores.explode().to_numpy()}
    )
    annotations = annotations.assign(file=file.name, row=annotations["item_id"])
    return Tables(annotations, items.assign(group=shared_context(items["text"])), None, SCALE)


def _instances(file: Path) -> pd.DataFrame:
    """Columns `item_id, text, text_pair` and `scores` (a list per item)."""
    content = read_object(file)
    with parsing(str(file), "the JUDGE-BENCH conversion of DICES"):
        rows = [
            {
                "item_id": str(entry["id"]),
                "text": entry["instance"]["user_prompt"],
                "text_pair": entry["instance"]["response"],
                "scores": entry["annotations"]["safety"]["individual_human_scores"],
            }
            for entry in content["instances"]
        ]
    return pd.DataFrame(rows)
