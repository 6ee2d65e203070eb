"""The exceptions a user can meet. Every message says what came, what is accepted and what to do."""

from collections.abc import Sequence


class PerspectivesError(Exception):
    """Base of all errors raised on purpose: the command line prints the message without a traceback."""


class DataError(PerspectivesError):
    """The annotations, items or annotators are not usable as they came."""


class ConfigError(PerspectivesError):
    """An option, a configuration file or a combination of them is not usable."""


class RunError(PerspectivesError):
    """A run folder, checkpoint or set of predictions is missing, damaged or does not fit."""


class DataWarning(UserWarning):
    """The data is usable, but something in it was repaired or deserves a look."""


def listing(problems: Sequence[str], limit: int = 20) -> str:
    """Several problems as one bulleted text, the rest counted after `limit`."""
    shown = [f"  - {problem}" for problem in problems[:limit]]
    if len(problems) > limit:
        shown.append(f"  … and {len(problems) - limit} more")
    return "\n".join(shown)
