"""Parses the words `name=value` of verbs without a configuration into a dataclass of options."""

import difflib
from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Any

from perspectives.errors import ConfigError, listing


def parsed(words: Sequence[str], options: Any, others: list[str] | None = None) -> Any:
    """The words as `options`, a dataclass whose fields without a default must be given.

    others: a list that takes the words with other names, which are for the configuration; None where there is none.

    Raises ConfigError listing words that are not options, repeated options and missing ones.
    """
    accepted = [field.name for field in fields(options)]
    given: dict[str, Any] = {}
    problems = []
    for word in words:
        name, equals, value = word.partition("=")
        if name not in accepted and others is not None:
            others.append(word)
            problems += [] if equals else [f"{word!r} is not an option; write option=value"]
            continue
        if name not in accepted:
            close = difflib.get_close_matches(name, accepted, n=1)
            hint = f"did you mean {close[0]}=?" if close else f"choose from {', '.join(accepted)}"
            problems.append(f"{name!r} is not an option; {hint}")
        elif not equals or not value:
            problems.append(f"{name} has no value; write {name}=…")
        elif name in given:
            problems.append(f"{name} is given twice; give it once")
        given[name] = value
    problems += [f"{field.name} is missing; give {field.name}=…" for field in fields(options)
                 if field.default is MISSING and field.name not in given]  # fmt: skip
    if problems:
        raise ConfigError("\n".join(["the options cannot be used:", listing(problems)]))
    return options(**given)


def yes(name: str, value: str) -> bool:
    """Whether `true` was typed. Raises ConfigError for anything but `true` and `false`."""
    if value not in ("true", "false"):
        raise ConfigError(f"{name}={value} is not accepted; give true or false")
    return value == "true"


def whole(name: str, value: str, most: int | None = None) -> int:
    """A whole number from 1 (to `most`). Raises ConfigError for anything else."""
    if not (value.isascii() and value.isdigit()) or int(value) < 1 or (most and int(value) > most):
        raise ConfigError(f"{name}={value} is not accepted; give a whole number from 1{f' to {most}' if most else ''}")
    return int(value)
