"""Run one strategy with many settings: a table with one row for each combination.

A row holds what `backtest.run` says about that combination, to the last digit. Combinations are
independent of each other, so they may run one after the other, side by side on this machine
(`n_jobs`), or on a cluster: whatever `joblib.parallel_config` names is used, and the table is the
same.

**Many combinations are many tries.** The best row of a sweep is chosen with hindsight. What its
number is worth after that is the subject of `evidence`.

**What is compiled.** The account of all combinations runs in compiled code, whatever the account
is; so are the decisions of `strategies.trend_following`, `threshold` and `mean_reversion` (also
with settings fixed by `functools.partial`). Where nothing is compiled numpy goes through many
combinations at once, with the same bits; it is slower where stops or margins act.
`sweep_targets` takes target positions of one's own.

**Ctrl-C** stops the sweep with `SweepInterrupted`, so that a script or "Run all" stops as well.
The finished rows are its attribute `table`; after the fact, in a notebook,
`import sys; sys.last_value.table`.
"""

from m2k_lessons.sweep.heat import heat_map
from m2k_lessons.sweep.runs import Prepared, SweepInterrupted, prepare, sweep, sweep_targets
