"""The trading desk in words: account line, answers, orders, trades, and the result card."""

from __future__ import annotations

import html
from collections.abc import Iterable

from m2k_lessons.paper.desk import Desk, order_text, position_text, result_card
from m2k_lessons.plots import usd

MARKET = {"RTH": "regular hours", "ETH": "outside regular hours", "closed": "closed"}
NO = ("REFUSED", "NOT SENT")  # how an answer begins that is a no
LIST = 'style="margin:0;padding-left:1.5em;line-height:1.4"'
SCROLLS = "max-height:7.5em;overflow-y:auto"


def account_html(desk: Desk) -> str:
    """The account in one line of a table, as everything here with its text escaped."""
    shown = desk.account.snapshot()
    cells = {
        "Cash": usd(shown["cash_usd"], 2),
        "Open P&L": usd(shown["open_pnl_usd"], 2),
        "Equity": usd(shown["equity_usd"], 2),
        "Position": position_text(shown),
        "P&L since entry": usd(shown["position_pnl_usd"], 2),
        "Margin used": usd(shown["margin_used_usd"]),
        "Buying power": usd(shown["buying_power_usd"], 2),
        "Market": MARKET[shown["session"]],
    }
    if halted := shown["halted_until"]:
        cells["Market"] = f"halted until {halted:%H:%M}"
    if call := shown["margin_call"]:
        cells["MARGIN CALL"] = f"{usd(call['amount_usd'], 2)} by {call['deadline']:%a %H:%M}"
    return _table(cells, [cells.values()])


def answer_html(desk: Desk) -> str:
    """The last message, for the place beside the buttons; a no has a sign and a colour.

    A fill is followed by the acceptance of its exits, which is the lesser news.
    """
    new = desk.messages[-max(desk.latest, 1) :]
    news = [message for message in new if " accepted: " not in message[1]]
    time, text = (news or new)[-1]
    refused = text.startswith(NO)
    look = 'class="m2k-no" style="font-weight:600"' if refused else ""
    said = html.escape(f"{'✗ ' if refused else ''}{time:%H:%M} · {text}")
    return f'<div role="{"alert" if refused else "status"}" {look}>{said}</div>'


def lists_html(desk: Desk) -> str:
    """Messages, working orders and trades, side by side where there is room."""
    orders = [order_text(order) for order in desk.account.snapshot()["working"]] or ["none"]
    said = [f"{time:%a %H:%M} · {text}" for time, text in reversed(desk.messages)]
    marked = ['class="m2k-no"' if text.startswith(NO) else "" for _, text in desk.messages][::-1]
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:0 2em">'
        + _part("Messages", "newest first", f"<ul {LIST}>{_items(said, marked)}</ul>", 24)
        + _part("Working orders", "", f"<ul {LIST}>{_items(orders)}</ul>", 16)
        + "</div>"
        + _part("Trades", "newest first", trades_html(desk), 30)
    )


def trades_html(desk: Desk) -> str:
    """The round trips so far as a table."""
    trades = desk.account.trades.iloc[::-1]
    rows = [
        (
            f"{trade.entry_time:%a %H:%M}",
            f"{'bought' if trade.contracts > 0 else 'sold'} {abs(trade.contracts)}",
            f"{trade.entry_price:,.1f}",
            f"{trade.exit_time:%a %H:%M}",
            f"{trade.exit_price:,.1f}",
            f"{trade.points:+.1f}".replace("-", "−"),
            usd(trade.commission_usd, 2),
            usd(trade.pnl_usd, 2),
        )
        for trade in trades.itertuples()
    ]
    heads = ("Entry", "Contracts", "at", "Exit", "at", "Points", "Fees", "After fees")
    return _table(heads, rows) if rows else "<div>none yet</div>"


def result_html(desk: Desk) -> str:
    """The result card."""
    card = result_card(desk)
    holding = usd(card["holding_usd"], 2) if card["holding_usd"] is not None else card["refused"]
    number = len(card["trades"])
    rows = [
        ("Trades", f"{number}, {card['won']} won and {card['lost']} lost"),
        ("Won and lost", f"{usd(card['won_usd'], 2)} and {usd(card['lost_usd'], 2)}"),
        ("Fees", usd(card["fees_usd"], 2)),
        ("You made, open position included", usd(card["made_usd"], 2)),
        ("Largest fall on the way", usd(card["largest_fall_usd"], 2)),
        ("Doing nothing", usd(card["nothing_usd"], 2)),
        ("Holding one contract from the start", holding),
    ]
    body = "".join(
        f'<tr><th scope="row" style="text-align:left;padding-right:1em">{html.escape(name)}</th>'
        f'<td style="text-align:right">{html.escape(text)}</td></tr>'
        for name, text in rows
    )
    began, now = desk.opening.now, desk.account.now
    return (
        f'<div class="m2k-card" role="status"><b>Result, {began:%a %d %b %H:%M} to '
        f"{now:%a %d %b %H:%M}</b> (simulated prices)<table>{body}</table>"
        "One day proves nothing, and neither do ten: with so few trades luck decides who is "
        "ahead. Chapter 15 counts how many it takes.</div>"
    )


def _part(title: str, note: str, body: str, wide: int) -> str:
    """A titled part that scrolls by itself, with the keyboard too, when it is long."""
    note = f" ({note})" if note else ""
    return (
        f'<div style="flex:1 1 {wide}em"><b>{title}</b>{note}<div role="region" tabindex="0" '
        f'aria-label="{title}" style="{SCROLLS}">{body}</div></div>'
    )


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{_cells('th', heads)}</tr>{body}</table>"


def _cells(tag: str, texts: Iterable[str]) -> str:
    style = ' style="text-align:right;padding:0 10px 0 0"'
    return "".join(f"<{tag}{style}>{html.escape(text)}</{tag}>" for text in texts)


def _items(texts: list[str], marks: list[str] | None = None) -> str:
    marks = marks or [""] * len(texts)
    return "".join(
        f'<li {mark} style="margin:0">{html.escape(text)}</li>'
        for text, mark in zip(texts, marks, strict=True)
    )
