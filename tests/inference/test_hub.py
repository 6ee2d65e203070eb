"""Publishing on the Hub and loading from it, against a server on this machine that speaks the part of it that is used.

The real client talks to it in a process of its own, told where the Hub is as anybody tells it: by HF_ENDPOINT.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trained import trained

from perspectives import TrainedModel
from perspectives.errors import DataWarning, RunError
from perspectives.inference import hub

pytestmark = pytest.mark.filterwarnings("ignore:encoder 'tiny' needs")
REPO = r"/(?:api/models/)?(?P<repo>[\w.-]+/[\w.-]+)"


class FakeHub(ThreadingHTTPServer):
    """Repositories in memory: name → private, commit, files. strange: requests it could not answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, dict] = {}
        self.messages: list[str] = []
        self.cards: list[str] = []
        self.tokens: set[str | None] = set()
        self.strange: list[str] = []
        self.refuse = False
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeHub

    def log_message(self, *args) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.tokens.add(self.headers.get("Authorization"))
        if self.server.refuse:
            self._json({"error": "You may not write here"}, 403)
        elif self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            private = asked.get("private", asked.get("visibility") == "private")
            known = self.server.repositories.setdefault(name, {"private": private, "files": {}, "commit": "0" * 40})
            self._json({"url": f"{self.server.url}/{name}", "id": known["commit"], "name": name})
        elif self.path == "/api/validate-yaml":
            self.server.cards.append(json.loads(body)["content"])
            self._json({"errors": [], "warnings": []})
        elif re.fullmatch(REPO + "/preupload/main", self.path):
            files = json.loads(body)["files"]
            plain = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files]
            self._json({"files": plain})
        elif found := re.fullmatch(REPO + "/commit/main", self.path):
            repository = self.server.repositories[found["repo"]]
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "header":
                    self.server.messages.append(line["value"]["summary"])
                else:
                    repository["files"][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            repository["commit"] = hashlib.sha1(body.encode()).hexdigest()
            address = f"{self.server.url}/{found['repo']}/commit/{repository['commit']}"
            self._json({"success": True, "commitUrl": address, "commitOid": repository["commit"]})
        else:
            self._unknown()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        resolved = re.fullmatch(REPO + r"/resolve/\w+/(?P<file>.+)", path)
        listed = re.fullmatch(REPO + r"/tree/\w+", path)
        about = re.fullmatch(REPO + r"(?:/revision/\w+)?", path)
        found = resolved or listed or about
        repository = self.server.repositories.get(found["repo"]) if found else None
        if repository is None:
            self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        elif resolved:
            content = repository["files"][resolved["file"]]
            tag = hashlib.sha1(content).hexdigest()
            self._send(content, 200, {"ETag": f'"{tag}"', "X-Repo-Commit": repository["commit"]})
        elif listed:
            files = repository["files"].items()
            entries = [{"type": "file", "path": name, "size": len(content), "oid": "0" * 40} for name, content in files]
            self._json(entries)
        elif about:
            siblings = [{"rfilename": name} for name in repository["files"]]
            state = {"id": found["repo"], "sha": repository["commit"], "private": repository["private"]}
            self._json(state | {"siblings": siblings, "tags": [], "downloads": 0, "likes": 0})

    do_HEAD = do_GET

    def _unknown(self) -> None:
        self.server.strange.append(f"{self.command} {self.path}")
        self._json({"error": "this server does not know that"}, 501)

    def _json(self, value, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(json.dumps(value).encode(), status, {"Content-Type": "application/json"} | (headers or {}))

    def _send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@pytest.fixture
def server():
    hub_here = FakeHub()
    thread = threading.Thread(target=hub_here.serve_forever, daemon=True)
    thread.start()
    yield hub_here
    hub_here.shutdown()
    hub_here.server_close()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("run"))


def python(code: str, server: FakeHub, folder, **environment) -> subprocess.CompletedProcess:
    """Code in a fresh interpreter for which the Hub is `server`."""
    places = {"HF_ENDPOINT": server.url, "HF_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "0", "HF_TOKEN": ""}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | places | {"HF_HUB_DISABLE_XET": "1"} | environment,
    )


def test_a_model_is_published_and_loaded_by_its_name(run, server, tmp_path):
    code = f"""
import pandas as pd
from perspectives import TrainedModel
print(TrainedModel.of({str(run.folder)!r}).push_to_hub("us/tea", token="secret", commit_message="A first model"))
model = TrainedModel.from_pretrained("us/tea", token="secret")
pd.concat(model.predict(["tea", "cold soup"], annotators="all")).to_parquet({str(tmp_path / "answers.parquet")!r})
"""
    done = python(code, server, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{server.url}/us/tea"
    assert server.strange == []
    repository = server.repositories["us/tea"]
    assert repository["private"] is True
    assert server.messages == ["A first model"]
    assert server.tokens == {"Bearer secret"}
    files = {"README.md", "config.yaml", "metrics.json", "model.safetensors", "provenance.json", "schema.json"}
    assert set(repository["files"]) == files
    assert repository["files"]["model.safetensors"] == (run.folder / "model.safetensors").read_bytes()
    ids = json.loads((run.folder / "schema.json").read_text())["annotators"]
    assert not set(ids) & set(json.loads(repository["files"]["schema.json"])["annotators"])
    assert server.cards[0] == repository["files"]["README.md"].decode()
    assert 'TrainedModel.from_pretrained("us/tea")' in server.cards[0]

    answers, model = pd.read_parquet(tmp_path / "answers.parquet"), TrainedModel.of(run)
    expected = pd.concat(model.predict(["tea", "cold soup"], annotators="all"))
    columns = [column for column in expected if column.startswith("p_")]
    np.testing.assert_allclose(answers[columns], expected[columns], atol=1e-6)


def test_what_the_hub_refuses_is_one_message(run, server, tmp_path):
    code = f"""
from perspectives import TrainedModel
from perspectives.errors import RunError
model = TrainedModel.of({str(run.folder)!r})
def tried(action, *args, **options):
    try:
        action(*args, **options)
    except RunError as error:
        print(error)
tried(TrainedModel.from_pretrained, "us/nothing")
tried(model.push_to_hub, "us/public", token="x")
tried(model.push_to_hub, "a/b/c", token="x")
"""
    server.repositories["us/public"] = {"private": False, "files": {}, "commit": "0" * 40}
    done = python(code, server, tmp_path)
    missing, public, name = done.stdout.splitlines()
    assert missing.startswith("us/nothing is not a local folder, and could not be fetched from the Hub: ")
    assert "404" in missing
    assert missing.endswith("you must be online and, where it is private, logged in (`hf auth login`)")
    assert public == "us/public exists and is public; give private=False, or another name"
    assert name.startswith("a/b/c could not be published on the Hub: Repo id must be in the form")
    assert server.repositories["us/public"]["files"] == {}
    server.refuse = True
    refused = python(code.replace("us/public", "us/mine"), server, tmp_path).stdout.splitlines()[1]
    assert refused.startswith("us/mine could not be published on the Hub: ")
    assert "403" in refused
    assert refused.endswith("or give a token with write access, and use a name owner/name of yours")


def test_without_a_network_there_is_one_message(server, tmp_path):
    code = """
from perspectives.errors import RunError
from perspectives.inference.hub import fetched
try:
    fetched("us/tea")
except RunError as error:
    print(error)
"""
    for environment in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        done = python(code, server, tmp_path, **environment)
        (said,) = done.stdout.splitlines()
        assert said.startswith("us/tea is not a local folder, and could not be fetched from the Hub: ")
        assert "give a run folder, a folder that save_pretrained wrote, or owner/name of a model" in said


def test_folders_are_taken_as_they_are(tmp_path):
    assert hub.fetched(tmp_path) == tmp_path
    with pytest.raises(RunError, match=r"revision='main' is for models on the Hub; .* is a folder, leave it out"):
        hub.fetched(tmp_path, revision="main")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("runz", "runz is not a folder, and not looked up on the Hub because it is not owner/name; give a run"),
        ("runs/multitask", "runs/multitask is not a folder, and not looked up on the Hub because runs/ is a local"),
        ("runs/multi*", "runs/multi* is not a folder, and not looked up on the Hub because runs/ is a local path"),
        ("nowhere/multi*", "nowhere/multi* is not a folder, and not looked up on the Hub because it is not owner/name"),
        ("./model", "because it is not owner/name"),
        ("../model", "because it is not owner/name"),
        ("/model", "because it is not owner/name"),
        ("~/model", "because it is not owner/name"),
        ("a/b/c", "because it is not owner/name"),
        ("runs/s*", "runs/s* matches 2 runs; name one\n  - runs/seed-0\n  - runs/seed-1"),
    ],
)
def test_mistyped_paths_never_leave_the_machine(name, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *args, **options: pytest.fail("asked the Hub"))
    for seed in (0, 1):
        (tmp_path / f"runs/seed-{seed}").mkdir(parents=True)
        (tmp_path / f"runs/seed-{seed}/config.yaml").touch()
    (tmp_path / "runs/score").mkdir()
    with pytest.raises(RunError) as caught:
        hub.fetched(name)
    assert said in str(caught.value)


def test_a_pattern_finds_the_one_run_it_fits(tmp_path, monkeypatch):
    run = tmp_path / "runs [1]" / "jury-7"  # a folder's name may look like a pattern
    run.mkdir(parents=True)
    (run / "config.yaml").touch()
    (run.parent / "juries").mkdir()  # fits j*, but is no run
    monkeypatch.chdir(tmp_path)
    assert hub.fetched("runs?[[]1]/j*") == Path("runs [1]/jury-7")
    assert hub.fetched("runs [1]/jury-7") == Path("runs [1]/jury-7")
    assert hub.is_hub_name("us/tea.v1-base")  # what is asked for there


def test_publishing_for_everybody_warns_unless_the_licence_allows_it(tmp_path):
    def warn_of(**data) -> None:
        (tmp_path / "config.yaml").write_text(json.dumps({"data": data}))
        hub._warn_of_licence(tmp_path)

    for data in ({"name": "mine", "card": None}, {"name": "hs_brexit", "card": "hs_brexit"}):
        with pytest.warns(DataWarning, match=rf"^the corpus {data['name']} may not be redistributed, or its licence"):
            warn_of(**data)
    warn_of(name="dices_350", card="dices_350")  # CC BY 4.0
