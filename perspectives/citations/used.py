"""The references that a run should cite, found in its configuration and metrics without loading anything.

A `Use` is a reference and what it is cited for. Something without a reference here, such as your own corpus or an
encoder from the Hub, is a `Use` without a key, so that it is not forgotten.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from perspectives.data import catalog
from perspectives.runs.run import Run
from perspectives.training.fit import MODEL_FREE

ROLES = ("data", "model", "labels", "encoder", "training", "metrics", "comparison", "software")


class Use(NamedTuple):
    """Something to cite.

    role: one of ROLES. what: a short description. key: of an entry in references.bib, None where there is none.
    """

    role: str
    what: str
    key: str | None


# By the last part of `model._target_`; that of an ensemble names its members.
MODELS: dict[str, tuple[str, ...]] = {
    "MultiTask": ("davani-etal-2022-dealing",),
    "MultiLabel": ("davani-etal-2022-dealing",),
    "Ensemble": ("davani-etal-2022-dealing",),
    "Embedding": ("mokhberian-etal-2024-capturing",),
    "Jury": ("gordon-etal-2022-jury", "wang-etal-2021-dcn"),
    "Conditioned": ("deng-etal-2023-annotate", "beck-etal-2024-sensitivity", "orlikowski-etal-2025-beyond"),
    "SoftLabel": ("uma-etal-2021-learning",),
    "Majority": (),
}
GROUP_LAYERS = "orlikowski-etal-2023-ecological"

# By `model.target`, the name of a method of truth inference.
INFERENCE: dict[str, tuple[str, ...]] = {
    "majority": (),
    "leave_one_out": ("callison-burch-2009-fast",),
    "gold_weighted": ("callison-burch-2009-fast",),
    "dawid_skene": ("dawid-skene-1979-maximum",),
    "lfc": ("raykar-etal-2010-learning",),
    "zencrowd": ("demartini-etal-2012-zencrowd",),
    "mace": ("hovy-etal-2013-learning",),
    "glad": ("whitehill-etal-2009-whose",),
    "pm": ("li-etal-2014-resolving",),
    "catd": ("li-etal-2014-confidence",),
    "kos": ("karger-etal-2011-iterative",),
    "bcc": ("kim-ghahramani-2012-bayesian",),
    "cbcc": ("venanzi-etal-2014-community",),
    "vi_mf": ("liu-etal-2012-variational",),
    "vi_bp": ("liu-etal-2012-variational",),
    "minimax": ("zhou-etal-2012-learning", "zhou-etal-2014-aggregating"),
    "multi": ("welinder-etal-2010-multidimensional",),
}

# A pattern for the name of an encoder, without the owner on the Hub.
ENCODERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"minilm|all-MiniLM-.*", ("wang-etal-2020-minilm", "reimers-gurevych-2019-sentence")),
    (r"bert-(base|large)-.*", ("devlin-etal-2019-bert",)),
    (r"roberta-(base|large)", ("liu-etal-2019-roberta",)),
    (r"xlm-roberta-(base|large)", ("conneau-etal-2020-unsupervised",)),
    (r"bertweet-.*", ("nguyen-etal-2020-bertweet",)),
    (r"tiny", ()),
)
NGRAMS = "deerwester-etal-1990-indexing"
LORA = "hu-etal-2022-lora"
TEMPERATURE = "guo-etal-2017-calibration"
DYNAMICS = (
    ("data maps", "swayamdipta-etal-2020-dataset"),
    ("forgetting", "toneva-etal-2019-empirical"),
    ("margins", "pleiss-etal-2020-identifying"),
)

# By the beginning of a metric's name: what it is, and its reference.
METRICS: tuple[tuple[str, str, str], ...] = (
    ("lewidi2023/", "LeWiDi-2023 scores", "leonardelli-etal-2023-semeval"),
    ("lewidi2025/", "LeWiDi-2025 scores", "leonardelli-etal-2025-lewidi"),
    ("soft/", "soft evaluation", "uma-etal-2021-learning"),
    ("soft/manhattan", "Manhattan distance", "leonardelli-etal-2025-lewidi"),
    ("soft/wasserstein", "Wasserstein distance", "leonardelli-etal-2025-lewidi"),
    ("calibration/dist_ce", "calibration to humans", "baan-etal-2022-stop"),
    ("disagreement/aurc", "risk-coverage curve", "geifman-etal-2019-bias"),
    ("individual/qwk", "quadratic weighted kappa", "cohen-1968-weighted"),
)
INTERVALS = "cameron-etal-2011-robust"
HOLM = "holm-1979-simple"
SOFTWARE = "perspectives"


def uses(runs: Sequence[Run]) -> list[Use]:
    """What finished runs used, each Use once, ordered by ROLES and within a role as in the runs and tables above.

    Raises RunError for a run that is damaged.
    """
    found = dict.fromkeys(use for run in runs for use in _of_run(run))
    if len({run.config["model"]["name"] for run in runs}) > 1:
        found[Use("comparison", "correction for several comparisons", HOLM)] = None
    return sorted(found, key=lambda use: ROLES.index(use.role))


def _of_run(run: Run) -> Iterator[Use]:
    config = run.config
    yield from _data(config["data"])
    if config["model"]["name"] != MODEL_FREE:
        yield from _model(config["model"])
        yield from _encoder(config["encoder"])
        if config.get("calibrate") and run.metrics.get("temperature", 1) != 1:
            yield Use("training", "temperature scaling", TEMPERATURE)
        if config.get("dynamics"):
            yield from (Use("training", what, key) for what, key in DYNAMICS)
    yield from _metrics(run)
    yield Use("software", f"perspectives {run.provenance['versions'].get('perspectives') or ''}".strip(), SOFTWARE)


def _data(data: Mapping[str, Any]) -> Iterator[Use]:
    if data.get("card") in catalog.names():
        yield from (Use("data", data["name"], key) for key in catalog.card(data["card"]).cite)
    elif not data["reader"]["_target_"].startswith("perspectives.data.synthetic."):
        yield Use("data", f"{data['name']} is in no catalogue; cite its paper", None)


def _model(model: Mapping[str, Any]) -> Iterator[Use]:
    kind = "Ensemble" if "max_members" in model else model["_target_"].rpartition(".")[2]
    if kind in MODELS:
        yield from (Use("model", model["name"], key) for key in MODELS[kind])
    else:
        yield Use("model", f"{model['name']} ({kind}) is not known here; cite its paper", None)
    if model.get("group_layers") is not None:
        yield Use("model", f"{model['name']} with group layers", GROUP_LAYERS)
    target = model.get("target", "majority")
    if target in INFERENCE:
        yield from (Use("labels", target, key) for key in INFERENCE[target])
    else:
        yield Use("labels", f"{target} is not known here; cite its paper", None)


def _encoder(encoder: Mapping[str, Any]) -> Iterator[Use]:
    name = encoder.get("name")
    if name is None:
        yield Use("encoder", "latent semantic analysis of n-grams", NGRAMS)
        return
    short = str(name).rpartition("/")[2]
    known = [keys for pattern, keys in ENCODERS if re.fullmatch(pattern, short)]
    if known:
        yield from (Use("encoder", name, key) for key in known[0])
    else:
        yield Use("encoder", f"{name} is not known here; cite what its model card says", None)
    if encoder.get("tune") == "lora":
        yield Use("training", "LoRA", LORA)


def _metrics(run: Run) -> Iterator[Use]:
    """The uses of all metrics of a run, whatever they score."""
    scored = [parts[part]["metrics"] for parts in run.metrics["predictions"].values() for part in parts]
    names = {name for metrics in scored for name in metrics}
    for beginning, what, key in METRICS:
        if any(name.startswith(beginning) for name in names):
            yield Use("metrics", what, key)
    rows = [row for metrics in scored for row in metrics.values()]
    if any("annotator" in row["clusters"] and not row["annotators_fixed"] for row in rows):
        yield Use("metrics", "intervals over items and annotators", INTERVALS)
