"""What chapter 15 tells in words, or with a number that no cell of it computes."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from m2k_lessons import data, evidence, simulate, strategies, sweep
from m2k_lessons.exercises import base
from m2k_lessons.exercises import speculation_and_evidence as exercises
from m2k_lessons.explorers.speculation_and_evidence import compute
from tests.notebooks.lessons import LESSONS
from tools import notebooks

SPACE = {"window": range(5, 61), "entry": np.arange(0.5, 3.01, 0.05).round(2)}
COARSE = {"window": range(5, 61, 7), "entry": [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]}
HALVES = (slice(None, 1260), slice(1260, None))


def lesson():
    (path,) = (path for path in LESSONS if path.stem.startswith("15_"))
    return path


def test_the_letter_of_the_firm():
    walk = data.load("regimes")["random_walk"][:1260]
    tosses = np.random.default_rng(15).choice([-1, 1], (126, 200))
    held = np.repeat(tosses, 10, axis=0)[:-1]
    change = walk["close"].diff().to_numpy()[1:]
    daily = held * (change / walk["close"].to_numpy()[:-1])[:, None]
    ratios = daily.mean(axis=0) / daily.std(axis=0, ddof=1) * 252**0.5
    best = ratios.argmax()
    assert ratios[best] == pytest.approx(1.14, abs=0.005)
    assert 5 * (held[:, best] * change).sum() == pytest.approx(15_038, abs=0.5)
    # "less than once in a hundred times", for one strategy named beforehand
    alone = evidence.bootstrap_sharpe(daily[:, best], trials=1, resamples=1_999)
    assert alone.p_value < 0.01
    assert alone.p_value == pytest.approx(0.008, abs=0.002)


def test_the_program_of_chapter_13_is_not_shown():
    daily = data.load("daily")
    gaps = daily["rolls"].query("symbol == 'M2K'")["gap_points"]
    grid = {"window": range(10, 50, 2), "entry": np.arange(0.55, 3.01, 0.05).round(2)}
    ratios = sweep.sweep(
        daily["M2K"][:1512], strategies.mean_reversion, grid, capital=100_000, roll_gap_points=gaps
    )["Sharpe Ratio [$]"].fillna(0)
    record = evidence.TrackRecord(ratios.max(), n=1511)
    deflated = evidence.deflated_sharpe(record, trials=ratios)
    assert len(ratios) == 1_000
    found = [ratios.max(), deflated.expected_best, deflated.probability]
    assert found == pytest.approx([1.14, 0.67, 0.87], abs=0.005)


def printed():
    """What the cells of the lesson print, in one text."""
    return "\n".join(
        "".join(output.get("text", output.get("data", {}).get("text/plain", [])))
        for cell in notebooks.read(lesson())["cells"]
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
    )


def test_tests_by_hand_say_what_the_package_says():
    """Permutation in four lines, reality check, deflated ratio, each beside its function."""
    alone, of_all = re.search(r"one strategy: ([\d.]+)  best of 200: ([\d.]+)", printed()).groups()
    assert float(alone) < 0.01  # "less than once in a hundred is right"
    row = re.search(r"^p permutation +([\d.]+)", printed(), re.M)[1]
    assert float(of_all) == pytest.approx(float(row), abs=4 * 0.5 / 999**0.5)
    row = re.search(r"^deflated Sharpe +([\d.]+)", printed(), re.M)[1]
    assert re.search(rf"^{float(row):.2f}$", printed(), re.M)


def test_five_tests_call_the_coins_luck_and_three_see_the_edge():
    """At 0.05, and 0.95 for the deflated ratio: read off the table that the notebook stores."""
    printed = "\n".join(
        "".join(output.get("data", {}).get("text/plain", []))
        for cell in notebooks.read(lesson())["cells"]
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
    )
    rows = {
        name: [float(one) for one in numbers.split()]
        for name, numbers in re.findall(
            r"^(p \w+(?: check)?|deflated Sharpe|overfitting) +((?:[\d.]+ *){4})$", printed, re.M
        )
    }
    names = ["p permutation", "p bootstrap", "p reality check", "p SPA"]
    seen = [[rows[name][case] <= 0.05 for name in names] for case in range(4)]
    deflated = [one > 0.95 for one in rows["deflated Sharpe"]]
    assert seen[0] == seen[1] == [False] * 4
    assert seen[2] == [True, False, True, True]
    assert seen[3] == [True] * 4
    assert deflated == [False, False, False, True]
    assert abs(rows["overfitting"][2] - rows["overfitting"][0]) < 0.05  # "nearly that of the coins"


def exact_best(tried, years):
    """The mean of the largest ratio, from the distribution of the largest itself."""
    density = lambda x: tried * stats.norm.pdf(x) * stats.norm.cdf(x) ** (tried - 1)  # noqa: E731
    return integrate.quad(lambda x: x * density(x), -8, 8)[0] / years**0.5


def test_the_best_of_many_is_right_by_the_formula_and_exactly(monkeypatch):
    """For every set of numbers, each rounded to two decimals."""
    given = exercises.q1.given
    pairs = {(500, 8)} | {
        (tried, years) for tried in given["tried"].others for years in given["years"].others
    }
    for tried, years in pairs:
        monkeypatch.setattr(
            type(exercises.q1), "numbers", {"tried": tried, "years": years}, raising=True
        )
        formula = evidence.expected_best_sharpe(tried, 1 / years)
        exact = exact_best(tried, years)
        assert 0 < formula - exact < 0.01  # "a hundredth too high" at most
        for answer in (round(formula, 2), round(exact, 2)):
            assert exercises.q1.check(answer).state == base.CORRECT, (tried, years, answer)
        for answer in (exact - 0.03, formula + 0.03):
            assert exercises.q1.check(answer).state == base.WRONG


def test_the_planted_anomaly_is_found_by_one_question_and_not_by_a_hunt():
    minutes = data.load("intraday")["M2K"]
    hours = minutes.resample("1h").agg({"open": "first", "close": "last"}).dropna()
    usd = 5 * (hours["close"] - hours["open"])
    planted = usd[(usd.index.day_of_week == 1) & (usd.index.hour == 11)] + 100
    p_value = stats.ttest_1samp(planted, 0).pvalue
    assert 0.05 / 115 < p_value < 0.05
    first = usd[: len(usd) // 2]
    each = first.groupby([first.index.day_of_week, first.index.hour])
    p_values = each.apply(lambda cell: stats.ttest_1samp(cell, 0).pvalue)
    assert (p_values < 0.05).sum() == 4
    assert p_values.idxmin() == (1, 15)
    assert not stats.false_discovery_control(p_values).min() < 0.05  # Benjamini–Hochberg


def test_december_passes_against_zero_and_misses_against_the_other_months():
    months = data.load("real_months")["small_pct"]

    def against_others(returns, month):
        here = returns.index.month == month
        return stats.ttest_ind(returns[here], returns[~here], equal_var=False)

    early, late = months[:"2006"], months["2007":]
    zero = early.groupby(early.index.month).apply(lambda one: stats.ttest_1samp(one, 0).pvalue)
    assert zero.idxmin() == 12
    assert zero.min() < 0.05 / 12 / 5  # "with ease"
    assert (early.groupby(early.index.month).mean() > 0).sum() > 6  # "most months rose"
    found = {month: against_others(early, month) for month in range(1, 13)}
    assert min(found, key=lambda month: found[month].pvalue) == 12
    assert 0.05 / 12 < found[12].pvalue < 0.0044  # "a hair above the limit"
    assert found[12].statistic > 3
    after = against_others(late, 12)
    assert abs(after.statistic) < 1
    ahead = []
    for part in (early, late):
        here = part.index.month == 12
        ahead.append([part[here].mean() - part[~here].mean(), part[here].sem(), part[~here].sem()])
    (before, *errors), (since, *more_errors) = ahead
    assert abs(before - since) < 2 * np.linalg.norm([*errors, *more_errors])


def searched(kind: str, seed: int) -> list[list[float]]:
    """In and out of sample: winners of grid, random and TPE with 48 trials each."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = simulate.regime(kind, years=10, seed=seed)["M2K"]
    shape = len(SPACE["window"]), len(SPACE["entry"])
    inside, outside = (
        sweep.sweep(path[part], strategies.mean_reversion, SPACE, capital=100_000)["Sharpe Ratio"]
        .fillna(0)
        .to_numpy()
        .reshape(shape)
        for part in HALVES
    )
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=10)
    )
    study.optimize(
        lambda trial: inside[trial.suggest_int("i", 0, 55), trial.suggest_int("j", 0, 50)],
        n_trials=48,
    )
    rng = np.random.default_rng(seed)
    tried = {
        "grid": [(i, j) for i in range(0, 56, 7) for j in range(0, 51, 10)],
        "random": [(rng.integers(56), rng.integers(51)) for _ in range(48)],
        "tpe": [(trial.params["i"], trial.params["j"]) for trial in study.trials],
    }
    best = [max(places, key=lambda place: inside[place]) for places in tried.values()]
    return [[inside[place] for place in best], [outside[place] for place in best]]


