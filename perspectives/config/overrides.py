"""Rewrite typed options, `option=value`, so that Hydra reads them as meant: paths, our own grammars, sweeps."""

import os
import re
from collections.abc import Iterable

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

from perspectives.config.choices import choices, groups

PATH_OPTIONS = ("path", "dir", "folder", "file", "checkpoint")
TEXT_OPTIONS = ("event", "rule", "composition", "composition.seats", "sweep")
ELEMENT = re.compile(r"""\s*('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^,]*?)\s*,""")  # of a list, quoted or not


def quote_paths(overrides: Iterable[str], sweep: bool = False) -> list[str]:
    """Quote overrides whose value is a path that Hydra would misread: `~ ( = , #`, accents, numbers.

    An option takes a path when it is called `path`, `dir`, … or lies under `paths.`, or when its value starts like one.
    A leading `~/` becomes the home folder. Flags stay as they are. sweep: a list `a,b` stays one path unless several
    runs are asked for.
    """
    return [_quoted(override, sweep) for override in overrides]


def _quoted(override: str, sweep: bool) -> str:
    key, equals, value = override.partition("=")
    named = key.lstrip("+").startswith("paths.") or key.rpartition(".")[2] in PATH_OPTIONS
    if not equals or key.startswith("-") or not (named or value.startswith(("/", "./", "../", "~/"))):
        return override
    if value == "~" or value.startswith("~/"):
        value = os.path.expanduser(value)
    try:
        parsed = OverridesParser.create().parse_override(f"{key}={value}")
        fine = sweep if parsed.is_sweep_override() else not isinstance(parsed.value(), bool | int | float)
    except HydraException:
        fine = False
    return f"{key}={value if fine else QuotedString(value, Quote.single).with_quotes()}"


def quote_texts(overrides: Iterable[str], sweep: bool = False) -> list[str]:
    """Quote overrides whose value is in a grammar of our own: events, rules, compositions, pools.

    Lists `[a,b]` stay lists, and quoted elements of them stay as they are. A composition that is not a preset becomes
    `composition.seats`. sweep: commas separate the values of several runs, except in compositions and sweeps over
    pools, which contain commas themselves.
    """
    return [_quoted_text(override, sweep) for override in overrides]


def _quoted_text(override: str, sweep: bool) -> str:
    key, equals, value = override.partition("=")
    if not equals or key not in TEXT_OPTIONS or value in ("", "null"):
        return override
    if sweep and key in ("event", "rule") and not value.startswith("["):
        return f"{key}={_literals(value)}"
    if value[0] in "\"'":
        return override
    if key == "composition":
        if all(name in choices(key) for name in (value.split(",") if sweep else [value])):
            return override
        key = "composition.seats"
    if value.startswith("[") and value.endswith("]"):
        return f"{key}=[{_literals(value[1:-1])}]"
    return f"{key}={literal(value)}"


def _literals(values: str) -> str:
    """Quote the elements of a list that are not quoted yet; commas within quotes do not separate elements."""
    elements = ELEMENT.findall(f"{values},")
    return ",".join(element if element[:1] in ("'", '"') else literal(element) for element in elements)


def literal(value: str) -> str:
    """Return a text quoted as the value of an override, whatever characters it contains."""
    return QuotedString(value.strip(), Quote.single).with_quotes()


def options_of_sweeps(overrides: list[str]) -> list[str]:
    """Turn options of a swept group into sweeps over one value, so that Hydra applies them with each choice.

    Hydra checks all other options against the default choice first: `model=jury,jury_id model.rank=8` would be refused
    because the default model has no rank. The jobs apply a sweep over one value.
    """
    swept = [key for key, _, value in (arg.partition("=") for arg in overrides) if "," in value and key in groups()]
    return [
        _alone(override) if override.startswith(tuple(f"{key}." for key in swept)) else override
        for override in overrides
    ]


def _alone(override: str) -> str:
    key, _, value = override.partition("=")
    try:
        many = OverridesParser.create().parse_override(override).is_sweep_override()
    except HydraException:
        return override  # reported where overrides are read
    return override if many else f"{key}=choice({value})"
