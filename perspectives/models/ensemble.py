"""One model per annotator, trained on this annotator's labels alone (Davani, Díaz & Prabhakaran 2022, TACL 10).

A loop over trainings joined on the annotator axis. Every member is a run of its own inside the ensemble's run folder,
so that a killed ensemble goes on where it stopped: finished members are skipped, the unfinished one is resumed.
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
    """The members of an ensemble and their joint answers, with the methods `Training` has for a single model.

    train: fits what a member's configuration says and returns its run, at once where it is finished.

    Each annotator with training labels has a member. It validates on the annotator's own validation labels; one who
    has none, on everyone's, so that early stopping still looks at texts that were not trained on. People without a
    member get the mean of all answers, weighted by training labels.
    """

    def __init__(
        self,
        config: DictConfig,
        annotations: AnnotationSet,
        split: Split,
        run: Run,
        train: Callable[[DictConfig], Run],
    ) -> None:
        """Raises ConfigError when the trainings are more than `model.max_members` or everyone's answers too large, and
        what a member's training would raise, before anything is trained."""
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
                f"model=ensemble has no model of new people to train, so adapt={config.adapt} changes nothing",
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
                f"and model.max_members={limit:,}; model.max_members={count} allows it, and model=multitask trains one "
                "model with a head for each annotator"
            )

    def _rehearse(self, annotations: AnnotationSet, split: Split) -> None:
        """Prepare one training, for what it refuses: there is no run yet."""
        from perspectives.training.training import Training

        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
            Training(self.members[0], annotations, split, Run(Path(folder)))

    def fit(self, logger: Any = None) -> None:
        """Train the members that are not trained yet.

        logger: not used: each member writes its own `history.csv`, and trackers are told the ensemble's results only.
        """
        hidden = None if self.config.trainer.progress else True  # None: shown on terminals only
        for member in tqdm(self.members, desc="members", unit="member", leave=False, disable=hidden):
            with warnings.catch_warnings():
                if self.runs:  # the first one said what is to be said of the data
                    warnings.simplefilter("ignore", DataWarning)
                self.runs.append(self.train(member))

    def predict(self, part: str, everyone: bool = False) -> Predictions:
        """What the members say about the pairs of a part; with `everyone`, also what all annotators would say."""
        members = [run.predictions(part)[MEMBER] for run in self.runs]
        found = joined(members, self.training_labels, everyone)
        return replace(found, about={"method": self.config.model.name, "seed": self.config.seed})

    def throughput(self) -> dict[str, float]:
        """As for one training: seconds add up, and rates are over all of them. What earlier processes trained and did
        not finish is not counted."""
        found = [run.metrics["throughput"] for run in self.runs]
        seconds = [one.get("train_seconds", 0.0) for one in found]
        total = {"encode_seconds": sum(one["encode_seconds"] for one in found), "train_seconds": sum(seconds)}
        for rate in dict.fromkeys(name for one in found for name in one if name.endswith("_per_second")):
            done = sum(one.get(rate, 0.0) * length for one, length in zip(found, seconds, strict=True))
            total[rate] = done / total["train_seconds"]
        return total


def member_config(config: DictConfig, annotator: str, place: Path) -> DictConfig:
    """The configuration of one member, whose run lies below `place`: the answers are calibrated, decided and tracked
    once for all."""
    member = config.copy()
    OmegaConf.set_struct(member, False)
    model = {key: value for key, value in config.model.items() if key != "max_members"}
    member.model = model | {"name": MEMBER, "target": ONE_ANNOTATOR, "annotator": annotator}
    member.paths.runs = str(place)
    member.logger = {"name": "csv"}
    member.calibrate, member.decision, member.adapt, member.predictions.everyone = False, "argmax", 0, False
    return member


def labels_of(annotations: AnnotationSet, annotator: str) -> AnnotationSet:
    """What one annotator said, without the demographics, which a member has no use for; the items table stays whole."""
    own = annotations.annotations[annotations.annotations["annotator_id"] == annotator].reset_index(drop=True)
    return replace(annotations, annotations=own, annotators=pd.DataFrame({"annotator_id": [annotator]}))


def joined(members: Sequence[Predictions], training_labels: pd.Series, everyone: bool = False) -> Predictions:
    """The answers of annotators' own models as answers of the annotators.

    members: one per entry of `training_labels` (training annotations by annotator id), in its order; all on the same
        pairs, and each with one answer per item, whoever is asked. everyone: also [item, annotator, level].

    Who is not in `training_labels` gets the mean over members, weighted by their training labels.
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
