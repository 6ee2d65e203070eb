"""The content of an explorer page: everyone's predictions, rounded to bytes, and the labels people really gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.scale import Scale, level_name
from perspectives.errors import ConfigError, RunError
from perspectives.juries.compositions import members
from perspectives.juries.counts import chunks
from perspectives.juries.events import Event
from perspectives.juries.rules import Rule
from perspectives.juries.seating import Seating
from perspectives.juries.verdicts import Question, verdicts
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.metrics.intervals import FEW_ANNOTATORS
from perspectives.predictions import Predictions
from perspectives.reports.explorer import juror_sheets

STEPS = 255  # an answer is a byte
MOST_PEOPLE, MOST_ITEMS = 1_000, 5_000
USUAL_SEATS = 12
THRESHOLDS = 9  # events offered for ratings besides the one asked for


@dataclass(frozen=True, eq=False)
class Content:
    """The content of a page.

    scale: of the answers; ratings are bounded. answers: uint8 [item, annotator, level], see `dequantised`.
    annotators: whose answers they are, with ids, which no page shows. header: all texts and names of the page, ready
    for JSON. arrays: all numbers of the page, by name.
    """

    scale: Scale
    answers: np.ndarray
    annotators: pd.DataFrame
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


def content(
    predictions: Predictions,
    items: int = 500,
    event: str | None = None,
    pool: str | None = None,
    unknown: bool = False,
    notes: Sequence[str] = (),
) -> Content:
    """The content of a page about these predictions, without nearby texts (see `with_nearby`).

    items: how many; those on which the predicted annotators disagree most. event: what juries decide at first.
    pool: the people who can sit on juries; None for everyone. unknown: whether unknown values are pools.
    notes: what readers of the page have to know about the predictions.

    Raises RunError for predictions without everyone's answers, ConfigError for too many people or items and for events
    and pools that are not understood.
    """
    _refuse_unexplorable(predictions)
    if not 1 <= items <= MOST_ITEMS:
        raise ConfigError(f"items={items} is not accepted; give a number from 1 to {MOST_ITEMS:,}")
    chosen_people = _people(predictions, pool)
    people = predictions.annotators.iloc[chosen_people].reset_index(drop=True)
    assert predictions.everyone is not None
    grid = np.broadcast_to(predictions.everyone, (len(predictions.items), *predictions.everyone.shape[1:]))
    chosen_items = most_disputed(grid, chosen_people, items)
    raw = np.asarray(grid[chosen_items][:, chosen_people])
    scale = bounded(predictions.scale, raw)
    answers = quantised(raw, scale)
    events, first = _events(event, scale)
    attributes = juror_sheets.attributes(people, unknown) if len(people) >= FEW_ANNOTATORS else []
    header = {
        "about": {key: predictions.about.get(key) for key in ("data", "method", "split")},
        "scale": scale.to_dict() | {"kind": predictions.kind, "values": scale.values.tolist()},
        "events": [_event_entry(offered) for offered in events],
        "event": first,
        "items": [_item_entry(row) for row in predictions.items.iloc[chosen_items].to_dict("records")],
        "attributes": [{"name": shown.name, "values": shown.values, "pools": shown.pools} for shown in attributes],
        "named": len(people) < FEW_ANNOTATORS,
        "eligible": pool,
        "size": usual_size(len(people)),
        "of": len(predictions.items),
        "rounding": rounding_error(raw, answers, scale, events[first]),
        "notes": [*_notes(predictions, len(chosen_items), chosen_people), *notes],
    }
    arrays = {
        "answers": answers,
        "attribute": np.array([shown.code for shown in attributes], np.uint8).reshape(len(attributes), len(people)),
        **_label_arrays(predictions, chosen_items, chosen_people),
        **_people_arrays(predictions, chosen_people),
    }
    return Content(scale, answers, people, header, arrays)


def with_nearby(page: Content, vectors: np.ndarray) -> Content:
    """The page with the texts nearest to each of its texts; vectors: content vectors of these, [item, hidden]."""
    near = juror_sheets.nearest(vectors).astype(np.uint16)
    return replace(page, arrays=page.arrays | {"near": near})


def most_disputed(everyone: np.ndarray, people: np.ndarray, count: int) -> np.ndarray:
    """Rows of the items on which predicted annotators differ most, the most disputed first, int64 [at most count].

    everyone: [item, annotator, level]. people: positions of the annotators who count. Two people differ by the squared
    distance of their predicted distributions (or ratings), so an item is as disputed as the summed variance of its
    levels.
    """
    variance = np.empty(len(everyone))
    for rows in chunks(len(everyone), 8 * everyone[0].size):
        variance[rows] = np.asarray(everyone[rows][:, people], np.float64).var(1).sum(1)
    return np.argsort(-variance, kind="stable")[:count]


# Bytes. ------------------------------------------------------------------------------------------------------------


def bounded(scale: Scale, answers: np.ndarray) -> Scale:
    """The scale; where ratings have no bounds, with those of these answers."""
    if scale.kind != "interval":
        return scale
    low = float(answers.min()) if scale.low is None else scale.low
    high = float(answers.max()) if scale.high is None else scale.high
    return replace(scale, low=low, high=high if high > low else low + 1)


def quantised(answers: np.ndarray, scale: Scale) -> np.ndarray:
    """Answers [..., level] as uint8: probabilities in steps of 1/255, ratings in steps of the scale's 255th part."""
    low, high = (scale.low, scale.high) if scale.kind == "interval" else (0.0, 1.0)
    assert low is not None
    assert high is not None
    share = (np.asarray(answers, np.float64) - low) / (high - low)
    return np.rint(STEPS * np.clip(share, 0, 1)).astype(np.uint8)


