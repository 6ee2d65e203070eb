// Everything in its place: a change of the state redraws the page once per frame; slow things follow when it rests.

let results = null; // verdicts on all items: {mine, population, said}
let frame = 0;
let resting = 0;
let focusNext = null; // what gets the focus when it has been drawn

// Change the state; `focus` selects what gets the focus in the new page.
function update(changes, focus = null) {
  if (changes.size !== undefined && changes.seats === undefined) changes = { ...changes, seats: resized(changes.size) };
  Object.assign(state, changes);
  focusNext = focus ?? focusNext;
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(drawNow);
}

function drawNow() {
  const event = page.events[state.event];
  results = {
    mine: verdictsOf(chosenJury()),
    population: cached(`population ${JSON.stringify(question())} ${state.size} ${questionKey()}`, () => {
      return verdictsOf(populationJury());
    }),
    said: cached(`said ${state.event}`, () => Array.from({ length: itemCount }, (_, item) => peopleSaid(item, event))),
  };
  document.documentElement.dataset.theme = state.theme;
  show("theme", `Theme: ${state.theme}`);
  drawFilters();
  drawItems();
  drawSeats();
  drawVerdict();
  drawBox();
  drawSheet();
  drawNear();
  drawOverview();
  if (focusNext) document.querySelector(focusNext)?.focus();
  focusNext = null;
  clearTimeout(resting);
  resting = setTimeout(rest, shown.length ? 180 : 0);
}

let searchedFor = "";
let shuffledFor = "";

function rest() {
  sortItems();
  history.replaceState(null, "", toAddress());
  const jury = `${state.by} ${state.seats} ${state.size} ${questionKey()} ${state.rule} ${state.needed} ${state.tie}`;
  if (searchedFor !== `${jury} ${state.item}` || state.item === TYPED) startSearch();
  if (shuffledFor !== jury) startShuffles();
  [searchedFor, shuffledFor] = [`${jury} ${state.item}`, jury];
  const { positive, outcome } = verdictOn(state.item, chosenJury());
  show(
    "live",
    `${state.item === TYPED ? "Your text" : `Item ${state.item + 1}`}: ${
      verdictWord({ outcome })
    }, probability of positive ${decimal(positive)}`,
  );
}

function drawAbout() {
  const { data, method, seeds, folds, encoder } = page.about;
  const spread = [seeds > 1 && plural(seeds, "seed"), folds > 1 && plural(folds, "fold")].filter(Boolean).join(", ");
  const title = [data, method, spread].filter(Boolean).join(" · ");
  document.title = `Jury explorer: ${data ?? ""}`;
  show(
    "subtitle",
    title,
    ` · ${plural(itemCount, "item")}${page.of > itemCount ? ` of ${thousands(page.of)}` : ""} · ${
      plural(people, "person", "people")
    }`,
    page.eligible ? ` (${page.eligible})` : "",
  );
  show(
    "about",
    h("h2", {}, "How to read this page"),
    page.notes.map((note) => h("p", { class: "note" }, note)),
    h(
      "p",
      {},
      "Jurors are drawn from their pools at random, nobody twice. Each votes as the model predicts of that person; ",
      "the distribution of votes is computed exactly, not simulated. A verdict is the outcome with probability above ½.",
    ),
    h(
      "p",
      {},
      `Predictions are stored in steps of 1/255: P(positive) of a population jury of ${page.size} differs from that `,
      `of the unrounded predictions by at most ${page.rounding.toPrecision(1)}. `,
      "Annotators are numbered; attribute values that fewer than 5 people share are withheld.",
    ),
    encoder
      ? h(
        "p",
        { class: "small" },
        `Texts were read by ${encoder}${
          arrays.near ? "; nearby items are the closest of its content vectors by cosine" : ""
        }. The page holds texts and labels of the corpus: pass it on only where the corpus may be passed on.`,
      )
      : null,
  );
}

function start() {
  Object.assign(state, fromAddress(location.hash));
  setUpItems();
  setUpSeats();
  setUpOverview();
  setUpTyped();
  drawAbout();
  byId("theme").addEventListener(
    "click",
    () => update({ theme: THEMES[(THEMES.indexOf(state.theme) + 1) % THEMES.length] }),
  );
  byId("sheet").addEventListener("keydown", (event) => event.key === "Escape" && closeSheet());
  addEventListener("hashchange", () => update(fromAddress(location.hash)));
  drawNow();
  sortItems();
  if (!new URLSearchParams(location.hash.slice(1)).has("item")) selectItem(shown[0] ?? 0);
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

start();
