"""A generated population with known true judgements, who label invented comments as rude or not.

Whether a method recovers groups, individuals or carelessness can only be checked where these are known. Here they are
planted, and `Truth` holds the exact probability of every label. Each annotation is drawn from an ordered logit

    P(label > k) = sigmoid(score + interaction + drift · position − cutpoint_k)
    score = Σ_feature features[item, feature] · (BASE + group bias + individual bias)[annotator, feature]

`features` can be read in the text (tone, sarcasm, second person, demand, topic) and `score` is what a perspectivist
model can learn. `interaction` is a dot product of hidden item and annotator vectors, independent of texts and
attributes, and `drift` makes people stricter or milder as they go on: no model of texts and annotators expresses them.
Careless annotators ignore the text: half of them answer at random, half always give the same answer.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.data.synthetic_text import MAX_ITEMS, TOPICS, compose
from perspectives.data.validation import UNKNOWN
from perspectives.errors import ConfigError, listing
from perspectives.files import write_text

# Weight in the score (logits) shared by everyone, and standard deviation of the individual deviations from it.
# `strictness` is 1 for every item: an annotator's own threshold. Topics matter only to individuals and groups.
BASE = {"strictness": -1.1, "tone": 1.3, "sarcasm": 0.8, "second_person": 0.2, "demand": 0.4}
SPREAD = {"strictness": 1.5, "tone": 0.5, "sarcasm": 1.0, "second_person": 1.0, "demand": 0.8}
BASE |= dict.fromkeys(TOPICS, 0.0)
SPREAD |= dict.fromkeys(TOPICS, 0.7)
FEATURES = tuple(BASE)


class GroupEffect(NamedTuple):
    """What belonging to a group adds to the weight of a feature, in logits."""

    group: str
    feature: str
    effect: float


GROUP_EFFECTS = (
    GroupEffect("age>=50", "second_person", 2.0),
    GroupEffect("age<30", "demand", -1.5),
    GroupEffect("gender=Woman", "sports", 2.0),
    GroupEffect("region=North", "sarcasm", -2.0),
    GroupEffect("region=South", "strictness", 1.0),
)
GENDERS = {"Woman": 0.47, "Man": 0.45, "Non-binary": 0.08}
REGIONS = ("North", "East", "South", "West")
AGES = (18, 75)
UNKNOWN_SHARE = 0.06  # per attribute, of records left blank: the person still judges as a member of the group

INTERACTION_SIZE = 4  # length of the hidden vectors
DRIFT_SHARE = 0.5  # standard deviation of `drift`, as a share of that of the interaction
RARE_SHARE = 0.1  # of the annotators, who are drawn with RARE_WORKLOAD of the usual weight
RARE_WORKLOAD = 0.08
CUTPOINT_RANGE = 2.5  # several cutpoints are spread evenly from minus this to plus this, in logits

LIMITS = {
    "items": (1, MAX_ITEMS),
    "annotators": (1, np.inf),
    "annotations_per_item": (1, np.inf),
    "levels": (2, 7),
    "careless": (0, 1),
    "group_bias": (0, np.inf),
    "individual_bias": (0, np.inf),
    "hidden": (0, np.inf),
    "seed": (0, np.inf),
}
SAMPLE = {"items": 120, "annotators": 20, "annotations_per_item": 5}  # data/sample; all else by default


@dataclass(frozen=True)
class Options:
    """The options that a population is drawn from; equal options give equal populations.

    items: number of comments, all distinct. annotators: number of people. annotations_per_item: how many distinct
        people label each item; people differ in workload and a tenth of them are rare.
    levels: 2 for the binary scale `not_rude, rude`; 3 to 7 for the ordinal scale 0 (not rude) to levels - 1.
    careless: share of annotators, from 0 to 1, who ignore the text.
    group_bias, individual_bias: factors on GROUP_EFFECTS and on SPREAD; 0 removes the bias.
    hidden: standard deviation of the hidden interaction in logits; the drift has half of it.
    seed: not negative. Texts, people and who annotates what depend on it and the sizes alone, so that populations
        which differ in other options are counterfactuals of each other.

    Raises ConfigError listing every option that is not a number within its LIMITS.
    """

    items: int = 800
    annotators: int = 60
    annotations_per_item: int = 8
    levels: int = 2
    careless: float = 0.08
    group_bias: float = 1.0
    individual_bias: float = 1.0
    hidden: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        problems = {option.name: _problem(self, option.name, option.type is int) for option in fields(self)}
        sizes = problems["annotators"] or problems["annotations_per_item"]
        if not sizes and self.annotations_per_item > self.annotators:
            came = f"annotations_per_item={self.annotations_per_item}"
            problems["annotations_per_item"] = f"{came}; expected at most annotators={self.annotators}"
        listed = [problem for problem in problems.values() if problem]
        if listed:
            raise ConfigError(f"synthetic population: {len(listed)} option(s) out of range\n{listing(listed)}")


def _problem(options: Options, name: str, whole: bool) -> str:
    """Return what is wrong with the value of an option, whatever the others are; empty where nothing is."""
    value, (low, high) = getattr(options, name), LIMITS[name]
    number = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if number and low <= value <= high and value < np.inf:
        return ""
    limits = f"from {low} to {high}" if high < np.inf else f"of at least {low}"
    return f"{name}={value!r}; expected a {'whole ' if whole else ''}number {limits}"


@dataclass(frozen=True)
class Truth:
    """The truth behind a generated population. Rows align with the `items`, `annotators` and `annotations` of its set.

    features: float64 [item, feature], columns FEATURES; tone from -2 (warm) to 2 (rude), all others 0 or 1.
    attributes: gender, age and region of each annotator, also where the published record says unknown.
    group_effects: columns `group, feature, effect` (logits), as scaled by the option `group_bias`.
    group_bias, individual_bias: float64 [annotator, feature] (logits), added to BASE.
    careless: str [annotator], `no`, `random` or `constant`.
    habit: float64 [annotator, level], what careless annotators answer whatever the text, rows sum to 1; nan for others.
    interaction: float64 [item, annotator] (logits), each column a draw from N(0, hidden²).
    drift: float64 [annotator], logits gained between the first and the last annotation.
    cutpoints: float64 [level - 1], increasing.
    hidden: the option, standard deviation of the interaction.
    item_index, annotator_index: int64 [annotation]. position: float64 [annotation], -0.5 for an annotator's first
        annotation to 0.5 for the last (0 where there is one).
    """

    features: pd.DataFrame
    attributes: pd.DataFrame
    group_effects: pd.DataFrame
    group_bias: pd.DataFrame
    individual_bias: pd.DataFrame
    careless: np.ndarray
    habit: np.ndarray
    interaction: np.ndarray
    drift: np.ndarray
    cutpoints: np.ndarray
    hidden: float
    item_index: np.ndarray
    annotator_index: np.ndarray
    position: np.ndarray

    @cached_property
    def score(self) -> np.ndarray:
        """The readable part of every judgement, float64 [item, annotator] (logits); careless annotators ignore it."""
        weights = self.group_bias.to_numpy() + self.individual_bias.to_numpy() + np.array(list(BASE.values()))
        return self.features.to_numpy() @ weights.T

    @cached_property
    def probability(self) -> np.ndarray:
        """The distributions that labels were drawn from, float64 [annotation, level], rows sum to 1."""
        item, annotator = self.item_index, self.annotator_index
        score = (self.score + self.interaction)[item, annotator] + self.drift[annotator] * self.position
        return self._with_habits(ordered_logit(score, self.cutpoints), annotator)

    @cached_property
    def expressible(self) -> np.ndarray:
        """The best any model of text and annotator can know, float64 [annotation, level], rows sum to 1.

        `probability` averaged over the hidden vectors of items and over the position of the annotation.
        """
        score = self.score[self.item_index, self.annotator_index]
        return self._with_habits(self._averaged(score, self.annotator_index), self.annotator_index)

    def everyone(self, expressible: bool = False) -> np.ndarray:
        """Return the probabilities of everyone's labels of everything, float64 [item, annotator, level].

        expressible: average over what no model can know, as `expressible` does; otherwise the exact probability halfway
            through the annotator's work (position 0). The mean of the expressible table over annotators is the
            best an annotator-blind model can know of an annotator drawn uniformly.
        """
        annotator = np.arange(self.score.shape[1])
        if expressible:
            return self._with_habits(self._averaged(self.score, annotator), annotator)
        return self._with_habits(ordered_logit(self.score + self.interaction, self.cutpoints), annotator)

    def _averaged(self, score: np.ndarray, annotator: np.ndarray) -> np.ndarray:
        """Mean over interaction ~ N(0, hidden²) and position ~ uniform(-0.5, 0.5), by Gauss quadrature."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(15)
        places, shares = np.polynomial.legendre.leggauss(5)
        total = np.zeros((*score.shape, len(self.cutpoints) + 1))
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            for place, share in zip(places / 2, shares / 2, strict=True):
                shifted = score + self.hidden * node + self.drift[annotator] * place
                total += weight * share * ordered_logit(shifted, self.cutpoints)
        return total

    def _with_habits(self, probability: np.ndarray, annotator: np.ndarray) -> np.ndarray:
        habit = self.habit[annotator]
        return np.where(np.isnan(habit), probability, habit)


