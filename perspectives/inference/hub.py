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

FILES = ("*.json", "*.yaml", "*.safetensors", "*.npz", "README.md")  # everything a model consists of; no pickles
ACCEPTED = "give a run folder, a folder that save_pretrained wrote, or owner/name of a model on the Hub"


def is_hub_name(text: str | Path) -> bool:
    """Whether `text` can be `owner/name` of a model on the Hub: not a path or pattern, and no local folder `owner`."""
    owner, slash, name = str(text).partition("/")
    named = re.fullmatch(r"\w[\w.-]*", owner, re.ASCII) and re.fullmatch(r"\w[\w.-]*", name, re.ASCII)
    return bool(slash and named) and not Path(owner).exists()


def fetched(name_or_folder: str | Path, revision: str | None = None, token: str | None = None) -> Path:
    """The folder itself, the only run that matches a pattern, or the local copy of a Hub repository (`owner/name`).

    Raises RunError when there is no such folder or repository, when a pattern matches several runs, when the name is
    not `owner/name` or may be a mistyped path (the Hub is not contacted then), and for a revision of a local folder.
    """
    folder = _here(name_or_folder)
    if folder is not None:
        if revision is not None:
            raise RunError(f"revision={revision!r} is for models on the Hub; {folder} is a folder, leave it out")
        return folder
    from huggingface_hub import snapshot_download

    advice = f"{ACCEPTED}, for which you must be online and, where it is private, logged in (`hf auth login`)"
    with _explained(f"{name_or_folder} is not a local folder, and could not be fetched from the Hub", advice):
        return Path(snapshot_download(str(name_or_folder), revision=revision, token=token, allow_patterns=[*FILES]))


def _here(name_or_folder: str | Path) -> Path | None:
    """The local folder of that name or pattern; None for the name of a repository on the Hub."""
    folder = Path(name_or_folder).expanduser()
    if folder.is_dir():
        return folder
    matches = [Path(match).parent for match in sorted(glob.glob(f"{folder}/config.yaml"))]
    if len(matches) > 1:
        raise RunError(f"{name_or_folder} matches {len(matches)} runs; name one\n{listing(list(map(str, matches)))}")
    if matches:
        return matches[0]
    if not is_hub_name(name_or_folder):
        owner = str(name_or_folder).partition("/")[0]
        reason = f"{owner}/ is a local path" if owner.strip(".") and Path(owner).exists() else "it is not owner/name"
        raise RunError(f"{name_or_folder} is not a folder, and not looked up on the Hub because {reason}; {ACCEPTED}")
    return None


def published(folder: Path, repo_id: str, private: bool, token: str | None, message: str) -> str:
    """Upload a folder as a commit. Returns the address of the repository. See `TrainedModel.push_to_hub`."""
    from huggingface_hub import HfApi

    if not private:
        _warn_of_licence(folder)
    api = HfApi(token=token)
    advice = "be online, log in (`hf auth login`) or give a token with write access, and use a name owner/name of yours"
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
            f"the corpus {data['name']} may not be redistributed, or its licence is unknown: check whether the licence "
            "allows publishing a model trained on it",
            DataWarning,
            stacklevel=4,
        )


@contextmanager
def _explained(problem: str, advice: str) -> Iterator[None]:
    """Turns errors of the Hub and of the connection to it into one RunError."""
    from huggingface_hub.errors import HTTPError  # the base class, whichever HTTP library the client uses

    try:
        yield
    except (HTTPError, OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunError(f"{problem}: {reason}; {advice}") from error
