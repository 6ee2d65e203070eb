import pytest

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import xhate
from perspectives.errors import DataError

ROWS = """row, condition, annotator, label1, label2
46, en-de, ann7, Hateful, Not hateful
46, en-de, ann8, Hateful, Hateful
5, de-de, ann7, Not hateful, Not hateful
"""


def test_a_row_is_two_annotations_in_two_rounds(tmp_path):
    (tmp_path / "annotations.csv").write_text(ROWS)
    annotations = AnnotationSet.from_tables(xhate.read(tmp_path), "small")
    assert len(annotations) == 6
    first = annotations.annotations.query("item_id == '46' and annotator_id == 'ann7'")
    assert first[["round", "label", "condition"]].to_numpy().tolist() == [
        [1, "Hateful", "en"],
        [2, "Not hateful", "de"],
    ]
    assert annotations.items.to_dict("list") == {"item_id": ["46", "5"], "languages": ["en-de", "de-de"]}
    assert annotations.scale.levels[-1] == "Hateful"


def test_there_is_nothing_to_encode(tmp_path):
    (tmp_path / "annotations.csv").write_text(ROWS)
    with pytest.raises(DataError, match="no item texts"):
        _ = AnnotationSet.from_tables(xhate.read(tmp_path), "small").texts