class Population(NamedTuple):
    """A generated annotation set and the truth behind it."""

    annotations: AnnotationSet
    truth: Truth


def ordered_logit(score: np.ndarray, cutpoints: np.ndarray) -> np.ndarray:
    """Return P(level) where P(level > k) = sigmoid(score − cutpoint_k), float64 [..., level], sums to 1 over levels.

    score: float64 [...]. cutpoints: float64 [level - 1], increasing. Paper: McCullagh 1980, Regression Models for
    Ordinal Data (the proportional odds model).
    """
    above = expit(score[..., None] - cutpoints)
    return -np.diff(above, axis=-1, prepend=1.0, append=0.0)


def generate(**options: Any) -> Population:
    """Draw a population: the arguments are those of `Options`, by name. Raises ConfigError as `Options` does."""
    option = Options(**options)
    text_rng, people_rng, design_rng, hidden_rng, label_rng = np.random.default_rng(option.seed).spawn(5)
    texts, content = compose(option.items, text_rng)
    attributes = _attributes(option.annotators, people_rng)
    published = _published(attributes, people_rng)
    group_effects = pd.DataFrame(GROUP_EFFECTS).assign(effect=lambda table: table["effect"] * option.group_bias)
    deviations = people_rng.standard_normal((option.annotators, len(FEATURES))) * np.array(list(SPREAD.values()))
    kinds, habit = _careless(option.annotators, option.careless, option.levels, people_rng)
    item_index, annotator_index = _design(option.items, option.annotators, option.annotations_per_item, design_rng)
    order, position = _positions(annotator_index, design_rng)
    truth = Truth(
        features=_features(content),
        attributes=attributes,
        group_effects=group_effects,
        group_bias=_group_bias(attributes, group_effects),
        individual_bias=pd.DataFrame(option.individual_bias * deviations, columns=list(FEATURES)),
        careless=kinds,
        habit=habit,
        interaction=option.hidden * _interaction(option.items, option.annotators, hidden_rng),
        drift=option.hidden * DRIFT_SHARE * hidden_rng.standard_normal(option.annotators),
        cutpoints=_cutpoints(option.levels),
        hidden=option.hidden,
        item_index=item_index,
        annotator_index=annotator_index,
        position=position,
    )
    codes = (label_rng.random(len(item_index))[:, None] >= truth.probability.cumsum(1)[:, :-1]).sum(1)
    tables = _tables(texts, content["topic"], published, truth, codes, order)
    return Population(AnnotationSet.from_tables(tables, "synthetic"), truth)


