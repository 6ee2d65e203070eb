"""How many jurors drawn from a pool vote for the event: exact distributions, without simulating a jury.

Let b_a be the probability that person a votes for the event, and n jurors be drawn from a pool of N without
replacement. The number K of positive votes has the generating function

    E[z^K] = mean over juries J of  Π_{a in J} (1 − b_a + b_a z)
           = Σ_k C(n, k) ē_k (z − 1)^k (1 − b̄ + b̄ z)^(n − k),

with b̄ the pool's mean and ē_k the mean over k-subsets of Π (b_a − b̄): elementary symmetric means, which Newton's
identities give from power sums. The first term is the binomial distribution of a draw with replacement; the others
correct it and vanish as the pool grows (ē_1 = 0, ē_2 ≈ −variance / N). Everything is computed from `seats` power sums
per item and pool, whatever the pool's size. The distribution for fewer seats follows from that for more: a juror who
leaves at random takes a positive vote with them with probability K / n. For many seats, where the differences in the
sum lose digits, juries are built up person by person instead.
"""

from collections.abc import Iterator

import numpy as np

from perspectives.juries.jury_distribution import jury_distribution, one_more

MOST_SEATS_BY_MOMENTS = 20  # worst error of a probability: 7e-15 at 12 seats, 4e-13 at 20, and growing
CHUNK_BYTES = 64_000_000


def count_distributions(
    votes: np.ndarray, pools: np.ndarray, seats: int, replacement: bool = False, present: np.ndarray | None = None
) -> np.ndarray:
    """P(k of n jurors vote for the event), float64 [item, pool, n, k] with n and k from 0 to `seats`.

    votes: probability of a vote for the event, 0..1, float [item, annotator]. pools: bool [pool, annotator].
    present: bool [item, annotator], who can be drawn for an item; None for everyone. With replacement it may be
    float: how likely each is drawn relative to the others.
    Rows sum to 1; they are nan where the pool has fewer than n people (with replacement: none, unless n is 0).
    """
    counts = np.zeros((len(votes), len(pools), seats + 1, seats + 1))
    for position, pool in enumerate(pools):
        members = np.flatnonzero(pool)
        for rows in chunks(len(votes), 8 * (len(members) + (seats + 1) ** 2)):
            inside = None if present is None else present[np.ix_(rows, members)]
            counts[rows, position] = _of_pool(votes[np.ix_(rows, members)].astype(float), inside, seats, replacement)
    return counts


