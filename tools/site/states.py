"""An explorer as pictures that a slider leafs through, drawn by its own `compute` and `draw`.

A page can't compute, so two or three controls of each explorer are put to a few values each, and
every combination is drawn once. Which ones is chosen so that the questions asked before the
explorer can be answered; all other controls stay where the lesson has them.
"""

from __future__ import annotations

import functools
import hashlib
import html
import importlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tools.site import pictures

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 2
COLOURS = 32

# Module and function of each explorer, and the values of the controls that the page moves.
STRIPS: dict[tuple[str, str], dict[str, tuple]] = {
    ("start_here", "explore"): {
        "points": tuple(range(-20, 21, 4)),
        "contracts": (1, 2, 3, 4, 5),
    },
    ("contract_basics", "explore"): {
        "contracts": tuple(range(-5, 6)),
        "exit_price": (2340.0, 2364.0, 2388.0, 2412.0, 2436.0),
    },
    ("why_trade_m2k", "explore"): {
        "contracts": tuple(range(0, 33, 4)),
        "own_pct": (0, 7, 14, 20),
    },
    ("micro_vs_standard", "explore"): {
        "stop_points": (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0),
        "equity_usd": (10_000, 25_000, 50_000, 150_000),
    },
    ("first_steps", "explore"): {
        "side": ("buy", "sell"),
        "stop_loss_points": (8, 12, 16),
        "clock": tuple(range(0, 361, 30)),
    },
    ("strategies", "explore"): {
        "strategy": ("trend following", "mean reversion"),
        "market": ("trend", "reversion", "random walk"),
        "lookback": (5, 10, 20, 35, 50, 75, 100, 150),
    },
    ("sessions", "explore"): {
        "city": ("New York", "Chicago", "London", "Kolkata", "Tokyo"),
        "day": (
            *("Wed 6 March 2030", "Wed 13 March 2030", "Wed 3 April 2030"),
            *("Wed 10 July 2030", "Wed 30 October 2030", "Wed 6 November 2030"),
        ),
    },
    ("indicators", "explore"): {
        "signal": (
            *("averages cross up", "averages cross down", "RSI falls below"),
            *("RSI rises above", "close below lower band", "close above upper band"),
        ),
        "width": (1.0, 1.5, 2.0, 2.4),
    },
    ("fundamentals", "explore_macro"): {
        "unemployment": (-1.0, -0.5, 0.0, 0.5, 0.8, 1.0, 1.3, 1.6),
        "rate": (-1.0, 0.0, 1.0),
        "spending": (-0.5, 0.8),
    },
    ("fundamentals", "explore_sector_shock"): {
        "sector": (
            *("Financials", "Industrials", "Health Care", "Technology"),
            *("Consumer Discretionary", "Energy", "Consumer Staples", "Communication", "Other"),
        ),
        "shock_pct": (-20, -10, 10, 20),
    },
    ("further_fundamentals", "explore"): {
        "explained_pct": (0.0, 2.0, 5.0, 10.0, 20.0),
        "quarters": (80, 120, 202, 320, 400),
        "first": (10, 60),
    },
    ("risk_management", "explore"): {
        "risk_pct": (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
        "equity_usd": (10_000, 10_500, 25_000, 50_000),
    },
    ("reports_and_news", "explore"): {
        "kind": ("employment", "CPI", "retail sales", "rate decision"),
        "minutes": (1, 2, 5, 10, 15, 20, 30, 40),
    },
    ("pair_trading", "explore"): {
        "pair": ("cointegrated", "correlated", "spurious", "broken"),
        "entry": (0.5, 1.0, 1.5, 2.0, 2.5, 3.0),
    },
    ("options_hedging", "explore_payoff"): {
        "call_strike": tuple(map(float, range(2400, 2621, 20))),
        "vol": (15, 22, 35),
    },
    ("options_greeks", "explore_greeks"): {
        "kind": ("put", "call"),
        "days": (5, 10, 15, 20, 30, 45, 60, 90, 180),
        "price": (2300.0, 2400.0, 2500.0),
    },
    ("algorithmic_trading", "explore"): {
        "market": ("course market", "trend", "reversion", "random walk"),
        "years": tuple(range(2, 9)),
    },
    ("automated_risk", "explore"): {
        "trades": (20, 50, 100, 200, 500, 1_000, 2_000),
        "multiple": (0.25, 0.5, 1.0, 1.5, 2.0),
    },
    ("speculation_and_evidence", "explore"): {
        "strategies": (10, 50, 200, 1_000),
        "years": (1, 2, 5, 10, 20),
        "true_sharpe": (0.0, 1.0),
    },
    ("further_evidence", "explore"): {
        "groups": (4, 6, 8, 10),
        "tested": (1, 2, 3),
        "horizon": (20, 60),
    },
    ("diversification", "explore"): {
        "method": ("equal", "inverse volatility", "risk parity", "min variance"),
        "small_pct": (0, 10, 25, 40, 50),
        "band_pct": (1, 3),
    },
}


class Shown:
    """An explorer put to one state after the other, without its widgets."""

    def __init__(self, explorer) -> None:
        self._explorer = explorer
        self._start = explorer.state
        self.controls = {spec.name: spec for spec in explorer._specs}

    @property
    def start(self) -> dict[str, Any]:
        return self._start

    def at(self, **values: Any) -> tuple[np.ndarray, str]:
        """The picture and its text with these values, all other controls as they begin."""
        if unknown := values.keys() - self.controls.keys():
            raise ValueError(f"the explorer has no control {', '.join(sorted(unknown))}")
        state = self._start | values
        result = self._explorer._compute(**state)
        self._explorer._update(self._explorer._artists, result)
        return self._explorer._pixels_now(), self._explorer._describe(state, result)


class Replayed(Shown):
    """The trading desk: one bracket order, and the clock moved on."""

    TARGET_POINTS = 16

    def __init__(self, desk) -> None:
        from m2k_lessons.explorers.controls import Choice, Slider
        from m2k_lessons.paper.desk import Minutes, Submit, step

        super().__init__(desk)
        self._events = Submit, Minutes, step
        self.controls = {
            "side": Choice("side", "One M2K, target 16 points", ("buy", "sell"), "buy"),
            "stop_loss_points": Slider("", "Stop loss", "points", 8, 8, 16, 4),
            "clock": Slider("", "Minutes after the order", "minutes", 0, 0, 360, 30),
        }

    @property
    def start(self) -> dict[str, Any]:
        return {name: spec.value for name, spec in self.controls.items()}

    def at(self, side: str, stop_loss_points: int, clock: int) -> tuple[np.ndarray, str]:
        submit, minutes, step = self._events
        from m2k_lessons.explorers.first_steps import start

        ticket = {"side": side, "contracts": 1, "stop_loss_points": stop_loss_points}
        desk = step(start(), submit(ticket | {"profit_target_points": self.TARGET_POINTS}))
        # The clock stops by itself when an order is filled: it is started again.
        until = desk.account.snapshot()["time"] + np.timedelta64(clock, "m")
        while (now := desk.account.snapshot()["time"]) < until:
            desk = step(desk, minutes(int((until - now).total_seconds() // 60)))
        self._explorer.desk = desk
        return super().at()


def shown(module: str, function: str) -> Shown:
    made = getattr(importlib.import_module(f"m2k_lessons.explorers.{module}"), function)()
    return Replayed(made) if hasattr(made, "desk") else Shown(made)


def combinations(strip: dict[str, tuple]) -> Iterator[dict[str, Any]]:
    """All states of a strip; the last control moves fastest."""
    for values in itertools.product(*strip.values()):
        yield dict(zip(strip, values, strict=True))


def draw(key: tuple[str, str], folder: Path) -> None:
    """Draw every state of an explorer, and write what the page must know about it."""
    explorer, strip = shown(*key), STRIPS[key]
    start = {name: explorer.start[name] for name in strip}
    states = list(combinations(strip))
    if start not in states:
        raise ValueError(f"{key}: the values of its controls leave out how it starts, {start}")
    drawn = [(Image.fromarray(picture), alt) for picture, alt in map(_copied(explorer), states)]
    palette = pictures.palette([picture for picture, _ in drawn], COLOURS)
    folder.mkdir(parents=True)
    for number, (picture, _) in enumerate(drawn):
        few = picture.quantize(palette=palette, dither=Image.Dither.NONE)
        few.save(folder / f"{number}.png", compress_level=6)
    about = {
        "controls": [_control(explorer.controls[name], strip[name], start[name]) for name in strip],
        "start": states.index(start),
        "alts": [alt for _, alt in drawn],
        "split": pictures.split([picture for picture, _ in drawn]),
        "size": drawn[0][0].size,
    }
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _copied(explorer: Shown):
    def at(values: dict[str, Any]) -> tuple[np.ndarray, str]:
        picture, alt = explorer.at(**values)
        return picture.copy(), alt  # the next state is drawn into the same memory

    return at


def _control(spec, values: tuple, start: Any) -> dict[str, Any]:
    if hasattr(spec, "options"):
        if unknown := set(values) - set(spec.options):
            raise ValueError(f"{spec.label} has no option {unknown}")
        return {
            "label": spec.label,
            "values": list(values),
            "at": values.index(start),
            "list": True,
        }
    for value in values:
        spec.parse(spec.written(value))  # a value that the live slider refuses is a mistake here
    written = [f"{spec.written(value)} {spec.unit_of(value)}".strip() for value in values]
    return {"label": spec.label, "values": written, "at": values.index(start), "list": False}


def draw_all(cache: Path) -> Path:
    """Draw all strips, unless that is done for the package as it is; returns the folder."""
    done = cache / _fingerprint()
    if done.exists():
        return done
    shutil.rmtree(cache, ignore_errors=True)
    unfinished = cache / "unfinished"
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(PROCESSES) as workers:
        jobs = [workers.submit(draw, key, unfinished / "-".join(key)) for key in STRIPS]
        for job in jobs:
            job.result()
    unfinished.rename(done)
    return done


def _fingerprint() -> str:
    """What the pictures depend on: the package, the course's data, the packages, this file."""
    seen = hashlib.sha256()
    files = [*(ROOT / "m2k_lessons").rglob("*.py"), *(ROOT / "m2k_lessons").rglob("*.toml")]
    files += [ROOT / "data" / "checksums.txt", ROOT / "requirements.lock", Path(__file__)]
    files.append(Path(pictures.__file__))
    for path in sorted(files):
        seen.update(path.read_bytes())
    return seen.hexdigest()[:16]


@functools.cache
def about(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "about.json").read_text(encoding="utf-8"))


def markup(folder: Path, key: tuple[str, str]) -> str:
    """The HTML of a strip that lies in `folder`, and on the site in explorers/."""
    name = "-".join(key)
    told = about(folder / name)
    controls = "".join(_input(f"{name}-{n}", one) for n, one in enumerate(told["controls"]))
    alts = html.escape(json.dumps(told["alts"], ensure_ascii=False), quote=True)
    start = told["start"]
    picture = pictures.markup(
        f"explorers/{name}/{start}.png", told["alts"][start], told["size"], told["split"]
    )
    return (
        f'<div class="m2k-explorer" data-alts="{alts}"><form class="m2k-controls" hidden>{controls}'
        f'</form>{picture}<p class="m2k-unseen" aria-live="polite"></p></div>'
    )


def _input(name: str, control: dict[str, Any]) -> str:
    label, values, at = html.escape(control["label"]), control["values"], control["at"]
    if control["list"]:
        options = "".join(
            f"<option{' selected' if n == at else ''}>{html.escape(value)}</option>"
            for n, value in enumerate(values)
        )
        picker = f'<select id="{name}">{options}</select><span></span>'
        return f'<label for="{name}">{label}</label>{picker}'
    said = html.escape(json.dumps(values, ensure_ascii=False), quote=True)
    return (
        f'<label for="{name}">{label}</label><input type="range" id="{name}" min="0" '
        f'max="{len(values) - 1}" step="1" value="{at}" data-values="{said}" '
        f'aria-valuetext="{html.escape(values[at], quote=True)}">'
        f'<output for="{name}">{html.escape(values[at])}</output>'
    )