def read(
    items: int = 800,
    annotators: int = 60,
    annotations_per_item: int = 8,
    levels: int = 2,
    careless: float = 0.08,
    group_bias: float = 1.0,
    individual_bias: float = 1.0,
    hidden: float = 0.7,
    seed: int = 0,
) -> Tables:
    """Return what `generate` draws from the same arguments, in the form of a reader and without the truth.

    The arguments are the fields of `Options`, spelt out because configurations are checked against this signature.
    """
    drawn, _ = generate(**locals())
    return Tables(drawn.annotations, drawn.items, drawn.annotators, drawn.scale)


def write_sample(folder: str | Path) -> None:
    """Write `annotations.csv`, `items.csv` and `annotators.csv` of the small population SAMPLE into `folder`."""
    tables = read(**SAMPLE)
    for name in ("annotations", "items", "annotators"):
        write_text(Path(folder) / f"{name}.csv", getattr(tables, name).to_csv(index=False, lineterminator="\n"))


def _tables(
    texts: list[str], topic: pd.Series, published: pd.DataFrame, truth: Truth, codes: np.ndarray, order: np.ndarray
) -> Tables:
    levels = len(truth.cutpoints) + 1
    scale = Scale("nominal", ("not_rude", "rude")) if levels == 2 else Scale.integers(0, levels - 1)
    item_id, annotator_id = _names("c", len(texts)), _names("p", len(published))
    annotations = {
        "item_id": item_id[truth.item_index],
        "annotator_id": annotator_id[truth.annotator_index],
        "label": scale.decode(codes),
        "time": order,
    }
    items = {"item_id": item_id, "text": texts, "language": "en", "domain": topic}
    annotators = published.assign(annotator_id=annotator_id)[["annotator_id", *published.columns]]
    return Tables(pd.DataFrame(annotations), pd.DataFrame(items), annotators, scale)


