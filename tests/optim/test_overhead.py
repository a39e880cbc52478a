"""A step that replaces nothing costs next to nothing: no waiting for the device, few operations, nothing recorded."""

import subprocess
import sys
from collections import Counter

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop, young_together
from plastic_rl.optim.activity import ActivityRecorder

MODES = ("exact", "lazy", "instant")
WAITING = ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "equal", "unique", "_unique2", "item")


class Operations(TorchDispatchMode):
    """Counts the operations that reach the device."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if not func.overloadpacket.__name__.startswith("_record_function"):  # the profiler's label of a step
            self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def network():
    torch.manual_seed(0)
    convolutions = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*convolutions, nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 2))


def trained(kind, device="cpu", **settings):
    """A network, an optimiser around it (or a plain one), and a step."""
    net, x = network().to(device), torch.randn(4, 3, 6, 6, device=device)
    optimizer = kind(net.parameters())
    if settings:
        optimizer = ContinualBackprop(optimizer, hidden_layers(net, x), **settings)

    def step():
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()

    return optimizer, step


def operations(step):
    with Operations() as seen:
        step()
    return seen.counts


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


def fused_adam(parameters):
    return torch.optim.Adam(parameters, lr=0.01, fused=True)


@pytest.mark.parametrize("utility", ["contribution", "adaptable_contribution", "weight", "random"])
@pytest.mark.parametrize("kind", [sgd, fused_adam])
@pytest.mark.parametrize("mode", MODES)
def test_a_step_that_replaces_nothing_asks_the_device_for_nothing(mode, kind, utility, monkeypatch):
    monkeypatch.setattr(young_together, "OF_NUMPY", frozenset())  # as on a device
    optimizer, step = trained(kind, mode=mode, utility=utility, replacement_rate=0.02, maturity_threshold=2)
    steps = 0
    for _ in range(60):
        if optimizer.falls_due():
            step()
            continue
        counts, steps = operations(step), steps + 1
        assert not {name for name in counts if name in WAITING}
    assert steps >= 20
    assert optimizer.metrics()["cbp/replaced"] > 10


# Three layers: |h|, its mean, and the running average; exact also |w|, its sum, the product and a check for NaN, and
# where a flattened convolution is read two to gather the columns of each unit.
@pytest.mark.parametrize(("mode", "most"), [("instant", 0), ("lazy", 3 * 3), ("exact", 3 * 7 + 2)])
def test_operations_in_a_step_that_replaces_nothing(mode, most):
    _, plain = trained(sgd)
    _, step = trained(sgd, mode=mode, replacement_rate=1e-6, maturity_threshold=2)
    step(), plain()
    views = ("detach", "t", "view", "_unsafe_view", "transpose")
    extra = operations(step) - operations(plain)
    assert sum(count for name, count in extra.items() if name not in views) <= most


def test_nothing_is_recorded_at_rate_zero_in_mode_instant():
    optimizer, step = trained(sgd, mode="instant", replacement_rate=0.0)
    _, plain = trained(sgd)
    step(), plain()
    assert operations(step) == operations(plain)
    assert not optimizer.falls_due()


def test_falls_due_says_before_each_step_whether_it_replaces():
    for rounding in ("accumulate", "bernoulli"):
        optimizer, step = trained(sgd, rounding=rounding, replacement_rate=0.01, maturity_threshold=3)
        for _ in range(80):
            expected, before = optimizer.falls_due(), optimizer.metrics()["cbp/replaced"]
            step()
            assert (optimizer.metrics()["cbp/replaced"] > before) == expected
        assert optimizer.metrics()["cbp/replaced"] > 5


def test_the_host_is_needed_while_adam_is_corrected_for_young_units():
    optimizer, step = trained(fused_adam, replacement_rate=0.0105, maturity_threshold=3)
    while not optimizer.falls_due():
        assert not optimizer.needs_host()
        step()
    step()
    for _ in range(20):
        assert optimizer.needs_host()
        step()


@pytest.mark.parametrize(
    ("utility", "message"), [("contribution", "needs_host"), ("mean_corrected", "freeze the ages")]
)
def test_a_graph_that_would_go_wrong_is_not_captured(monkeypatch, utility, message):
    rate = 1.0 if utility == "contribution" else 0.0
    _, step = trained(sgd, utility=utility, replacement_rate=rate, maturity_threshold=0)
    monkeypatch.setattr("plastic_rl.optim.continual_backprop.is_capturing", lambda: True)
    with pytest.raises(RuntimeError, match=message):
        step()


def test_capturing_a_step_counts_and_replaces_nothing(monkeypatch):
    optimizer, step = trained(sgd, replacement_rate=0.01, maturity_threshold=3)
    step()
    before = optimizer.state_dict()["ContinualBackprop"]["step"]
    monkeypatch.setattr("plastic_rl.optim.continual_backprop.is_capturing", lambda: True)
    step()
    assert optimizer.state_dict()["ContinualBackprop"]["step"] == before


def test_instant_mode_ranks_by_the_minibatch_of_the_step_at_which_units_fall_due():
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
    x = torch.rand(3, 2)
    layers = hidden_layers(net, x)
    optimizer = ContinualBackprop(
        torch.optim.SGD(net.parameters(), lr=0.0), layers, mode="instant", replacement_rate=0.125, maturity_threshold=0
    )
    with torch.no_grad():
        contribution = (net[:2](x).abs().mean(0) * net[2].weight.abs().sum(0)).tolist()
    for _ in range(2):
        net(x).sum().backward()
        optimizer.step()
    assert optimizer.metrics()["cbp/replaced"] == 1
    replaced = net[2].weight[0].eq(0).nonzero().item()
    assert replaced == contribution.index(min(contribution))


def test_averages_of_an_image_are_over_samples_and_places():
    reader = nn.Conv2d(2, 1, 1)
    port = hidden_layers(nn.Sequential(nn.Conv2d(1, 2, 1), reader), torch.zeros(1, 1, 1, 2))[0].read_by[0]
    recorder = ActivityRecorder(port, keeps_mean=True)
    recorder.centre = torch.tensor([1.0, 0.0])
    reader(torch.tensor([[[[1.0, 3.0]], [[-1.0, 5.0]]], [[[1.0, -1.0]], [[0.0, 0.0]]]]))
    assert recorder.mean.tolist() == [1.0, 1.0]
    assert recorder.magnitude.tolist() == [1.0, 1.5]


@pytest.mark.parametrize("mode", MODES)
def test_activations_of_less_precision_are_averaged_in_that_of_the_weights(mode):
    optimizer, step = trained(sgd, mode=mode, replacement_rate=0.02, maturity_threshold=2, move_mean_to_bias=True)
    for _ in range(20):
        with torch.autocast("cpu", torch.bfloat16):
            step()
    assert optimizer.watched[0].means[0].dtype == torch.float32
    assert optimizer.metrics()["cbp/replaced"] > 3


def test_counting_a_replayed_step_keeps_the_schedule():
    eager, step = trained(sgd, replacement_rate=0.01, maturity_threshold=3)
    replayed, other = trained(sgd, replacement_rate=0.01, maturity_threshold=3)
    for _ in range(60):
        if replayed.needs_host():
            other()
        else:
            replayed.count_step()
        step()
        assert replayed.falls_due() == eager.falls_due()
    assert replayed.metrics()["cbp/replaced"] == eager.metrics()["cbp/replaced"] > 5


@pytest.mark.slow  # every day a compiled network is recorded and replaced in test_any_optimizer
def test_a_compiled_network_replaces_the_same_units():
    # In a process of its own, because the type checker of the tests cannot be compiled.
    done = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, text=True, check=True)
    eager, compiled = done.stdout.split()
    assert eager == compiled


COMPILED = """
import torch
from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop

