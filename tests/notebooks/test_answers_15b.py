"""What page 15b tells in words, or with a number that no cell of it computes."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer

from m2k_lessons import data, evidence, simulate, strategies, sweep
from tests.notebooks.lessons import PAGES, markdown_cells, source

SPACE = {"window": range(5, 61), "entry": np.arange(0.5, 3.01, 0.05).round(2)}
COARSE = {"window": range(5, 61, 7), "entry": [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]}


def lesson():
    (path,) = (path for path in PAGES if path.stem.startswith("15b_"))
    return path


def scores(kind: str, seed: int, weighted: bool) -> list[float]:
    """Mean and deviation of the path scores, or what weights change of the purged score.

    With weights, a second number: how far the plain purged score is ahead of "always up".
    """
    close = simulate.regime(kind, years=10, seed=seed)["M2K"]["close"]
    seen = (close / close.rolling(20).mean() - 1).dropna().to_frame("distance")
    labels = evidence.triple_barrier(close, 60, 60, 20, entries=seen.index).dropna()
    seen, up = seen.loc[labels.index], labels["label"] > 0
    classes = KBinsDiscretizer(10, encode="onehot", strategy="quantile")
    model = make_pipeline(classes, LogisticRegression())
    folds = evidence.purged_kfold(labels["end"])
    if weighted:
        own = evidence.label_uniqueness(labels["end"], close.index)
        params = {"logisticregression__sample_weight": own}
        with_weights = cross_val_score(model, seen, up, cv=folds, params=params).mean()
        plain = cross_val_score(model, seen, up, cv=folds).mean()
        return [100 * (with_weights - plain), 100 * (plain - up.mean())]
    many = evidence.combinatorial_purged_folds(labels["end"], groups=6, test_groups=2)
    right = [
        model.fit(seen.iloc[train], up.iloc[train]).predict(seen.iloc[test]) == up.iloc[test]
        for train, test in many.split(seen)
    ]
    paths = 100 * many.paths(right).mean()
    return [paths.mean(), paths.std()]


def test_paths_lie_closer_together_than_their_scores_scatter():
    found = np.array([scores("random_walk", seed, weighted=False) for seed in range(300, 320)])
    assert found[:, 0].std(ddof=1) == pytest.approx(2.6, abs=0.05)
    assert found[:, 1].mean() == pytest.approx(1.5, abs=0.05)


def test_weights_took_points_away_and_the_model_beats_its_rival():
    change, ahead = np.transpose([scores("reversion", seed, True) for seed in range(300, 320)])
    assert change.mean() == pytest.approx(-1.1, abs=0.05)
    assert stats.sem(change) == pytest.approx(0.4, abs=0.05)
    assert ahead.mean() == pytest.approx(4.8, abs=0.1)
    assert stats.sem(ahead) == pytest.approx(0.9, abs=0.1)


def test_on_random_walks_the_model_does_not_beat_its_rival():
    ahead = [scores("random_walk", seed, True)[1] for seed in range(300, 320)]
    assert np.mean(ahead) == pytest.approx(-1.1, abs=0.1)
    assert stats.sem(ahead) == pytest.approx(0.9, abs=0.1)


def test_the_block_that_outgrows_one_machine():
    """Run as it stands in the chapter; the tables are those of one process."""
    text = "\n".join(source(cell) for cell in markdown_cells(lesson()))
    (block,) = re.findall(r"^~~~python\n(.*?)^~~~", text, re.M | re.S)
    names = {
        "sweep": sweep,
        "evidence": evidence,
        "strategies": strategies,
        "bars": data.load("regimes")["reversion"][:504],
        "coarse": COARSE,
        "space": SPACE,
    }
    exec(block, names)
    bars = names["bars"]
    alone = sweep.sweep(bars, strategies.mean_reversion, COARSE, capital=100_000)
    pd.testing.assert_frame_equal(names["table"], alone)
    again = evidence.search(
        strategies.mean_reversion, SPACE, "random", bars=bars, trials=48, capital=100_000
    )
    pd.testing.assert_frame_equal(names["study"].log, again.log)
    assert names["study"].trials == 48


def test_the_expected_maximum_that_more_machines_find():
    by_trials = [evidence.expected_best_sharpe(n, 1 / 5) for n in (48, 4_800, 480_000)]
    assert by_trials == pytest.approx([1.01, 1.64, 2.11], abs=0.005)
