"""What the studies of aligned control (`protocol=aligned`; Tang et al., ICML 2025) have in common."""

from __future__ import annotations

from experiments.plasticity_study import PlasticityStudy
from experiments.rivals import RIVALS
from experiments.runs import Arm

LEVEL = 160_000  # environment steps


def aligned_study(
    name: str,
    title: str,
    world: str,
    run: tuple[str, ...],
    *,
    levels: int,
    seeds: range,
    shown: tuple[str, ...] = (),
    has_floor: bool = False,
) -> PlasticityStudy:
    """A study of the first levels of a world of the protocol.

    Args:
        name: of the study, and of its module.
        title: of its figure.
        world: the value of `env=`.
        run: the rivals that have been run; the others are left out, and not because of what they reach.
        levels: how many of the ten, the first of which is clean.
        seeds: of each arm.
        shown: the arms whose curves are drawn; all without any.
        has_floor: whether 0 is the least that an episode returns.
    """
    words = (f"env={world}", "protocol=aligned", "agent.lean=quick", f"total_steps={levels * LEVEL:_}")
    return PlasticityStudy(
        name=name,
        title=title,
        arms=tuple(Arm(rival, (*RIVALS[rival], *words)) for rival in run),
        seeds=seeds,
        change_every=LEVEL,
        bin_steps=8_000,
        fresh="ppo_fresh",
        shown=shown or run,
        has_floor=has_floor,
        seeds_together=True,
        quick=("total_steps=8_000", "env.change_every=4_000", "agent.epochs=1"),
    )
