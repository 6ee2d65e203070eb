"""How much each training annotation changes the loss of a trained model, as a table.

    table = influence_of_run("runs/hs_brexit/softlabel-…", part="validation")
    table.sort_values("self_influence", ascending=False)                  # labels that nothing but themselves explains
    table.groupby("annotator_id")["influence"].sum().sort_values()        # whose annotations harm the predictions most

Without annotation j, the parameters that minimise the mean loss of the training annotations plus λ/2 times the squared
distance from where training ended move by (G + λI)⁻¹ g_j / n, with g_j the gradient of its loss and G the Gauss-Newton
matrix. Hence, to first order, losses change by

    influence_j = ḡᵀ (G + λI)⁻¹ g_j / n      self-influence_j = g_jᵀ (G + λI)⁻¹ g_j / n

with ḡ the mean gradient of the target. Since training stopped early, with another penalty, this does not predict
what training again would give: it is what changes close to the trained parameters, and λ says how close. Read it
beside the plain loss, which costs nothing and ranks wrong labels about as well.

Papers: Koh & Liang 2017, Understanding Black-box Predictions via Influence Functions (ICML), equation 2; Bae et al.
2022, If Influence Functions are the Answer, Then What is the Question? (NeurIPS), section 4, for λ and the distance.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from omegaconf import OmegaConf

from perspectives.config import instantiate
from perspectives.data.annotations import annotation_columns
from perspectives.data.batches import Batches
from perspectives.data.load import load
from perspectives.errors import ConfigError, RunError
from perspectives.models.base import AnnotatorModel
from perspectives.quality.influence.conjugate import conjugate
from perspectives.quality.influence.exact import exact
from perspectives.quality.influence.scores import Scores
from perspectives.runs.run import Run
from perspectives.training.rebuilding import load_model
from perspectives.training.training import Training

METHODS = ("exact", "cg", "ekfac")
INSTALL = "pip install --no-deps kronfluence==1.0.1 einconv einops opt-einsum accelerate"


def influence(
    model: AnnotatorModel,
    train: Batches,
    target: Batches | None = None,
    method: str = "exact",
    damping: float | None = None,
) -> Scores:
    """How each annotation that a model was trained on affects its own loss and the mean loss on a target.

    model: as trained; it is not changed. train: everything it was trained on, unshuffled. target: the annotations whose
        mean loss is asked about, as in validation: people without training labels have code 0. None for no target.
    method: `exact` for heads on frozen vectors; `cg` for any model, slow for self-influence; `ekfac`, approximately,
        for encoders that were trained, and only in linear layers.
    damping: λ, above 0, in units of the mean loss's curvature; None is a tenth of its mean eigenvalue.

    Raises ConfigError for an unknown method, a damping that is not above 0, a loss without curvature, a model that the
    method does not suit, and ekfac without kronfluence; RunError when cg does not converge.
    """
    if method not in METHODS:
        raise ConfigError(f"method={method!r} is unknown; choose one of {', '.join(METHODS)}")
    if damping is not None and not damping > 0:
        raise ConfigError(f"damping={damping} has no unique solution; give a number above 0, or None")
    if method == "exact":
        return exact(model, train, target, damping)
    if method == "cg":
        return conjugate(model, train, target, damping)
    try:
        from perspectives.quality.influence.kronecker import ekfac
    except ImportError as error:
        raise ConfigError(f"method=ekfac needs kronfluence ({error}); {INSTALL}") from error
    return ekfac(model, train, target, damping)


def influence_of_run(
    run: Run | str | Path, part: str = "validation", method: str = "exact", damping: float | None = None
) -> pd.DataFrame:
    """`influence` of what a finished run was trained on, with a part of its data as the target.

    part: `validation` or `test`. Returns a row per annotation trained on, or per item where the model learns from one
    label per item: `item_id`, `annotator_id`, `round` where there are rounds, `label`, and `loss`, `self_influence` and
    `influence` of `Scores`, float64. Labels used to adapt to new people are not among them.

    Raises RunError when the run has no single model or its data changed, ConfigError as `influence`.
    """
    run = run if isinstance(run, Run) else Run(Path(run).expanduser())
    config = OmegaConf.create(run.config)
    if not (run.folder / "model.safetensors").exists():
        raise RunError(
            f"{run.folder} holds no single trained model: priors have none, and an ensemble has one per annotator; "
            "give the run of another method, such as model=multitask"
        )
    if part not in ("validation", "test"):
        raise ConfigError(f"part={part!r} is unknown; choose validation or test")
    annotations = load(config.data)
    if run.provenance["data"]["checksum"] != annotations.checksum:
        raise RunError(
            f"{run.folder} was trained on data that differ from {annotations.name} as it is read now; train it again"
        )
    with TemporaryDirectory() as scratch:
        split = instantiate(config.split, annotations=annotations)
        training = Training(config, annotations, split, Run(Path(scratch)))
    model, tokens = load_model(run, annotations.texts)

    def batches(shown, rows: np.ndarray) -> Batches:
        people = model.schema.encode(shown.annotators)
        return Batches(shown, rows, people, config.trainer.batch_size, tokens=tokens)

    learned = training.targets["train"]
    train = batches(learned, np.arange(len(learned)))
    return table_of(
        train, learned.annotations, influence(model, train, batches(training.seen, split.rows(part)), method, damping)
    )


def table_of(train: Batches, annotations: pd.DataFrame, scores: Scores) -> pd.DataFrame:
    """The annotations trained on, in their order, beside their scores."""
    names = annotation_columns(annotations)
    order = np.argsort(train.rows)
    measured = {name: getattr(scores, name)[order] for name in ("loss", "self_influence", "influence")}
    return annotations.iloc[train.rows[order]][names].reset_index(drop=True).assign(**measured)
