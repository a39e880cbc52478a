"""The probe of a policy that Stable-Baselines3 has saved, without its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plastic_rl.diagnostics.probing import ProbeResult, ProbeSettings
from plastic_rl.doctor.examination import broken_layers
from plastic_rl.doctor.saved import batch_for, model_file
from plastic_rl.doctor.table import table
from plastic_rl.errors import UserError


@dataclass(frozen=True)
class Probed:
    """The outcome of a probe of a model.

    Args:
        results: for each network that the model trains.
        settings: of the probe.
        source: where the observations come from, in words.
    """

    results: Mapping[str, ProbeResult]
    settings: ProbeSettings
    source: str

    @property
    def is_plastic(self) -> bool:
        """True if no network has lost plasticity."""
        return not any(result.is_lost for result in self.results.values())

    def as_dict(self) -> dict[str, Any]:
        """All of it in plain values, as ``--json`` prints it."""
        networks = {name: {**asdict(each), "gap": each.gap._asdict()} for name, each in self.results.items()}
        return {
            "plastic": self.is_plastic,
            "networks": networks,
            "settings": asdict(self.settings),
            "source": self.source,
        }

    def __str__(self) -> str:
        rows = [("network", "aged", "fresh", "ratio", "gap", "95 %")]
        for name, each in self.results.items():
            aged, fresh = (f"{sum(errors) / len(errors):.3f}" for errors in (each.aged, each.fresh))
            interval = f"[{each.gap.low:+.3f}, {each.gap.high:+.3f}]"
            rows.append((name, aged, fresh, f"{each.ratio:.2f}", f"{each.gap.value:+.3f}", interval))
        how = f"{self.settings.updates} updates on each of {self.settings.repeats} new targets, with {self.source}."
        lost = [name for name, each in self.results.items() if each.is_lost]
        verdict = f"Learns worse than a fresh network: {', '.join(lost)}." if lost else "Learns as well as a fresh one."
        return "\n".join([f"Share of new targets not learned after {how}", *table(rows), verdict])


def probe_saved(
    path: Path | str,
    *,
    settings: ProbeSettings | None = None,
    observations: Path | None = None,
    vecnormalize: Path | None = None,
    trust: bool = False,
) -> Probed:
    """Probes the networks of a saved policy beside freshly initialised ones, on the same observations.

    Args:
        path: of the zip that SB3 saved, or of a run's folder with a model.zip.
        settings: of the probe; None for the usual ones.
        observations: an .npy or .npz of observations, or a folder with one; without it those of the run's folder are
            taken, or else some are drawn.
        vecnormalize: what `VecNormalize.save` wrote, if the model was trained behind one.
        trust: load all that the zip brings, and thereby run whatever code it holds.

    Raises:
        UserError: a file is not there, or is not what it should be; or weights are no finite numbers.
    """
    # Stable-Baselines3 takes seconds to import: not for networks that have nothing to do with it.
    from plastic_rl.sb3.probing import probe_policy
    from plastic_rl.sb3.saved_model import read_model

    path, asked = Path(path), ProbeSettings() if settings is None else settings
    file = model_file(path)
    model = read_model(file, fresh_copies=asked.repeats, trust=trust)
    if broken := broken_layers(model.policy):
        raise UserError(f"{file}: {', '.join(broken)} hold numbers that are not finite, from which nothing can learn")
    batch, source = batch_for(model, path, observations, vecnormalize, asked.samples)
    try:
        return Probed(probe_policy(model.policy, model.fresh, batch, asked), asked, source)
    except ValueError as error:
        raise UserError(f"{file}: {error}") from error
