"""A model that begins with the weights of a saved one, or with a part of them, in a world that may be another.

The weights are in place before any method looks at them: what a method remembers of a beginning is this one.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.save_util import recursive_getattr
from torch import Tensor, nn

from plastic_rl.choices import Reset
from plastic_rl.errors import UserError
from plastic_rl.sb3.attachment import CRITIC_PARTS
from plastic_rl.sb3.resets import of_last_layers
from plastic_rl.sb3.saved_model import read_model, weights_of
from plastic_rl.sb3.saved_normalisation import read_normalisation

logger = logging.getLogger(__name__)

POLICY, VARIABLES, OPTIMIZER, ENDING = "policy", "pytorch_variables", "optimizer", ".pth"

CRITICS = (*CRITIC_PARTS, "value_net.", "lstm_critic.", "critic.", "critic_target.")
"""The beginnings of the names of what a critic alone uses, in the policies of Stable-Baselines3 and sb3-contrib."""

KINDS = frozenset({"betas", "alpha", "momentum", "nesterov", "rho"})
"""Settings by which kinds of optimisers are told apart."""

SHOWN = 3


class Start:
    """The weights of a saved model, and what of them is drawn afresh.

    Args:
        path: of the zip that Stable-Baselines3, or a run, has saved; nothing that it holds is run.
        reset: the part of a model that keeps what it was made with.

    Raises:
        UserError: it is no such file.
    """

    def __init__(self, path: Path, reset: Reset = Reset.nothing) -> None:
        self.path, self.reset = path, reset
        self.saved, self.functions = _read(path), _functions(path)
        self.has_reached = False

    def put(self, model: Any) -> None:
        """Gives a model the weights, and its optimisers what the saved ones knew; again and again is as once.

        Args:
            model: with optimisers that no method wraps yet.

        Raises:
            UserError: it is of another shape; the message names what differs.
        """
        self.has_reached, fresh = True, model.policy.state_dict()
        kept = fresh.keys() - self._renewed(model, fresh)
        self._check(fresh, kept)
        self._check_functions(model.policy)
        model.policy.load_state_dict(
            {name: self.saved[POLICY][name] if name in kept else fresh[name] for name in fresh}
        )
        if self.reset != Reset.head:
            self._put_variables(model)
        if self.reset != Reset.optimizer:
            for name in model.get_parameters():
                if name.endswith(OPTIMIZER):
                    self._put_optimizer(model, name, kept)

    def _renewed(self, model: Any, fresh: Mapping[str, Tensor]) -> set[str]:
        """The names of what is not taken over."""
        if self.reset == Reset.head:
            return of_last_layers(model, 1) | ({"log_std"} & fresh.keys())
        if self.reset != Reset.critic:
            return set()
        names = {name for name in fresh if name.startswith(CRITICS)}
        if not names:
            raise UserError(
                f"reset=critic is of agents with an actor and a critic; {type(model.policy).__name__} is one"
            )
        return names

    def _check(self, fresh: Mapping[str, Tensor], kept: set[str]) -> None:
        """Refuses a model of another shape, by the names of what differs."""
        saved: Mapping[str, Tensor] = self.saved[POLICY]
        differing = [
            f"{name} is {_shape(saved.get(name))} there and {_shape(fresh[name])} here"
            for name in fresh
            if name in kept and _shape(saved.get(name)) != _shape(fresh[name])
        ]
        differing += [f"{name} is {_shape(saved[name])} there and not here" for name in saved if name not in fresh]
        if differing:
            more = f", and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
            raise UserError(
                f"start_from={self.path} is of another shape: {'; '.join(differing[:SHOWN])}{more}\n"
                "Give the agent the sizes that it had there, or a world with as many observations and actions; "
                "reset=head takes other actions."
            )

    def _check_functions(self, policy: nn.Module) -> None:
        """Refuses weights that were trained with other non-linearities between them."""
        here = functions_of(policy)
        for name in sorted(here.keys() & self.functions.keys()):
            if here[name] != self.functions[name]:
                raise UserError(
                    f"start_from={self.path} has other non-linearities: {name} is {self.functions[name]} there and "
                    f"{here[name]} here\nPPO has agent.activation=tanh and agent.negative_slope=… for them."
                )

    @torch.no_grad()
    def _put_variables(self, model: Any) -> None:
        """Puts in place what is learned outside of the policy: SAC's entropy coefficient."""
        for name in model._get_torch_save_params()[1]:
            if name in self.saved.get(VARIABLES, {}):
                recursive_getattr(model, name).copy_(self.saved[VARIABLES][name])

    def _put_optimizer(self, model: Any, name: str, kept: set[str]) -> None:
        optimizer, saved = recursive_getattr(model, name), self.saved.get(name)
        of_policy = {parameter: each for each, parameter in model.policy.named_parameters()}
        mine = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        theirs = [] if saved is None else [each for group in saved["param_groups"] for each in group["params"]]
        if saved is None or len(mine) != len(theirs) or _kind(saved["param_groups"]) != _kind(optimizer.param_groups):
            raise UserError(
                f"start_from={self.path} has another {name} than this agent: reset=optimizer begins with a new one"
            )
        for parameter, number in zip(mine, theirs, strict=True):
            known = saved["state"].get(number)
            if known and (of_policy[parameter] in kept if parameter in of_policy else self.reset != Reset.head):
                optimizer.state[parameter] = {key: _copy(value, parameter) for key, value in known.items()}


