"""What a ranking of annotations finds and destroys, in many bootstrap draws of items at once.

Every draw is a weight per annotation: how often its item was drawn. The first draw is the corpus itself. Annotations
of equal suspicion are taken together, or in shares where only some can be.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

DRAWS = 200


def draws(item: np.ndarray, count: int = DRAWS, seed: int = 0) -> np.ndarray:
    """float32 [draw, annotation]; the first is all ones."""
    items = int(item.max()) + 1
    times = np.random.default_rng(seed).multinomial(items, np.full(items, 1 / items), size=count)
    return np.concatenate([np.ones((1, items)), times])[:, item].astype(np.float32)


@dataclass(frozen=True, eq=False)
class Ranking:
    """order: annotations, the most suspicious first, int64 [annotation]. tie: which tie each of these belongs to, int64
    [annotation]. ends: last place of each tie, int64 [tie]. weights: float32 [draw, annotation], in their own order."""

    order: np.ndarray
    tie: np.ndarray
    ends: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, suspicion: np.ndarray, weights: np.ndarray) -> "Ranking":
        order = np.argsort(-suspicion, kind="stable")
        new = np.diff(suspicion[order], prepend=np.nan) != 0
        tie = np.cumsum(new) - 1
        return cls(order, tie, np.append(np.flatnonzero(new)[1:], len(order)) - 1, weights)

    @cached_property
    def _ordered(self) -> np.ndarray:
        return self.weights[:, self.order]

    @cached_property
    def _upto(self) -> np.ndarray:
        return self.taken(np.ones(len(self.order), bool))

    def taken(self, rows: np.ndarray) -> np.ndarray:
        """How many of `rows`, bool [annotation], are at least as suspicious as each tie, float64 [draw, tie]."""
        return np.cumsum(self._ordered * rows[self.order], axis=1, dtype=np.float64)[:, self.ends]

    def auroc(self, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
        """Chance that one of the positive is more suspicious than one of the negative, [draw]."""
        hits, errors = _shares(self.taken(positive)), _shares(self.taken(negative))
        return np.trapezoid(_from_zero(hits), _from_zero(errors), axis=1)

    def average_precision(self, positive: np.ndarray) -> np.ndarray:
        """Mean over the positive of the precision where they are found, [draw]."""
        hits = self.taken(positive)
        return (np.diff(_from_zero(_shares(hits)), axis=1) * self._precision(hits)).sum(1)

    def found_at(self, positive: np.ndarray, precision: float) -> np.ndarray:
        """The largest share of the positive found with at least this precision, [draw]; 0 where it is never reached."""
        hits = self.taken(positive)
        return np.where(self._precision(hits) >= precision, _shares(hits), 0).max(1)

    def suspects(self, positive: np.ndarray) -> np.ndarray:
        """The most suspicious ones, as many as there are positive: their share that is taken, [draw, annotation]."""
        size = np.diff(_from_zero(self._upto), axis=1)
        count = (self.weights @ positive.astype(np.float32))[:, None]
        share = np.clip((count - self._upto + size) / np.maximum(size, 1e-9), 0, 1)
        flagged = np.empty_like(self.weights)
        flagged[:, self.order] = share[:, self.tie]
        return flagged

    def share(self, flagged: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """How many of `rows`, bool [annotation], are among the suspects, as a share, [draw]."""
        weights = self.weights[:, rows]
        return (flagged[:, rows] * weights).sum(1, dtype=np.float64) / weights.sum(1, dtype=np.float64)

    def _precision(self, hits: np.ndarray) -> np.ndarray:
        return np.divide(hits, self._upto, out=np.zeros_like(hits), where=self._upto > 0)


def calibration_error(chance: np.ndarray, positive: np.ndarray, weights: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Expected calibration error in bins of the probability, [draw]: Σ share of annotations · |mean chance − share
    positive|."""
    place = np.clip(np.searchsorted(edges, chance, side="right") - 1, 0, len(edges) - 2)
    difference = np.eye(len(edges) - 1)[place] * (chance - positive)[:, None]
    return np.abs(weights @ difference).sum(1) / weights.sum(1)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / counts[:, -1:]


def _from_zero(values: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((len(values), 1)), values], axis=1)
