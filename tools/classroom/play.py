"""Inside a sandbox: a learner's strategy, which is told one day at a time.

Tomorrow's bars are not in this process, so nothing here can look ahead. A line comes in for the
history, then one for each day with the bar of each market; a line goes out with the positions.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any

from tools.classroom import record

COLUMNS = ("open", "high", "low", "close", "volume", "contract")


def main() -> None:
    job = json.loads(sys.stdin.readline())
    orders = os.fdopen(os.dup(0), "r", encoding="utf-8")
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    shell = record._shell()
    for number, source in job["cells"]:
        error = record._run(shell, source)
        if error is not None:
            words = record._in_words(error, 0)
            out.write(json.dumps({"failed": f"cell {number}: {words['text']}"}) + "\n")
    strategy = shell.user_ns.get("strategy")
    if not callable(strategy):
        out.write(json.dumps({"stopped": "there is no function called `strategy`"}) + "\n")
        os._exit(0)
    markets = [_Market(rows, job["days"]) for rows in job["history"]]
    while True:
        told = {"targets": [_asked(strategy, market) for market in markets]}
        out.write(json.dumps(told) + "\n")
        line = orders.readline()
        if not line:
            os._exit(0)
        for market, row in zip(markets, json.loads(line), strict=True):
            market.add(row)


class _Market:
    """Bars up to today, in room for those to come."""

    def __init__(self, rows: list, days: int) -> None:
        import numpy as np

        self.known = 0
        self._times: list = []
        size = len(rows) + days
        kinds = {"volume": np.int64, "contract": object}
        self._columns = {name: np.zeros(size, kinds.get(name, float)) for name in COLUMNS}
        for row in rows:
            self.add(row)

    def add(self, row: list) -> None:
        import pandas as pd

        self._times.append(pd.Timestamp(row[0]))
        for name, value in zip(COLUMNS, row[1:], strict=True):
            self._columns[name][self.known] = value
        self.known += 1

    def bars(self):
        import pandas as pd

        index = pd.to_datetime(self._times, utc=True).rename("time").tz_convert("America/New_York")
        return pd.DataFrame(
            {name: column[: self.known].copy() for name, column in self._columns.items()}, index
        )


def _asked(strategy, market: _Market) -> Any:
    try:
        value = strategy(market.bars())
        value = value.iloc[-1] if hasattr(value, "iloc") else value
        number = float(value)
    # Whatever the strategy raises, SystemExit too, is what the table says of it.
    except BaseException as error:
        return record._in_words(error, 0)["text"]
    return number if math.isfinite(number) else str(number)
