"""Looks at the policy that Stable-Baselines3 has saved, without its environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from plastic_rl.doctor.complaints import LayerExamination, Symptom, complaint, complaints
from plastic_rl.doctor.drawing import drawn
from plastic_rl.doctor.examination import Examination, broken_layers, looked_at
from plastic_rl.doctor.observations import FILES, Batch, count_of, has_images, observations_file, observations_of
from plastic_rl.errors import UserError
from plastic_rl.seeding import seed_for_now

if TYPE_CHECKING:
    from plastic_rl.sb3.saved_model import SavedModel

# A layer is compared with the worst of so many fresh ones: with one alone, chance would pass for a symptom.
FRESH_COPIES = 4

# How many observations are drawn; images take long, and have many places each.
SAMPLES, IMAGES = 1024, 256

# With fewer observations than these, shares of samples mean little.
FEW = 100


def examine_saved(
    path: Path | str,
    *,
    observations: Path | None = None,
    vecnormalize: Path | None = None,
    samples: int | None = None,
    trust: bool = False,
) -> Examination:
    """Looks at the networks of a saved policy beside freshly initialised ones, on the same observations.

    Args:
        path: of the zip that SB3 saved, or of a run's folder with a model.zip.
        observations: an .npy or .npz of observations, or a folder with one; without it those of the run's folder are
            taken, or else some are drawn, which says less: an agent sees other ones.
        vecnormalize: what `VecNormalize.save` wrote, if the model was trained behind one.
        samples: how many observations to draw; None for 1,024, or 256 where there are images.
        trust: load all that the zip brings, and thereby run whatever code it holds.

    Raises:
        UserError: a file is not there, or is not what it should be.
    """
    # Stable-Baselines3 takes seconds to import: not for networks that have nothing to do with it.
    from plastic_rl.sb3.saved_model import read_model

    path = Path(path)
    file = model_file(path)
    model = read_model(file, fresh_copies=FRESH_COPIES, trust=trust)
    broken = broken_layers(model.policy)
    if broken:
        return Examination([], [complaint(Symptom.broken, broken)], methods=model.methods)
    batch, probe = batch_for(model, path, observations, vecnormalize, samples)
    try:
        layers, left_out = _looked_at(model, batch)
    except ValueError as error:
        raise UserError(f"{file}: {error}") from error
    if not layers:
        raise UserError(f"{file}: the policy has no hidden layer whose units could be looked at")
    return Examination(layers, complaints(layers, model.methods), left_out, probe, model.methods)


def model_file(path: Path) -> Path:
    """The zip that is meant: of a run's folder its model.

    Raises:
        UserError: the folder has none.
    """
    if not path.is_dir():
        return path
    if (path / "model.zip").is_file():
        return path / "model.zip"
    if (path / "weights.pt").is_file():
        raise UserError(f"{path}: a stream's weights.pt does not say of which network; use plastic_rl.doctor.examine")
    raise UserError(f"{path}: holds no model.zip; a run writes it when it ends (give its command again to go on)")


def batch_for(
    model: SavedModel, path: Path, observations: Path | None, vecnormalize: Path | None, samples: int | None
) -> tuple[Batch, str]:
    """A batch of observations as the model sees them, and where it comes from in words.

    Args:
        model: the model.
        path: where it was, which may hold observations.
        observations: those that were named.
        vecnormalize: as of :func:`examine_saved`.
        samples: how many observations to draw.
    """
    from plastic_rl.sb3.saved_normalisation import read_normalisation

    source = observations or next((path / name for name in FILES if (path / name).is_file()), None)
    normalise = None if vecnormalize is None else read_normalisation(vecnormalize)
    space = model.observation_space
    if source is not None:
        file = observations_file(source)
        batch = observations_of(file, space)
        few = " (so few that chance has a say)" if count_of(batch) < FEW else ""
        words = f"{count_of(batch):,} observations of {file}{few}"
        return (batch, words) if normalise is None else (normalise(batch), f"{words}, normalised by {vecnormalize}")
    is_normalised = model.is_normalised if normalise is None else normalise.is_of_observations
    samples = samples or (IMAGES if has_images(space) else SAMPLES)
    batch, words = drawn(space, samples, last=model.last, is_normalised=is_normalised)
    return batch, f"{words}; --observations gives real ones"


def _looked_at(model: SavedModel, batch: Batch) -> tuple[list[LayerExamination], dict[str, str]]:
    """All networks of a policy that are trained; a layer that two of them have is looked at once."""
    from plastic_rl.sb3.example import inputs_of
    from plastic_rl.sb3.policy_networks import joined, trained_networks

    layers: list[LayerExamination] = []
    left_out: dict[str, str] = {}
    seen: set[nn.Module] = set()
    fresh = [dict(trained_networks(policy)) for policy in model.fresh]
    for name, network in trained_networks(model.policy):
        modules = dict(network.named_modules())
        known = [place for place, module in modules.items() if module in seen]
        inputs = _with_seed(lambda network=network: inputs_of(network, batch))
        found, out = looked_at(network, [each[name] for each in fresh], inputs, [*model.ignored, *known])
        layers += [replace(layer, name=joined(name, layer.name)) for layer in found]
        left_out |= {joined(name, place): why for place, why in out.items()}
        seen |= {modules[layer.name] for layer in found if layer.name in modules}
    return layers, left_out


def _with_seed(draw: Callable[[], Any]) -> Any:
    """The result of a draw with a seed of its own; the global random-number stream is not touched."""
    with torch.random.fork_rng(devices=[]):
        seed_for_now(0)
        return draw()
