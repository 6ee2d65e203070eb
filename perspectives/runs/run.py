"""Runs: folders named by everything their results depend on, with all that is needed to read, repeat or extend them.

    config.yaml        the resolved configuration              predictions/<name>/<part>/  (validation, test)
    provenance.json    command, commit, versions, checksum     metrics.json   per predictions, metric and interval
    schema.json        scale and annotators (trained methods)  history.csv    losses by epoch
    model.safetensors  trained parameters                      checkpoints/   to resume from, until it is trained
    adaptation.csv     losses by epoch of adapting to new people, where that was asked for
    dynamics/          how likely each training label was, by epoch, where that was asked for
    members/           of an ensemble: its runs, instead of the last four

The key is a hash of the configuration without places and displays, the checksum of the data and a version that is
raised by hand when results change. So the same command skips a finished run and resumes an unfinished one.
"""

import fcntl
import glob
import hashlib
import importlib.metadata
import json
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from perspectives.errors import RunError
from perspectives.files import clear_leftovers, explained, read_json, write_json, write_text
from perspectives.predictions import Predictions

RESULTS_VERSION = 1  # raise it whenever the same configuration and data would give other results
MEMBERS = "members"  # folder of an ensemble's run with the runs of its members
PACKAGES = ("perspectives", "torch", "transformers", "lightning", "numpy", "scikit-learn", "hydra-core")


