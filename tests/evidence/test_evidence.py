"""Published numbers, plain loops, arch and enumeration against the tests of luck.

Statistical tests draw from fixed seeds; their tolerance is five standard errors, that of a size
the interval which 99.9 % of all draws fall into. `benchmarks/evidence_size.py` has the large runs.
"""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from m2k_lessons import backtest, evidence, simulate, strategies
from m2k_lessons.evidence import TrackRecord, kernels, plain, snooping

LEVEL = 0.05
few_numbers = st.lists(st.integers(-50, 50), min_size=10, max_size=40).filter(
    lambda values: len(set(values)) > 1
)


def days(count, start="2031-01-06"):
    return pd.bdate_range(start, periods=count, name="time", tz="America/New_York")


def drawn(seed, rows, columns=None, scale=0.01):
    size = rows if columns is None else (rows, columns)
    return np.random.default_rng(seed).normal(0, scale, size)


def within_five_errors(hits, trials, chance):
    return abs(hits / trials - chance) <= 5 * math.sqrt(chance * (1 - chance) / trials)


def is_true_to_level(hits):
    low, high = stats.binom.ppf([0.0005, 0.9995], len(hits), LEVEL)
    return low <= sum(hits) <= high


# -------------------------------------------------------------------------- published numbers


@pytest.mark.parametrize(("trials", "expected"), [(100, 0.9004), (46, 0.9505)])
def test_deflated_sharpe_as_published(trials, expected):
    record = TrackRecord(2.5, n=1250, skew=-3, kurtosis=10, periods_per_year=250)
    test = evidence.deflated_sharpe(record, trials=trials, trial_variance=0.5)
    assert round(test.probability, 4) == expected
    assert test.p_value_adjusted == pytest.approx(1 - test.probability)
    if trials == 100:
        assert round(test.expected_best / math.sqrt(250), 4) == 0.1132


