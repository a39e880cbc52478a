"""Anybody's Gymnasium environment, by its id, made to change as the command line says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from envs.changes import CHANGES, ChangeSettings
from envs.recipe import NEVER, World
from envs.user_modules import names_of_the_user
from plastic_rl.errors import UserError
from plastic_rl.settings import Count, Keywords, NonNegativeInteger, OneOf

if TYPE_CHECKING:
    import gymnasium

    from plastic_rl.nonstationary import Change, Schedule

OWN = "own"
JOINT = "+"
BOX2D = ("LunarLander", "BipedalWalker", "CarRacing")


@dataclass
class Own(World):
    """A Gymnasium environment of your own, or anybody's (env.id=…), and what changes in it (env.change=…)."""

    total_steps: ClassVar[int] = 1_000_000
    words: ClassVar[tuple[str, ...]] = ()

    id: str = ""  # Gymnasium's; my.module:MyEnv-v0 imports my.module first
    arguments: Annotated[Any, Keywords()] = None  # what else gymnasium.make is told, as {size:5}
    change_every: Count = 100_000  # in the unit of change_in
    # What is counted: environment steps of all copies, episodes of each copy, or steps with exponential gaps that have
    # this mean.
    change_in: Annotated[str, OneOf(("steps", "episodes", "random_steps"))] = "steps"
    change_at: list[int] = field(default_factory=list[int])  # environment steps of changes, in place of change_every
    burst_steps: NonNegativeInteger = 0  # the last so many of change_every steps are another task; 0: all of them are
    takes_over: Annotated[str, OneOf(("reset", "step"))] = "reset"  # a change: at the next episode, or at once
    returning: NonNegativeInteger = 0  # tasks, which come in turn; 0: none twice
    flatten: bool = False  # observations of several parts (Dict, Tuple) become one vector
    # A run that is stopped in an episode goes on by living it again: for environments that nobody can look into, whose
    # only chance is np_random. Box2D's are so without being told.
    replayed: bool = False

    @property
    def label(self) -> str:
        """The name of its folders: the id without its module, and the changes."""
        name = (self.id.partition(":")[2] or self.id).replace("/", "-")
        return f"{name}-{JOINT.join(self.words)}" if self.words else name

    def build(self, *, seed: int, render_mode: str | None = None) -> gymnasium.Env:
        from gymnasium.wrappers import FlattenObservation

        from plastic_rl.nonstationary import Nonstationary
        from plastic_rl.nonstationary.replayed import Replayed

        env = self.unchanged(render_mode)
        if self.flatten:
            env = FlattenObservation(env)
        if self.replayed or self.id.rpartition("/")[2].startswith(BOX2D):
            env = Replayed(env)
        if not self.words:
            return env
        changes = [self._change(word) for word in self.words]
        return Nonstationary(env, changes, self.schedule(seed), seed=seed, copies=self.n_envs)

    def _change(self, word: str) -> Change:
        try:
            return getattr(self, word).build()
        except ValueError as error:
            raise UserError(f"env.{word}.{error}") from error

    def unchanged(self, render_mode: str | None = None) -> gymnasium.Env:
        """Return the environment as Gymnasium makes it.

        Raises:
            UserError: It has no such id, or cannot make it.
        """
        import gymnasium

        from plastic_rl.nonstationary import register_environments

        if not self.id:
            raise UserError("env=own is by its id: give env.id=my.module:MyEnv-v0, or env=my.module:MyEnv-v0 alone")
        register_environments()

        given = {"render_mode": render_mode, "max_episode_steps": self.episode_steps}
        given = {name: value for name, value in given.items() if value is not None}
        try:
            with names_of_the_user():
                return gymnasium.make(self.id, **given, **(self.arguments or {}))
        except (gymnasium.error.Error, ImportError, TypeError) as error:
            raise UserError(_told(self.id, error)) from error

    def first_change(self) -> int | None:
        if not self.words or not self.changes:
            return None
        if self.change_at:
            return min(self.change_at)
        return self.change_every - self.burst_steps if self.change_in == "steps" else None

    def schedule(self, seed: int) -> Schedule:
        """Return when the next task comes.

        Args:
            seed: Of random gaps.
        """
        from plastic_rl.nonstationary import At, Bursts, Cycle, Every, EveryEpisodes, PoissonSchedule

        takes_over: dict[str, Any] = {"at": self.takes_over}
        if not self.changes:
            return Every(NEVER, **takes_over)
        if self.change_at:
            when = At(self.change_at, **takes_over)
        elif self.burst_steps:
            when = Bursts(self.change_every, self.burst_steps, **takes_over)
        elif self.change_in == "steps":
            when = Every(self.change_every, **takes_over)
        elif self.change_in == "episodes":
            when = EveryEpisodes(self.change_every, **takes_over)
        else:
            when = PoissonSchedule(float(self.change_every), seed, **takes_over)
        return Cycle(when, self.returning) if self.returning else when


def own_world(name: str) -> type[Own]:
    """Return the recipe of a name such as `own` or `own+friction+gravity`.

    Raises:
        UserError: There is no such change, or it is named twice.
    """
    words = name.split(JOINT)[1:]
    for word in words:
        if word not in CHANGES:
            near = get_close_matches(word, CHANGES, n=1)
            hint = f" Did you mean env.change={near[0]}?" if near else ""
            raise UserError(f"There is no env.change={word or '(no word)'}.{hint}\nThe changes: {', '.join(CHANGES)}")
        if words.count(word) > 1:
            raise UserError(f"env.change={JOINT.join(words)} has {word} twice: name each change once")
    return _made(tuple(words))


def changes_of(recipe: type) -> dict[str, type[ChangeSettings]]:
    """Return the changes of a recipe, by their words; empty for any but these."""
    return {word: CHANGES[word] for word in recipe.words} if issubclass(recipe, Own) else {}


@cache
def _made(words: tuple[str, ...]) -> type[Own]:
    own: dict[str, Any] = {"__doc__": Own.__doc__, "__module__": __name__, "words": words}
    groups = [(word, CHANGES[word], field(default_factory=CHANGES[word])) for word in words]
    return make_dataclass(JOINT.join((OWN, *words)), groups, bases=(Own,), namespace=own)


def _told(name: str, error: Exception) -> str:
    """The message about an environment that Gymnasium cannot make."""
    import gymnasium

    if isinstance(error, gymnasium.error.DependencyNotInstalled):
        return f"env.id={name} needs a package that is not installed: {error}"
    if isinstance(error, gymnasium.error.UnregisteredEnv | gymnasium.error.NamespaceNotFound):
        ids = sorted(_newest(gymnasium.registry))
        near = get_close_matches(name, gymnasium.registry, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return (
            f"There is no environment env.id={name}.{hint}\nYour own has its module in front, my.module:MyEnv-v0; "
            f"Gymnasium has {', '.join(ids)}"
        )
    if isinstance(error, ImportError):
        return (
            f"env.id={name}: its module cannot be imported here ({error})\n"
            "Modules are looked for in the present folder, and where Python finds packages."
        )
    return f"env.id={name} cannot be made: {str(error).splitlines()[0] if str(error) else error!r}"


def _newest(registry: Mapping[str, Any]) -> list[str]:
    """The ids of a registry, of each environment its last version."""
    last: dict[str, int] = {}
    for spec in registry.values():
        base = spec.id.rpartition("-v")[0] or spec.id
        last[base] = max(last.get(base, 0), spec.version or 0)
    return [
        spec.id for spec in registry.values() if (spec.version or 0) == last[spec.id.rpartition("-v")[0] or spec.id]
    ]
