"""Tables of papers: train what is missing, measure, and put the published values beside ours.

perspectives reproduce list
perspectives reproduce lewidi2023                                  all its tables, the paper's encoders and protocol
perspectives reproduce lewidi2023 table=soft --dry-run             what would run, and about how long
perspectives reproduce davani2022 table=offline hydra/launcher=joblib hydra.launcher.n_jobs=4
perspectives reproduce davani2022 smoke=true                       does everything run? tiny encoder, few items

  table=NAME[,NAME]   which tables (default: all of the paper)
  smoke=BOOL          a tiny encoder, one epoch, at most 40 items of each published part, the first of everything that
                      is swept; the numbers mean nothing (default: false)
  output=FOLDER       where the tables go, as NAME.md, NAME.tex and NAME.csv (default: tables/ beside the runs)
  hydra…=…            how jobs are launched: one after the other, hydra/launcher=joblib (several at once), or
                      hydra/launcher=submitit_slurm (a cluster); pip install 'perspectives[launchers]'
  OPTION=VALUE        any other option of `perspectives train`, for all trainings; published values are then shown as
                      not comparable; tables without trainings for their cells take only paths.…=FOLDER

A table is specified in experiments/PAPER/table.yaml. Runs are kept in PAPER/ below the folder of runs, cells that are
measured in measured/: what is finished is not run again, and what was killed goes on where it stopped.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perspectives.errors import ConfigError, listing

OWN = ("table", "smoke", "output")
FORMATS = ("text", "markdown", "latex", "csv")


@dataclass(frozen=True)
class Asked:
    """What was typed. typed: options of trainings. launcher: of Hydra."""

    tables: tuple[str, ...]
    smoke: bool
    output: Path | None
    typed: tuple[str, ...]
    launcher: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paper", metavar="PAPER", help="whose tables, or `list`")
    parser.add_argument("options", nargs="*", default=[], metavar="OPTION=VALUE", help="see above")
    parser.add_argument("--dry-run", action="store_true", help="say what would run and about how long it takes")
    parser.add_argument("--format", choices=FORMATS, default="text", help="what is printed")


def main(args: argparse.Namespace) -> int:
    from perspectives.reproduction.spec import read_paper

    if args.paper == "list":
        print(_listed())
        return 0
    paper = read_paper(args.paper)
    asked = _asked(args.options, list(paper.tables))

    from perspectives.reproduction.reproduce import Reproduction

    complete = True
    names = asked.tables or tuple(paper.tables)
    works = [Reproduction(paper, paper.tables[name], asked.typed, asked.smoke) for name in names]
    for name, work in zip(names, works, strict=True):
        if args.dry_run:
            print(work.forecast())
            continue
        failures = work.run(asked.launcher)
        print(work.written(asked.output, command(args.paper, name, asked), args.format))
        complete = complete and not failures
        if failures:
            print(f"\nfailed: {len(failures)} job(s)\n{listing(failures)}\n", file=sys.stderr)
    return 0 if complete else 1


def command(paper: str, table: str, asked: Asked) -> str:
    """What to type for one table again, on whatever machine: without places of this one."""
    words = ["perspectives", "reproduce", paper, f"table={table}"]
    words += ["smoke=true"] if asked.smoke else []
    return shlex.join([*words, *(option for option in asked.typed if not option.startswith("paths."))])


def _asked(options: Sequence[str], tables: Sequence[str]) -> Asked:
    for option in options:
        if "=" not in option:
            raise ConfigError(f"{option!r} is no option; write OPTION=VALUE, such as table={tables[0]}")
    own = dict(option.split("=", 1) for option in options if option.partition("=")[0] in OWN)
    others = [option for option in options if option.partition("=")[0] not in OWN]
    names = tuple(own["table"].split(",")) if "table" in own else ()
    if strange := [name for name in names if name not in tables]:
        raise ConfigError(f"table={strange[0]} is not there; choose from {', '.join(tables)}")
    if own.get("smoke", "false") not in ("true", "false"):
        raise ConfigError(f"smoke={own['smoke']} is neither true nor false")
    output = Path(own["output"]).expanduser() if "output" in own else None
    launcher = tuple(option for option in others if option.startswith("hydra"))
    typed = tuple(option for option in others if not option.startswith("hydra"))
    return Asked(names, own.get("smoke") == "true", output, typed, launcher)


def _listed() -> str:
    from perspectives.reproduction.spec import papers, read_paper

    lines = []
    for paper in map(read_paper, papers()):
        lines.append(f"{paper.name}: {paper.title} ({paper.paper})")
        widest = max(map(len, paper.tables))
        lines += [f"  table={name:<{widest}} {table.title}" for name, table in paper.tables.items()]
    return "\n".join(lines)
