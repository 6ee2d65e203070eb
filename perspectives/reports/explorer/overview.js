// All items together: the jury against the population jury, flips beside what chance does, rates by pool.

const POINTS = 220;
const points = Array.from(
  { length: itemCount },
  (_, item) => s("circle", { r: 3.2, onclick: () => selectItem(item) }, s("title", {}, `Item ${item + 1}`)),
);
let shuffling = null; // the shuffles going on, or null
let byChance = []; // shares of items flipped by shuffled pools

function setUpOverview() {
  const place = (share) => 34 + share * POINTS;
  const text = (x, y, words, extra = {}) => s("text", { x, y, ...extra }, words);
  const half = place(0.5);
  show(
    "scatter",
    s(
      "svg",
      {
        viewBox: `0 0 ${POINTS + 48} ${POINTS + 48}`,
        role: "img",
        "aria-label": "P(positive) of your jury against the population jury, a dot per item",
      },
      s("rect", { class: "frame", x: 34, y: 8, width: POINTS, height: POINTS }),
      s("line", { class: "grid", x1: 34, y1: 8 + POINTS, x2: 34 + POINTS, y2: 8 }),
      s("line", { class: "grid", x1: half, x2: half, y1: 8, y2: 8 + POINTS }),
      s("line", { class: "grid", x1: 34, x2: 34 + POINTS, y1: 8 + POINTS / 2, y2: 8 + POINTS / 2 }),
      s("g", { class: "points" }, points),
      [0, 0.5, 1].flatMap((
        share,
      ) => [
        text(place(share), POINTS + 22, decimal(share)),
        text(28, 12 + POINTS * (1 - share), decimal(share), { class: "end" }),
      ]),
      text(half, POINTS + 40, "population jury"),
      text(10, 8 + POINTS / 2, "your jury", { transform: `rotate(-90 10 ${8 + POINTS / 2})` }),
    ),
    h(
      "figcaption",
      {},
      "P(positive) of every item. Coloured: your jury’s verdict is another one than the population jury’s. Click a ",
      "dot to select its item.",
    ),
  );
}

function drawOverview() {
  points.forEach((point, item) => {
    const { mine, population } = results;
    point.setAttribute("cx", 34 + population[item].positive * POINTS);
    point.setAttribute("cy", 8 + (1 - mine[item].positive) * POINTS);
    const flipped = mine[item].outcome !== population[item].outcome;
    point.setAttribute(
      "class",
      `${flipped ? side(mine[item].outcome) : "same"}${item === state.item ? " selected" : ""}`,
    );
  });
  points[state.item]?.parentNode.append(points[state.item]);
  drawFlips();
  drawRates();
}

function drawFlips() {
  const { mine, population, said } = results;
  const items = mine.map((_, item) => item);
  const judged = items.filter((item) => said[item].majority);
  const row = (name, among, other) => {
    const flipped = among.filter((item) => mine[item].outcome !== other(item));
    const opposite = flipped.filter((item) => mine[item].outcome === -other(item));
    const share = (part) => (among.length ? percent(part.length / among.length) : "–");
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      h("td", {}, share(flipped)),
      h("td", {}, share(opposite)),
      h("td", {}, thousands(among.length)),
    );
  };
  show(
    "flips",
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["Your jury’s verdict is not that of", "items", "opposite", "of"].map((name) =>
            h("th", { scope: "col" }, name)
          ),
        ),
      ),
      h(
        "tbody",
        {},
        row("the population jury", items, (item) => population[item].outcome),
        row("the human majority", judged, (item) => said[item].majority),
      ),
    ),
    h("p", { id: "chance", class: "small" }, chanceText()),
    h(
      "figcaption",
      {},
      "Against the population jury: the effect of the composition alone. Against people: composition and the model’s ",
      "errors together.",
    ),
  );
}

