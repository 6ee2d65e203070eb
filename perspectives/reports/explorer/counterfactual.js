// The fewest seats to move for another verdict, certified: rings of compositions at distance 1, 2, … are exhausted.

const MOST_COMPOSITIONS = 200_000;

// Searches ring by ring and yields after each. Returns {other, opposite, distance, tried, complete}: the nearest
// compositions (of several as near, the most certain one) with another outcome and with the opposite one, or null; how
// far and how many were tried; whether those were all there are.
function* searched(jury, item, wanted) {
  const counted = shares(wanted, jury.seats.reduce((a, b) => a + b, 0));
  const each = momentsOf(item, jury.pools, jury.key);
  const capacity = capacityOf(jury.pools);
  const rows = jury.pools.map((_, place) =>
    Array.from({ length: capacity[place] + 1 }, (_, seats) => voteCounts(each[place], seats))
  );
  const now = verdictOf(rowsTogether(rows, jury.seats), counted).outcome;
  const found = { other: null, opposite: null, distance: 0, tried: 0, complete: false };
  const farthest = jury.seats.reduce((a, b) => a + b, 0);
  while (found.distance < farthest && !(found.opposite || (found.other && now === 0))) {
    const ring = { other: null, opposite: null };
    let empty = true;
    for (const { seats, counts } of ringOf(jury.seats, capacity, rows, found.distance + 1)) {
      if (found.tried++ >= MOST_COMPOSITIONS) return found;
      empty = false;
      const verdict = verdictOf(counts, counted);
      if (verdict.outcome === now) continue;
      const certainty = Math.max(verdict.positive, verdict.negative);
      const better = (best) => !best || certainty > best.certainty + ROUNDING;
      if (better(ring.other)) ring.other = { seats, certainty, ...verdict };
      if (verdict.outcome === -now && better(ring.opposite)) ring.opposite = { seats, certainty, ...verdict };
    }
    if (empty) break;
    found.distance++;
    found.other ??= ring.other && { ...ring.other, moves: found.distance };
    found.opposite ??= ring.opposite && { ...ring.opposite, moves: found.distance };
    yield found;
  }
  found.complete = true;
  return found;
}

function rowsTogether(rows, seats) {
  return seats.reduce(
    (counts, number, place) => (number ? convolved(counts, rows[place][number]) : counts),
    Float64Array.of(1),
  );
}

// All compositions that differ from `start` by `moves` seats, with their votes: {seats, counts}.
function* ringOf(start, capacity, rows, moves) {
  const room = start.map((seats, place) => capacity[place] - seats);
  const gains = sumsFromBehind(room);
  const losses = sumsFromBehind(start);
  const seats = [...start];
  function* placed(place, up, down, counts) {
    if (up > gains[place] || down > losses[place]) return;
    if (place === start.length) {
      yield { seats: [...seats], counts };
      return;
    }
    for (let change = -Math.min(down, start[place]); change <= Math.min(up, room[place]); change++) {
      seats[place] = start[place] + change;
      const more = seats[place] ? convolved(counts, rows[place][seats[place]]) : counts;
      yield* placed(place + 1, up - Math.max(change, 0), down + Math.min(change, 0), more);
    }
    seats[place] = start[place];
  }
  yield* placed(0, moves, moves, Float64Array.of(1));
}

function sumsFromBehind(numbers) {
  const sums = [...numbers, 0];
  for (let place = numbers.length - 1; place >= 0; place--) sums[place] += sums[place + 1];
  return sums;
}

// The pool for which one seat moved into it changes P(positive) most: {into, from, change}, or null.
function pivotal(jury, item, wanted) {
  const counted = shares(wanted, jury.seats.reduce((a, b) => a + b, 0));
  const now = verdictOf(distribution(item, jury), counted).positive;
  const capacity = capacityOf(jury.pools);
  let best = null;
  for (let into = 0; into < jury.seats.length; into++) {
    for (let from = 0; from < jury.seats.length; from++) {
      if (into === from || !jury.seats[from] || jury.seats[into] >= capacity[into]) continue;
      const seats = [...jury.seats];
      seats[into]++;
      seats[from]--;
      const change = verdictOf(distribution(item, { ...jury, seats }), counted).positive - now;
      if (!best || Math.abs(change) > Math.abs(best.change) + ROUNDING) best = { into, from, change };
    }
  }
  return best;
}
