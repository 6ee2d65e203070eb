"""The explorer served on this machine only, with a trained model that judges typed texts for everyone on the page.

    GET /        the page
    POST /score  {"text": …, "pair": … where texts are pairs} → {"answers": packed uint8 [annotator, level]}, or
                 {"error": …}

It listens on 127.0.0.1, and refuses requests that name another host (DNS rebinding) or come from another page, and
bodies that are too long or not JSON.
"""

import json
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd

from perspectives.errors import PerspectivesError, RunError
from perspectives.inference.respondents import Asked
from perspectives.inference.trained_model import TrainedModel
from perspectives.reports.explorer.content import Content, quantised
from perspectives.reports.pages.html import packed
from perspectives.runs.run import Run

LOOPBACK = "127.0.0.1"
MOST_BYTES = 20_000
PATIENCE = 10  # seconds that a client may take to send its request


class Refusal(Exception):
    """The reason why a request is refused, and the HTTP status of the reply."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(eq=False)
class Scorer:
    """A trained model and the people of a page. It takes one text at a time, because models are not thread-safe."""

    model: TrainedModel
    page: Content

    def __post_init__(self) -> None:
        names = tuple(self.page.annotators["annotator_id"])
        self._asked = Asked("annotator_id", names, self.model.schema.encode(self.page.annotators))
        self._lock = threading.Lock()

    def __call__(self, request: Any) -> dict[str, Any]:
        """The answers of everyone on the page to one text. Raises Refusal for a request without a text."""
        keys = {"text": "text", "text_pair": "pair"}
        wanted = [keys[column] for column in self.model.columns]
        texts = [request.get(key) for key in wanted] if isinstance(request, dict) else [None]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise Refusal(HTTPStatus.BAD_REQUEST, f"send JSON with {' and '.join(wanted)}, neither of them empty")
        table = pd.DataFrame([texts], columns=list(self.model.columns))
        with self._lock:
            answers = self.model.answers(table, self._asked)[0]
        return {"answers": packed(quantised(np.asarray(answers), self.page.scale))}


class Handler(BaseHTTPRequestHandler):
    """One request; the page and the scorer are its server's."""

    server: "Server"
    timeout = PATIENCE
    server_version = "perspectives"
    sys_version = ""

    def do_GET(self) -> None:
        self._answered(self._page)

    def do_POST(self) -> None:
        self._answered(self._score)

    def _answered(self, answer: Any) -> None:
        try:
            self._refuse_strangers()
            kind, body = answer()
            self._send(HTTPStatus.OK, kind, body)
        except Refusal as refusal:
            self._send_json(refusal.status, {"error": str(refusal)})
        except PerspectivesError as error:
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": str(error)})

    def _page(self) -> tuple[str, bytes]:
        if self.path.partition("?")[0] != "/":
            raise Refusal(HTTPStatus.NOT_FOUND, "only / is served here")
        return "text/html; charset=utf-8", self.server.html

    def _score(self) -> tuple[str, bytes]:
        if self.path != "/score":
            raise Refusal(HTTPStatus.NOT_FOUND, "only /score takes texts")
        if self.headers.get_content_type() != "application/json":
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the text as application/json")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "say how long the request is, in Content-Length")
        if int(length) > MOST_BYTES:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request has {length} bytes; at most {MOST_BYTES}")
        try:
            request = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, "the request is not JSON") from error
        return "application/json", json.dumps(self.server.scorer(request)).encode()

    def _refuse_strangers(self) -> None:
        hosts = self.server.hosts
        origin = self.headers.get("Origin")
        if self.headers.get("Host") not in hosts:
            raise Refusal(HTTPStatus.FORBIDDEN, f"this server answers only to the name {' or '.join(hosts)}")
        if origin is not None and origin not in [f"http://{host}" for host in hosts]:
            raise Refusal(HTTPStatus.FORBIDDEN, "this server answers only its own page")

    def _send_json(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        self.close_connection = True  # what the request still holds is not read
        self._send(status, "application/json", json.dumps(content).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Resource-Policy": "same-origin",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: requests hold texts that people typed."""


class Server(ThreadingHTTPServer):
    """Serves one page and its scorer on the loopback interface; port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, html: str, scorer: Scorer, port: int) -> None:
        """Raises RunError when the port is taken."""
        try:
            super().__init__((LOOPBACK, port), Handler)
        except OSError as error:
            raise RunError(f"port {port} cannot be used ({error.strerror}); choose another with port=N") from error
        self.html, self.scorer = html.encode(), scorer
        self.hosts = [f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")]


def serve_page(html: str, page: Content, run: Run, port: int) -> None:
    """Serve until interrupted; `run` judges typed texts."""
    with Server(html, Scorer(TrainedModel.of(run), page), port) as server:
        print(f"http://{LOOPBACK}:{server.server_port}  texts you type are judged by {run.folder.name}; Ctrl-C ends")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("ended")