def chunks(rows: int, bytes_per_row: int) -> Iterator[np.ndarray]:
    """Consecutive row numbers, as many at a time as the memory budget allows."""
    step = max(1, CHUNK_BYTES // max(bytes_per_row, 1))
    for start in range(0, rows, step):
        yield np.arange(start, min(start + step, rows))


def _of_pool(votes: np.ndarray, present: np.ndarray | None, seats: int, replacement: bool) -> np.ndarray:
    """`count_distributions` of one pool, [item, n, k]; votes: [item, member]."""
    size = np.full(len(votes), votes.shape[1]) if present is None else present.sum(1)
    if present is not None:
        votes = votes * present
    mean = votes.sum(1) / np.where(size > 0, size, 1)
    if replacement:
        counts = np.stack([binomial(n, mean, seats + 1) for n in range(seats + 1)], 1)
        counts[size == 0, 1:] = np.nan
        return counts
    if seats > MOST_SEATS_BY_MOMENTS:
        return _person_by_person(votes, present, seats)
    deviations = votes - mean[:, None]
    if present is not None:
        deviations *= present
    products = subset_means(_power_sums(deviations, seats), size)
    counts = np.full((len(votes), seats + 1, seats + 1), np.nan)
    top = np.minimum(size, seats)
    for most in np.unique(top):
        rows = top == most
        counts[rows, most] = 0
        counts[rows, most, : most + 1] = _from_subset_means(products[rows], mean[rows], most)
        _fewer_seats(counts, rows, most)
    return counts


def _power_sums(deviations: np.ndarray, highest: int) -> np.ndarray:
    """Σ_a d_a^j for j from 0 to highest, [item, j]."""
    sums = np.empty((len(deviations), highest + 1))
    power = np.ones_like(deviations)
    for exponent in range(highest + 1):
        sums[:, exponent] = power.sum(1)
        power *= deviations
    return sums


def subset_means(power_sums: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Mean product over all k-subsets of a pool, [item, k], 0 for k above the pool's size.

    power_sums: Σ_a d_a^j, [item, j]. size: of the pool, [item]. Newton's identities k e_k = Σ_i ± e_(k−i) p_i, with
    e_k = C(N, k) ē_k divided out, so that nothing overflows.
    """
    means = np.zeros_like(power_sums)
    means[:, 0] = 1
    for k in range(1, power_sums.shape[1]):
        share = np.full(len(size), 1 / k)  # C(N, k − i) / C(N, k) / k, step by step
        possible = size >= k
        for i in range(1, k + 1):
            share *= (k - i + 1) / np.where(possible, size - k + i, 1)
            means[:, k] -= (-1) ** i * share * means[:, k - i] * power_sums[:, i]
        means[~possible, k] = 0
    return means


def _from_subset_means(means: np.ndarray, centre: np.ndarray, seats: int) -> np.ndarray:
    """Coefficients of Σ_k C(n, k) ē_k (z − 1)^k (1 − b̄ + b̄ z)^(n − k), [item, n + 1], by Horner's scheme."""
    choose = binomials(seats)
    counts = np.zeros((len(means), seats + 1))
    counts[:, 0] = means[:, seats]
    for k in range(seats - 1, -1, -1):
        counts[:, 1:] = counts[:, :-1] - counts[:, 1:]
        counts[:, 0] *= -1
        counts += (choose[k] * means[:, k])[:, None] * binomial(seats - k, centre, seats + 1)
    return np.clip(counts, 0, 1)


def _fewer_seats(counts: np.ndarray, rows: np.ndarray, most: int) -> None:
    """Fill in n < most in place: of n jurors, one leaves at random."""
    votes = np.arange(counts.shape[2] - 1)
    for n in range(most, 0, -1):
        more = counts[rows, n]
        fewer = np.zeros_like(more)
        fewer[:, :-1] = (np.maximum(n - votes, 0) * more[:, :-1] + (votes + 1) * more[:, 1:]) / n
        counts[rows, n - 1] = fewer


def _person_by_person(votes: np.ndarray, present: np.ndarray | None, seats: int) -> np.ndarray:
    start = np.zeros((len(votes), 1, seats + 1))
    start[:, 0, 0] = 1
    return jury_distribution(start, np.stack([1 - votes, votes], -1), seats, one_more, present=present)


def binomial(draws: int, chance: np.ndarray, length: int) -> np.ndarray:
    """P(k successes in `draws`), float64 [item, length], zero beyond k = draws; chance: [item]."""
    result = np.zeros((len(chance), length))
    k = np.arange(draws + 1)
    result[:, : draws + 1] = binomials(draws) * chance[:, None] ** k * (1 - chance[:, None]) ** (draws - k)
    return result


def binomials(n: int) -> np.ndarray:
    """C(n, k) for k from 0 to n, float64."""
    row = np.ones(n + 1)
    for k in range(1, n + 1):
        row[k] = row[k - 1] * (n - k + 1) / k
    return row


def named_counts(chances: np.ndarray) -> np.ndarray:
    """P(k votes for the event) of a jury of named people, float64 [juror + 1]; chances: of their votes, [juror]."""
    counts = np.ones(1)
    for chance in chances:
        counts = np.convolve(counts, [1 - chance, chance])
    return counts


def expected(tables: np.ndarray, seats: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Expected values of functions of a jury's sum over its pools, float64 [function, item, way].

    tables: distribution of the sum of n people from a pool, [item, pool, n, sum]. seats: [way, pool].
    values: of the functions at each possible sum, [function, sum].
    """
    length = values.shape[1]
    # Σ_s values[s] P(s) in Fourier space: the transforms of the pools' distributions multiply. Of real input, half.
    twice = np.where((np.arange(length // 2 + 1) > 0) & (2 * np.arange(length // 2 + 1) != length), 2, 1)
    spectrum = np.conj(np.fft.rfft(values)) * twice / length
    result = np.empty((len(values), len(tables), len(seats)))
    for rows in chunks(len(tables), 32 * len(seats) * len(twice)):
        transforms = np.fft.rfft(tables[rows], length, axis=-1)
        product = transforms[:, 0][:, seats[:, 0]]
        for pool in range(1, tables.shape[1]):
            product *= transforms[:, pool][:, seats[:, pool]]
        result[:, rows] = np.moveaxis((product @ spectrum.T).real, -1, 0)
    return result
