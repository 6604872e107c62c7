"""Moving averages, RSI, Bollinger bands, average true range, crossovers.

Each takes prices and gives one value per bar, from this bar and earlier ones only.

Rules for all
    *Warm-up.* Where the bars so far are too few, the value is NaN.

    *NaN* ends the series: what follows is computed as a series of its own, with its own warm-up.
    So no value is ever computed across a gap, and a missing price costs a full warm-up. Fill a
    gap beforehand if that is what you mean.

    *Refused*, by a TypeError or ValueError that names argument and value: infinity, no numbers,
    times out of order or given twice, Series that are not on one index, windows below 1.

    *Arrays* of one dimension are taken too, and give arrays.

Where libraries differ, these are the definitions used here: sums are kept free of the rounding
errors of the bars before; Wilder's averages and the exponential average begin with a simple mean;
Bollinger's deviation is the population's; the RSI of a price that has never moved is 50.
"""

from m2k_lessons.indicators.averages import crossover, ema, sma, sma_crossover
from m2k_lessons.indicators.bands import atr, bollinger
from m2k_lessons.indicators.momentum import rsi
