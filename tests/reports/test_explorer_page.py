"""The explorer in a browser: its numbers against Python's, controls, address, and that nothing gets in or out."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from exploring import Shown, asked_of_python, chromium, predictions, question, written

from perspectives.juries.compositions import members
from perspectives.juries.seating import Seating
from perspectives.juries.verdicts import verdicts
from perspectives.reports.explorer.build import html
from perspectives.reports.explorer.content import content, dequantised, with_nearby

browser = pytest.fixture(scope="module")(chromium)
RULES = ("majority", "supermajority 2/3", "unanimity", "at_least 3")
TIES = ("hung", "positive", "negative", "half")


@pytest.fixture(scope="module")
def page():
    made = content(predictions(), event="label>=3")
    return with_nearby(made, np.random.default_rng(0).normal(size=(16, 8)))


@pytest.fixture
def shown(page, browser, tmp_path):
    view = Shown(browser, written(page, tmp_path))
    yield view
    assert view.errors == []
    assert view.requests == [view.address]
    view.tab.close()


def address(**state) -> str:
    rule, _, number = state.pop("rule", "majority").partition(" ")
    needed = f"&needed={number}" if rule == "at_least" else ""
    return "&".join(f"{name}={value}" for name, value in state.items()) + f"&rule={rule}{needed}"


# Numbers. ----------------------------------------------------------------------------------------------------------


def test_verdicts_are_those_of_python(shown, page):
    rng = np.random.default_rng(1)
    seen, extremes = 0, []
    for by, rule, hard in itertools.product(("gender", "gender*region", "age"), RULES, (False, True)):
        item, size, tie = int(rng.integers(16)) + 1, int(rng.integers(4, 21)), TIES[seen % 4]
        event = ["label>=3", "label>=2", "label>=5"][seen % 3]
        votes = "hard" if hard else "sampled"
        shown.open(address(item=item, by=by, size=size, event=event, tie=tie, votes=votes, rule=rule))
        slider = shown.tab.locator("#pools input").first
        slider.fill(str(int(rng.integers(0, int(slider.get_attribute("max")) + 1))))
        shown.drawn()
        assert sum(shown.seats()) == size
        asked = question(page, event, rule, tie, hard)
        positive, negative, counts = asked_of_python(page, item - 1, shown.composition(), asked)
        assert (shown.chance("positive"), shown.chance("negative")) == pytest.approx((positive, negative), abs=1e-6)
        np.testing.assert_allclose(shown.bars(), counts, atol=1e-6)
        extremes.append(positive)
        seen += 1
    assert seen == 24
    assert np.ptp(extremes) > 0.5


def test_moving_a_seat_moves_the_verdict_and_population_juries_are_drawn_from_everyone(shown, page):
    shown.open("item=4&by=gender&size=9&seats=4.5")
    before = shown.chance("positive")
    shown.tab.locator("#pools input").first.focus()
    shown.tab.keyboard.press("ArrowRight")
    shown.drawn()
    assert shown.seats() == [5, 4]
    assert shown.composition() == "5 gender=Woman, 4 gender=Man"
    after, _, _ = asked_of_python(page, 3, "5 gender=Woman, 4 gender=Man", question(page, "label>=3"))
    assert shown.chance("positive") == pytest.approx(after, abs=1e-6)
    assert abs(after - before) > 0.01
    shown.tab.get_by_role("button", name="population").click()
    shown.drawn()
    everyone, _, _ = asked_of_python(page, 3, "9 population", question(page, "label>=3"))
    assert shown.chance("positive") == pytest.approx(everyone, abs=1e-6)
    assert abs(everyone - after) > 1e-4


@pytest.mark.parametrize(("kind", "event"), [("interval", "label>=0.5"), ("multilabel", "label=b"), ("nominal", None)])
def test_other_scales_vote_as_in_python(kind, event, browser, tmp_path):
    made = content(predictions(kind), event=event)
    view = Shown(browser, written(made, tmp_path)).open("item=2&by=gender*region")
    for hard in ("sampled", "hard"):
        view.tab.select_option("#votes", hard)
        view.drawn()
        asked = question(made, view.tab.locator("#event option:checked").inner_text(), hard=hard == "hard")
        positive, negative, counts = asked_of_python(made, 1, view.composition(), asked)
        assert view.chance("positive") == pytest.approx(positive, abs=1e-6)
        assert view.chance("negative") == pytest.approx(negative, abs=1e-6)
        np.testing.assert_allclose(view.bars(), counts, atol=1e-6)
    view.tab.locator(".seat").first.click()
    view.drawn()
    assert "held-out label" in view.text("#sheet")
    assert view.errors == []


def test_shares_of_flipped_items_are_those_of_python(shown, page):
    shown.open("by=gender&seats=0.11&size=11").rested()
    answers = dequantised(page.answers, page.scale)
    men = members("gender=Man", page.annotators)
    asked = question(page, "label>=3")
    one = verdicts(answers, Seating(men[None], np.array([[11]]), np.ones(1), np.zeros(1, int)), asked).outcome
    everyone = Seating(np.ones((1, 62), bool), np.array([[11]]), np.ones(1), np.zeros(1, int))
    flipped = (one != verdicts(answers, everyone, asked).outcome).mean()
    cells = shown.tab.locator("#flips tbody tr").first.locator("td").all_inner_texts()
    assert 0 < flipped < 1
    assert float(cells[0].removesuffix(" %")) == pytest.approx(100 * flipped, abs=0.5)
    shown.until("document.getElementById('chance').textContent.includes('99 shuffles')")
    assert re.search(r"flip [\d.]+ % \(largest [\d.]+ %, 99 shuffles\): p", shown.text("#chance"))


def test_rates_of_pools_are_those_of_the_labels_and_their_predictions(shown, page):
    shown.open("by=gender&event=label>%3D4")
    said = {name: page.arrays[name].astype(int) for name in ("said_item", "said_by", "said")}
    chance = dequantised(page.answers, page.scale)[..., 3:].sum(-1)[said["said_item"], said["said_by"]]
    lines = shown.tab.locator("#rates title").all_text_contents()
    for line, gender in zip(lines, ("Woman", "Man"), strict=True):
        rows = (page.annotators["gender"] == gender).to_numpy()[said["said_by"]]
        predicted, observed = (
            f"{rate:.2f}".lstrip("0") for rate in (chance[rows].mean(), (said["said"][rows] >= 3).mean())
        )
        assert line == f"{gender}: predicted {predicted}, observed {observed}, {rows.sum()} annotations"


def test_the_search_for_other_verdicts_finds_what_brute_force_finds(shown, page):
    answers = dequantised(page.answers, page.scale)
    offered = {one["name"]: one["pools"] for one in page.header["attributes"]}
    names = [f"{gender} & {region}" for gender in offered["gender"] for region in offered["region"]]
    pools = np.stack([members(name, page.annotators) for name in names])
    assert pools.sum(1).min() >= 5
    compositions = np.array([c for c in itertools.product(range(6), repeat=6) if sum(c) == 5])
    every = Seating(pools, compositions, np.ones(len(compositions)), np.arange(len(compositions)))
    kinds = set()
    cases = [("majority", (0, 0, 0, 3, 1, 1)), ("supermajority 2/3", (2, 2, 1, 0, 0, 0))]
    for item, (rule, start) in itertools.product(range(16), cases):
        outcome = verdicts(answers[[item]], every, question(page, "label>=3", rule)).outcome[0].astype(int)
        now = outcome[(compositions == start).all(1)][0]
        distance = np.abs(compositions - start).sum(1) // 2
        other = distance[outcome != now].min(initial=99)
        opposite = distance[outcome == -now].min(initial=99) if now else 99
        seats = ".".join(map(str, start))
        shown.open(address(item=item + 1, by="gender*region", seats=seats, rule=rule.removesuffix(" 2/3"))).rested()
        lines = shown.tab.locator("#changes .change")
        found = [int(line.get_attribute("data-moves")) for line in lines.all()]
        assert found == sorted({moves for moves in (other, opposite) if moves < 99})
        for line in lines.all():
            seats = [int(number) for number in line.get_attribute("data-seats").split(".")]
            assert np.abs(np.array(seats) - start).sum() // 2 == int(line.get_attribute("data-moves"))
            assert outcome[(compositions == seats).all(1)][0] != now
        certified = f"All {len(compositions)} compositions were tried" in shown.text("#changes")
        assert certified == (other == 99 or (now != 0 and opposite == 99))
        kinds.add((other < 99, opposite < 99))
    assert kinds == {(False, False), (True, False), (True, True)}


def test_a_found_composition_is_applied(shown, page):
    for item in range(1, 17):
        shown.open(f"item={item}&by=age&seats=9.0.0.0&event=label>%3D4").rested()
        if shown.tab.get_by_role("button", name="Apply").count():
            break
    before = shown.text("#answer strong")
    wanted = shown.tab.locator("#changes .change").first.get_attribute("data-seats")
    shown.tab.get_by_role("button", name="Apply").first.click()
    shown.drawn()
    assert ".".join(map(str, shown.seats())) == wanted
    assert shown.text("#answer strong") != before


# Controls. ---------------------------------------------------------------------------------------------------------


def test_the_total_is_locked_and_going_back_restores_the_others(shown):
    shown.open("by=age&seats=2.5.3.2")
    slider = shown.tab.locator("#pools input").nth(1)
    slider.focus()
    for _ in range(4):
        shown.tab.keyboard.press("ArrowRight")
    shown.drawn()
    assert shown.seats()[1] == 9
    assert sum(shown.seats()) == 12
    for _ in range(4):
        shown.tab.keyboard.press("ArrowLeft")
    shown.drawn()
    assert shown.seats() == [2, 5, 3, 2]
    shown.tab.get_by_role("button", name="balanced").click()
    shown.drawn()
    assert shown.seats() == [3, 3, 3, 3]
    shown.tab.locator("#size").fill("6")
    shown.tab.keyboard.press("Tab")
    shown.drawn()
    assert sum(shown.seats()) == 6


def test_no_pool_gets_more_seats_than_people_and_small_ones_are_pointed_out(shown, page):
    shown.open("by=gender*region&size=20")
    slider = shown.tab.locator("#pools input").last
    people = int(re.search(r"(\d+) people", shown.tab.locator("#pools label").last.inner_text())[1])
    assert people < 20
    slider.fill(slider.get_attribute("max"))
    shown.drawn()
    assert shown.seats()[-1] == people
    assert f"rests on {people} people" in shown.text("#warnings")
    assert "Everybody of" in shown.text("#warnings")
    assert "in no pool: unknown, or of a value fewer than 5 people share" in shown.text("#warnings")


def test_the_list_is_operated_by_keys(shown):
    shown.open("item=3").rested()
    order = shown.tab.locator("#list li").evaluate_all("all => all.map(one => Number(one.dataset.item))")
    shown.tab.locator("#list").focus()
    for key, place in (("Home", 0), ("ArrowDown", 1), ("PageDown", 9), ("ArrowUp", 8), ("End", 15), ("ArrowDown", 15)):
        shown.tab.keyboard.press(key)
        shown.drawn()
        selected = shown.tab.locator("#list li[aria-selected=true]")
        assert int(selected.get_attribute("data-item")) == order[place]
        assert shown.tab.locator("#list").get_attribute("aria-activedescendant") == f"item-{order[place]}"
        assert shown.text("#text").startswith(f"Item {order[place] + 1} ")
    shown.rested()
    assert shown.tab.locator("#live").text_content().startswith(f"Item {order[-1] + 1}: ")


def test_items_are_sorted_by_disagreement_with_people_and_filtered(shown, page):
    shown.open("by=gender&seats=6.6").rested()
    order = shown.tab.locator("#list li").evaluate_all("all => all.map(one => Number(one.dataset.item))")
    positive = [
        asked_of_python(page, item, "6 gender=Woman, 6 gender=Man", question(page, "label>=3"))[0] for item in range(16)
    ]
    votes = np.zeros((2, 16))
    for item, label in zip(page.arrays["said_item"], page.arrays["said"], strict=True):
        votes[int(label >= 2), item] += 1
    majority = (np.sign(votes[1] - votes[0]) + 1) / 2
    away = np.abs(positive - majority)[order]
    assert (np.diff(away) <= 1e-9).all()
    assert np.ptp(away) > 0.2
    shown.tab.locator("#query").fill("remark 1")
    shown.rested()
    expected = sorted(n for n in range(16) if page.header["items"][n]["text"].startswith("remark 1"))
    listed = shown.tab.locator("#list li").evaluate_all("all => all.map(one => Number(one.dataset.item))")
    assert sorted(listed) == expected
    assert shown.text("#items-count") == f"{len(expected)} of 16 items"


def test_a_jurors_sheet_opens_by_key_and_closes_by_escape(shown, page):
    shown.open("item=2&by=gender")
    shown.tab.locator(".seat").nth(3).focus()
    who = int(shown.tab.locator(".seat").nth(3).get_attribute("data-juror"))
    shown.tab.keyboard.press("Enter")
    shown.drawn()
    assert shown.tab.evaluate("document.activeElement.id") == "sheet"
    sheet = shown.text("#sheet")
    assert f"Annotator {who + 1}" in sheet
    shares = dequantised(page.answers[1, who], page.scale)
    drawn = shown.tab.locator("#sheet .levels .value").all_inner_texts()
    np.testing.assert_allclose([float(share) for share in drawn], shares, atol=0.0051)
    count = int(page.arrays["labelled"][who])
    assert f"of {count} held-out label" in sheet or "No held-out label" in sheet
    shown.tab.keyboard.press("Escape")
    shown.drawn()
    assert shown.tab.locator("#sheet").is_hidden()
    assert int(shown.tab.evaluate("document.activeElement.dataset.juror")) == who


def test_a_draw_seats_the_composition_and_another_draw_others(shown, page):
    shown.open("item=1&by=gender&seats=4.3")
    drawn = []
    for _ in range(2):
        jurors = shown.tab.locator(".seat").evaluate_all("all => all.map(one => Number(one.dataset.juror))")
        assert len(set(jurors)) == 7
        assert (page.annotators["gender"][jurors] == ["Woman"] * 4 + ["Man"] * 3).all()
        drawn.append(jurors)
        shown.tab.locator("#reshuffle").click()
        shown.drawn()
    assert drawn[0] != drawn[1]
    assert shown.tab.evaluate("document.activeElement.id") == "reshuffle"


# The address. ------------------------------------------------------------------------------------------------------


def test_a_view_is_shared_by_its_address(shown, page, browser, tmp_path):
    shown.open("item=5")
    shown.tab.select_option("#by", "gender*region")
    shown.tab.select_option("#rule", "at_least")
    shown.drawn()
    shown.tab.locator("#needed").fill("4")
    shown.tab.select_option("#votes", "hard")
    shown.tab.select_option("#tie", "half")
    shown.tab.select_option("#event", label="label>=2")
    shown.tab.select_option("#sort", "split")
    shown.tab.locator("#query").fill("tea")
    shown.tab.locator("#pools input").first.fill("5")
    shown.tab.locator("#reshuffle").click()
    shown.tab.locator("#theme").click()
    shown.rested()
    other = Shown(browser, shown.address).open(shown.tab.evaluate("location.hash.slice(1)")).rested()
    for selector in ("#text", "#answer", "#distribution", "#box", "#changes", "#items-count", "#composition", "#theme"):
        assert other.text(selector) == shown.text(selector)
    assert other.tab.evaluate("location.hash") == shown.tab.evaluate("location.hash")
    assert other.tab.locator("#sort").input_value() == "split"
    assert "rule=at_least&needed=4" in other.tab.url
    assert other.tab.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.parametrize(
    "wrong",
    [
        "item=999&draw=-1&size=400&juror=0",
        "item=1&by=nothing&rule=__proto__&tie=constructor&event=label>9",
        "item=1&by=gender&seats=3.3.3&votes=maybe&theme=pink",
        "item=1&seats=99.1&sort=toString&needed=1e3&%E0%A4%A",
    ],
)
def test_wrong_addresses_are_ignored(shown, wrong):
    shown.open("item=1")
    expected = shown.text("#answer"), shown.text("#composition"), shown.text("#box")
    shown.open(wrong)
    assert (shown.text("#answer"), shown.text("#composition"), shown.text("#box")) == expected


# Nothing gets in, nothing gets out. --------------------------------------------------------------------------------

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>alert(1)",
    "{{script}} &lt;b&gt; \u2028 ' \" \\ `${alert(1)}`",
]


def test_hostile_texts_stay_texts(browser, tmp_path):
    made = predictions()
    items = made.items.copy()
    items.loc[:3, "text"] = HOSTILE
    items["item_id"] = items["item_id"].where(items.index != 2, "<b>i2</b>")
    pairs = made.pairs.assign(item_id=made.pairs["item_id"].replace("i2", "<b>i2</b>"))
    region = made.annotators["region"].replace("north", "<i>north</i>")
    annotators = made.annotators.assign(region=region)
    page = content(replace(made, items=items, pairs=pairs, annotators=annotators), event="label>=3")
    page = with_nearby(page, np.random.default_rng(0).normal(size=(16, 8)))
    view = Shown(browser, written(page, tmp_path)).open()
    texts = [item["text"] for item in page.header["items"]]
    for text in HOSTILE:
        view.open(f"item={texts.index(text) + 1}&by=region&juror=1")
        assert view.tab.locator("#text blockquote").text_content() == text
    assert view.tab.locator("#pools label").first.text_content().startswith(
        "<i>north</i>"
    ) or "<i>north</i>" in view.text("#pools")
    assert view.tab.evaluate("[document.images.length, document.scripts.length]") == [0, 2]
    assert view.errors == []
    assert view.requests == [view.address]


def test_the_policy_stops_scripts_and_requests_that_got_in(page, browser, tmp_path):
    view = Shown(browser, written(page, tmp_path)).open()
    view.tab.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.intruded = true";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<img src='http://127.0.0.1:9/pixel.png'>");
        fetch("http://127.0.0.1:9/data").catch(() => { window.refused = true; });
    }""")
    view.until("window.refused")
    assert view.tab.evaluate("window.intruded") is None
    assert all("Content Security Policy" in error for error in view.errors)
    stopped = {kind for kind in ("script-src", "img-src", "connect-src") for error in view.errors if kind in error}
    assert stopped == {"script-src", "img-src", "connect-src"}


