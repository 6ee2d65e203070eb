"""Flip a known share of the training labels, and measure how well detectors rank and find them.

A row's `given` names a detector below. Every seed flips different labels. AUROC, precision and recall are means over
seeds, with 95 % bootstrap intervals over items (the same items drawn for all seeds). Precision and recall are those of
the detector's own rule where the papers give one, otherwise of as many suspects as were flipped, ties broken at random
(the expected value). Labels that were wrong to begin with count as not flipped.

Papers: Swayamdipta et al. 2020 (confidence, noise classifier), Pleiss et al. 2020 (AUM), Toneva et al. 2019
(forgetting), Chen et al. 2019 (NCV, INCV), Koh & Liang 2017 (self-influence).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from perspectives.config import compose, instantiate
from perspectives.data.annotations import AnnotationSet
from perspectives.data.load import load
from perspectives.errors import ConfigError
from perspectives.quality.annotator_agreement import raw_agreement
from perspectives.quality.area_under_margin import Margins, margins
from perspectives.quality.confident_learning import confident_learning, crowdlab
from perspectives.quality.dynamics import FOLDER, Dynamics
from perspectives.quality.flips import flip_labels, noise_probability
from perspectives.quality.influence.table import influence_of_run
from perspectives.quality.noisy_cross_validation import REMOVED, SELECTED, Selection, incv, ncv
from perspectives.quality.retraining import fit_on
from perspectives.reproduction.measured import Context, Measure, Measurement, Metrics
from perspectives.reproduction.trainings import SMOKE, trainings_of
from perspectives.runs.run import Run

VERSION = 1  # raise it whenever the same trainings would give other numbers
DRAWS, SMOKE_DRAWS, ITERATIONS = 200, 10, 3


def detection(
    context: Context, options: Sequence[str], share: float = 0.1, seeds: Sequence[int] = (0, 1, 2)
) -> Measure:
    """`auroc`, `precision`, `recall` and `taken` (the share taken to be wrong) of each row's detector.

    options: of `perspectives train`: the corpus and the model whose training is watched. Raises ConfigError for more
    than two levels.
    """
    words = [*options, *context.places, *(SMOKE if context.smoke else ())]
    seeds = seeds[:1] if context.smoke else seeds
    (alike,) = trainings_of(words)
    _refuse_more_levels(load(alike.config.data))

    @cache
    def cases() -> list[Case]:
        return [flipped_case(words, share, seed, context.trainings) for seed in seeds]

    @cache
    def draws() -> list[np.ndarray]:
        random = np.random.default_rng(0)
        return [drawn(cases()[0].train.item_index, random) for _ in range(SMOKE_DRAWS if context.smoke else DRAWS)]

    def row(which: str, runs: Sequence[Run]) -> Metrics:
        verdicts = [DETECTORS[which](case) for case in cases()]
        truth, train = [case.flipped for case in cases()], cases()[0].train
        counts = {"pairs": len(train), "items": len(train.items), "annotators": len(train.annotators)}
        return {name: measurement(of, truth, verdicts, draws(), counts) for name, of in MEASURES.items()}

    def trainings(which: str) -> set:
        kind, count = TRAININGS.get(which, ("", 0))
        return {(kind, number, seed) for number in range(count) for seed in seeds}

    return Measure(row, [alike.run.folder.name, VERSION], alike, trainings)


def _refuse_more_levels(corpus: AnnotationSet) -> None:
    """Raises ConfigError for a corpus of more than two levels, of which held-out probabilities are not known."""
    if len(corpus.scale.levels) > 2:
        raise ConfigError(
            f"{corpus.name}: each label is {corpus.scale.describe()}, and detectors are measured on two levels; choose "
            "another corpus or data.target"
        )


def measurement(
    measure: Callable[..., float],
    truth: Sequence[np.ndarray],
    verdicts: Sequence["Verdict"],
    draws: Sequence[np.ndarray],
    counts: Mapping[str, int],
) -> Measurement:
    """The mean over seeds, with its bootstrap interval."""
    every = np.arange(len(truth[0]))
    pairs = list(zip(truth, verdicts, strict=True))
    by_seed = [measure(flipped, verdict, every) for flipped, verdict in pairs]
    again = [np.mean([measure(flipped, verdict, rows) for flipped, verdict in pairs]) for rows in draws]
    low, high = np.quantile(again, [0.025, 0.975])
    spread = float(np.std(by_seed, ddof=1)) if len(by_seed) > 1 else float("nan")
    return Measurement(float(np.mean(by_seed)), float(low), float(high), spread, len(by_seed), 1, counts)


def drawn(item: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Rows of items drawn with replacement, all annotations of each. item: codes from 0, int64 [annotation]."""
    order = np.argsort(item, kind="stable")
    starts = np.searchsorted(item[order], np.arange(item.max() + 2))
    chosen = random.integers(0, item.max() + 1, item.max() + 1)
    return np.concatenate([order[starts[i] : starts[i + 1]] for i in chosen])