function chanceText() {
  if (state.seats === null) return "";
  if (!byChance.length) return "Pools of the same sizes, filled at random: counting …";
  const sorted = [...byChance].sort((a, b) => a - b);
  const mean = sorted.reduce((a, b) => a + b, 0) / sorted.length;
  const real = flippedShare();
  const p = (1 + sorted.filter((share) => share >= real - ROUNDING).length) / (1 + sorted.length);
  return `Pools of the same sizes, filled at random, flip ${percent(mean)} (largest ${
    percent(sorted.at(-1))
  }, ${sorted.length} shuffles): ` +
    `p ${p < 0.015 ? "≤ .01" : `= ${decimal(p)}`} for ${percent(real)}.`;
}

function flippedShare() {
  return results.mine.filter((verdict, item) => verdict.outcome !== results.population[item].outcome).length /
    itemCount;
}

// In the background, a shuffle at a time.
function startShuffles() {
  clearTimeout(shuffling);
  byChance = [];
  if (state.seats === null || page.named) return show("chance");
  const shuffles = shuffledFlips(chosenJury(), results.population, shares(question(), state.size));
  const step = () => {
    const until = performance.now() + 12;
    let { value, done } = shuffles.next();
    while (!done && performance.now() < until) ({ value, done } = shuffles.next());
    if (done) {
      byChance = value;
      show("chance", chanceText());
    }
    shuffling = done ? null : setTimeout(step, 4);
  };
  shuffling = setTimeout(step);
  return undefined;
}

// Predicted and observed positive rate of each pool, on the same annotations.
function drawRates() {
  const shownFor = `${state.by} ${questionKey()}`;
  if (byId("rates").dataset.of === shownFor) return;
  byId("rates").dataset.of = shownFor;
  const event = page.events[state.event];
  const groups = state.by && !page.named ? pools() : page.named ? pools() : everyone;
  const poolOf = new Map(groups.flatMap(({ members }, place) => members.map((who) => [who, place])));
  const rates = groups.map(({ name }) => ({ name, count: 0, predicted: 0, observed: 0 }));
  for (const { item, by, label } of annotations) {
    const place = poolOf.get(by);
    if (place === undefined) continue;
    rates[place].count++;
    rates[place].predicted += votes(item)[by];
    rates[place].observed += Boolean(happened(label, event));
  }
  const high = 30, left = 150, wide = 150;
  const x = (total, { count }) => left + (wide * total) / count;
  const drawnRates = rates.filter((rate) => rate.count);
  show(
    "rates",
    s(
      "svg",
      {
        viewBox: `0 0 ${left + wide + 60} ${high * drawnRates.length + 26}`,
        role: "img",
        "aria-label": "Predicted and observed positive rate of each pool",
      },
      drawnRates.map((rate, row) => {
        const y = high * row + 15;
        const words = `${rate.name}: predicted ${decimal(rate.predicted / rate.count)}, observed ${
          decimal(rate.observed / rate.count)
        }, ${plural(rate.count, "annotation")}`;
        return s(
          "g",
          {},
          s("title", {}, words),
          s("text", { x: left - 12, y: y + 4, class: "end" }, shortened(rate.name, 24)),
          s("line", { class: "grid", x1: left, x2: left + wide, y1: y, y2: y }),
          s("line", { class: "gap", x1: x(rate.predicted, rate), x2: x(rate.observed, rate), y1: y, y2: y }),
          s("circle", { class: "predicted", cx: x(rate.predicted, rate), cy: y, r: 4.5 }),
          s("circle", { class: "observed", cx: x(rate.observed, rate), cy: y, r: 4.5 }),
          s("text", { x: left + wide + 12, y: y + 4, class: "start" }, `n ${thousands(rate.count)}`),
        );
      }),
      [0, 0.5, 1].map((share) =>
        s("text", { x: left + wide * share, y: high * drawnRates.length + 16 }, decimal(share))
      ),
    ),
    h(
      "figcaption",
      {},
      `Rate of ${event.text} by pool, on the labels these people gave to the items here: `,
      h("span", { class: "key predicted" }, "predicted"),
      h("span", { class: "key observed" }, "observed"),
    ),
  );
}
