"""Pairs: two futures against each other, sized by beta, and tests of whether they belong together.

`y` is the leg that is bought when the spread is low (M2K in the course), `x` the one it is held
against (MES). Unless said otherwise both are closing prices or their logarithms; with logarithms
a hedge ratio is a beta, percent of `y` for one percent of `x`.

**No look-ahead.** `hedge_ratio` with "rolling" and "kalman", `zscore` and `pair_target` know at
each bar what was known at its close. The other functions describe all the bars they are given:
give them the past only, and trade what comes after.

**Both legs belong together row by row.** Other calendars, missing rows and missing prices are
refused, never filled: a price of yesterday beside one of today is a spread that nobody could trade.
So are infinity, too few bars, legs and spreads that never move, and arguments outside what is
accepted: by a TypeError or ValueError that names argument and value.
"""

from m2k_lessons.pairs.data import nasdaq_and_sp500
from m2k_lessons.pairs.hedging import (
    METHODS,
    ContractRatio,
    HedgeRatio,
    beta_left,
    contract_ratio,
    hedge_ratio,
    spread_usd,
)
from m2k_lessons.pairs.monitor import SIZES, BreakMonitor, break_monitor
from m2k_lessons.pairs.relation import (
    CASES,
    LEVELS_PCT,
    EngleGranger,
    Johansen,
    cointegration,
    johansen,
)
from m2k_lessons.pairs.reversion import CONFIDENCES, HalfLife, half_life, zscore
from m2k_lessons.pairs.trading import backtest_pair, pair_target
