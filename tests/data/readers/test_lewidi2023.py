import json

import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import lewidi2023
from perspectives.data.readers.common import MissingData
from perspectives.errors import DataError, DataWarning


def entry(text, annotators, annotations, **info):
    return {
        "text": text,
        "annotators": annotators,
        "annotations": annotations,
        "hard_label": "0",
        "soft_label": {"0": 0.67, "1": 0.33},
        "lang": "en",
        "other_info": info,
    }


def write(folder, corpus="HS-Brexit", **splits):
    for split, entries in splits.items():
        (folder / f"{corpus}_{split}.json").write_text(json.dumps(entries), encoding="utf-8")


def test_ids_that_restart_in_every_split_stand_for_different_items(tmp_path):
    entries = {split: {"1": entry(f"Tea in {split}", "Ann1,Ann2", "0,1")} for split in ("train", "dev", "test")}
    write(tmp_path, **entries)
    annotations = AnnotationSet.from_tables(lewidi2023.read(tmp_path, "HS-Brexit"), "small")
    assert annotations.items["item_id"].tolist() == ["train-1", "dev-1", "test-1"]
    assert annotations.items["split"].tolist() == ["train", "validation", "test"]
    assert len(annotations.annotators) == 2
    assert annotations.labels.tolist() == [0, 1] * 3
    assert annotations.items["official_soft_label"].tolist() == [0.33] * 3


def test_a_person_listed_twice_with_equal_labels_counts_once_and_is_mentioned(tmp_path):
    write(tmp_path, "MD-Agreement", test={"2": entry("Tea", "Ann1,Ann2,Ann1", "1,0,1", domain="Drinks")})
    tables = lewidi2023.read(tmp_path, "MD-Agreement")
    with pytest.warns(
        DataWarning, match=r"1 repeated annotation\(s\) with equal labels .* at MD-Agreement_test\.json:2"
    ):
        annotations = AnnotationSet.from_tables(tables, "small")
    assert annotations.labels.tolist() == [1, 0]
    assert annotations.items["domain"].tolist() == ["Drinks"]


def test_groups_and_other_targets_come_from_other_info(tmp_path):
    other = {"offensive language detection": "1,1", "aggressive language detection": "0,1"}
    info = {"annotators group": "g1,g2", "g1": "target", "g2": "control", "other annotations": other}
    write(tmp_path, train={"1": entry("Tea", "Ann1,Ann2", "0,0", **info)})
    main = lewidi2023.read(tmp_path, "HS-Brexit")
    offensive = lewidi2023.read(tmp_path, "HS-Brexit", target="offensive language detection")
    assert main.annotators["group"].tolist() == ["target", "control"]
    assert main.items["official_label"].tolist() == ["0"]
    assert offensive.annotations["label"].tolist() == ["1", "1"]
    assert "official_label" not in offensive.items
    with pytest.raises(DataError, match="item '1' has no key 'sarcasm'; is this a LeWiDi-2023 file"):
        lewidi2023.read(tmp_path, "HS-Brexit", target="sarcasm")


def test_self_descriptions_are_groups_too(tmp_path):
    views = {"Ann1": "moderate", "Ann2": "liberal"}
    write(tmp_path, "ArMIS", dev={"1": entry("شاي", "Ann1,Ann2", "0,1", **views)})
    tables = lewidi2023.read(tmp_path, "ArMIS")
    assert dict(zip(tables.annotators["annotator_id"], tables.annotators["group"], strict=True)) == views


def test_malformed_files_are_named(tmp_path):
    with pytest.raises(
        MissingData, match=r"holds no HS-Brexit_train\.json, HS-Brexit_dev\.json or HS-Brexit_test\.json"
    ):
        lewidi2023.read(tmp_path, "HS-Brexit")
    write(tmp_path, dev={"1": entry("Tea", "Ann1,Ann2", "0")})
    with pytest.raises(DataError, match="item 'dev-1' names 2 annotators but 1 labels"):
        lewidi2023.read(tmp_path, "HS-Brexit")
    (tmp_path / "HS-Brexit_dev.json").write_text("[]")
    with pytest.raises(DataError, match=r"HS-Brexit_dev\.json cannot be parsed .*'items'\); is this a LeWiDi file"):
        lewidi2023.read(tmp_path, "HS-Brexit")
    (tmp_path / "HS-Brexit_dev.json").write_text('{\n"1": }')
    with pytest.raises(DataError, match=r"HS-Brexit_dev\.json is not valid JSON at line 2"):
        lewidi2023.read(tmp_path, "HS-Brexit")
