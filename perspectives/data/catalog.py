"""Where each corpus is published, under which licence, and how to know that its files are the right ones.

Nothing is downloaded: a card says what to put where. The cards are data/cards/*.yaml.
"""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

import yaml

from perspectives.errors import DataError


@dataclass(frozen=True)
class Card:
    """What is known about a published corpus.

    name: the card's name, as configurations use it. title, paper: in words. url: repository or page with the files.
    licence: as stated there. redistributable: whether it allows to pass the files on. folder: the folder's name under
    the data folder. files: relative name -> SHA-256, None where it was not computed. bibtex: one entry, or several.
    note: what to know before downloading; may be empty. instead: other files that serve in place of `files`.
    """

    name: str
    title: str
    paper: str
    url: str
    licence: str
    redistributable: bool
    folder: str
    files: dict[str, str | None]
    bibtex: str
    note: str = ""
    instead: dict[str, str | None] = field(default_factory=dict)


@cache
def cards_dir() -> Path:
    """The folder of cards: data/cards in a clone, inside the package in an installed wheel. Else DataError."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "cards", package.parent / "data" / "cards"):
        if folder.is_dir():
            return folder
    raise DataError("the catalogue cards are not there; install perspectives again")


def names() -> list[str]:
    """All cards, sorted."""
    return sorted(path.stem for path in cards_dir().glob("*.yaml"))


def card(name: str) -> Card:
    """Raises DataError for an unknown name, and for a card whose fields are not those of `Card`."""
    path = cards_dir() / f"{name}.yaml"
    if name not in names():
        raise DataError(f"there is no card {name!r}; choose one of {', '.join(names())}")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    accepted = {entry.name for entry in fields(Card)} - {"name"}
    content = {"note": "", "instead": {}} | content
    if strange := sorted(set(content) ^ accepted):
        raise DataError(f"{path}: fields {strange} are missing or unknown; a card has {sorted(accepted)}")
    return Card(name=name, **content)


def missing_message(name: str, folder: str | Path) -> str:
    """What to do when files of a corpus are not in `folder`: what to fetch, from where, and how to check it."""
    known = card(name)
    lines = [f"put these files from {known.url} into {folder}:"]
    lines += [f"  - {file}" + (f" (sha256 {digest})" if digest else "") for file, digest in known.files.items()]
    lines += [known.note] if known.note else []
    lines.append(f"licence: {known.licence}; paper: {known.paper}")
    return "\n".join(lines)


def verify(name: str, folder: str | Path) -> list[str]:
    """One sentence per file of the card that is absent from `folder` or has another checksum; empty when all is well.

    A file whose checksum the card does not know only has to be there. Where all files are there that serve instead of
    the usual ones, those are checked.
    """
    known = card(name)
    replaced = bool(known.instead) and all((Path(folder) / file).is_file() for file in known.instead)
    problems = []
    for file, expected in (known.instead if replaced else known.files).items():
        path = Path(folder) / file
        if not path.is_file():
            problems.append(f"{file} is not in {folder}")
        elif expected and (found := _sha256(path)) != expected:
            problems.append(
                f"{file} has sha256 {found}, the card of {name} says {expected}: another version, or damaged"
            )
    return problems


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
