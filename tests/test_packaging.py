"""The wheel holds everything the command line needs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree and unpacked as an installation would be."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    zipfile.ZipFile(next(folder.glob("*.whl"))).extractall(folder / "site")
    return folder / "site"


def run(site: Path, *args: str, cwd: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-m", "perspectives", *args], cwd=cwd, env=environment, capture_output=True, text=True
    )


def test_configurations_and_cards_travel_in_the_wheel(unpacked: Path) -> None:
    for kind, source in (("conf", REPOSITORY / "conf"), ("cards", REPOSITORY / "data" / "cards")):
        expected = {path.relative_to(source) for path in source.rglob("*.yaml")}
        assert {
            path.relative_to(unpacked / "perspectives" / kind)
            for path in (unpacked / "perspectives" / kind).rglob("*.yaml")
        } == expected
        assert len(expected) > 15


def test_an_installed_wheel_finds_them(unpacked: Path, tmp_path: Path) -> None:
    where = (
        "import perspectives.config, perspectives.data.catalog as catalog; "
        "print(perspectives.config.conf_dir(), catalog.card('hs_brexit').url)"
    )
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(unpacked / "perspectives" / "conf"))
    trained = run(unpacked, "train", "model=priors", "data.reader.items=40", f"paths.runs={tmp_path}", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "class_prior" in trained.stdout
