"""Schedules: closed forms, what happens on a plateau."""

import pickle

import pytest

from sknn.schedules import SCHEDULES, Adaptive, Constant, InvScaling

all_schedules = pytest.mark.parametrize(
    "schedule", [cls() for cls in SCHEDULES.values()], ids=SCHEDULES
)


@all_schedules
def test_starts_at_one_and_never_rises(schedule):
    factors = [schedule(t) for t in range(0, 1000, 7)]
    assert factors[0] == 1
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] > 0


@all_schedules
def test_a_plateau_lowers_the_base_rate_or_ends_training(schedule):
    rate = 0.1
    for _ in range(100):
        lower = schedule.on_plateau(rate)
        if lower is None:
            return
        assert 0 < lower < rate
        rate = lower
    pytest.fail("training would never end")


@all_schedules
def test_is_an_immutable_value(schedule):
    same = pickle.loads(pickle.dumps(schedule))
    assert schedule == same
    assert hash(schedule) == hash(same)


@pytest.mark.parametrize("t", [0, 1, 200, 10**9])
def test_closed_forms(t):
    assert Constant()(t) == Adaptive()(t) == 1
    assert InvScaling(0.5)(t) == pytest.approx((t + 1) ** -0.5, rel=1e-14)
    assert InvScaling(0.0)(t) == 1


def test_plateaus():
    assert Constant().on_plateau(0.1) is None
    assert InvScaling().on_plateau(0.1) is None
    rates = [0.1]
    while (rate := Adaptive().on_plateau(rates[-1])) is not None:
        rates.append(rate)
    # 0.1 / 5⁸ = 2.56e-7 is the first that is not above 1e-6.
    assert rates == pytest.approx([0.1 / 5**k for k in range(9)])
    assert Adaptive().on_plateau(Adaptive.smallest) is None
