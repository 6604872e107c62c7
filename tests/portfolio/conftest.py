from __future__ import annotations

import pytest

from m2k_lessons import simulate
from tests.portfolio.inputs import returns_of


@pytest.fixture(scope="module")
def market():
    return simulate.assets(years=6, seed=9)


@pytest.fixture(scope="module")
def returns(market):
    return returns_of(market)
