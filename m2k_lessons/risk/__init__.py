"""Risk by hand and by program: size, stops, gaps, streaks, ruin, value at risk, Kelly, limits.

"No bet" (0.0) and "no contract" (0) are answers: a small account, or a bet without an edge,
gets them. What makes no sense, such as a probability of 1.2 or a stop of 0 points, is refused.

Signs
    Profit is positive and loss negative in every series of trades or returns. Where a function
    is named after a loss (value at risk, loss beyond the stop), a loss is
    positive. A drawdown is 0 or negative.

Exactness
    Sizes come from whole cents, whole ticks and the decimals as they were typed: 1 % of 6,000
    dollars is 60 dollars, and not 60.00000000000001. An amount of money counts to the cent,
    rounded down; a distance between two ticks counts as the next whole tick, because that is
    where the stop has to stand.
"""

from m2k_lessons.risk.bootstrap import bootstrap_equity
from m2k_lessons.risk.engine import Limits, RiskEngine
from m2k_lessons.risk.kelly import (
    drawdown_probability,
    growth_rate,
    kelly_continuous,
    kelly_fraction,
    kelly_win_loss,
    relative_growth,
)
from m2k_lessons.risk.losses import (
    drawdown,
    longest_losing_streak,
    losing_streak_probability,
    r_multiples,
    risk_of_ruin,
    value_at_risk,
)
from m2k_lessons.risk.pretrade import OrderGate
from m2k_lessons.risk.sizing import exposure_cap, position_size, volatility_target
from m2k_lessons.risk.stops import daily_loss_limit, gap_risk, stop_price, time_stop
