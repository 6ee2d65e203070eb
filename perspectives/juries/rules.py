"""How the votes of a jury become its verdict."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from perspectives.errors import ConfigError

TIES = ("hung", "positive", "negative", "half")
COUNTING = ("majority", "supermajority", "unanimity", "at_least")  # the number of votes for the event decides
OF_LEVELS = ("plurality", "median", "mean", "median_of_means")  # the levels the jurors chose decide
NUMBERED = ("supermajority", "at_least")
ACCEPTED = "majority, supermajority 2/3, unanimity, at_least 3, plurality, median, mean or median_of_means"
JURIES_OF_MEDIAN = 100


@dataclass(frozen=True)
class Rule:
    """A verdict rule.

    kind: `majority` (more than half), `supermajority` (at least a share of the jury, on either side), `unanimity`,
        `at_least` (a number of votes for the event; fewer are a verdict against it), `plurality` (the level with most
        votes decides whether the event happened), `median`, `mean` (of the jurors' levels or ratings; the median of an
        even jury is the midpoint of its two middle ones), `median_of_means` (the median of the means of 100 juries,
        Gordon et al. 2022).
    number: the share of a supermajority, above 1/2, or the votes of `at_least`; other rules do not use it.
    """

    kind: str
    number: Fraction = Fraction(1)

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Raises ConfigError for a text that is not a rule."""
        found = re.fullmatch(r"\s*(\w+)(?:\s+(\d+(?:\.\d+)?(?:/[1-9]\d*)?))?\s*", str(text))
        kind, number = found.groups() if found else (str(text), None)
        if kind not in (*COUNTING, *OF_LEVELS):
            raise ConfigError(f"rule {text!r} is unknown; choose {ACCEPTED}")
        if (kind in NUMBERED) != (number is not None):
            raise ConfigError(f"rule {text!r}: supermajority and at_least need a number, and other rules take none")
        rule = cls(kind, _fraction(number or "1"))
        if kind == "supermajority" and not Fraction(1, 2) < rule.number <= 1:
            raise ConfigError(f"rule {text!r}: supermajority takes a share above 1/2 and at most 1, such as 2/3")
        if kind == "at_least" and (rule.number.denominator != 1 or rule.number < 1):
            raise ConfigError(f"rule {text!r}: at_least takes a whole number of votes, 1 or more")
        return rule

    def __str__(self) -> str:
        return self.kind if self.kind not in NUMBERED else f"{self.kind} {self.number}"

    @property
    def counting(self) -> bool:
        return self.kind in COUNTING

    def outcomes(self, jurors: int) -> np.ndarray:
        """Verdict of a jury for each number of votes for the event: 1, -1 or 0 (undecided), int8 [jurors + 1].

        Only for rules that count votes. Raises ConfigError when more votes are required than there are jurors.
        """
        votes = np.arange(jurors + 1)
        if self.kind == "at_least":
            if self.number > jurors:
                raise ConfigError(f"rule {self}: the jury has only {jurors} jurors; require fewer votes")
            return np.where(votes >= int(self.number), 1, -1).astype(np.int8)
        if self.kind == "majority":
            needed = jurors // 2 + 1
        else:
            needed = math.ceil(self.number * jurors)
        return ((votes >= needed).astype(np.int8) - (jurors - votes >= needed)).astype(np.int8)


def weights(outcomes: np.ndarray, tie: str) -> np.ndarray:
    """Share of each outcome that counts as positive, and that counts as negative, float64 [2, ...].

    outcomes: 1, -1 or 0. tie: what undecided juries count as: `hung` (neither), `positive`, `negative`, or `half` (half
    positive, half negative).
    """
    if tie not in TIES:
        raise ConfigError(f"tie={tie} is unknown; choose one of {', '.join(TIES)}")
    undecided = np.array({"hung": (0, 0), "positive": (1, 0), "negative": (0, 1), "half": (0.5, 0.5)}[tie], float)
    shape = (2, *[1] * np.ndim(outcomes))
    return np.stack([outcomes == 1, outcomes == -1]) + (outcomes == 0) * undecided.reshape(shape)


def _fraction(number: str) -> Fraction:
    whole, _, part = number.partition("/")
    return Fraction(whole) / Fraction(part) if part else Fraction(whole)
