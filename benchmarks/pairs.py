"""Hedge ratios against statsmodels, in one run: `python benchmarks/pairs.py`.

Target: the Kalman filter on 100,000 bars at least 20 times as fast as statsmodels' state space.
The two take turns. Statsmodels gets its representation built beforehand: only its filter, and
its rolling fit, are timed.
"""

import statistics
import time

import numpy as np
import pandas as pd
import statsmodels
from statsmodels.regression.rolling import RollingOLS
from statsmodels.tsa.statespace.kalman_filter import (
    MEMORY_NO_FORECAST,
    MEMORY_NO_GAIN,
    MEMORY_NO_LIKELIHOOD,
    MEMORY_NO_PREDICTED,
    MEMORY_NO_SMOOTHING,
    MEMORY_NO_STD_FORECAST,
    KalmanFilter,
)

from m2k_lessons.pairs import hedge_ratio

BARS, WINDOW, REPEATS = 100_000, 60, 9
NOISE, BETA_STEP = 0.01, 0.002
LEAST = (
    MEMORY_NO_FORECAST
    | MEMORY_NO_PREDICTED
    | MEMORY_NO_LIKELIHOOD
    | MEMORY_NO_GAIN
    | MEMORY_NO_SMOOTHING
    | MEMORY_NO_STD_FORECAST
)


def seconds(work) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def draw() -> tuple[pd.Series, pd.Series]:
    rng = np.random.default_rng(2030)
    x = np.cumsum(rng.normal(0, 0.001, BARS)) + 8.7
    beta = 1.15 + np.cumsum(rng.normal(0, 0.0005, BARS))
    y = beta * (x - x[0]) + rng.normal(0, NOISE, BARS) + 7.7
    minutes = pd.date_range("2030-01-07", periods=BARS, freq="min")
    return pd.Series(y, minutes), pd.Series(x, minutes)


def peer_filter(y: pd.Series, x: pd.Series) -> KalmanFilter:
    """The same model; states are beta and intercept."""
    design = np.stack([x - x.iloc[0], np.ones(len(x))])[None]
    peer = KalmanFilter(k_endog=1, k_states=2)
    peer.bind(np.asfortranarray((y - y.iloc[0]).to_numpy()[:, None]))
    peer["design"] = design
    peer["obs_cov"] = np.array([[NOISE**2]])
    peer["transition"] = np.eye(2)
    peer["selection"] = np.eye(2)
    peer["state_cov"] = np.diag([BETA_STEP**2, 0.0])
    peer.initialize_known(np.zeros(2), np.diag([100.0**2, (100 * NOISE) ** 2]))
    return peer


def report(name: str, ours, theirs: dict, target: str) -> None:
    ours()
    times = {label: [] for label in ("m2k", *theirs)}
    for _ in range(REPEATS):
        times["m2k"].append(seconds(ours))
        for label, work in theirs.items():
            times[label].append(seconds(work))
    own = statistics.median(times["m2k"])
    print(f"{name}: m2k {1e3 * own:.2f} ms (target: {target})")
    for label in theirs:
        other = statistics.median(times[label])
        each = [b / a for a, b in zip(times["m2k"], times[label], strict=True)]
        print(
            f"  {label:<36}{1e3 * other:>9.1f} ms, {other / own:>7.1f} times, "
            f"worst run {min(each):.1f}"
        )


def main() -> None:
    print(f"statsmodels {statsmodels.__version__}; {BARS:,} bars, medians of {REPEATS}\n")
    y, x = draw()
    everything, least = peer_filter(y, x), peer_filter(y, x)
    least.set_conserve_memory(LEAST)
    report(
        "Kalman hedge ratio",
        lambda: hedge_ratio(y, x, "kalman", noise=NOISE, beta_step=BETA_STEP),
        {
            "statsmodels KalmanFilter": everything.filter,
            "the same, keeping filtered states only": least.filter,
        },
        "20",
    )
    found = hedge_ratio(y, x, "kalman", noise=NOISE, beta_step=BETA_STEP).beta
    apart = np.abs(found.to_numpy() - everything.filter().filtered_state[0]).max()
    print(f"  largest difference of beta {apart:.1e}\n")
    exog = pd.DataFrame({"x": x, "one": 1.0})
    report(
        f"Rolling hedge ratio, {WINDOW} bars",
        lambda: hedge_ratio(y, x, "rolling", window=WINDOW),
        {"statsmodels RollingOLS": lambda: RollingOLS(y, exog, WINDOW).fit(params_only=True)},
        "-",
    )
    found = hedge_ratio(y, x, "rolling", window=WINDOW).beta
    apart = (found - RollingOLS(y, exog, WINDOW).fit().params["x"]).abs().max()
    print(f"  largest difference of beta {apart:.1e}")


if __name__ == "__main__":
    main()
