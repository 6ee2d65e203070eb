"""Files for the LeWiDi-2025 competition on Codabench, from finished runs on its corpora.

python -m perspectives.reports.submission FOLDER RUN…    several runs of one corpus (seeds) are averaged

Writes `<corpus>_test_soft.tsv` and `<corpus>_test_pe.tsv` for each corpus, and all of them as `res.zip`, the file to
upload. A line is the published item id, a tab and a list; items and annotators are in published order:

    MP          soft [P(0), P(1)]                                    pe  [label of each annotator]
    CSC         soft 7 numbers, for 0 (never used) to 6              pe  [label of each annotator]
    Paraphrase  soft 11 numbers, for -5 to 5                         pe  [label of each annotator]
    VariErrNLI  soft [[1 - P, P] for contradiction, entailment, neutral]
                pe   [[0 or 1 of each annotator] for the same three]

The competition page states the format, but cannot be read without an account. This is the format of the files that two
teams submitted (github.com/cs-nlp-uu/LeWiDi_ICL, github.com/tomasruizt/lewidi2025), and the layout of the organisers'
function that reads the data.
"""

import argparse
import json
import sys
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perspectives.errors import PerspectivesError, RunError
from perspectives.evaluation.scores import item_means
from perspectives.files import new_file, write_text
from perspectives.metrics.lewidi2025 import LABELS_OF_SCALE
from perspectives.predictions import Predictions, average
from perspectives.runs.groups import grouped
from perspectives.runs.run import Run, find_runs

READER = "perspectives.data.readers.lewidi2025.read"
DECIMALS = 10  # sums of soft labels are checked to 6
UNUSED_LEVELS = {"CSC": 1}  # levels below the scale that the competition's soft labels have, always 0
TEST = "test-"  # what the reader puts before the ids of the test part


def write_submission(runs: Sequence[Run], folder: str | Path) -> list[Path]:
    """Write the files of all corpora of these runs into `folder`. Returns their paths, `res.zip` last.

    Raises RunError for runs of other corpora, runs of priors, runs tested on anything other than the published test
    part, and runs of one corpus that differ in more than the seed.
    """
    by_corpus: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_corpus[_corpus(run)].append(run)
    contents: dict[str, str] = {}
    for corpus, seeds in by_corpus.items():
        if len(grouped(seeds)) > 1:
            names = ", ".join(run.folder.name for run in seeds)
            raise RunError(
                f"a submission has one model per corpus, and those of {corpus} differ in more than the seed: {names}"
            )
        predictions = average([_answers(run) for run in seeds])
        contents[f"{corpus}_test_soft.tsv"] = _lines(
            predictions, soft_labels(predictions, UNUSED_LEVELS.get(corpus, 0))
        )
        contents[f"{corpus}_test_pe.tsv"] = _lines(predictions, annotator_labels(predictions))
    folder = Path(folder)
    for name, content in contents.items():
        write_text(folder / name, content)
    with new_file(folder / "res.zip") as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return [folder / name for name in (*contents, "res.zip")]


def soft_labels(predictions: Predictions, unused: int = 0) -> list[Any]:
    """The distribution of each item's labels, the mean over its annotators, in the competition's layout.

    unused: zeros that stand before the probabilities of the scale's levels.
    """
    mean = item_means(predictions.probabilities(), predictions.item_index, len(predictions.items))
    if predictions.kind == "multiple":
        return np.stack([1 - mean, mean], axis=-1).round(DECIMALS).tolist()
    mean /= mean.sum(1, keepdims=True)
    return np.pad(mean, ((0, 0), (unused, 0))).round(DECIMALS).tolist()


def annotator_labels(predictions: Predictions) -> list[Any]:
    """The label of each annotator of each item in the competition's layout: the one with the lowest expected score."""
    scale = predictions.scale
    labels = LABELS_OF_SCALE[scale.kind](predictions.probabilities())
    if scale.kind != "multilabel":
        labels = scale.values[labels].astype(int)
    by_item: list[list[Any]] = [[] for _ in range(len(predictions.items))]
    for item, label in zip(predictions.item_index, labels.tolist(), strict=True):
        by_item[item].append(label)
    return [np.transpose(rows).tolist() for rows in by_item]  # of sets: by level, then by annotator


def _corpus(run: Run) -> str:
    """The name of the corpus in the published files."""
    reader = run.config["data"]["reader"]
    if reader["_target_"] != READER:
        name = run.config["data"]["name"]
        raise RunError(
            f"{run.folder} is a run on {name}; a submission takes data=csc, multipico, paraphrase or varierrnli"
        )
    return reader["corpus"]


def _answers(run: Run) -> Predictions:
    found = list(run.predictions("test").values())
    if len(found) != 1:
        raise RunError(
            f"{run.folder} holds {len(found)} sets of predictions; a submission takes runs of trained models"
        )
    predictions = found[0]
    if predictions.kind == "rating":
        raise RunError(f"{run.folder} predicts ratings, but soft labels are needed; train with data.ratings=false")
    others = [item for item in predictions.items["item_id"] if not item.startswith(TEST)]
    if others:
        raise RunError(
            f"{run.folder} was tested on {len(others)} items outside the published test part, such as {others[0]}; "
            "train with split=official"
        )
    return predictions


def _lines(predictions: Predictions, lists: Sequence[Any]) -> str:
    ids = predictions.items["item_id"].str.removeprefix(TEST)
    return "".join(f"{item}\t{json.dumps(row)}\n" for item, row in zip(ids, lists, strict=True))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m perspectives.reports.submission", description=__doc__.split("\n")[0]
    )
    parser.add_argument("folder", metavar="FOLDER", help="where the files are written")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders; seeds of one configuration are averaged")
    args = parser.parse_args(argv)
    try:
        written = write_submission(find_runs(args.runs), args.folder)
    except PerspectivesError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(map(str, written)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
