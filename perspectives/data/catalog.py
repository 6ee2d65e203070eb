"""Where each corpus is published, under which licence, and how to know that its files are the right ones.

Nothing is downloaded: a card says what to put where. The cards are data/cards/*.yaml.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

import yaml

from perspectives.citations.bibliography import entry
from perspectives.errors import DataError


@dataclass(frozen=True)
class PublishedFile:
    """A file of a corpus, as far as it is known.

    url: where this very version is, where there is a link to it. bytes, sha256: of that version; None where they are
    not published and nobody here has seen the file.
    """

    url: str | None = None
    bytes: int | None = None
    sha256: str | None = None

    def describe(self) -> str:
        size = "size not published" if self.bytes is None else f"{self.bytes:,} bytes"
        return f"{size}, " + ("no checksum is published" if self.sha256 is None else f"sha256 {self.sha256}")


Files = Mapping[str, PublishedFile]  # by name, relative to the folder of the corpus


@dataclass(frozen=True)
class Card:
    """What is known about a published corpus.

    name: the card's name, as configurations use it. title, paper: in words. url: repository or page with the files.
    licence: as stated there. redistributable: whether it allows to pass the files on. folder: the folder's name under
    the data folder. files: what belongs there. cite: keys of perspectives/citations/references.bib, the corpus' own
    paper last. note: what to know before downloading; may be empty. instead: other files that serve in place of
    `files`.
    """

    name: str
    title: str
    paper: str
    url: str
    licence: str
    redistributable: bool
    folder: str
    files: Files
    cite: tuple[str, ...]
    note: str = ""
    instead: Files = field(default_factory=dict)

    @property
    def bibtex(self) -> str:
        """The entries to cite, one after the other."""
        return "\n\n".join(map(entry, self.cite))


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
    content = {"note": "", "instead": {}} | yaml.safe_load(path.read_text(encoding="utf-8"))
    accepted = {entry.name for entry in fields(Card)} - {"name"}
    if strange := sorted(set(content) ^ accepted):
        raise DataError(f"{path}: fields {strange} are missing or unknown; a card has {sorted(accepted)}")
    for which in ("files", "instead"):
        try:
            content[which] = {file: PublishedFile(**facts) for file, facts in content[which].items()}
        except TypeError as error:
            raise DataError(f"{path}: {which}: {error}; a file has url, bytes, sha256, or {{}}") from error
    return Card(name=name, **content | {"cite": tuple(content["cite"])})


def missing_message(name: str, folder: str | Path) -> str:
    """What to do when files of a corpus are not in `folder`: what to fetch, from where, and how to check it."""
    known = card(name)
    folder = Path(folder).expanduser().absolute()
    absent = {file: facts for file, facts in known.files.items() if not (folder / file).is_file()} or known.files
    lines = [f"put these files from {known.url} into {folder}:", *_shown(absent)]
    if known.instead:
        lines += ["or, in place of all of them:", *_shown(known.instead, above=absent)]
    lines += [f"note: {known.note}"] if known.note else []
    lines.append(f"licence: {known.licence}")
    lines.append(f"paper: {known.paper}")
    lines.append(f"then check them: perspectives data check data={name}")
    return "\n".join(lines)


def _shown(files: Files, above: Files | None = None) -> list[str]:
    lines = []
    for file, facts in files.items():
        if file in (above or {}):
            lines.append(f"  - {file} (as above)")
            continue
        lines.append(f"  - {file} ({facts.describe()})")
        lines += [f"    {facts.url}"] if facts.url else []
    return lines


def verify(name: str, folder: str | Path) -> list[str]:
    """One sentence per file of the card that is absent from `folder` or has another checksum; empty when all is well.

    A file whose checksum the card does not know only has to be there. Where all files are there that serve instead of
    the usual ones, those are checked.
    """
    problems = []
    for file, facts in expected(name, folder).items():
        path = Path(folder) / file
        if not path.is_file():
            problems.append(f"{file} is not in {folder}")
        elif facts.sha256 and (found := _sha256(path)) != facts.sha256:
            problems.append(
                f"{file} has sha256 {found}, the card of {name} says {facts.sha256}: another version, or damaged"
            )
    return problems


def expected(name: str, folder: str | Path) -> Files:
    """The files of the card that a corpus in `folder` consists of: those that serve instead where all of them are
    there, else the usual ones."""
    known = card(name)
    replaced = bool(known.instead) and all((Path(folder) / file).is_file() for file in known.instead)
    return known.instead if replaced else known.files


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
