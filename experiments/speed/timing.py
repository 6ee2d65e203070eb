"""Two ways of doing the same, timed in turns in one process, so that what else the machine does hits both."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch


class Ratio(NamedTuple):
    """Median seconds of both ways, and the quartiles of the ratio ours / theirs over rounds."""

    ours: float
    theirs: float
    low: float
    median: float
    high: float

    def row(self, question: str, wanted: str) -> str:
        """A row of a Markdown table."""
        spread = f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"
        return f"| {question} | {seconds(self.ours)} | {seconds(self.theirs)} | {spread} | {wanted} |"


def in_turns(ours: Callable[[], object], theirs: Callable[[], object], rounds: int, warm_up: int = 2) -> Ratio:
    """Time both `rounds` times after `warm_up` untimed rounds; who goes first alternates."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(warm_up + rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            spent = timed((ours, theirs)[which])
            if number >= warm_up:
                times[which].append(spent)
    ratios = [mine / other for mine, other in zip(*times, strict=True)]
    low, median, high = statistics.quantiles(ratios, n=4) if rounds > 1 else ratios * 3
    return Ratio(statistics.median(times[0]), statistics.median(times[1]), low, median, high)


def timed(work: Callable[[], object]) -> float:
    _wait()
    start = time.perf_counter()
    work()
    _wait()
    return time.perf_counter() - start


def seconds(value: float) -> str:
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
