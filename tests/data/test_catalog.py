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
    for digest in [*known.files.values(), *known.instead.values()]:
        assert digest is None or re.fullmatch("[0-9a-f]{64}", digest)
    # Entries are whole: every brace closes, and each has what a reference needs.
    assert known.bibtex.count("{") == known.bibtex.count("}")
    entries = re.findall(r"^@\w+\{", known.bibtex, flags=re.MULTILINE)
    assert len(entries) == len(re.findall(r"^  title = ", known.bibtex, flags=re.MULTILINE)) > 0


def test_there_are_nineteen_cards_and_unknown_names_are_told():
    assert len(catalog.names()) == 19
    with pytest.raises(DataError, match="there is no card 'brexit'; choose one of armis, csc, dices_350"):
        catalog.card("brexit")


@pytest.fixture
def own_cards(tmp_path, monkeypatch):
    folder = tmp_path / "cards"
    folder.mkdir()
    monkeypatch.setattr(catalog, "cards_dir", lambda: folder)
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a.csv", "original.csv")}
    text = f"""title: Tea
paper: "Cup 2020, Tea"
url: https://example.org/tea
licence: CC0
redistributable: true
folder: tea
files:
  a.csv: {digests["a.csv"]}
  b.csv: null
bibtex: "@misc{{tea}}"
"""
    (folder / "tea.yaml").write_text(text)
    (folder / "cake.yaml").write_text(text + f"instead:\n  original.csv: {digests['original.csv']}\n")
    (folder / "broken.yaml").write_text(text.replace("licence: CC0", "license: CC0"))
    return digests


def test_the_message_names_url_folder_and_checksums(own_cards):
    message = catalog.missing_message("tea", "data/raw/tea")
    assert message.splitlines() == [
        "put these files from https://example.org/tea into data/raw/tea:",
        f"  - a.csv (sha256 {own_cards['a.csv']})",
        "  - b.csv",
        "licence: CC0; paper: Cup 2020, Tea",
    ]


def test_verify_tells_absent_and_changed_files_apart(own_cards, tmp_path):
    assert catalog.verify("tea", tmp_path) == [f"a.csv is not in {tmp_path}", f"b.csv is not in {tmp_path}"]
    (tmp_path / "b.csv").write_text("anything")
    (tmp_path / "a.csv").write_text("a.csv")
    assert catalog.verify("tea", tmp_path) == []
    (tmp_path / "a.csv").write_text("a.csv changed")
    (problem,) = catalog.verify("tea", tmp_path)
    assert problem.startswith("a.csv has sha256 ")
    assert f"the card of tea says {own_cards['a.csv']}" in problem


def test_other_files_can_serve_instead(own_cards, tmp_path):
    assert len(catalog.verify("cake", tmp_path)) == 2
    (tmp_path / "original.csv").write_text("original.csv")
    assert catalog.verify("cake", tmp_path) == []
    (tmp_path / "original.csv").write_text("damaged")
    assert "original.csv has sha256" in catalog.verify("cake", tmp_path)[0]


def test_a_card_with_a_misspelt_field_is_refused(own_cards):
    with pytest.raises(DataError, match=r"broken\.yaml: fields \['licence', 'license'\] are missing or unknown"):
        catalog.card("broken")


def test_published_files_have_the_checksums_of_their_cards(real_data):
    checked = 0
    for name in catalog.names():
        folder = real_data / catalog.card(name).folder
        if folder.is_dir():
            assert catalog.verify(name, folder) == []
            checked += 1
    assert checked == 16
