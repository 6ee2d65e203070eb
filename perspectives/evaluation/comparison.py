"""Several runs in one table: folds joined, seeds averaged, all methods on the same pairs, priors beside the models.

Reads Predictions; no model is loaded. Missing priors are computed from the corpus where it is available.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from perspectives.errors import DataError, RunError
from perspectives.evaluation.outside_answers import imported
from perspectives.evaluation.scores import METRICS_OF_PAIRS, Evaluation
from perspectives.files import TABLE_SUFFIXES
from perspectives.metrics.direction import lower_is_better, signed
from perspectives.metrics.estimate import Estimate, combine
from perspectives.metrics.groups import GroupScores, by_group, membership
from perspectives.metrics.intervals import Interval
from perspectives.predictions import PAIR_KEY, Predictions, join
from perspectives.runs.groups import (
    USUAL,
    encoder_name,
    encoder_of,
    fold_of,
    folds_by_seed,
    grouped,
    on_common_folds,
    options_of,
    refuse_mixtures,
    without_twins,
)
from perspectives.runs.run import RESULTS_VERSION, Run, find_runs
from perspectives.training.fit import MODEL_FREE, fit

SELECTED_BY = ("individual/cross_entropy", "individual/mae")  # on validation, lower is better; the first available
ASKED = ("control", "adapt")  # the purpose of a run, not settings to be selected by score
ORDER = (
    "most_frequent", "class_prior", "train_mean", "train_median", "annotator_mode", "annotator_prior", "annotator_mean",
    "annotator_median", "majority", "softlabel", "multitask", "multitask_shared", "multilabel", "ensemble", "embedding",
    "jury", "jury_text", "jury_attributes", "jury_id", "conditioned",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Entry:
    """One row: a method with one configuration.

    evaluations: one per seed, on the joined folds. options: the configuration without seed and fold, flat.
    validation: mean selection score over folds and seeds; nan where there is none. prior: needed no training.
    oracle: used the judged items' own annotations.
    """

    name: str
    evaluations: list[Evaluation]
    folds: int
    options: dict[str, Any]
    validation: float = float("nan")
    prior: bool = False
    oracle: bool = False

    @property
    def kind(self) -> str:
        """`prior`, `model` or `oracle`."""
        return "oracle" if self.oracle else "prior" if self.prior else "model"

    @property
    def method(self) -> str:
        """Its name without the settings and the control that tell it apart."""
        return self.name.split(" ")[0]

    @cached_property
    def metrics(self) -> list[str]:
        return list(self.evaluations[0].estimates)

    def estimate(self, metric: str) -> Estimate:
        """The mean over seeds, on the units all seeds share."""
        return combine([evaluation.estimates[metric] for evaluation in self.evaluations])

    def groups(self, metric: str, attribute: str, unknown: bool = False) -> GroupScores:
        """A metric for each group of annotators who share a value of a demographic attribute.

        Metrics of seen or unseen people count only those people. Metrics of items use the labels of the group's own
        raters only.
        """
        evaluation = self.evaluations[0]
        predictions, rows = evaluation.predictions, evaluation.pairs_of(metric)
        people, items = predictions.annotator_index, predictions.item_index
        judging = np.isin(np.arange(len(predictions.annotators)), people[rows])
        groups = membership(predictions.annotators[attribute].where(judging), unknown)
        group = np.where(rows, groups.code[people], -1)

        def score(chosen: np.ndarray) -> Estimate:
            return combine([evaluation.among(metric, chosen) for evaluation in self.evaluations])

        clusters = evaluation.item_clusters[items]
        of_items = not metric.startswith(METRICS_OF_PAIRS)
        scores = by_group(
            score, group, groups.names, items, people, lower_is_better(metric), clusters, of_items=of_items
        )
        return scores.by_size() if signed(metric) else scores

    def interval(self, metric: str) -> Interval:
        return self.evaluations[0].interval(metric, self.estimate(metric))

    def seed_spread(self, metric: str) -> float:
        """Standard deviation over seeds; nan for one seed."""
        values = [float(evaluation.estimates[metric]) for evaluation in self.evaluations]
        return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")

    def difference(self, other: "Entry", metric: str) -> Interval:
        """This entry minus `other` on the same units."""
        return self.evaluations[0].interval(metric, self.estimate(metric) - other.estimate(metric))


def entries(paths: Sequence[str | Path], best: bool = False) -> tuple[list[Entry], list[str]]:
    """Entries for all run folders (or folders above them) and tables of outside predictions, and notes on them.

    best: of several configurations of one method, keep the one with the best validation score. The notes name what was
    left out: unfinished runs, runs on folds other than the most common ones, and priors that cannot be computed because
    the corpus is not available.

    Raises RunError when the runs are of different corpora, splits or test pairs, when none is finished, or when two
    rows would have the same name, and DataError for a table that cannot be used.
    """
    tables = [Path(path) for path in paths if Path(path).suffix in TABLE_SUFFIXES]
    folders = [path for path in paths if Path(path).suffix not in TABLE_SUFFIXES]
    if not folders:
        raise RunError("a table of predictions is scored on the test pairs of a run; add a run folder")
    runs = find_runs(folders)
    finished = without_twins([run for run in runs if run.finished])
    unfinished = [run.folder.name for run in runs if not run.finished]
    if not finished:
        raise RunError(f"none of the {len(runs)} runs is finished; run their commands again to resume them")
    notes = list(dict.fromkeys(f"Data: {note}." for run in finished for note in run.provenance["data"]["notes"]))
    notes += [f"Left out, unfinished: {', '.join(unfinished)}; run their commands again."] if unfinished else []
    refuse_mixtures(finished)
    try:
        finished += _priors_of(finished)
    except (DataError, RunError) as error:
        notes.append(f"Priors left out, they cannot be computed here: {str(error).splitlines()[0]}")
    refuse_mixtures(finished)
    finished, dropped = on_common_folds(finished)
    if dropped:
        notes.append(f"Left out, other folds than most: {', '.join(run.folder.name for run in dropped)}.")
    found = [entry for group in grouped(finished) for entry in _entries_of(group)]
    found = _selected(found) if best else _labelled(found)
    _refuse_different_pairs(found)
    reference = found[0].evaluations[0].predictions
    found += [Entry(path.stem, [Evaluation(imported(path, reference))], found[0].folds, {}) for path in tables]
    names = [entry.name for entry in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RunError(f"two rows would be called {', '.join(twice)}; rename the table of predictions")
    found = sorted(found, key=_rank)
    return found, notes + _of_several_encoders(found)


def best_of(runs: Sequence[Run], name: str) -> tuple[Entry, str]:
    """The row of one method's finished runs (of several configurations, the best on validation), and the settings that
    distinguish it from the others tried, empty for a single configuration.

    name: of the predictions: the method's, or a prior's. Raises RunError for a fold that occurs twice.
    """
    candidates = grouped(runs)
    winner = min(candidates, key=lambda group: _validation_score(group, name)) if len(candidates) > 1 else candidates[0]
    entry = next(entry for entry in _entries_of(winner) if entry.name == name)
    return entry, _differing(entry, [options_of(group[0]) for group in candidates])


def _priors_of(runs: Sequence[Run]) -> list[Run]:
    """The priors of every fold the runs cover, where no run has computed them.

    Raises DataError where the corpus is not available, or where it or its reading has changed since the runs were
    trained: the priors would be those of other data.
    """
    from omegaconf import OmegaConf

    from perspectives.data.load import load

    have = {fold_of(run) for run in runs if run.config["model"]["name"] == MODEL_FREE}
    wanted = {
        fold_of(run): run for run in runs if run.config["model"]["name"] != MODEL_FREE and fold_of(run) not in have
    }
    computed = []
    for run in wanted.values():
        places = run.config["paths"] | {"runs": str(_root(run))}
        config = OmegaConf.create(run.config | {"model": {"name": MODEL_FREE}, "paths": places})
        trained_on = run.provenance["data"]["checksum"], run.provenance["results_version"]
        if (load(config.data).checksum, RESULTS_VERSION) != trained_on:
            raise DataError("the data, or how they are read and split, changed since these runs were trained")
        computed.append(fit(config))
    return computed


def _root(run: Run) -> Path:
    """The folder for a run's priors: two levels up, or beside a run that was moved elsewhere."""
    folder = run.folder.resolve()
    return folder.parents[1] if folder.parent.name == run.config["data"]["name"] else folder.parent


