"""What tests of the explorer share: invented predictions, the page in a browser, verdicts computed in Python."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perspectives.data.scale import Scale
from perspectives.juries.compositions import seats
from perspectives.juries.counts import count_distributions, expected
from perspectives.juries.events import Event
from perspectives.juries.rules import Rule
from perspectives.juries.seating import seated
from perspectives.juries.verdicts import Question, verdicts
from perspectives.predictions import Predictions
from perspectives.reports.explorer.build import html
from perspectives.reports.explorer.content import Content, dequantised

SCALES = {
    "nominal": Scale("nominal", ("calm", "rude")),
    "ordinal": Scale.integers(1, 5),
    "interval": Scale("interval", low=0, high=1),
    "multilabel": Scale("multilabel", ("a", "b", "c")),
}
GENDERS = ["Woman"] * 12 + ["Man"] * 11 + ["Rare"] * 2 + ["unknown"] * 6


def predictions(
    kind: str = "ordinal", items: int = 16, people: int = 62, seed: int = 0, raters: int = 6
) -> Predictions:
    """Answers that differ by person, group and item, and labels drawn from them. Ids say `worker-…`."""
    rng, scale = np.random.default_rng(seed), SCALES[kind]
    annotators = pd.DataFrame({
        "annotator_id": [f"worker-{n:03d}" for n in range(people)],
        "gender": np.resize(GENDERS, people),
        "age": np.where(rng.random(people) < 0.1, np.nan, rng.integers(18, 80, people)),
        "region": rng.choice(["north", "south", "west, and islands"], people),
    })  # fmt: skip
    position = rng.normal(size=(items, 1)) + rng.normal(size=people) + (annotators["gender"] == "Man").to_numpy()
    if kind == "interval":
        everyone = (1 / (1 + np.exp(-position)))[..., None]
        labels = np.round(everyone[..., 0] * rng.random((items, people)), 2)
    elif kind == "multilabel":
        everyone = 1 / (1 + np.exp(-position[..., None] - rng.normal(size=3)))
        labels = rng.random(everyone.shape) < everyone
    else:
        logits = -((position[..., None] - np.linspace(-2, 2, scale.size)) ** 2) / 2
        everyone = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        labels = (everyone.cumsum(-1) < rng.random((items, people, 1))).sum(-1)
    everyone = everyone.astype(np.float32)
    item = np.repeat(np.arange(items), min(raters, people))
    who = np.concatenate([rng.choice(people, min(raters, people), replace=False) for _ in range(items)])
    table = pd.DataFrame(
        {"item_id": [f"i{n}" for n in range(items)], "text": [f"remark {n} on tea" for n in range(items)]}
    )
    pairs = pd.DataFrame({
        "item_id": table["item_id"].to_numpy()[item],
        "annotator_id": annotators["annotator_id"].to_numpy()[who],
        "label": scale.decode(labels[item, who]),
        "training_labels": 1 + who % 3,
    })  # fmt: skip
    about = {"method": "jury", "data": "invented"}
    return Predictions(scale, pairs, everyone[item, who], table, annotators, everyone, about)


def asked_of_python(page: Content, item: int, composition: str, question: Question) -> tuple[float, float, np.ndarray]:
    """P(positive), P(negative) and the distribution of votes by perspectives.juries, on what the bytes stand for."""
    answers = dequantised(page.answers[[item]], page.scale)
    seating = seated(seats(composition, page.annotators))
    found = verdicts(answers, seating, question)
    answers = np.broadcast_to(answers, (1, seating.pools.shape[1], answers.shape[2]))
    votes, jurors = question.event.votes(answers, question.hard), int(seating.seats[0].sum())
    tables = count_distributions(votes, seating.pools, int(seating.seats.max()), question.replacement)
    distribution = expected(tables, seating.seats, np.eye(jurors + 1))[:, 0] @ seating.weight
    return found.positive[0, 0], found.negative[0, 0], distribution


def question(page: Content, event: str, rule: str = "majority", tie: str = "hung", hard: bool = False) -> Question:
    return Question(Event.parse(event, page.scale), Rule.parse(rule), tie, hard)


# The page in a browser. --------------------------------------------------------------------------------------------


class Shown:
    """A page in a tab of its own. requests: everything it asked for. errors: what it complained about."""

    def __init__(self, browser, address: str, **options) -> None:
        self.tab = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.address = address
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("dialog", lambda dialog: (self.errors.append(dialog.message), dialog.dismiss()))

    def open(self, state: str = "") -> "Shown":
        """The page at a state (`item=3&rule=unanimity`); the first time it is loaded, later its address changes."""
        if self.tab.url == "about:blank":
            self.tab.goto(self.address + (f"#{state}" if state else ""))
            self.until("document.documentElement.dataset.ready")
        else:
            changed = "new Promise(done => addEventListener('hashchange', done, {once: true}))"
            self.tab.evaluate(f"state => {{ const changed = {changed}; location.hash = state; return changed }}", state)
        return self.drawn()

    def drawn(self) -> "Shown":
        self.tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
        return self

    def rested(self) -> "Shown":
        """Slow things are done too: sorting, the address, the search for other verdicts."""
        self.tab.wait_for_timeout(250)
        self.until("document.getElementById('changes').dataset.done !== 'false'")
        return self.drawn()

    def until(self, condition: str) -> None:
        """Playwright's own waiting needs eval, which the page's policy forbids."""
        for _ in range(200):
            if self.tab.evaluate(condition):
                return
            self.tab.wait_for_timeout(50)
        raise AssertionError(f"{condition} never held")

    def text(self, selector: str) -> str:
        return self.tab.locator(selector).inner_text()

    def chance(self, name: str) -> float:
        return float(self.tab.locator(f"#p-{name}").get_attribute("data-p"))

    def bars(self) -> np.ndarray:
        """The distribution of votes as drawn."""
        marks = self.tab.locator("#distribution rect")
        return np.array(marks.evaluate_all("bars => bars.map(bar => Number(bar.dataset.p))"))

    def seats(self) -> list[int]:
        return self.tab.locator("#pools output").evaluate_all("all => all.map(one => Number(one.textContent))")

    def composition(self) -> str:
        return self.text("#composition code")


def chromium():
    """A headless Chromium, for one test module; tests are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium; apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def written(page: Content, folder: Path) -> str:
    """The address of the page as a file."""
    path = folder / "explorer.html"
    path.write_text(html(page), encoding="utf-8")
    return path.as_uri()
