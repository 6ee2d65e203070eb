"""The parts of a split, and which part each annotation belongs to."""

from dataclasses import dataclass

import numpy as np

from perspectives.errors import ConfigError

TRAIN, VALIDATION, TEST, ADAPTATION, DROPPED = 0, 1, 2, 3, -1
CODES = {"train": TRAIN, "validation": VALIDATION, "test": TEST, "adaptation": ADAPTATION, "dropped": DROPPED}
SCORED = (VALIDATION, TEST)


@dataclass(frozen=True, eq=False)
class Split:
    """Which part of the split each annotation belongs to.

    part: int8 [annotation], aligned with the rows of the annotations: 0 train, 1 validation, 2 test, 3 adaptation
        (labels that people unseen in training gave to a few texts; never scored, even if no model learns from them),
        -1 dropped.
    name: the kind of split and its options, for example `items fold 0 of 5`.
    notes: what a reader of the results should know, for example the share of pairs dropped.
    shot: int64 [annotation], the position of an adaptation text in the random order of its annotator, from 0; -1 for
        other annotations. None where the split has no adaptation part.
    """

    part: np.ndarray
    name: str
    notes: tuple[str, ...] = ()
    shot: np.ndarray | None = None

    def rows(self, part_name: str) -> np.ndarray:
        """Return the positions of the annotations of a part, ascending, int64 [annotation].

        part_name: `train`, `validation`, `test`, `adaptation` or `dropped`. Raises ConfigError for another name.
        """
        if part_name not in CODES:
            raise ConfigError(f"part {part_name!r} is unknown; choose one of {', '.join(CODES)}")
        return np.flatnonzero(self.part == CODES[part_name])

    def shots(self, count: int) -> np.ndarray:
        """Return the positions of the adaptation annotations of each new person's first `count` texts, ascending.

        int64 [annotation]. Those for a smaller count are among those for a larger one.
        """
        shot = np.full(len(self.part), -1) if self.shot is None else self.shot
        return np.flatnonzero((shot >= 0) & (shot < count))
