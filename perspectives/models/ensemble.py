"""One model per annotator, trained on this annotator's labels alone (Davani, Díaz & Prabhakaran 2022, TACL 10).

The members' predictions are joined along the annotator axis. Every member is a run of its own inside the ensemble's run
folder, so that an interrupted ensemble continues where it stopped: finished members are skipped, the unfinished one is
resumed.
"""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from perspectives.data.annotations import AnnotationSet
from perspectives.data.splits import Split
from perspectives.errors import ConfigError, DataWarning
from perspectives.predictions import Predictions
from perspectives.runs.run import MEMBERS, Run

ENSEMBLE = "ensemble"
MEMBER = "ensemble_member"
ONE_ANNOTATOR = "annotator"  # `model.target` of a member; `model.annotator` says which one


class Ensemble:
    """The members of an ensemble and their joint answers, with the interface of `Training`.

    train: trains a member from its configuration and returns its run, immediately if it is finished.

    Each annotator with training labels has a member. It validates on the annotator's own validation labels or, where
    there are none, on everyone's, so that early stopping still uses held-out texts. People without a member get the
    mean of all answers, weighted by training labels.
    """

    def __init__(
        self,
        config: DictConfig,
        annotations: AnnotationSet,
        split: Split,
        run: Run,
        train: Callable[[DictConfig], Run],
    ) -> None:
        """Raises ConfigError when there would be more than `model.max_members` members or everyone's answers are too
        large, and whatever a member's training would raise, before anything is trained."""
        from perspectives.training.training import check_budget

        self.config, self.run, self.train = config, run, train
        people = annotations.annotations["annotator_id"].iloc[split.rows("train")]
        self.training_labels = people.value_counts().sort_index()
        self._refuse_unmeant_size(annotations.name)
        if config.predictions.everyone:
            items = len(np.unique(annotations.item_index[split.rows("test")]))
            shape = (items, len(annotations.annotators), annotations.scale.size)
            check_budget(shape, config.predictions.max_bytes)
        if config.adapt:
            warnings.warn(
                f"model=ensemble cannot adapt to new people, so adapt={config.adapt} has no effect",
                DataWarning,
                stacklevel=2,
            )
        self.members = [member_config(config, who, run.folder / MEMBERS) for who in self.training_labels.index]
        self.runs: list[Run] = []
        if not run.begun:
            self._rehearse(annotations, split)

    def _refuse_unmeant_size(self, corpus: str) -> None:
        count, limit = len(self.training_labels), self.config.model.max_members
        if count > limit:
            raise ConfigError(
                f"model=ensemble trains a model for each of the {count:,} annotators of {corpus}: {count:,} trainings, "
                f"more than model.max_members={limit:,}; set model.max_members={count}, or use model=multitask, "
                "one model with a head for each annotator"
            )

    def _rehearse(self, annotations: AnnotationSet, split: Split) -> None:
        """Set up one training, so that invalid options are rejected before there is a run."""
        from perspectives.training.training import Training

        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
            Training(self.members[0], annotations, split, Run(Path(folder)))

    def fit(self, logger: Any = None) -> None:
        """Train the members that are not trained yet.

        logger: not used: each member writes its own `history.csv`, and trackers only receive the ensemble's results.
        """
        hidden = None if self.config.trainer.progress else True  # None: shown on terminals only
        for member in tqdm(self.members, desc="members", unit="member", leave=False, disable=hidden):
            with warnings.catch_warnings():
                if self.runs:  # the first member already issued the data warnings
                    warnings.simplefilter("ignore", DataWarning)
                self.runs.append(self.train(member))

    def predict(self, part: str, everyone: bool = False) -> Predictions:
        """The members' predictions for the pairs of a part; with `everyone`, also for all annotators."""
        members = [run.predictions(part)[MEMBER] for run in self.runs]
        predictions = joined(members, self.training_labels, everyone)
        return replace(predictions, about={"method": self.config.model.name, "seed": self.config.seed})

    def throughput(self) -> dict[str, float]:
        """As for one training: seconds are summed, and rates are over all members. Unfinished training in earlier
        processes is not counted."""
        members = [run.metrics["throughput"] for run in self.runs]
        seconds = [member.get("train_seconds", 0.0) for member in members]
        total = {"encode_seconds": sum(member["encode_seconds"] for member in members), "train_seconds": sum(seconds)}
        for rate in dict.fromkeys(name for member in members for name in member if name.endswith("_per_second")):
            done = sum(member.get(rate, 0.0) * length for member, length in zip(members, seconds, strict=True))
            total[rate] = done / total["train_seconds"]
        return total


def member_config(config: DictConfig, annotator: str, place: Path) -> DictConfig:
    """The configuration of one member, whose run is stored below `place`. Calibration, decision and tracking are left
    to the ensemble."""
    member = config.copy()
    OmegaConf.set_struct(member, False)
    model = {key: value for key, value in config.model.items() if key != "max_members"}
    member.model = model | {"name": MEMBER, "target": ONE_ANNOTATOR, "annotator": annotator}
    member.paths.runs = str(place)
    member.logger = {"name": "csv"}
    member.calibrate, member.decision, member.adapt, member.predictions.everyone = False, "argmax", 0, False
    return member


def labels_of(annotations: AnnotationSet, annotator: str) -> AnnotationSet:
    """One annotator's annotations, without demographics, which a member does not use; the items table stays whole."""
    own = annotations.annotations[annotations.annotations["annotator_id"] == annotator].reset_index(drop=True)
    return replace(annotations, annotations=own, annotators=pd.DataFrame({"annotator_id": [annotator]}))


def joined(members: Sequence[Predictions], training_labels: pd.Series, everyone: bool = False) -> Predictions:
    """The predictions of the annotators' own models, joined into predictions of all annotators.

    members: one per entry of `training_labels` (training annotations by annotator id), in its order; all on the same
        pairs, and each with one answer per item for all annotators. everyone: also [item, annotator, level].

    Annotators not in `training_labels` get the mean over members, weighted by training labels.
    """
    first = members[0]
    answers = np.empty((len(first.items), len(members) + 1, first.scale.size), np.float32)  # [item, member, level]
    for position, member in enumerate(members):
        answers[member.item_index, position] = member.values
    share = training_labels.to_numpy() / training_labels.sum()
    answers[:, -1] = np.einsum("iml,m->il", answers[:, :-1], share)
    people, asked = pd.Index(training_labels.index), first.pairs["annotator_id"]
    values = answers[first.item_index, people.get_indexer(asked)]  # -1, the mean, for people without a member
    pairs = first.pairs.assign(training_labels=training_labels.reindex(asked, fill_value=0).to_numpy())
    grid = answers[:, people.get_indexer(first.annotators["annotator_id"])] if everyone else None
    return replace(first, pairs=pairs, values=values, everyone=grid)