def dequantised(answers: np.ndarray, scale: Scale) -> np.ndarray:
    """The answers that the page computes with, float64 [..., level]: q / 255, distributions divided by their sum,
    ratings low + q / 255 · (high − low)."""
    share = answers / STEPS
    if scale.kind == "interval":
        assert scale.low is not None
        assert scale.high is not None
        return scale.low + share * (scale.high - scale.low)
    return share if scale.kind == "multilabel" else share / share.sum(-1, keepdims=True)


def rounding_error(raw: np.ndarray, answers: np.ndarray, scale: Scale, event: Event) -> float:
    """Largest change of P(positive) due to rounding, over items, for a population jury of the usual size."""
    everyone = Seating(
        np.ones((1, raw.shape[1]), bool), np.array([[usual_size(raw.shape[1])]]), np.ones(1), np.zeros(1, int)
    )
    question = Question(event, Rule("majority"))
    exact, rounded = (verdicts(one.astype(float), everyone, question) for one in (raw, dequantised(answers, scale)))
    return float(np.abs(exact.positive - rounded.positive).max())


def usual_size(people: int) -> int:
    """Seats of the first jury: 12; with fewer than 20 people an odd number, about half of them, so that juries vary."""
    return USUAL_SEATS if people >= FEW_ANNOTATORS else max(1, (people // 2 - 1) | 1)


# Parts of the page. ------------------------------------------------------------------------------------------------


def _refuse_unexplorable(predictions: Predictions) -> None:
    if predictions.everyone is None:
        raise RunError(
            "these runs hold answers only for the pairs people labelled (no everyone.npy for all folds and seeds); "
            "train again with predictions.everyone=true, and with split=annotators or split=both name runs of one fold"
        )
    if predictions.everyone.shape[1] == 1 < len(predictions.annotators):
        raise RunError(
            f"method {predictions.about.get('method')} gives everyone the same answer, so juries cannot differ; "
            "explore runs of a method that tells people apart, such as model=jury"
        )


def _people(predictions: Predictions, pool: str | None) -> np.ndarray:
    """Positions of the annotators on the page, int64. Raises ConfigError for too many of them, or too few of a pool."""
    people = len(predictions.annotators)
    chosen = np.arange(people) if pool is None else np.flatnonzero(members(pool, predictions.annotators))
    if len(chosen) < min(SMALLEST_GROUP, people):
        raise ConfigError(f"pool={pool} has fewer than {SMALLEST_GROUP} people; name a wider pool")
    if len(chosen) > MOST_PEOPLE:
        raise ConfigError(
            f"a page holds at most {MOST_PEOPLE:,} people, and these are {len(chosen):,}; choose some of them with "
            "pool=POOL, such as pool='country=Italy & age<30'"
        )
    return chosen


def _events(text: str | None, scale: Scale) -> tuple[list[Event], int]:
    """Events the page offers, and the position of the one it starts with."""
    first = Event.parse(text, scale)
    if scale.kind == "interval":
        assert scale.low is not None
        assert scale.high is not None
        cuts = np.linspace(scale.low, scale.high, THRESHOLDS + 2)[1:-1]
        offered = [f"label{first.comparison}{cut:g}" for cut in cuts]
    elif scale.kind == "ordinal":
        offered = [f"label>={level}" for level in scale.levels[1:]]
    else:
        offered = [f"label={level}" for level in (scale.levels[1:] if scale.binary else scale.levels)]
    events = [Event.parse(one, scale) for one in offered]
    same = [(one.comparison, one.operands) == (first.comparison, first.operands) for one in events]
    return (events, same.index(True)) if any(same) else ([first, *events], 0)


def _event_entry(event: Event) -> dict[str, Any]:
    if event.scale.kind == "interval":
        return {"text": event.text, "comparison": event.comparison, "threshold": float(event.operands[0])}
    return {"text": event.text, "levels": event.levels.tolist()}


def _item_entry(row: Mapping[Any, Any]) -> dict[str, str]:
    pair = {"pair": str(row["text_pair"])} if isinstance(row.get("text_pair"), str) else {}
    return {"id": level_name(row["item_id"]), "text": str(row["text"])} | pair


def _label_arrays(predictions: Predictions, items: np.ndarray, people: np.ndarray) -> dict[str, np.ndarray]:
    """The annotations of the items on the page, by arrays' names; people who are not on the page have number 65535."""
    item_place = np.full(len(predictions.items), -1)
    item_place[items] = np.arange(len(items))
    person_place = np.full(len(predictions.annotators), 65535)
    person_place[people] = np.arange(len(people))
    item, labels = item_place[predictions.item_index], predictions.observed
    kept = (item >= 0) & ~_missing(labels)
    return {
        "said_item": item[kept].astype(np.uint16),
        "said_by": person_place[predictions.annotator_index[kept]].astype(np.uint16),
        "said": labels[kept].astype(np.float64 if predictions.kind == "rating" else np.uint8),
    }


def _missing(labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind == "i":
        return labels < 0
    return np.isnan(labels).any(1) if labels.ndim == 2 else np.isnan(labels)


def _people_arrays(predictions: Predictions, people: np.ndarray) -> dict[str, np.ndarray]:
    """How well each person on the page is predicted, and how many labels they gave and were learned from."""
    score, count = juror_sheets.agreement(predictions)
    trained = predictions.pairs.groupby("annotator_id")["training_labels"].mean()
    trained = trained.reindex(predictions.annotators["annotator_id"])
    return {
        "agreement": score[people].astype(np.float32),
        "labelled": count[people].astype(np.uint32),
        "trained": trained.to_numpy(np.float32)[people],
    }


def _notes(predictions: Predictions, shown: int, people: np.ndarray) -> list[str]:
    """What readers of the page have to know about its items and people."""
    notes = []
    if shown < len(predictions.items):
        notes.append(
            f"This page has {shown:,} of {len(predictions.items):,} items, those on which the predicted people "
            "disagree most: shares of items are of these, not of the corpus."
        )
    if len(people) < len(predictions.annotators):
        notes.append(f"{len(people):,} of {len(predictions.annotators):,} people can sit on juries on this page.")
    new = set(predictions.pairs["annotator_id"][~predictions.seen]) & set(
        predictions.annotators["annotator_id"].iloc[people]
    )
    if new:
        notes.append(f"{len(new):,} people were not seen in training (of all or some folds); the model guesses them.")
    return notes