@dataclass(frozen=True)
class Run:
    """A run folder. Reading its results loads neither torch nor a model."""

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))

    @property
    def begun(self) -> bool:
        """Whether training began: a command that is refused before leaves no configuration."""
        return (self.folder / "config.yaml").exists()

    @property
    def finished(self) -> bool:
        """Whether the run is complete: `metrics.json` is written last."""
        return (self.folder / "metrics.json").exists()

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration. Raises RunError when the folder is not a run."""
        import yaml

        path = self.folder / "config.yaml"
        if not path.exists():
            raise RunError(
                f"{self.folder} is not a run (no config.yaml); pass a folder that `perspectives train` wrote"
            )
        try:
            return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as error:
            raise RunError(f"{path} is damaged ({error}); delete the run folder and train again") from error

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """`command`, `started`, `environment()`, `data`, `results_version`. Raises RunError when missing or damaged."""
        return read_json(self.folder / "provenance.json")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """`predictions` (name → part → counts and metrics), `throughput`, and of trained methods `temperature`.

        Raises RunError when the run is unfinished.
        """
        self._require_finished()
        return read_json(self.folder / "metrics.json")

    def predictions(self, part: str = "test") -> dict[str, Predictions]:
        """Predictions by name (one for a trained method, several for priors) on `validation` or `test`.

        Raises RunError when the run is unfinished or the predictions are damaged.
        """
        self._require_finished()
        folders = sorted((self.folder / "predictions").glob(f"*/{part}"))
        return {folder.parent.name: Predictions.load(folder) for folder in folders}

    def _require_finished(self) -> None:
        if not self.finished:
            command = self.provenance["command"] or "perspectives.fit with its configuration"
            raise RunError(f"{self.folder} is unfinished; resume it with the command that began it: {command}")

    # Writing. ------------------------------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run against other processes. Raises RunError when one has locked it, or it cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = open(self.folder / ".lock", "w")  # noqa: SIM115 (the block below closes it)
        except OSError as error:
            raise RunError(
                f"run folder {self.folder} cannot be written: {error.strerror}; choose another with paths.runs=FOLDER"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(
                    f"another process is working in {self.folder}; wait for it, or stop it and run again"
                ) from error
            clear_leftovers(self.folder)
            yield

    def begin(self, config: Any, checksum: str, notes: tuple[str, ...]) -> None:
        """Write configuration and provenance; a resumed run keeps its first ones and adds the time of resuming."""
        import yaml

        now = datetime.now(UTC).isoformat(timespec="seconds")
        if (self.folder / "provenance.json").exists():
            earlier = read_json(self.folder / "provenance.json")
            write_json(self.folder / "provenance.json", earlier | {"resumed": [*earlier.get("resumed", []), now]})
            return
        write_text(self.folder / "config.yaml", yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
        provenance = {
            "command": _command(),
            "started": now,
            **environment(),
            "data": {"checksum": checksum, "notes": list(notes)},
            "results_version": RESULTS_VERSION,
        }
        write_json(self.folder / "provenance.json", provenance)

    def finish(self, metrics: dict[str, Any]) -> None:
        """Write the metrics, which marks the run as finished."""
        write_json(self.folder / "metrics.json", metrics)


def run_key(identity: Mapping[str, Any], checksum: str) -> str:
    """Return a hash of everything the result depends on, eight hexadecimal digits."""
    content = json.dumps([identity, checksum, RESULTS_VERSION], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def run_at(root: str | Path, identity: Mapping[str, Any], checksum: str) -> Run:
    """Return the run of this configuration on this data.

    Its folder is `<root>/<data>/<method>-<encoder>-<split>-f<fold>-s<seed>-<key>`, without the parts that the method or
    split does not have.
    """
    split = identity["split"]["_target_"].rpartition(".")[2]
    fold = f"-f{identity['split']['fold']}" if "fold" in identity["split"] else ""
    encoder = (
        identity.get("encoder", {}).get("name") or identity.get("encoder", {}).get("_target_", "").rpartition(".")[2]
    )
    parts = [identity["model"]["name"], *([] if identity["model"]["name"] == "priors" else [str(encoder)]), split]
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", "-".join(parts).lower())
    seed = f"-s{identity['seed']}" if "seed" in identity else ""
    folder = f"{name}{fold}{seed}-{run_key(identity, checksum)}"
    return Run(Path(root).expanduser() / str(identity["data"]["name"]) / folder)


def log_trial(run: Run, metrics: Mapping[str, Any]) -> None:
    """Add the run to `trials.jsonl`, two folders up, which lists every configuration tried with its validation metrics.

    A run that is already listed (killed after it was added) is not added again.
    """
    path = run.folder.parents[1] / "trials.jsonl"
    values = {
        name: {metric: row["value"] for metric, row in parts["validation"]["metrics"].items()}
        for name, parts in metrics.items()
    }
    key = {"data": run.folder.parent.name, "run": run.folder.name}
    with explained(path), open(path, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # other runs may add lines at the same time
        file.seek(0)
        lines = file.read().splitlines(keepends=True)
        if any(line.startswith(json.dumps(key)[:-1]) for line in lines):
            return
        cut_off = bool(lines) and not lines[-1].endswith("\n")
        file.write("\n" * cut_off + json.dumps(key | {"validation": values}) + "\n")


def find_runs(paths: Sequence[str | Path]) -> list[Run]:
    """Return all runs at or below these folders, or folders that match a pattern (`runs/x/jury-*`), sorted by path.

    Runs inside runs (the members of ensembles) are left out. Raises RunError for a path without runs.
    """
    runs: dict[Path, Run] = {}
    for path in paths:
        pattern = Path(path).expanduser()
        parents = [pattern] if pattern.is_dir() else map(Path, sorted(glob.glob(str(pattern))))
        folders = {config.parent for parent in parents for config in parent.glob("**/config.yaml")}
        if not folders:
            raise RunError(f"{path} holds no run; pass run folders, or a folder above them, such as runs/hs_brexit")
        outermost = sorted(folder for folder in folders if folders.isdisjoint(folder.parents))
        runs |= {folder.resolve(): Run(folder) for folder in outermost}
    return list(runs.values())


def environment() -> dict[str, Any]:
    """Return `commit` of the code (None outside a clone), `versions` of packages, `python` and `machine`."""
    return {
        "commit": _commit(),
        "versions": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _command() -> str | None:
    """Return the typed command; None when the run was started from Python or by another verb."""
    typed = sys.argv[1:2] == ["train"] and Path(sys.argv[0]).name in ("perspectives", "__main__.py")
    return shlex.join(["perspectives", *sys.argv[1:]]) if typed else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the code in a clone, with `+changes` when files differ from it; otherwise None."""
    clone = Path(__file__).resolve().parents[2]
    if not (clone / ".git").exists():
        return None
    try:
        commit, status = (
            subprocess.run(
                ["git", "-C", str(clone), *args], capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()
            for args in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+changes" if status else "")
