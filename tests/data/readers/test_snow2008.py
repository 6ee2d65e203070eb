import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import snow2008
from perspectives.errors import DataError


def write(folder, name, responses, gold):
    table = {"!amt_annotation_ids": ["x"] * 3, "!amt_worker_ids": ["p", "q", "p"], "orig_id": [4, 4, 5]}
    table |= {"response": responses, "gold": gold}
    pd.DataFrame(table).to_csv(folder / f"{name}.standardized.tsv", sep="\t", index=False)


def test_pairs_and_headlines_come_with_gold(tmp_path):
    write(tmp_path, "rte", [1, 0, 1], [1, 1, 0])
    texts = {
        "id": [5, 4],
        "text": ["Rain.", "Tea."],
        "hypothesis": ["Wet.", "Hot."],
        "value": [0, 1],
        "task": ["IR"] * 2,
    }
    pd.DataFrame(texts).to_csv(tmp_path / "rte1.tsv", sep="\t", index=False)
    entailment = AnnotationSet.from_tables(snow2008.read(tmp_path), "small")
    columns = ["item_id", "gold", "text", "text_pair"]
    assert entailment.items[columns].to_numpy().tolist() == [["4", "1", "Tea.", "Hot."], ["5", "0", "Rain.", "Wet."]]
    assert entailment.labels.tolist() == [1, 0, 1]

    write(tmp_path, "valence", [-100, 12, 40], [-30, -30, 70])
    pd.DataFrame({"id": [4, 5], "headline": ["Tea is out", "Rain is in"]}).to_csv(tmp_path / "affect.tsv", sep="\t")
    valence = AnnotationSet.from_tables(snow2008.read(tmp_path, "valence"), "small")
    assert valence.labels.tolist() == [-100, 12, 40]
    assert valence.items["gold"].tolist() == [-30, 70]
    assert valence.items["text"].tolist() == ["Tea is out", "Rain is in"]


def test_an_emotion_has_no_negative_value(tmp_path):
    write(tmp_path, "joy", [-1, 0, 100], [0, 0, 0])
    pd.DataFrame({"id": [4, 5], "headline": ["Tea", "Rain"]}).to_csv(tmp_path / "affect.tsv", sep="\t")
    with pytest.raises(DataError, match=r"expected a number from 0\.0 to 100\.0"):
        AnnotationSet.from_tables(snow2008.read(tmp_path, "joy"), "small")
    with pytest.raises(DataError, match="target='boredom' is unknown; choose one of rte, anger"):
        snow2008.read(tmp_path, "boredom")
