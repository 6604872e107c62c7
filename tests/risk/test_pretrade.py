"""Each control stops the failing program that it is there for, and lets the sound one pass."""

import pytest

from m2k_lessons.risk import OrderGate


def gate(now=0.0, last=2400.0, **settings) -> OrderGate:
    made = OrderGate(**settings)
    made.price(now, last)
    return made


@pytest.mark.parametrize(("contracts", "answer"), [(5, "sent"), (-5, "sent"), (6, "largest order")])
def test_a_zero_too_many(contracts, answer):
    assert gate(largest=5).order(0, "a", contracts).startswith(answer)


@pytest.mark.parametrize(("limit", "answer"), [(2420, "sent"), (2420.1, "price"), (240, "price")])
def test_a_wrong_decimal_point(limit, answer):
    assert gate(band_points=20).order(0, "a", 1, limit).startswith(answer)


def test_a_loop_that_does_not_wait_is_slowed_and_refused_orders_count():
    one = gate(messages=5, per_seconds=10)
    answers = [one.order(n / 10, str(n), 1) for n in range(20)]
    assert answers.count("sent") == 5
    assert answers[5].startswith("message limit: 5 orders in 10 seconds")
    one.price(12, 2400)
    assert one.order(12, "later", 1) == "sent"


def test_a_loop_that_forgets_what_it_sent():
    one = gate()
    assert one.order(0, "entry", 1) == "sent"
    assert one.order(1, "entry", 1).startswith("duplicate order")
    one.answered("entry")
    assert one.order(2, "entry", 1) == "sent"


@pytest.mark.parametrize(("now", "answer"), [(5, "sent"), (5.1, "stale data")])
def test_a_feed_that_has_stopped(now, answer):
    assert gate(stale_seconds=5).order(now, "a", 1).startswith(answer)
    assert OrderGate().order(0, "a", 1).startswith("stale data: last price never")


def test_a_program_that_hangs():
    one = gate(heartbeat_seconds=30)
    one.order(0, "a", 1, 2390)
    assert one.watch(30) == []
    assert one.watch(31) == ["a"]
    assert one.resting == {}
    one.price(31, 2400)
    assert one.order(31, "b", 1).startswith("heartbeat")
    one.beat(32)
    assert one.order(32, "b", 1) == "sent"


def test_one_button_for_whatever_nobody_has_thought_of():
    one = gate()
    one.order(0, "a", 1)
    one.order(0, "b", -1)
    assert one.cancel_all() == ["a", "b"]
    assert one.order(1, "c", 1).startswith("cancel all")
    assert [answer for *_, answer in one.log][:2] == ["sent", "sent"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: OrderGate(largest=0), "largest"),
        (lambda: OrderGate(stale_seconds=0), "stale_seconds"),
        (lambda: gate().order(0, "a", 0), "contracts must not be 0"),
        (lambda: gate().order(0, "a", 1.5), "contracts"),
        (lambda: gate(now=9.0).order(8, "a", 1), "now"),
        (lambda: gate().answered("a"), "name must be one of"),
    ],
)
def test_refusals_name_argument_and_value(call, told):
    with pytest.raises((ValueError, TypeError), match=told):
        call()
