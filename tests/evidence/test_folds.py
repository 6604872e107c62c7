"""Labels that overlap: how much each has for itself, and folds for every choice of groups."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2k_lessons import evidence


def ends_of(lengths) -> pd.Series:
    starts = np.arange(len(lengths))
    return pd.Series(starts + lengths, starts)


ENDS = ends_of([3] * 60)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_uniqueness_against_a_plain_loop(lengths):
    ends = ends_of(lengths)
    found = evidence.label_uniqueness(ends, pd.RangeIndex(len(lengths) + 10))
    for start, end in ends.items():
        shares = [
            1 / sum(first < bar <= last for first, last in ends.items())
            for bar in range(start + 1, end + 1)
        ]
        assert found[start] == pytest.approx(sum(shares) / len(shares))


def test_labels_that_share_nothing_are_whole_and_those_of_20_days_a_twentieth():
    apart = pd.Series(range(20, 220, 20), range(0, 200, 20))
    assert evidence.label_uniqueness(apart, pd.RangeIndex(221)).tolist() == [1.0] * 10
    close = evidence.label_uniqueness(ends_of([20] * 400), pd.RangeIndex(430))
    assert close[30:370].tolist() == pytest.approx([1 / 20] * 340)


def test_the_sum_is_about_the_number_of_separate_facts():
    """The share of labels that are up, over 400 walks, scatters as the sum says, and a bit less.

    The signs of overlapping 20-day changes of a random walk are a little less alike than the
    changes: (2/π)·arcsin(overlap), which makes √(4/π·(π/2 − 1)) = 0.85 of it.
    """
    steps = np.random.default_rng(20).standard_normal((400, 2_020))
    walks = np.cumsum(steps, axis=1)
    up = (walks[:, 20:] > walks[:, :-20]).mean(axis=1)
    facts = evidence.label_uniqueness(ends_of([20] * 2_000), pd.RangeIndex(2_020)).sum()
    assert facts == pytest.approx(100, rel=0.02)
    share = up.std(ddof=1) / (0.5 / facts**0.5)
    assert share == pytest.approx(0.85, abs=3 * 0.85 / math.sqrt(2 * 400))


@given(
    st.lists(st.integers(0, 3), min_size=36, max_size=60),
    st.integers(3, 6),
    st.integers(1, 3),
    st.floats(0, 0.05),
)
def test_no_training_label_shares_a_day_with_any_tested_group(lengths, groups, tested, embargo):
    ends = ends_of(lengths)
    tested = min(tested, groups - 1)
    folds = evidence.combinatorial_purged_folds(ends, groups, tested, embargo=embargo)
    parts = np.array_split(ends.index.to_numpy(), groups)
    splits = list(folds.split(ends))
    assert len(splits) == folds.get_n_splits() == math.comb(groups, tested)
    held_back = math.ceil(embargo * len(ends))
    for (train, test), chosen in zip(splits, itertools.combinations(parts, tested), strict=True):
        assert test.tolist() == np.concatenate(chosen).tolist()
        free = [
            row
            for row in ends.index
            if all(ends[row] < part[0] or row > ends[part].max() + held_back for part in chosen)
            and row not in test
        ]
        assert train.tolist() == free


def test_one_tested_group_is_the_purged_folds():
    one = evidence.combinatorial_purged_folds(ENDS, 5, 1, embargo=0.03)
    assert one.n_paths == 1
    for mine, theirs in zip(
        one.split(ENDS), evidence.purged_kfold(ENDS, 5, embargo=0.03).split(ENDS), strict=True
    ):
        assert mine[0].tolist() == theirs[0].tolist()
        assert mine[1].tolist() == theirs[1].tolist()


@pytest.mark.parametrize(("groups", "tested"), [(6, 2), (5, 3), (7, 1)])
def test_each_path_is_a_whole_history_and_uses_each_answer_once(groups, tested):
    folds = evidence.combinatorial_purged_folds(ENDS, groups, tested)
    splits = [test for _, test in folds.split(ENDS)]
    # Each answer says in which split it was given, for which row.
    paths = folds.paths([1000 * number + test for number, test in enumerate(splits)])
    assert paths.shape == (len(ENDS), folds.n_paths)
    assert (paths.to_numpy() % 1000 == np.arange(len(ENDS))[:, None]).all()
    given_ = np.concatenate([1000 * number + test for number, test in enumerate(splits)])
    assert sorted(paths.to_numpy().ravel()) == sorted(given_)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: evidence.label_uniqueness([1, 2], pd.RangeIndex(9)), "ends must be a Series"),
        (lambda: evidence.label_uniqueness(ENDS, [1, 2]), "times must be an Index"),
        (lambda: evidence.label_uniqueness(ENDS, pd.RangeIndex(40)), "must be times of `times`"),
        (
            lambda: evidence.label_uniqueness(ends_of([0, 1]), pd.RangeIndex(9)),
            "ends must come after their beginning, got 0 at 0",
        ),
        (lambda: evidence.combinatorial_purged_folds(ENDS, 1), "groups"),
        (lambda: evidence.combinatorial_purged_folds(ENDS, 21), "groups"),
        (lambda: evidence.combinatorial_purged_folds(ENDS[:4], 6), "at most the 4 rows"),
        (lambda: evidence.combinatorial_purged_folds(ENDS, 6, 6), "test_groups"),
        (lambda: evidence.combinatorial_purged_folds(ENDS, 6, 0), "test_groups"),
        (lambda: evidence.combinatorial_purged_folds(ENDS, embargo=1), "embargo"),
        (
            lambda: list(evidence.combinatorial_purged_folds(ENDS, 3, 2, embargo=0.9).split(ENDS)),
            "ends must leave rows to train on",
        ),
        (
            lambda: list(evidence.combinatorial_purged_folds(ENDS).split(ENDS[:9])),
            "X must have a row for each of the 60 labels, got 9",
        ),
        (
            lambda: evidence.combinatorial_purged_folds(ENDS).paths([[1]]),
            "tested must have the numbers of 15 splits, got 1",
        ),
        (
            lambda: evidence.combinatorial_purged_folds(ENDS).paths([[1]] * 15),
            "tested must have 20 numbers for split 0",
        ),
    ],
)
def test_refusals_name_argument_and_value(call, told):
    with pytest.raises((ValueError, TypeError), match=told):
        call()


def test_repr_says_what_it_is():
    folds = evidence.combinatorial_purged_folds(ENDS, 5, 2)
    assert repr(folds) == (
        "CombinatorialPurgedFolds(60 labels, groups=5, test_groups=2, embargo=0.01)"
    )
