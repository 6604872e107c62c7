"""The course's rules: each turns prices into a target position.

What they have in common
    *Target.* A float from -1 (fully short) to 1 (fully long) for each bar, decided with what is
    known at that bar's close and not later. `backtest.run` trades towards it at the next open,
    and knows how many contracts stand for 1.

    *Warm-up.* As long as an indicator has no value, the target is 0.

    *NaN.* A bar without a price has the target 0, and what follows is a new beginning, with a
    new warm-up.

    *Holding.* A rule that has entered stays until its exit; the bars between repeat the target.

    *`long_only`* puts 0 wherever the rule would be short.

    *Refused*, by a TypeError or ValueError that names argument and value: what `indicators`
    refuses, and arguments outside what is accepted.

None of them is advice. On prices without memory each earns nothing before costs.
"""

from m2k_lessons.strategies.intraday import scalping
from m2k_lessons.strategies.rules import combination, mean_reversion, threshold, trend_following
