// Annotations: a map of them, a list, and the selected one to read.

const SIZE = 320;
const MOST_LISTED = 400;
const VIEWS = {
  told: {
    name: "Slip or perspective",
    x: "consensus",
    y: "meant",
    across: "how expected the label is of anybody (consensus)",
    up: "how expected it is of this person (meant)",
    wide: 1,
  },
  map: {
    name: "Data map",
    x: "variability",
    y: "confidence",
    across: "variability over epochs",
    up: "confidence: mean probability of the label",
    wide: 0.5,
  },
};
const count = arrays.kind.length;
const views = Object.keys(VIEWS).filter((view) => arrays[VIEWS[view].x].some((value) => !Number.isNaN(value)));
const ORDERS = page.told
  ? { slip: "most suspicious first", loss: "highest loss first" }
  : { confidence: "least confident first", loss: "highest loss first" };
if (arrays.self_influence.some((value) => !Number.isNaN(value))) ORDERS.self_influence = "highest self-influence first";
const chosen = { view: views[0], kind: null, place: 0, query: "", order: Object.keys(ORDERS)[0] };
const everything = page.of.kinds.reduce((sum, all) => sum + all, 0);
let listed = []; // annotations in the order of the list
let marks = [];

const personOf = (place) => (arrays.person[place] ? `Annotator ${arrays.person[place]}` : "The item’s one label");
const textOf = (place) => page.texts[arrays.text[place]];

function drawViews() {
  const chip = (name, pressed, onclick) =>
    h("button", { type: "button", class: "chip", "aria-pressed": String(pressed), onclick }, name);
  show(
    "views",
    views.length > 1
      ? views.map((view) => chip(VIEWS[view].name, chosen.view === view, () => choose({ view })))
      : null,
    chip("all", chosen.kind === null, () => choose({ kind: null })),
    page.kinds.map((kind, code) =>
      chip(`${kind} ${numberOf(code)}`, chosen.kind === code, () => choose({ kind: code }))
    ),
  );
}

// How many there are, and how many of them are on this page.
function numberOf(code) {
  const here = arrays.kind.filter((kind) => kind === code).length;
  const all = page.of.kinds[code];
  return here < all ? `${thousands(here)} of ${thousands(all)}` : thousands(all);
}

function drawMap() {
  const { x, y, across, up, wide } = VIEWS[chosen.view];
  const right = (value) => 44 + (value / wide) * SIZE;
  const high = (value) => 10 + (1 - value) * SIZE;
  marks = Array.from({ length: count }, (_, place) => {
    const here = !Number.isNaN(arrays[x][place]) && (chosen.kind === null || arrays.kind[place] === chosen.kind);
    return here
      ? s("circle", {
        r: 3,
        cx: right(arrays[x][place]),
        cy: high(arrays[y][place]),
        class: classOf(place),
        "data-place": place,
        onclick: () => choose({ place }, true),
      })
      : null;
  });
  const text = (left, top, words, extra = {}) => s("text", { x: left, y: top, ...extra }, words);
  show(
    "map",
    s(
      "svg",
      { class: "plot", viewBox: `0 0 ${SIZE + 60} ${SIZE + 52}`, role: "img", "aria-label": `${up} against ${across}` },
      s("rect", { class: "frame", x: 44, y: 10, width: SIZE, height: SIZE }),
      [0, 0.5, 1].flatMap((share) => [
        text(right(share * wide), SIZE + 26, decimal(share * wide)),
        text(38, high(share) + 4, decimal(share), { class: "end" }),
      ]),
      text(44 + SIZE / 2, SIZE + 44, across),
      text(12, 10 + SIZE / 2, up, { transform: `rotate(-90 12 ${10 + SIZE / 2})` }),
      s("g", { class: "marks" }, present(marks)),
    ),
    h(
      "figcaption",
      {},
      page.kinds.map((kind, code) => h("span", { class: `key ${KIND_CLASS[code]}` }, kind)),
      `${thousands(count)} of ${plural(everything, "annotation")}`,
      count < everything ? ": the most suspicious, the highest losses, and a sample of the others. " : ". ",
      "Click a dot, or walk through the list with the arrow keys.",
    ),
  );
}

const KIND_CLASS = page.told ? page.kinds : ["agreed", "slip"]; // see page.css
const classOf = (place) => `${KIND_CLASS[arrays.kind[place]]}${place === chosen.place ? " selected" : ""}`;

// The most suspicious first; of perspectives, those least like what others say.
function orderOf() {
  const query = chosen.query.trim().toLowerCase();
  const fits = (place) =>
    (chosen.kind === null || arrays.kind[place] === chosen.kind) && textOf(place).toLowerCase().includes(query);
  const apart = chosen.order === "slip" && page.kinds[chosen.kind] === "perspective";
  const key = apart ? "consensus" : chosen.order;
  const sign = ["slip", "loss", "self_influence"].includes(key) ? -1 : 1;
  const valued = (place) => (Number.isNaN(arrays[key][place]) ? -Infinity : arrays[key][place]);
  return Array.from({ length: count }, (_, place) => place).filter(fits)
    .sort((a, b) => sign * (valued(a) - valued(b)) || a - b);
}

