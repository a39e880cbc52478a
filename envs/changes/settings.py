"""The settings of a change, and how the change is made of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

from envs.changes.drawn import Numbers, drawn

if TYPE_CHECKING:
    from plastic_rl.nonstationary import Change


@dataclass
class ChangeSettings:
    """The settings of something that may be different from one task of a world to the next."""

    change: ClassVar[str]
    """The class of `plastic_rl.nonstationary`; the fields are its arguments, None for its own default."""

    of: ClassVar[str] = ""
    """The environments that it is of, by a part of their ids; any that it can be in where there is none."""

    def build(self) -> Change:
        """Return the change.

        Raises:
            ValueError: A setting is not what it must be.
        """
        from plastic_rl import nonstationary

        hints = get_type_hints(type(self), include_extras=True)
        given: dict[str, Any] = {}
        for setting in fields(self):
            value = getattr(self, setting.name)
            if value is not None:
                given[setting.name] = _drawn(setting.name, value) if hints[setting.name] == Numbers else value
        values = given.get("values")
        pair = values if isinstance(values, tuple) else ()
        if pair:  # two numbers are drawn between as the change itself does it
            given |= dict(zip(("values", "high"), pair, strict=True))
        return getattr(nonstationary, self.change)(**given)


def _drawn(name: str, given: object) -> Any:
    try:
        return drawn(given)
    except ValueError as error:
        raise ValueError(f"{name}={given}: {error}") from error
