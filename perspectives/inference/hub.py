"""Folders of trained models on the Hugging Face Hub."""

import glob
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from perspectives.data.catalog import card, names
from perspectives.errors import DataWarning, RunError, listing

FILES = ("*.json", "*.yaml", "*.safetensors", "*.npz", "README.md")  # all that a model consists of; no pickles
ACCEPTED = "give a run folder, a folder that save_pretrained wrote, or owner/name of a model on the Hub"


def is_hub_name(text: str | Path) -> bool:
    """Whether `owner/name` may be asked for on the Hub: no path, no pattern, and the owner is no folder here."""
    owner, slash, name = str(text).partition("/")
    named = re.fullmatch(r"\w[\w.-]*", owner, re.ASCII) and re.fullmatch(r"\w[\w.-]*", name, re.ASCII)
    return bool(slash and named) and not Path(owner).exists()


def fetched(name_or_folder: str | Path, revision: str | None = None, token: str | None = None) -> Path:
    """The folder itself, the one run that a pattern finds, or where the Hub's repository of that name (`owner/name`)
    lies after it was fetched.

    Raises RunError when it is neither here nor there, when a pattern finds several runs, for a name that is no
    `owner/name` or may be a mistyped path (nothing is asked of the Hub then), and for a revision of a folder.
    """
    folder = _here(name_or_folder)
    if folder is not None:
        if revision is not None:
            raise RunError(f"revision={revision!r} is for models on the Hub; {folder} is a folder, leave it out")
        return folder
    from huggingface_hub import snapshot_download

    advice = f"{ACCEPTED}, for which you must be online and, where it is private, logged in (`hf auth login`)"
    with _explained(f"{name_or_folder} is no folder here, and could not be fetched from the Hub", advice):
        return Path(snapshot_download(str(name_or_folder), revision=revision, token=token, allow_patterns=[*FILES]))


def _here(name_or_folder: str | Path) -> Path | None:
    """The folder of that name or pattern; None for the name of a repository on the Hub."""
    folder = Path(name_or_folder).expanduser()
    if folder.is_dir():
        return folder
    found = [Path(match).parent for match in sorted(glob.glob(f"{folder}/config.yaml"))]
    if len(found) > 1:
        raise RunError(f"{name_or_folder} stands for {len(found)} runs; name one\n{listing(list(map(str, found)))}")
    if found:
        return found[0]
    if not is_hub_name(name_or_folder):
        owner = str(name_or_folder).partition("/")[0]
        reason = f"{owner}/ is here" if owner.strip(".") and Path(owner).exists() else "it is no owner/name"
        raise RunError(f"{name_or_folder} is no folder, and not looked for on the Hub because {reason}; {ACCEPTED}")
    return None


def published(folder: Path, repo_id: str, private: bool, token: str | None, message: str) -> str:
    """Upload a folder as a commit; the address of the repository. See `TrainedModel.push_to_hub`."""
    from huggingface_hub import HfApi

    if not private:
        _warn_of_licence(folder)
    api = HfApi(token=token)
    advice = "be online, log in (`hf auth login`) or give a token that may write, and a name owner/name of yours"
    with _explained(f"{repo_id} could not be published on the Hub", advice):
        repository = api.create_repo(repo_id, private=private, exist_ok=True)
        if private and not api.model_info(repository.repo_id).private:
            raise RunError(f"{repository.repo_id} exists and is public; give private=False, or another name")
        api.upload_folder(repo_id=repository.repo_id, folder_path=folder, commit_message=message)
    return str(repository)


def _warn_of_licence(folder: Path) -> None:
    data = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))["data"]
    if data.get("card") not in names() or not card(data["card"]).redistributable:
        warnings.warn(
            f"the corpus {data['name']} may not be passed on, or nothing is known about it: see whether its licence "
            "allows to publish a model trained on it",
            DataWarning,
            stacklevel=4,
        )


@contextmanager
def _explained(problem: str, advice: str) -> Iterator[None]:
    """Turns whatever the Hub or the way to it raises into one RunError."""
    from huggingface_hub.errors import HTTPError  # of whichever HTTP library the Hub's client is built on

    try:
        yield
    except (HTTPError, OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunError(f"{problem}: {reason}; {advice}") from error
