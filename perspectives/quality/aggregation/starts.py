"""Random starts that depend on what was annotated, not on what things are called or in which order they come.

Each item, annotator and level gets a fingerprint of its place among the annotations (colour refinement, also known as
the Weisfeiler-Leman algorithm), and random numbers are drawn by hashing fingerprints with the seed. Renaming people,
items or levels therefore renames the start and nothing else. What the annotations cannot tell apart starts alike.
"""

import numpy as np

from perspectives.quality.aggregation.incidence import Incidence

ROUNDS = 3  # how far a fingerprint looks: the annotations of the items of the annotators of …


def annotator_draws(incidence: Incidence, seed: int, restarts: int) -> np.ndarray:
    """Uniform on [0, 1), float64 [annotator, restart]."""
    _, annotator, _ = fingerprints(incidence)
    return _uniform(_mix(annotator)[:, None] ^ _streams(seed, restarts))


def level_draws(incidence: Incidence, seed: int, restarts: int) -> np.ndarray:
    """Uniform on [0, 1), float64 [annotator, level, restart]."""
    _, annotator, level = fingerprints(incidence)
    return _uniform(_mix(annotator[:, None] + _mix(level))[:, :, None] ^ _streams(seed, restarts))


def pair_draws(incidence: Incidence, seed: int) -> np.ndarray:
    """Uniform on [0, 1), float64 [cell]: one number per item and annotator."""
    item, annotator, _ = fingerprints(incidence)
    return _uniform(_mix(item[incidence.item] + _mix(annotator[incidence.annotator])) ^ _streams(seed, 1))


def fingerprints(incidence: Incidence) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """uint64 [item], [annotator] and [level]; equal where the annotations look the same from there."""
    places = (incidence.item, incidence.annotator, incidence.label)
    sizes = (incidence.items, incidence.annotators, incidence.levels)
    prints = [np.full(size, kind, np.uint64) for kind, size in enumerate(sizes)]
    count = incidence.count.astype(np.uint64)
    for _ in range(ROUNDS):
        seen = [_mix(own)[place] for own, place in zip(prints, places, strict=True)]
        cell = count * _mix(seen[0] ^ _mix(seen[1] ^ _mix(seen[2])))
        for kind, place in enumerate(places):
            total = np.zeros(sizes[kind], np.uint64)
            np.add.at(total, place, cell)  # sums wrap around and do not depend on the order
            prints[kind] = _mix(prints[kind] + total)
    return prints[0], prints[1], prints[2]


def _streams(seed: int, restarts: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, restarts, np.uint64)


def _uniform(bits: np.ndarray) -> np.ndarray:
    return (_mix(bits) >> np.uint64(11)).astype(float) / 2**53


def _mix(bits: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the result depends on every bit."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
