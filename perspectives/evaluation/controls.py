"""Which controls a comparison lacks: rows in which what a method knows of annotators means nothing."""

from collections.abc import Sequence

from perspectives.evaluation.comparison import Entry
from perspectives.models.knowledge import uses_demographics, uses_ids


def without_control(found: Sequence[Entry]) -> dict[str, list[str]]:
    """For each control, the trained methods that use what it shuffles but have no row with that control.

    `shuffled_ids` is for methods that use annotator ids, `shuffled_demographics` for those that use demographic
    attributes; a method may lack both.
    """
    trained = [entry for entry in found if entry.kind == "model" and entry.options]
    controlled = {(entry.options["control"], entry.method) for entry in trained}
    missing: dict[str, list[str]] = {"shuffled_ids": [], "shuffled_demographics": []}
    for entry in trained:
        options = {
            key.removeprefix("model."): value for key, value in entry.options.items() if key.startswith("model.")
        }
        uses = {
            "shuffled_ids": uses_ids(entry.method, options),
            "shuffled_demographics": _has_demographics(entry) and uses_demographics(options),
        }
        for control, used in uses.items():
            if used and (control, entry.method) not in controlled and entry.method not in missing[control]:
                missing[control].append(entry.method)
    return {control: methods for control, methods in missing.items() if methods}


def _has_demographics(entry: Entry) -> bool:
    return entry.evaluations[0].predictions.annotators.shape[1] > 1  # besides annotator_id
