"""HateXplain: posts labelled hatespeech, normal or offensive by three annotators each.

Two published forms are read: the CSV files of the Hugging Face version (`df_<split>_processed.csv`; tested on the
published validation and test files) and the original `dataset.json` (tested on a file written from the documented keys,
not on the original).
Paper: Mathew et al. 2021, HateXplain: A Benchmark Dataset for Explainable Hate Speech Detection (AAAI).
"""

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import SPLITS, find, parsing, read_object, read_table, split_files
from perspectives.data.scale import Scale
from perspectives.errors import DataError

LEVELS = ("hatespeech", "normal", "offensive")  # codes 0, 1, 2 of the CSV files


def read(path: str | Path) -> Tables:
    """Read `dataset.json` with `post_id_divisions.json`, or else those `df_{train,val,test}_processed.csv` that exist.

    Nominal levels hatespeech, normal, offensive. `text` is the published tokens joined by spaces; `source` is twitter
    or gab, taken from the post id. `split` comes from the divisions or from the file; posts in no division have none.
    Raises MissingData when neither form exists, DataError when a cell cannot be parsed.
    """
    if (Path(path) / "dataset.json").is_file():
        return _tables(_from_json(Path(path)))
    files = split_files(path, "df_{}_processed.csv", ("train", "val", "test"))
    return _tables(post for split, file in files.items() for post in _from_csv(file, SPLITS[split]))


def _from_csv(file: Path, split: str) -> Iterable[dict[str, Any]]:
    table = read_table(file, ["id", "annotators", "post_tokens"])
    for row, (key, answers, tokens) in enumerate(
        zip(table["id"], table["annotators"], table["post_tokens"], strict=True), 2
    ):
        try:
            answers, tokens = ast.literal_eval(answers), ast.literal_eval(tokens)
            pairs = zip(answers["annotator_id"], answers["label"], strict=True)
            answers = [(str(who), LEVELS[code]) for who, code in pairs]
        except (ValueError, SyntaxError, KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"{file}:{row}: the annotators or post_tokens of this post cannot be parsed ({error})"
            ) from error
        yield {"key": key, "split": split, "tokens": tokens, "answers": answers, "file": file.name, "row": row}


def _from_json(folder: Path) -> Iterable[dict[str, Any]]:
    file = folder / "dataset.json"
    divisions = read_object(find(folder, "post_id_divisions.json"))
    split_of = {key: SPLITS[split] for split, keys in divisions.items() for key in keys}
    for key, post in read_object(file).items():
        with parsing(f"{file}: post {key!r}", "HateXplain's dataset.json"):
            answers = [(str(answer["annotator_id"]), answer["label"]) for answer in post["annotators"]]
            tokens = post["post_tokens"]
        yield {
            "key": key,
            "split": split_of.get(key),
            "tokens": tokens,
            "answers": answers,
            "file": file.name,
            "row": key,
        }


def _tables(posts: Iterable[dict[str, Any]]) -> Tables:
    annotations, items = [], []
    for post in posts:
        source = next((name for name in ("twitter", "gab") if f"_{name}" in post["key"]), None)
        item = {"item_id": post["key"], "text": " ".join(post["tokens"]), "split": post["split"], "source": source}
        items.append(item)
        place = {"item_id": post["key"], "file": post["file"], "row": post["row"]}
        annotations += [{"annotator_id": who, "label": label} | place for who, label in post["answers"]]
    return Tables(pd.DataFrame(annotations), pd.DataFrame(items), None, Scale("nominal", LEVELS))
