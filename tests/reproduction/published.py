"""Small invented corpora in the formats in which corpora are published, for whole tables to be trained on.

Texts are harmless, and labels follow item and person: how good the weather in a text is, how fond of weather a person
is, and a little chance. Every level is about equally frequent.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.readers.ghc import COLUMNS
from perspectives.data.readers.goemotions import EMOTIONS, FILES

WEATHER = ("gale", "hail", "rain", "fog", "cloud", "breeze", "sun", "rainbow")
PLACES = ("harbour", "garden", "station", "market", "valley", "library")
ATTRIBUTES = {
    "gender": ("Woman", "Man"),
    "age": ("18-24", "25-34", "35-44"),
    "education": ("College", "High school"),
    "race": ("Asian", "White", "Black", "Asian", "White", "White"),
    "occupation": ("Employed", "Employed", "Student"),
}
PARTS = {"train": 40, "dev": 20, "test": 20}


@dataclass(frozen=True)
class Invented:
    """texts: of items. said: for each item, its raters and the position of the level that each chose."""

    texts: list[str]
    said: list[dict[int, int]]

    @property
    def entries(self) -> list[tuple[str, dict[int, int]]]:
        return list(zip(self.texts, self.said, strict=True))


def invented(seed: int, levels: int = 2, items: int = 40, people: int = 12, raters: int = 5) -> Invented:
    rng = np.random.default_rng(seed)
    weather, fondness = rng.normal(size=items), np.linspace(-1, 1, people)
    leaning = weather[:, None] + fondness + rng.normal(scale=0.5, size=(items, people))
    codes = np.searchsorted(np.quantile(leaning, np.arange(1, levels) / levels), leaning)
    words = np.digitize(weather, np.quantile(weather, np.arange(1, len(WEATHER)) / len(WEATHER)))
    texts = [f"There was {WEATHER[w]} at the {rng.choice(PLACES)} on day {n} of {seed}" for n, w in enumerate(words)]
    # Each person meets as many items as any other: shares of a shuffled circle of people.
    circle = np.resize(rng.permutation(people), items * raters).reshape(items, raters)
    return Invented(
        texts, [{int(who): int(row[who]) for who in sorted(some)} for row, some in zip(codes, circle, strict=True)]
    )


def person(number: int) -> dict[str, str]:
    """Demographics that go on repeating, not all at once."""
    return {
        name: values[(number // 2 ** (place % 2)) % len(values)]
        for place, (name, values) in enumerate(ATTRIBUTES.items())
    }


def write_all(folder: Path) -> None:
    """A folder per corpus below `folder`, named as its card says."""
    lewidi2023(folder / "lewidi2023_hs_brexit", "HS-Brexit", 1, people=6, raters=6)
    lewidi2023(folder / "lewidi2023_armis", "ArMIS", 2, people=3, raters=3)
    lewidi2023(folder / "lewidi2023_md_agreement", "MD-Agreement", 3)
    lewidi2025(folder / "lewidi2025_csc", "CSC", 4, list("123456"))
    lewidi2025(folder / "lewidi2025_multipico", "MP", 5, list("01"))
    levels = [str(level) for level in range(-5, 6)]
    lewidi2025(folder / "lewidi2025_paraphrase", "Paraphrase", 6, levels, ("train", "dev", "test"), people=4, raters=4)
    sets = ["contradiction", "contradiction,neutral", "neutral", "entailment,neutral", "entailment"]
    lewidi2025(folder / "lewidi2025_varierrnli", "VariErrNLI", 7, sets, ("train", "dev", "test"), people=4, raters=4)
    popquorn(folder / "popquorn_offensiveness")
    ghc(folder / "ghc")
    goemotions(folder / "goemotions")
    kumar2021(folder / "kumar2021")
    demo(folder / "demo")
    gold_sets(folder)


def lewidi2023(folder: Path, corpus: str, seed: int, **sizes: int) -> None:
    for number, (part, items) in enumerate(PARTS.items()):
        found = invented(10 * seed + number, items=items, **sizes)
        write_objects(folder, corpus, part, [entry2023(corpus, text, said) for text, said in found.entries])


def entry2023(corpus: str, text: str, said: dict[int, int]) -> dict[str, Any]:
    share = round(float(np.mean(list(said.values()))), 2)
    info: dict[str, Any] = {}
    if corpus == "HS-Brexit":
        members = ",".join("g1" if who < 3 else "g2" for who in said)
        info = {"annotators group": members, "g1": "target group", "g2": "control group"}
    if corpus == "ArMIS":
        info = {f"Ann{who + 1}": ("moderate", "liberal", "conservative")[who] for who in said}
    if corpus == "MD-Agreement":
        info = {"domain": "Weather"}
    return {
        "text": text,
        "annotators": ",".join(f"Ann{who + 1}" for who in said),
        "annotations": ",".join(map(str, said.values())),
        "hard_label": str(int(share >= 0.5)),
        "soft_label": {"0": round(1 - share, 2), "1": share},
        "lang": "en",
        "other_info": info,
    }


KEYS = {
    "CSC": ("context", "response"),
    "MP": ("post", "reply"),
    "Paraphrase": ("Question1", "Question2"),
    "VariErrNLI": ("context", "statement"),
}


def lewidi2025(
    folder: Path, corpus: str, seed: int, levels: list[str], parts: Sequence[str] = ("dev", "test"), **sizes: int
) -> None:
    people: set[int] = set()
    for number, part in enumerate(parts):
        found = invented(10 * seed + number, len(levels), items=PARTS[part], **sizes)
        entries = []
        for place, (text, said) in enumerate(found.entries):
            given = {f"Ann{who + 1}": levels[code] for who, code in said.items()}
            words = dict(zip(KEYS[corpus], (f"How was day {place} of {part}?", text), strict=True))
            entries.append({"text": words, "annotators": ",".join(given), "annotations": given, "lang": "en"})
            entries[-1]["soft_label"] = soft2025(corpus, levels, list(given.values()))
            people |= set(said)
        write_objects(folder, corpus, part, entries)
    meta = {
        f"Ann{who + 1}": {name.capitalize(): value for name, value in person(who).items()} for who in sorted(people)
    }
    (folder / f"{corpus}_annotators_meta.json").write_text(json.dumps(meta))


def soft2025(corpus: str, levels: list[str], given: list[str]) -> dict[str, Any]:
    if corpus != "VariErrNLI":
        return {level: given.count(level) / len(given) for level in levels}
    shares = {level: np.mean([level in one for one in given]) for level in ("contradiction", "entailment", "neutral")}
    return {level: {"0": float(1 - share), "1": float(share)} for level, share in shares.items()}


def write_objects(folder: Path, corpus: str, part: str, entries: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    numbered = {str(number): entry for number, entry in enumerate(entries, start=1)}
    (folder / f"{corpus}_{part}.json").write_text(json.dumps(numbered, ensure_ascii=False), encoding="utf-8")


def popquorn(folder: Path) -> None:
    rows = [
        {"instance_id": number, "user_id": who, "text": text, "offensiveness": code + 1.0, **person(who)}
        for number, (text, said) in enumerate(invented(8, 5).entries)
        for who, code in said.items()
    ]
    write_table(folder / "raw_data.csv", rows)


def ghc(folder: Path) -> None:
    blank = dict.fromkeys(COLUMNS)
    rows = [
        {"ID": number, "Annotator": who, "Text": text, **blank, "Hate": code, "HD": code, "CV": 0}
        for number, (text, said) in enumerate(invented(9, people=4, raters=3).entries)
        for who, code in said.items()
    ]
    write_table(folder / "GabHateCorpus_annotations.tsv", rows, sep="\t")


def goemotions(folder: Path) -> None:
    """For each rater a text has three of six emotions, next to each other in a circle."""
    order, rows = ("sadness", "fear", "anger", "disgust", "surprise", "joy"), []
    for number, (text, said) in enumerate(invented(10, len(order), people=4, raters=3).entries):
        about = {"text": text, "id": f"c{number}", "author": "someone", "subreddit": "weather", "created_utc": 1.5e9}
        for who, code in said.items():
            chosen = {order[(code + step) % len(order)] for step in range(3)}
            emotions = {emotion: int(emotion in chosen) for emotion in EMOTIONS}
            rows.append(about | {"rater_id": who, "example_very_unclear": False} | emotions)
    for place, file in enumerate(FILES):
        write_table(folder / file, rows[place :: len(FILES)])


def kumar2021(folder: Path) -> None:
    """Like the public file, but for `worker_id`, which a copy may have."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (text, said) in enumerate(invented(11, 5).entries):
        ratings = []
        for who, code in said.items():
            about = person(who)
            about |= {"age_range": about.pop("age"), "political_affilation": ("Liberal", "Conservative")[who % 2]}
            about |= {"lgbtq_status": ("Heterosexual", "Bisexual")[who // 2 % 2]}
            ratings.append({"worker_id": f"w{who}", "toxic_score": code, "is_parent": "Prefer not to say", **about})
        lines.append({"comment": text, "comment_id": number, "perspective_score": 0.5, "ratings": ratings})
    (folder / "toxic_content_dataset.json").write_text("\n".join(map(json.dumps, lines)) + "\n")


SENTIMENTS = ("very negative", "somewhat negative", "neutral", "somewhat positive", "very positive")
TASKS: dict[str, tuple[str, Sequence[Any]]] = {
    "intimacy": ("intimacy", (1.0, 2.0, 3.0, 4.0, 5.0)),
    "politeness": ("politeness", (1.0, 2.0, 3.0, 4.0, 5.0)),
    "offensiveness": ("offensiveness", (1.0, 2.0, 3.0, 4.0, 5.0)),
    "diaz": ("sentiment", SENTIMENTS),
    "dices-350": ("Q_overall", ("No", "Unsure", "Yes")),
}


def demo(folder: Path) -> None:
    """Items and people are each on one side: 3 of 5 train, 1 val, 1 test."""
    sides, rows = ("train", "train", "val", "train", "test"), []
    for seed, (task, (key, levels)) in enumerate(TASKS.items(), start=12):
        for number, (text, said) in enumerate(invented(seed, len(levels)).entries):
            for who, code in said.items():
                row = {"instance_id": f"{task}-{number}", "text": text, "user_id": f"{task}-{who}", "label": None}
                row |= {"labels": str({key: levels[code]}), "task": task, "instance_split": sides[number % 5]}
                rows.append(row | {"user_split": sides[who % 5], "bad_users": False} | person(who))
    write_table(folder / "merged_data.csv", rows)


# Sets with gold labels: each text's level is also what all people together say. ----------------------------------


def gold_sets(folder: Path) -> None:
    """Everything that tables of truth inference read: what Zheng et al., MACE and the crowd toolkit publish."""
    for seed, (name, levels) in enumerate({"d_duck": 2, "s_face": 4, "s_dog": 4, "s_rel": 4, "s_adult": 4}.items(), 20):
        crowd(folder / f"truthinf_{name}", invented(seed, levels))
    crowd(folder / "truthinf_n_emotion", invented(25, 100))
    crowd(folder / "truthinf_d_product", invented(26, 2))
    crowd(folder / "truthinf_d_possent", invented(27, 2))
    for seed, (name, levels) in enumerate(
        {"test/rte": 2, "test/temporal": 2, "test/wsd": 3, "examples/example": 4}.items(), 30
    ):
        matrix(folder / "mace" / f"{name}.csv", invented(seed, levels))
    for seed, (name, levels) in enumerate(
        {"CF": 5, "CF_amt": 5, "MS": 10, "SP": 2, "SP_amt": 2, "ZenCrowd_all": 2}.items(), 40
    ):
        toolkit(folder / "active_crowd_toolkit" / f"{name}.csv", invented(seed, levels))
    hatecheck(folder / "hatecheck", invented(50, people=10))


def gold_of(found: Invented) -> list[int]:
    return [int(np.median(list(said.values()))) for said in found.said]


def crowd(folder: Path, found: Invented) -> None:
    rows = [
        {"question": f"q{number}", "worker": f"w{who}", "answer": code}
        for number, said in enumerate(found.said)
        for who, code in said.items()
    ]
    write_table(folder / "answer.csv", rows)
    write_table(folder / "truth.csv", [{"question": f"q{n}", "truth": code} for n, code in enumerate(gold_of(found))])


def matrix(file: Path, found: Invented) -> None:
    """A row per item and a column per person, without header; gold beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    people = sorted(set().union(*found.said))
    file.write_text("\n".join(",".join(str(said.get(who, "")) for who in people) for said in found.said) + "\n")
    file.with_suffix(".key").write_text("\n".join(map(str, gold_of(found))) + "\n")


def toolkit(file: Path, found: Invented) -> None:
    """Worker, item, label, gold, without header."""
    file.parent.mkdir(parents=True, exist_ok=True)
    gold = gold_of(found)
    lines = [f"w{who},q{n},{code},{gold[n]}" for n, said in enumerate(found.said) for who, code in said.items()]
    file.write_text("\n".join(lines) + "\n")


def hatecheck(folder: Path, found: Invented) -> None:
    levels, rows = ("non-hateful", "hateful"), []
    for number, ((text, said), gold) in enumerate(zip(found.entries, gold_of(found), strict=True)):
        row = {"case_id": number, "templ_id": number // 2, "test_case": text, "functionality": "weather"}
        labels = {f"label_{who + 1}": levels[said[who]] if who in said else None for who in range(10)}
        rows.append(row | {"label_gold": levels[gold]} | labels)
    write_table(folder / "all_annotations.csv", rows)


def write_table(file: Path, rows: list[dict[str, Any]], sep: str = ",") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(file, sep=sep, index=False)
