"""Chapter 06: the trading clock of any city, and how far M2K moves at each hour on it."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from m2k_lessons import data, sessions
from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.base import Choice, Explorer, Slider
from m2k_lessons.plots import BLUE, ORANGE, SKY, usd, usd_axis

ZONES = {
    "New York": sessions.NEW_YORK,
    "Chicago": "America/Chicago",
    "London": "Europe/London",
    "Kolkata": "Asia/Kolkata",
    "Tokyo": "Asia/Tokyo",
}
# Before, between and after the days on which America and Europe change their clocks.
DAYS = tuple(
    f"Wed {day} 2030"
    for day in ("6 March", "13 March", "3 April", "10 July", "30 October", "6 November")
)
SESSIONS = {"RTH": "regular hours", "ETH": "extended hours", "closed": "closed"}


@functools.cache
def _profile() -> np.ndarray:
    """Mean absolute 5-minute move of one M2K, USD, for each half hour from New York midnight."""
    bars = data.load("intraday")["M2K"]
    five = bars.groupby(bars.index.floor("5min")).agg({"open": "first", "close": "last"})
    move_usd = (five["close"] - five["open"]).abs() * M2K.multiplier
    half_hour = 2 * five.index.hour + five.index.minute // 30
    return move_usd.groupby(half_hour).mean().reindex(range(48), fill_value=0.0).to_numpy()


def compute(city: str, day: str, hour: float) -> dict:
    """The day of that city in half hours: New York's clock, session, and ordinary move, USD."""
    midnight = pd.Timestamp(day.removeprefix("Wed "), tz=ZONES[city])
    times = pd.date_range(midnight, periods=48, freq="30min").tz_convert(sessions.NEW_YORK)
    labels = sessions.label_sessions(times).to_numpy()
    move_usd = np.where(labels == "closed", 0.0, _profile()[2 * times.hour + times.minute // 30])
    chosen = round(2 * hour)
    label, move = labels[chosen], usd(move_usd[chosen], 2)
    here = f"{times[chosen]:%a %H:%M} in New York"
    there = f"{chosen // 2:02d}:{chosen % 2 * 30:02d} in {city}"
    moves = "no trading" if label == "closed" else f"5 minutes ordinarily move 1 M2K by {move}"
    # The roll joins the day's ends: in Tokyo regular hours may run past midnight.
    begins = np.flatnonzero((labels == "RTH") & (np.roll(labels, 1) != "RTH"))[0]
    return {
        "chosen": chosen,
        "move_usd": move_usd,
        "labels": labels,
        "text": f"{day}, {there} = {here}\n{SESSIONS[label]}: {moves}",
        "opening": f"{begins // 2:02d}:{begins % 2 * 30:02d}",
    }


def draw(figure) -> dict:
    axes = figure.add_subplot()
    axes.set(title="How far 5 minutes move one M2K (simulated)", xlim=(0, 24), ylim=(0, 22))
    axes.set(xlabel="clock of the chosen city", ylabel="mean 5-minute move, USD")
    axes.set_xticks(range(0, 25, 3), [f"{hour:02d}:00" for hour in range(0, 25, 3)])
    axes.set_yticks(range(0, 21, 5))
    usd_axis(axes)
    edges, none = np.arange(49) / 2, np.zeros(48)
    artists = {
        "ETH": axes.stairs(none, edges, fill=True, color=SKY, label="extended hours (light)"),
        "RTH": axes.stairs(none, edges, fill=True, color=BLUE, label="regular hours (dark)"),
        "marker": axes.plot([], [], "v", color=ORANGE, markersize=9)[0],
        "text": axes.text(0.015, 0.97, "", transform=axes.transAxes, color=ORANGE, va="top"),
    }
    axes.legend(handles=[artists["ETH"], artists["RTH"]], loc="upper right")
    return artists


def update(artists: dict, result: dict) -> None:
    move_usd, chosen = result["move_usd"], result["chosen"]
    for label in ("ETH", "RTH"):
        artists[label].set_data(np.where(result["labels"] == label, move_usd, 0.0))
    artists["marker"].set_data([chosen / 2 + 0.25], [move_usd[chosen] + 0.6])
    artists["text"].set_text(result["text"])


def describe(state: dict, result: dict) -> str:
    return (
        f"Bars of the mean 5-minute move of one M2K over the day in {state['city']}, simulated. "
        f"Regular hours begin at {result['opening']} there, the largest bar is "
        f"{usd(result['move_usd'].max(), 2)}. " + result["text"].replace("\n", ": ") + "."
    )


def clock(hour: float) -> str:
    """The time of a slider that counts half hours: 14.5 is 14:30."""
    return f"{int(hour):02d}:{round(hour % 1 * 60):02d}"


def explore() -> Explorer:
    """The explorer of chapter 06."""
    controls = [
        Choice("city", "City", tuple(ZONES), "London"),
        Choice("day", "Day", DAYS, DAYS[0]),
        Slider("hour", "Time there", clock, 14.5, 0.0, 23.5, 0.5),
    ]
    return Explorer(controls, compute, draw, update, describe, size=(9.0, 4.1))
