import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from m2k_lessons import plots


@pytest.fixture
def shown(monkeypatch):
    plt.close("all")
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append(data))
    yield outputs
    plt.close("all")


def test_show_gives_picture_and_text_and_closes(shown):
    plt.figure().add_subplot().plot([1, 2])
    plots.show("A line from $1 to $2 & <up>.")
    assert shown[0]["text/plain"] == "A line from $1 to $2 & <up>."
    assert 'alt="A line from $1 to $2 &amp; &lt;up&gt;."' in shown[0]["text/html"]
    assert Image.open(io.BytesIO(base64.b64decode(shown[0]["image/png"]))).size == (760, 380)
    assert plt.get_fignums() == []


def test_a_hyphen_before_a_number_becomes_a_minus_and_no_other(shown):
    plt.figure()
    plots.show("From -1.5 to 2 on 2030-01-02, between $-6 and -$4: a follow-up, 5-10 days (-.5).")
    said = "From −1.5 to 2 on 2030-01-02, between −$6 and −$4: a follow-up, 5-10 days (−.5)."
    assert shown[0]["text/plain"] == said
    assert f'alt="{said}"' in shown[0]["text/html"]


@pytest.mark.parametrize("nothing", ["", "   ", None, 3])  # None: nobody described the figure
def test_a_figure_without_text_is_refused(nothing, shown):
    plt.figure()
    with pytest.raises(ValueError, match="alt must be a sentence"):
        plots.show(nothing)


def test_a_dollar_sign_is_money():
    axes = plots.lines({"a": [1, 2]}, x=[0, 1], title="$5 or $6", xlabel="x, USD", ylabel="y")
    assert axes.title.get_parse_math() is False
    plt.close("all")


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1250, 0, "$1,250"),
        (-1250.4, 0, "−$1,250"),
        (0.5, 2, "$0.50"),
        (-0.004, 2, "$0.00"),
        (np.float64(-3), 0, "−$3"),
    ],
)
def test_usd(value, decimals, text):
    assert plots.usd(value, decimals) == text


def tick_texts(axis) -> list[str]:
    axis.figure.canvas.draw()
    return [label.get_text() for label in axis.get_ticklabels()]


def test_dollar_ticks():
    axes = plots.lines(
        {"a": [0, 40_000]}, x=[0, 500], title="t", xlabel="x", ylabel="y", dollars="xy"
    )
    assert "$20k" in tick_texts(axes.yaxis)
    assert "$200" in tick_texts(axes.xaxis)
    assert "$0" in tick_texts(axes.yaxis)
    plt.close("all")


def test_lines_differ_in_more_than_colour_and_carry_their_names():
    series = {name: pd.Series([0.0, 1.0 + i / 100]) for i, name in enumerate("abcd")}
    axes = plots.lines(series, title="t", xlabel="x", ylabel="y")
    assert len({(line.get_linestyle(), line.get_color()) for line in axes.lines}) == 4
    assert len({line.get_linestyle() for line in axes.lines}) == 4
    names = sorted(axes.texts, key=lambda text: text.xy[1])
    assert [text.get_text() for text in names] == list("abcd")
    heights = [text.xy[1] for text in names]
    assert min(np.diff(heights)) > 0.05  # pushed apart, though the ends nearly coincide
    plt.close("all")


@pytest.mark.parametrize("count", [0, 5])
def test_too_many_lines_are_refused(count):
    with pytest.raises(ValueError, match=f"series must hold 1 to 4 lines, got {count}"):
        plots.lines({str(i): [0, 1] for i in range(count)}, title="t", xlabel="x", ylabel="y")


def test_bars_carry_their_values_and_hatch_losses():
    axes = plots.bars({"up": 120.0, "down": -30.0}, title="t", ylabel="USD", dollars=True)
    assert [text.get_text() for text in axes.texts] == ["$120", "−$30"]
    assert [bar.get_hatch() for bar in axes.patches] == [None, "//"]
    plt.close("all")


def test_lines_and_bars_say_what_they_drew(shown):
    days = pd.date_range("2030-01-02", periods=2)
    plots.lines(
        {"long": pd.Series([0.0, -125.0], index=days)},
        title="P&L",
        xlabel="",
        ylabel="USD",
        dollars="y",
    )
    plots.show()
    plots.bars({"a": 1.5, "b": -2.0}, title="Points", ylabel="points", level=("limit", 1.0))
    plots.show()
    assert shown[0]["text/plain"] == "P&L. long: from $0 at 2030-01-02 to −$125 at 2030-01-03."
    assert shown[1]["text/plain"] == "Points. a: 1.5; b: −2; dashed line, limit: 1."


def test_points_are_not_joined():
    axes = plots.lines(
        {"a": [1.0, 2.0], "b": [1.0, 3.0]}, x=[0, 1], points=True, title="t", xlabel="", ylabel=""
    )
    assert [line.get_linestyle() for line in axes.lines] == ["None", "None"]
    assert len({line.get_marker() for line in axes.lines} - {"None"}) == 2
    plt.close("all")


def test_granularity_marks_accounts():
    plots.granularity([5_000, 30_000], stop_points=12, risk_fraction=0.01, marked={"you": 25_000})
    axes = plt.gca()
    assert axes.lines[-1].get_xdata()[0] == 25_000
    assert "you" in [text.get_text().strip() for text in axes.texts]
    plt.close("all")


def test_granularity_against_whole_cents():
    equity = np.arange(5_000, 150_001, 500)
    at_risk = plots.granularity(equity, stop_points=12, risk_fraction=0.01)
    for account, micro, standard in zip(equity, at_risk["micro"], at_risk["standard"], strict=True):
        budget_cents = int(account)  # one percent of the account, in cents
        assert micro == budget_cents // 6_000 * 60
        assert standard == budget_cents // 60_000 * 600
    plt.close("all")


def test_a_table_shows_whole_numbers_whole_and_days_as_days():
    times = pd.DatetimeIndex(["2034-07-19 09:30", "2034-07-20"], tz="America/New_York")
    frame = pd.DataFrame(
        {"n": [3.0, np.nan], "price": [2400.0, 2400.1], "day": times.normalize(), "time": times}
    )
    shown = plots.table(frame)
    assert shown["n"].tolist() == [3, pd.NA]
    assert shown["price"].tolist() == [2400.0, 2400.1]
    assert shown["day"].tolist() == ["2034-07-19", "2034-07-20"]
    assert shown["time"].tolist() == list(times)
    assert frame["n"].dtype == float, "the frame given is as before"
    assert plots.table(frame.set_index("day")).index.tolist() == ["2034-07-19", "2034-07-20"]
    assert plots.table(frame.set_index("time")).index.equals(times)
    with pytest.raises(TypeError, match=r"frame must be a DataFrame, got list"):
        plots.table([1.0])
