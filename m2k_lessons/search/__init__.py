"""Search a strategy's settings, and keep the log of every trial; public through `evidence`.

One process draws the trials and writes them down; the others only run backtests. So a search
needs no shared file to be spread over machines. A batch of trials is written in one transaction
when all of it is done: no trial is lost by halves or counted twice. The draw of each trial is
seeded by its number, so that a search which was resumed is the one that was not interrupted.
"""

from m2k_lessons.search.runs import METHODS, Search, search