def test_nobody_is_named_and_rare_values_are_withheld(page, browser, tmp_path):
    text = html(page)
    assert "worker-" not in text
    assert "Rare" not in text
    rare = page.annotators.index[page.annotators["gender"] == "Rare"][0]
    view = Shown(browser, written(page, tmp_path)).open(f"juror={rare + 1}")
    assert "withheld (fewer than 5 people)" in view.text("#sheet dl")
    assert view.tab.locator("#pools label").evaluate_all("all => all.map(one => one.firstChild.textContent)") == [
        "Woman",
        "Man",
    ]


# Sizes. ------------------------------------------------------------------------------------------------------------


def test_few_people_are_shown_one_by_one(browser, tmp_path):
    made = content(predictions("nominal", people=6))
    view = Shown(browser, written(made, tmp_path)).open("item=3").rested()
    assert view.seats() == [1, 1, 1, 0, 0, 0]
    answers = dequantised(made.answers[[2]], made.scale)
    seating = Seating(np.eye(6, dtype=bool), np.array([[1, 1, 1, 0, 0, 0]]), np.ones(1), np.zeros(1, int))
    expected = verdicts(answers, seating, question(made, "label=rude")).positive[0, 0]
    assert view.chance("positive") == pytest.approx(expected, abs=1e-6)
    assert "each stands for themselves, and nothing here speaks of groups" in view.text("#warnings")
    assert "Woman" not in html(made)


def test_a_large_page_is_small_and_quick(browser, tmp_path):
    rng = np.random.default_rng(0)
    made = predictions(items=500, people=300, raters=9)
    made.items["text"] = [" ".join(rng.choice(["tea", "rain", "garden", "music"], 30)) for _ in range(500)]
    page = content(made, event="label>=3")
    assert page.answers.shape == (500, 300, 5)
    assert len(html(page).encode()) < 2_000_000
    view = Shown(browser, written(page, tmp_path)).open()
    assert float(view.tab.evaluate("document.documentElement.dataset.ready")) < 4000  # 2 s on a machine that is free


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(page, browser, tmp_path, scheme):
    view = Shown(browser, written(page, tmp_path), viewport={"width": 390, "height": 844}, color_scheme=scheme)
    view.open("by=gender*age&juror=1").rested()
    assert view.tab.evaluate("document.documentElement.scrollWidth") == 390
    red, *_ = map(int, re.findall(r"\d+", view.tab.evaluate("getComputedStyle(document.body).backgroundColor")))
    assert (red < 128) == (scheme == "dark")
