"""The wheel holds everything the command line needs, the source distribution everything the tests need."""

import ast
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("perspectives", "conf", "data/cards", "data/sample", "experiments", "tests", ".ci")
FILES = ("pyproject.toml", "Makefile", "constraints.txt", ".gitignore", "PKG-INFO")
DOCUMENTS = ("README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree and unpacked as an installation would be."""
    folder = tmp_path_factory.mktemp("wheel")
    zipfile.ZipFile(hatch("wheel", folder)).extractall(folder / "site")
    return folder / "site"


def hatch(target: str, folder: Path) -> Path:
    """What hatchling builds of this tree."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


def run(site: Path, *args: str, cwd: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-m", "perspectives", *args], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("kind", "source", "least"), [("conf", "conf", 15), ("cards", "data/cards", 15), ("experiments", "experiments", 6)]
)
def test_configurations_cards_and_tables_are_in_the_wheel(unpacked: Path, kind: str, source: str, least: int) -> None:
    expected = {path.relative_to(REPOSITORY / source) for path in (REPOSITORY / source).rglob("*.yaml")}
    packed = unpacked / "perspectives" / kind
    assert {path.relative_to(packed) for path in packed.rglob("*.yaml")} == expected
    assert len(expected) >= least


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


def test_the_source_distribution_can_run_its_own_tests(tmp_path: Path) -> None:
    with tarfile.open(hatch("sdist", tmp_path)) as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers()}
    expected = {
        path.relative_to(REPOSITORY).as_posix()
        for folder in FOLDERS
        for path in (REPOSITORY / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(members) == expected | set(FILES) | set(DOCUMENTS)
    assert {"tests/test_packaging.py", "data/sample/annotations.csv", "conf/train.yaml"} <= expected
    assert members[".ci/run"].mode & 0o100


def test_every_imported_package_is_declared() -> None:
    """Also those that another dependency happens to bring."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = [
        requirement
        for name, group in project["optional-dependencies"].items()
        if name != "dev"
        for requirement in group
    ]
    declared = {canonicalize_name(Requirement(line).name) for line in [*project["dependencies"], *extras]}
    imported = set()
    for path in (REPOSITORY / "perspectives").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    homes = packages_distributions()
    outside = imported - set(sys.stdlib_module_names) - {"perspectives"}
    undeclared = {name for name in outside if not declared & {canonicalize_name(home) for home in homes[name]}}
    assert undeclared == {"kronfluence"}  # asks for torchvision, see pyproject.toml
    assert {"tokenizers", "packaging", "huggingface_hub", "torch", "yaml", "peft"} <= outside


def test_make_knows_every_target_it_names() -> None:
    phony = next(line for line in (REPOSITORY / "Makefile").read_text().splitlines() if line.startswith(".PHONY"))
    for target in phony.split()[1:]:
        dry = subprocess.run(["make", "-n", target], cwd=REPOSITORY, capture_output=True, text=True)
        assert dry.returncode == 0, dry.stderr
    assert len(phony.split()) == 5
