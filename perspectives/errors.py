"""The exceptions raised for users. Every message states what came, what is accepted and what to do."""

from collections.abc import Sequence


class PerspectivesError(Exception):
    """Base of the errors meant for users: the command line prints their message without a traceback."""


class DataError(PerspectivesError):
    """The annotations, items or annotators cannot be used as they are."""


class ConfigError(PerspectivesError):
    """An option, a configuration file or a combination of them cannot be used."""


class RunError(PerspectivesError):
    """A run folder, checkpoint or set of predictions is missing, damaged, diverged or does not fit."""


class DataWarning(UserWarning):
    """The data can be used, but something in it was repaired or should be checked."""


def listing(problems: Sequence[str], limit: int = 20) -> str:
    """Return several problems as a bulleted list, those beyond `limit` only counted."""
    shown = [f"  - {problem}" for problem in problems[:limit]]
    if len(problems) > limit:
        shown.append(f"  … and {len(problems) - limit} more")
    return "\n".join(shown)
