"""A risk engine in front of a strategy: it may cut what the strategy wants, and nothing else.

    limits = Limits(risk_fraction=0.01, stop_points=20, max_share=2.0, daily_loss_usd=400)
    engine = RiskEngine(limits)
    result = backtest.run(bars, **engine.in_front_of(wanted), capital=20_000)
    engine.log                                        # what was cut, when, and why

**What it promises.** At each decision, from the time, the account value and the price known then:

- the answer has the sign of what is wanted, or is zero, and is never larger; so closing is always
  allowed, and the engine never opens anything by itself;
- each limit that is set holds for the answer, and the answer is the largest for which all do;
- `daily_loss_usd`: from the first decision that sees the loss to the end of that trade date (as
  `sessions.trade_dates` has it: the half-session of a holiday belongs to the next one) the answer
  is 0. The loss is counted from the last account value seen on an earlier trade date, on the first
  one from the first value seen;
- `max_drawdown`: from the first decision that sees the fall the answer is 0 for good. Going on is
  a person's decision, and takes a new engine;
- `quiet`: the answer is 0 at every decision from the start of a window until just before its end.
  With orders filled one bar after the decision, begin the window at least a bar early;
- every cut stands in `log`.

**What it cannot promise.** It decides at closes, and the market moves between them. A stop that
the price jumps over loses more than `risk_fraction`; a loss passes `daily_loss_usd` or
`max_drawdown` before it is seen; a price that moves after the decision carries market value and
volatility past their limits until the next one. The engine doesn't know whether the strategy has an
edge. And an order that reduces can be filled late or badly, like any other.

Money paid in or out is taken for profit or loss: begin with a new engine then.

Sizes are those of `risk.position_size`, `risk.exposure_cap` and `risk.volatility_target`; money is
compared in whole cents.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.paper import Accepted, PaperAccount, Refused
from m2k_lessons.risk.following import Following
from m2k_lessons.risk.limits import Limits, same_zone
from m2k_lessons.risk.sizing import exposure_cap, position_size, volatility_target

# Reasons, in the order in which they are named when several allow the same.
_SWITCHES = ("max_drawdown", "daily_loss_usd", "quiet")
_SIZES = ("max_contracts", "risk_fraction", "max_share", "volatility_target")
_COLUMNS = ("wanted", "allowed", "reason", "equity_usd", "why")


class RiskEngine:
    """Turns the position that a strategy wants into the one that the limits allow.

    An engine remembers the highest account value, the day's first one, and what it has switched
    off. So one engine belongs to one account, and is asked in order of time.

    Parameters
    ----------
    limits : Limits
    contract : Contract

    Examples
    --------
    >>> engine = RiskEngine(Limits(max_contracts=4, daily_loss_usd=300))
    >>> engine.allow(6, time="2031-01-06 10:00", equity_usd=20_000, price=2400.0)
    4
    >>> engine.allow(-6, time="2031-01-06 10:15", equity_usd=19_650, price=2382.5)
    0
    >>> engine.allow(-3, time="2031-01-07 09:30", equity_usd=19_650, price=2380.0)
    -3
    >>> engine.log["reason"].tolist()
    ['max_contracts', 'daily_loss_usd']
    """

    def __init__(self, limits: Limits, *, contract: Contract = M2K) -> None:
        if not isinstance(limits, Limits):
            raise TypeError(f"limits must be Limits, got {limits!r}")
        if not isinstance(contract, Contract):
            raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
        self.limits, self.contract = limits, contract
        names = (*_SWITCHES, *_SIZES)
        self._set = [name for name in names if getattr(limits, name) not in (None, ())]
        # In exact cents: the loss that ends a day, and what must be left of the highest value.
        self._day_limit = 100 * Fraction(str(limits.daily_loss_usd or 0))
        self._left = 1 - Fraction(str(limits.max_drawdown or 0))
        self._time: pd.Timestamp | None = None
        self._date: pd.Timestamp | None = None
        self._date_ends: pd.Timestamp | None = None  # an instant until which the date is the same
        self._daily = True  # all moments seen so far stand at midnight
        self._last = self._day_start = self._peak = 0  # cents
        self._off_today = self._stopped = False
        self._times: list[pd.Timestamp] = []
        self._rows: list[tuple] = []
        self._following = Following()

    def allow(self, wanted, *, time, equity_usd, price, volatility=None) -> int:
        """Answer one decision.

        Parameters
        ----------
        wanted : int
            Contracts the strategy wants to hold, negative when short.
        time : Timestamp or str
            When this is known; later than the decision before. Without a zone: New York time.
        equity_usd : float
            Account value then.
        price : float
            Last price then, in points, above 0.
        volatility : float, optional
            Expected volatility of the future's returns per year, from what is known then; needed
            with `volatility_target`. NaN means that it is not known yet: then nothing is allowed.

        Returns
        -------
        int
            Contracts, with the sign of `wanted` or 0, and never more of them.

        Raises
        ------
        ValueError, TypeError
            A time that does not follow the last one, a number that makes no sense.
        """
        wanted = checks.whole("wanted", wanted)
        equity = checks.number("equity_usd", equity_usd)
        price = checks.number("price", price, above=0)
        known = self._known("volatility", volatility)
        self._see(self._later(time), math.floor(100 * equity + 1e-6))
        most, reason, why = abs(wanted), "", ""
        for name in self._set:
            if most == 0:
                break  # nothing can allow less
            allowed = self._most(name, equity, price, known)
            if allowed < most:
                most, reason = allowed, name
        if reason:
            why = self._why(reason, most, equity, price, known)  # type: ignore[arg-type]
        answer = most if wanted > 0 else -most
        self._times.append(self._time)
        self._rows.append((wanted, answer, reason, equity, why))
        return answer  # type: ignore[return-value]

    def in_front_of(self, wanted: pd.Series, volatility: pd.Series | None = None) -> dict[str, Any]:
        """Arguments for `backtest.run` that put this engine between a strategy and the market.

        The engine is asked at every close, also where the strategy changes nothing. Contracts that
        a stop or a margin call took are struck off the answers until one is zero or on the other
        side, as in `follow`; a zero that came from the engine counts.

        Parameters
        ----------
        wanted : Series of int
            Contracts the strategy wants to hold, known at the close of each bar.
        volatility : Series, optional
            As in `allow`, known at the close of each bar.

        Returns
        -------
        dict
            ``target``, ``contracts``, ``resize``, ``contract``, and ``stop_points`` if there is
            a stop: ``backtest.run(bars, **engine.in_front_of(wanted), capital=20_000)``.

        Examples
        --------
        >>> from m2k_lessons import backtest
        >>> days = pd.date_range("2030-01-07", periods=4, freq="B")
        >>> bars = pd.DataFrame({"open": [2400, 2402, 2410, 2407.0]}, index=days)
        >>> bars = bars.assign(high=bars.open + 5, low=bars.open - 5, close=bars.open + 2)
        >>> engine = RiskEngine(Limits(max_contracts=2))
        >>> wanted = pd.Series([1, 5, -5, 0], index=days)
        >>> result = backtest.run(bars, **engine.in_front_of(wanted), commission_usd=0.85)
        >>> engine.decisions["allowed"].tolist(), result.position.tolist()
        ([1, 2, -2, 0], [0, 1, 2, -2])
        """
        sizes = _whole_series("wanted", wanted)
        known = None
        if self.limits.volatility_target is not None:
            if not isinstance(volatility, pd.Series):
                raise TypeError(
                    "volatility must be a Series where volatility_target is set, got "
                    f"{type(volatility).__name__}"
                )
            if not volatility.index.equals(wanted.index):
                raise ValueError("volatility must have the index of wanted, got another one")
            known = volatility.to_numpy(dtype=float)
        begun = len(self._rows)

        def contracts(equity_usd: float, price: float, time: pd.Timestamp) -> int:
            bar = len(self._rows) - begun
            if bar >= len(wanted) or wanted.index[bar] != time:
                raise ValueError(
                    f"the engine must be asked at each bar of wanted, once and in order, got {time}"
                )
            now = None if known is None else known[bar]
            return abs(
                self.allow(
                    int(sizes[bar]), time=time, equity_usd=equity_usd, price=price, volatility=now
                )
            )

        # Never 0: where the strategy wants nothing, the function says so, and has seen the equity.
        side = pd.Series(np.where(sizes < 0, -1.0, 1.0), index=wanted.index)
        arguments: dict[str, Any] = {"target": side, "contracts": contracts, "resize": True}
        arguments["contract"] = self.contract
        if self.limits.stop_points is not None:
            arguments["stop_points"] = self.limits.stop_points
        return arguments

    def follow(self, account: PaperAccount, wanted, volatility=None) -> list[Accepted | Refused]:
        """Ask for what a strategy wants now, and send a demo account the orders to get there.

        Contracts lost to a stop, a profit target or for want of margin are struck off: the account
        holds the answer less what is struck off, never below zero, until the answer is zero or on
        the other side. So an answer that falls never buys, and one that rises buys its rise at
        most; where all contracts are lost, nothing is opened before that.

        Reductions come first and are sent again until they are done. What opens is sent once, with
        a stop where `limits` have one; a refusal strikes it off, unless it is because the market
        is closed.

        Parameters
        ----------
        account : PaperAccount
            Of the engine's contract, and its alone: an order that still waits, in a halt for
            one, is cancelled and decided anew; exits of a bracket stay.
        wanted, volatility
            As in `allow`.

        Returns
        -------
        list of Accepted or Refused
            One for each order sent. A refusal is the broker's, and says why: with the market
            closed, not even a reduction can be sold.
        """
        if not isinstance(account, PaperAccount):
            raise TypeError(f"account must be a PaperAccount, got {account!r}")
        if account.contract != self.contract:
            raise ValueError(
                f"account must trade {self.contract.symbol}, got {account.contract.symbol}"
            )
        self._following.strike_off(account)
        allowed = self.allow(
            wanted,
            time=account.now,
            equity_usd=account.equity_usd,
            price=float(account.seen["close"].iat[-1]),
            volatility=volatility,
        )
        return self._following.send(account, allowed, self.limits.stop_points)

    @property
    def decisions(self) -> pd.DataFrame:
        """Every answer, by time: wanted, allowed, reason (empty where nothing was cut), equity_usd,
        why."""
        table = pd.DataFrame(self._rows, columns=list(_COLUMNS))
        table = table.astype({"reason": "str", "why": "str"})
        return table.set_index(pd.DatetimeIndex(self._times, name="time"))

    @property
    def log(self) -> pd.DataFrame:
        """The answers that cut something, as in `decisions`.

        `reason` is the name of the limit that allowed the least; of equals, the switches come
        before the sizes.
        """
        table = self.decisions
        return table[table["wanted"] != table["allowed"]]

    @property
    def is_stopped(self) -> bool:
        """Whether `max_drawdown` has ended trading for good."""
        return self._stopped

    def __repr__(self) -> str:
        cut = sum(row[0] != row[1] for row in self._rows)
        state = "stopped" if self._stopped else "off until the next date" if self._off_today else ""
        return f"RiskEngine: {len(self._rows):,} decisions, {cut:,} cut{state and ', ' + state}"

    # ------------------------------------------------------------------ helpers

    def _later(self, time) -> pd.Timestamp:
        try:
            moment = pd.Timestamp(time)
        except (TypeError, ValueError):
            raise ValueError(f"time must be a time, got {time!r}") from None
        if moment is pd.NaT:
            raise ValueError(f"time must be a time, got {time!r}")
        for start, _ in self.limits.quiet:
            same_zone("time", moment, "quiet", start)
        if self._time is not None:
            same_zone("time", moment, "the one before", self._time)
            if moment <= self._time:
                raise ValueError(f"time must be later than {self._time}, got {moment}")
        return moment

    def _known(self, name: str, volatility) -> float:
        if self.limits.volatility_target is None:
            return math.nan
        if volatility is None:
            raise ValueError(f"{name} must be given where volatility_target is set, got None")
        if isinstance(volatility, float) and math.isnan(volatility):
            return math.nan
        return checks.number(name, volatility, above=0)

    def _see(self, time: pd.Timestamp, cents: int) -> None:
        """Take in a moment and the account value at it; throw the switches."""
        date = self._trade_date(time)
        first = self._date is None
        if date != self._date:
            self._day_start = cents if first else self._last
            self._off_today = False
        self._time, self._date, self._last = time, date, cents
        self._peak = cents if first else max(self._peak, cents)
        if self.limits.daily_loss_usd is not None:
            self._off_today |= self._day_start - cents >= self._day_limit
        if self.limits.max_drawdown is not None:
            self._stopped |= cents <= self._peak * self._left

    def _trade_date(self, time: pd.Timestamp) -> pd.Timestamp:
        """As `sessions.trade_dates`, which takes midnights for daily bars as long as nothing but
        midnights has come."""
        self._daily &= time == time.normalize()
        if self._daily:
            return sessions.trade_dates(pd.DatetimeIndex([time]))[0]
        # Two instants of the hour that is repeated in autumn have the same trade date.
        zone = {"ambiguous": True, "nonexistent": "shift_forward"}
        moment = time.tz_localize(sessions.NEW_YORK, **zone) if time.tz is None else time
        if self._date is None or self._date_ends is None or moment >= self._date_ends:
            day = moment.tz_convert(sessions.NEW_YORK).tz_localize(None).normalize()
            known = sessions.FIRST_DAY <= day < sessions.LAST_DAY
            self._date_ends = sessions.next_open(moment) if known else None
            # A second later it isn't midnight any more, and the same trade date.
            both = pd.DatetimeIndex([moment, moment + pd.Timedelta(seconds=1)])
            return sessions.trade_dates(both)[0]
        return self._date

    def _most(self, name: str, equity: float, price: float, volatility: float) -> float:
        """Contracts that one limit allows."""
        limits, contract = self.limits, self.contract
        if name == "max_drawdown":
            return 0 if self._stopped else math.inf
        if name == "daily_loss_usd":
            return 0 if self._off_today else math.inf
        if name == "quiet":
            return 0 if self._window() else math.inf
        if name == "max_contracts":
            return limits.max_contracts
        if name == "risk_fraction":
            return position_size(
                equity,
                limits.risk_fraction,
                limits.stop_points,
                contract,
                cost_usd=limits.cost_usd,
            )
        if name == "max_share":
            return exposure_cap(equity, limits.max_share, price, contract)
        if math.isnan(volatility):
            return 0
        return volatility_target(equity, limits.volatility_target, volatility, price, contract)

    def _window(self):
        windows = self.limits.quiet
        return next((pair for pair in windows if pair[0] <= self._time < pair[1]), None)

    def _why(self, name: str, most: int, equity: float, price: float, volatility: float) -> str:
        """One sentence for the log."""
        limits, account = self.limits, f"{equity:,.2f} USD"
        if name == "max_drawdown":
            fall = 1 - limits.max_drawdown
            return (
                f"the account has fallen to {100 * fall:.4g} % of {self._peak / 100:,.2f} USD or "
                "less; stopped for good"
            )
        if name == "daily_loss_usd":
            return (
                f"{limits.daily_loss_usd:,.2f} USD or more lost since {self._day_start / 100:,.2f} "
                "USD; off until the next trade date"
            )
        if name == "quiet":
            start, end = self._window()
            return f"no position from {start} to {end}"
        if name == "max_contracts":
            return f"at most {most} at any time"
        if name == "risk_fraction":
            return (
                f"{100 * limits.risk_fraction:.4g} % of {account} covers {most} at a stop "
                f"{limits.stop_points:g} points away"
            )
        if name == "max_share":
            return f"{limits.max_share:g} times {account} covers {most} at {price:,.1f}"
        if math.isnan(volatility):
            return "volatility is not known yet"
        return (
            f"{100 * limits.volatility_target:.4g} % of {account} covers {most} at a volatility "
            f"of {100 * volatility:.1f} %"
        )


def _whole_series(name: str, values) -> np.ndarray:
    if not isinstance(values, pd.Series):
        raise TypeError(f"{name} must be a Series, got {type(values).__name__}")
    if not isinstance(values.index, pd.DatetimeIndex):
        raise TypeError(f"{name} must have a DatetimeIndex, got {type(values.index).__name__}")
    if values.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold whole numbers of contracts, got {values.dtype}")
    array = values.to_numpy(dtype=float)
    wrong = ~np.isfinite(array) | (array != np.rint(array))
    if wrong.any():
        raise ValueError(
            f"{name} must hold whole numbers of contracts, got {float(array[wrong][0])!r} at "
            f"{values.index[wrong][0]}"
        )
    return array.astype(np.int64)
