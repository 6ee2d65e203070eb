import json

import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import lewidi2025
from perspectives.data.readers.common import MissingData
from perspectives.errors import DataError, DataWarning

KEYS = {"CSC": ("context", "response"), "MP": ("post", "reply"), "VariErrNLI": ("context", "statement")}


def entry(corpus, first, second, annotations, **info):
    # The second part comes first in the object: reading order must not depend on the order of keys.
    text = {KEYS[corpus][1]: second, KEYS[corpus][0]: first}
    return {
        "text": text,
        "annotators": ",".join(annotations),
        "annotations": annotations,
        "lang": "en",
        "other_info": info,
    }


def write(folder, corpus, meta, **splits):
    for split, entries in splits.items():
        (folder / f"{corpus}_{split}.json").write_text(json.dumps(entries), encoding="utf-8")
    (folder / f"{corpus}_annotators_meta.json").write_text(meta, encoding="utf-8")


def test_text_parts_come_in_reading_order_and_share_a_group_by_the_first(tmp_path):
    rows = {
        "7": entry("CSC", "Nice rain today.", "Lovely.", {"Ann1": "6"}, **{"context+speaker": "1_1"}),
        "8": entry("CSC", "Nice rain today.", "It is wet.", {"Ann1": "1"}, **{"context+speaker": "2_1"}),
        "9": entry("CSC", "The bus left.", "Great timing.", {"Ann1": "5"}, **{"context+speaker": "3_1"}),
    }
    write(tmp_path, "CSC", '{"Ann1": {"Gender": "Female", "Age": "30"}}', dev=rows)
    items = lewidi2025.read(tmp_path, "CSC").items
    assert items[["text", "text_pair"]].iloc[0].tolist() == ["Nice rain today.", "Lovely."]
    assert items["group"].tolist() == ["context-0", "context-0", "context-1"]
    assert items["context_speaker"].tolist() == ["1_1", "2_1", "3_1"]
    assert items["item_id"].tolist() == ["dev-7", "dev-8", "dev-9"]


def test_one_key_in_two_splits_stands_for_two_items_but_one_annotator(tmp_path):
    train = {"5": entry("VariErrNLI", "A cat sits.", "An animal sits.", {"Ann1": "entailment"})}
    test = {"5": entry("VariErrNLI", "A cat sits.", "A dog sits.", {"Ann1": "contradiction"})}
    write(tmp_path, "VariErrNLI", '{"Ann1": {"Age": "22",}}', train=train, test=test)
    annotations = AnnotationSet.from_tables(lewidi2025.read(tmp_path, "VariErrNLI"), "small")
    assert annotations.items["item_id"].tolist() == ["train-5", "test-5"]
    assert annotations.items["split"].tolist() == ["train", "test"]
    assert annotations.items["group"].nunique() == 1
    assert annotations.annotators["annotator_id"].tolist() == ["Ann1"]


def test_several_classes_of_one_person_are_one_set_though_the_annotators_string_repeats_them(tmp_path):
    row = entry("VariErrNLI", "A cat sits.", "Something sleeps.", {"Ann1": "entailment,neutral", "Ann2": "neutral"})
    write(tmp_path, "VariErrNLI", '{"Ann1": {"Age": "30"}}', test={"1": row | {"annotators": "Ann1,Ann1,Ann2"}})
    with pytest.warns(DataWarning, match=r"1 annotator\(s\) have no demographic record"):
        annotations = AnnotationSet.from_tables(lewidi2025.read(tmp_path, "VariErrNLI"), "small")
    assert annotations.annotations["label"].tolist() == [("entailment", "neutral"), ("neutral",)]
    assert annotations.indicator().tolist() == [[0, 1, 1], [0, 0, 1]]


def test_official_soft_labels_come_in_the_order_of_the_scale_however_their_levels_are_called(tmp_path):
    csc = {"soft_label": {"0": 0.0, "2": 0.33, "1": 0.67, "3": 0.0, "4": 0.0, "5": 0.0, "6": 0.0}}
    sets = {level: {"1": share, "0": 1 - share} for level, share in (("neutral", 0.75), ("entailment", 0.5))}
    rows = {
        "CSC": csc,
        "MP": {"soft_label": {"0.0": 0.4, "1.0": 0.6}},
        "VariErrNLI": {"soft_label": sets | {"contradiction": {"0": 1.0, "1": 0.0}}},
    }
    expected = {"CSC": (0.67, 0.33, 0, 0, 0, 0), "MP": (0.4, 0.6), "VariErrNLI": (0, 0.5, 0.75)}
    for corpus, official in rows.items():
        write(tmp_path, corpus, "{}", test={"1": entry(corpus, "One.", "Two.", {"Ann1": "1"}) | official})
        assert lewidi2025.read(tmp_path, corpus).items["official_distribution"].tolist() == [expected[corpus]]
        write(tmp_path, corpus, "{}", test={"1": entry(corpus, "One.", "Two.", {"Ann1": "1"})})
        assert "official_distribution" not in lewidi2025.read(tmp_path, corpus).items


def test_trailing_commas_in_the_meta_file_are_read(tmp_path):
    meta = '{\n "Ann1": {\n  "Gender": "Male",\n  "Education": "postdoc",\n },\n}\n'
    write(tmp_path, "VariErrNLI", meta, test={"1": entry("VariErrNLI", "One.", "Two.", {"Ann1": "neutral"})})
    annotators = lewidi2025.read(tmp_path, "VariErrNLI").annotators
    assert annotators.to_dict("records") == [{"annotator_id": "Ann1", "gender": "Male", "education": "postdoc"}]


def test_meta_keys_of_mp_get_the_prefix_and_expired_values_are_unknown(tmp_path):
    ethnicity = "Ethnicity simplified"
    meta = json.dumps({"0": {"Age": 41.0, ethnicity: "DATA_EXPIRED"}, "1": {"Age": float("nan"), ethnicity: "Asian"}})
    row = entry("MP", "Hello.", "Hi.", {"Ann0": "0", "Ann1": "1"}, source="reddit", level=1.0, language_variety="ie")
    write(tmp_path, "MP", meta, test={"1": row})
    annotations = AnnotationSet.from_tables(lewidi2025.read(tmp_path, "MP"), "small")
    assert annotations.notes == ()  # everybody has a record
    assert annotations.annotators["ethnicity_simplified"].tolist() == ["unknown", "Asian"]
    assert annotations.annotators["age"].tolist()[0] == 41
    assert annotations.annotators["age"].isna().tolist() == [False, True]
    item = annotations.items.iloc[0]
    assert (item["source"], item["level"], item["language_variety"]) == ("reddit", 1, "ie")


def test_absent_files_and_unknown_corpora_are_named(tmp_path):
    with pytest.raises(MissingData, match=r"holds no CSC_train\.json, CSC_dev\.json or CSC_test\.json"):
        lewidi2025.read(tmp_path, "CSC")
    with pytest.raises(DataError, match="corpus='CSK' is unknown; choose one of CSC, MP, Paraphrase, VariErrNLI"):
        lewidi2025.read(tmp_path, "CSK")
    (tmp_path / "CSC_dev.json").write_text('{"1": {"text": {"post": "x"}}}')
    with pytest.raises(DataError, match=r"CSC_dev\.json: item '1' has no key 'context'"):
        lewidi2025.read(tmp_path, "CSC")
