import pandas as pd
import pytest

from perspectives.config import compose, instantiate
from perspectives.data.annotations import AnnotationSet
from perspectives.data.load import load
from perspectives.data.readers import saved
from perspectives.errors import DataError


def test_what_was_saved_is_read_again(tmp_path):
    whole = load(compose(overrides=["debug=tiny"]).data)
    whole.save(tmp_path / "set")
    tables = instantiate({"_target_": "perspectives.data.readers.saved.read", "path": str(tmp_path / "set")})
    again = AnnotationSet.from_tables(tables, whole.name, duplicates="keep")
    assert again.checksum == whole.checksum
    pd.testing.assert_frame_equal(again.annotations, whole.annotations)


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="is not a saved annotation set"):
        saved.read(tmp_path)
