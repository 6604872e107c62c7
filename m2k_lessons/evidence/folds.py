"""Folds for models in which no training label knows the returns of the test."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.evidence.labels import check_ends


class PurgedKFold:
    """Folds in the order of time, without the training rows that know the test; `purged_kfold`.

    Attributes
    ----------
    ends : Series
        Index: when a label begins; values: when it is known.
    n_splits, embargo : int, float
        As given.
    """

    def __init__(self, ends: pd.Series, n_splits: int, embargo: float) -> None:
        self.ends, self.n_splits, self.embargo = ends, n_splits, embargo

    def __repr__(self) -> str:
        return (
            f"PurgedKFold({len(self.ends):,} labels, n_splits={self.n_splits}, "
            f"embargo={self.embargo:g})"
        )

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """Return the number of folds, as scikit-learn asks for it."""
        return self.n_splits

    def split(self, X, y=None, groups=None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows to train on and the rows to test on, fold after fold.

        Examples
        --------
        >>> ends = pd.Series([1, 2, 3, 4, 5, 6], index=[0, 1, 2, 3, 4, 5])
        >>> [train.tolist() for train, test in purged_kfold(ends, 3, embargo=0).split(ends)]
        [[3, 4, 5], [0, 5], [0, 1, 2]]
        """
        rows = _rows(X, self.ends)
        for test in np.array_split(rows, self.n_splits):
            yield rows[_free(self.ends, [test], self.embargo)], test


def purged_kfold(ends: pd.Series, n_splits: int = 5, *, embargo: float = 0.01) -> PurgedKFold:
    """Make folds for `cross_val_score` in which no training label overlaps the test in time.

    A label that looks ahead knows the returns of the days it looks at. A training row whose
    label shares a day with the labels of the test is purged; after the test, some more rows
    are left out (the embargo), as features look back.

    Parameters
    ----------
    ends : Series
        When each label is known, on the times it begins at: `labels["end"]` from
        `triple_barrier`, without missing ones.
    n_splits : int
        Folds, 2 or more; each is a stretch of time, in order.
    embargo : float
        Share of all rows left out after each test, from 0 to below 1; rounded up to whole rows.

    Returns
    -------
    PurgedKFold
        What scikit-learn takes as `cv`; give it the features in the order of `ends`.

    Raises
    ------
    ValueError, TypeError
        Ends missing, before their beginning, or not in order of time; fewer rows than folds.

    Notes
    -----
    López de Prado, "Advances in Financial Machine Learning" (2018), chapter 7.

    Examples
    --------
    >>> ends = pd.Series([2, 3, 4, 5, 6, 7], index=[0, 1, 2, 3, 4, 5])
    >>> train, test = next(iter(purged_kfold(ends, 3, embargo=0).split(ends)))
    >>> train.tolist(), test.tolist()
    ([4, 5], [0, 1])
    """
    check_ends(ends)
    n_splits = checks.whole("n_splits", n_splits, at_least=2)
    if len(ends) < n_splits:
        raise ValueError(f"n_splits must be at most the {len(ends)} rows of ends, got {n_splits}")
    return PurgedKFold(ends, n_splits, checks.number("embargo", embargo, at_least=0, below=1))