def test_grid_random_and_tpe_on_forty_markets():
    """The table of loop 3; a search on another processor may go another way once."""
    kinds = {
        "random_walk": ([0.65, 0.65, 0.72], [-0.10, 0.02, -0.01]),
        "reversion": ([1.48, 1.46, 1.58], [0.96, 1.02, 1.02]),
    }
    markets = []
    for kind, (inside, outside) in kinds.items():
        found = np.array([searched(kind, seed) for seed in range(300, 320)])
        assert found.mean(axis=0)[0].tolist() == pytest.approx(inside, abs=0.015)
        assert found.mean(axis=0)[1].tolist() == pytest.approx(outside, abs=0.04)
        errors = found.std(axis=0, ddof=1) / 20**0.5
        assert 0.05 < errors.min() < errors.max() < 0.115  # "about 0.1"
        markets.append(found)
    markets = np.concatenate(markets)
    ahead = markets[:, :, 2] - markets[:, :, :2].mean(axis=2)
    assert ahead.mean(axis=0).tolist() == pytest.approx([0.09, 0.03], abs=0.02)
    errors = ahead.std(axis=0, ddof=1) / 40**0.5
    assert errors.tolist() == pytest.approx([0.024, 0.043], abs=0.01)


def test_folds_on_twenty_other_walks():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer

    zones = KBinsDiscretizer(40, encode="onehot", strategy="uniform")
    model = make_pipeline(zones, LogisticRegression(max_iter=200))
    rows = []
    for seed in range(300, 320):
        close = simulate.regime("random_walk", years=10, seed=seed)["M2K"]["close"]
        labels = evidence.triple_barrier(close, upper=60, lower=60, horizon=20).dropna()
        price, up = close[labels.index].to_frame(), labels["label"] > 0
        folds = (
            KFold(5, shuffle=True, random_state=15),
            KFold(5),
            evidence.purged_kfold(labels["end"], n_splits=5, embargo=0.01),
        )
        rows.append([100 * cross_val_score(model, price, up, cv=one).mean() for one in folds])
    scores = pd.DataFrame(rows)
    assert scores.mean().tolist() == pytest.approx([58.8, 50.5, 50.0], abs=0.1)
    assert scores.sem().tolist() == pytest.approx([0.5] * 3, abs=0.1)
    assert (scores[0] > scores[2]).all()


