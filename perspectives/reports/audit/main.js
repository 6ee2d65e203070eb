// The summary, the plain tables, and everything in its place.

const THEMES = ["system", "light", "dark"];

function drawSummary() {
  document.title = `Audit: ${page.name}`;
  show("title", `Audit of ${page.name}`);
  show("subtitle", page.scale, page.method ? ` · with held-out predictions of ${page.method}` : "");
  show("cards", page.cards.map(([value, words]) => h("div", { class: "card" }, h("strong", {}, value), h("span", {}, words))));
  show("notes", page.notes.map((note) => h("p", { class: "note" }, note)));
  const most = Math.max(...page.labels.map(({ share }) => share), 1e-9);
  show(
    "labels",
    h("h3", {}, "Labels"),
    page.labels.map(({ label, annotations, share }) =>
      h(
        "div",
        { class: "level" },
        h("span", {}, label),
        s(
          "svg",
          { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
          s("rect", { width: (100 * share) / most, height: 10 }),
        ),
        h("span", { class: "value" }, `${thousands(annotations)} (${percent(share)})`),
      )
    ),
  );
  show(
    "counts",
    h("h3", {}, "Annotations"),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ["", "fewest", "median", "mean", "most"].map((name) => h("th", { scope: "col" }, name)))),
      h(
        "tbody",
        {},
        page.load.map(({ annotations, min, median, mean, max }) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, annotations),
            [min, median, mean, max].map((value) => h("td", {}, value === null ? DASH : thousands(Math.round(10 * value) / 10))),
          )
        ),
      ),
    ),
    page.counts.filter(({ quantity, count: number }) => quantity.includes("without") && number).map((
      { quantity, count: number },
    ) => h("p", { class: "small" }, `${thousands(number)} ${quantity}`)),
  );
}

function drawGroups() {
  byId("groups").hidden = !["levels", "pairs", "coverage"].some((name) => page.tables[name]);
  const small = `Groups of fewer than ${page.smallest} people are shown together and without numbers.`;
  show(
    "levels-table",
    tableOf("levels", "On which levels do people agree?", "Krippendorff’s alpha of whether a set holds the level."),
  );
  show("pairs", tableOf("pairs", "Every two annotators", "On the items that both labelled."));
  show(
    "cohesion",
    tableOf(
      "cohesion",
      "Do groups agree among themselves?",
      "Agreement: share of pairs of labels that are equal; IRR: Krippendorff’s alpha within the group; xRR: its agreement with all others; GAI = IRR / xRR, above 1 a " +
        `perspective of its own. ${small}`,
    ),
  );
  show("between", tableOf("between", "Do two groups agree with each other?", "Agreement: share of equal labels; xRR: corrected for chance."));
  show(
    "coverage",
    tableOf(
      "coverage",
      "Who was asked, and who is suspected?",
      "Items covered: share of all items that somebody of the group labelled. A detector that suspects one group more " +
        "than others deserves suspicion itself.",
    ),
  );
}

function drawRest() {
  byId("drift").hidden = !page.tables.drift;
  byId("next").hidden = !page.tables.next;
  show(
    "drift-table",
    tableOf(
      "drift",
      "",
      "Mean label (numbers of the levels) with a 95 % interval over items and annotators, and agreement, by every field " +
        "of the data with 2 to 30 values.",
    ),
  );
  show(
    "next-table",
    tableOf(
      "next",
      "",
      `The ${thousands(page.tables.next?.rows.length ?? 0)} of ${plural(page.of.items, "item")} of which one more ` +
        "label is expected to tell most. Disagreement: share of pairs of its labels that differ (of ratings: their " +
        "standard deviation); predicted: of pairs of all people, by the model. Inferred: the likeliest true label by " +
        "MACE, its probability and the entropy of all of them. Gain: expected fall of the variance of the item’s " +
        "distribution of labels. Lacking: how far a group’s share of the raters falls behind its share of all people; the " +
        "order is that of gain × (1 + lacking). Ask: the group that has least of the raters its size would give it, or " +
        "the people who have not labelled it. Who is suspected counts nowhere here and is not asked.",
    ),
  );
}

function drawContents() {
  const sections = [...document.querySelectorAll("main section")].filter((section) => !section.hidden);
  show("contents", sections.map((section) => h("a", { href: `#${section.id}` }, section.querySelector("h2").textContent)));
  show(
    "about",
    h(
      "p",
      { class: "small" },
      "Annotators are numbered. The page holds texts and labels of the corpus: pass it on only where the corpus may be " +
        "passed on.",
    ),
  );
}

function start() {
  drawSummary();
  setUpAnnotations();
  setUpPeople();
  drawGroups();
  drawRest();
  drawContents();
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const theme = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
    root.dataset.theme = theme;
    show("theme", `Theme: ${theme}`);
  });
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

start();
