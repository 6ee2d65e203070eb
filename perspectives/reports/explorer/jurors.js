// One example draw of the jury, and the sheet of a juror.

// The jury of this draw, the same for every item: [{who, pool}] in the order of pools.
function exampleJury() {
  const jury = chosenJury();
  const random = generator(state.draw);
  return jury.pools.flatMap(({ name, members }, place) =>
    drawn(members, jury.seats[place], random).map((who) => ({ who, pool: name }))
  );
}

// What a juror says in this draw: {text, vote}; hard votes say the most likely answer.
function saidInDraw(answer, random) {
  const event = page.events[state.event];
  const chance = random();
  if (kind === "rating") return { text: decimal(answer[0]), vote: Boolean(voteOf(answer, event, false)) };
  if (kind === "multiple") {
    const vote = state.hard ? voteOf(answer, event, true) === 1 : chance < voteOf(answer, event, false);
    return { text: vote ? "yes" : "no", vote };
  }
  let level = answer.indexOf(Math.max(...answer));
  if (!state.hard) { for (let sum = answer[level = 0]; chance >= sum && level < width - 1; sum += answer[++level]); }
  return { text: page.scale.levels[level], vote: event.levels[level] };
}

function drawBox() {
  const random = generator(state.draw * 7919 + state.item + 1);
  const jury = exampleJury().map(({ who, pool }) => ({ who, pool, ...saidInDraw(answerOf(state.item, who), random) }));
  const positive = jury.filter((juror) => juror.vote).length;
  const outcome = outcomes(question(), state.size)[positive];
  show(
    "draw",
    `draw ${state.draw}: ${positive} of ${state.size} for, `,
    h("span", { class: `number ${side(outcome)}` }, outcome ? WORDS[outcome] : "hung"),
    h("button", {
      type: "button",
      class: "chip",
      id: "reshuffle",
      onclick: () => update({ draw: state.draw + 1 }, "#reshuffle"),
    }, "Reshuffle"),
  );
  show(
    "box",
    [...grouped(jury)].map(([pool, jurors]) =>
      h("div", { class: "bench" }, h("span", { class: "small" }, pool), h("div", { class: "row" }, jurors.map(seat)))
    ),
  );
}

// Jurors by pool: Map of lists.
function grouped(jury) {
  const pooled = new Map();
  for (const juror of jury) pooled.set(juror.pool, [...(pooled.get(juror.pool) ?? []), juror]);
  return pooled;
}

function seat({ who, text, vote }) {
  const open = state.juror === who;
  return h(
    "button",
    {
      type: "button",
      class: `seat ${vote ? "positive" : "negative"}`,
      "data-juror": who,
      "aria-expanded": String(open),
      "aria-controls": "sheet",
      "aria-label": `${nameOf(who)} says ${text}: ${vote ? "for" : "against"}. Open the sheet`,
      onclick: () => (open ? closeSheet() : openSheet(who)),
    },
    person(),
    h("span", {}, shortened(text, 9)),
  );
}

function person() {
  return s(
    "svg",
    { viewBox: "0 0 24 22", width: 24, height: 22, "aria-hidden": "true" },
    s("circle", { cx: 12, cy: 6.5, r: 4.5 }),
    s("path", { d: "M3 22c0-6 4-9.5 9-9.5s9 3.5 9 9.5z" }),
  );
}

function openSheet(who) {
  update({ juror: who }, "#sheet");
}

function closeSheet() {
  update({ juror: null }, `[data-juror="${state.juror}"]`);
}

function drawSheet() {
  const sheet = byId("sheet");
  sheet.hidden = state.juror === null;
  if (state.juror === null) return show("sheet");
  const who = state.juror;
  return show(
    "sheet",
    h(
      "div",
      { class: "row spread" },
      h("h4", {}, nameOf(who)),
      h("button", { type: "button", class: "chip", onclick: closeSheet }, "Close"),
    ),
    page.attributes.length
      ? h(
        "dl",
        {},
        page.attributes.map((attribute, place) => [h("dt", {}, attribute.name), h("dd", {}, valueOf(place, who))]),
      )
      : null,
    h("h5", {}, "Prediction for this item"),
    levelBars(who),
    ownLabel(who),
    h("h5", {}, "How well this person is predicted"),
    h("p", {}, agreementOf(who)),
    h("h5", {}, "Own annotations of nearby items"),
    nearbyAnnotations(who),
  );
}

