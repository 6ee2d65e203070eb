"""One table from its specification to the files: plan, train what is missing, measure, write."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from perspectives.config import compose, literal, quote_paths
from perspectives.files import write_text
from perspectives.fit import MODEL_FREE
from perspectives.reproduction import measured
from perspectives.reproduction.expected import expected_seconds
from perspectives.reproduction.launch import launch, train
from perspectives.reproduction.progress import duration, watched
from perspectives.reproduction.results import filled
from perspectives.reproduction.spec import Paper, Table, read_paper
from perspectives.reproduction.tables import ENDINGS, render
from perspectives.reproduction.trainings import Cell, Training, cells
from perspectives.runs import Run

QUIET = "trainer.progress=false"  # several bars would write over each other


class Reproduction:
    """The work on one table.

    typed: options of the command line for all trainings. smoke: only to see whether everything runs. Runs, measurements
    and tables lie below `<paths.runs>/<paper>`, those of a smoke test in a folder of their own.
    """

    def __init__(self, paper: Paper, table: Table, typed: Sequence[str] = (), smoke: bool = False) -> None:
        self.paper, self.table, self.asked, self.smoke = paper, table, list(typed), smoke
        runs = Path(compose(overrides=[option for option in typed if option.startswith("paths.")]).paths.runs)
        self.root = runs.expanduser() / ("smoke" if smoke else "") / paper.name
        self.typed = [*(option for option in typed if not option.startswith("paths.runs=")), f"paths.runs={self.root}"]
        self.changed = any(not option.startswith("paths.") for option in typed)

    @cached_property
    def cells(self) -> list[Cell]:
        return cells(self.table, self.typed, self.smoke)

    @cached_property
    def trainings(self) -> list[Training]:
        """Of all cells, each once."""
        found = {training.run.folder: training for cell in self.cells for training in cell.trainings}
        return list(found.values())

    def missing(self) -> list[Training]:
        return [training for training in self.trainings if not training.run.finished]

    def expected(self, trainings: Sequence[Training]) -> list[float]:
        """Seconds, by what finished runs took: of this paper, or of any beside it."""
        return expected_seconds(trainings, self.root.parent)

    # What would run. -----------------------------------------------------------------------------------------------

    def forecast(self) -> str:
        """What is there, what would be trained, and about how long it takes by the speed of finished runs."""
        waiting = self.missing()
        seconds = self.expected(waiting)
        lines = [f"{self.paper.name}, {self.table.name}: {self.table.title}"]
        lines.append(f"  {len(self.trainings) - len(waiting)} of {len(self.trainings)} runs are finished")
        by_cell = {training.run.folder: cost for training, cost in zip(waiting, seconds, strict=True)}
        for cell in self.cells:
            costs = [by_cell[run.folder] for run in cell.runs if run.folder in by_cell]
            if costs:
                lines.append(f"  to run: {cell.row}, {cell.column}: {len(costs)} of {len(cell.runs)}, {_about(costs)}")
        lines += [f"  empty, in {', '.join(columns)}: {why}" for why, columns in self._empty().items()]
        lines += [f"  to measure: {', '.join(self.unmeasured())}"] if self.unmeasured() else []
        return "\n".join(
            [*lines, f"  altogether {_about(seconds)} in one process" if waiting else "  nothing to train"]
        )

    def _empty(self) -> dict[str, list[str]]:
        """Why cells stay empty → the columns they are in."""
        why: dict[str, list[str]] = {}
        for cell in self.cells:
            columns = why.setdefault(cell.empty, []) if cell.empty is not None else []
            if cell.column not in columns:
                columns.append(cell.column)
        return why

    # Running. ------------------------------------------------------------------------------------------------------

    def run(self, launcher: Sequence[str] = ()) -> list[str]:
        """Train and measure what is missing; a sentence for every job that failed. Raises KeyboardInterrupt."""
        waiting, failures = self.missing(), []
        if waiting:
            costs = self.expected(waiting)
            order = np.argsort(costs, kind="stable")  # the fast ones fill their cells early; unknown ones come last
            waiting, costs = [waiting[job] for job in order], [costs[job] for job in order]
            with watched(f"{self.table.name}, runs", costs, lambda job: waiting[job].run.finished):
                failures += _failures("train", train, [_job(training) for training in waiting], launcher)
        columns = [column for column in self.unmeasured() if self._ready(column)]
        if columns:
            costs = [float("nan")] * len(columns)
            with watched(f"{self.table.name}, measured", costs, lambda job: self._place(columns[job]).exists()):
                jobs = [self._measure_job(column) for column in columns]
                failures += _failures("measure", measure_column, jobs, launcher)
        return failures

    def _measure_job(self, column: str) -> list[str]:
        typed = ",".join(literal(option) for option in self.asked)
        return [
            f"paper={self.paper.name}", f"table={self.table.name}", f"column={literal(column)}", f"typed=[{typed}]",
            f"smoke={str(self.smoke).lower()}",
        ]  # fmt: skip

    def measure(self, column: str) -> None:
        """Measure one column now."""
        measured.measure(self.table, column, self._fillable(column), self.root, self.smoke)

    def unmeasured(self) -> list[str]:
        """Columns that are measured, with data at hand, and were not yet."""
        columns = [column for column in self.table.columns if self._fillable(column)]
        return [column for column in columns if self.table.measure is not None and not self._place(column).exists()]

    def _fillable(self, column: str) -> list[Cell]:
        return [cell for cell in self.cells if cell.column == column and cell.empty is None]

    def _ready(self, column: str) -> bool:
        return all(run.finished for cell in self._fillable(column) for run in cell.runs)

    def _place(self, column: str) -> Path:
        return measured.place(self.table, column, self._fillable(column), self.root, self.smoke)

    # Writing. ------------------------------------------------------------------------------------------------------

    def written(self, folder: Path | None, command: str, style: str) -> str:
        """Write the table as Markdown, LaTeX and CSV; return it in the style asked for, with where the files are."""
        folder = folder or self.root / "tables"
        long = filled(self.table, self.cells, self.root, self.changed, self.smoke)
        about = _environment(self._finished())
        for kind, ending in ENDINGS.items():
            text = render(self.paper, self.table, long, kind, command, about)
            write_text(folder / f"{self.table.name}.{ending}", text + "\n")
        shown = render(self.paper, self.table, long, style, command, about)
        if style != "text":
            return shown
        what_to_do = [why for why in self._empty() if "\n" in why]
        return "\n\n".join([shown, *what_to_do, f"{folder / self.table.name}.md, .tex, .csv"])

    def _finished(self) -> list[Run]:
        return [training.run for training in self.trainings if training.run.finished]


def measure_column(config: DictConfig) -> None:
    """The job of one measurement, see conf/measure.yaml."""
    paper = read_paper(config.paper)
    Reproduction(paper, paper.tables[config.table], list(config.typed), config.smoke).measure(config.column)


def _failures(name: str, task: Any, jobs: list[list[str]], launcher: Sequence[str]) -> list[str]:
    """Launch all; a sentence for every job that failed."""
    failed = launch(name, task, jobs, launcher)
    return [f"{' '.join(job)}: {error}" for job, error in zip(jobs, failed, strict=True) if error is not None]


def _job(training: Training) -> list[str]:
    trained = training.config.model.name != MODEL_FREE
    return [*quote_paths(training.overrides), *([QUIET] if trained else [])]


def _about(seconds: Sequence[float]) -> str:
    """`about 3 min`, by those that can be told."""
    known = [cost for cost in seconds if cost == cost]
    if not known:
        return "for a time that no finished run tells"
    usual = sum(known) / len(known)
    return f"about {duration(sum(known) + usual * (len(seconds) - len(known)))}"


def _environment(runs: Sequence[Run]) -> list[str]:
    """How the runs were made, in one sentence; nothing without runs."""
    if not runs:
        return []
    records = [run.provenance for run in runs]
    encoders = dict.fromkeys(filter(None, (_encoder(run) for run in runs)))
    parts = [f"{len(runs)} runs", f"encoders {', '.join(encoders)}"] if encoders else [f"{len(runs)} runs"]
    parts += [
        ", ".join(dict.fromkeys(record["machine"] for record in records)),
        *(
            f"{package} {', '.join(dict.fromkeys(record['versions'][package] for record in records))}"
            for package in ("torch", "transformers")
        ),
        "commits " + ", ".join(dict.fromkeys((record["commit"] or "unknown")[:7] for record in records)),
    ]
    return [f"Environment: {'; '.join(parts)}."]


def _encoder(run: Run) -> str | None:
    encoder = run.config.get("encoder")
    if not encoder:
        return None
    name = encoder.get("name") or encoder["_target_"].rpartition(".")[2].lower()
    return f"{name} ({encoder['tune']})" if "tune" in encoder else name
