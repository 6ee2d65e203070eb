"""Files and folders appear whole or not at all."""

import math
import os

import pytest

from perspectives.errors import RunError
from perspectives.files import new_file, new_folder, read_json, write_json, write_text


def test_a_file_appears_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with new_file(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["file.txt"]


def test_a_failing_block_leaves_the_older_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("older")
    with pytest.raises(ZeroDivisionError), new_file(path) as partial:
        partial.write_bytes(b"half" * (1 // 0))
    assert path.read_text() == "older"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_folder_replaces_an_older_one_whole(tmp_path):
    path = tmp_path / "set"
    for content in ("older", "newer"):
        with new_folder(path) as partial:
            (partial / content).write_text(content)
    assert os.listdir(path) == ["newer"]
    assert os.listdir(tmp_path) == ["set"]
    assert path.stat().st_mode & 0o777 == 0o755


def test_a_failing_block_leaves_the_older_folder(tmp_path):
    path = tmp_path / "set"
    path.mkdir()
    (path / "older").touch()
    with pytest.raises(ZeroDivisionError), new_folder(path) as partial:
        (partial / "half").write_bytes(b"half" * (1 // 0))
    assert os.listdir(path) == ["older"]
    assert os.listdir(tmp_path) == ["set"]


def test_places_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"file/below.txt could not be written: .*choose another folder"):
        write_text(tmp_path / "file" / "below.txt", "text")
    with pytest.raises(RunError, match="set could not be written"), new_folder(tmp_path / "file" / "set"):
        pass


def test_json_round_trip_keeps_accents_and_nan(tmp_path):
    write_json(tmp_path / "x.json", {"é": [1, 2.5, None, math.nan]})
    values = read_json(tmp_path / "x.json")["é"]
    assert values[:3] == [1, 2.5, None]
    assert math.isnan(values[3])
    assert "é" in (tmp_path / "x.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("damaged", [b'{"a": ', b"\xff\xfe"])
def test_missing_and_damaged_json_are_told_apart(tmp_path, damaged):
    with pytest.raises(RunError, match=r"x.json does not exist"):
        read_json(tmp_path / "x.json")
    (tmp_path / "x.json").write_bytes(damaged)
    with pytest.raises(RunError, match=r"x.json is not readable JSON .* it is damaged, delete it and run again"):
        read_json(tmp_path / "x.json")
