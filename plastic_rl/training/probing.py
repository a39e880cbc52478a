"""The probe of the networks of a learner of streams."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plastic_rl.diagnostics.probing import ProbeSettings, probe
from plastic_rl.learners.learner import Learner


def check_probeable(learner: Learner) -> None:
    """Refuses a learner whose networks cannot be copied.

    Raises:
        TypeError: it does not say how they are made, or they are not what was made.
    """
    _copy(learner, 0, learner.networks[0])


def probe_learner(learner: Learner, inputs: Tensor, settings: ProbeSettings) -> list[dict[str, float]]:
    """For each seed what a copy of its network learns beside fresh ones; the learner is not touched.

    Args:
        learner: the learner.
        inputs: what its networks see, of shape (seeds, n, ...).
        settings: of the probe.

    Raises:
        TypeError: the learner does not say how its networks are made.
    """
    found: list[dict[str, float]] = []
    with torch.random.fork_rng(devices=[]):
        for place, network in enumerate(learner.networks):
            seen = inputs[place][: settings.samples]
            aged = _copy(learner, place, network)
            fresh = [learner.fresh_network(place, "probe", repeat) for repeat in range(settings.repeats)]

            def answer(net: nn.Module, rows: Tensor, seen: Tensor = seen) -> Tensor:
                return net(seen[rows.to(seen.device)])

            found.append(probe(aged, fresh, answer, len(seen), settings).numbers())
    return found


def _copy(learner: Learner, place: int, network: nn.Module) -> nn.Module:
    twin = learner.fresh_network(place, "probe")
    try:
        twin.load_state_dict(network.state_dict())
    except RuntimeError as error:
        raise TypeError(f"the networks of {type(learner).__name__} cannot be probed: {error}") from error
    return twin
