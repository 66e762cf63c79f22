"""Schedules: their contract, closed forms, PyTorch's schedulers, plateaus, ranges."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from sknn.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    CosLog,
    Decay,
    Exponential,
    FlatCosine,
    InverseSqrt,
    InvScaling,
    Linear,
    OneCycle,
    Step,
)

DEFAULTS = [cls() for cls in SCHEDULES.values() if cls is not CosLog]
DECAYS = [schedule for schedule in DEFAULTS if isinstance(schedule, Decay)]
CASES = [
    *DEFAULTS,
    *(schedule.replace(warmup=0.2) for schedule in DECAYS),
    Cosine(warmup=3, final=0.1),
    Step((0.3, 0.6, 0.9), 0.5),
    Linear(0.2),
    OneCycle(0.1, 0.5, 0.01),
    OneCycle(0),
]

WAVES = [CosLog(), CosLog(2)]
"""The schedules that rise more than once."""

all_schedules = pytest.mark.parametrize("schedule", [*CASES, *WAVES], ids=repr)
all_decays = pytest.mark.parametrize("schedule", DECAYS, ids=repr)


def factors(schedule, epochs, n_epochs):
    """Return the factors after the given epochs of 100 rows each."""
    return np.array(
        [schedule(epoch, n_epochs, 100 * math.floor(epoch)) for epoch in epochs]
    )


def peak_of(schedule, n_epochs):
    """Return the number of epochs after which a schedule may only fall."""
    if isinstance(schedule, OneCycle):
        return schedule.peak * n_epochs
    warmup = schedule.warmup if schedule.warmup >= 1 else schedule.warmup * n_epochs
    return min(warmup, n_epochs / 2)


@pytest.mark.parametrize("schedule", CASES, ids=repr)
@pytest.mark.parametrize("n_epochs", [1, 2, 20, 1000])
def test_rises_to_its_peak_then_falls(schedule, n_epochs):
    epochs = np.linspace(0, n_epochs, 240, endpoint=False)
    result = factors(schedule, epochs, n_epochs)
    assert (result > 0).all()
    assert (result <= 1).all()
    after = epochs >= peak_of(schedule, n_epochs)
    assert after.any()
    assert (np.diff(result[after]) <= 0).all()
    if not isinstance(schedule, InvScaling):
        assert (np.diff(result[~after]) > 0).all()
        assert schedule(peak_of(schedule, n_epochs), n_epochs) == 1


@all_schedules
def test_starts_at_one_or_low(schedule):
    if isinstance(schedule, CosLog):
        assert schedule(0, 100) == 0
    elif isinstance(schedule, OneCycle):
        first = schedule.start if schedule.peak else 1
        assert schedule(0, 100) == pytest.approx(first, rel=1e-14)
    else:
        assert schedule(0, 100) == (0.01 if schedule.warmup else 1)


@pytest.mark.parametrize(
    "schedule", [case for case in CASES if getattr(case, "warmup", 0) < 1], ids=repr
)
def test_scales_to_the_budget(schedule):
    for epoch in np.linspace(0, 10, 33):
        assert schedule(epoch, 10) == schedule(2 * epoch, 20)


@all_schedules
def test_keeps_the_last_value_beyond_the_budget(schedule):
    last = schedule(10, 10, 1000)
    assert last == schedule(10.5, 10, 1000) == schedule(99, 10, 1000)
    # It is continuous at the end.
    assert schedule(10 - 1e-9, 10, 1000) == pytest.approx(last, abs=1e-8)


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
    copies = pickle.loads(pickle.dumps(schedule)), clone(schedule), schedule.replace()
    for same in copies:
        assert same == schedule
        assert hash(same) == hash(schedule)
        assert repr(same) == repr(schedule)
    with pytest.raises(AttributeError):
        schedule.anything = 1


def test_which_schedules_end_at_max_iter():
    ending = {name for name, cls in SCHEDULES.items() if cls.ends}
    falling = {"exponential", "linear", "cosine", "flat_cosine"}
    assert ending == {*falling, "coslog", "one_cycle"}


@pytest.mark.parametrize("schedule", WAVES, ids=repr)
def test_each_wave_is_twice_as_long_as_the_one_before(schedule):
    n = 2**schedule.cycles - 1
    ends = 2.0 ** np.arange(schedule.cycles + 1) - 1
    assert_allclose([schedule(end, n) for end in ends], 0, atol=1e-12)
    for start, end in pairwise(ends):
        assert end - start == start + 1
        wave = [schedule(epoch, n) for epoch in np.linspace(start, end, 201)]
        assert max(wave) == pytest.approx(1, abs=1e-3)
        assert (np.diff(np.sign(np.diff(wave))) != 0).sum() == 1


@pytest.mark.parametrize("rows", [0, 1, 200, 10**9])
def test_by_rows(rows):
    for epoch in (0, 3.5, 10, 99):
        assert Constant()(epoch, 10, rows) == Adaptive()(epoch, 10, rows) == 1
        # Bit for bit: the same expression as in scikit-learn.
        assert InvScaling(0.5)(epoch, 10, rows) == 1.0 / (rows + 1) ** 0.5
        assert InvScaling(0.0)(epoch, 10, rows) == 1


@pytest.mark.parametrize("u", [0.0, 0.125, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("n_epochs", [1, 8, 1000])
def test_closed_forms(u, n_epochs):
    half_cosine = (1 + math.cos(math.pi * u)) / 2
    closed_forms = {
        Exponential(0.2): 0.2**u,
        Linear(0.2): 1 - 0.8 * u,
        Linear(): 1 - u,
        Cosine(0.2): 0.2 + 0.8 * half_cosine,
        Cosine(): half_cosine,
        FlatCosine(): 1.0 if u < 0.5 else (1 + math.cos(math.pi * (2 * u - 1))) / 2,
        FlatCosine(0.0): half_cosine,
        CosLog(): 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * u))),
        CosLog(1): 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + u))),
        InverseSqrt(0.5): 1 / math.sqrt(1 + 2 * u),
        InverseSqrt(): 1 / math.sqrt(1 + 10 * u),
        Step(): 1.0 if u < 0.5 else 0.1 if u < 0.75 else 0.01,
        Step((0.1, 0.4), 0.5): 1.0 if u < 0.1 else 0.5 if u < 0.4 else 0.25,
        Step(()): 1.0,
    }
    for schedule, expected in closed_forms.items():
        result = schedule(u * n_epochs, n_epochs)
        assert result == pytest.approx(expected, rel=1e-14, abs=1e-15)


def test_a_milestone_takes_effect_at_once():
    for tenths in range(1, 10):
        schedule = Step((tenths / 10,))
        assert schedule(tenths, 10) == 0.1
        assert schedule(tenths - 1e-9, 10) == 1
        assert schedule(tenths * 3, 30) == 0.1


@all_decays
@pytest.mark.parametrize(
    "warmup, n_epochs, n_warmup",
    [(5, 100, 5), (0.05, 100, 5), (0.5, 8, 4), (0.9, 8, 4), (5, 6, 3), (5, 1, 0.5)],
)
def test_warmup(schedule, warmup, n_epochs, n_warmup):
    warm = schedule.replace(warmup=warmup)
    for u in (0, 0.25, 0.5, 0.75, 1):
        assert warm(u * n_warmup, n_epochs) == pytest.approx(0.01 + 0.99 * u, rel=1e-14)
    # After that, it is the schedule of the remaining epochs.
    for epoch in np.linspace(0, n_epochs - n_warmup, 11):
        expected = schedule(epoch, n_epochs - n_warmup, 300)
        assert warm(n_warmup + epoch, n_epochs, 300) == pytest.approx(expected)


def test_warmup_multiplies_the_factor_of_invscaling():
    assert InvScaling(warmup=2)(1, 10, 99) == pytest.approx(0.505 * 0.1)


def test_warmup_is_keyword_only():
    assert Cosine(0.5).final == 0.5
    assert "warmup=5" in repr(Cosine(warmup=5, final=0.01))
    with pytest.raises(TypeError):
        Cosine(0.01, 5)


N = 40
"""Number of epochs in the comparison with PyTorch, which counts whole epochs."""

TORCH_TWINS = {
    Step(): ("MultiStepLR", {"milestones": [20, 30], "gamma": 0.1}),
    Step((0.3, 0.6, 0.9), 0.5): (
        "MultiStepLR",
        {"milestones": [12, 24, 36], "gamma": 0.5},
    ),
    Exponential(): ("ExponentialLR", {"gamma": 0.01 ** (1 / N)}),
    Linear(): ("LinearLR", {"start_factor": 1, "end_factor": 0, "total_iters": N}),
    Linear(0.2): ("LinearLR", {"start_factor": 1, "end_factor": 0.2, "total_iters": N}),
    # The warm-up alone.
    Constant(warmup=10): ("LinearLR", {"start_factor": 0.01, "total_iters": 10}),
    Cosine(): ("CosineAnnealingLR", {"T_max": N}),
    Cosine(0.1): ("CosineAnnealingLR", {"T_max": N, "eta_min": 0.1}),
    # PyTorch counts the first step, so its peak and its end come one epoch earlier.
    OneCycle(): (
        "OneCycleLR",
        {"max_lr": 1, "total_steps": N + 1, "pct_start": 13 / 41},
    ),
    OneCycle(0.5, 0.1, 0.001): (
        "OneCycleLR",
        {
            "max_lr": 1,
            "total_steps": N + 1,
            "pct_start": 21 / 41,
            "div_factor": 10,
            "final_div_factor": 100,
        },
    ),
}

# Factors of PyTorch 2.13 after 5, 15, 25 and 35 of 40 epochs, so that the check also
# runs without PyTorch.
STORED = {
    Step(): [1.0, 1.0, 0.1, 0.01],
    Step((0.3, 0.6, 0.9), 0.5): [1.0, 0.5, 0.25, 0.25],
    Exponential(): [0.56234132519, 0.177827941, 0.056234132519, 0.0177827941],
    Linear(): [0.875, 0.625, 0.375, 0.125],
    Linear(0.2): [0.9, 0.7, 0.5, 0.3],
    Constant(warmup=10): [0.505, 1.0, 1.0, 1.0],
    Cosine(): [0.96193976626, 0.69134171618, 0.30865828382, 0.038060233744],
    Cosine(0.1): [0.96574578963, 0.72220754456, 0.37779245544, 0.13425421037],
    OneCycle(): [0.39576685835, 0.97194177739, 0.55598401412, 0.076641593834],
    OneCycle(0.5, 0.1, 0.001): [
        0.23180194847,
        0.86819805153,
        0.8536998372,
        0.1473001628,
    ],
}


def torch_factors(torch, name, options):
    """Factors of a scheduler of PyTorch after 0 to N epochs."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    rates = []
    for _ in range(N):
        rates += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    return [*rates, *scheduler.get_last_lr()]


