"""`options` against QuantLib."""

import numpy as np
import pytest
import QuantLib as ql

from m2k_lessons.options import american, black76, greeks, implied_volatility

TYPES = {"call": ql.Option.Call, "put": ql.Option.Put}


def draw(count, seed):
    """Forward, strike, years, rate, volatility and kind of random options."""
    rng = np.random.default_rng(seed)
    forward = rng.uniform(500.0, 4000.0, count)
    return (
        forward,
        forward * np.exp(rng.normal(0.0, 0.25, count)),
        np.exp(rng.uniform(np.log(1 / 365), np.log(3.0), count)),
        rng.uniform(-0.02, 0.15, count),
        rng.uniform(0.03, 1.2, count),
        rng.choice(["call", "put"], count),
    )


@pytest.fixture(scope="module")
def european():
    """100,000 options and QuantLib's price, delta, gamma, vega, theta and rho of them."""
    options = draw(100_000, seed=76)
    forward, strike, years, rate, volatility, kind = options
    deviation, discount = volatility * np.sqrt(years), np.exp(-rate * years)
    rows = []
    columns = (forward, strike, years, deviation, discount)
    for f, k, t, sd, d, which in zip(*(c.tolist() for c in columns), kind.tolist(), strict=True):
        one = ql.BlackCalculator(ql.PlainVanillaPayoff(TYPES[which], k), f, sd, d)
        # With dividends at the rate of interest the stock is the future, so that both rhos
        # together are the one with the future's price unchanged.
        rho = one.rho(t) + one.dividendRho(t)
        delta, gamma = one.deltaForward(), one.gammaForward()
        rows.append((one.value(), delta, gamma, one.vega(t), one.theta(f, t), rho))
    units = np.array([1, 1, 1, 100, 365, 100])
    return options, np.array(rows) / units


def test_price_equals_quantlib(european):
    options, theirs = european
    np.testing.assert_allclose(black76(*options), theirs[:, 0], rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "number", range(6), ids=["price", "delta", "gamma", "vega", "theta", "rho"]
)
def test_greeks_equal_quantlib(european, number):
    options, theirs = european
    np.testing.assert_allclose(greeks(*options)[number], theirs[:, number], rtol=0, atol=1e-10)


def test_implied_volatility_of_quantlibs_prices(european):
    (forward, strike, years, rate, volatility, kind), theirs = european
    price, discount = np.maximum(theirs[:, 0], 0), np.exp(-rate * years)  # some are -1e-13
    sign = np.where(kind == "call", 1, -1)
    time_value = price - discount * np.maximum(sign * (forward - strike), 0)
    room = discount * np.where(kind == "call", forward, strike) - price
    clear = (time_value > 1e-6 * forward) & (room > 1e-6 * forward)
    assert clear.sum() > 75_000
    found = implied_volatility(price, forward, strike, years, rate, kind, errors="coerce")
    np.testing.assert_allclose(found[clear], volatility[clear], rtol=0, atol=1e-8)


def test_american_value_equals_quantlib():
    forward, strike, years, rate, volatility, kind = draw(300, seed=16)
    today, count = ql.Date(15, 1, 2030), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    days = np.maximum(np.rint(years * 365), 1).astype(int)
    rate = np.abs(rate)
    # QuantLib's own most careful scheme of Andersen, Lake and Offengenden, with other equations.
    careful = ql.QdFpAmericanEngine.highPrecisionScheme()
    theirs = []
    for i in range(len(forward)):
        curve = ql.YieldTermStructureHandle(ql.FlatForward(today, float(rate[i]), count))
        flat = ql.BlackConstantVol(today, ql.NullCalendar(), float(volatility[i]), count)
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(float(forward[i]))),
            curve,
            curve,
            ql.BlackVolTermStructureHandle(flat),
        )
        option = ql.VanillaOption(
            ql.PlainVanillaPayoff(TYPES[kind[i]], float(strike[i])),
            ql.AmericanExercise(today, today + int(days[i])),
        )
        option.setPricingEngine(ql.QdFpAmericanEngine(process, careful))
        theirs.append(option.NPV())
    ours = american(forward, strike, days / 365, rate, volatility, kind)
    assert np.max(ours - black76(forward, strike, days / 365, rate, volatility, kind)) > 10
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)


def test_american_value_equals_quantlibs_tree():
    today, count = ql.Date(15, 1, 2030), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    curve = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.06, count))
    flat = ql.BlackConstantVol(today, ql.NullCalendar(), 0.25, count)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(2400.0)), curve, curve, ql.BlackVolTermStructureHandle(flat)
    )
    for kind, strike in (("put", 2600.0), ("call", 2200.0)):
        option = ql.VanillaOption(
            ql.PlainVanillaPayoff(TYPES[kind], strike), ql.AmericanExercise(today, today + 365)
        )
        option.setPricingEngine(ql.BinomialVanillaEngine(process, "lr", 2001))
        assert american(2400.0, strike, 1.0, 0.06, 0.25, kind) == pytest.approx(
            option.NPV(), abs=0.01
        )
