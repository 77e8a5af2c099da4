"""Intervals against tables and formulas; detection rates on planted data."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from repeated import shares
from robustgen.detect import rates
from robustgen.stats import bootstrap, intervals
from robustgen.stats.intervals import Interval

settings.load_profile("ci")  # no deadline, same examples in every run

# --- shares and means -----------------------------------------------------------------------------

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts)
def test_clopper_pearson_is_that_of_statsmodels(count: tuple[int, int]) -> None:
    from statsmodels.stats.proportion import proportion_confint

    found = intervals.share(*count)
    assert found.value == count[0] / count[1]
    assert found[1:] == pytest.approx(
        proportion_confint(*count, alpha=0.05, method="beta"), abs=1e-9
    )


@pytest.mark.parametrize("n", [1, 5, 300])
def test_clopper_pearson_at_none_and_all_has_its_closed_form(n: int) -> None:
    bound = 1 - 0.025 ** (1 / n)  # P(no hit | bound) = 2.5 %
    assert intervals.share(0, n) == pytest.approx((0.0, 0.0, bound))
    assert intervals.share(n, n) == pytest.approx((1.0, 1 - bound, 1.0))


def test_hits_that_are_means_over_draws_may_be_off_by_rounding() -> None:
    thirds = sum([1 / 3] * 3 * 7) * (1 + 1e-15)
    assert thirds > 7
    assert intervals.share(thirds, 7)[1:] == pytest.approx(intervals.share(7, 7)[1:])


@pytest.mark.parametrize("p", [0.0, 0.02, 0.37, 1.0])
def test_clopper_pearson_covers_at_least_its_level(p: float) -> None:
    n = 40
    covers = [
        found.low <= p <= found.high for found in (intervals.share(k, n) for k in range(n + 1))
    ]
    assert float(np.sum(stats.binom.pmf(range(n + 1), n, p) * covers)) >= 0.95


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30).filter(
        lambda values: np.std(values) > 1e-3
    )
)
def test_students_interval_is_scipys(values: list[float]) -> None:
    found = intervals.mean(values)
    low, high = stats.t.interval(
        0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
    )
    assert found == pytest.approx((np.mean(values), low, high), rel=1e-9, abs=1e-9)


def test_of_a_single_value_nothing_is_known_of_the_spread() -> None:
    assert intervals.mean([3.0]) == (3.0, -math.inf, math.inf)


def test_one_repetition_keeps_its_interval_over_images() -> None:
    one = Interval(0.5, 0.4, 0.6)
    assert intervals.over_seeds([one]) == (one, "images")


def test_several_repetitions_give_students_interval_over_their_values() -> None:
    found, over = intervals.over_seeds(
        [Interval(value, value - 0.01, value + 0.01) for value in (0.5, 0.6, 0.7)]
    )
    half = 4.302652729911275 * 0.1 / math.sqrt(3)  # t of two degrees of freedom
    assert over.startswith("3 seeds (of shares Korn and Graubard's, else Student's")
    assert found == pytest.approx((0.6, 0.6 - half, 0.6 + half))


def test_several_repetitions_know_no_more_than_the_images_of_one() -> None:
    found, _ = intervals.over_seeds(
        [Interval(value, value - 0.3, value + 0.2) for value in (0.5, 0.5, 0.5)]
    )
    assert found == pytest.approx((0.5, 0.2, 0.7))


@pytest.mark.parametrize(("make", "least"), [(intervals.Rate, 0.0), (intervals.Difference, -1.0)])
def test_what_lies_within_bounds_stays_there(make: type[Interval], least: float) -> None:
    found, _ = intervals.over_seeds([make(1.0, 0.9, 1.0), make(least, least, least + 0.1)])
    assert (found.low, found.high) == (least, 1.0)


@given(
    st.integers(2, 300).flatmap(
        lambda n: st.tuples(st.lists(st.integers(0, n), min_size=2, max_size=6), st.just(n))
    )
)
def test_shares_over_seeds_lie_within_0_and_1_around_their_mean(
    drawn: tuple[list[int], int],
) -> None:
    found = shares(*drawn[0], n=drawn[1])
    assert found.value == pytest.approx(np.mean(drawn[0]) / drawn[1])
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@given(counts, st.integers(2, 5))
def test_seeds_that_agree_are_as_sure_as_the_images_of_one_and_no_surer_than_all_together(
    count: tuple[int, int], seeds: int
) -> None:
    hits, n = count
    found, one, pooled = (
        shares(*[hits] * seeds, n=n),
        intervals.share(hits, n),
        intervals.share(seeds * hits, seeds * n),
    )
    assert found == pytest.approx(one, abs=1e-9)
    assert found.low <= pooled.low + 1e-9
    assert found.high >= pooled.high - 1e-9


def test_three_times_100_percent_is_no_certainty_and_500_499_496_stay_below_100_percent() -> None:
    assert shares(500, 500, 500, n=500).low == pytest.approx(0.025 ** (1 / 500))
    close = shares(500, 499, 496, n=500)
    assert close.high < 1
    assert close.low < 0.98


def test_seeds_that_differ_much_have_korn_and_graubards_interval() -> None:
    """Their rule by hand: 0.5 +- 0.1 over three seeds is worth p (1 - p) / (0.01 / 3) = 75 images,
    less Student's quantiles.
    """
    images = 75 * (stats.t.ppf(0.975, 99) / stats.t.ppf(0.975, 2)) ** 2
    low, high = (
        stats.beta.ppf(q, 0.5 * images + a, 0.5 * images + 1 - a)
        for q, a in ((0.025, 0), (0.975, 1))
    )
    assert shares(40, 50, 60, n=100) == pytest.approx((0.5, low, high))


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(
    ("p", "spread"), [(0.5, 0.0), (0.98, 0.0), (0.5, 0.1), (0.9, 0.05), (0.05, 0.03)]
)
def test_shares_over_seeds_cover_the_truth(p: float, spread: float, seeds: int) -> None:
    """Nets draw their shares from a beta distribution of that mean and spread; 400 studies, whose
    misses of 5 % vary by 1.1 %.
    """
    generator, n, covered = np.random.default_rng(0), 200, 0
    size = p * (1 - p) / spread**2 - 1 if spread else None
    for _ in range(400):
        truths = generator.beta(p * size, (1 - p) * size, seeds) if size else np.full(seeds, p)
        found = shares(*generator.binomial(n, truths), n=n)
        covered += found.low <= p <= found.high
    assert covered / 400 >= 0.95 - 2 * 0.011


# --- DeLong ---------------------------------------------------------------------------------------


def psi(x: float, y: float) -> float:
    return 1.0 if x > y else 0.5 if x == y else 0.0


def delong(attacked: list[float], clean: list[float]) -> tuple[float, float]:
    """(AUROC, its variance) by the double loops of DeLong, DeLong and Clarke-Pearson (1988)."""
    m, n = len(attacked), len(clean)
    area = sum(psi(x, y) for x in attacked for y in clean) / (m * n)
    v10 = [sum(psi(x, y) for y in clean) / n for x in attacked]
    v01 = [sum(psi(x, y) for x in attacked) / m for y in clean]
    s10 = sum((v - area) ** 2 for v in v10) / (m - 1)
    s01 = sum((v - area) ** 2 for v in v01) / (n - 1)
    return area, s10 / m + s01 / n


scores = st.lists(st.integers(-5, 5).map(float) | st.floats(-5, 5), min_size=2, max_size=20)


@given(scores, scores)
def test_delong_is_the_double_loop(attacked: list[float], clean: list[float]) -> None:
    area, variance = delong(attacked, clean)
    found = intervals.auroc(np.array(attacked), np.array(clean))
    assert found.value == pytest.approx(area)
    if variance > 1e-12:
        half = 1.959963984540054 * math.sqrt(variance)
        assert found[1:] == pytest.approx((max(0, area - half), min(1, area + half)), abs=1e-9)


def test_delong_covers_the_true_area_of_two_normals() -> None:
    generator = np.random.default_rng(0)
    truth, covered = stats.norm.cdf(1 / math.sqrt(2)), 0
    for _ in range(600):
        found = intervals.auroc(generator.normal(1, 1, 60), generator.normal(0, 1, 80))
        covered += found.low <= truth <= found.high
    assert 0.925 <= covered / 600 <= 0.975


def test_perfect_separation_is_not_certainty() -> None:
    found = intervals.auroc(np.arange(10.0, 30.0), np.arange(0.0, 5.0))
    assert found == pytest.approx(intervals.share(5, 5))
    assert intervals.auroc(np.arange(5.0), np.arange(10.0, 30.0)) == pytest.approx(
        intervals.share(0, 5)
    )


# --- differences and the bootstrap ----------------------------------------------------------------


def paired(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    cells = np.repeat([0, 1, 2, 3], [both, first, second, neither])
    return np.isin(cells, [0, 1]), np.isin(cells, [0, 2])


@given(*[st.integers(0, 60)] * 4)
def test_the_paired_difference_is_that_of_agresti_and_min(
    both: int, first: int, second: int, neither: int
) -> None:
    """Wald's interval of the multinomial difference with half a pair in each cell, its variance by
    the covariance matrix.
    """
    if both + first + second + neither == 0:
        return
    n = both + first + second + neither + 2
    p = np.array([both, first, second, neither], dtype=float) / n + 0.5 / n
    contrast = np.array([0, 1, -1, 0])
    variance = contrast @ (np.diag(p) - np.outer(p, p)) @ contrast / n
    centre, half = contrast @ p, 1.959963984540054 * math.sqrt(variance)
    found = intervals.paired_share_difference(*paired(both, first, second, neither))
    assert found.value == pytest.approx((first - second) / (n - 2))
    assert found[1:] == pytest.approx((max(-1, centre - half), min(1, centre + half)))


def test_the_paired_difference_by_hand() -> None:
    found = intervals.paired_share_difference(*paired(60, 20, 5, 13))
    half = 1.959963984540054 * math.sqrt(26 - 15**2 / 100) / 100
    assert found == pytest.approx((15 / 98, 0.15 - half, 0.15 + half))


def test_no_discordant_pair_is_not_certainty() -> None:
    found = intervals.paired_share_difference(*paired(30, 0, 0, 30))
    assert found.value == 0
    assert found.low < 0 < found.high
    assert found.low == pytest.approx(-found.high)


def averages(sample: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda often: often @ sample / len(sample)


def one_by_one(statistic: Callable[..., float], *samples: np.ndarray) -> list[float]:
    """The bootstrap as it is told: draw each sample again, image by image, 200 times."""
    generator = np.random.Generator(np.random.PCG64(0))
    return [
        statistic(*(generator.choice(sample, len(sample)) for sample in samples))
        for _ in range(200)
    ]


def ends(value: float, drawn: list[float]) -> tuple[float, float, float]:
    return (value, *np.quantile(drawn, [0.025, 0.975]))


def test_the_bootstrap_depends_on_its_seed_and_on_nothing_else() -> None:
    sample = np.random.default_rng(3).normal(size=50)
    first, again, other = (
        bootstrap.bootstrap(averages(sample), 50, seed=seed) for seed in (0, 0, 1)
    )
    assert first == again
    assert first.value == other.value == pytest.approx(sample.mean())
    assert first != other


def test_the_bootstrap_of_a_mean_is_near_students_interval() -> None:
    sample = np.random.default_rng(3).normal(size=2000)
    found, expected = bootstrap.bootstrap(averages(sample), 2000), intervals.mean(sample)
    assert found == pytest.approx(expected, abs=0.01)


def test_counting_draws_is_drawing_them_one_by_one() -> None:
    one, other = np.random.default_rng(4).normal(size=(2, 30))
    other = other[:17]
    expected = one_by_one(lambda a, b: float(a.mean() / b.std()), one, other)

    def ratio(often: np.ndarray, others: np.ndarray) -> np.ndarray:
        mean = averages(other)(others)
        spread = np.sqrt(averages(other**2)(others) - mean**2)
        return averages(one)(often) / spread

    found = bootstrap.bootstrap(ratio, 30, 17)
    assert found == pytest.approx(ends(one.mean() / other.std(), expected), rel=1e-9)


def test_the_bootstrap_draws_pairs_together() -> None:
    sample = np.arange(20.0)
    found = bootstrap.bootstrap(
        lambda often: averages(2 * sample)(often) / averages(sample)(often), 20
    )
    assert found == pytest.approx((2.0, 2.0, 2.0))


@pytest.mark.parametrize("rate", [rates.average_precision, rates.fpr_at_tpr])
def test_rates_of_all_draws_at_once_are_those_of_each_draw(rate: Callable[..., float]) -> None:
    """Values with ties within and between the two samples."""
    generator = np.random.default_rng(6)
    attacked, clean = (generator.integers(0, 25, size).astype(float) for size in (40, 33))
    drawn = rates.flagged(attacked, clean, *bootstrap.resamples((40, 33)))
    at_once = {
        rates.average_precision: lambda: rates.average_precisions(*drawn),
        rates.fpr_at_tpr: lambda: rates.fprs_at_tpr(*drawn, n=33),
    }[rate]()
    assert at_once == pytest.approx(one_by_one(rate, attacked, clean), abs=1e-12)
