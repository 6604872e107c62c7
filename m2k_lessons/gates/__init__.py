"""The gates of the capstone: one rule, one setting, eight questions, each with its number.

Every gate is a yes or a no by a limit that was set before. What passes all of them has not been
proven good; what fails one has not been proven bad. The gates say what the evidence covers.

| gate | passes when |
|---|---|
| look-ahead | no target changes when only the future does |
| costs | the development years still earn something at twice the costs |
| gaps | no overnight gap lost more than `gap_fraction` of the capital |
| trials | the deflated Sharpe ratio, all trials counted, is surely above luck |
| luck | days in another order seldom serve the best of all trials as well |
| risk engine | its limits never ended trading for good |
| out of sample | Sharpe ratio less 1.645 standard errors is above zero |
| benchmark | the same of the ratio less that of holding, on the same days |

How often a rule of a known worth gets through all of them: `benchmarks/gates_power.md`. All but
the last two use the development years only, the bars before `opened`.
"""

from m2k_lessons.gates.bars import daily_bars, market_returns, read_bars, with_history
from m2k_lessons.gates.costs import overnight_usd, round_turn_usd
from m2k_lessons.gates.examination import GATES, Examination, examine
from m2k_lessons.gates.trials import sharpe_difference, sharpe_error, trial_targets
