// The fewest seat moves that change the verdict, and the pool that matters most. Searched in the background.

let search = null; // the search going on, or null

function startSearch() {
  clearTimeout(search);
  byId("changes").dataset.done = "true";
  if (state.seats === null) {
    return show("changes", h("p", { class: "small" }, "A population jury has no seats to move: choose seats first."));
  }
  if (pools().length < 2) return show("changes");
  const jury = chosenJury();
  const rings = searched(jury, state.item, question());
  const step = () => {
    const { value, done } = rings.next();
    drawChanges(jury, value, done);
    search = done ? null : setTimeout(step);
  };
  byId("changes").dataset.done = "false";
  search = setTimeout(step);
  return undefined;
}

function drawChanges(jury, found, done) {
  const now = verdictOn(state.item, jury);
  const lines = [];
  const same = found.other && found.opposite && found.other.seats === found.opposite.seats;
  if (found.other) lines.push(changeLine("Another verdict", jury, found.other));
  if (found.opposite && !same) lines.push(changeLine("The opposite verdict", jury, found.opposite));
  const missing = found.other
    ? (now.outcome && !found.opposite ? "gives the opposite verdict" : null)
    : "flips this verdict";
  if (missing && done && found.complete) {
    lines.push(
      h(
        "p",
        {},
        h("strong", {}, `No composition of these pools ${missing}.`),
        ` All ${thousands(found.tried + 1)} compositions were tried.`,
      ),
    );
  } else if (missing && done) {
    lines.push(
      h(
        "p",
        {},
        `No composition within ${
          plural(found.distance, "seat move")
        } ${missing}; farther ones were not all tried (more than ${thousands(MOST_COMPOSITIONS)}).`,
      ),
    );
  } else if (!done) {
    lines.push(h("p", { class: "small" }, `Searching beyond ${plural(found.distance, "seat move")} …`));
  }
  const pivot = pivotal(jury, state.item, question());
  if (pivot) {
    lines.push(
      h(
        "p",
        { id: "pivotal", "data-into": pivot.into, "data-change": pivot.change },
        "Pivotal pool: ",
        h("strong", {}, jury.pools[pivot.into].name),
        `. A seat moved there from ${jury.pools[pivot.from].name} changes P(positive) by ${
          pivot.change >= 0 ? "+" : ""
        }${decimal(pivot.change, 3)}.`,
      ),
    );
  }
  show("changes", ...lines);
  byId("changes").dataset.done = String(done);
}

function changeLine(title, jury, { seats, moves, positive, outcome }) {
  const moved = jury.pools.map(({ name }, place) => [name, seats[place] - jury.seats[place]]).filter(([, change]) =>
    change
  );
  const sign = (change) => (change > 0 ? `+${change}` : `−${-change}`);
  return h(
    "p",
    { class: "change", "data-moves": moves, "data-seats": seats.join(".") },
    h("strong", {}, `${title}: ${plural(moves, "seat move")}`),
    ` (${moved.map(([name, change]) => `${sign(change)} ${name}`).join(", ")}) → `,
    h("span", { class: `number ${side(outcome)}` }, verdictWord({ outcome })),
    `, P(positive) ${decimal(positive)} `,
    h("button", { type: "button", class: "chip", onclick: () => update({ seats }) }, "Apply"),
  );
}