for compiled in (False, True):
    torch.manual_seed(0)
    layers = [module for width in (3, 8, 8, 8) for module in (torch.nn.Linear(width, 8), torch.nn.ReLU())]
    net, x = torch.nn.Sequential(*layers, torch.nn.Linear(8, 1)), torch.randn(5, 3)
    sgd, settings = torch.optim.SGD(net.parameters(), lr=0.1), dict(replacement_rate=0.05, maturity_threshold=2)
    optimizer = ContinualBackprop(sgd, hidden_layers(net, x), mode="instant", audit_size=100, seed=0, **settings)
    forward = torch.compile(net, backend="aot_eager") if compiled else net
    for _ in range(20):
        optimizer.zero_grad()
        forward(x).square().mean().backward()
        optimizer.step()
    print(",".join(f"{each.step}/{each.layer}/{each.unit}" for each in optimizer.replacements()))
"""


@pytest.mark.gpu
@pytest.mark.parametrize("kind", [sgd, fused_adam])
@pytest.mark.parametrize("mode", MODES)
def test_a_step_that_replaces_nothing_never_waits_for_the_gpu(mode, kind):
    optimizer, step = trained(kind, "cuda", mode=mode, replacement_rate=0.02, maturity_threshold=2)
    for _ in range(60):
        torch.cuda.set_sync_debug_mode("default" if optimizer.falls_due() else "error")
        try:
            step()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert optimizer.metrics()["cbp/replaced"] > 10


@pytest.mark.gpu
@pytest.mark.parametrize("mode", MODES)
def test_a_captured_graph_and_eager_steps_between_replace_as_eager_steps_do(mode):
    eager, eager_step = trained(sgd, "cuda", mode=mode, replacement_rate=0.005, maturity_threshold=3)
    optimizer, step = trained(sgd, "cuda", mode=mode, replacement_rate=0.005, maturity_threshold=3)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            step(), eager_step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    for _ in range(60):
        eager_step()
        if optimizer.needs_host():
            step()
        else:
            graph.replay()
            optimizer.count_step()
    assert optimizer.metrics()["cbp/replaced"] == eager.metrics()["cbp/replaced"] > 3
    for group, other in zip(optimizer.param_groups, eager.param_groups, strict=True):
        for a, b in zip(group["params"], other["params"], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
