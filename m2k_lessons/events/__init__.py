"""Economic releases and other events: when they come, and what the price does around them.

**Bars and windows.** A bar is labelled by its start. The bar in which an event falls is bar 0 of
its window; the return of bar 0 runs from the last close before the event to the close of bar 0.
A window counts bars on the clock, so it is *complete* only where no bar is missing in it: one
that reaches across a break of trading, or the end of the data, is refused or left out by name.

**What belongs together.** Two events of one New York day, and events whose windows overlap,
are not two independent observations. They form one *cluster*, and every standard error here is
clustered: what is summed within a cluster counts as one.

**Units.** Returns go in as log returns of one bar (`bar_returns`) and come out in %.

**Errors.** What a docstring does not accept, and times without a zone, raise a `TypeError` or a
`ValueError` that names the argument.
"""

from m2k_lessons.events.exposure import reduce_around
from m2k_lessons.events.large_moves import jumps
from m2k_lessons.events.placebos import Placebo, placebo
from m2k_lessons.events.release_calendar import calendar, read_calendar
from m2k_lessons.events.responses import Response, response
from m2k_lessons.events.study import EventStudy, bar_returns, event_study