_start: ContextVar[Start | None] = ContextVar("start", default=None)


@contextmanager
def starting(start: Start) -> Iterator[None]:
    """Has all models that are made within begin with saved weights.

    Raises:
        UserError: none did: an algorithm that :func:`plastic_rl.sb3.plastic` has not made.
    """
    token = _start.set(start)
    try:
        yield
    finally:
        _start.reset(token)
    if not start.has_reached:
        raise UserError(f"start_from={start.path} is not for this agent, which is not made to begin with saved weights")


def put_start(model: Any) -> None:
    """Gives a model, where no method has looked at it yet, the weights that it is to begin with, if there are any."""
    start = _start.get()
    if start is not None:
        start.put(model)


def put_statistics(model: Any, file: Path) -> None:
    """Gives a model's VecNormalize the statistics that were saved beside another model.

    Args:
        model: in its environment.
        file: that `VecNormalize.save`, or a run, has written; where there is none, statistics begin empty.

    Raises:
        UserError: the one normalises what it sees, and the other does not.
    """
    normalization = model.get_vec_normalize_env()
    if not file.is_file():
        if normalization is not None:
            logger.warning("There is no %s: the observations' statistics begin empty.", file)
        return
    statistics = read_normalisation(file).of_parts.get("")
    if normalization is None or statistics is None:
        raise UserError(
            f"{file}: the saved model saw normalised observations; agent.normalize_inputs, as there, goes with it"
        )
    of_observations = normalization.obs_rms
    of_observations.mean, of_observations.var = statistics.mean.copy(), statistics.variance.copy()
    of_observations.count = statistics.count


def _read(path: Path) -> dict[str, Any]:
    """The parameters in a zip, by the names that Stable-Baselines3 gives them."""
    if not path.is_file():
        raise UserError(
            f"start_from={path}: there is no such file; give a model.zip that a run, or model.save, has left"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            found = {
                name.removesuffix(ENDING): weights_of(archive, name, path)
                for name in archive.namelist()
                if name.endswith(ENDING)
            }
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(f"start_from={path} cannot be read as a model of Stable-Baselines3 ({error})") from error
    if not isinstance(found.get(POLICY), dict):
        raise UserError(f"start_from={path} holds no policy; give a model.zip that a run, or model.save, has left")
    return found


def functions_of(policy: nn.Module) -> dict[str, str]:
    """The functions between the weights of a policy, by their places: modules without weights of their own."""
    leaves = ((name, each) for name, each in policy.named_modules() if not list(each.children()))
    return {name: str(each) for name, each in leaves if not list(each.parameters(recurse=False))}


def _functions(path: Path) -> dict[str, str]:
    """The same of a saved policy; empty, which is said, where it cannot be made without running what a file brings."""
    try:
        return functions_of(read_model(path, fresh_copies=0).policy)
    except UserError as error:
        logger.warning("The non-linearities of start_from are not compared: %s.", error)
        return {}


def _shape(tensor: Tensor | None) -> str:
    return "not there" if tensor is None else str(list(tensor.shape))


def _kind(groups: list[dict[str, Any]]) -> set[str]:
    return groups[0].keys() & KINDS


def _copy(value: Any, parameter: Tensor) -> Any:
    if not isinstance(value, Tensor):
        return value
    return value.clone() if value.dim() == 0 else value.to(parameter.device, copy=True)
