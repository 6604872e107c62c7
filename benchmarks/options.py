"""Options against QuantLib, in one run: `python benchmarks/options.py`.

Targets: a million prices with Greeks at least 50 times QuantLib's loop, 100,000 implied
volatilities at least 3 times. QuantLib has no arrays, so its loop is Python's; it is timed on a
part of the options where the whole takes long, and the two take turns.
"""

import statistics
import time

import numpy as np
import QuantLib as ql

from m2k_lessons.options import american, black76, greeks, implied_volatility

PRICES, VOLATILITIES, EARLY = 1_000_000, 100_000, 2_000
# Of volatility * sqrt(years), asked of QuantLib; its default of 1e-6 is not 1e-8.
ACCURACY = 1e-10
LOOP = 50_000  # options in QuantLib's loop of prices with Greeks
REPEATS = 5


def seconds(work) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def draw(count: int):
    """Forward, strike, years, rate, volatility and kind of random options."""
    rng = np.random.default_rng(2030)
    forward = rng.uniform(1800.0, 3000.0, count)
    days = rng.integers(5, 500, count)
    return (
        forward,
        forward * np.exp(rng.normal(0.0, 0.1, count)),
        days / 365,
        rng.uniform(0.001, 0.08, count),
        rng.uniform(0.1, 0.6, count),
        rng.choice(["call", "put"], count),
    )


def loop_of_greeks(options) -> None:
    """As lean as QuantLib's Python gets: one calculator for each option, lists of floats."""
    forward, strike, years, rate, volatility, kind = (column.tolist() for column in options)
    types = [ql.Option.Call if one == "call" else ql.Option.Put for one in kind]
    deviations = (options[4] * np.sqrt(options[2])).tolist()
    discounts = np.exp(-options[3] * options[2]).tolist()
    for i in range(len(forward)):
        payoff = ql.PlainVanillaPayoff(types[i], strike[i])
        one = ql.BlackCalculator(payoff, forward[i], deviations[i], discounts[i])
        one.value()
        one.deltaForward()
        one.gammaForward()
        one.vega(years[i])
        one.theta(forward[i], years[i])
        one.rho(years[i])


def loop_of_volatilities(price, options) -> None:
    forward, strike, years, rate, _, kind = options
    types = [ql.Option.Call if one == "call" else ql.Option.Put for one in kind.tolist()]
    rows = zip(
        types,
        strike.tolist(),
        forward.tolist(),
        price.tolist(),
        np.exp(-rate * years).tolist(),
        strict=True,
    )
    for kind_of_one, struck, future, premium, discount in rows:
        ql.blackFormulaImpliedStdDev(
            kind_of_one, struck, future, premium, discount, 0.0, ql.nullDouble(), ACCURACY
        )


def loop_of_american(options) -> None:
    today = ql.Date(15, 1, 2030)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()
    forward, strike, years, rate, volatility, kind = (column.tolist() for column in options)
    for i in range(len(forward)):
        spot = ql.QuoteHandle(ql.SimpleQuote(forward[i]))
        curve = ql.YieldTermStructureHandle(ql.FlatForward(today, rate[i], count))
        flat = ql.BlackConstantVol(today, ql.NullCalendar(), volatility[i], count)
        process = ql.BlackScholesMertonProcess(
            spot, curve, curve, ql.BlackVolTermStructureHandle(flat)
        )
        option = ql.VanillaOption(
            ql.PlainVanillaPayoff(
                ql.Option.Call if kind[i] == "call" else ql.Option.Put, strike[i]
            ),
            ql.AmericanExercise(today, today + round(years[i] * 365)),
        )
        option.setPricingEngine(ql.QdFpAmericanEngine(process))
        option.NPV()


def report(name: str, count: int, ours, theirs, share: float, target: str) -> None:
    """Times of alternating runs; theirs covered `share` of the options."""
    ours()
    mine, peer = [], []
    for _ in range(REPEATS):
        mine.append(seconds(ours))
        peer.append(seconds(theirs) / share)
    own, other = statistics.median(mine), statistics.median(peer)
    each = [b / a for a, b in zip(mine, peer, strict=True)]
    print(
        f"{name:<26}{count:>10,}{1e3 * own:>10.1f}{1e3 * other:>11.0f}{other / own:>9.1f}"
        f"{min(each):>9.1f}   {target}"
    )


def main() -> None:
    print(f"QuantLib {ql.__version__}; medians of {REPEATS}, ms for all options\n")
    print(f"{'':<26}{'options':>10}{'m2k':>10}{'QuantLib':>11}{'ratio':>9}{'worst':>9}   target")
    options = draw(PRICES)
    part = tuple(column[:LOOP] for column in options)
    report(
        "price with Greeks",
        PRICES,
        lambda: greeks(*options),
        lambda: loop_of_greeks(part),
        LOOP / PRICES,
        "50",
    )
    some = tuple(column[:VOLATILITIES] for column in options)
    price = black76(*some)
    forward, strike, years, rate, _, kind = some
    # Prices without time value have no volatility; QuantLib would raise on them.
    time_value = price - np.exp(-rate * years) * np.maximum(
        np.where(kind == "call", forward - strike, strike - forward), 0.0
    )
    good = time_value > 1e-6 * forward
    some = tuple(column[good] for column in some)
    price = price[good]
    forward, strike, years, rate, volatility, kind = some
    found = implied_volatility(price, forward, strike, years, rate, kind)
    report(
        "implied volatility",
        len(price),
        lambda: implied_volatility(price, forward, strike, years, rate, kind),
        lambda: loop_of_volatilities(price, some),
        1.0,
        "3",
    )
    early = tuple(column[:EARLY] for column in options)
    report(
        "American value",
        EARLY,
        lambda: american(*early),
        lambda: loop_of_american(early),
        1.0,
        "-",
    )
    print(f"\nimplied volatility, largest error {np.abs(found - volatility).max():.1e}")


if __name__ == "__main__":
    main()
