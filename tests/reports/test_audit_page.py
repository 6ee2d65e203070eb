"""The audit's page in a browser: its tables and maps against the audit's, controls, and that nothing gets in or out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from exploring import Shown, chromium, predictions

from perspectives.data.annotations import AnnotationSet
from perspectives.quality.audit.audit import audit
from perspectives.quality.dynamics import Dynamics
from perspectives.quality.slips import KINDS
from perspectives.reports.audit.annotations import points
from perspectives.reports.audit.build import html
from perspectives.reports.audit.content import content

pytestmark = pytest.mark.filterwarnings("ignore:alpha is undefined")
browser = pytest.fixture(scope="module")(chromium)


def annotated(answers) -> AnnotationSet:
    """The observed pairs of invented predictions as annotations."""
    columns = ["item_id", "annotator_id", "label"]
    return AnnotationSet(answers.pairs[columns], answers.items, answers.annotators, answers.scale, "invented")


def recorded(annotations: AnnotationSet, epochs: int = 4) -> Dynamics:
    shape = (epochs, len(annotations))
    rng = np.random.default_rng(0)
    log = np.log(rng.random(shape)).astype(np.float32)
    return Dynamics(annotations.annotations, log, rng.normal(size=shape).astype(np.float32))


def audited(kind: str = "ordinal", trained: bool = True, **options):
    answers = predictions(kind, **options)
    made = annotated(answers)
    return audit(made, answers if trained else None, [recorded(made)] if trained else [], permutations=20)


@pytest.fixture(scope="module")
def done():
    return audited(items=40)


class Page(Shown):
    def open(self, state: str = "") -> "Page":
        self.tab.goto(self.address)
        self.until("document.documentElement.dataset.ready")
        return self

    def cells(self, table: str) -> list[list[str]]:
        """What a table shows, by row."""
        rows = self.tab.locator(f"#{table} tbody tr")
        return rows.evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")

    def visible(self, section: str) -> bool:
        return self.tab.locator(f"#{section}").is_visible()


def written(done, folder) -> str:
    path = folder / "audit.html"
    path.write_text(html(done, "jury"), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def shown(done, browser, tmp_path):
    view = Page(browser, written(done, tmp_path)).open()
    yield view
    assert view.errors == []
    assert view.requests == [view.address]
    view.tab.close()


def test_tables_hold_what_the_audit_found(shown, done):
    people = shown.cells("people-table")
    assert [int(row[0]) for row in people] == done.people["person"].tolist()
    assert [int(row[1]) for row in people] == done.people["labels"].tolist()
    coverage = shown.cells("coverage")
    assert [row[1] for row in coverage] == done.coverage["group"].tolist()
    shares = [np.nan if row[3] == "–" else float(row[3].removesuffix(" %")) / 100 for row in coverage]
    np.testing.assert_allclose(shares, done.coverage["share_of_people"], atol=0.0006)
    cohesion = shown.cells("cohesion")
    assert [row[1] for row in cohesion] == done.cohesion["group"].tolist()
    men = done.agreement.set_index("group").loc["Man", "pairwise"]
    assert next(row for row in cohesion if row[1] == "Man")[4] == f"{men:.3f}".removeprefix("0")
    slips = shown.cells("slips")
    assert [row[1] for row in slips] == done.told.groups["group"].tolist()
    assert "–" in next(row for row in slips if row[1].startswith("fewer than 5"))
    first = shown.cells("next-table")[0]
    assert first[0] == done.annotations.items.set_index("item_id").loc[done.items["item_id"].iloc[0], "text"]
    assert first[-1] == done.items["ask"].iloc[0]
    assert not shown.visible("drift")  # these annotations have no field to drift by


def test_columns_sort_both_ways_and_leave_what_is_missing_last(shown, done):
    labels = done.people["labels"].tolist()
    head = shown.tab.locator("#people-table th button").nth(1)
    head.click()
    assert [int(row[1]) for row in shown.cells("people-table")] == sorted(labels, reverse=True)
    head.focus()
    shown.tab.keyboard.press("Enter")
    assert [int(row[1]) for row in shown.cells("people-table")] == sorted(labels)
    assert shown.tab.locator("#people-table th").nth(1).get_attribute("aria-sort") == "ascending"
    kappa = shown.tab.locator("#people-table th button").nth(3)
    for _ in range(2):
        kappa.click()
        column = [row[3] for row in shown.cells("people-table")]
        known = done.people["kappa"].notna().sum()
        assert column[known:] == ["–"] * (len(column) - known)


def test_the_list_is_operated_by_keys_and_the_annotation_is_read(shown, done):
    chosen = points(done)
    place = chosen["slip"].to_numpy().argsort(kind="stable")[::-1]
    texts = done.annotations.items.set_index("item_id")["text"]
    shown.tab.locator("#list").focus()
    for key, row in (("Home", 0), ("ArrowDown", 1), ("PageDown", 9), ("ArrowUp", 8)):
        shown.tab.keyboard.press(key)
        selected = shown.tab.locator("#list li[aria-selected=true]")
        assert selected.count() == 1
        assert shown.tab.locator("#list").get_attribute("aria-activedescendant") == selected.get_attribute("id")
        one = chosen.iloc[int(selected.get_attribute("id").removeprefix("annotation-"))]
        assert one["slip"] == pytest.approx(chosen["slip"].iloc[place[row]])
        read = shown.text("#read")
        assert texts[one["item_id"]] in read
        sources = {"person": "them", "group": "a group of theirs", "meant": "them, knowing the others’ labels"}
        named = "; ".join((sources | {"anybody": "anybody"})[name] for name in one["expected_of"].split(", ") if name)
        assert f"Annotator {one['person']} said {one['said']} (expected of {named or 'nobody'})" in read
        assert f"likeliest was {one['likeliest']} of anybody, {one['expected']} of them: {KINDS[one['kind']]}." in read


def test_both_maps_show_where_annotations_are(shown, done):
    chosen = points(done)
    for view, across, up, wide in (
        ("Slip or perspective", "consensus", "meant", 1),
        ("Data map", "variability", "confidence", 0.5),
    ):
        shown.tab.get_by_role("button", name=view).click()
        marks = shown.tab.locator("#map circle").evaluate_all(
            "all => all.map(one => [one.dataset.place, one.getAttribute('cx'), one.getAttribute('cy')].map(Number))"
        )
        marks = np.array(sorted(marks))
        assert len(marks) == len(chosen) == len(done.annotations)
        np.testing.assert_allclose((marks[:, 1] - 44) / 320 * wide, chosen[across], atol=1e-4)
        np.testing.assert_allclose(1 - (marks[:, 2] - 10) / 320, chosen[up], atol=1e-4)
    shown.tab.locator("#map circle[data-place='7']").dispatch_event("click")
    expected = f"confidence in training {chosen['confidence'].iloc[7]:.3f}".replace(" 0.", " .")
    assert expected in shown.text("#read")


def test_kinds_and_words_filter_the_list(shown, done):
    kinds = done.told.annotations["kind"].value_counts()
    assert kinds["perspective"] > 5
    shown.tab.get_by_role("button", name=f"perspective {kinds['perspective']}").click()
    assert shown.text("#found") == f"{kinds['perspective']} annotations"
    assert shown.tab.locator("#map circle").count() == kinds["perspective"]
    shown.tab.get_by_role("button", name="all", exact=True).click()
    shown.tab.locator("#query").fill("remark 7 ")
    wanted = (done.told.annotations["item_id"] == "i7").sum()
    assert shown.text("#found") == f"{wanted} annotations"
    assert shown.tab.locator("#list li").count() == wanted


def test_the_highest_losses_can_be_read_first(shown, done):
    shown.tab.locator("#order").select_option("loss")
    worst = done.told.annotations["loss"].max()
    assert f"loss {worst:.3f}".replace(" 0.", " .") in shown.text("#read")
    listed = shown.tab.locator("#list li").evaluate_all("all => all.map(one => one.id)")
    losses = points(done)["loss"].iloc[[int(one.removeprefix("annotation-")) for one in listed]]
    assert losses.is_monotonic_decreasing


def test_why_somebody_is_suspected_can_be_checked(shown, done):
    first = done.people.iloc[0]
    panel = shown.text("#person")
    assert f"Annotator {first['person']}" in panel  # the one least like the others, before anything was clicked
    assert f"labels beside other people’s: {first['shared']}" in panel
    z = f"{first['group_z']:.3f}".replace("0.", ".", 1).replace("-", "−")
    assert f"highest z with a group of their own: {z}" in panel
    assert f"groups compared with: {first['groups']}" in panel


def test_annotators_are_selected_by_mouse_and_keys(shown, done):
    row = shown.tab.locator("#people-table tbody tr").first
    row.click()
    assert f"Annotator {done.people['person'].iloc[0]}" in shown.text("#person")
    shown.tab.keyboard.press("Tab")
    row.focus()
    shown.tab.keyboard.press("ArrowDown")
    assert f"Annotator {done.people['person'].iloc[1]}" in shown.text("#person")
    assert shown.tab.locator("#chart circle.selected").get_attribute("data-person") == "1"
    assert shown.tab.locator("#people-table tr[tabindex='0']").count() == 1


def test_two_annotators_of_a_small_corpus_are_compared_and_levels_have_an_alpha(browser, tmp_path):
    few = audited("ordinal", trained=False, people=8)
    view = Page(browser, written(few, tmp_path)).open()
    assert [[int(one) for one in row[:3]] for row in view.cells("pairs")] == few.pairs[
        ["person", "other", "units"]
    ].to_numpy().tolist()
    assert "z of agreement with all others" in view.text("#person")
    assert "group" not in view.text("#person")
    levels = audited("multilabel", trained=False)
    view = Page(browser, written(levels, tmp_path)).open()
    alpha = {level: f"{value:.3f}" for level, value in levels.description.agreement.alpha_per_level.items()}
    shown = {level: value.replace("−.", "-0.") for level, value in view.cells("levels-table")}
    assert {level: value.replace(".", "0.", 1) if value[0] == "." else value for level, value in shown.items()} == alpha


def test_ratings_are_not_counted_as_equal():
    page = content(audited("interval", trained=False))
    names = [column["name"] for column in page["tables"]["people"]["columns"]]
    assert "distance to others" in names
    assert not {"agree with others", "mostly says", "entropy"} & set(names)
    assert "agreement" not in [column["name"] for column in page["tables"]["between"]["columns"]]
    assert "pairs of labels that agree" not in [words for _, words in page["cards"]]


def test_nobody_is_named_and_rare_values_are_withheld(done):
    text = html(done)
    assert "worker-" not in text
    assert "Rare" not in text
    assert "Woman" in text


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>alert(1)",
    "{{script}} &lt;b&gt; \u2028 ' \" \\ `${alert(1)}`",
]


def test_hostile_texts_stay_texts(browser, tmp_path):
    answers = predictions(items=8)
    answers.items.loc[:3, "text"] = HOSTILE
    region = answers.annotators["region"].replace("north", "<i>north</i>")
    answers = replace(answers, annotators=answers.annotators.assign(region=region))
    view = Page(browser, written(audit(annotated(answers), answers, permutations=9), tmp_path)).open()
    listed = [row[0] for row in view.cells("next-table")]
    assert set(HOSTILE) <= set(listed)
    assert "<i>north</i>" in [row[1] for row in view.cells("coverage")]
    read = set()
    view.tab.locator("#list").focus()
    for _ in range(view.tab.locator("#list li").count()):
        read.add(view.tab.locator("#read blockquote").text_content())
        view.tab.keyboard.press("ArrowDown")
    assert set(HOSTILE) <= read
    assert view.tab.evaluate("[document.images.length, document.scripts.length]") == [0, 2]
    assert view.errors == []
    assert view.requests == [view.address]


def test_the_policy_stops_scripts_and_requests_that_got_in(done, browser, tmp_path):
    view = Page(browser, written(done, tmp_path)).open()
    view.tab.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.intruded = true";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<img src='http://127.0.0.1:9/pixel.png'>");
        fetch("http://127.0.0.1:9/data").catch(() => { window.refused = true; });
    }""")
    view.until("window.refused")
    assert view.tab.evaluate("window.intruded") is None
    stopped = {kind for kind in ("script-src", "img-src", "connect-src") for error in view.errors if kind in error}
    assert stopped == {"script-src", "img-src", "connect-src"}


