"""`perspectives data check`: what to put where, and whether the files are the published ones."""

import hashlib

import pytest

from perspectives import cli
from perspectives.data import catalog

ROWS = (
    "instance_id,user_id,text,offensiveness,gender,race,age,occupation,education\n"
    "1,7,Tea,1.0,Woman,White,18-24,Employed,Other\n"
)


@pytest.fixture
def offensiveness(tmp_path, monkeypatch):
    """Writes text as the published file of a card that knows the checksum of ROWS; the command's options."""
    known = catalog.card("popquorn_offensiveness")
    digest = hashlib.sha256(ROWS.encode()).hexdigest()
    files = {"raw_data.csv": catalog.PublishedFile(bytes=len(ROWS), sha256=digest)}
    monkeypatch.setattr(catalog, "card", lambda name: catalog.Card(**vars(known) | {"files": files}))

    def write(text):
        (tmp_path / "raw_data.csv").write_text(text)
        return ["data", "check", "popquorn_offensiveness", f"data.reader.path={tmp_path}"]

    return write


def test_the_published_file_is_recognised(offensiveness, capsys):
    assert cli.main(offensiveness(ROWS)) == 0
    usable, files = capsys.readouterr().out.splitlines()
    assert usable.startswith("popquorn_offensiveness: 1 items, 1 annotators, 1 annotations")
    assert files == "  files: 1 with the checksum of the catalogue"


def test_another_version_can_be_read_but_is_reported(offensiveness, capsys):
    assert cli.main(offensiveness(ROWS.replace("Tea", "Tee"))) == 1
    usable, problem = capsys.readouterr().out.splitlines()
    assert usable.endswith("usable")
    assert problem.startswith("  PROBLEM: raw_data.csv has sha256 ")
    assert problem.endswith("another version, or damaged")


def test_without_a_published_checksum_that_is_said(tmp_path, capsys):
    columns = "ID\tAnnotator\tText\tHD\tCV\n"
    (tmp_path / "GabHateCorpus_annotations.tsv").write_text(columns + "1\t0\tTea\t0\t1\n")
    assert cli.main(["data", "check", "data=ghc", f"data.reader.path={tmp_path}"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  files: none could be verified",
        "  files: no checksum is published of GabHateCorpus_annotations.tsv",
    ]


@pytest.mark.parametrize("name", ["ghc", "goemotions", "kumar2021", "demo", "popquorn_politeness"])
def test_absent_data_is_asked_for_file_by_file(tmp_path, capsys, monkeypatch, name):
    monkeypatch.setenv("PERSPECTIVES_DATA", str(tmp_path))
    assert cli.main(["data", "check", name]) == 2
    lines = capsys.readouterr().err.splitlines()
    known = catalog.card(name)
    assert f"put these files from {known.url} into {tmp_path}/{known.folder}:" in lines
    for file, facts in known.files.items():
        assert f"  - {file} ({facts.describe()})" in lines
        assert facts.url is None or f"    {facts.url}" in lines
    assert f"licence: {known.licence}" in lines
    assert lines[-1] == f"then check them: perspectives data check data={name}"


def test_unknown_corpora_are_named(capsys):
    assert cli.main(["data", "check", "gch"]) == 2
    assert "data=gch is not available; did you mean ghc?" in capsys.readouterr().err
