"""Checkpoints of the first version go on in this one as they did there: bit for bit in its operations, those of torch.

Since then steps of young units are corrected in NumPy on a CPU, which rounds otherwise.
"""

from pathlib import Path

import pytest
import torch

from agents.adam_cbp import AdamCBP
from agents.hsic_cbp import HSICCBP
from envs.bit_flipping import BitFlipping
from plastic_rl.optim import young_together
from plastic_rl.training import Course

FILE = Path(__file__).parents[1] / "fixtures" / "streams.pt"
SMALL = {"hidden_layers": 1, "hidden_units": 5, "replacement_rate": 1e-2, "maturity_threshold": 20}
CASES = {
    "adam_cbp": (AdamCBP(**SMALL), (0,)),
    "adam_cbp, two seeds": (AdamCBP(**SMALL), (0, 1)),
    "hsic_cbp": (HSICCBP(normalization="layer", **SMALL), (0,)),
}


@pytest.mark.parametrize("is_exact", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_a_stream_of_the_first_version_is_gone_on_with(name, is_exact, monkeypatch):
    if is_exact:
        monkeypatch.setattr(young_together, "OF_NUMPY", frozenset())
    tolerance = 0.0 if is_exact else 1e-4
    agent, seeds = CASES[name]
    saved = torch.load(FILE, weights_only=True)[name]
    streams = [BitFlipping(tasks=2, examples=600, batch_size=4).build(seed=seed, device="cpu") for seed in seeds]
    learner = agent.build(streams, device="cpu")
    course = Course(streams, learner, lambda step, rows: None, lambda: None)
    course.load_state_dict(saved["saved"])
    course.go()
    assert all(counts["cbp/replaced"] > 0 for counts in learner.metrics())
    for network, end in zip(learner.networks, saved["end"], strict=True):
        state = network.state_dict()
        for key in set(end) - {key for key in end if key.endswith("heard")}:
            torch.testing.assert_close(state[key], end[key], atol=tolerance, rtol=tolerance, msg=key)
