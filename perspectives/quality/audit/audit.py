"""The whole audit of an AnnotationSet, with or without what training showed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet, annotation_columns
from perspectives.data.description import Description, describe
from perspectives.errors import RunError
from perspectives.metrics.intervals import FEW_ANNOTATORS
from perspectives.predictions import Predictions
from perspectives.quality.active_annotators import active
from perspectives.quality.audit.agreements import agreements, pairs
from perspectives.quality.audit.coverage import coverage
from perspectives.quality.audit.drift import drift, unread
from perspectives.quality.audit.items import items, to_ask
from perspectives.quality.audit.people import contradicted, people
from perspectives.quality.audit.trained import Told, data_map, mean_influence, population_of, told
from perspectives.quality.cohesion import PERMUTATIONS, cohesion
from perspectives.quality.dynamics import Dynamics
from perspectives.quality.group_agreement import between_groups

FOUND = 0.1  # share of planted slips that have to be found before calling nothing a slip means anything
CHANCE = 0.5  # AUROC of a ranking that knows nothing


@dataclass(frozen=True, eq=False)
class Audit:
    """Tables, each described where it is made.

    people, items, agreement, pairs, drift, coverage: see the functions of this package. cohesion, between: see
        `quality.cohesion` and `quality.group_agreement`. What is said by group is empty without demographics and in
        corpora of fewer than 20 people with annotations, what is said of pairs of people in others.
    told: slips and perspectives; None without a run that can tell; its annotations have `self_influence`, too, where
        that was computed. dynamics: `data_map`; None where none was recorded. influence: `mean_influence`, or None.
    notes: what readers have to know.
    """

    annotations: AnnotationSet
    description: Description
    people: pd.DataFrame
    items: pd.DataFrame
    agreement: pd.DataFrame
    pairs: pd.DataFrame
    cohesion: pd.DataFrame
    between: pd.DataFrame
    coverage: pd.DataFrame
    drift: pd.DataFrame
    told: Told | None = None
    dynamics: pd.DataFrame | None = None
    influence: pd.DataFrame | None = None
    notes: list[str] = field(default_factory=list)

    def tables(self) -> dict[str, pd.DataFrame]:
        """What there is to be written, by name; `people`, `pairs`, `annotations`, `dynamics` and `influence` hold
        ids of people."""
        names = ("people", "items", "agreement", "pairs", "cohesion", "between", "coverage", "drift")
        found = {name: getattr(self, name) for name in names}
        found |= {name: getattr(self.description, name) for name in ("counts", "labels", "load")}
        if self.told is not None:
            found |= {"annotations": self.told.annotations, "slips_by_group": self.told.groups, "gaps": self.told.gaps}
        if self.dynamics is not None:
            found["dynamics"] = self.dynamics
        if self.influence is not None:
            found["influence"] = self.influence
        return {name: table for name, table in found.items() if len(table)}


def audit(
    annotations: AnnotationSet,
    predictions: Predictions | None = None,
    recorded: Sequence[Dynamics] = (),
    permutations: int = PERMUTATIONS,
    scored: Sequence[pd.DataFrame] = (),
) -> Audit:
    """Audit annotations.

    predictions: out-of-fold predictions of these annotations with everyone's answers. recorded: training dynamics of
    runs on them. permutations: of the test whether groups agree among themselves. scored: influence of what each of the
    runs was trained on (`influence_of_run`). Raises RunError when predictions are of other annotations. Warns with
    DataWarning where agreement is undefined.
    """
    if predictions is not None:
        _refuse_others(annotations, predictions)
    few = active(annotations).sum() < FEW_ANNOTATORS
    shown = _without_attributes(annotations) if few else annotations
    who, posterior = people(annotations)
    suspect = annotations.annotators["annotator_id"].isin(who.loc[who["suspect"], "annotator_id"]).to_numpy()
    notes = list(annotations.notes)
    if few and annotations.attributes:
        notes.append(f"Fewer than {FEW_ANNOTATORS} annotators: reported one by one, without claims about groups.")
    if contradicted(who):
        notes.append(
            "MACE's competence is highest for those who agree least with the others: it took one camp's labels for the "
            "truth, so here it tells camps apart, not careful people from careless ones, and what it infers of items "
            "is left out."
        )
        posterior = None
    if said := unread(annotations):
        notes.append(said)
    influence = mean_influence(scored) if scored else None
    found = _with_influence(_told(shown, predictions, notes), influence)
    ranked = items(shown, posterior, _predicted(annotations, predictions), suspect)
    if to_ask(ranked).empty:
        notes.append("Nobody is left to ask: all who may be asked have labelled every item.")
    described = describe(shown)
    return Audit(
        annotations,
        described,
        who,
        ranked,
        agreements(shown, described.agreement),
        pairs(annotations) if few else pd.DataFrame(),
        cohesion(shown, shown.attributes, permutations),
        _between(shown),
        coverage(shown, suspect),
        drift(annotations),
        found,
        data_map(recorded) if recorded else None,
        influence,
        notes,
    )


def _between(annotations: AnnotationSet) -> pd.DataFrame:
    """`between_groups` of all attributes."""
    parts = [between_groups(annotations, name).assign(attribute=name) for name in annotations.attributes]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _told(annotations: AnnotationSet, predictions: Predictions | None, notes: list[str]) -> Told | None:
    """annotations: whose attributes may be spoken of."""
    if predictions is None:
        return None
    try:
        found = told(replace(predictions, annotators=_known(annotations, predictions.annotators)))
    except RunError as error:
        notes.append(f"Slips cannot be told from perspectives: {error}.")
        return None
    if found.unseen:
        notes.append(
            f"{found.unseen:,} of {len(predictions):,} held-out annotations are of people the model never saw, so what "
            "is expected of them is unknown: they are called nothing."
        )
    if said := _warning(found.groups.iloc[0]):
        notes.append(said)
    return found


def _with_influence(found: Told | None, influence: pd.DataFrame | None) -> Told | None:
    """Self-influence beside the loss; nan for what no run was trained on."""
    if found is None or influence is None:
        return found
    key = annotation_columns(found.annotations, influence)
    table = found.annotations.merge(influence[[*key, "self_influence"]], how="left", on=key)
    return replace(found, annotations=table)


def _warning(everyone: pd.Series) -> str | None:
    """What planted slips say against reading what is called a slip. everyone: the first row of `Told.groups`."""
    found, called = everyone["planted_found"], everyone["untouched_called"]
    if not everyone["auroc_low"] > CHANCE:
        return (
            f"Labels replaced at random do not look more like slips than others do (AUROC "
            f"{everyone['planted_auroc']:.3f}, {everyone['auroc_low']:.3f} to {everyone['auroc_high']:.3f}): the "
            "probability of a slip tells nothing here."
        )
    ranks = (
        f"Its probability still ranks them (AUROC {everyone['planted_auroc']:.3f}): read the most suspicious, and "
        "throw nothing away."
    )
    if not found > called:
        return (
            f"Of labels replaced at random {found:.1%} are called slips, of the others {called:.1%}: what is called a "
            f"slip need not be one. {ranks}"
        )
    if found < FOUND:
        return (
            f"Of labels replaced at random only {found:.1%} are called slips: these labels are too hard to predict to "
            f"call one a slip. {ranks}"
        )
    return None


def _refuse_others(annotations: AnnotationSet, predictions: Predictions) -> None:
    key = annotation_columns(annotations.annotations)
    shared = [name for name in key if name in predictions.pairs]
    known = pd.MultiIndex.from_frame(annotations.annotations[shared])
    inside = pd.MultiIndex.from_frame(predictions.pairs[shared]).isin(known)
    if not inside.all() or annotations.scale != predictions.scale:
        raise RunError(
            f"the run is not of these annotations: {int((~inside).sum()):,} of its {len(inside):,} held-out "
            f"annotations are not in {annotations.name}; give the data options it was trained with"
        )


def _predicted(annotations: AnnotationSet, predictions: Predictions | None) -> np.ndarray | None:
    """How everybody would label each item, float64 [item, level], nan where no model was asked. None for ratings and
    sets of levels, and where nobody was asked but the people who labelled."""
    if predictions is None or predictions.kind != "categorical" or predictions.everyone is None:
        return None
    place = pd.Index(predictions.items["item_id"]).get_indexer(annotations.items["item_id"])
    return np.where(place[:, None] >= 0, population_of(predictions)[place], np.nan)


def _without_attributes(annotations: AnnotationSet) -> AnnotationSet:
    return replace(annotations, annotators=annotations.annotators[["annotator_id"]])


def _known(annotations: AnnotationSet, annotators: pd.DataFrame) -> pd.DataFrame:
    """The annotators with the attributes of these annotations, missing for people without any, so that groups are the
    same wherever they are spoken of."""
    known = annotations.annotators[active(annotations)]
    return annotators[["annotator_id"]].merge(known, how="left", on="annotator_id")
