import time

import numpy as np
import pytest
import torch
from scipy import stats

from daecore.errors import InputError
from daecore.rng import stream
from daecore.stats.intervals import Interval, bootstrap, contrast, student


def test_the_bootstrap_agrees_with_scipy():
    values = np.random.default_rng(0).exponential(size=400)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(1)).confidence_interval
    ours = bootstrap(values, generator=stream(0, "bootstrap"))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert ours.mean == pytest.approx(values.mean())


def test_one_stream_gives_one_interval():
    values = torch.arange(50.0)
    first, again, other = (bootstrap(values, generator=stream(0, name)) for name in ("a", "a", "b"))
    assert first == again != other


def test_ten_thousand_images_take_less_than_two_seconds():
    start = time.perf_counter()
    bootstrap(torch.rand(10_000), generator=stream(0, "speed"))
    assert time.perf_counter() - start < 2


def test_student_agrees_with_scipy():
    values = [0.3, 0.5, 0.1, 0.4, 0.35]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (student(values).low, student(values).high) == pytest.approx((low, high))


def test_a_contrast_of_two_groups_is_welchs_test():
    one, other = [0.3, 0.5, 0.1, 0.4, 0.35], [0.9, 0.2, 1.4]
    expected = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    found = contrast([one, other], [1, -1])
    assert (found.low, found.high, found.n) == pytest.approx((expected.low, expected.high, 8))


def test_a_contrast_of_constant_groups_is_exact():
    found = contrast([[1.0, 1.0], [3.0, 3.0]], [0.5, 0.5])
    assert (found.mean, found.low, found.high) == (2, 2, 2)


def test_an_interval_is_json_and_knows_whether_it_is_a_claim():
    interval = Interval(mean=1.0, low=-0.5, high=2.5, n=5)
    assert Interval.model_validate_json(interval.model_dump_json()) == interval
    assert not interval.conclusive
    assert str(interval) == "1 [-0.5, 2.5], n = 5"


def test_too_few_values_are_an_error():
    with pytest.raises(InputError, match="at least 1 value"):
        bootstrap([], generator=stream(0, "none"))
    with pytest.raises(InputError, match=r"at least 2 value.*got 1"):
        student([1.0])
