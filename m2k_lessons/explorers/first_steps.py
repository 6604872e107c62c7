"""Chapter 04: the trading desk, a demo account on replayed simulated minutes.

Behind it stands the pure `step(desk, event)` of `m2k_lessons.paper.desk`; the widget only turns
buttons into events, and a desk into a picture and texts.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from m2k_lessons import data
from m2k_lessons.explorers.base import Explorer, Slider
from m2k_lessons.explorers.controls import button, field, number
from m2k_lessons.explorers.desk_texts import account_html, answer_html, lists_html, result_html
from m2k_lessons.paper import PaperAccount
from m2k_lessons.paper.desk import (
    Cancel,
    Desk,
    FastForward,
    Flatten,
    Minutes,
    Reset,
    Submit,
    opened,
    order_text,
    position_text,
    step,
)
from m2k_lessons.plots import BLUE, GREEN, GREY, ORANGE, usd

CAPITAL_USD = 5_000
BARS_FROM, BARS_TO = "2030-03-04 18:00", "2030-03-15 17:00"
OPENED = pd.Timestamp("2030-03-05 10:00", tz="America/New_York")
LABELS = 8  # levels named in the chart


@functools.cache
def _first_account() -> PaperAccount:
    bars = data.load("intraday")["M2K"].loc[BARS_FROM:BARS_TO]
    return PaperAccount(bars, capital=CAPITAL_USD, start=OPENED)


def start() -> Desk:
    """The desk of chapter 04: 5,000 dollars on a Tuesday morning."""
    return opened(_first_account())


# ---------------------------------------------------------------- the chart


def chart(desk: Desk, minutes: int) -> dict[str, Any]:
    """What the picture shows of the last minutes seen: numbers only, none from the future."""
    account = desk.account
    bars = account.seen.iloc[-minutes:]
    shown, fills = account.snapshot(), account.fills
    minute = bars.index.get_indexer(fills["time"]) - len(bars) + 1
    inside, bought = minute > -len(bars), (fills["side"] == "buy").to_numpy()
    levels = [
        (price, "{id}: {side} {contracts}".format_map(order) + f" {kind} {price:,.1f}", kind)
        for order in shown["working"]
        for kind in ("stop", "limit")
        if (price := order[kind]) is not None
    ]
    if shown["position"]:
        levels.insert(0, (shown["average_price"], position_text(shown), "position"))
    low, high = bars["low"].min(), bars["high"].max()
    # Levels far away would flatten the chart; they stand in the account line and in the list.
    near = [level for level in levels if low - 25 <= level[0] <= high + 25][:LABELS]
    prices = [low, high, *(level[0] for level in near)]
    return {
        "minutes": np.arange(len(bars)) - len(bars) + 1.0,
        "low": bars["low"].to_numpy(),
        "high": bars["high"].to_numpy(),
        "close": bars["close"].to_numpy(),
        "bought": np.c_[minute, fills["price"]][inside & bought],
        "sold": np.c_[minute, fills["price"]][inside & ~bought],
        "levels": near,
        # Round limits, so that the axes seldom have to be drawn again.
        "limits": (10 * np.floor((min(prices) - 1) / 10), 10 * np.ceil((max(prices) + 1) / 10)),
        "shown": shown,
    }


LOOKS = {"position": (GREY, "-"), "stop": (ORANGE, "--"), "limit": (GREEN, "-.")}


def draw(figure) -> dict:
    figure.set_layout_engine("none")  # the price axis moves, nothing else may
    axes = figure.add_axes((0.085, 0.19, 0.70, 0.71))
    axes.set(xlabel="minutes of trading before now", ylabel="M2K, points (simulated)")
    axes.set_xlim(-120, 1)
    segments = {f"line{n}": axes.plot([], [], linewidth=1.3)[0] for n in range(LABELS)}
    beside = {"ha": "left", "va": "center", "clip_on": False, "fontsize": 9.5}
    texts = {f"text{n}": axes.text(0, 0, "", **beside) for n in range(LABELS)}
    marks = {"linestyle": "", "markersize": 9, "markeredgecolor": "white"}
    return {
        "range": axes.vlines([], [], [], color=GREY, linewidth=0.8),
        "close": axes.plot([], [], "-", color=BLUE, linewidth=1.4)[0],
        "bought": axes.plot([], [], marker="^", color=BLUE, zorder=5, **marks)[0],
        "sold": axes.plot([], [], marker="v", color=ORANGE, zorder=5, **marks)[0],
        "title": axes.text(0, 1.03, "", transform=axes.transAxes, fontsize=11.5),
        **segments,
        **texts,
    }


def update(artists: dict, result: Mapping[str, Any]) -> None:
    x, shown, axes = result["minutes"], result["shown"], artists["close"].axes
    axes.set_xlim(x[0] - 1, 1)
    axes.set_ylim(*result["limits"])
    ends = np.stack([np.c_[x, result["low"]], np.c_[x, result["high"]]], axis=1)
    artists["range"].set_segments(list(ends))
    artists["close"].set_data(x, result["close"])
    for name in ("bought", "sold"):
        artists[name].set_data(*result[name].T)
    artists["title"].set_text(f"{shown['time']:%a %d %b %Y %H:%M} New York: {shown['last']:,.1f}")
    apart, height = 0.06 * (result["limits"][1] - result["limits"][0]), -np.inf
    levels = sorted(result["levels"], key=lambda level: level[0])
    for n in range(LABELS):
        price, text, kind = levels[n] if n < len(levels) else (np.nan, "", "position")
        colour, style = LOOKS[kind]
        height = max(price, height + apart) if text else result["limits"][0]
        artists[f"line{n}"].set(xdata=[x[0], 1], ydata=[price] * 2, color=colour, linestyle=style)
        artists[f"text{n}"].set(x=1 + len(x) / 60, y=height, text=text, color=colour)


def describe(state: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    shown, close = result["shown"], result["close"]
    orders = "; ".join(text for _, text, kind in result["levels"] if kind != "position")
    return (
        f"Simulated M2K, the last {len(close)} minutes to {shown['time']:%a %d %b %Y %H:%M} New "
        f"York: from {close[0]:,.1f} to {close[-1]:,.1f}, between {result['low'].min():,.1f} and "
        f"{result['high'].max():,.1f}. Position: {position_text(shown)}. Orders in the chart: "
        f"{orders or 'none'}. Purchases marked: {len(result['bought'])}, sales: "
        f"{len(result['sold'])}. Equity {usd(shown['equity_usd'], 2)}."
    )


# ---------------------------------------------------------------- the screen


class TradingDesk(Explorer):
    """The desk as a widget.

    Attributes
    ----------
    desk : Desk
        What it shows now.
    controls : dict of str to Widget
        Ticket, clock and chart controls by name.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk, self._card_shown = desk, False
        slider = Slider("minutes", "Minutes in the chart", "minutes", 120, 30, 240, 30)
        super().__init__(
            [slider], lambda minutes: chart(self.desk, minutes), draw, update, describe, (9.6, 2.75)
        )
        self.reset.description, self.reset.tooltip = "Start again", "account, ticket and chart"
        self.controls |= {**self._ticket(), **self._clock()}
        self._account, self._texts, self._card = (widgets.HTML() for _ in range(3))
        self._last = widgets.HTML(layout={"flex": "1 1 auto", "margin": "0 0 0 1em"})
        show = self.controls | {"last": self._last, "chart": self._rows["minutes"]}
        show["chart"].layout.width = "30em"
        rows = [widgets.HBox([show[name] for name in row.split()]) for row in self._ROWS]
        self.children = (self._picture, self._account, *rows, self._card, self._texts)
        self._show()

    _ROWS = (
        "side contracts kind limit stop",
        "stop_loss_points profit_target_points time_in_force",
        "send flatten last",
        "ticker play speed minute session day reset result",
        "working cancel chart",
    )

    def _ticket(self) -> dict[str, widgets.Widget]:
        fields = {
            "side": field(widgets.Dropdown, "Side", options=["buy", "sell"]),
            "contracts": field(widgets.Text, "Contracts"),
            "kind": field(
                widgets.Dropdown, "Order type", options=["market", "limit", "stop", "stop-limit"]
            ),
            "limit": field(widgets.Text, "Limit price"),
            "stop": field(widgets.Text, "Stop price"),
            "stop_loss_points": field(widgets.Text, "Stop loss (points)", 10),
            "profit_target_points": field(widgets.Text, "Profit target (points)", 11),
            "time_in_force": field(widgets.Dropdown, "Good for", options=["day", "gtc"]),
            "send": button("Send order", lambda: self.send(Submit(self.ticket())), "primary"),
            "flatten": button("Close everything", lambda: self.send(Flatten())),
        }
        fields["kind"].observe(self._kind_chosen, "value")
        for name, value in TICKET.items():
            fields[name].value = value
        for name in ("limit", "stop"):
            fields[name].disabled = True
        return fields

    def _clock(self) -> dict[str, widgets.Widget]:
        # The browser's own timer ticks; no thread here outlives the cell. Hidden, because its
        # buttons bear no text.
        ticker = widgets.Play(max=10**9, interval=250, layout={"display": "none"})
        play = widgets.ToggleButton(description="Play", tooltip="start or stop the clock")
        play.layout.width = "6em"
        play.observe(self._play_pressed, "value")
        widgets.link((play, "value"), (ticker, "playing"))
        ticker.observe(self._tick, "value")
        speed = field(widgets.Dropdown, "Minutes a tick", 8, 4, options=[1, 2, 5, 15], value=1)
        working = field(widgets.Dropdown, "Working order", 8, 22, options=[])
        return {
            "ticker": ticker,
            "play": play,
            "speed": speed,
            "minute": button("1 minute", lambda: self.send(Minutes(1))),
            "session": button("To next session", lambda: self.send(FastForward("session"))),
            "day": button("To next 09:30", lambda: self.send(FastForward("day"))),
            "reset": self.reset,
            "result": button("Result", self._result_pressed),
            "working": working,
            "cancel": button("Cancel this order", lambda: self.send(Cancel(working.value))),
        }

    def _put_back(self) -> None:
        """Start again: account, ticket and chart as they were."""
        for name, value in TICKET.items():
            self.controls[name].value = value
        super()._put_back()
        self._card_shown = False
        self.send(Reset())

    def ticket(self) -> dict[str, Any]:
        """What stands in the ticket, as arguments of `paper.Order`."""
        shown = {name: self.controls[name] for name in TICKET}
        ticket = {name: shown[name].value for name in ("side", "kind", "time_in_force")}
        needed = ["contracts", *(name for name in ("limit", "stop") if not shown[name].disabled)]
        exits = ("stop_loss_points", "profit_target_points")
        wanted = [name for name in exits if shown[name].value.strip() not in ("", "0")]
        return ticket | {name: number(shown[name].value) for name in (*needed, *wanted)}

    def send(self, event) -> None:
        """Put an event to the desk and show what comes of it."""
        self.desk = step(self.desk, event)
        if self.desk.interrupted or isinstance(event, Reset):
            self.controls["play"].value = False
        if isinstance(event, Reset):
            self._card_shown = False
        self._redraw()
        self._show()

    def _show(self) -> None:
        account, chooser = self.desk.account, self.controls["working"]
        options = [(order_text(order), order["id"]) for order in account.snapshot()["working"]]
        if tuple(options) != tuple(chooser.options):
            chosen, ids = chooser.value, [number for _, number in options]
            chooser.options = options
            # Another order's fill must not change which one is going to be cancelled.
            chooser.value = chosen if chosen in ids else next(iter(ids), None)
        for name in ("play", "minute", "session", "day", "send", "flatten"):
            self.controls[name].disabled = account.finished
        self.controls["cancel"].disabled = not options or account.finished
        self._account.value, self._last.value = account_html(self.desk), answer_html(self.desk)
        self._texts.value = lists_html(self.desk)
        shown = self._card_shown or account.finished
        self._card.value = result_html(self.desk) if shown else ""
        self.controls["result"].description = "Hide result" if self._card_shown else "Result"

    def _result_pressed(self) -> None:
        self._card_shown = not self._card_shown
        self._show()

    def _tick(self, change) -> None:
        # A busy kernel gets several ticks as one.
        ticks = min(max(change["new"] - change["old"], 1), 4)
        self.send(Minutes(ticks * self.controls["speed"].value))

    def _play_pressed(self, change) -> None:
        change["owner"].description = "Pause" if change["new"] else "Play"

    def _kind_chosen(self, change) -> None:
        last = f"{self.desk.account.snapshot()['last']:.1f}"
        for name in ("limit", "stop"):
            box = self.controls[name]
            box.disabled = name not in change["new"].split("-")
            box.value = "" if box.disabled else last  # an old price would read as the market's


# The ticket as it lies on the desk: blank where nothing is asked for.
TICKET = {
    **{"side": "buy", "contracts": "1", "kind": "market", "limit": "", "stop": ""},
    **{"stop_loss_points": "", "profit_target_points": "", "time_in_force": "day"},
}


def explore() -> TradingDesk:
    """The trading desk of chapter 04."""
    return TradingDesk(start())
