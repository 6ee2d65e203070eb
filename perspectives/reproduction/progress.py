"""How far a table is, while others work on it: what counts is what is finished on disk, whoever wrote it."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

EVERY = 1.0  # seconds between looks


@contextmanager
def watched(what: str, costs: Sequence[float], finished: Callable[[int], bool]) -> Iterator[None]:
    """Says on stderr how many jobs are finished and about how much time is left, whenever one is.

    costs: what each job is expected to take, in seconds; nan where nobody knows, which counts as the mean of the rest.
    finished: whether the job at a position is. On a terminal one line is kept up to date, elsewhere lines are added.
    """
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(what, shares(costs), finished, stop), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def shares(costs: Sequence[float]) -> list[float]:
    """The part of the work that each job is, summing to 1."""
    known = [cost for cost in costs if cost == cost]
    usual = sum(known) / len(known) if known else 1.0
    filled = [cost if cost == cost else usual for cost in costs]
    total = sum(filled) or 1.0
    return [cost / total for cost in filled]


def _watch(what: str, parts: list[float], finished: Callable[[int], bool], stop: threading.Event) -> None:
    begun, waiting, last = time.monotonic(), set(range(len(parts))), -1
    while True:
        ended = stop.wait(EVERY)
        waiting = {job for job in waiting if not finished(job)}
        count = len(parts) - len(waiting)
        if count != last:
            done = sum(part for job, part in enumerate(parts) if job not in waiting)
            _say(f"{what}: {count} of {len(parts)} done{left(time.monotonic() - begun, done)}")
            last = count
        if ended:
            if sys.stderr.isatty():
                print(file=sys.stderr)
            return


def left(elapsed: float, done: float) -> str:
    """`, about 3 min left` after `elapsed` seconds for the share `done` of the work; empty at the start and end."""
    if not 0 < done < 1 - 1e-9:
        return ""
    return f", about {duration(elapsed * (1 - done) / done)} left"


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h 10 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _say(line: str) -> None:
    terminal = sys.stderr.isatty()
    print(f"\r\033[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
