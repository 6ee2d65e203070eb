"""BibTeX for everything a run used: data, model, encoder, training, metrics, software.

perspectives cite run=runs/hs_brexit
perspectives cite run='runs/hs_brexit/jury-*' output=hs_brexit.bib

  run=RUN       run folders, a folder above them, or a pattern
  output=FILE   where to write it, replaced where it exists (default: it is printed)

Each entry comes once, after lines that say what it is cited for. Things that should be cited but have no entry here are
named as well; generated data, the tiny encoder, priors and majority votes need no citation. Of other verbs, only the
correction that `perspectives compare` makes for several methods is included.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perspectives.errors import RunError
from perspectives.verbs.options import parsed

if TYPE_CHECKING:
    from perspectives.citations.used import Use
    from perspectives.runs.run import Run


@dataclass(frozen=True)
class Options:
    """What was typed; see the top of this file."""

    run: str
    output: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("options", nargs="*", metavar="OPTION=VALUE", help="see above")


def main(args: argparse.Namespace) -> None:
    from perspectives.citations.used import uses
    from perspectives.files import write_text

    options = parsed(args.options, Options)
    finished, unfinished = _runs(options.run)
    text = bibtex(uses(finished), [run.folder.name for run in unfinished])
    if options.output is None:
        print(text, end="")
    else:
        output = Path(options.output).expanduser()
        write_text(output, text)
        print(f"{output}\n  of {len(finished)} run{'s' * (len(finished) > 1)}")


def bibtex(uses: Sequence["Use"], unfinished: Sequence[str] = ()) -> str:
    """The entries in the order of their first use, preceded by uses without an entry."""
    from perspectives.citations.bibliography import entry

    reasons: dict[str, list[str]] = defaultdict(list)
    lines = [f"% left out, unfinished: {name}\n" for name in unfinished]
    for use in uses:
        if use.key is None:
            lines.append(f"% {use.role}: {use.what}\n")
        else:
            reasons[use.key].append(f"% {use.role}: {use.what}\n")
    blocks = ["".join(cited_for) + entry(key) + "\n" for key, cited_for in reasons.items()]
    return "\n".join([*(["".join(lines)] if lines else []), *blocks])


def _runs(path: str) -> tuple[list["Run"], list["Run"]]:
    """The finished runs and the others. Raises RunError when there is none, or none is finished."""
    from perspectives.runs.run import find_runs

    runs = find_runs([path])
    finished = [run for run in runs if run.finished]
    if not finished:
        raise RunError(f"no run in {path} is finished; resume {runs[0].folder} with the command that began it")
    return finished, [run for run in runs if not run.finished]
