// How many verdicts flip by chance alone: the same pool sizes, filled with people at random.

const SHUFFLES = 99;

// Yields after each shuffle; returns the share of items whose verdict is not the population's, [shuffle].
function* shuffledFlips(jury, population, counted) {
  const used = jury.pools.map((pool, place) => ({ pool, seats: jury.seats[place] }));
  const anyone = jury.pools.flatMap((pool) => pool.members);
  const random = generator(1);
  const flips = [];
  for (let shuffle = 0; shuffle < SHUFFLES; shuffle++) {
    const order = drawn(anyone, anyone.length, random);
    let start = 0;
    const groups = used.map(({ pool, seats }) => {
      const members = order.slice(start, start += pool.members.length);
      return { members, seats };
    }).filter((group) => group.seats);
    let flipped = 0;
    for (let item = 0; item < itemCount; item++) {
      const each = groups.map(({ members, seats }) => voteCounts(moments(votes(item), members, seats), seats));
      flipped += verdictOf(each.reduce(convolved), counted).outcome !== population[item].outcome;
    }
    flips.push(flipped / itemCount);
    yield flips;
  }
  return flips;
}

// Numbers in [0, 1) that a seed decides (mulberry32).
function generator(seed) {
  let value = seed >>> 0;
  return () => {
    value = (value + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(value ^ (value >>> 15), value | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

// `count` of the members at random, without replacement.
function drawn(members, count, random) {
  const left = [...members];
  for (let place = 0; place < count; place++) {
    const other = place + Math.floor(random() * (left.length - place));
    [left[place], left[other]] = [left[other], left[place]];
  }
  return left.slice(0, count);
}
