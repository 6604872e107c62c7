"""The figure of a backtest: equity, drawdown, and the prices with the trades on them."""

from __future__ import annotations

import numpy as np


def draw(result):
    import matplotlib.pyplot as plt

    from m2k_lessons import plots

    symbols = list(result.bars)
    figure = plt.figure(figsize=(7.6, 4.4 + 1.8 * len(symbols)))
    heights = [2, 1, *[2] * len(symbols)]
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    equity = result.equity["Equity"]
    drawdown_pct = -100 * result.equity["DrawdownPct"]
    panels[0].plot(equity.index, equity, color=plots.BLUE)
    panels[0].axhline(result.capital, color=plots.GREY, linewidth=0.8)
    title = f"Account ({result.label})" if result.label else "Account"
    panels[0].set(title=title, ylabel="equity, USD")
    plots.usd_axis(panels[0])
    panels[1].fill_between(drawdown_pct.index, drawdown_pct, 0, color=plots.ORANGE, hatch="//")
    panels[1].set(title="Below its highest point so far", ylabel="drawdown, %")
    for axes, symbol in zip(panels[2:], symbols, strict=True):
        _draw_trades(axes, result, symbol, plots)
    panels[-1].set_xlabel("time")
    figure.autofmt_xdate()
    stats = result.stats
    plots._describe(
        panels[0],
        "Backtest of " + " and ".join(symbols),
        [
            *([result.label] if result.label else []),
            f"equity from {plots.usd(result.capital)} to {plots.usd(stats['Equity Final [$]'])}",
            f"deepest drawdown {plots.usd(stats['Max. Drawdown [$]'])}",
            f"{stats['# Trades']} trades, marked on the price",
        ],
    )
    return panels


def _draw_trades(axes, result, symbol: str, plots) -> None:
    close = result.bars[symbol]["close"]
    axes.plot(close.index, close, color=plots.GREY, linewidth=1)
    trades = result.trades[result.trades["Symbol"] == symbol]
    looks = (("^", plots.BLUE, "bought"), ("v", plots.ORANGE, "sold short"))
    for (marker, colour, name), size in zip(looks, (1, -1), strict=True):
        entered = trades[np.sign(trades["Size"]) == size]
        axes.plot(
            entered["EntryTime"],
            entered["EntryPrice"],
            marker=marker,
            color=colour,
            linestyle="",
            markersize=6,
            label=name,
        )
    closed = trades[trades["Tag"] != "open"]
    axes.plot(
        closed["ExitTime"],
        closed["ExitPrice"],
        marker="x",
        color="black",
        linestyle="",
        markersize=5,
        label="closed",
    )
    axes.set(title=f"{symbol} and the trades", ylabel="points")
    axes.legend(loc="upper left", ncols=3)
