"""The references as BibTeX: every entry is whole, says what a reference needs, and is the one that was asked for."""

import re
from pathlib import Path

import pytest
import yaml

from perspectives.citations import bibliography
from perspectives.citations.bibliography import entries, entry
from perspectives.data import catalog
from perspectives.errors import DataError
from perspectives.reproduction.spec import papers, read_paper

PLACE = {"inproceedings": "booktitle", "article": "journal"}  # where entries of a type say they appeared
FIELD = re.compile(r"  (\w+) = \{(.*)\},")
DOI = re.compile(r"10\.\d{4,}/\S+")


def parsed(text: str) -> tuple[str, str, dict[str, str]]:
    """Type, key and fields of an entry whose lines are all `  name = {value},`; stricter than BibTeX."""
    first, *lines, last = text.split("\n")
    kind, key = re.fullmatch(r"@(\w+)\{([\w-]+),", first).groups()
    assert last == "}"
    pairs = [FIELD.fullmatch(line).groups() for line in lines]
    fields = dict(pairs)
    assert len(fields) == len(pairs)
    for value in fields.values():
        depth = 0
        for character in value:
            depth += {"{": 1, "}": -1}.get(character, 0)
            assert depth >= 0
        assert depth == 0
        assert not re.search(r"(?<!\\)[&%#]", value)
    return kind, key, fields


@pytest.mark.parametrize("key", entries())
def test_every_entry_is_whole(key):
    kind, found, fields = parsed(entry(key))
    assert found == key
    assert {"title", "author"} <= set(fields)
    assert PLACE.get(kind, "title") in fields
    assert "year" not in fields or re.fullmatch(r"(19|20)\d\d", fields["year"])
    assert "year" in fields or "howpublished" in fields
    assert all(fields["author"].split(" and "))
    if "doi" in fields:
        assert DOI.fullmatch(fields["doi"])
    if "pages" in fields:
        first, last = map(int, fields["pages"].split("--"))
        assert first < last
    if kind == "misc" and "eprint" in fields:
        assert re.fullmatch(r"\d{4}\.\d{5}", fields["eprint"])


@pytest.mark.parametrize(
    "broken",
    [
        "@misc{a,\n  title = {Tea},\n  title = {Tea},\n}",
        "@misc{a,\n  title = {Tea}},\n}",
        "@misc{a,\n  title = {}T{ea},\n}",
        "@misc{a,\n  title = {Tea & cake},\n}",
        "@misc{a,\n  title = Tea,\n}",
    ],
)
def test_the_check_above_can_fail(broken):
    with pytest.raises((AssertionError, AttributeError)):
        parsed(broken)


def test_no_entry_of_the_file_is_overlooked():
    text = Path(bibliography.__file__).with_name("references.bib").read_text()
    assert len(re.findall("^@", text, flags=re.MULTILINE)) == len(entries()) > 60


def test_an_unknown_key_is_named():
    with pytest.raises(DataError, match=r"references\.bib has no entry 'nobody-2020'"):
        entry("nobody-2020")


def test_no_entry_is_without_use():
    from perspectives.citations import used

    named = {key for name in catalog.names() for key in catalog.card(name).cite}
    source = Path(used.__file__).read_text()
    named |= {key for key in entries() if f'"{key}"' in source}
    named |= {key for name in papers() for key in read_paper(name).cite}
    assert named == set(entries())


def test_the_software_is_the_one_of_the_citation_file():
    facts = yaml.safe_load((Path(__file__).parents[2] / "CITATION.cff").read_text())
    _, _, fields = parsed(entry("perspectives"))
    assert fields["title"].replace("{", "").replace("}", "") == facts["title"]
    assert fields["author"].strip("{}") == facts["authors"][0]["name"]
    assert fields["year"] == str(facts["date-released"].year)
    assert fields["license"] == facts["license"]
    for reference in facts["references"]:
        plain = [parsed(text)[2]["title"].replace("{", "").replace("}", "") for text in entries().values()]
        assert reference["title"] in plain