@pytest.mark.parametrize("kind", ["nominal", "interval", "multilabel"])
def test_without_a_run_and_on_other_scales_sections_that_know_nothing_are_absent(kind, browser, tmp_path):
    view = Page(browser, written(audited(kind, trained=False), tmp_path)).open()
    assert not view.visible("annotations")
    assert view.visible("groups")
    assert len(view.cells("people-table")) > 20
    assert view.errors == []


def test_dynamics_alone_draw_the_data_map(browser, tmp_path):
    made = annotated(predictions("multilabel"))
    view = Page(browser, written(audit(made, None, [recorded(made)], permutations=9), tmp_path)).open()
    assert view.text("#annotations-title") == "Training dynamics"
    assert view.tab.locator("#map circle").count() == len(made)
    assert "confidence in training" in view.text("#read")
    assert view.errors == []


def test_large_audits_show_the_most_suspicious_and_say_so():
    done = audited(items=700, people=120)
    page = content(done)
    assert len(page["points"]) == 3000
    assert sum(page["of"]["kinds"]) == 4200
    assert page["of"]["kinds"] == [int((done.told.annotations["kind"] == name).sum()) for name in page["kinds"]]
    highest = done.told.annotations["slip"].sort_values(ascending=False).head(1000)
    assert points(done)["slip"].sort_values(ascending=False).head(1000).to_numpy() == pytest.approx(highest.to_numpy())
    assert len(page["tables"]["next"]["rows"]) == 200
    assert len(html(done).encode()) < 1_500_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_has_three_themes(done, browser, tmp_path, scheme):
    view = Page(
        browser, written(done, tmp_path), viewport={"width": 390, "height": 844}, color_scheme=scheme
    ).open()  # fmt: skip
    assert view.tab.evaluate("document.documentElement.scrollWidth") == 390
    colours = []
    for _ in range(3):
        colours.append(view.tab.evaluate("getComputedStyle(document.body).backgroundColor"))
        view.tab.locator("#theme").click()
    assert view.text("#theme") == "Theme: system"
    assert colours[0] == colours[1 if scheme == "light" else 2]
    assert len(set(colours)) == 2


def test_texts_that_are_not_there_are_replaced_by_ids():
    made = annotated(predictions("nominal"))
    page = content(audit(replace(made, items=made.items[["item_id"]]), permutations=9))
    rows = pd.DataFrame(page["tables"]["next"]["rows"])
    assert rows[0].str.fullmatch(r"item i\d+").all()
