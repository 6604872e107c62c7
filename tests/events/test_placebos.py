import numpy as np
import pandas as pd
import pytest

from m2k_lessons import events, simulate
from tests.events.inputs import TWO


def test_placebo_rejects_at_its_level(quiet_mornings):
    """Size 5 %: of 300 markets between 4 and 28 (99.9 %). Large run: benchmarks/README.md."""
    rng = np.random.default_rng(5)
    counts = dict.fromkeys(("t", "volatility", "response"), 0)
    for seed in range(300):
        moves = quiet_mornings(seed)
        index = moves.index
        at = index[(index.hour == 8) & (index.minute == 30)]
        at = at[np.sort(rng.choice(len(at), 30, replace=False))]
        for name in counts:
            x = rng.standard_normal(30) if name == "response" else None
            found = events.placebo(
                moves, at, (0, 9), seed=seed, draws=199, statistic=name, surprise=x
            )
            counts[name] += found.p_value <= 0.05
    for name, count in counts.items():
        assert 4 <= count <= 28, f"{name}: {count} of 300"


def test_placebo_finds_what_is_there(quiet_mornings):
    moves = quiet_mornings(1)
    index = moves.index
    at = index[(index.hour == 8) & (index.minute == 30)][::8]
    surprise = np.random.default_rng(1).standard_normal(len(at))
    moved = moves.copy()
    moved[at] += 0.001 * surprise
    slope = events.placebo(moved, at, (0, 9), seed=1, statistic="response", surprise=surprise)
    assert slope.p_value == 1 / 1001
    assert slope.value > slope.high
    louder = events.placebo(moved, at, (0, 9), seed=1, statistic="volatility")
    assert louder.p_value < 0.05
    # Larger moves without a direction: "t" sees no direction.
    assert events.placebo(moved, at, (0, 9), seed=1).p_value > 0.05


def test_loud_events_without_direction_do_not_fool_t_but_fool_the_mean(quiet_mornings):
    rng = np.random.default_rng(8)
    counts = {"t": 0, "mean": 0}
    for seed in range(120):
        moves = quiet_mornings(seed)
        index = moves.index
        at = index[(index.hour == 8) & (index.minute == 30)][::6]
        moves[at] += 0.004 * rng.standard_normal(len(at))
        for name in counts:
            found = events.placebo(moves, at, (0, 9), seed=seed, draws=199, statistic=name)
            counts[name] += found.p_value <= 0.05
    assert counts["t"] <= 15  # of 120, 5 % expected
    assert counts["mean"] > 60


def test_placebo_draws_only_free_times_of_the_same_clock(quiet_mornings):
    moves = quiet_mornings(2) * 0
    index = moves.index
    at = index[(index.hour == 8) & (index.minute == 30)]
    real, busy, free = at[::3], at[1::3], at[2::3]
    moves[real], moves[busy], moves[free] = 0.5, 0.7, 0.01  # only `free` may be drawn
    found = events.placebo(moves, real, (0, 9), seed=1, statistic="volatility", avoid=busy)
    assert found.candidates == len(free)
    assert np.allclose(found.draws, 1.0)
    assert np.isclose(found.value, 50.0)
    # A window away from the clock's bar sees nothing at all.
    later = index[(index.hour == 9) & (index.minute == 0)][::3]
    moves[later] = 0.2
    both = events.placebo(
        moves, real.append(later).sort_values(), (0, 4), seed=1, statistic="mean", avoid=busy
    )
    assert np.isclose(both.value, (50 * len(real) + 20 * len(later)) / (len(real) + len(later))
                      - len(real) / (len(real) + len(later)), atol=1e-9)  # fmt: skip


def test_placebo_knows_that_its_candidates_are_a_sample(quiet_mornings):
    """As many candidates as events: a draw against a fixed mean would reject in 17 %."""
    count = 0
    for seed in range(200):
        moves = quiet_mornings(seed)
        index = moves.index
        at = index[(index.hour == 8) & (index.minute == 30)][seed % 2 :: 2]
        found = events.placebo(moves, at, (0, 9), seed=seed, draws=199, statistic="mean", apart=0)
        assert found.candidates == len(at)
        count += found.p_value <= 0.05
    assert count <= 22  # 10 expected, 22 exceeded once in 3,000


def test_the_placebos_t_by_hand(quiet_mornings):
    moves = quiet_mornings(3)
    index = moves.index
    clock = index[(index.hour == 8) & (index.minute == 30)]
    at, free = clock[::5], clock[np.arange(len(clock)) % 5 > 0]
    found = events.placebo(moves, at, (0, 0), seed=1, apart=0)
    mine, theirs = 100 * moves[at].to_numpy(), 100 * moves[free].to_numpy()
    variance = np.square(mine - theirs.mean()).sum() / len(at) ** 2 + theirs.var() / len(free)
    assert np.isclose(found.value, (mine.mean() - theirs.mean()) / np.sqrt(variance))


def test_windows_that_lack_a_bar_are_never_drawn(quiet_mornings):
    moves = quiet_mornings(3)
    index = moves.index
    clock = index[(index.hour == 8) & (index.minute == 30)]
    moves[clock[1] + pd.Timedelta(minutes=5)] = np.nan  # a candidate
    moves[clock[0] + pd.Timedelta(minutes=5)] = np.nan  # an event
    at = clock[::5]
    x = np.random.default_rng(1).standard_normal(len(at))
    with pytest.raises(ValueError, match="a bar of the window is missing"):
        events.placebo(moves, at, (0, 9), seed=1)
    found = events.placebo(
        moves, at, (0, 9), seed=1, apart=0, incomplete="leave_out", statistic="response", surprise=x
    )
    again = events.placebo(
        moves, at[1:], (0, 9), seed=1, apart=0, avoid=at, statistic="response", surprise=x[1:]
    )
    assert (found.n, found.candidates) == (len(at) - 1, len(clock) - len(at) - 1)
    assert found.value == again.value


def test_placebo_is_seeded(quiet_mornings):
    moves = quiet_mornings(1)
    at = moves.index[(moves.index.hour == 8) & (moves.index.minute == 30)][::8]
    one, two, other = (events.placebo(moves, at, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.draws, two.draws)
    assert not np.array_equal(one.draws, other.draws)
    assert len(one.draws) == 1_000


def test_placebo_across_a_change_of_the_clocks():
    market = simulate.intraday(20, 3, start="2030-02-25")  # summer time from 10 March on
    moves = events.bar_returns(market["M2K"]["close"])
    clock = moves.index[(moves.index.hour == 8) & (moves.index.minute == 30)]
    at = clock[::5]
    found = events.placebo(moves, at, (0, 9), seed=1, apart=0)
    assert found.candidates == len(clock) - len(at)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"seed": -1}, ValueError, "seed must be"),
        ({"draws": 10}, ValueError, "draws must be a whole number at least 99"),
        ({"statistic": "sum"}, ValueError, "statistic must be one of"),
        ({"statistic": "response"}, ValueError, "surprise must be given"),
        ({"surprise": [1.0]}, ValueError, "surprise must be given for .* no other"),
        ({"apart": -1}, ValueError, "apart must be"),
        ({"apart": 10**6}, ValueError, "returns must have at least 2 days at 08:30"),
        ({"avoid": TWO.tz_localize(None)}, ValueError, "avoid must have a time zone"),
    ],
)
def test_placebo_refuses(quiet_mornings, changes, error, says):
    moves = quiet_mornings(1)
    at = moves.index[(moves.index.hour == 8) & (moves.index.minute == 30)][::8]
    with pytest.raises(error, match=says):
        events.placebo(moves, at, **{"seed": 1, **changes})
