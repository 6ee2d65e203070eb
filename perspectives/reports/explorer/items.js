// The list of items: sorted, filtered, operated by mouse or arrow keys.

const TRACK = 64; // pixels from P = 0 to P = 1
let shown = []; // items in the order of the list

const rows = Array.from({ length: itemCount }, (_, item) => {
  const jury = s("circle", { class: "dot", cy: 6, r: 4 });
  const human = s("rect", { class: "tick", y: 1, width: 2, height: 10 });
  const flag = h("span", { class: "flag" });
  const track = s(
    "svg",
    { class: "track", width: TRACK + 10, height: 12, "aria-hidden": "true" },
    s("line", { x1: 5, x2: TRACK + 5, y1: 6, y2: 6 }),
    s("line", { x1: 5 + TRACK / 2, x2: 5 + TRACK / 2, y1: 3, y2: 9 }),
    human,
    jury,
  );
  const text = [page.items[item].text, page.items[item].pair].filter(Boolean).join(" / ");
  const element = h(
    "li",
    { role: "option", id: `item-${item}`, "data-item": item, onclick: () => update({ item }) },
    h("span", { class: "snippet" }, shortened(text, 140)),
    h("span", { class: "row small" }, track, flag),
  );
  return { element, jury, human, flag, text: text.toLowerCase() };
});

function drawItems() {
  rows.forEach(({ element, jury, human, flag }, item) => {
    const { mine, population, said } = results;
    const { positive, negative, majority } = said[item];
    jury.setAttribute("cx", 5 + TRACK * mine[item].positive);
    jury.setAttribute("class", `dot ${side(mine[item].outcome)}`);
    human.setAttribute("x", 4 + TRACK * (positive + negative ? positive / (positive + negative) : 0.5));
    human.setAttribute("visibility", majority === null ? "hidden" : "visible");
    const flips = [
      mine[item].outcome !== population[item].outcome && "≠ population",
      differsFromPeople(item) && "≠ people",
    ].filter(Boolean).join(", ");
    if (flag.textContent !== flips) flag.textContent = flips;
    element.setAttribute("aria-selected", item === state.item);
  });
  byId("list").setAttribute("aria-activedescendant", state.item < itemCount ? `item-${state.item}` : "");
}

// The verdict is not the human majority's; never so where there is none.
function differsFromPeople(item) {
  const { majority } = results.said[item];
  return Boolean(majority) && results.mine[item].outcome !== majority;
}

const side = (outcome) => (outcome > 0 ? "positive" : outcome < 0 ? "negative" : "hung");

// Larger comes first.
const SORT_KEYS = {
  people: (item) => {
    const { majority } = results.said[item];
    return majority === null ? -1 : Math.abs(results.mine[item].positive - (majority + 1) / 2);
  },
  population: (item) => Math.abs(results.mine[item].positive - results.population[item].positive),
  split: (item) => -Math.abs(results.mine[item].positive - 0.5),
  chance: (item) => results.mine[item].positive,
  given: (item) => -item,
};

function sortItems() {
  const key = rows.map((_, item) => SORT_KEYS[state.sort](item));
  const query = state.query.trim().toLowerCase();
  const fits = {
    all: () => true,
    population: (item) => results.mine[item].outcome !== results.population[item].outcome,
    people: differsFromPeople,
  }[state.only];
  const order = rows.map((_, item) => item).filter((item) => fits(item) && rows[item].text.includes(query));
  order.sort((a, b) => key[b] - key[a] || a - b);
  if (order.length !== shown.length || order.some((item, place) => item !== shown[place])) {
    shown = order;
    byId("list").replaceChildren(...order.map((item) => rows[item].element));
    reveal();
  }
  show(
    "items-count",
    shown.length === itemCount
      ? plural(itemCount, "item")
      : `${thousands(shown.length)} of ${plural(itemCount, "item")}`,
  );
}

function reveal() {
  const list = byId("list");
  const element = rows[state.item]?.element;
  if (!element?.isConnected) return;
  const above = element.offsetTop - list.offsetTop;
  if (above < list.scrollTop) list.scrollTop = above;
  const below = above + element.offsetHeight - list.clientHeight;
  if (below > list.scrollTop) list.scrollTop = below;
}

function onListKey(event) {
  const place = shown.indexOf(state.item);
  const goal = {
    ArrowDown: place + 1,
    ArrowUp: place - 1,
    PageDown: place + 8,
    PageUp: place - 8,
    Home: 0,
    End: shown.length,
  }[event.key];
  if (goal === undefined || !shown.length) return;
  event.preventDefault();
  update({ item: shown[Math.max(0, Math.min(shown.length - 1, goal))] });
  reveal();
}

function setUpItems() {
  const options = (choices) => Object.entries(choices).map(([value, text]) => h("option", { value }, text));
  byId("sort").append(...options(SORTS));
  byId("only").append(...options(ONLY));
  byId("sort").addEventListener("change", (event) => update({ sort: event.target.value }));
  byId("only").addEventListener("change", (event) => update({ only: event.target.value }));
  byId("query").addEventListener("input", (event) => update({ query: event.target.value }));
  byId("list").addEventListener("keydown", onListKey);
}

function drawFilters() {
  byId("sort").value = state.sort;
  byId("only").value = state.only;
  if (byId("query").value !== state.query) byId("query").value = state.query;
}
