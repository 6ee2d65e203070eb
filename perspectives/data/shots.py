"""Set aside labels of people unseen in training for adaptation: models may learn from them, but nothing scores them."""

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
    """Turn the annotations of `shots` texts of each new person into the adaptation part, in place.

    spare: the annotations that may be used, bool [annotation]. notes: what was done is appended.

    New people who have fewer texts, or nothing left to score, are dropped. Returns `Split.shot`; None where shots is 0.
    Raises ConfigError for negative shots, DataError when nobody is left in a part.
    """
    if shots < 0:
        raise ConfigError(f"split.shots={shots} is not a number of texts; use a whole number, 0 for none")
    if not shots:
        return None
    person, position = annotations.annotator_index, _positions(annotations, spare, seed)
    drawn = (position >= 0) & (position < shots)
    scored = np.isin(part, SCORED)
    new = np.isin(person, person[scored])
    enough = np.isin(person, person[position == shots - 1]) & np.isin(person, person[scored & ~drawn])
    for code in SCORED:
        if not (enough & (part == code)).any():
            most = position[np.isin(person, person[part == code])].max(initial=-1) + 1
            raise DataError(
                f"{annotations.name}: split.shots={shots} leaves no annotator in {PARTS[code]}: nobody in it labelled "
                f"more than {most} texts that can be set aside, and one more is needed to be scored; use fewer shots"
            )
    part[new & ~enough] = DROPPED
    part[drawn & enough] = ADAPTATION
    notes.append(f"labels of {shots} texts of each test and validation annotator are set aside for adaptation")
    if few := len(np.unique(person[new & ~enough])):
        notes.append(f"{few} of {len(np.unique(person[new]))} of them labelled too few texts and are dropped")
    return np.where(drawn & enough, position, -1)


def _positions(annotations: AnnotationSet, spare: np.ndarray, seed: int) -> np.ndarray:
    """Position of each annotation's text in a random order of its annotator's spare texts, int64 [annotation].

    -1 where it is not spare. All annotations of one text by one person, in any round, have the same position.
    """
    person = annotator_groups(annotations, None)[annotations.annotator_index]
    text = item_groups(annotations, None)[0][annotations.item_index]
    pairs, pair = np.unique(np.stack([person, text]), axis=1, return_inverse=True)
    chance = np.random.default_rng((seed, 1)).permutation(pairs.shape[1])[pair.reshape(-1)]
    position = np.full(len(person), -1)
    position[spare] = pd.Series(chance[spare]).groupby(person[spare]).rank("dense").to_numpy(np.int64) - 1
    return position


def refuse_known_shots(annotations: AnnotationSet, part: np.ndarray, name: str, texts_apart: bool) -> None:
    """Raise DataError when people set aside for adaptation are in the train part, or scored on a text set aside.

    texts_apart: whether a text set aside for one person may not be scored for anybody; otherwise not for that person.
    """
    person, text = annotations.annotator_index, item_groups(annotations, None)[0][annotations.item_index]
    unit = text if texts_apart else person * (text.max() + 1) + text
    aside, scored = part == ADAPTATION, np.isin(part, SCORED)
    known = np.isin(person[aside], person[part == TRAIN]).sum()
    judged = np.isin(unit[aside], unit[scored]).sum()
    if known or judged:
        raise DataError(
            f"{annotations.name}: split {name} sets aside {known} annotations of people of the train part and {judged} "
            "on texts that are scored"
        )
