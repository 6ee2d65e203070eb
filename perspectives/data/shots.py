"""Labels of people unseen in training, set aside for adaptation: models may learn from them; nothing scores them."""

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.parts import ADAPTATION, DROPPED, SCORED, TRAIN
from perspectives.data.split_groups import annotator_groups, item_groups
from perspectives.data.validation import PARTS
from perspectives.errors import ConfigError, DataError


def set_aside(
    annotations: AnnotationSet, part: np.ndarray, spare: np.ndarray, shots: int, seed: int, notes: list[str]
) -> np.ndarray | None:
    """Turn the spare annotations (bool [annotation]) of `shots` texts of each new person into adaptation, in place;
    `Split.shot`, or None without shots. New people who have fewer, or nothing left to score, are dropped.
    """
    if shots < 0:
        raise ConfigError(f"split.shots={shots} is no number of texts; use 0 for none")
    if not shots:
        return None
    person, place = annotations.annotator_index, _places(annotations, spare, seed)
    drawn = (place >= 0) & (place < shots)
    scored = np.isin(part, SCORED)
    new = np.isin(person, person[scored])
    enough = np.isin(person, person[place == shots - 1]) & np.isin(person, person[scored & ~drawn])
    for code in SCORED:
        if not (enough & (part == code)).any():
            most = place[np.isin(person, person[part == code])].max(initial=-1) + 1
            raise DataError(
                f"{annotations.name}: split.shots={shots} leaves no annotator in {PARTS[code]}: nobody there labelled "
                f"more than {most} texts that could be set aside, and another one has to be scored; use fewer shots"
            )
    part[new & ~enough] = DROPPED
    part[drawn & enough] = ADAPTATION
    notes.append(f"labels of {shots} texts of each test and validation annotator are set aside for adaptation")
    if few := len(np.unique(person[new & ~enough])):
        notes.append(f"{few} of {len(np.unique(person[new]))} of them labelled too few texts and are dropped")
    return np.where(drawn & enough, place, -1)


def _places(annotations: AnnotationSet, spare: np.ndarray, seed: int) -> np.ndarray:
    """Place of each annotation's text in a random order of its annotator's spare texts, int64 [annotation]; -1 where
    it is not spare. What somebody said of one text, in whatever round, has one place."""
    person = annotator_groups(annotations, None)[annotations.annotator_index]
    text = item_groups(annotations, None)[0][annotations.item_index]
    pairs, pair = np.unique(np.stack([person, text]), axis=1, return_inverse=True)
    chance = np.random.default_rng((seed, 1)).permutation(pairs.shape[1])[pair.reshape(-1)]
    place = np.full(len(person), -1)
    place[spare] = pd.Series(chance[spare]).groupby(person[spare]).rank("dense").to_numpy(np.int64) - 1
    return place


def refuse_known_shots(annotations: AnnotationSet, part: np.ndarray, name: str, texts_apart: bool) -> None:
    """Raises DataError when somebody adapted to was trained on, or is scored on a text that was set aside for them
    (texts_apart: for anybody)."""
    person, text = annotations.annotator_index, item_groups(annotations, None)[0][annotations.item_index]
    what = text if texts_apart else person * (text.max() + 1) + text
    aside, scored = part == ADAPTATION, np.isin(part, SCORED)
    known, judged = np.isin(person[aside], person[part == TRAIN]).sum(), np.isin(what[aside], what[scored]).sum()
    if known or judged:
        raise DataError(
            f"{annotations.name}: split {name} sets aside {known} annotations of people of the train part and {judged} "
            "on texts that are scored"
        )
