"""The entries of references.bib, read as text.

An entry begins with `@type{key,` and ends with `}`, each at the beginning of a line; everything outside entries is
commentary. BibTeX is not parsed any further: entries are printed as they are.
"""

import re
from functools import cache
from pathlib import Path

from perspectives.errors import DataError

ENTRY = re.compile(r"^@\w+\{([^,\s]+),\n.*?^\}$", re.MULTILINE | re.DOTALL)


def entry(key: str) -> str:
    """The entry of that key. Raises DataError when there is none."""
    if key not in entries():
        raise DataError(f"references.bib has no entry {key!r}; add one, or correct the key")
    return entries()[key]


@cache
def entries() -> dict[str, str]:
    """Key → entry, in the order of the file. Raises DataError for a key that is there twice."""
    text = Path(__file__).with_name("references.bib").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for match in ENTRY.finditer(text):
        if match[1] in found:
            raise DataError(f"references.bib has two entries {match[1]!r}; keep one")
        found[match[1]] = match[0]
    return found
