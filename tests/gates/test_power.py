"""The table of what gets through the gates, and its arithmetic where theory knows the answer."""

import importlib.util
from pathlib import Path
from statistics import NormalDist

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
_SPEC = importlib.util.spec_from_file_location("gates_power", FOLDER / "gates_power.py")
power = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(power)
BEYOND = NormalDist().cdf


@pytest.mark.parametrize("true", [0.0, 0.8, 1.5])
def test_with_one_trial_each_gate_passes_as_the_normal_distribution_says(true):
    found = power.shares(true, 0.3, trials=1)
    apart = power.LATE_YEARS**-0.5 * (2 * (1 - power.WITH_MARKET)) ** 0.5
    expected = {
        "trials": BEYOND(true * power.EARLY_YEARS**0.5 - 1.645),
        "luck": BEYOND(true * power.EARLY_YEARS**0.5 - 1.645),
        "out of sample": BEYOND(true * power.LATE_YEARS**0.5 - 1.645),
        "benchmark": BEYOND((true - power.HOLDING) / apart - 1.645),
    }
    for gate, share in expected.items():
        error = (share * (1 - share) / power.DRAWS) ** 0.5
        # The limit of the luck gate is itself an estimate.
        assert found[gate] == pytest.approx(share, abs=4 * error + 0.006 * (gate == "luck"))
    assert found["all"] <= min(share for gate, share in found.items() if gate != "all")


def test_a_worthless_best_of_forty_passes_luck_in_a_twentieth():
    for correlation in (0.0, 0.6):
        assert power.shares(0.0, correlation)["luck"] == pytest.approx(0.05, abs=0.006)


def test_the_committed_table_is_what_the_script_makes():
    assert power.table() in (FOLDER / "gates_power.md").read_text(encoding="utf-8")
