"""What the times of a file's bars tell: where a bar is labelled, and rows that don't belong."""

import numpy as np
import pandas as pd

from m2k_lessons.data.opens import within_the_day
from m2k_lessons.data.reader.report import PriceFileError
from m2k_lessons.data.reader.times import CLOCKS, OFFSETS

STANDARD = {"ES", "CS", "MS", "PS", "CE", "EE"}  # EST to EET: what a summer's time should not say
MINUTE, HOUR, DAY = 60 * 10**9, 3_600 * 10**9, 86_400 * 10**9
RTH_OPEN, RTH_CLOSE, GLOBEX_CLOSE, GLOBEX_OPEN = 570, 960, 1020, 1080  # minutes of the day


def labelled_by_start(stamps: np.ndarray, name: str) -> np.ndarray:
    """Move bars that are labelled by their end back by the usual distance of two bars."""
    step = _step(stamps)
    if not 0 < step < DAY:
        raise PriceFileError("label='end' is for bars within the day; leave it out", name)
    return stamps - step


def notes(
    index: pd.DatetimeIndex, abbreviations: set[str], label: str, midnight_utc: bool
) -> list[str]:
    """Note labels that a reader could take for others."""
    found = []
    summer = any(time.dst() for time in index[:: 1 + len(index) // 400].tz_convert(CLOCKS["ET"]))
    if summer and len(abbreviations) == 1 and (word := min(abbreviations))[:-1] in STANDARD:
        found.append(
            f"every time says {word}, in summer too, and is read as UTC{OFFSETS[word]:+d} always; "
            f"if {CLOCKS[word]}'s changing clock is meant: frame.index = frame.index.tz_convert("
            f"'Etc/GMT{-OFFSETS[word]:+d}').tz_localize(None).tz_localize('{CLOCKS[word]}')"
        )
    if within_the_day(index):
        if label == "start" and _seem_labelled_by_end(index[:50_000]):
            found.append("bars seem to be labelled by their end; if so, pass label='end'")
        return found
    clock = index.tz_localize(None).as_unit("ns").asi8 % DAY
    late = np.flatnonzero(clock)
    if len(index) > 1 and 0 < len(late) <= max(1, len(index) // 100):
        found.append(
            f"{len(late)} of {len(index):,} rows not at midnight like the others, the first "
            f"{index[late[0]]}: a bar of the running day? "
            "frame[frame.index == frame.index.normalize()] leaves them out"
        )
    if not midnight_utc and len(index) > 1 and (clock == clock[0]).all() and clock[0] >= DAY // 2:
        found.append(
            f"every time is {index[0]:%H:%M}, where a session begins the evening before: "
            "sessions.trade_date(frame.index) gives the trade dates"
        )
    return found


def _step(stamps: np.ndarray) -> int:
    """Return the most usual distance of two bars."""
    distances, counts = np.unique(np.diff(stamps), return_counts=True)
    return int(distances[counts.argmax()]) if len(distances) else 0


def _seem_labelled_by_end(index: pd.DatetimeIndex) -> bool:
    """Tell whether the days' first and last times fit the ends of bars, and no beginnings."""
    step = _step(index.as_unit("ns").asi8)
    if not 0 < step <= HOUR:
        return False
    local = index.tz_convert(CLOCKS["ET"]).tz_localize(None).as_unit("ns").asi8
    day, minute, length = local // DAY, local % DAY // MINUTE, step // MINUTE
    begins = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    ends = np.append(begins[1:], len(day)) - 1
    regular = (minute[begins] == RTH_OPEN + length) & (minute[ends] == RTH_CLOSE)
    closing, opening = ((minute == at).sum() for at in (GLOBEX_CLOSE, GLOBEX_OPEN))
    electronic = closing > len(begins) / 2 and opening < len(begins) / 10
    return bool(regular.mean() > 0.5 or electronic)
