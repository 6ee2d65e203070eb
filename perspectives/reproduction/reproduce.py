"""One table from its specification to the files: plan, train what is missing, measure, write."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from perspectives.config import changes_results, compose, literal, quote_paths
from perspectives.errors import ConfigError
from perspectives.files import write_text
from perspectives.reproduction.expected import SMOKE_FOLDER, expected_seconds
from perspectives.reproduction.launch import launch, train
from perspectives.reproduction.measured import Context, Kept, Measurements
from perspectives.reproduction.progress import duration, watched, whole
from perspectives.reproduction.results import filled
from perspectives.reproduction.spec import Paper, Table, read_paper
from perspectives.reproduction.tables import ENDINGS, render
from perspectives.reproduction.trainings import Cell, PlannedRun, cells, trains
from perspectives.runs.groups import encoder_of, options_of
from perspectives.runs.run import Run
from perspectives.training.fit import MODEL_FREE

SMOKE = "this is a smoke test, a tiny encoder on few items: its numbers mean nothing"
QUIET = "trainer.progress=false"  # several bars would write over each other


class Reproduction:
    """The work on one table.

    typed: options of the command line for all trainings. smoke: whether this is only a test that everything runs. Runs
    and tables are kept below `<paths.runs>/<paper>`, measurements and trainings that papers share beside them, and
    everything of a smoke test in a folder of its own.

    Raises ConfigError for options of trainings where no cell needs a training.
    """

    def __init__(self, paper: Paper, table: Table, typed: Sequence[str] = (), smoke: bool = False) -> None:
        table = replace(table, differs=[SMOKE], baseline=None) if smoke else table
        self.paper, self.table, self.asked, self.smoke = paper, table, list(typed), smoke
        places = tuple(option for option in typed if option.startswith("paths."))
        paths = compose(overrides=places).paths
        runs = Path(paths.runs).expanduser() / (SMOKE_FOLDER if smoke else "")
        self.data = Path(paths.data).expanduser()
        self.root = runs / paper.name
        self.typed = [*(option for option in typed if not option.startswith("paths.runs=")), f"paths.runs={self.root}"]
        others = [option for option in typed if option not in places]
        self.changed = smoke or any(map(changes_results, others))
        self.measurements = Measurements(table, Context(runs, places, smoke))
        if others and not any(trains(table, row, column) for column in table.columns for row in table.rows):
            raise ConfigError(_unusable(paper, table, others))

    @cached_property
    def cells(self) -> list[Cell]:
        return [self._with_data(cell) for cell in cells(self.table, self.typed, self.smoke)]

    def _with_data(self, cell: Cell) -> Cell:
        """The cell; empty when it is measured on data that is missing."""
        if self.table.measure is None or cell.empty is not None:
            return cell
        return replace(cell, empty=self.measurements.missing(cell.column))

    @cached_property
    def trainings(self) -> list[PlannedRun]:
        """The planned runs of all cells, each once."""
        by_folder = {training.run.folder: training for cell in self.cells for training in cell.trainings}
        return list(by_folder.values())

    def missing(self) -> list[PlannedRun]:
        return [training for training in self.trainings if not training.run.finished]

    def unmeasured(self) -> list[Cell]:
        """Cells that are still to be measured, and whose data is there."""
        if self.table.measure is None:
            return []
        return [cell for cell in self.cells if cell.empty is None and not self.measurements.finished(cell)]

    def expected(self, trainings: Sequence[PlannedRun]) -> list[float]:
        """Seconds that each training is expected to take, by finished runs of this paper and the others beside it."""
        return expected_seconds(trainings, self.root.parent)

    # What would run. -----------------------------------------------------------------------------------------------

    def forecast(self) -> str:
        """What is finished, what would be trained, and about how long it would take at the speed of finished runs."""
        waiting = self.missing()
        seconds = self.expected(waiting)
        lines = [f"{self.paper.name}, {self.table.name}: {self.table.title}"]
        if self.trainings:
            lines.append(f"  {len(self.trainings) - len(waiting)} of {len(self.trainings)} runs are finished")
        by_cell = {training.run.folder: cost for training, cost in zip(waiting, seconds, strict=True)}
        for cell in self.cells:
            costs = [by_cell[run.folder] for run in cell.runs if run.folder in by_cell]
            if costs:
                lines.append(f"  to run: {cell.row}, {cell.column}: {len(costs)} of {len(cell.runs)}, {_about(costs)}")
        lines += [f"  empty, in {', '.join(columns)}: {why}" for why, columns in self._empty().items()]
        unmeasured = self.unmeasured()
        own = self._own_trainings(unmeasured)
        for column in dict.fromkeys(cell.column for cell in unmeasured):
            mine = [costs for cell, costs in zip(unmeasured, own, strict=True) if cell.column == column]
            costs = list(itertools.chain(*mine))
            more = f", with at most {len(costs)} trainings of their own, {_about(costs)}" if costs else ""
            rows = sum((cell.column, cell.empty) == (column, None) for cell in self.cells)
            lines.append(f"  to measure: {column}: {len(mine)} of {rows} rows{more}")
            seconds += costs
        nothing = "  nothing to train" + ("" if unmeasured else " or measure")
        return "\n".join([*lines, f"  altogether {_about(seconds)} in one process" if seconds else nothing])

    def _own_trainings(self, waiting: Sequence[Cell]) -> list[list[float]]:
        """For each of these cells, the seconds of every training that it needs and no cell before it does.

        This is an upper bound: which of them are finished is only known when they are needed."""
        alike = {cell.column: self.measurements.column(cell.column).alike for cell in waiting}
        examples = {column: training for column, training in alike.items() if training is not None}
        seconds = dict(zip(examples, self.expected(list(examples.values())), strict=True)) if examples else {}
        costs, counted = [], set[tuple]()
        for cell in waiting:
            needed = self.measurements.column(cell.column).trainings(self.table.rows[cell.row].given)
            new = {(cell.column, name) for name in needed} - counted
            costs.append([seconds.get(cell.column, float("nan"))] * len(new))
            counted |= new
        return costs

    def _empty(self) -> dict[str, list[str]]:
        """The columns of empty cells, by the reason why they are empty."""
        why: dict[str, list[str]] = {}
        for cell in self.cells:
            columns = why.setdefault(cell.empty, []) if cell.empty is not None else []
            if cell.column not in columns:
                columns.append(cell.column)
        return why

    # Running. ------------------------------------------------------------------------------------------------------

    def run(self, launcher: Sequence[str] = ()) -> list[str]:
        """Train and measure what is missing. Returns a sentence for every job that failed. Raises KeyboardInterrupt."""
        waiting, failures = self.missing(), []
        launcher = [*launcher, *quote_paths([f"paths.runs={self.root}"])]  # Hydra keeps its record of them there
        if waiting:
            costs = self.expected(waiting)
            order = np.argsort(costs, kind="stable")  # the fast ones fill their cells early; unknown ones come last
            waiting, costs = [waiting[job] for job in order], [costs[job] for job in order]
            with watched(f"{self.table.name}, runs", costs, lambda job: waiting[job].run.finished):
                failures += _failures("train", train, [_job(training) for training in waiting], launcher)
        failures += self._measured(launcher)
        return failures

    def _measured(self, launcher: Sequence[str]) -> list[str]:
        """Measure the cells whose runs are finished, in a job per column. Returns a sentence for each that failed."""
        waiting = [cell for cell in self.unmeasured() if all(run.finished for run in cell.runs)]
        if not waiting:
            return []
        for cell in waiting:
            self.measurements.place(cell).unlink(missing_ok=True)  # the record of a failure
        own = self._own_trainings(waiting)
        costs = [sum(costs) if any(own) else float("nan") for costs in own]
        jobs = [self._measure_job(column) for column in dict.fromkeys(cell.column for cell in waiting)]
        with watched(
            f"{self.table.name}, measured", costs,
            finished=lambda job: self.measurements.finished(waiting[job]),
            failed=lambda job: self._failed(waiting[job]),
        ):  # fmt: skip
            failures = _failures("measure", measure_column, jobs, launcher)
        results = [(cell, self.measurements.kept(cell)) for cell in waiting]
        return failures + [
            f"{cell.row}, {cell.column}: {kept.failed}" for cell, kept in results if kept and kept.failed
        ]

    def _failed(self, cell: Cell) -> bool:
        kept = self.measurements.kept(cell)
        return kept is not None and kept.failed is not None

    def _measure_job(self, column: str) -> list[str]:
        typed = ",".join(literal(option) for option in self.asked)
        return [
            f"paper={self.paper.name}", f"table={self.table.name}", f"column={literal(column)}", f"typed=[{typed}]",
            f"smoke={str(self.smoke).lower()}",
        ]  # fmt: skip

    def measure(self) -> None:
        """Measure the cells whose runs are finished, in this process."""
        for cell in self.unmeasured():
            if all(run.finished for run in cell.runs):
                self.measurements.measure(cell)

    # Writing. ------------------------------------------------------------------------------------------------------

    def written(self, folder: Path | None, command: str, style: str) -> str:
        """Write the table as Markdown, LaTeX and CSV. Returns it in the given style; as text, with the files' paths."""
        folder = folder or self.root / "tables"
        kept = self._kept()
        long = filled(self.table, self.cells, kept, self.changed)
        # Tables are shared; paths of this machine stay out of them.
        long["empty"] = long["empty"].str.replace(f"{self.data}/", "", regex=False)
        about = _environment(self._finished(), list(kept.values()))
        for kind, ending in ENDINGS.items():
            text = render(self.table, long, kind, command, about)
            write_text(folder / f"{self.table.name}.{ending}", text + "\n")
        shown = render(self.table, long, style, command, about)
        if style != "text":
            return shown
        what_to_do = [why for why in self._empty() if "\n" in why]
        return "\n\n".join([shown, *what_to_do, f"{folder / self.table.name}.md, .tex, .csv"])

    def _finished(self) -> list[Run]:
        return [training.run for training in self.trainings if training.run.finished]

    def _kept(self) -> dict[tuple[str, str], Kept]:
        """Kept results of measured cells, by row and column."""
        if self.table.measure is None:
            return {}
        results = {(cell.row, cell.column): self.measurements.kept(cell) for cell in self.cells if cell.empty is None}
        return {place: kept for place, kept in results.items() if kept is not None}