def _names(prefix: str, count: int) -> np.ndarray:
    return np.array([f"{prefix}{number:0{len(str(count))}d}" for number in range(1, count + 1)], dtype=object)


def _features(content: pd.DataFrame) -> pd.DataFrame:
    topics = {topic: content["topic"] == topic for topic in TOPICS}
    return content.assign(strictness=1, **topics)[list(FEATURES)].astype(float)


def _attributes(annotators: int, rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gender": rng.choice(list(GENDERS), annotators, p=list(GENDERS.values())),
            "age": rng.integers(AGES[0], AGES[1] + 1, annotators).astype(float),
            "region": rng.choice(REGIONS, annotators),
        }
    )


def _published(attributes: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the attributes as recorded, some of them missing."""
    blank = rng.random(attributes.shape) < UNKNOWN_SHARE
    return pd.DataFrame(
        {
            "gender": attributes["gender"].mask(blank[:, 0], UNKNOWN),
            "age": attributes["age"].mask(blank[:, 1]),
            "region": attributes["region"].mask(blank[:, 2], UNKNOWN),
        }
    )


def _members(attributes: pd.DataFrame, group: str) -> np.ndarray:
    """Return the members of a group, bool [annotator].

    group: `attribute=value`, `attribute>=bound` or `attribute<bound`.
    """
    if ">=" in group:
        attribute, bound = group.split(">=")
        return (attributes[attribute] >= float(bound)).to_numpy()
    if "<" in group:
        attribute, bound = group.split("<")
        return (attributes[attribute] < float(bound)).to_numpy()
    attribute, value = group.split("=")
    return (attributes[attribute] == value).to_numpy()


def _group_bias(attributes: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    bias = pd.DataFrame(0.0, index=attributes.index, columns=list(FEATURES))
    for group, feature, effect in effects.itertuples(index=False):
        bias[feature] += effect * _members(attributes, group)
    return bias


def _cutpoints(levels: int) -> np.ndarray:
    return np.zeros(1) if levels == 2 else np.linspace(-CUTPOINT_RANGE, CUTPOINT_RANGE, levels - 1)


def _careless(annotators: int, share: float, levels: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw the kind of each annotator and the habits of the careless; of an odd number, one more is constant."""
    who = rng.permutation(annotators)[: round(share * annotators)]
    favourite = (rng.random(annotators) * levels).astype(int)
    kinds = np.full(annotators, "no", dtype="<U8")
    kinds[who[: len(who) // 2]] = "random"
    kinds[who[len(who) // 2 :]] = "constant"
    habit = np.full((annotators, levels), np.nan)
    habit[kinds == "random"] = 1 / levels
    habit[kinds == "constant"] = np.eye(levels)[favourite[kinds == "constant"]]
    return kinds, habit


def _design(items: int, annotators: int, per_item: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw who annotates what, sorted by item: the highest Gumbel keys are a weighted sample without replacement."""
    workload = rng.normal(0.0, 0.4, annotators)
    workload[rng.permutation(annotators)[: round(RARE_SHARE * annotators)]] += np.log(RARE_WORKLOAD)
    keys = workload + rng.gumbel(size=(items, annotators))
    chosen = np.sort(np.argsort(-keys, axis=1)[:, :per_item], axis=1)
    return np.repeat(np.arange(items), per_item), chosen.ravel()


def _positions(annotator_index: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw each annotator's random order of items: the rank of each annotation from 0, and its `position`."""
    rank = pd.Series(rng.random(len(annotator_index))).groupby(annotator_index).rank().to_numpy() - 1
    count = np.bincount(annotator_index)[annotator_index]
    return rank.astype(np.int64), np.where(count > 1, rank / np.maximum(count - 1, 1) - 0.5, 0.0)


def _interaction(items: int, annotators: int, rng: np.random.Generator) -> np.ndarray:
    """Draw dot products of normal item vectors and unit annotator vectors: N(0, 1) over items for each annotator."""
    of_item = rng.standard_normal((items, INTERACTION_SIZE))
    of_annotator = rng.standard_normal((annotators, INTERACTION_SIZE))
    return of_item @ (of_annotator / np.linalg.norm(of_annotator, axis=1, keepdims=True)).T
