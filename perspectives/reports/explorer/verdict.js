// The selected item: what the jury decides, beside the population jury and the people who really labelled it.

const WORDS = { "1": "positive", "-1": "negative", "0": "hung" };

function verdictWord({ outcome }) {
  return outcome ? WORDS[outcome] : "no verdict above ½";
}

function drawVerdict() {
  const jury = chosenJury();
  const mine = verdictOn(state.item, jury);
  const other = verdictOn(state.item, populationJury());
  const event = page.events[state.event].text;
  const { text, pair } = textOf(state.item);
  const label = state.item === TYPED ? "Your own text, judged by one trained model" : `Item ${state.item + 1}`;
  show(
    "text",
    h("p", { class: "small" }, label, state.item === TYPED ? "" : ` · id ${page.items[state.item].id}`),
    h("blockquote", {}, text),
    pair === undefined ? null : h("blockquote", { class: "pair" }, pair),
  );
  const headline = () => [h("strong", {}, capital(verdictWord(mine))), " on ", h("code", {}, event)];
  show(
    "answer",
    h("p", { class: `headline ${side(mine.outcome)}` }, headline()),
    h("div", { class: "shares" }, shareBar(mine), shareNumbers(mine)),
  );
  show(
    "bar",
    h("p", { class: `headline ${side(mine.outcome)}` }, headline(), ` · P(positive) ${decimal(mine.positive)}`),
    shareBar(mine),
  );
  drawDistribution(distribution(state.item, jury));
  const cards = [
    card(
      "Population jury",
      `${plural(state.size, "seat")} drawn from everyone`,
      other.positive,
      verdictWord(other),
      mine.outcome !== other.outcome,
    ),
  ];
  if (state.item !== TYPED) cards.push(peopleCard(mine));
  show("compared", ...cards);
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

// P(positive), P(hung), P(negative) as one bar, and as numbers.
const SHARES = ["positive", "hung", "negative"];

function shareBar(verdict) {
  return h(
    "div",
    { class: "bar", "aria-hidden": "true" },
    SHARES.map((name) => {
      const part = h("span", { class: `share ${name}` });
      part.style.flexGrow = String(verdict[name]);
      return part;
    }),
  );
}

function shareNumbers(verdict) {
  return h(
    "div",
    { class: "row small" },
    SHARES.map((name) => {
      return h(
        "span",
        { class: `number ${name}`, id: `p-${name}`, "data-p": verdict[name] },
        `P(${name}) ${decimal(verdict[name])}`,
      );
    }),
  );
}

function card(title, about, chance, verdict, differs) {
  return h(
    "div",
    { class: `card${differs ? " differs" : ""}` },
    h("h4", {}, title),
    h("p", { class: "small" }, about),
    h(
      "p",
      {},
      chance === null ? "" : `P(positive) ${decimal(chance)} · `,
      h("strong", {}, verdict),
      differs ? " — not your jury’s" : "",
    ),
  );
}

function peopleCard(mine) {
  const { positive, negative, majority } = peopleSaid(state.item, page.events[state.event]);
  const raters = positive + negative;
  if (majority === null) return card("People who labelled it", "nobody", null, "no majority", false);
  const about = `${positive} of ${plural(raters, "annotation")} positive${
    raters < SMALLEST ? ": few, so this majority is uncertain" : ""
  }`;
  return card(
    "People who labelled it",
    about,
    null,
    majority ? WORDS[majority] : "a tie",
    Boolean(majority) && majority !== mine.outcome,
  );
}

function drawDistribution(counts) {
  const [forIt, againstIt] = shares(question(), state.size);
  const wide = 560, high = 150, top = 16, step = wide / counts.length;
  const most = Math.max(...counts, 0.25);
  const bars = Array.from(counts, (chance, votes) => {
    const decided = forIt[votes] === 1
      ? "positive"
      : againstIt[votes] === 1
      ? "negative"
      : forIt[votes]
      ? "half"
      : "hung";
    const size = (high * chance) / most;
    return s(
      "g",
      { class: `bar ${decided}` },
      s(
        "rect",
        {
          x: votes * step + 2,
          y: top + high - size,
          width: step - 4,
          height: size,
          "data-votes": votes,
          "data-p": chance,
        },
        s(
          "title",
          {},
          `${votes} of ${state.size} votes for the event: ${chance.toFixed(4)}, ${
            decided === "half" ? "half positive" : decided
          }`,
        ),
      ),
      chance >= 0.005
        ? s("text", { x: (votes + 0.5) * step, y: top + high - size - 4, class: "value" }, decimal(chance))
        : null,
      s("text", { x: (votes + 0.5) * step, y: top + high + 16 }, votes),
    );
  });
  const summary = `Votes for ${page.events[state.event].text} among ${
    plural(state.size, "juror")
  }, exact, over all juries that could be drawn`;
  show(
    "distribution",
    s(
      "svg",
      { viewBox: `0 0 ${wide} ${top + high + 24}`, role: "img", "aria-label": summary },
      s("line", { class: "axis", x1: 0, x2: wide, y1: top + high, y2: top + high }),
      bars,
    ),
    h("figcaption", {}, `${summary}. `, ...legend()),
  );
}

function legend() {
  return SHARES.map((name) => h("span", { class: `key ${name}` }, name));
}