def measure_column(config: DictConfig) -> None:
    """The job of one column, see conf/measure.yaml."""
    paper = read_paper(config.paper)
    table = paper.tables[config.table]
    table = replace(table, columns={config.column: table.columns[config.column]})
    Reproduction(paper, table, list(config.typed), config.smoke).measure()


def _unusable(paper: Paper, table: Table, options: Sequence[str]) -> str:
    return (
        f"table={table.name} of {paper.name} is measured, so {', '.join(options)} would change nothing; leave it out "
        "(accepted: table, smoke, output, paths.… and hydra…)"
    )


def _failures(name: str, task: Any, jobs: list[list[str]], launcher: Sequence[str]) -> list[str]:
    """Launch all jobs. Returns a sentence for every one that failed."""
    failed = launch(name, task, jobs, launcher)
    return [f"{' '.join(job)}: {error}" for job, error in zip(jobs, failed, strict=True) if error is not None]


def _job(training: PlannedRun) -> list[str]:
    trained = training.config.model.name != MODEL_FREE
    return [*quote_paths(training.overrides), *([QUIET] if trained else [])]


def _about(seconds: Sequence[float]) -> str:
    """`about 3 min` for all of these, estimated from those that are known."""
    altogether = whole(seconds)
    return f"about {duration(altogether)}" if altogether == altogether else "for an unknown time"


def _environment(runs: Sequence[Run], kept: Sequence[Kept]) -> list[str]:
    """How the numbers were made, in one sentence; none where there are no numbers."""
    records = [run.provenance for run in runs] + [dict(result.environment) for result in kept]
    if not records:
        return []
    encoders = dict.fromkeys(filter(None, (encoder_of(options_of(run)) for run in runs)))
    parts = [f"{len(runs)} runs"] if runs else []
    parts += [f"{len(kept)} measured cells"] if kept else []
    parts += [f"encoders {', '.join(encoders)}"] if encoders else []
    parts += [_distinct(record["machine"] for record in records)]
    parts += ["Python " + _distinct(record["python"] for record in records)]
    parts += [
        f"{package} {_distinct(record['versions'][package] or 'absent' for record in records)}"
        for package in ("torch", "transformers", "numpy")
    ]
    return [f"Environment: {'; '.join([*parts, 'commits ' + _distinct(map(_short, records))])}."]


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))


def _short(record: Mapping[str, Any]) -> str:
    """The first seven digits of the commit, with `+changes` where files differed from it."""
    commit, plus, changes = (record["commit"] or "unknown").partition("+")
    return commit[:7] + plus + changes
