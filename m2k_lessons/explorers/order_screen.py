"""A picture of what a trading platform shows: the order ticket, and the ladder of prices."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from m2k_lessons import plots
from m2k_lessons.contracts import M2K

PAPER, BID, OFFER = "#F4F4F4", "#DCEBF5", "#FBE3D6"
WIDTHS = {"my buys": 1.1, "bids": 1.0, "price": 1.3, "offers": 1.0, "my sells": 1.1}


def order_screen(
    ticket: Mapping[str, str],
    bids: Mapping[float, int],
    offers: Mapping[float, int],
    my_buys: Mapping[float, int] | None = None,
    my_sells: Mapping[float, int] | None = None,
) -> Figure:
    """Draw an order ticket and, beside it, a ladder with a row for each tick.

    Parameters
    ----------
    ticket : mapping of str to str
        Labels and entries of the ticket, from top to bottom.
    bids, offers : mapping of float to int
        Price in points to contracts wanted, or offered, at it. Each bid lies below each offer.
    my_buys, my_sells : mapping of float to int, optional
        Contracts of the reader's own orders that wait at a price of the ladder.

    Returns
    -------
    Figure
        For `plots.show`, with a text that says what is in it.
    """
    if not bids or not offers or max(bids) >= min(offers):
        raise ValueError(f"bids must lie below offers, got bids {bids} and offers {offers}")
    columns = {
        "my buys": my_buys or {},
        "bids": bids,
        "offers": offers,
        "my sells": my_sells or {},
    }
    ticks = {
        name: {M2K.ticks(price): number for price, number in column.items()}
        for name, column in columns.items()
    }
    rows = range(max(ticks["offers"]), min(ticks["bids"]) - 1, -1)
    for name in ("my buys", "my sells"):
        if outside := set(ticks[name]) - set(rows):
            raise ValueError(
                f"{name.replace(' ', '_')} must lie on the ladder, "
                f"got {sorted(tick * M2K.tick_size for tick in outside)}"
            )
    figure = plt.figure(figsize=(7.6, 4.2))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    _ticket(left, ticket)
    _ladder(right, ticks, rows)
    return figure


def _ticket(axes, ticket: Mapping[str, str]) -> None:
    height = len(ticket) + 2.2
    axes.add_patch(Rectangle((0, 0), 10, height, facecolor=PAPER, edgecolor=plots.GREY))
    for row, (label, entry) in enumerate(ticket.items()):
        y = height - 0.9 - row
        axes.text(0.5, y, label, va="center", color=plots.GREY)
        axes.text(9.5, y, entry, va="center", ha="right")
    buttons = {"BUY": (0.5, plots.BLUE), "SELL": (5.2, plots.ORANGE)}
    for name, (x, colour) in buttons.items():
        axes.add_patch(Rectangle((x, 0.35), 4.3, 1.1, facecolor=colour))
        axes.text(x + 2.15, 0.9, name, ha="center", va="center", color="white", weight="bold")
    axes.set(xlim=(-0.1, 10.1), ylim=(-0.1, height + 0.1), title="Order ticket")
    axes.axis("off")


def _ladder(axes, ticks: Mapping[str, Mapping[int, int]], rows: range) -> None:
    fills = {"bids": BID, "offers": OFFER, "price": PAPER}
    colours = {"my buys": plots.BLUE, "my sells": plots.ORANGE}
    x = 0.0
    for name, width in WIDTHS.items():
        axes.text(x + width / 2, len(rows) + 0.5, name, ha="center", va="center", color=plots.GREY)
        for place, tick in enumerate(rows):
            y = len(rows) - 1 - place
            number = ticks.get(name, {}).get(tick)
            shown = f"{tick * M2K.tick_size:,.1f}" if name == "price" else str(number or "")
            inside = name == "price" or number is not None
            fill = fills.get(name, "white") if inside else "white"
            box = Rectangle((x, y), width, 1, facecolor=fill, edgecolor="#CCCCCC", linewidth=0.6)
            axes.add_patch(box)
            axes.text(
                x + width / 2,
                y + 0.5,
                shown,
                ha="center",
                va="center",
                color=colours.get(name, "black"),
                weight="bold" if name in colours else "normal",
            )
        x += width
    axes.set(xlim=(-0.05, x + 0.05), ylim=(-0.1, len(rows) + 1), title="Ladder")
    axes.axis("off")