# One corpus with flipped labels, and trainings on it. --------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Case:
    """A corpus some of whose training labels were flipped. flipped: which, bool [training annotation]."""

    config: DictConfig
    noisy: AnnotationSet
    train: AnnotationSet
    flipped: np.ndarray
    folder: Path
    seed: int

    @cached_property
    def run(self) -> Any:
        return fit_on(self.config, self.noisy, self.folder, dynamics=True)

    @cached_property
    def seen(self) -> Any:
        """Measures of training dynamics, a row per training annotation."""
        return Dynamics.load(self.run.folder / FOLDER).measures()

    @cached_property
    def influence(self) -> Any:
        return influence_of_run(self.run)

    @cached_property
    def once(self) -> Selection:
        return ncv(self.config, self.train, self.folder, self.seed)

    @cached_property
    def again(self) -> Selection:
        return incv(self.config, self.train, self.folder, ITERATIONS, seed=self.seed)

    @cached_property
    def margins(self) -> Margins:
        return margins(self.config, self.noisy, self.folder, seed=self.seed)

    @cached_property
    def held_out(self) -> np.ndarray:
        """Probabilities of two levels by models that never saw the text, [annotation, level]."""
        own = np.exp(-self.once.surprise)
        return np.where(np.eye(2, dtype=bool)[self.train.labels], own[:, None], 1 - own[:, None])


def flipped_case(options: Sequence[str], share: float, seed: int, folder: Path) -> Case:
    """The corpus of these options with a share of its training labels flipped. folder: for trainings on it."""
    config = compose(overrides=[*options, "trainer.progress=false", f"seed={seed}"])
    corpus = load(config.data)
    rows = instantiate(config.split, annotations=corpus).rows("train")
    noisy, flipped = flip_labels(corpus, rows, share, seed)
    return Case(config, noisy, noisy.select(rows), flipped, folder / corpus.name, seed)


# Detectors. --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a detector says about every annotation.

    suspicion: higher is more suspect, float [annotation]. wrong: whether the detector's own rule takes the label to be
    wrong, bool [annotation]; None where it has no rule.
    """

    suspicion: np.ndarray
    wrong: np.ndarray | None = None


def rare_label(case: Case) -> Verdict:
    """How rare the label is in training."""
    return Verdict(-case.train.indicator().mean(0)[case.train.labels])


def other_raters(case: Case) -> Verdict:
    """Share of the item's other annotations with another label; 1/2 where there is none."""
    return Verdict(1 - np.nan_to_num(raw_agreement(case.train), nan=0.5))


def last_loss(case: Case) -> Verdict:
    """Loss in the last epoch."""
    return Verdict(case.seen["loss"].to_numpy())


def kept_loss(case: Case) -> Verdict:
    """Loss under the weights that were kept, those with the best validation loss."""
    return Verdict(case.influence["loss"].to_numpy())


def self_influence(case: Case) -> Verdict:
    return Verdict(case.influence["self_influence"].to_numpy())


def confidence(case: Case) -> Verdict:
    return Verdict(-case.seen["confidence"].to_numpy())


def variability(case: Case) -> Verdict:
    return Verdict(case.seen["variability"].to_numpy())


def forgetting(case: Case) -> Verdict:
    """Forgetting events; labels that were never learned (infinitely many events) rank first."""
    return Verdict(np.unique(case.seen["forgetting"].to_numpy(), return_inverse=True)[1].astype(float))


def aum(case: Case) -> Verdict:
    return Verdict(-case.seen["aum"].to_numpy())


def aum_threshold(case: Case) -> Verdict:
    """AUM with threshold samples; a label at or below their 99th percentile is wrong."""
    return Verdict(-case.margins.aum, case.margins.suspect)


