"""Progress of a table on stderr: it counts what is finished on disk, whichever process wrote it."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

EVERY = 1.0  # seconds between looks


def _never(job: int) -> bool:
    return False


@contextmanager
def watched(
    what: str, costs: Sequence[float], finished: Callable[[int], bool], failed: Callable[[int], bool] = _never
) -> Iterator[None]:
    """Reports on stderr how many jobs are finished and about how much time is left: at the start, whenever a job ends,
    and at the end, then with those that failed.

    costs: what each job is expected to take, in seconds; nan where unknown, which counts as the mean of the rest.
    finished, failed: whether the job at a position is; jobs that are neither at the end count as failed.
    On a terminal one line is kept up to date, elsewhere lines are added.
    """
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(what, costs, finished, failed, stop), daemon=True)
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


def whole(costs: Sequence[float]) -> float:
    """Seconds for all jobs, nan where nothing is known."""
    known = [cost for cost in costs if cost == cost]
    return sum(known) / len(known) * len(costs) if known else float("nan")


def _watch(
    what: str,
    costs: Sequence[float],
    finished: Callable[[int], bool],
    failed: Callable[[int], bool],
    stop: threading.Event,
) -> None:
    begun, jobs, last = time.monotonic(), range(len(costs)), (-1, -1)
    waiting, lost = set(jobs), set[int]()
    parts, expected = shares(costs), whole(costs)
    while True:
        ended = stop.wait(EVERY) if last[0] >= 0 else False
        lost |= {job for job in waiting if failed(job)}
        waiting = {job for job in waiting - lost if not finished(job)}
        lost, waiting = (lost | waiting, set()) if ended else (lost, waiting)
        now = len(jobs) - len(waiting) - len(lost), len(lost)
        if now != last:
            done = sum(parts[job] for job in jobs if job not in waiting)
            time_left = left(time.monotonic() - begun, done, expected)
            _say(f"{what}: {now[0]} of {len(jobs)} done{f', {now[1]} not' if now[1] else ''}{time_left}")
            last = now
        if ended:
            if sys.stderr.isatty():
                print(file=sys.stderr)
            return


def left(elapsed: float, done: float, expected: float = float("nan")) -> str:
    """`, about 3 min left` after `elapsed` seconds for the share `done` of the work; before anything is done, the
    `expected` seconds in one process. Empty at the end and where the time is unknown."""
    if done > 1 - 1e-9:
        return ""
    seconds = elapsed * (1 - done) / done if done > 0 else expected
    where = "left" if done > 0 else "in one process"
    return f", about {duration(seconds)} {where}" if seconds == seconds else ""


def duration(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h 10 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _say(line: str) -> None:
    terminal = sys.stderr.isatty()
    print(f"\r\033[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
