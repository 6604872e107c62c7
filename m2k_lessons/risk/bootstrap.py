"""Many histories of an account out of one list of trades."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.risk.arguments import sample_of


def bootstrap_equity(
    trades, n_paths=10_000, n_trades=1_000, seed=0, *, equity_usd=10_000.0, risk_fraction=None
) -> pd.DataFrame:
    """Account values along paths made of trades drawn with replacement (Efron 1979).

    The draws are independent: streaks that the market itself makes are lost, and so are trades
    worse than any in the sample.

    Parameters
    ----------
    trades : Series or array
        Profit or loss of each trade in USD; with `risk_fraction`, its R multiple.
    n_paths, n_trades : int
        1 or more.
    seed : int
        0 or more. The same seed gives the same paths on every machine.
    equity_usd : float
        Account value at the start, above 0.
    risk_fraction : float, optional
        None: the same size throughout, so that profits are added, and a path goes on below
        zero. A share from 0 to 1: each trade risks it anew, so that the account is multiplied
        by `1 + risk_fraction * R`, without rounding to contracts; a trade that takes all or
        more leaves 0, for good.

    Returns
    -------
    DataFrame
        Index ``trade`` (0 to `n_trades`), a column for each ``path``. `.quantile(0.05, axis=1)`
        is an edge of the fan; `(paths <= 0).any().mean()` the share of accounts ever lost.

    Examples
    --------
    >>> paths = bootstrap_equity([120.0, -60.0], n_paths=3, n_trades=50, seed=1)
    >>> paths.shape, paths.loc[0].tolist()
    ((51, 3), [10000.0, 10000.0, 10000.0])
    """
    values = sample_of("trades", trades)
    n_paths = checks.whole("n_paths", n_paths, at_least=1)
    n_trades = checks.whole("n_trades", n_trades, at_least=1)
    seed = checks.whole("seed", seed, at_least=0)
    start = checks.number("equity_usd", equity_usd, above=0)
    if risk_fraction is not None:
        at_risk = checks.number("risk_fraction", risk_fraction, at_least=0, at_most=1)
        values = np.maximum(1.0 + at_risk * values, 0.0)

    # Imported here, because numba takes 0.4 s that the rest of this module does not need.
    from m2k_lessons.risk.kernels import fill_paths

    paths = np.empty((n_paths, n_trades + 1))
    fill_paths(np.ascontiguousarray(values), start, risk_fraction is not None, seed, paths)
    if not np.isfinite(paths[:, -1]).all():
        raise ValueError(
            "trades must leave account values that a float can hold, got "
            f"{float(values.max())!r} as the best of them, {n_trades} times"
        )
    return pd.DataFrame(
        paths.T,
        index=pd.RangeIndex(n_trades + 1, name="trade"),
        columns=pd.RangeIndex(n_paths, name="path"),
        copy=False,
    )
