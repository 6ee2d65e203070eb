"""The catalogue: where each corpus is published, under which licence, and the checksums of its files.

Nothing is downloaded: a card tells users which files to put where. The cards are data/cards/*.yaml.
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
    """A file of a corpus.

    url: link to exactly this version, where there is one. bytes, sha256: of that version; None where they are not
    published and the file was not at hand.
    """

    url: str | None = None
    bytes: int | None = None
    sha256: str | None = None

    def describe(self) -> str:
        """Return size and checksum as a phrase."""
        size = "size not published" if self.bytes is None else f"{self.bytes:,} bytes"
        return f"{size}, " + ("no checksum is published" if self.sha256 is None else f"sha256 {self.sha256}")


Files = Mapping[str, PublishedFile]  # by name, relative to the folder of the corpus


@dataclass(frozen=True)
class Card:
    """The catalogue entry of a published corpus.

    name: as configurations refer to it. title, paper: for people to read. url: repository or page with the files.
    licence: as stated there. redistributable: whether it allows passing the files on. folder: name of the corpus's
    folder below the data folder. files: what belongs there. cite: keys of perspectives/citations/references.bib, the
    paper of the corpus last. note: what to know before downloading; may be empty. instead: other files that can be used
    in place of `files`.
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
        """The BibTeX entries to cite, separated by blank lines."""
        return "\n\n".join(map(entry, self.cite))


@cache
def cards_dir() -> Path:
    """Return the folder of cards: data/cards in a clone, inside the package in an installed wheel.

    Raises DataError when neither exists.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "cards", package.parent / "data" / "cards"):
        if folder.is_dir():
            return folder
    raise DataError("the catalogue cards are missing; install perspectives again")


def names() -> list[str]:
    """Return the names of all cards, sorted."""
    return sorted(path.stem for path in cards_dir().glob("*.yaml"))


def card(name: str) -> Card:
    """Return a card. Raises DataError for an unknown name, and for a card whose fields are not those of `Card`."""
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
    """Return what to do when files of a corpus are missing in `folder`: what to fetch, from where, how to check."""
    known = card(name)
    folder = Path(folder).expanduser().absolute()
    absent = {file: facts for file, facts in known.files.items() if not (folder / file).is_file()} or known.files
    lines = [f"put these files from {known.url} into {folder}:", *_shown(absent)]
    if known.instead:
        lines += ["or, instead of all of them:", *_shown(known.instead, above=absent)]
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
    """Return one sentence per file of the card that is missing in `folder` or has another checksum.

    A file without a checksum on the card only has to exist. Where all files of `Card.instead` exist, they are checked
    in place of the usual ones.
    """
    problems = []
    for file, facts in expected(name, folder).items():
        path = Path(folder) / file
        if not path.is_file():
            problems.append(f"{file} is not in {folder}")
        elif facts.sha256 and (sha256 := _sha256(path)) != facts.sha256:
            problems.append(
                f"{file} has sha256 {sha256}, the card of {name} has {facts.sha256}: another version, or damaged"
            )
    return problems


def expected(name: str, folder: str | Path) -> Files:
    """Return the files that `folder` should contain: those of `Card.instead` if all exist, else the usual."""
    known = card(name)
    replaced = bool(known.instead) and all((Path(folder) / file).is_file() for file in known.instead)
    return known.instead if replaced else known.files


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
