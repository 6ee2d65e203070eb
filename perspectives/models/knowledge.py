"""What a method makes use of in annotators, told by its options alone, without building it."""

from collections.abc import Mapping
from typing import Any

BLIND = ("majority", "softlabel", "jury_text")  # do not use the annotator: adaptation has no effect


def uses_ids(method: str, options: Mapping[str, Any]) -> bool:
    """Whether a method with these options of its own (`ids`, …) knows single people."""
    return method not in BLIND and options.get("ids", True) and options.get("user_token", True)


def uses_demographics(options: Mapping[str, Any]) -> bool:
    """Whether a method with these options of its own (`attributes`, …) looks at demographic attributes, if there are
    any."""
    reads = options.get("attributes", []) != [] and options.get("attribute_text", True)
    return bool(reads or options.get("group_layers") or options.get("unseen") == "group")
