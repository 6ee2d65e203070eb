"""Ragged tokens are padded the way the tokenizer pads, and the schema names what it saw."""

import numpy as np
import pandas as pd
import pytest
import torch

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.data.schema import UNKNOWN_CODE, Schema
from perspectives.data.tokens import Tokens
from perspectives.errors import RunError
from perspectives.models.encoder import Transformer

TEXTS = ["Tea", "A longer remark about the weather", "", "قهوة وشاي", "Tea"]


@pytest.mark.filterwarnings("ignore:encoder 'tiny' needs")
@pytest.mark.parametrize("pairs", [False, True])
def test_padding_equals_the_tokenizers_own(pairs):
    encoder = Transformer("tiny", max_length=20)
    texts = pd.DataFrame({"text": TEXTS} | ({"text_pair": TEXTS[::-1]} if pairs else {}))
    tokens = encoder.tokens(texts)
    chosen = np.array([3, 0, 1])
    columns = [[texts[column][i] for i in chosen] for column in texts]
    expected = encoder.tokenizer(*columns, truncation=True, max_length=20, padding=True, return_tensors="pt")
    padded = tokens.padded(chosen)
    assert padded.keys() == expected.keys()
    assert all(torch.equal(padded[name], expected[name]) for name in expected)
    assert (tokens.lengths <= 20).all()
    assert len(tokens) == 5


def test_short_rows_are_filled_with_the_fields_own_value():
    tokens = Tokens({"input_ids": [[5], [6, 7]], "kind": [[1], [2, 3]]}, {"input_ids": 9, "kind": 4})
    padded = tokens.padded(np.array([1, 0, 0]))
    assert padded["input_ids"].tolist() == [[6, 7], [5, 9], [5, 9]]
    assert padded["kind"].tolist() == [[2, 3], [1, 4], [1, 4]]
    assert padded["kind"].dtype == torch.int64


def test_a_schema_knows_its_annotators_and_survives_a_file(tmp_path):
    rows = pd.DataFrame({"item_id": [1, 2, 3, 1], "annotator_id": ["b", "b", "a", "c"], "label": ["0", "1", "1", "0"]})
    items = pd.DataFrame({"item_id": [1, 2, 3]})
    annotations = AnnotationSet.from_tables(Tables(rows, items, None, Scale("nominal", ("0", "1"))), "tiny")
    schema = Schema.of(annotations.select(np.array([0, 1, 2])))
    assert schema.annotators == ("a", "b")
    assert schema.counts.tolist() == [0, 1, 2]
    assert schema.codes(pd.Series(["b", "c", "a"])).tolist() == [2, UNKNOWN_CODE, 1]
    schema.save(tmp_path / "schema.json")
    loaded = Schema.load(tmp_path / "schema.json")
    assert (loaded.scale, loaded.annotators) == (schema.scale, schema.annotators)
    assert loaded.training_labels.tolist() == [1, 2]
    (tmp_path / "schema.json").write_text('{"annotators": ["a"]}')
    with pytest.raises(RunError, match=r"schema\.json is damaged: .*; delete the run folder and train again"):
        Schema.load(tmp_path / "schema.json")
    with pytest.raises(RunError, match="does not exist"):
        Schema.load(tmp_path / "nothing.json")