function drawList() {
  const all = orderOf();
  listed = all.slice(0, MOST_LISTED);
  show(
    "list",
    listed.map((place) =>
      h(
        "li",
        { role: "option", id: `annotation-${place}`, onclick: () => choose({ place }) },
        shortened(textOf(place), 120),
        h("div", { class: "small" }, `${page.kinds[arrays.kind[place]]} · ${personOf(place)} said ${page.points[place]}`),
      )
    ),
  );
  show("found", all.length > listed.length ? `first ${listed.length} of ${thousands(all.length)}` : plural(all.length, "annotation"));
}

function drawRead() {
  const place = chosen.place;
  for (const mark of present(marks)) mark.setAttribute("class", classOf(Number(mark.dataset.place)));
  present(marks).find((mark) => Number(mark.dataset.place) === place)?.parentNode.append(marks[place]);
  for (const line of byId("list").children) {
    line.setAttribute("aria-selected", String(line.id === `annotation-${place}`));
  }
  byId("list").setAttribute("aria-activedescendant", listed.includes(place) ? `annotation-${place}` : "");
  const value = (name, words) =>
    Number.isNaN(arrays[name][place]) ? null : h("span", {}, `${words} ${decimal(arrays[name][place], 3)}`);
  show(
    "read",
    h("blockquote", {}, textOf(place)),
    h(
      "p",
      {},
      `${personOf(place)} said `,
      h("strong", {}, page.points[place]),
      expectedOf(place),
      `: ${page.kinds[arrays.kind[place]]}. `,
      votesOn(place),
    ),
    h(
      "p",
      { class: "row small" },
      value("slip", "probability of a slip"),
      value("meant", "expected of this person"),
      value("consensus", "expected of anybody"),
      value("loss", page.told ? "loss" : "loss in training"),
      Number.isNaN(arrays.self_influence[place])
        ? null
        : h("span", {}, `self-influence ${arrays.self_influence[place].toPrecision(2)}`),
      value("confidence", "confidence in training"),
      value("variability", "variability"),
    ),
  );
}

// Whose words the label is, and what was likeliest.
const SOURCES = { anybody: "anybody", person: "them", group: "a group of theirs", meant: "them, knowing the others’ labels" };

function expectedOf(place) {
  if (!page.expected.length) return "";
  const [anybody, person, sources] = page.expected[place];
  const said = sources ? sources.split(", ").map((source) => SOURCES[source]).join("; ") : "nobody";
  return ` (expected of ${said}); likeliest was ${anybody} of anybody, ${person} of them`;
}

function votesOn(place) {
  const width = page.levels.length;
  if (!width) return "";
  const votes = arrays.votes.subarray(arrays.text[place] * width, (arrays.text[place] + 1) * width);
  const said = Array.from(votes, (number, level) => (number ? `${page.levels[level]} × ${number}` : null));
  return `All labels of the item: ${said.filter(Boolean).join(", ") || "none"}.`;
}

function choose(changes, reveal = false) {
  Object.assign(chosen, changes);
  if ("view" in changes || "kind" in changes) {
    drawViews();
    drawMap();
  }
  if ("kind" in changes || "query" in changes || "order" in changes) {
    drawList();
    if (("order" in changes || !listed.includes(chosen.place)) && listed.length) chosen.place = listed[0];
  }
  drawRead();
  if (reveal) revealLine();
}

function revealLine() {
  const list = byId("list");
  const line = byId(`annotation-${chosen.place}`);
  if (!line) return;
  if (line.offsetTop < list.scrollTop) list.scrollTop = line.offsetTop;
  const below = line.offsetTop + line.offsetHeight - list.clientHeight;
  if (below > list.scrollTop) list.scrollTop = below;
}

function onListKey(event) {
  const place = listed.indexOf(chosen.place);
  const goals = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + 8, PageUp: place - 8, Home: 0, End: Infinity };
  if (goals[event.key] === undefined || !listed.length) return;
  event.preventDefault();
  choose({ place: listed[Math.max(0, Math.min(listed.length - 1, goals[event.key]))] }, true);
}

function setUpAnnotations() {
  if (!count) return;
  byId("annotations").hidden = false;
  if (!page.told) byId("annotations-title").textContent = "Training dynamics";
  byId("query").addEventListener("input", (event) => choose({ query: event.target.value }));
  show("order", Object.entries(ORDERS).map(([value, words]) => h("option", { value }, words)));
  byId("order").addEventListener("change", (event) => choose({ order: event.target.value }));
  byId("list").addEventListener("keydown", onListKey);
  choose({ kind: null });
  choose({ place: listed[0] });
  const worst = page.gaps.filter(({ gap }) => gap)
    .map(({ attribute, gap, low, high }) => `${attribute} ${points100(gap)} (${points100(low)} to ${points100(high)})`);
  show(
    "slips",
    tableOf(
      "slips",
      "Slips and perspectives by group",
      "Called slips: share of the group’s annotations, with a 95 % interval over items and annotators; as some are real, " +
        "it bounds the rate of false ones from above. Planted: 5 % of labels were replaced at random to see how many are " +
        "found, and how well the probability of a slip ranks them." +
        (worst.length ? ` Largest minus smallest rate, in points: ${worst.join(", ")}.` : ""),
    ),
  );
}

const points100 = (share) => (100 * share).toFixed(2).replace("-", "−");
