"""Test whether people of one group agree with each other more than with everybody else.

In-group cohesion is Krippendorff's alpha within the group (IRR), cross-group cohesion the chance-corrected agreement of
the group with all others on the same units (xRR). Their ratio is the group association index (GAI); a permutation test
of who belongs to the group tells whether it differs from 1 by more than chance.

Labels are represented as points, so that two labels differ by the squared distance of their points (`label_points`),
the same for all groups and for both measures. Sums over pairs then follow from counts, sums and sums of squares per
unit, fast enough for thousands of permutations.
Papers: Wong, Paritosh, Aroyo 2021, Cross-replication Reliability; Prabhakaran et al. 2024, GRASP: A Disagreement
Analysis Framework to Assess Group Associations in Perspectives; Krippendorff 2011, Computing Alpha-Reliability.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from perspectives.errors import ConfigError, DataError

DISTANCES = ("nominal", "ordinal", "interval")
BLOCK = 4_000_000  # numbers held at once while permuting
ROUNDING = 1e-12


@dataclass(frozen=True)
class Association:
    """Agreement of one group with itself and with all others.

    people: its members with annotations. in_group: IRR; cross_group: xRR of the group and all others; both at most 1,
    0 at chance, nan where undefined (nobody to compare with, or no variation).
    gai: in_group / cross_group, above 1 where members agree more with each other than with others; nan unless
        cross_group > 0.
    p: two-sided, by permutation; nan where gai is.
    """

    people: int
    in_group: float
    cross_group: float
    gai: float
    p: float


def label_points(labels: np.ndarray, distance: str, size: int | None = None) -> np.ndarray:
    """Return labels as points whose squared distances are those of Krippendorff's alpha, float64 [annotation, axis].

    distance: `nominal` (any two levels differ by 1) and `ordinal` (by the number of all annotations between them) take
        level positions, int64 [annotation] in 0..size-1; `interval` (by (c - k)²) takes numbers, float [annotation].

    The ordinal distance counts the annotations of everybody, not of each group, so that groups can be compared.
    Raises ConfigError for another distance, or for levels without size.
    """
    if distance not in DISTANCES:
        raise ConfigError(f"distance={distance!r} is unknown; choose one of {', '.join(DISTANCES)}")
    if distance == "interval":
        return np.asarray(labels, float)[:, None]
    if size is None:
        raise ConfigError(f"distance={distance} needs the number of levels; pass size=")
    if distance == "nominal":
        return np.eye(size)[labels] / np.sqrt(2)
    marginal = np.bincount(labels, minlength=size)
    return (np.cumsum(marginal) - marginal / 2)[labels][:, None]


def association(
    points: np.ndarray,
    unit: np.ndarray,
    annotator: np.ndarray,
    member: np.ndarray,
    permutations: int = 1000,
    seed: int = 0,
) -> Association:
    """Return the cohesion of one group, with itself and with all others, and its GAI with a permutation test.

    points: [annotation, axis], see `label_points`; for sets of levels 0/1 indicators, so that two sets differ by the
        number of levels in only one of them. unit: item (and round) of each annotation, int64 [annotation], from 0.
    annotator: int64 [annotation], from 0. member: bool [annotator].

    A permutation redistributes membership at random among the annotators who have annotations, keeping group sizes. One
    whose index is undefined counts as extreme in both directions, which makes p conservative.
    Raises DataError when arrays do not match, ConfigError for fewer than one permutation.
    """
    if permutations < 1:
        raise ConfigError(f"permutations={permutations} must be at least 1; 1000 resolve p to .001")
    table, total, labels = _sums(points, unit, annotator, member)
    in_group, cross_group = (float(x[0]) for x in _cohesion(table, total, labels[None]))
    gai = _ratio(in_group, cross_group)
    p = float("nan")
    if not np.isnan(gai):
        rng = np.random.default_rng(seed)
        block = max(1, BLOCK // max(table.shape[1], 1))
        sizes = [min(block, permutations - start) for start in range(0, permutations, block)]
        null = np.concatenate([_indices(table, total, _dealt(labels, size, rng)) for size in sizes])
        above, below = (int((~(side < -ROUNDING)).sum()) for side in (null - gai, gai - null))  # nan counts in both
        p = min(1.0, 2 * (1 + min(above, below)) / (1 + permutations))
    return Association(int(labels.sum()), in_group, cross_group, float(gai), p)


def cross_replication(points: np.ndarray, unit: np.ndarray, annotator: np.ndarray, member: np.ndarray) -> float:
    """Return `Association.cross_group` without the test. Arguments and errors as in `association`."""
    table, total, labels = _sums(points, unit, annotator, member)
    inside = (table.T @ labels).reshape(1, *total.shape[1:])
    return float(_between(inside, total - inside)[0])


def _sums(
    points: np.ndarray, unit: np.ndarray, annotator: np.ndarray, member: np.ndarray
) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """`_table` of the annotators who have annotations, and which of them are members, 0/1 [annotator]."""
    if not len(points) == len(unit) == len(annotator) or int(annotator.max(initial=-1)) >= len(member):
        raise DataError(f"points {points.shape}, unit {unit.shape} and annotator {annotator.shape} must match")
    present = np.unique(annotator)
    return *_table(points, unit, np.searchsorted(present, annotator), len(present)), member[present].astype(float)


def _dealt(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    return rng.permuted(np.tile(labels, (size, 1)), axis=1)


def _indices(table: csr_array, total: np.ndarray, members: np.ndarray) -> np.ndarray:
    return _ratio(*_cohesion(table, total, members))


def _ratio(in_group, cross_group):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(cross_group) > ROUNDING, np.divide(in_group, cross_group), np.nan)[()]


def _table(points: np.ndarray, unit: np.ndarray, annotator: np.ndarray, people: int) -> tuple[csr_array, np.ndarray]:
    """Return each annotator's contribution to the sums of each unit, [annotator, sum × unit], and their total.

    The sums per unit are of 1, of squared norms and of each coordinate, [sum].
    """
    points = np.asarray(points, float) - np.mean(points, axis=0)  # differences stay; the digits are kept
    units = int(unit.max(initial=-1)) + 1
    parts = np.concatenate([np.ones((len(points), 1)), (points**2).sum(1, keepdims=True), points], axis=1)
    column = np.arange(parts.shape[1]) * units + unit[:, None]
    row = np.broadcast_to(annotator[:, None], parts.shape)
    table = csr_array((parts.ravel(), (row.ravel(), column.ravel())), (people, parts.shape[1] * units))
    return table, np.asarray(table.sum(0)).reshape(1, parts.shape[1], units)


def _cohesion(table: csr_array, total: np.ndarray, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """IRR and xRR, each float64 [permutation], of the groups `members`, 0/1 [permutation, annotator]."""
    inside = (table.T @ members.T).T.reshape(len(members), *total.shape[1:])
    return _within(inside), _between(inside, total - inside)


def _within(sums: np.ndarray) -> np.ndarray:
    """Krippendorff's alpha, [permutation], from sums [permutation, sum, unit]; units with one annotation are left out.

    Over all ordered pairs of a set the squared distances add up to 2 (n Σ|x|² - |Σx|²).
    """
    count = np.round(sums[:, 0])
    kept = sums * (count >= 2)[:, None]
    observed = (_spread(kept) / np.maximum(count - 1, 1)).sum(1)
    everything = kept.sum(2)
    expected = _spread(everything) / np.maximum(everything[:, 0] - 1, 1)
    return _corrected(observed, expected, everything[:, 1])


def _between(group: np.ndarray, others: np.ndarray) -> np.ndarray:
    """xRR, [permutation]: 1 - observed / expected disagreement of pairs across, over the units that both judged.

    A unit weighs as many annotations as it has (Wong, Paritosh, Aroyo 2021, the form with missing annotations).
    """
    shared = (np.round(group[:, 0]) > 0) & (np.round(others[:, 0]) > 0)
    group, others = group * shared[:, None], others * shared[:, None]
    weight = group[:, 0] + others[:, 0]
    observed = (weight * _distance(group, others)).sum(1) / np.maximum(weight.sum(1), 1)
    everything = group.sum(2), others.sum(2)
    squares = sum(sums[:, 1] / np.maximum(sums[:, 0], 1) for sums in everything)
    return _corrected(observed, _distance(*everything), np.asarray(squares))


def _spread(sums: np.ndarray) -> np.ndarray:
    """Half the squared distances over all ordered pairs, from sums [permutation, sum, …]."""
    return sums[:, 0] * sums[:, 1] - (sums[:, 2:] ** 2).sum(1)


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean squared distance of a point of `a` and one of `b`, from sums [permutation, sum, …]; 0 where one is empty."""
    n, m = a[:, 0], b[:, 0]
    pairs = m * a[:, 1] + n * b[:, 1] - 2 * (a[:, 2:] * b[:, 2:]).sum(1)
    return pairs / np.maximum(n * m, 1)


def _corrected(observed: np.ndarray, expected: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """1 - observed / expected; nan where nothing varies, up to rounding of `squares`, which has the same scale."""
    varies = expected > ROUNDING * np.maximum(squares, 1e-300)
    return np.where(varies, 1 - observed / np.where(varies, expected, 1), np.nan)
