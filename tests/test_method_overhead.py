"""The benchmark of all methods: which it takes, what it keeps of an earlier table, and what it counts."""

import pytest
import torch

from agents.methods import METHODS
from benchmarks.method_overhead import PLAIN, acting, live_bytes, measure, memory, methods, of_one, ratio
from benchmarks.overhead import MODES, Subject


def timed(*times):
    subject = Subject(lambda: None)
    subject.times = list(times)
    return subject


def test_every_method_is_measured_and_continual_backprop_in_every_mode():
    assert set(methods()) == {*METHODS, *(f"cbp, {mode}" for mode in MODES)}


def test_what_acts_now_and_then_is_made_to_act():
    assert {word for word, settings in methods().items() if acting(settings)} >= {"redo", "fire", "adam_rel", "swr"}
    assert acting(methods()["l2_init"]) is None  # at each update anyway
    assert acting(methods()["redo"]).every == 10
    assert of_one("1.30") == "4.0"


def test_a_ratio_is_the_median_over_rounds():
    assert ratio(timed(2.0, 3.0, 8.0), timed(1.0, 2.0, 2.0)) == ("2.00", "1.50-4.00")


def test_memory_counts_a_storage_once_and_gradients_too():
    before = live_bytes()
    weight = torch.zeros(1000, requires_grad=True)
    weight.sum().backward()
    views = [weight.detach()[:10], weight.detach()[5:]]
    assert live_bytes() - before == 8000
    del views


@pytest.mark.slow
def test_what_l2_init_remembers_is_a_quarter_of_what_adam_keeps():
    assert memory(methods()["l2_init"]) / memory(None) == pytest.approx(1.25, abs=0.01)


@pytest.mark.slow
def test_every_column_is_measured():
    plain, row = measure({"redo": methods()["redo"]}, rounds=2)
    assert plain["method"] == PLAIN
    assert all(row.values())
