// Annotators: a chart and a table that select in each other.

const WIDE = 480;
const TALL = 320;
const team = page.tables.people;
const at = Object.fromEntries(team.columns.map(({ name }, place) => [name, place]));
let selectedPerson = null;

const of = (place, name) => (at[name] === undefined ? null : team.rows[place][at[name]]);

function drawChart() {
  const kappas = team.rows.map((_, place) => of(place, "beyond chance") ?? 0);
  const least = Math.min(0, ...kappas), most = Math.min(1, Math.max(0.1, ...kappas) + 0.05);
  const up = ["competence", "agree with others", "distance to others"].find((name) => at[name] !== undefined);
  const hasCompetence = up === "competence";
  const top = up === "distance to others" ? Math.max(...team.rows.map((_, place) => of(place, up) ?? 0), 1e-9) : 1;
  const right = (kappa) => 44 + ((kappa - least) / (most - least)) * WIDE;
  const high = (value) => 10 + (1 - value / top) * TALL;
  const text = (left, top, words, extra = {}) => s("text", { x: left, y: top, ...extra }, words);
  const shownPeople = team.rows.map((_, place) => place).filter((place) =>
    of(place, "beyond chance") !== null && of(place, up) !== null
  );
  show(
    "chart",
    s(
      "svg",
      {
        class: "plot",
        viewBox: `0 0 ${WIDE + 60} ${TALL + 52}`,
        role: "img",
        "aria-label": `${up} against agreement beyond chance, a dot per annotator`,
      },
      s("rect", { class: "frame", x: 44, y: 10, width: WIDE, height: TALL }),
      least < 0 ? s("line", { class: "grid", x1: right(0), x2: right(0), y1: 10, y2: 10 + TALL }) : null,
      [0, most / 2, most, ...(least < -0.1 ? [least] : [])].map((value) =>
        text(right(value), TALL + 26, decimal(value))
      ),
      [0, top / 2, top].map((value) => text(38, high(value) + 4, decimal(value), { class: "end" })),
      text(44 + WIDE / 2, TALL + 44, "agreement with the others beyond chance"),
      text(12, 10 + TALL / 2, hasCompetence ? "MACE competence" : up, {
        transform: `rotate(-90 12 ${10 + TALL / 2})`,
      }),
      s(
        "g",
        { class: "marks" },
        shownPeople.filter((place) => of(place, "from") !== null).map((place) => {
          const x = right(of(place, "beyond chance"));
          return s("line", { class: "whisker", x1: x, x2: x, y1: high(of(place, "from")), y2: high(of(place, "to")) });
        }),
        shownPeople.map((place) =>
          s("circle", {
            r: 3.5,
            cx: right(of(place, "beyond chance")),
            cy: high(of(place, up)),
            class: page.suspects[place] ? "suspect" : "person",
            "data-person": place,
            onclick: () => selectPerson(place),
          }, s("title", {}, `Annotator ${of(place, "annotator")}`))
        ),
      ),
    ),
    h(
      "figcaption",
      {},
      `A dot per annotator${hasCompetence ? ", with the 95 % interval of competence" : ""}; `,
      h("span", { class: "key slip" }, "suspected of spam"),
      " Click a dot or a row.",
    ),
  );
}

function selectPerson(place) {
  selectedPerson = place;
  for (const dot of document.querySelectorAll("[data-person]")) {
    dot.classList.toggle("selected", Number(dot.dataset.person) === place);
  }
  for (const row of document.querySelectorAll("[data-row]")) {
    row.classList.toggle("selected", Number(row.dataset.row) === place);
  }
  show(
    "person",
    h("h3", {}, `Annotator ${of(place, "annotator")}`, page.suspects[place] ? ": suspected of spam" : ""),
    h(
      "ul",
      { class: "plain" },
      [[team, 1], [page.tables.evidence, 0]].flatMap(([table, first]) =>
        table.columns.slice(first).map(({ name, kind }, column) => {
          const value = table.rows[place][column + first];
          return value === null ? null : h("li", {}, `${name}: ${WRITTEN[kind](value)}`);
        })
      ),
    ),
  );
}

// One row is in the order of tabs, arrows lead to the others.
function onRowKey(event) {
  const row = event.currentTarget;
  const goal = { Enter: row, " ": row, ArrowDown: row.nextSibling, ArrowUp: row.previousSibling }[event.key];
  if (!goal) return;
  event.preventDefault();
  row.tabIndex = -1;
  goal.tabIndex = 0;
  goal.focus();
  selectPerson(Number(goal.dataset.row));
}

function setUpPeople() {
  drawChart();
  const caption = `${plural(page.of.people, "annotator")}, those least like the others first${
    team.rows.length < page.of.people ? `; the first ${thousands(team.rows.length)} are here` : ""
  }. Beyond chance: agreement with the others corrected for what the person’s labels, dealt out at random, would reach. ` +
    (at.competence === undefined
      ? ""
      : "Competence: MACE, variational Bayes, with the 95 % interval of its posterior. ") +
    (at["distance to others"] === undefined ? "" : "Distance: mean distance from the mean of the others’ ratings. ") +
    page.rule;
  show(
    "people-table",
    tableOf("people", "", caption, {
      rowProperties: (place) => ({
        class: `${page.suspects[place] ? "suspect" : ""}${place === selectedPerson ? " selected" : ""}`.trim() || null,
        "data-row": place,
        tabindex: place === (selectedPerson ?? 0) ? "0" : "-1",
        onclick: () => selectPerson(place),
        onkeydown: onRowKey,
      }),
    }),
  );
  selectPerson(0);
}
