// The controls of the jury: question, size, pools, and seats whose total is locked.

let held = null; // the slider in hand: {place, from: the seats before it was moved, to: those it made of them}
let built = null; // which pools the sliders are for
let sliders = [];
const fields = {};

function setUpSeats() {
  const choice = (label, id, choices, changed) => {
    fields[id] = h(
      "select",
      { id, onchange: (event) => changed(event.target.value) },
      choices.map(([value, text]) => h("option", { value }, text)),
    );
    return h("label", { class: "field", for: id }, h("span", {}, label), fields[id]);
  };
  const number = (label, id, least, changed) => {
    fields[id] = h("input", {
      id,
      type: "number",
      min: least,
      onchange: (event) => changed(event.target.valueAsNumber),
    });
    return h("label", { class: "field", for: id }, h("span", {}, label), fields[id]);
  };
  byId("question").append(
    choice(
      "Event",
      "event",
      page.events.map((event, place) => [place, event.text]),
      (value) => update({ event: Number(value) }),
    ),
    choice("Rule", "rule", Object.entries(RULES), (rule) => update({ rule, needed: Math.ceil(state.size / 2) })),
    number("m", "needed", 1, (needed) => update({ needed: between(needed, 1, state.size) })),
    choice("Ties count", "tie", Object.entries(TIE_NAMES), (tie) => update({ tie })),
    choice(
      "Votes",
      "votes",
      [["sampled", "drawn from predictions"], ["hard", "most likely answer"]],
      (votes) => update({ hard: votes === "hard" }),
    ),
  );
  byId("seats").append(
    number("Jury size", "size", 1, (size) => update({ size: between(size, 1, largest()) })),
    ...(divisions().length
      ? [choice("Pools by", "by", divisions().map((by) => [by, by.replace("*", " × ")]), changeBy)]
      : []),
    h("div", { id: "presets", class: "row", role: "group", "aria-label": "Presets" }),
    h("div", { id: "pools" }),
    h("p", { id: "composition", class: "small" }),
  );
}

const between = (number, least, most) => Math.min(most, Math.max(least, Math.round(number) || least));

function largest() {
  const free = state.seats === null ? people : capacityOf(pools()).reduce((a, b) => a + b, 0);
  return Math.min(MOST_SEATS, free);
}

function changeBy(by) {
  const seats = PRESETS.proportional(state.size, poolsBy(by));
  update({ by, seats, size: seats.reduce((a, b) => a + b, 0) });
}

// Seats follow the size: divided as before.
function resized(size) {
  return state.seats && apportioned(size, state.seats, capacityOf(pools()));
}

function preset(name) {
  if (name === "population") return update({ seats: null });
  return update({ seats: PRESETS[name](state.size, pools()) });
}

function drawSeats() {
  for (
    const [id, value] of Object.entries({
      event: state.event,
      rule: state.rule,
      tie: state.tie,
      by: state.by,
      size: state.size,
      needed: Math.min(state.needed, state.size),
      votes: state.hard ? "hard" : "sampled",
    })
  ) {
    if (fields[id] && document.activeElement !== fields[id]) fields[id].value = value;
  }
  fields.size.max = largest();
  fields.needed.max = state.size;
  fields.needed.parentElement.hidden = state.rule !== "at_least";
  if (built !== state.by) buildSliders();
  const shownSeats = state.seats ?? (state.by ? PRESETS.proportional(state.size, pools()) : []);
  sliders.forEach(({ range, output, chance, row }, place) => {
    range.max = Math.min(state.size, capacityOf(pools())[place]);
    range.value = shownSeats[place];
    range.setAttribute("aria-valuetext", `${plural(shownSeats[place], "seat")} of ${state.size}`);
    output.textContent = shownSeats[place];
    row.classList.toggle("empty", shownSeats[place] === 0);
    chance.textContent = decimal(momentsOf(state.item, pools(), state.by)[place].mean);
  });
  byId("pools").classList.toggle("loose", state.seats === null);
  drawPresets();
  const grammar = state.seats === null
    ? `${state.size} population`
    : pools().map((pool, place) => state.seats[place] && pool.grammar && `${state.seats[place]} ${pool.grammar}`)
      .filter(Boolean).join(", ");
  show("composition", ...(grammar ? ["Composition: ", h("code", {}, grammar)] : []));
  show("warnings", seatWarnings().map((text) => h("p", { class: "note" }, text)));
}

