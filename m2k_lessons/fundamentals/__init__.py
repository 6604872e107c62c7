"""The economy and small companies: real figures, what could be known when, and industries.

`macro` and `small_cap_premium` are real data that lie in data/real, no network needed.
A figure is about a period and published after it; `known_at` carries it to the day from which it
could be used. `regress` and `out_of_sample` say what figures and returns have to do with each
other, and how sure that is. The rest is the index: sectors, contributions, a shock to one of them.

What a docstring does not accept, raises a `TypeError` or a `ValueError` that names the argument.

Returns and growth are in %, weights are shares of 1. `fred` brings newer figures where there is
a network.
"""

from m2k_lessons.data.fred import fred
from m2k_lessons.fundamentals.data import growth_rate, macro, quarterly, small_cap_premium
from m2k_lessons.fundamentals.regression import (
    OutOfSample,
    Regression,
    clark_west,
    out_of_sample,
    regress,
)
from m2k_lessons.fundamentals.sectors import (
    SectorShock,
    attribution,
    sector_contribution,
    sector_shock,
    sector_weights,
)
from m2k_lessons.fundamentals.vintages import composite, expanding_zscore, known_at, surprise
