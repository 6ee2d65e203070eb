"""Tables of papers: train what is missing, measure, and put the published values beside ours.

perspectives reproduce list
perspectives reproduce lewidi2023                                  all its tables, the paper's encoders and protocol
perspectives reproduce lewidi2023 table=soft --dry-run             what would run, and about how long
perspectives reproduce davani2022 table=offline hydra/launcher=joblib hydra.launcher.n_jobs=4
perspectives reproduce davani2022 smoke=true                       test that everything runs

  table=NAME[,NAME]   which tables (default: all of the paper)
  smoke=BOOL          test that everything runs: a tiny encoder, one epoch, at most 40 items of each published part, the
                      first of swept values; the numbers mean nothing (default: false)
  output=FOLDER       where the tables go, as NAME.md, NAME.tex and NAME.csv (default: tables/ beside the runs)
  hydra…=…            how jobs are launched: one after the other, hydra/launcher=joblib (several at once), or
                      hydra/launcher=submitit_slurm (a cluster); pip install 'perspectives[launchers]'
  OPTION=VALUE        any other option of `perspectives train`, for all trainings; published values are then shown as
                      not comparable; tables without trainings for their cells take only paths.…=FOLDER

A table is specified in experiments/PAPER/table.yaml. Runs are kept in PAPER/ below the folder of runs, measured cells
in measured/: finished ones are not run again, and killed ones continue where they stopped.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perspectives.errors import ConfigError, listing
from perspectives.reports.formats import FORMATS
from perspectives.verbs.options import parsed, yes


@dataclass(frozen=True)
class Options:
    """What was typed for this verb; see the top of this file."""

    table: str | None = None
    smoke: str = "false"
    output: str | None = None


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
    others: list[str] = []
    options = parsed(args.options, Options, others=others)
    names, smoke = _tables(options.table, list(paper.tables)), yes("smoke", options.smoke)
    output = None if options.output is None else Path(options.output).expanduser()
    launcher = [option for option in others if option.startswith("hydra")]
    typed = [option for option in others if option not in launcher]

    from perspectives.reproduction.reproduce import Reproduction

    complete = True
    works = [Reproduction(paper, paper.tables[name], typed, smoke) for name in names]
    for name, work in zip(names, works, strict=True):
        if args.dry_run:
            print(work.forecast())
            continue
        failures = work.run(launcher)
        print(work.written(output, command(args.paper, name, smoke, typed), args.format))
        complete = complete and not failures
        if failures:
            print(f"\nfailed: {len(failures)} job(s)\n{listing(failures)}\n", file=sys.stderr)
    return 0 if complete else 1


def command(paper: str, table: str, smoke: bool, typed: Sequence[str]) -> str:
    """The command that reproduces one table, without paths of this machine."""
    words = ["perspectives", "reproduce", paper, f"table={table}"]
    words += ["smoke=true"] if smoke else []
    return shlex.join([*words, *(option for option in typed if not option.startswith("paths."))])


def _tables(typed: str | None, available: Sequence[str]) -> list[str]:
    names = list(available) if typed is None else typed.split(",")
    if unknown := [name for name in names if name not in available]:
        raise ConfigError(f"table={unknown[0]} is unknown; choose from {', '.join(available)}")
    return names


def _listed() -> str:
    from perspectives.reproduction.spec import papers, read_paper

    lines = []
    for paper in map(read_paper, papers()):
        lines.append(f"{paper.name}: {paper.title} ({paper.paper})")
        widest = max(map(len, paper.tables))
        lines += [f"  table={name:<{widest}} {table.title}" for name, table in paper.tables.items()]
    return "\n".join(lines)