def _entries_of(runs: Sequence[Run]) -> list[Entry]:
    seeds = [[run.predictions("test") for run in folds] for folds in folds_by_seed(runs).values()]
    prior, options = runs[0].config["model"]["name"] == MODEL_FREE, options_of(runs[0])
    made = []
    for name in seeds[0][0]:
        evaluations = [Evaluation(ordered(join([fold[name] for fold in folds]))) for folds in seeds]
        oracle = bool(evaluations[0].predictions.about.get("oracle"))
        made.append(Entry(name, evaluations, len(seeds[0]), options, _validation_score(runs, name), prior, oracle))
    return made


def ordered(predictions: Predictions) -> Predictions:
    """The same predictions with pairs, items and annotators sorted by id, so that the units of two methods align."""
    key = [column for column in PAIR_KEY if column in predictions.pairs]
    order = predictions.pairs.sort_values(key, kind="stable").index.to_numpy()
    items = predictions.items.sort_values("item_id").reset_index(drop=True)
    pairs = predictions.pairs.iloc[order].reset_index(drop=True)
    return replace(predictions, pairs=pairs, values=predictions.values[order], items=items, everyone=None)


def _validation_score(runs: Sequence[Run], name: str) -> float:
    tables = [run.metrics["predictions"][name]["validation"]["metrics"] for run in runs]
    metric = next((metric for metric in SELECTED_BY if metric in tables[0]), None)
    return float("nan") if metric is None else float(np.mean([table[metric]["value"] for table in tables]))