def classifier(case: Case) -> Verdict:
    """The noise classifier on confidence, told which labels were flipped and judged out of fold."""
    return _classified(case, ["confidence"])


def classifier_of_three(case: Case) -> Verdict:
    """The same on confidence, variability and AUM."""
    return _classified(case, ["confidence", "variability", "aum"])


def _classified(case: Case, features: list[str]) -> Verdict:
    chance = noise_probability(case.seen[features].to_numpy(), case.flipped, case.seed)
    return Verdict(chance, chance > 0.5)


def ncv_held_out(case: Case) -> Verdict:
    """Held-out loss; labels that noisy cross-validation does not select are wrong."""
    return Verdict(case.once.surprise, case.once.status != SELECTED)


def incv_removed(case: Case) -> Verdict:
    """Rank by INCV; labels that it removes are wrong."""
    return Verdict(case.again.suspicion(), case.again.status == REMOVED)


def incv_unselected(case: Case) -> Verdict:
    """Rank by INCV; labels that it does not select are wrong."""
    return Verdict(case.again.suspicion(), case.again.status != SELECTED)


def cleanlab(case: Case) -> Verdict:
    """Confident learning on the held-out probabilities of NCV."""
    suspect, quality = confident_learning(case.train.labels, case.held_out)
    return Verdict(-quality, suspect)


def crowdlab_quality(case: Case) -> Verdict:
    """CROWDLAB on the mean held-out probabilities of each item."""
    by_item = np.stack([np.bincount(case.train.item_index, column) for column in case.held_out.T], 1)
    return Verdict(-crowdlab(case.train, by_item / by_item.sum(1, keepdims=True)))


DETECTORS: dict[str, Callable[[Case], Verdict]] = {
    detector.__name__: detector
    for detector in (
        rare_label, other_raters, last_loss, kept_loss, self_influence, confidence, variability, forgetting, aum,
        aum_threshold, classifier, classifier_of_three, ncv_held_out, incv_removed, incv_unselected, cleanlab,
        crowdlab_quality,
    )
}  # fmt: skip
# The trainings a detector needs, and how many per seed; the first two of INCV are those of NCV.
TRAININGS: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("last_loss", "kept_loss", "self_influence", "confidence", "variability"), ("watched", 1)),
    **dict.fromkeys(("forgetting", "aum", "classifier", "classifier_of_three"), ("watched", 1)),
    **dict.fromkeys(("ncv_held_out", "cleanlab", "crowdlab_quality"), ("held out", 2)),
    **dict.fromkeys(("incv_removed", "incv_unselected"), ("held out", 2 * ITERATIONS)),
    "aum_threshold": ("margins", 2),
}


# Measures of a verdict on the drawn annotations `rows`. ------------------------------------------------------------


def auroc(flipped: np.ndarray, verdict: Verdict, rows: np.ndarray) -> float:
    return float(roc_auc_score(flipped[rows], verdict.suspicion[rows]))


def precision(flipped: np.ndarray, verdict: Verdict, rows: np.ndarray) -> float:
    wrong = _wrong(flipped, verdict)[rows]
    return float(wrong[flipped[rows]].sum() / (wrong.sum() or 1))


def recall(flipped: np.ndarray, verdict: Verdict, rows: np.ndarray) -> float:
    return float(_wrong(flipped, verdict)[rows][flipped[rows]].sum() / max(flipped[rows].sum(), 1))


def taken(flipped: np.ndarray, verdict: Verdict, rows: np.ndarray) -> float:
    return float(_wrong(flipped, verdict)[rows].mean())


MEASURES = {"auroc": auroc, "precision": precision, "recall": recall, "taken": taken}


def _wrong(flipped: np.ndarray, verdict: Verdict) -> np.ndarray:
    """The probability that the detector takes each label to be wrong, float64 [annotation]: 0 or 1 by its own rule.

    Without a rule it takes as many of the most suspicious as were flipped, and ties are broken at random.
    """
    if verdict.wrong is not None:
        return verdict.wrong.astype(float)
    above = rankdata(-verdict.suspicion, "min") - 1
    tied = rankdata(-verdict.suspicion, "max") - above
    return np.clip((flipped.sum() - above) / tied, 0, 1)
