"""The picture of a ticket and a ladder shows what it is given, each number in its row."""

import matplotlib.pyplot as plt
import pytest

from m2k_lessons.explorers.order_screen import order_screen

BIDS, OFFERS = {2428.9: 6, 2428.7: 11}, {2429.0: 5, 2429.2: 9}


def texts(axes):
    return {one.get_text(): one.get_position() for one in axes.texts if one.get_text()}


def test_each_number_stands_in_the_row_of_its_price():
    figure = order_screen({"Order type": "limit"}, BIDS, OFFERS, my_buys={2428.8: 2})
    ticket, ladder = (texts(axes) for axes in figure.axes)
    assert {"Order type", "limit", "BUY", "SELL"} <= set(ticket)
    prices = ["2,429.2", "2,429.1", "2,429.0", "2,428.9", "2,428.8", "2,428.7"]
    heights = [ladder[price][1] for price in prices]
    assert heights == sorted(heights, reverse=True)
    rows = {"9": "2,429.2", "5": "2,429.0", "6": "2,428.9", "2": "2,428.8", "11": "2,428.7"}
    for number, price in rows.items():
        assert ladder[number][1] == ladder[price][1]
    across = [ladder[name][0] for name in ("2", "6", "2,428.9", "5")]
    assert across == sorted(across)
    plt.close(figure)


@pytest.mark.parametrize(
    ("bids", "offers", "mine", "says"),
    [
        (BIDS, {2428.9: 1}, {}, "bids must lie below offers"),
        ({}, OFFERS, {}, "bids must lie below offers"),
        (BIDS, OFFERS, {2428.6: 1}, "my_buys must lie on the ladder, got"),
    ],
)
def test_what_makes_no_ladder_is_refused(bids, offers, mine, says):
    with pytest.raises(ValueError, match=says):
        order_screen({}, bids, offers, my_buys=mine)