function buildSliders() {
  built = state.by;
  sliders = pools().map((pool, place) => {
    const id = `pool-${place}`;
    const output = h("output", { for: id });
    const chance = h("span", { class: "chance", title: "mean predicted vote for the event on the selected item" });
    const range = h("input", {
      id,
      type: "range",
      min: 0,
      step: 1,
      oninput: (event) => moved(place, event.target.valueAsNumber),
    });
    const size = page.named
      ? null
      : h("span", { class: "small" }, ` ${plural(pool.members.length, "person", "people")}`);
    const row = h("div", { class: "pool" }, h("label", { for: id }, pool.name, size), chance, range, output);
    return { range, output, chance, row };
  });
  const heading = h(
    "div",
    { class: "pool head small", "aria-hidden": "true" },
    h("span", {}, "Pool"),
    h("span", { class: "chance" }, "mean vote"),
    h("span", {}, ""),
    h("span", {}, "seats"),
  );
  show("pools", ...(sliders.length ? [heading, ...sliders.map((slider) => slider.row)] : []));
}

// Moving on starts from the seats before the slider was moved, so that moving back restores those of the others.
function moved(place, value) {
  if (held?.place !== place || held.to !== state.seats) {
    held = { place, from: state.seats ?? PRESETS.proportional(state.size, pools()) };
  }
  held.to = rebalanced(held.from, place, value, capacityOf(pools()));
  update({ seats: held.to });
}

function drawPresets() {
  if (!state.by) return show("presets");
  const same = (seats) => state.seats !== null && seats.every((number, place) => number === state.seats[place]);
  const button = (name, pressed, onclick) =>
    h("button", { type: "button", class: "chip", "aria-pressed": String(pressed), onclick }, name);
  const wholly = (place) => same(onePool(state.size, pools(), place));
  const focused = byId("presets").contains(document.activeElement)
    ? [...byId("presets").children].indexOf(document.activeElement)
    : -1;
  const onlyOne = h(
    "select",
    {
      class: "chip",
      "aria-label": "One pool only",
      onchange: (event) => update({ seats: onePool(state.size, pools(), Number(event.target.value)) }),
    },
    h("option", { value: "", selected: true, disabled: true }, "one pool…"),
    pools().map((pool, place) => h("option", { value: place, selected: wholly(place) }, pool.name)),
  );
  show(
    "presets",
    button("population", state.seats === null, () => preset("population")),
    page.named ? [] : [
      button("proportional", same(PRESETS.proportional(state.size, pools())), () => preset("proportional")),
      button("balanced", same(PRESETS.balanced(state.size, pools())), () => preset("balanced")),
      onlyOne,
    ],
  );
  if (focused >= 0) byId("presets").children[focused].focus();
}

// What the composition rests on, as sentences.
function seatWarnings() {
  if (page.named) {
    return ["Fewer than 20 people can be asked: each stands for themselves, and nothing here speaks of groups."];
  }
  if (!state.by) {
    return ["Nothing is known about these people that five of them share, so juries can only be drawn from everyone."];
  }
  if (state.seats === null) return [];
  const seated = pools().map((pool, place) => ({
    name: pool.name,
    size: pool.members.length,
    seats: state.seats[place],
  })).filter((pool) => pool.seats);
  const few = seated.filter(({ size }) => size < FEW).map(({ name, size }) => `${name} rests on ${size} people`);
  const whole = seated.filter(({ size, seats }) => size === seats).map(({ name }) => name);
  const notes = [
    few.join("; "),
    whole.length && `Everybody of ${whole.join(", ")} sits on every jury: no more seats there`,
  ].filter(Boolean).map((note) => `${note}.`);
  const outside = people - pools().reduce((sum, pool) => sum + pool.members.length, 0);
  if (outside) {
    notes.push(
      `${
        plural(outside, "person is", "people are")
      } in no pool: unknown, or of a value fewer than ${SMALLEST} people share.`,
    );
  }
  return notes;
}