function valueOf(attribute, who) {
  const code = codeOf(attribute, who);
  if (code === SUPPRESSED) return h("em", {}, `withheld (fewer than ${SMALLEST} people)`);
  return code === NOT_KNOWN ? h("em", {}, "unknown") : page.attributes[attribute].values[code];
}

function levelBars(who) {
  const answer = answerOf(state.item, who);
  if (kind === "rating") {
    return h("p", {}, `${decimal(answer[0])} on a scale from ${page.scale.low} to ${page.scale.high}`);
  }
  const event = page.events[state.event];
  return h(
    "div",
    { class: "levels" },
    answer.map((chance, level) => {
      const bar = h("span", { class: `fill ${event.levels[level] ? "positive" : "negative"}` });
      bar.style.width = `${100 * chance}%`;
      return [
        h("span", {}, page.scale.levels[level]),
        h("span", { class: "groove", "aria-hidden": "true" }, bar),
        h("span", { class: "value" }, decimal(chance)),
      ];
    }),
  );
}

function ownLabel(who) {
  const own = annotationsOf[state.item].filter((one) => one.by === who);
  return own.length
    ? h("p", {}, "Really said: ", h("strong", {}, own.map((one) => labelText(one.label)).join(", ")))
    : null;
}

function agreementOf(who) {
  const number = arrays.labelled[who];
  if (!number) return "No held-out label of this person, so nobody knows.";
  const measure = kind === "rating"
    ? `Mean absolute error ${decimal(arrays.agreement[who])} on ${plural(number, "held-out label")}`
    : `${Math.round(number * arrays.agreement[who])} of ${plural(number, "held-out label")} predicted right (${
      percent(arrays.agreement[who])
    })`;
  const trained = arrays.trained[who];
  return `${measure}; ${
    trained >= 1 ? `about ${plural(Math.round(trained), "label")} in training` : "never seen in training"
  }.`;
}

// Item numbers near an item, the closest first; null without vectors.
function nearTo(item) {
  if (!arrays.near || item === TYPED) return null;
  const count = arrays.near.shape[1];
  return Array.from(arrays.near.subarray(item * count, (item + 1) * count));
}

function nearbyAnnotations(who) {
  const near = nearTo(state.item);
  if (!near) return h("p", { class: "small" }, "This page goes without nearby items.");
  const place = new Map(near.map((item, rank) => [item, rank]));
  const own = annotationsBy[who].filter((one) => place.has(one.item)).sort((a, b) =>
    place.get(a.item) - place.get(b.item)
  ).slice(0, 5);
  if (!own.length) return h("p", { class: "small" }, `This person labelled none of the ${near.length} nearest items.`);
  return h(
    "ul",
    { class: "plain" },
    own.map(({ item, label }) =>
      h("li", {}, linkTo(item, 90), h("span", { class: "small" }, ` said ${labelText(label)}`))
    ),
  );
}

function linkTo(item, length) {
  return h(
    "button",
    { type: "button", class: "link", onclick: () => selectItem(item) },
    shortened(textOf(item).text, length),
  );
}

function selectItem(item) {
  update({ item });
  reveal();
}

function drawNear() {
  const near = nearTo(state.item);
  if (!near) return show("near");
  const event = page.events[state.event];
  return show(
    "near",
    h("h3", {}, "Nearby items"),
    h(
      "ul",
      { class: "plain" },
      near.slice(0, 5).map((item) => {
        const { positive, negative } = peopleSaid(item, event);
        return h(
          "li",
          {},
          linkTo(item, 110),
          h(
            "span",
            { class: "small" },
            ` ${verdictWord(results.mine[item])}; people ${positive} of ${positive + negative}`,
          ),
        );
      }),
    ),
  );
}