class CombinatorialPurgedFolds:
    """Every choice of some groups as the test; made by `combinatorial_purged_folds`.

    Attributes
    ----------
    ends : Series
        Index: when a label begins; values: when it is known.
    groups, test_groups, embargo : int, int, float
        As given.
    n_paths : int
        How many whole histories the tests make together.
    """

    def __init__(self, ends: pd.Series, groups: int, test_groups: int, embargo: float) -> None:
        self.ends, self.embargo = ends, embargo
        self.groups, self.test_groups = groups, test_groups
        self.n_paths = math.comb(groups - 1, test_groups - 1)

    def __repr__(self) -> str:
        return (
            f"CombinatorialPurgedFolds({len(self.ends):,} labels, groups={self.groups}, "
            f"test_groups={self.test_groups}, embargo={self.embargo:g})"
        )

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """Return the number of splits, as scikit-learn asks for it."""
        return math.comb(self.groups, self.test_groups)

    def split(self, X, y=None, groups=None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows to train on and the rows to test on, split after split.

        Examples
        --------
        >>> ends = pd.Series([1, 2, 3, 4, 5, 6, 7, 8], index=range(8))
        >>> folds = combinatorial_purged_folds(ends, 4, 2, embargo=0)
        >>> [test.tolist() for train, test in folds.split(ends)][:2]
        [[0, 1, 2, 3], [0, 1, 4, 5]]
        """
        rows = _rows(X, self.ends)
        parts = np.array_split(rows, self.groups)
        for chosen in itertools.combinations(parts, self.test_groups):
            yield rows[_free(self.ends, chosen, self.embargo)], np.concatenate(chosen)

    def paths(self, tested) -> pd.DataFrame:
        """Put the answers of all splits together to whole histories.

        Each group is tested in `n_paths` splits. The first path takes each group's answer from
        the first split that tests it, the second from the second, and so on.

        Parameters
        ----------
        tested : sequence of 1-D arrays
            For each split, in order, one number for each of its test rows: a forecast, or
            whether it was right.

        Returns
        -------
        DataFrame
            A row for each label and a column for each path.

        Raises
        ------
        ValueError
            Another number of splits, or of numbers in one, than `split` gives.

        Examples
        --------
        >>> ends = pd.Series([1, 2, 3], index=range(3))
        >>> folds = combinatorial_purged_folds(ends, 3, 2, embargo=0)
        >>> folds.paths([[1, 1], [2, 2], [3, 3]])  # tests on rows 0 and 1, 0 and 2, 1 and 2
           0  1
        0  1  2
        1  1  3
        2  2  3
        """
        answers = [np.asarray(one) for one in tested]
        if len(answers) != self.get_n_splits():
            raise ValueError(
                f"tested must have the numbers of {self.get_n_splits()} splits, got {len(answers)}"
            )
        parts = np.array_split(np.arange(len(self.ends)), self.groups)
        found: list[list[np.ndarray]] = [[] for _ in parts]
        choices = itertools.combinations(range(self.groups), self.test_groups)
        for number, (answer, chosen) in enumerate(zip(answers, choices, strict=True)):
            sizes = [len(parts[one]) for one in chosen]
            if answer.shape != (sum(sizes),):
                raise ValueError(
                    f"tested must have {sum(sizes)} numbers for split {number}, got an array of "
                    f"shape {answer.shape}"
                )
            pieces = np.split(answer, np.cumsum(sizes)[:-1])
            for one, piece in zip(chosen, pieces, strict=True):
                found[one].append(piece)
        columns = [np.concatenate(path) for path in zip(*found, strict=True)]
        return pd.DataFrame(dict(enumerate(columns)), index=self.ends.index)


def combinatorial_purged_folds(
    ends: pd.Series, groups: int = 6, test_groups: int = 2, *, embargo: float = 0.01
) -> CombinatorialPurgedFolds:
    """Make folds that test every choice of some groups of time, so that many histories result.

    The labels are cut into groups, in order of time. Each choice of `test_groups` of them is
    once the test; the rest trains, less the labels that overlap a tested group and an embargo
    after it, as in `purged_kfold`. Each group is tested several times, by models trained on other
    rows; `paths` puts the answers together to whole histories.

    Parameters
    ----------
    ends : Series
        When each label is known, on the times it begins at: `labels["end"]` from
        `triple_barrier`, without missing ones.
    groups : int
        2 to 20.
    test_groups : int
        From 1 to `groups` less one. With 1 it is `purged_kfold`, and there is one path.
    embargo : float
        Share of all rows left out after each tested group, from 0 to below 1; rounded up to
        whole rows.

    Returns
    -------
    CombinatorialPurgedFolds
        What `cross_val_score` takes as `cv`. The tests overlap, so `cross_val_predict` refuses it;
        `paths` is for that.

    Raises
    ------
    ValueError, TypeError
        As `purged_kfold`; `test_groups` that leave nothing to train on.

    Notes
    -----
    López de Prado, "Advances in Financial Machine Learning" (2018), chapter 12. **The paths share
    the market and most of the training rows: they are no independent draws**, and the spread of
    their scores is less than the error of a score.

    Examples
    --------
    >>> ends = pd.Series(range(1, 61), index=range(60))
    >>> folds = combinatorial_purged_folds(ends, groups=6, test_groups=2)
    >>> folds.get_n_splits(), folds.n_paths
    (15, 5)
    """
    check_ends(ends)
    groups = checks.whole("groups", groups, at_least=2, at_most=20)
    if len(ends) < groups:
        raise ValueError(f"groups must be at most the {len(ends)} rows of ends, got {groups}")
    test_groups = checks.whole("test_groups", test_groups, at_least=1, at_most=groups - 1)
    embargo = checks.number("embargo", embargo, at_least=0, below=1)
    return CombinatorialPurgedFolds(ends, groups, test_groups, embargo)


def _rows(X, ends: pd.Series) -> np.ndarray:
    if len(X) != len(ends):
        raise ValueError(f"X must have a row for each of the {len(ends)} labels, got {len(X)}")
    if isinstance(X, (pd.DataFrame, pd.Series)) and not X.index.equals(ends.index):
        raise ValueError("X must have the index of ends, got another one; align them first")
    return np.arange(len(ends))


def _free(ends: pd.Series, tests, embargo: float) -> np.ndarray:
    """True for each row that shares no time with the tests and stands in no embargo."""
    starts, known = ends.index, pd.Index(ends)
    free = np.ones(len(ends), bool)
    for test in tests:
        free[test] = False
        free[: test[0]] &= np.asarray(known[: test[0]] < starts[test[0]])
        # The first row that begins after every label of the test is known.
        behind = int(starts.searchsorted(known[test].max(), side="right"))
        free[test[0] : behind + math.ceil(embargo * len(ends))] = False
    if not free.any():
        raise ValueError(
            f"ends must leave rows to train on in every fold, got none for the test on "
            f"{starts[tests[0][0]]} to {starts[tests[-1][-1]]}; use fewer folds, a smaller "
            "embargo or shorter labels"
        )
    return free