@pytest.mark.parametrize(
    ("kind", "ahead", "error"), [("reversion", 3.4, 0.8), ("random_walk", -1.3, 0.9)]
)
def test_the_model_against_its_rival_always_up(kind, ahead, error):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer

    zones = KBinsDiscretizer(40, encode="onehot", strategy="uniform")
    model = make_pipeline(zones, LogisticRegression(max_iter=200))
    lead = []
    for seed in range(300, 320):
        close = simulate.regime(kind, years=10, seed=seed)["M2K"]["close"]
        distance = (close / close.rolling(20).mean() - 1).dropna()
        labels = evidence.triple_barrier(close, 60, 60, 20, entries=distance.index).dropna()
        seen, up = distance[labels.index].to_frame(), labels["label"] > 0
        cut = evidence.purged_kfold(labels["end"], n_splits=5, embargo=0.01)
        lead.append(100 * (cross_val_score(model, seen, up, cv=cut).mean() - up.mean()))
    assert np.mean(lead) == pytest.approx(ahead, abs=0.1)
    assert stats.sem(lead) == pytest.approx(error, abs=0.1)


def test_the_truth_has_no_direction_by_the_hour():
    """What the hunt of loop 4 finds is luck: the generator draws no mean for any hour."""
    truth = data.load("intraday").truth
    assert not any("drift" in name or "mean" in name for name in vars(truth))


