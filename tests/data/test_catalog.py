import hashlib
import re

import pytest

from perspectives.data import catalog
from perspectives.errors import DataError


@pytest.mark.parametrize("name", catalog.names())
def test_every_card_is_complete(name):
    known = catalog.card(name)
    assert known.name == name
    assert known.url.startswith("https://")
    assert known.title
    assert known.licence
    assert known.files
    for facts in [*known.files.values(), *known.instead.values()]:
        assert facts.url is None or facts.url.startswith("https://")
        assert facts.bytes is None or facts.bytes > 0
        assert facts.sha256 is None or re.fullmatch("[0-9a-f]{64}", facts.sha256)
        assert (facts.bytes is None) == (facts.sha256 is None)  # whoever saw the file knows both
    assert known.cite
    assert len(re.findall(r"^@", known.bibtex, flags=re.MULTILINE)) == len(known.cite)


def test_there_are_26_cards_and_unknown_names_are_told():
    assert len(catalog.names()) == 26
    with pytest.raises(DataError, match="there is no card 'brexit'; choose one of age_bias_sentiment, annotators_with"):
        catalog.card("brexit")


@pytest.fixture
def own_cards(tmp_path, monkeypatch):
    folder = tmp_path / "cards"
    folder.mkdir()
    monkeypatch.setattr(catalog, "cards_dir", lambda: folder)
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a.csv", "original.csv")}
    original = f"  original.csv: {{bytes: 12, sha256: {digests['original.csv']}}}\n"
    text = f"""title: Tea
paper: "Cup 2020, Tea"
url: https://example.org/tea
licence: CC0
redistributable: true
folder: tea
files:
  a.csv: {{url: https://example.org/v1/a.csv, bytes: 1005, sha256: {digests["a.csv"]}}}
  b.csv: {{}}
cite: [duan-perspective-taking]
"""
    (folder / "tea.yaml").write_text(text)
    (folder / "cake.yaml").write_text(text + "note: It is cold.\ninstead:\n  b.csv: {}\n" + original)
    (folder / "broken.yaml").write_text(text.replace("licence: CC0", "license: CC0"))
    (folder / "stale.yaml").write_text(text.replace("bytes: 1005", "size: 1005"))
    return digests


def test_the_message_names_urls_folder_sizes_and_checksums(own_cards, tmp_path):
    message = catalog.missing_message("tea", tmp_path / "tea")
    assert message.splitlines() == [
        f"put these files from https://example.org/tea into {tmp_path}/tea:",
        f"  - a.csv (1,005 bytes, sha256 {own_cards['a.csv']})",
        "    https://example.org/v1/a.csv",
        "  - b.csv (size not published, no checksum is published)",
        "licence: CC0",
        "paper: Cup 2020, Tea",
        "then check them: perspectives data check data=tea",
    ]


def test_the_message_names_an_absolute_folder_and_asks_for_what_is_not_there(own_cards, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a.csv")
    lines = catalog.missing_message("cake", ".").splitlines()
    assert lines[:4] == [
        f"put these files from https://example.org/tea into {tmp_path}:",
        "  - b.csv (size not published, no checksum is published)",
        "or, instead of all of them:",
        "  - b.csv (as above)",
    ]
    assert lines[4].startswith("  - original.csv (12 bytes, sha256 ")
    assert "note: It is cold." in lines


def test_verify_tells_absent_and_changed_files_apart(own_cards, tmp_path):
    assert catalog.verify("tea", tmp_path) == [f"a.csv is not in {tmp_path}", f"b.csv is not in {tmp_path}"]
    (tmp_path / "b.csv").write_text("anything")
    (tmp_path / "a.csv").write_text("a.csv")
    assert catalog.verify("tea", tmp_path) == []
    (tmp_path / "a.csv").write_text("a.csv changed")
    (problem,) = catalog.verify("tea", tmp_path)
    assert problem.startswith("a.csv has sha256 ")
    assert f"the card of tea has {own_cards['a.csv']}" in problem


def test_other_files_can_serve_instead(own_cards, tmp_path):
    assert len(catalog.verify("cake", tmp_path)) == 2
    (tmp_path / "original.csv").write_text("original.csv")
    (tmp_path / "b.csv").touch()
    assert catalog.verify("cake", tmp_path) == []
    assert list(catalog.expected("cake", tmp_path)) == ["b.csv", "original.csv"]
    (tmp_path / "original.csv").write_text("damaged")
    assert "original.csv has sha256" in catalog.verify("cake", tmp_path)[0]


def test_a_card_with_a_misspelt_field_is_refused(own_cards):
    with pytest.raises(DataError, match=r"broken\.yaml: fields \['licence', 'license'\] are missing or unknown"):
        catalog.card("broken")
    with pytest.raises(DataError, match=r"stale\.yaml: files: .*'size'; a file has url, bytes, sha256, or \{\}"):
        catalog.card("stale")


def test_published_files_have_the_checksums_of_their_cards(real_data):
    checked = 0
    for name in catalog.names():
        folder = real_data / catalog.card(name).folder
        if folder.is_dir():
            assert catalog.verify(name, folder) == []
            for file, facts in catalog.expected(name, folder).items():
                assert facts.bytes == (folder / file).stat().st_size
            checked += 1
    assert checked == 21