def _selected(found: list[Entry]) -> list[Entry]:
    """The best entry of each method, separately for each control and number of adaptation labels."""
    by_name: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in found:
        purpose = [f" {key}={entry.options[key]}" for key in ASKED if entry.options[key] != USUAL[key]]
        by_name[entry.name, "".join(purpose)].append(entry)
    chosen = []
    for (name, purpose_of_run), candidates in by_name.items():
        winner = min(candidates, key=lambda entry: entry.validation)
        settings = _differing(winner, [candidate.options for candidate in candidates])
        tried = f" (best of {len(candidates)}: {settings})" if len(candidates) > 1 else ""
        chosen.append(replace(winner, name=name + purpose_of_run + tried))
    return chosen


def _labelled(found: list[Entry]) -> list[Entry]:
    """The entries, named so that configurations of one method are told apart by the options in which they differ."""
    same = {entry.name: [other.options for other in found if other.name == entry.name] for entry in found}
    settings = [_differing(entry, same[entry.name], always=ASKED) for entry in found]
    return [
        replace(entry, name=f"{entry.name} {setting}".strip()) for entry, setting in zip(found, settings, strict=True)
    ]


def _differing(entry: Entry, candidates: Sequence[dict[str, Any]], always: Sequence[str] = ()) -> str:
    """The entry's options in which the candidates differ, and unusual ones among `always`, as `optim.lr=0.001`."""
    kind = "encoder._target_"
    differing = _varying(entry, candidates)
    if kind in differing:  # kinds of encoder have different options; compare those of the same kind
        same = [options for options in candidates if options[kind] == entry.options[kind]]
        own = [key for key in _varying(entry, same) if key.startswith("encoder.") and key != "encoder.name"]
        differing = [kind, *own, *(key for key in differing if not key.startswith("encoder."))]
    differing += [key for key in always if key in entry.options and key not in differing]
    shown = [key for key in differing if entry.options[key] != USUAL.get(key)]
    return ", ".join(_setting(entry.options, key) for key in sorted(shown, key=lambda key: key in USUAL))


def _varying(entry: Entry, candidates: Sequence[dict[str, Any]]) -> list[str]:
    shared = [key for key in entry.options if all(key in options for options in candidates)]
    return [key for key in shared if len({str(options[key]) for options in candidates}) > 1]


def _setting(options: dict[str, Any], key: str) -> str:
    if key == "encoder._target_":
        return f"encoder={encoder_name(options)}"
    return f"{key.removeprefix('model.')}={options[key]}"


def _of_several_encoders(found: Sequence[Entry]) -> list[str]:
    """A note on which rows use which encoder, where they differ."""
    rows: dict[str, list[str]] = defaultdict(list)
    for entry in found:
        if encoder := encoder_of(entry.options):
            rows[encoder].append(entry.name)
    parts = [f"{encoder} in {', '.join(dict.fromkeys(names))}" for encoder, names in rows.items()]
    return [f"Encoders differ: {'; '.join(parts)}."] if len(parts) > 1 else []


def _refuse_different_pairs(found: Sequence[Entry]) -> None:
    reference = found[0].evaluations[0].predictions
    for entry in found:
        for evaluation in entry.evaluations:
            if not reference.same_pairs(evaluation.predictions):
                raise RunError(
                    f"{found[0].name} ({found[0].folds} folds, {len(reference)} test pairs) and {entry.name} "
                    f"({entry.folds} folds, {len(evaluation.predictions)}) were tested on different pairs, so their "
                    "scores cannot be compared; run the same folds for both"
                )


def _rank(entry: Entry) -> tuple:
    """Sort key: priors first, then models from blind to annotator-aware, oracles last."""
    return (
        ("prior", "model", "oracle").index(entry.kind),
        ORDER.index(entry.method) if entry.method in ORDER else len(ORDER),
        entry.options.get("adapt", 0),
        entry.name,
    )
