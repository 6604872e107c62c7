"""What nbval may overlook between two runs, and nothing beside it."""

import re
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from nbval.plugin import get_sanitize_patterns

PATTERNS = get_sanitize_patterns(Path(__file__).with_name("sanitize.cfg").read_text("utf-8"))


def sanitize(text):
    for pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.fixture(scope="module")
def summary():
    x = np.arange(20.0)
    return sm.OLS(x**1.5, sm.add_constant(x)).fit().summary()


@pytest.mark.parametrize("form", ["as_text", "as_html"])
def test_date_and_time_of_a_statsmodels_summary_may_differ(summary, form):
    today = getattr(summary, form)()
    date, time = summary.tables[0].data[3][1].strip(), summary.tables[0].data[4][1].strip()
    another = today.replace(date, "Mon, 01 Jan 2024").replace(time, "23:59:59")
    assert another != today
    assert sanitize(another) == sanitize(today)


def test_address_of_an_object_may_differ():
    assert sanitize("<Axes at 0x7f425cb70550>") == sanitize("<Axes at 0x10af3c2d0>")


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Time: 17:00:00", "Time: 18:00:00"),
        ("Date: Sun, 22 Nov 2026", "Date: Mon, 23 Nov 2026"),
        ("P&L 12.5 USD", "P&L 12.6 USD"),
        ("colour 0x1f", "colour 0x2f"),
    ],
)
def test_nothing_else_may_differ(text, other):
    assert sanitize(text) != sanitize(other)
