// Pools of people, and seats divided among them.

const SMALLEST = 5; // people of a pool
const FEW = 20; // people below which a pool says little

// Pools by one attribute, by two crossed, or of single people: [{name, grammar, members}]; they are disjoint.
function poolsBy(by) {
  if (by === "person") {
    return Array.from({ length: people }, (_, who) => ({ name: nameOf(who), grammar: null, members: [who] }));
  }
  const chosen = by.split("*").map((name) => page.attributes.findIndex((attribute) => attribute.name === name));
  if (chosen.includes(-1)) return [];
  const pools = new Map();
  for (let who = 0; who < people; who++) {
    const codes = chosen.map((attribute) => codeOf(attribute, who));
    if (codes.some((code) => code >= NOT_KNOWN)) continue;
    const key = codes.reduce((number, code) => number * 256 + code, 0);
    if (!pools.has(key)) pools.set(key, { codes, members: [] });
    pools.get(key).members.push(who);
  }
  const kept = [...pools].sort(([a], [b]) => a - b).map(([, pool]) => pool).filter((pool) =>
    pool.members.length >= SMALLEST
  );
  return kept.map(({ codes, members }) => ({
    name: codes.map((code, place) => page.attributes[chosen[place]].values[code]).join(" · "),
    grammar: codes.map((code, place) => page.attributes[chosen[place]].pools[code]).join(" & "),
    members,
  }));
}

function codeOf(attribute, who) {
  return arrays.attribute[attribute * people + who];
}

function nameOf(who) {
  return `Annotator ${who + 1}`;
}

// Every way to divide people that gives at least two pools: texts as in the address, `gender` or `gender*race`.
function divisions() {
  if (page.named) return ["person"];
  const names = page.attributes.map((attribute) => attribute.name);
  const crossed = names.flatMap((one, place) => names.slice(place + 1).map((other) => `${one}*${other}`));
  return [...names, ...crossed].filter((by) => poolsBy(by).length > 1);
}

// `total` seats in proportion to weights (largest remainder), none above its capacity; of equals the first gains.
function apportioned(total, weights, capacity) {
  const sum = weights.reduce((a, b) => a + b, 0);
  const given = weights.map(() => 0);
  for (let left = total; left > 0; left--) {
    let best = -1;
    let deficit = 0;
    weights.forEach((weight, place) => {
      const lacks = (total * weight) / sum - given[place];
      if (given[place] < capacity[place] && (best < 0 || lacks > deficit + ROUNDING)) [best, deficit] = [place, lacks];
    });
    if (best < 0) break;
    given[best]++;
  }
  return given;
}

// Seats after pool `place` got `value` of them: the total is kept, and the others share the rest as they did before (as
// their sizes, where they had no seats).
function rebalanced(before, place, value, capacity) {
  const total = before.reduce((a, b) => a + b, 0);
  const others = capacity.map((most, other) => (other === place ? 0 : most));
  const least = Math.max(0, total - others.reduce((a, b) => a + b, 0));
  const wanted = Math.min(capacity[place], total, Math.max(least, value));
  let weights = before.map((seats, other) => (other === place ? 0 : seats));
  if (!weights.some(Boolean)) weights = others;
  const seats = apportioned(total - wanted, weights, others);
  seats[place] = wanted;
  return seats;
}

const PRESETS = {
  proportional: (total, pools) => apportioned(total, pools.map((pool) => pool.members.length), capacityOf(pools)),
  balanced: (total, pools) => apportioned(total, pools.map(() => 1), capacityOf(pools)),
};

function onePool(total, pools, place) {
  const weights = pools.map((pool, other) => (other === place ? 1e9 : pool.members.length));
  return apportioned(total, weights, capacityOf(pools));
}

function capacityOf(pools) {
  return pools.map((pool) => Math.min(MOST_SEATS, pool.members.length));
}

const everyone = [{
  name: "population",
  grammar: "population",
  members: Array.from({ length: people }, (_, who) => who),
}];
