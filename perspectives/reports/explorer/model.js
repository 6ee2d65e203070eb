// Verdicts of the chosen jury and of the population jury on all items. Tables are kept per question and pools.

const kept = new Map();

// Votes of everyone on an item, kept per event: Float64Array [annotator].
function votes(item) {
  return cached(`votes ${questionKey()} ${item}`, () => votesOn(item, page.events[state.event], state.hard));
}

function questionKey() {
  return `${state.event} ${state.hard}`;
}

function cached(key, compute) {
  if (!kept.has(key)) kept.set(key, compute());
  return kept.get(key);
}

// Another text was typed: what is known about the former is forgotten.
function forgetTyped() {
  for (const key of kept.keys()) if (key.endsWith(` ${TYPED}`)) kept.delete(key);
}

// Moments of each pool for an item; `key` names the pools.
function momentsOf(item, pools, key) {
  return cached(`moments ${questionKey()} ${key} ${item}`, () => {
    return pools.map((pool) => moments(votes(item), pool.members, Math.min(MOST_SEATS, pool.members.length)));
  });
}

// Distribution of positive votes on an item, Float64Array [votes].
function distribution(item, jury) {
  const each = momentsOf(item, jury.pools, jury.key);
  let counts = Float64Array.of(1);
  jury.seats.forEach((seats, place) => {
    if (seats) counts = convolved(counts, voteCounts(each[place], seats));
  });
  return counts;
}

// The jury of the state: {pools, seats, key}.
function chosenJury() {
  if (state.seats === null) return populationJury();
  return { pools: pools(), seats: state.seats, key: state.by };
}

function populationJury() {
  return { pools: everyone, seats: [state.size], key: "" };
}

function pools() {
  return cached(`pools ${state.by}`, () => poolsBy(state.by));
}

function question() {
  return { rule: state.rule, needed: Math.min(state.needed, state.size), tie: state.tie };
}

// Verdicts on every item of the page: [{positive, negative, hung, outcome}].
function verdictsOf(jury) {
  const counted = shares(question(), state.size);
  return Array.from({ length: itemCount }, (_, item) => verdictOf(distribution(item, jury), counted));
}

function verdictOn(item, jury) {
  return verdictOf(distribution(item, jury), shares(question(), state.size));
}