def test_the_delay_without_luck():
    """3 points, half gone after each half-life, less 2.70 dollars."""
    delay = np.array([0.001, 1, 60])
    short, long = (15 * 0.5 ** (delay / half) - 2.70 for half in (0.05, 1800))
    assert short[0] == pytest.approx(12.1, abs=0.1)
    assert short[1] == pytest.approx(-2.70, abs=0.01)
    assert long[0] - long[2] < 0.4  # "an edge of half an hour hardly notices a minute"
    assert 0.5 ** (4 * 3600 / 1800) < 0.005  # used up when the four hours are over


def test_what_the_explorer_answers():
    assert [round(compute(200, years, 0.0, 15)["best"], 2) for years in (1, 5, 20)] == [
        2.30, 1.04, 0.52,
    ]  # fmt: skip
    truths = np.arange(31) / 10
    found = [compute(200, 5, float(truth), 15) for truth in truths]
    assert found[10]["place_of_first"] == 46
    is_best = [one["best_is_first"] for one in found]
    passes = [one["deflated"] > 0.95 for one in found]
    places = [compute(200, 5, 1.0, seed)["place_of_first"] for seed in range(1, 51)]
    assert (places.count(1), sum(place > 10 for place in places)) == (14, 15)
    assert is_best == (truths >= 1.65).tolist()
    assert passes == (truths >= 2.65).tolist()


@pytest.mark.parametrize("years", [1, 5])
def test_the_explorers_short_cut_has_the_law_of_drawn_returns(years):
    """Ratios of strategies with daily normal returns, drawn day by day, against the two numbers."""
    rng = np.random.default_rng(years)
    daily = rng.standard_normal((4_000, 252 * years)) * 0.01
    drawn = daily.mean(axis=1) / daily.std(axis=1, ddof=1) * 252**0.5
    short = np.concatenate([compute(1_000, years, 0.0, seed)["sharpe"] for seed in range(1, 9)])
    # Truth 0, mean 0, deviation 1/√years; each within four of its errors.
    for ratios in (drawn, short):
        assert abs(ratios.mean()) < 4 / np.sqrt(years * len(ratios))
        assert ratios.std() * np.sqrt(years) == pytest.approx(1, abs=4 / np.sqrt(2 * len(ratios)))


def test_the_explorers_best_is_near_the_expected_one():
    best = [compute(200, 5, 0.0, seed)["best"] for seed in range(1, 51)]
    expected = evidence.expected_best_sharpe(200, 1 / 5)
    assert np.mean(best) == pytest.approx(expected, abs=4 * np.std(best) / 50**0.5)


def test_embargo_and_purging_as_the_exercise_counts_them():
    numbers = exercises.q6.numbers
    entries, horizon = numbers["entries"], numbers["horizon"]
    days = pd.RangeIndex(entries)
    ends = pd.Series(days + horizon, index=days)
    folds = evidence.purged_kfold(ends, n_splits=5, embargo=numbers["embargo_pct"] / 100)
    train, test = list(folds.split(ends))[2]
    assert entries - len(test) - len(train) == exercises.q6.reference(**numbers)


def test_the_size_that_the_chapter_quotes():
    table = (notebooks.ROOT / "benchmarks" / "evidence_size.md").read_text(encoding="utf-8")
    faded = re.findall(r"^\| (?:Bollinger band rule|against 5 % off).*?\| ([\d.]+) %", table, re.M)
    assert [float(one) for one in faded] == [6.3, 6.9]  # "6 to 7 % of the time"
    (row,) = re.findall(r"^\| against a day beyond 2 deviations .*$", table, re.M)
    assert "14.2 %" in row
