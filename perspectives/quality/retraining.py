"""Training again on a changed copy of a corpus, which the searches for noise that train models share.

The methods are `noisy_cross_validation` (Chen et al. 2019) and `area_under_margin` (Pleiss et al. 2020). Every training
is a `fit` in a folder of its own; finished runs are skipped, so a killed search continues where it stopped.
"""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from perspectives.data.annotations import AnnotationSet
from perspectives.runs.run import Run
from perspectives.training.fit import fit


def fit_on(config: DictConfig, annotations: AnnotationSet, folder: Path, **changes: Any) -> Run:
    """Train on these annotations with this configuration. Returns the run, which is kept in `folder` with its data.

    changes: values that replace those of the configuration, by their top-level names.
    """
    data = folder / "data" / annotations.checksum[:12]
    if not data.exists():
        annotations.save(data)
    reader = {"_target_": "perspectives.data.readers.saved.read", "path": str(data)}
    changed = config.copy()
    OmegaConf.set_struct(changed, False)
    changed.data = {"name": annotations.name, "card": None, "duplicates": "keep", "reader": reader}
    changed.paths.runs = str(folder / "runs")
    for name, value in changes.items():
        changed[name] = value
    return fit(changed)
