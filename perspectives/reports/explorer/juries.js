// Exact verdicts of juries drawn without replacement; see perspectives/juries/counts.py for the derivation.
//
//   E[z^K] = Σ_k C(n, k) ē_k (z − 1)^k (1 − b̄ + b̄ z)^(n − k)
//
// b̄ is the pool's mean vote, ē_k the mean over k-subsets of the pool of Π (b_a − b̄).

const MOST_SEATS = 20;
const ROUNDING = 1e-9;

// What every number of seats up to `seats` needs of one pool: {mean, subsets: Float64Array [k]}.
function moments(votes, members, seats) {
  const size = members.length;
  let mean = 0;
  for (const who of members) mean += votes[who];
  mean /= size;
  const sums = new Float64Array(seats + 1);
  for (const who of members) {
    const deviation = votes[who] - mean;
    for (let exponent = 0, power = 1; exponent <= seats; exponent++, power *= deviation) sums[exponent] += power;
  }
  return { mean, subsets: subsetMeans(sums, size) };
}

// Newton's identities with C(N, k) divided out; 0 for k above the pool's size.
function subsetMeans(sums, size) {
  const means = new Float64Array(sums.length);
  means[0] = 1;
  for (let k = 1; k < sums.length && k <= size; k++) {
    let share = 1 / k;
    for (let i = 1; i <= k; i++) {
      share *= (k - i + 1) / (size - k + i);
      means[k] -= (i % 2 ? -1 : 1) * share * means[k - i] * sums[i];
    }
  }
  return means;
}

// P(k of n jurors vote for the event), Float64Array [k], by Horner's scheme in (z − 1).
function voteCounts({ mean, subsets }, seats) {
  const counts = new Float64Array(seats + 1);
  const choose = binomials(seats);
  counts[0] = subsets[seats];
  for (let k = seats - 1; k >= 0; k--) {
    for (let votes = seats; votes > 0; votes--) counts[votes] = counts[votes - 1] - counts[votes];
    counts[0] *= -1;
    const weight = choose[k] * subsets[k];
    if (weight === 0) continue;
    const ways = binomials(seats - k);
    for (let votes = 0; votes <= seats - k; votes++) {
      counts[votes] += weight * ways[votes] * mean ** votes * (1 - mean) ** (seats - k - votes);
    }
  }
  for (let votes = 0; votes <= seats; votes++) counts[votes] = Math.min(1, Math.max(0, counts[votes]));
  return counts;
}

const binomialRows = [];
function binomials(n) {
  if (!binomialRows[n]) {
    const row = new Float64Array(n + 1).fill(1);
    for (let k = 1; k <= n; k++) row[k] = (row[k - 1] * (n - k + 1)) / k;
    binomialRows[n] = row;
  }
  return binomialRows[n];
}

// Votes of independent pools together.
function convolved(one, other) {
  const both = new Float64Array(one.length + other.length - 1);
  for (let i = 0; i < one.length; i++) for (let j = 0; j < other.length; j++) both[i + j] += one[i] * other[j];
  return both;
}

// Verdict of a jury for each number of votes for the event: 1, −1 or 0 (undecided), [jurors + 1].
function outcomes({ rule, needed }, jurors) {
  const needs = {
    majority: Math.floor(jurors / 2) + 1,
    supermajority: Math.ceil((2 * jurors) / 3 - ROUNDING),
    unanimity: jurors,
  };
  return Array.from({ length: jurors + 1 }, (_, votes) => {
    if (rule === "at_least") return votes >= needed ? 1 : -1;
    return Number(votes >= needs[rule]) - Number(jurors - votes >= needs[rule]);
  });
}

const TIES = { hung: [0, 0], positive: [1, 0], negative: [0, 1], half: [0.5, 0.5] };

// Share of each number of votes that counts as positive, and as negative: [[jurors + 1], [jurors + 1]].
function shares(question, jurors) {
  const undecided = TIES[question.tie];
  const result = outcomes(question, jurors);
  return [1, -1].map((side, place) =>
    result.map((outcome) => (outcome === 0 ? undecided[place] : Number(outcome === side)))
  );
}

// {positive, negative, hung, outcome} of a distribution of votes; outcome: 1, −1 or 0, the one of probability above ½.
function verdictOf(counts, [forIt, againstIt]) {
  let positive = 0;
  let negative = 0;
  for (let votes = 0; votes < counts.length; votes++) {
    positive += counts[votes] * forIt[votes];
    negative += counts[votes] * againstIt[votes];
  }
  positive = Math.min(1, positive);
  negative = Math.min(1, negative);
  const outcome = Number(positive > 0.5 + ROUNDING) - Number(negative > 0.5 + ROUNDING);
  return { positive, negative, hung: Math.max(0, 1 - positive - negative), outcome };
}
