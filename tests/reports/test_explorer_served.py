"""The explorer's server: who is answered, who is refused, and that a typed text gets the model's answers."""

import base64
import http.client
import json
import threading

import numpy as np
import pandas as pd
import pytest
from exploring import Shown, asked_of_python, chromium, question
from trained import trained

from perspectives.errors import RunError
from perspectives.inference.trained_model import TrainedModel
from perspectives.reports.explorer.build import explorer, html
from perspectives.reports.explorer.content import quantised
from perspectives.reports.explorer.serve import MOST_BYTES, Scorer, Server
from perspectives.runs.joined import joined

browser = pytest.fixture(scope="module")(chromium)
pytestmark = pytest.mark.filterwarnings("ignore:encoder 'tiny' needs")
TEXT = "a cup of tea in the garden, <b>please</b>"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    options = ["model=multitask_shared", "data.reader.annotators=40", "predictions.everyone=true"]
    return trained(tmp_path_factory.mktemp("served"), *options)


@pytest.fixture(scope="module")
def page(run):
    return explorer(joined(run.folder))


@pytest.fixture(scope="module")
def server(run, page):
    with Server(html(page, served=True), Scorer(TrainedModel.of(run), page), 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def asked(server, method: str = "POST", path: str = "/score", body: bytes | str = "{}", **headers: str):
    """Status and answer of a request; headers with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if method == "GET" else body, {"Content-Type": "application/json", **named})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def test_a_text_gets_the_answers_of_the_model_for_everyone_on_the_page(server, run, page):
    status, body = asked(server, body=json.dumps({"text": TEXT}))
    assert status == 200
    packed = json.loads(body)["answers"]
    answers = np.frombuffer(base64.b64decode(packed["data"]), packed["type"]).reshape(packed["shape"])
    (table,) = TrainedModel.of(run).predict(pd.DataFrame({"text": [TEXT]}), annotators="all")
    seen = page.annotators["annotator_id"].isin(table["annotator_id"]).to_numpy()
    expected = table.set_index("annotator_id").loc[page.annotators["annotator_id"][seen], ["p_not_rude", "p_rude"]]
    np.testing.assert_array_equal(answers[seen], quantised(expected.to_numpy(), page.scale))
    assert 0 < (~seen).sum() < 5 < seen.sum()  # people the model never saw are asked too
    assert len(np.unique(answers[:, 0])) > 1


def test_it_listens_on_this_machine_only(server):
    assert server.server_address[0] == "127.0.0.1"
    status, body = asked(server, "GET", "/")
    assert status == 200
    assert b"connect-src 'self'" in body
    assert asked(server, "GET", "/", Host=f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        ({"Host": "evil.example"}, 403, "answers only to the name"),
        ({"Host": "evil.example", "method": "GET", "path": "/"}, 403, "answers only to the name"),
        ({"Host": "127.0.0.1:1"}, 403, "answers only to the name"),
        ({"Origin": "http://evil.example"}, 403, "only its own page"),
        ({"Origin": "null"}, 403, "only its own page"),
        ({"Content_Type": "text/plain"}, 415, "application/json"),
        ({"body": "tea"}, 400, "the request is not JSON"),
        ({"body": "[" * 10_000}, 400, "the request is not JSON"),
        ({"body": b"\xff"}, 400, "the request is not JSON"),
        ({"body": "[1]"}, 400, "send JSON with text"),
        ({"body": '{"text": "  "}'}, 400, "send JSON with text"),
        ({"body": '{"text": 3}'}, 400, "send JSON with text"),
        ({"body": "x" * (MOST_BYTES + 1)}, 413, f"at most {MOST_BYTES}"),
        ({"Content_Length": "-5"}, 411, "Content-Length"),
        ({"path": "/other"}, 404, "only /score takes texts"),
        ({"method": "GET", "path": "/etc/passwd"}, 404, "only / is served here"),
    ],
)
def test_others_are_refused_with_a_reason(server, request_, status, reason):
    answered, body = asked(server, **request_)
    assert answered == status
    assert reason in json.loads(body)["error"]


def test_a_port_that_is_taken_is_an_error(server):
    with pytest.raises(RunError, match=rf"port {server.server_port} cannot be used \(.*\); choose another with port=N"):
        Server("", server.scorer, server.server_port)


def test_a_typed_text_is_judged_in_the_browser(server, page, browser):
    view = Shown(browser, f"http://127.0.0.1:{server.server_port}/").open("by=gender&seats=5.6")
    view.tab.locator("#typed-text").fill(TEXT)
    view.tab.get_by_role("button", name="Ask the jury").click()
    view.until("document.querySelector('#text blockquote').textContent.includes('garden')")
    view.rested()
    assert view.tab.locator("#text blockquote").text_content() == TEXT
    assert "Your own text, judged by one trained model" in view.text("#text")
    answers = server.scorer({"text": TEXT})["answers"]["data"]
    typed = np.frombuffer(base64.b64decode(answers), np.uint8).reshape(1, *page.answers.shape[1:])
    expected, _, counts = asked_of_python(
        type(page)(page.scale, typed, page.annotators, {}, {}), 0, view.composition(), question(page, "label=rude")
    )
    assert view.chance("positive") == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(view.bars(), counts, atol=1e-6)
    assert view.errors == []
    assert {request.removeprefix(view.address) for request in view.requests} == {"", "score"}


def test_the_page_of_a_file_has_no_box_for_texts(page, browser, tmp_path):
    path = tmp_path / "explorer.html"
    path.write_text(html(page), encoding="utf-8")
    view = Shown(browser, path.as_uri()).open()
    assert view.tab.locator("#typed").is_hidden()