@pytest.mark.parametrize("schedule", TORCH_TWINS, ids=repr)
def test_factors_are_those_of_torch(schedule):
    torch = pytest.importorskip("torch")
    expected = torch_factors(torch, *TORCH_TWINS[schedule])
    result = factors(schedule, range(N + 1), N)
    assert_allclose(result, expected, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("schedule", TORCH_TWINS, ids=repr)
def test_factors_are_those_stored_from_torch(schedule):
    result = factors(schedule, [5, 15, 25, 35], N)
    assert_allclose(result, STORED[schedule], rtol=1e-9)


def test_plateaus():
    for schedule in DEFAULTS:
        if not isinstance(schedule, Adaptive):
            assert schedule.on_plateau(0.1) is None
    rates = [0.1]
    while (rate := Adaptive().on_plateau(rates[-1])) is not None:
        rates.append(rate)
    # 0.1 / 5⁸ = 2.56e-7 is the first that is not above 1e-6.
    assert rates == pytest.approx([0.1 / 5**k for k in range(9)])
    assert Adaptive().on_plateau(Adaptive.smallest) is None


@pytest.mark.parametrize(
    "cls, name, good, bad",
    [
        *((type(decay), "warmup", [0, 0.9, 5], [-1, np.inf]) for decay in DECAYS),
        (InvScaling, "power_t", [0, 2], [-0.1, np.nan]),
        (Step, "gamma", [0.5, 1], [0, 1.1]),
        (Step, "at", [(), (0.5,)], [(0.0,), (0.5, 1.0), (np.nan,)]),
        (Exponential, "final", [1e-3, 1], [0, 1.1]),
        (Linear, "final", [0, 1], [-0.1, 1.1]),
        (Cosine, "final", [0, 1], [-0.1, 1.1]),
        (FlatCosine, "flat", [0, 0.9], [-0.1, 1]),
        (InverseSqrt, "timescale", [1e-3, 2], [0, np.inf]),
        (OneCycle, "peak", [0, 0.1, 0.9], [-0.1, 1]),
        (OneCycle, "start", [0, 1], [-0.1, 1.1]),
        (OneCycle, "final", [0, 1], [-0.1, 1.1]),
    ],
)
def test_ranges(cls, name, good, bad):
    for value in good:
        assert getattr(cls(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(ValueError, match=f"{name} of {cls.__name__} must"):
            cls(**{name: value})


def test_milestones_may_be_a_list():
    assert Step([0.2, 0.4]) == Step((0.2, 0.4))
    assert clone(Step([0.2, 0.4])) == Step((0.2, 0.4))