@pytest.mark.parametrize(("per_year", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_minimum_track_record_as_published(per_year, years):
    record = TrackRecord(2.0, n=60, periods_per_year=per_year)
    test = evidence.minimum_track_record(record, 1.0, trials=1)
    assert round(test.years, 2) == years
    assert test.returns_needed == pytest.approx(test.years * per_year)


def test_minimum_backtest_length_as_published():
    test = evidence.minimum_backtest_length(45)
    assert round(test.years, 1) == 5.0
    assert evidence.minimum_backtest_length(45, 2.0).years == pytest.approx(test.years / 4)
    assert evidence.minimum_backtest_length(1).years == 0


def test_sixteen_blocks_make_12870_splits():
    test = evidence.probability_of_backtest_overfitting(drawn(1, 64, 4), trials=4)
    assert len(test.splits) == 12_870


def test_plain_python_draws_what_compiled_code_draws():
    def both(kernel, *arguments, out):
        found = []
        quick = getattr(plain, kernel.__name__, None)  # without compiled code, where it is slow
        for function in filter(None, (kernel, getattr(kernel, "py_func", kernel), quick)):
            filled = [np.full_like(one, -1) for one in out]
            rng = [np.random.default_rng(1) if one is None else one for one in arguments]
            function(*rng, *filled)
            # The next numbers are the same, too: as many were drawn.
            filled += [one.random(1) for one in rng if isinstance(one, np.random.Generator)]
            found.append(filled)
        return [(found[0][k], other[k]) for other in found[1:] for k in range(len(found[0]))]

    high, low = np.arange(40) * 7 % 23 + 3, np.arange(40) * 7 % 23
    rows = np.arange(38)
    level = (high[:38] + low[:38]) // 2
    for compiled, same in [
        *both(kernels.shuffle_rows, drawn(1, 30), None, out=[np.empty((9, 30))]),
        *both(kernels.count_draws, None, 0.2, out=[np.empty((9, 30))]),
        *both(kernels.count_draws, None, 1.0, out=[np.empty((9, 30))]),
        *both(kernels.count_draws, None, 0.01, out=[np.empty((9, 30))]),
        *both(kernels.first_barrier, high, low, level + 9, level - 9, rows, 5, out=[rows, rows]),
    ]:
        assert (compiled == same).all()
        assert (compiled != -1).all()


# -------------------------------------------------------------------------------- permutation


def test_shuffles_are_permutations_and_all_are_equally_likely():
    out = np.empty((24_000, 4))
    kernels.shuffle_rows(np.arange(4.0), np.random.default_rng(1), out)
    _, counts = np.unique(out, axis=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-4


def test_permutations_against_enumeration():
    returns = np.array([3.0, -1, 4, 1, -5, 9, -2, 6, -5, 3])
    position = np.array([1.0, 0, 1, 0, 0, 1, 0, 0, 0, 1])
    observed = position @ returns
    sums = [sum(chosen) for chosen in itertools.combinations(returns, 4)]
    exact = np.mean([one >= observed for one in sums])
    count = 50_000
    test = evidence.permutation_test(position, returns, trials=1, permutations=count)
    assert within_five_errors(test.p_value * count, count, exact)
    assert test.p_value == test.p_value_adjusted
    assert test.mean == pytest.approx(observed / 10 - position.mean() * returns.mean())


def test_best_of_two_against_enumeration():
    returns = np.array([3.0, -1, 4, 1, -5, 9, -2, 6, -5, 3, 2, 0])
    first, second = np.zeros(12), np.zeros(12)
    first[[0, 2]], second[[5, 7]] = 1, 1
    both = np.column_stack([first, second])
    apart = returns - returns.mean()
    observed = max(first @ apart, second @ apart)
    best = [
        max(apart[[a, b]].sum(), apart[[c, d]].sum())
        for a, b, c, d in itertools.permutations(range(12), 4)
    ]
    exact = np.mean(np.array(best) >= observed - 1e-9)
    count = 50_000
    test = evidence.permutation_test(both, returns, trials=2, permutations=count)
    assert within_five_errors(test.p_value_adjusted * count, count, exact)
    assert test.best == 1
    assert test.p_value < test.p_value_adjusted


@settings(max_examples=30, deadline=None)
@given(few_numbers, st.integers(0, 99), st.integers(-20, 20), st.integers(1, 9))
def test_trend_and_scale_of_the_market_give_no_credit(values, seed, drift, scale):
    returns = np.array(values, float)
    position = np.random.default_rng(seed).integers(-1, 2, len(values)).astype(float)
    position[:2] = 0, 1
    given_ = {"trials": 5, "permutations": 99, "seed": seed}
    plain = evidence.permutation_test(position, returns, **given_)
    other = evidence.permutation_test(position * 2, scale * returns + drift, **given_)
    assert other.p_value == plain.p_value
    assert other.p_value_adjusted == pytest.approx(1 - (1 - plain.p_value) ** 5)


def test_copies_of_one_rule_are_one_trial_when_their_columns_are_given():
    position, returns = drawn(1, 200), drawn(2, 200)
    copies = pd.DataFrame(np.column_stack([position] * 7))
    every = evidence.permutation_test(copies, pd.Series(returns), trials=7, permutations=199)
    single = evidence.permutation_test(position, returns, trials=1, permutations=199)
    assert every.p_value_adjusted == every.p_value == single.p_value
    assert every.permuted == pytest.approx(single.permuted)


def test_permutation_sees_an_edge_and_little_more_than_five_in_a_hundred_without():
    hits, seen = [], []
    for number in range(400):
        rng = np.random.default_rng(number)
        position, returns = rng.choice([-1.0, 1.0], 120), rng.normal(0, 0.01, 120)
        given_ = {"trials": 1, "permutations": 99, "seed": number}
        hits.append(evidence.permutation_test(position, returns, **given_).p_value <= LEVEL)
        edge = returns + 0.003 * position
        seen.append(evidence.permutation_test(position, edge, **given_).p_value <= LEVEL)
    assert is_true_to_level(hits)
    assert np.mean(seen) > 0.85  # 3.3 standard errors of the mean above zero


# ---------------------------------------------------------------------------------- bootstrap


@pytest.mark.parametrize("length", [1.0, 3.0, 20.0])
def test_resamples_are_whole_and_their_blocks_as_long_as_told(length):
    rows = 200
    counts = np.empty((2_000, rows))
    kernels.count_draws(np.random.default_rng(1), 1 / length, counts)
    assert (counts.sum(axis=1) == rows).all()
    # Each row is drawn once on average, and the variance of means is that of the theory.
    assert np.abs(counts.mean(axis=0) - 1).max() < 5 * counts.std() / math.sqrt(2_000)
    series = np.cumsum(drawn(1, rows))
    series -= series.mean()
    theory = snooping._long_run_variance(series[:, None], length)[0]
    found = (counts @ series / rows).var() * rows
    assert found == pytest.approx(theory, rel=0.16)  # a variance of 2,000: 3 % standard error


def test_bootstrap_against_arch():
    from arch.bootstrap import StationaryBootstrap

    rng = np.random.default_rng(1)
    returns = 0.0005 + 0.01 * rng.standard_t(5, 600)
    ours = evidence.bootstrap_sharpe(returns, trials=1, block_length=8, resamples=4_000)

    def sharpe(values):
        return values.mean() / values.std(ddof=1) * math.sqrt(252)

    theirs = StationaryBootstrap(8, returns, seed=2).apply(sharpe, 2_000)[:, 0]
    assert ours.resampled.std() == pytest.approx(theirs.std(), rel=0.09)
    assert ours.resampled.mean() == pytest.approx(theirs.mean(), abs=5 * theirs.std() / 44)
    assert ours.low == pytest.approx(np.quantile(theirs, 0.025), abs=0.2 * theirs.std())
    assert ours.high == pytest.approx(np.quantile(theirs, 0.975), abs=0.2 * theirs.std())
    assert ours.sharpe == pytest.approx(sharpe(returns))


def test_interval_and_p_value_agree_and_follow_the_sign():
    returns = drawn(3, 500) + 0.001
    up = evidence.bootstrap_sharpe(returns, trials=1, resamples=999)
    down = evidence.bootstrap_sharpe(-returns, trials=1, resamples=999)
    assert down.resampled == pytest.approx(-up.resampled)
    assert (up.low > 0) == (up.p_value <= 0.025)
    wide = evidence.bootstrap_sharpe(returns, trials=1, resamples=999, confidence=0.99)
    assert wide.low < up.low < up.high < wide.high


def test_interval_holds_the_truth_as_often_as_it_says():
    held = []
    for number in range(300):
        returns = np.random.default_rng(number).normal(0.001, 0.01, 250)
        test = evidence.bootstrap_sharpe(returns, trials=1, resamples=199, seed=number)
        held.append(test.low <= 0.1 * math.sqrt(252) <= test.high)
    assert 0.89 <= np.mean(held) <= 0.98


def test_a_strategy_that_hardly_ever_trades_has_resamples_without_a_trade():
    returns = np.zeros(60)
    returns[7] = 0.01
    test = evidence.bootstrap_sharpe(returns, trials=1, block_length=1, resamples=999)
    assert 0.3 < (test.resampled == 0).mean() < 0.45  # (59 / 60) ** 60 is 0.365
    assert np.isfinite(test.resampled).all()


# ---------------------------------------------------------------------- reality check and SPA


@pytest.fixture
def archs_resamples(monkeypatch):
    """Make both tests use the very resamples that arch draws."""
    from arch.bootstrap import StationaryBootstrap

    def means(table, length, resamples, seed):
        draws = StationaryBootstrap(int(length), table, seed=seed).bootstrap(resamples)
        return np.array([found[0][0].mean(axis=0) for found in draws])

    monkeypatch.setattr(snooping, "resampled_means", means)


def losses_and_luck(seed, rows=200):
    table = drawn(seed, rows, 8)
    table[:, 5:] *= 3
    table[:, 2] -= 0.004
    table[:, 4] += 0.001
    return table


def without_the_extra_one(p_value, resamples):
    """arch divides the exceedances alone by the resamples."""
    return (p_value * (resamples + 1) - 1) / resamples


@pytest.mark.parametrize("seed", range(4))
def test_reality_check_against_arch(archs_resamples, seed):
    from arch.bootstrap import RealityCheck

    table = losses_and_luck(seed)
    peer = RealityCheck(np.zeros(200), -table, block_size=6, reps=300, seed=seed)
    peer.compute()
    ours = evidence.reality_check(table, trials=8, block_length=6, resamples=300, seed=seed)
    found = without_the_extra_one(ours.p_value_adjusted, 300)
    assert found == pytest.approx(peer.pvalues["upper"], abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_spa_against_arch(archs_resamples, seed):
    from arch.bootstrap import SPA

    table = losses_and_luck(seed)
    ours = evidence.spa_test(table, trials=8, block_length=6, resamples=300, seed=seed)
    peer = SPA(np.zeros(200), -table, block_size=6, reps=10, seed=seed)
    peer.compute()
    variance = snooping._long_run_variance(table - table.mean(axis=0), 6.0)
    assert variance == pytest.approx(peer._loss_diff_var)
    # arch 8 centres by Hansen's rule but divides no mean by its deviation: it is done for it.
    peer = SPA(np.zeros(200), -table / np.sqrt(variance), block_size=6, reps=300, seed=seed)
    peer.compute()
    found = [ours.p_value_lower, ours.p_value_adjusted, ours.p_value_upper]
    found = [without_the_extra_one(one, 300) for one in found]
    assert found == pytest.approx(peer.pvalues.tolist(), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.floats(0.001, 1000))
def test_spa_keeps_its_order_and_no_strategy_sets_the_scale(seed, columns, scale):
    table = drawn(seed, 60, columns)
    given_ = {"trials": columns, "resamples": 99, "seed": seed}
    test = evidence.spa_test(table, **given_)
    assert 0 < test.p_value_lower <= test.p_value_adjusted <= test.p_value_upper <= 1
    table[:, 0] *= scale
    other = evidence.spa_test(table, **given_)
    assert other.p_value_adjusted == test.p_value_adjusted
    assert other.best == test.best


def test_losers_shield_the_winner_from_the_reality_check_only():
    table = drawn(5, 500, 30, 0.03)
    table[:, 0] = drawn(6, 500) + 0.0012
    table[:, 1:] -= 0.01  # wild and losing
    check = evidence.reality_check(table, trials=30, resamples=499)
    spa = evidence.spa_test(table, trials=30, resamples=499)
    assert spa.p_value_adjusted < 0.02 < 0.1 < check.p_value_adjusted
    assert spa.best == check.best == 0
    assert spa.p_value_upper > spa.p_value_adjusted


def test_reality_check_and_spa_are_true_to_their_level():
    checks, spas = [], []
    for number in range(300):
        table = drawn(number, 100, 6)
        given_ = {"trials": 6, "resamples": 99, "seed": number, "block_length": 2}
        checks.append(evidence.reality_check(table, **given_).p_value_adjusted <= LEVEL)
        spas.append(evidence.spa_test(table, **given_).p_value_adjusted <= LEVEL)
    assert is_true_to_level(checks)
    assert is_true_to_level(spas)


def test_benchmark_is_taken_off_row_by_row():
    table = pd.DataFrame(drawn(1, 300, 5), days(300), list("abcde"))
    level = pd.Series(drawn(2, 300), table.index)
    for test in (evidence.reality_check, evidence.spa_test):
        plain = test(table.sub(level, axis=0), trials=5, resamples=199)
        against = test(table, trials=5, benchmark=level, resamples=199)
        assert against.p_value_adjusted == plain.p_value_adjusted
        assert against.best == plain.best
        assert against.period == "300 returns, 2031-01-06 to 2032-02-27"
        by_number = test(table, trials=5, benchmark=0.001, resamples=199)
        assert by_number.statistic < test(table, trials=5, resamples=199).statistic


def test_a_strategy_that_never_traded_is_no_winner():
    table = drawn(1, 200, 3) - 0.003
    table[:, 1] = 0.0
    test = evidence.spa_test(table, trials=3, resamples=99)
    assert test.best == 1
    assert test.p_value_adjusted == 1.0
    assert test.statistic == 0


# ------------------------------------------------------------------------------ Sharpe ratios


@given(few_numbers)
def test_record_against_scipy(values):
    returns = np.array(values, float)
    record = evidence.track_record(returns, 52)
    assert record.n == len(values)
    assert record.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(52))
    assert record.skew == pytest.approx(stats.skew(returns), abs=1e-9)
    assert record.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False))
    assert record.per_period == pytest.approx(record.sharpe / math.sqrt(52))


def test_probabilistic_sharpe_against_its_formula():
    returns = drawn(1, 400) + 0.001
    sharpe = returns.mean() / returns.std(ddof=1)
    skew, kurtosis = stats.skew(returns), stats.kurtosis(returns)
    benchmark = 0.5 / math.sqrt(252)
    deviation = math.sqrt((1 - skew * sharpe + (kurtosis + 2) / 4 * sharpe**2) / 399)
    test = evidence.probabilistic_sharpe(returns, 0.5, trials=3)
    assert test.probability == pytest.approx(stats.norm.cdf((sharpe - benchmark) / deviation))
    assert test.p_value == pytest.approx(1 - test.probability)
    assert test.p_value_adjusted == pytest.approx(1 - test.probability**3)


def test_probability_is_uniform_where_the_benchmark_is_the_truth():
    found = [
        evidence.probabilistic_sharpe(
            np.random.default_rng(number).normal(0.001, 0.01, 250),
            0.1 * math.sqrt(252),
            trials=1,
        ).probability
        for number in range(500)
    ]
    assert stats.kstest(found, "uniform").pvalue > 1e-3


records = st.builds(
    lambda sharpe, n, skew, more: TrackRecord(sharpe, n, skew, 1 + skew**2 + more),
    st.floats(-3, 3),
    st.integers(20, 5_000),
    st.floats(-3, 3),
    st.floats(0.5, 20),
)


@given(records, st.integers(2, 10_000), st.floats(0.01, 2))
def test_more_trials_never_make_a_ratio_surer(record, trials, variance):
    one = evidence.deflated_sharpe(record, trials=trials, trial_variance=variance)
    more = evidence.deflated_sharpe(record, trials=trials + 1, trial_variance=variance)
    wider = evidence.deflated_sharpe(record, trials=trials, trial_variance=2 * variance)
    single = evidence.probabilistic_sharpe(record, trials=1)
    assert more.probability <= one.probability <= single.probability
    assert wider.probability <= one.probability


@given(records)
def test_a_single_trial_is_not_deflated(record):
    deflated = evidence.deflated_sharpe(record, trials=1)
    assert deflated.probability == evidence.probabilistic_sharpe(record, trials=1).probability
    assert deflated.expected_best == 0


@given(records, st.integers(1, 1_000), st.floats(0.6, 0.999))
def test_minimum_track_record_is_where_the_probability_is_reached(record, trials, confidence):
    test = evidence.minimum_track_record(record, 0.1, trials=trials, confidence=confidence)
    if record.sharpe <= 0.1:
        assert test.years == math.inf
        assert test.summary.startswith("Never")
        return
    # What probabilistic_sharpe computes, at that very length.
    deviation = math.sqrt(record._variance(record.per_period) / (test.returns_needed - 1))
    reached = stats.norm.cdf((record.per_period - 0.1 / math.sqrt(252)) / deviation)
    assert reached**trials == pytest.approx(confidence)
    assert test.summary.startswith("Long" if record.n >= test.returns_needed else "Too short")


@pytest.mark.parametrize("trials", [5, 100, 2_000])
def test_lucks_best_against_simulation(trials):
    best = np.random.default_rng(1).standard_normal((4_000, trials)).max(axis=1)
    expected = evidence.expected_best_sharpe(trials, 1.0)
    # The limit distribution is close, not exact: within 3 % from five trials on.
    assert expected == pytest.approx(best.mean(), rel=0.03, abs=5 * best.std() / math.sqrt(4_000))
    assert evidence.expected_best_sharpe(trials, 4.0) == pytest.approx(2 * expected)


def test_trials_by_their_ratios_are_counted_and_their_variance_taken():
    ratios = pd.Series([0.1, 0.9, -0.4, 0.2])
    returns = drawn(1, 300) + 0.001
    test = evidence.deflated_sharpe(returns, trials=ratios)
    by_number = evidence.deflated_sharpe(returns, trials=4, trial_variance=ratios.var())
    assert test.trials == 4
    assert test.probability == pytest.approx(by_number.probability)
    assert test.trial_variance == pytest.approx(ratios.var())


# -------------------------------------------------------------------------------- overfitting


def overfitting_by_hand(table, blocks):
    pieces = np.array_split(np.arange(len(table)), blocks)
    rows = []
    for half in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([pieces[one] for one in half])
        outside = np.concatenate([pieces[one] for one in range(blocks) if one not in half])
        ratios = [
            table[part].mean(axis=0) / table[part].std(axis=0, ddof=1) for part in (inside, outside)
        ]
        best = int(np.argmax(ratios[0]))
        rank = stats.rankdata(ratios[1])[best]
        rows.append((best, ratios[0][best], ratios[1][best], rank))
    return np.array(rows)


@pytest.mark.parametrize(("rows", "columns", "blocks"), [(40, 3, 4), (53, 6, 6), (100, 5, 8)])
def test_overfitting_against_a_plain_loop(rows, columns, blocks):
    table = drawn(rows, rows, columns)
    test = evidence.probability_of_backtest_overfitting(
        table, trials=columns, blocks=blocks, periods_per_year=1
    )
    expected = overfitting_by_hand(table, blocks)
    found = test.splits[["best", "in_sample", "out_of_sample", "rank"]].to_numpy(float)
    assert found == pytest.approx(expected)
    share = expected[:, 3] / (columns + 1)
    assert test.splits["logit"].to_numpy() == pytest.approx(np.log(share / (1 - share)))
    assert test.probability == np.mean(share <= 0.5)
    assert test.loss_probability == np.mean(expected[:, 2] < 0)


def test_overfitting_is_a_half_without_skill_and_none_with_it():
    found = [
        evidence.probability_of_backtest_overfitting(
            drawn(number, 200, 10), trials=10, blocks=6
        ).probability
        for number in range(200)
    ]
    assert abs(np.mean(found) - 0.5) < 3.29 * np.std(found) / math.sqrt(200)
    skill = drawn(1, 1_000, 10)
    skill[:, 4] += 0.003
    test = evidence.probability_of_backtest_overfitting(
        pd.DataFrame(skill, days(1_000), list("abcdefghij")), trials=10
    )
    assert test.probability < 0.01
    assert (test.splits["best"] == "e").mean() > 0.99


def test_overfitting_of_ties_and_of_strategies_without_a_trade():
    same = np.column_stack([drawn(1, 40)] * 3)
    test = evidence.probability_of_backtest_overfitting(same, trials=3, blocks=4)
    assert (test.splits["best"] == 0).all()
    assert (test.splits["rank"] == 2).all()
    idle = np.column_stack([np.zeros(40), drawn(1, 40) - 0.1])
    test = evidence.probability_of_backtest_overfitting(idle, trials=2, blocks=4)
    assert (test.splits["best"] == 0).all()
    assert (test.splits["out_of_sample"] == 0).all()
    assert test.probability == 0


# --------------------------------------------------------------------------------- the labels

CLOSES = [2400.0, 2404.0, 2411.0, 2399.0, 2398.0, 2398.0, 2398.0]
LABELS = [
    # entry, label, barrier, row of the end, points: by hand, 10 points either way, 2 bars
    (0, 1, "upper", 2, 10),
    (1, -1, "time", 3, -5),
    (2, -1, "lower", 3, -10),
    (3, -1, "time", 5, -1),
    (4, 0, "time", 6, 0),
]


def test_labels_by_hand():
    close = pd.Series(CLOSES, days(7))
    found = evidence.triple_barrier(close, 10, 10, 2)
    for row, label, barrier, end, points in LABELS:
        one = found.iloc[row]
        assert (one["label"], one["barrier"], one["points"]) == (label, barrier, points)
        assert one["end"] == close.index[end]
    assert found["barrier"].tolist()[5:] == ["unfinished", "unfinished"]
    assert found[["label", "end", "points"]].iloc[5:].isna().all(axis=None)
    pd.testing.assert_index_equal(found.index, close.index, check_freq=False)
    zero = evidence.triple_barrier(close, 10, 10, 2, at_time="zero")
    assert zero["label"].tolist()[:5] == [1, 0, -1, 0, 0]


def test_a_bar_that_reaches_both_barriers_is_a_loss():
    bars = pd.DataFrame(
        {"high": [2400.0, 2410.0], "low": [2400.0, 2390.0], "close": [2400.0, 2408.0]}, days(2)
    )
    found = evidence.triple_barrier(bars, 10, 10, 1).iloc[0]
    assert (found["label"], found["barrier"], found["points"]) == (-1, "lower", -10)
    above = evidence.triple_barrier(bars, 10, 10.1, 1).iloc[0]
    assert (above["label"], above["barrier"]) == (1, "upper")


def test_a_barrier_on_a_tick_is_touched_whatever_floats_say():
    close = pd.Series([2400.3, 2400.6])
    assert 2400.3 + 0.3 > 2400.6
    assert evidence.triple_barrier(close, 0.3, 5, 1)["barrier"].iloc[0] == "upper"


def label_by_hand(close, high, low, entry, upper, lower, horizon):
    for bar in range(entry + 1, min(entry + horizon, len(close) - 1) + 1):
        if low[bar] <= close[entry] - lower:
            return "lower", bar
        if high[bar] >= close[entry] + upper:
            return "upper", bar
    return ("time", entry + horizon) if entry + horizon < len(close) else ("unfinished", None)


whole_bars = st.lists(
    st.tuples(st.integers(90, 110), st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=40
)


@given(whole_bars, st.integers(1, 12), st.integers(1, 12), st.integers(1, 10), st.data())
def test_labels_against_a_plain_loop_and_without_the_future(given_, upper, lower, horizon, data):
    close = pd.Series([float(one[0]) for one in given_])
    bars = pd.DataFrame(
        {
            "high": close + [one[1] for one in given_],
            "low": close - [one[2] for one in given_],
            "close": close,
        }
    )
    found = evidence.triple_barrier(bars, upper, lower, horizon)
    columns = [bars[name].tolist() for name in ("close", "high", "low")]
    for entry in range(len(close)):
        barrier, end = label_by_hand(*columns, entry, upper, lower, horizon)
        assert found["barrier"].iloc[entry] == barrier
        if end is not None:
            assert found["end"].iloc[entry] == end
    # A label that is known stays what it is, whatever comes after its end.
    cut = data.draw(st.integers(1, len(close)))
    shorter = evidence.triple_barrier(bars.iloc[:cut], upper, lower, horizon)
    known = found[found["end"] < cut].loc[lambda frame: frame.index < cut]
    pd.testing.assert_frame_equal(shorter.loc[known.index], known, check_dtype=False)
    assert shorter.drop(known.index)["label"].isna().all()


def test_barriers_may_differ_from_entry_to_entry():
    close = pd.Series([100.0, 103, 100, 103, 100, 103], days(6))
    width = pd.Series([2.0, 2.0, 5.0, 5.0, np.nan, np.nan], close.index)
    found = evidence.triple_barrier(close, width, width, 2, entries=close.index[:4])
    assert found["barrier"].tolist() == ["upper", "lower", "time", "time"]
    with pytest.raises(ValueError, match="upper must be above 0 at every entry, got nan at 2031"):
        evidence.triple_barrier(close, width, 2.0, 2)


# ---------------------------------------------------------------------------------- the folds


@given(
    st.lists(st.integers(0, 3), min_size=20, max_size=60),
    st.integers(2, 4),
    st.floats(0, 0.1),
)
def test_no_training_label_shares_a_day_with_the_test(lengths, folds, embargo):
    starts = np.arange(len(lengths))
    ends = pd.Series(starts + lengths, starts)
    tested = []
    splits = list(evidence.purged_kfold(ends, folds, embargo=embargo).split(ends))
    for train, test in splits:
        first, last = test[0], ends.iloc[test].max()
        assert ((ends.to_numpy()[train] < first) | (starts[train] > last)).all()
        assert len(np.intersect1d(train, test)) == 0
        held_back = math.ceil(embargo * len(ends))
        after = train[train > test[-1]]
        assert (after > last + held_back).all()
        # Nothing is left out without need.
        purged = np.setdiff1d(starts, np.concatenate([train, test]))
        near = (ends.to_numpy()[purged] >= first) & (purged < first)
        near |= (purged > test[-1]) & (purged <= last + held_back)
        assert near.all()
        tested.append(test)
    assert np.concatenate(tested).tolist() == starts.tolist()


def test_folds_work_in_scikit_learn_and_take_away_what_leaks():
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    returns = pd.Series(drawn(4, 1_500), days(1_500))
    close = 2_000 * np.exp(returns.cumsum())
    labels = evidence.triple_barrier(close, 500, 500, 20).dropna()
    features = pd.DataFrame({"slow": close.rolling(20).mean(), "fast": close}).loc[labels.index]
    labels, features = labels[features.notna().all(axis=1)], features.dropna()
    model = KNeighborsClassifier(5)
    plain = cross_val_score(
        model, features, labels["label"], cv=KFold(5, shuffle=True, random_state=1)
    )
    folds = evidence.purged_kfold(labels["end"], 5, embargo=0.02)
    purged = cross_val_score(model, features, labels["label"], cv=folds)
    assert len(purged) == folds.get_n_splits() == 5
    assert plain.mean() > 0.65  # neighbours in time know the label
    assert purged.mean() < 0.57
    assert repr(folds) == f"PurgedKFold({len(labels):,} labels, n_splits=5, embargo=0.02)"


# ----------------------------------------------------------------------------------- in words


@pytest.fixture(scope="module")
def results():
    luck, skill = drawn(2, 500), drawn(2, 500) + 0.005
    columns = drawn(1, 500, 4)
    position = np.sign(drawn(4, 500))
    edge = 0.01 * position + drawn(5, 500)
    strong = columns.copy()
    strong[:, 1] += 0.005
    few = {"resamples": 199}
    return {
        "permutation": (
            evidence.permutation_test(position, luck, trials=10, permutations=199),
            evidence.permutation_test(position, edge, trials=1, permutations=199),
        ),
        "bootstrap": (
            evidence.bootstrap_sharpe(luck, trials=10, **few),
            evidence.bootstrap_sharpe(skill, trials=1, **few),
        ),
        "reality check": (
            evidence.reality_check(columns, trials=4, **few),
            evidence.reality_check(strong, trials=4, **few),
        ),
        "spa": (
            evidence.spa_test(columns, trials=4, **few),
            evidence.spa_test(strong, trials=4, **few),
        ),
        "probabilistic": (
            evidence.probabilistic_sharpe(luck, trials=10),
            evidence.probabilistic_sharpe(skill, trials=10),
        ),
    }


@pytest.mark.parametrize(
    "name", ["permutation", "bootstrap", "reality check", "spa", "probabilistic"]
)
def test_summaries_tell_luck_from_skill(results, name):
    luck, skill = results[name]
    assert luck.summary.startswith("Not shown: the best of")
    assert luck.summary.endswith("Luck is explanation enough.")
    assert skill.summary.startswith("Hard to explain by luck:")
    for result in (luck, skill):
        text = str(result)
        assert repr(result) == text
        assert result.summary in text
        assert f"From 500 returns; {result.trials} trial" in text
        assert all(assumption in text for assumption in result.assumptions)
        assert isinstance(result, evidence.TestResult)


def test_summaries_of_the_others():
    deflated = evidence.deflated_sharpe(drawn(1, 500), trials=20, trial_variance=0.5)
    assert deflated.summary.startswith("Not shown: after 20 trials, luck alone")
    sure = evidence.deflated_sharpe(drawn(1, 500) + 0.005, trials=20, trial_variance=0.5)
    assert sure.summary.startswith("More than luck: after 20 trials, luck alone")
    length = evidence.minimum_backtest_length(1_000)
    assert "the best of 1,000 trials is expected to show a Sharpe ratio above 1" in str(length)
    overfit = evidence.probability_of_backtest_overfitting(drawn(1, 100, 4), trials=4, blocks=4)
    assert overfit.summary.startswith("In ")
    assert "Choosing by backtest" in str(overfit)


# ------------------------------------------------------------------------------ from backtests


def test_returns_of_daily_and_of_minute_bars_have_the_sharpe_ratio_of_the_statistics():
    daily = simulate.daily(years=2, seed=7)["M2K"]
    minutes = simulate.intraday(days=12, seed=7)["M2K"]
    for bars in (daily, minutes):
        target = strategies.trend_following(bars["close"])
        result = backtest.run(bars, target, commission_usd=1)
        returns = evidence.strategy_returns(result)
        record = evidence.track_record(returns)
        assert record.sharpe == pytest.approx(result.stats["Sharpe Ratio"])
        final = result.capital * (1 + returns).prod()
        assert final == pytest.approx(result.equity["Equity"].iloc[-1])
    assert 10 <= len(returns) <= 14


# ------------------------------------------------------------------------------------ refusals

R = drawn(1, 50)
P = np.sign(R)
DATED = pd.Series(R, days(50))
HOLED = DATED.where(DATED.index != DATED.index[3])
TABLE = pd.DataFrame(drawn(1, 50, 3), days(50), list("abc"))
RECORD = TrackRecord(1.0, 500)
ENDS = pd.Series(days(50), days(50))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: evidence.permutation_test(P, R), "trials"),
        (lambda: evidence.bootstrap_sharpe(R), "trials"),
        (lambda: evidence.reality_check(TABLE), "trials"),
        (lambda: evidence.spa_test(TABLE), "trials"),
        (lambda: evidence.probabilistic_sharpe(R), "trials"),
        (lambda: evidence.deflated_sharpe(R), "trials"),
        (lambda: evidence.minimum_track_record(R), "trials"),
        (lambda: evidence.minimum_backtest_length(), "trials"),
        (lambda: evidence.probability_of_backtest_overfitting(TABLE), "trials"),
        (lambda: evidence.deflated_sharpe(R, trials=5), "trial_variance must be given beside"),
        (
            lambda: evidence.deflated_sharpe(R, trials=DATED, trial_variance=1.0),
            "trial_variance must be left out",
        ),
        (lambda: evidence.permutation_test(P.tolist(), R, trials=1), "position must be a Series"),
        (lambda: evidence.reality_check(R, trials=1), "returns must be a DataFrame"),
        (lambda: evidence.purged_kfold([1, 2]), "ends must be a Series"),
        (lambda: evidence.triple_barrier(CLOSES, 1, 1, 1), "prices must be a Series of closes"),
        (lambda: evidence.triple_barrier(DATED, 1, 1, 1, entries=[1]), "entries must be an Index"),
        (lambda: evidence.strategy_returns(R), "result must be what backtest.run returns"),
        (
            lambda: evidence.purged_kfold(pd.Series([1.0, 2.0], days(2)), 2),
            "ends must hold the same kind of times",
        ),
    ],
)
def test_wrong_types(call, told):
    with pytest.raises(TypeError, match=told):
        call()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: evidence.permutation_test(P, R, trials=0), "trials must be a whole number at le"),
        (lambda: evidence.permutation_test(P, R, trials=2.5), "trials must be a whole number"),
        (lambda: evidence.permutation_test(P[:40], R, trials=1), "must have the same length"),
        (
            lambda: evidence.permutation_test(DATED.shift(1), DATED, trials=1),
            "position must have a finite number in every row, got nan at 2031-01-06",
        ),
        (
            lambda: evidence.permutation_test(DATED.set_axis(days(50, "2032")), DATED, trials=1),
            "position and returns must have the same index",
        ),
        (
            lambda: evidence.permutation_test(np.ones(50), R, trials=1),
            "position must change at least once, got the same in every row",
        ),
        (
            lambda: evidence.permutation_test(TABLE.assign(b=1.0), DATED, trials=3),
            "position must change at least once, got the same in every row of column 'b'",
        ),
        (
            lambda: evidence.permutation_test(TABLE, DATED, trials=12),
            "position must have a column for each of the trials, losers too, got 3 columns and tr",
        ),
        (lambda: evidence.permutation_test(P, R, trials=1, permutations=9), "permutations must be"),
        (lambda: evidence.permutation_test(P, R, trials=1, seed=-1), "seed must be"),
        (lambda: evidence.permutation_test(P, R, trials=1, level=1), "level must be"),
        (lambda: evidence.bootstrap_sharpe(HOLED, trials=1), "returns must have a finite number"),
        (lambda: evidence.bootstrap_sharpe(R[:9], trials=1), "returns must have at least 10 rows"),
        (lambda: evidence.bootstrap_sharpe(np.ones(50), trials=1), "returns must vary, got 1.0"),
        (lambda: evidence.bootstrap_sharpe(R, trials=1, confidence=95), "confidence must be"),
        (lambda: evidence.bootstrap_sharpe(R, trials=1, block_length=51), "block_length must be"),
        (lambda: evidence.bootstrap_sharpe(R, trials=1, resamples=10), "resamples must be"),
        (
            lambda: evidence.reality_check(TABLE, trials=100),
            "returns must have a column for each of the trials, losers too, got 3 columns and tri",
        ),
        (lambda: evidence.reality_check(TABLE, trials=2), "got 3 columns and trials=2"),
        (
            lambda: evidence.reality_check(TABLE.where(TABLE < 0.02), trials=3),
            "returns must have a finite number in every row, got nan at .* in column",
        ),
        (
            lambda: evidence.reality_check(TABLE, trials=3, benchmark=DATED.iloc[1:]),
            "benchmark and returns must have the same length",
        ),
        (
            lambda: evidence.spa_test(TABLE.assign(c=0.01), trials=3),
            "returns must vary around the benchmark, got the same difference in every row of colu",
        ),
        (
            lambda: evidence.spa_test(TABLE.set_axis(["a", "b", "a"], axis=1), trials=3),
            "returns must name each column once, got 'a' twice",
        ),
        (lambda: TrackRecord(1.0, 1), "n must be a whole number at least 2"),
        (
            lambda: TrackRecord(1.0, 100, skew=-3, kurtosis=7),
            "kurtosis must be at least 1 \\+ skew",
        ),
        (
            lambda: evidence.probabilistic_sharpe(
                TrackRecord(2.0, 100, 2, 5, periods_per_year=4), trials=1
            ),
            "returns must leave their Sharpe ratio in some doubt",
        ),
        (
            lambda: evidence.minimum_track_record(RECORD, trials=1, confidence=0.5),
            "confidence must",
        ),
        (lambda: evidence.minimum_backtest_length(10, 0), "sharpe must be a finite number above 0"),
        (
            lambda: evidence.probability_of_backtest_overfitting(TABLE[["a"]], trials=1),
            "returns must have at least two strategies to choose from",
        ),
        (
            lambda: evidence.probability_of_backtest_overfitting(TABLE, trials=3, blocks=5),
            "blocks must be an even number, got 5",
        ),
        (
            lambda: evidence.probability_of_backtest_overfitting(TABLE[:30], trials=3),
            "returns must have at least 32 rows for 16 blocks, got 30",
        ),
        (lambda: evidence.triple_barrier(HOLED, 1, 1, 1), "prices must have a price"),
        (lambda: evidence.triple_barrier(DATED, 0, 1, 1), "upper must be"),
        (lambda: evidence.triple_barrier(DATED, 1, -1, 1), "lower must be"),
        (lambda: evidence.triple_barrier(DATED, 1, 1, 0), "horizon must be"),
        (lambda: evidence.triple_barrier(DATED, 1, 1, 1, at_time="none"), "at_time must be one of"),
        (lambda: evidence.triple_barrier(TABLE, 1, 1, 1), "got none called high or low or close"),
        (
            lambda: evidence.triple_barrier(
                TABLE.assign(high=1.0, low=2.0, close=1.5)[["high", "low", "close"]], 1, 1, 1
            ),
            "prices must have its closes from low to high, got another at 2031-01-06",
        ),
        (
            lambda: evidence.triple_barrier(DATED, 1, 1, 1, entries=days(2, "2040-01-02")),
            "entries must be times of prices, got 2040-01-02",
        ),
        (lambda: evidence.purged_kfold(ENDS, 1), "n_splits must be"),
        (lambda: evidence.purged_kfold(ENDS[:3], 5), "n_splits must be at most the 3 rows"),
        (lambda: evidence.purged_kfold(ENDS, embargo=1), "embargo must be"),
        (lambda: evidence.purged_kfold(ENDS.shift(1)), "ends must have an end in every row, got n"),
        (lambda: evidence.purged_kfold(ENDS - pd.Timedelta(days=1)), "ends must not come before"),
        (lambda: next(evidence.purged_kfold(ENDS).split(R[:20])), "X must have a row for each of"),
        (
            lambda: next(evidence.purged_kfold(ENDS).split(DATED.set_axis(days(50, "2040")))),
            "X must have the index of ends",
        ),
        (
            lambda: next(evidence.purged_kfold(ENDS, 2, embargo=0.9).split(DATED)),
            "ends must leave rows to train on in every fold, got none for the test on 2031-01-06",
        ),
    ],
)
def test_wrong_values(call, told):
    with pytest.raises(ValueError, match=told):
        call()
