"""Wall-clock times to instants, with the two nights a year when the clock is set."""

import datetime

import numpy as np
import pandas as pd

from m2k_lessons.data.reader.report import CellFault

NEAR = 3 * 3_600 * 10**9  # nanoseconds; rows of one night lie within


def to_utc_in_place(
    times: np.ndarray, zone: datetime.tzinfo, daily: bool, numbers: np.ndarray
) -> None:
    """Turn wall-clock nanoseconds, in the file's order, into UTC.

    A time that the clock skipped in spring is a fault. A time that it showed twice in autumn is
    resolved where the rows' order shows both passes, and a fault where it does not. A daily
    date whose midnight was skipped or repeated means the first instant of that day.

    `times`, int64, is overwritten. `daily` is True where every row is at midnight; `numbers` has
    a row per column and a column per time. A fault is a `CellFault` with the position of the row.
    """
    rising = len(times) < 2 or times[-1] >= times[0]
    unsure = [np.array([], dtype=np.int64)]
    for start in range(0, len(times), 1 << 18):  # the working arrays stay small beside the result
        part = times[start : start + (1 << 18)]
        local = pd.DatetimeIndex(part.view("M8[ns]"))
        instants = local.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        unsure.append(start + np.flatnonzero(instants.isna()))
        part[:] = np.where(instants.isna(), part, instants.asi8)
    rows = np.concatenate(unsure)
    wall = times[rows]
    if not rows.size:
        return
    local = pd.DatetimeIndex(wall.view("M8[ns]"))
    missing = "shift_forward" if daily else "NaT"
    first = local.tz_localize(zone, ambiguous=np.full(rows.size, True), nonexistent=missing)
    second = local.tz_localize(zone, ambiguous=np.full(rows.size, False), nonexistent=missing)
    if first.hasnans:
        skipped = int(first.isna().argmax())
        problem = f"{local[skipped]} does not exist in {zone}: the clocks skip it"
        remedy = "pass tz= with the zone in which the times are, or delete the line"
        raise CellFault(int(rows[skipped]), "time", problem, remedy)
    times[rows] = first.asi8
    if daily:
        return
    breaks = 1 + np.flatnonzero((np.diff(rows) != 1) | (np.abs(np.diff(wall)) > NEAR))
    for night in np.split(np.arange(rows.size), breaks):
        in_time = night if rising else night[::-1]
        turns = np.flatnonzero(np.diff(wall[in_time]) <= 0)
        decided = turns.size == 1
        if decided:
            last, after = in_time[turns[0]], in_time[turns[0] + 1]
            one, other = numbers[:, rows[last]], numbers[:, rows[after]]
            decided = wall[last] != wall[after] or not np.array_equal(one, other, equal_nan=True)
            afterwards = in_time[turns[0] + 1 :]
            times[rows[afterwards]] = second.asi8[afterwards]
            around = times[max(rows[night[0]] - 1, 0) : rows[night[-1]] + 2]
            decided &= bool((np.diff(around if rising else around[::-1]) > 0).all())
        if not decided:
            problem = f"{local[night[0]]} was shown twice by the clocks of {zone} and the order of "
            problem += "the rows does not tell which is meant"
            remedy = "use a file with UTC offsets, or delete the line"
            raise CellFault(int(rows[night[0]]), "time", problem, remedy)
