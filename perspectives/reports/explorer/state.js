// What is chosen, and how it stands in the address, so that a view can be shared. Wrong values there are ignored.

const RULES = {
  majority: "majority",
  supermajority: "supermajority 2/3",
  unanimity: "unanimity",
  at_least: "at least m votes",
};
const TIE_NAMES = { hung: "hung", positive: "for the event", negative: "against it", half: "half for, half against" };
const SORTS = {
  people: "Jury against human majority",
  population: "Jury against population jury",
  split: "Closest to a coin flip",
  chance: "Most likely positive",
  given: "Predicted disagreement",
};
const ONLY = {
  all: "All items",
  population: "Not the population jury’s verdict",
  people: "Not the human majority’s verdict",
};
const THEMES = ["system", "light", "dark"];

// seats: [pool], or null: all drawn from everyone. needed: votes of `at_least`. juror: whose sheet is open, or null.
const state = {
  item: 0,
  by: divisions()[0] ?? "",
  seats: null,
  size: Math.min(page.size, people),
  event: page.event,
  rule: "majority",
  needed: 1,
  tie: "hung",
  hard: false,
  sort: "people",
  only: "all",
  query: "",
  draw: 1,
  juror: null,
  theme: "system",
};
if (state.by) state.seats = PRESETS.proportional(state.size, poolsBy(state.by));
const initial = { ...state };

function whole(text, least, most) {
  return /^\d{1,6}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined;
}

const among = (choices) => (text) => (Object.hasOwn(choices, text) ? text : undefined);
const INDEX = (text) => (Number.isInteger(whole(text, 1, itemCount)) ? Number(text) - 1 : undefined);
const READERS = {
  item: INDEX,
  by: (text) => (divisions().includes(text) ? text : undefined),
  size: (text) => whole(text, 1, Math.min(MOST_SEATS, people)),
  event: (text) => [page.events.findIndex((event) => event.text === text)].find((place) => place >= 0),
  rule: among(RULES),
  needed: (text) => whole(text, 1, MOST_SEATS),
  tie: among(TIES),
  votes: (text) => ({ sampled: false, hard: true })[text],
  sort: among(SORTS),
  only: among(ONLY),
  query: (text) => text.slice(0, 200),
  draw: (text) => whole(text, 1, 999_999),
  juror: (text) => [whole(text, 1, people)].filter(Boolean).map((number) => number - 1)[0],
  theme: (text) => THEMES.find((theme) => theme === text),
};
const FIELD = { votes: "hard" };

// The state that an address describes, everything else as it was at first.
function fromAddress(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const found = { ...initial };
  for (const [name, read] of Object.entries(READERS)) {
    const value = given.has(name) ? read(given.get(name)) : undefined;
    if (value !== undefined) found[FIELD[name] ?? name] = value;
  }
  return { ...found, ...seatsFrom(given.get("seats"), found) };
}

function seatsFrom(text, { by, size }) {
  if (text === "population" || !by) return { seats: null };
  const capacity = capacityOf(poolsBy(by));
  const seats = (text ?? "").split(".").map((number) => whole(number, 0, MOST_SEATS));
  const total = seats.reduce((a, b) => a + b, 0);
  const fit = seats.length === capacity.length && seats.every((number, place) => number <= capacity[place]);
  if (fit && total >= 1 && total <= MOST_SEATS) return { seats, size: total };
  const proportional = PRESETS.proportional(size, poolsBy(by));
  return { seats: proportional, size: proportional.reduce((a, b) => a + b, 0) };
}

function toAddress() {
  const written = {
    item: Math.min(state.item, itemCount - 1) + 1,
    by: state.by,
    seats: state.seats === null ? "population" : state.seats.join("."),
    size: state.size,
    event: page.events[state.event].text,
    rule: state.rule,
    needed: state.rule === "at_least" ? state.needed : "",
    tie: state.tie,
    votes: state.hard ? "hard" : "sampled",
    sort: state.sort,
    only: state.only,
    query: state.query,
    draw: state.draw,
    juror: state.juror === null ? "" : state.juror + 1,
    theme: state.theme,
  };
  return `#${new URLSearchParams(Object.entries(written).filter(([, value]) => value !== ""))}`;
}
