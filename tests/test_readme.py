"""Everything the README tells people to type is typed here, in its order."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from perspectives.cli import main
from perspectives.evaluation.comparison import entries

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Fenced code with exactly this info string."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[list[str]]:
    """The commands of a block as words: comments dropped, `&&` taken apart."""
    lines = [line for line in block.splitlines() if line.strip()]
    return [shlex.split(part, comments=True) for line in lines for part in line.split("&&")]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a clone, for all commands of the README one after the other."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(REPOSITORY / "data" / "sample", folder / "data" / "sample")
    return folder


def type_all(block_list: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PERSPECTIVES_CACHE", str(folder / "cache"))
    monkeypatch.delenv("PERSPECTIVES_RUNS", raising=False)
    typed = [words for block in block_list for words in commands(block)]
    for program, *words in typed:
        assert program == "perspectives"
        words = [_placed(word, folder) for word in words]
        monkeypatch.setattr("sys.argv", ["perspectives", *words])
        if "--help" in words:  # Hydra's ends the process
            with pytest.raises(SystemExit, match=r"^0$"):
                main()
        else:
            assert main() == 0, f"perspectives {shlex.join(words)}"
    return len(typed)


def _placed(word: str, folder: Path) -> str:
    """`run=RUN` stands for a run of the jury model."""
    return f"run={next(folder.glob('runs/synthetic/jury-*'))}" if word == "run=RUN" else word


@pytest.mark.slow
def test_every_command_runs(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PERSPECTIVES_DATA", raising=False)
    assert type_all(blocks("bash"), elsewhere, monkeypatch) == 30
    rows = {entry.name: entry for entry in entries([elsewhere / "runs" / "synthetic"], best=True)[0]}
    for name in ("multitask", "multitask_shared", "jury"):  # as the planted structure says
        assert rows[name].difference(rows["majority"], "individual/macro_f1").low > 0.02


@pytest.mark.slow
def test_every_command_on_real_data_runs(real_data: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSPECTIVES_DATA", str(real_data))
    assert type_all(blocks("bash real-data"), elsewhere, monkeypatch) == 5


@pytest.mark.slow
def test_the_python_runs(elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("PERSPECTIVES_CACHE", str(elsewhere / "cache"))
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "(1280, 2)" in printed
    assert "'low'" in printed


def test_the_demo_in_the_makefile_is_the_one_described() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split("demo: .venv/demo\n")[1].split("\n\n")[0]
    (described,) = [block for block in blocks("bash") if "softlabel,multitask,multitask_shared" in block]
    for line in described.splitlines():
        assert line.strip() in recipe


def test_make_targets_and_links_exist() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = [line.split()[1] for block in blocks("sh") for line in block.splitlines()]
    assert targets == ["demo", "test"]
    assert all(f"\n{target}:" in makefile for target in targets)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert len(links) >= 3
    assert all((REPOSITORY / link).exists() for link in links), links


def test_the_table_of_corpora_lists_what_there_is() -> None:
    from perspectives.config import choices

    named = set(re.findall(r"`([a-z0-9_]+)`", README.split("| `data=` |")[1].split("\n\n")[0]))
    assert set(choices("data")) - {"synthetic"} <= named
