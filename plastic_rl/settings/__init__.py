"""Settings as types that know what they may be: plain annotations, importable without torch."""

from plastic_rl.settings.quantities import (
    AnyOf,
    Count,
    Decay,
    Keywords,
    NonNegative,
    NonNegativeInteger,
    NonNegativeOrInfinite,
    OneOf,
    OptionalCount,
    OrNone,
    Positive,
    PositiveOrInfinite,
    Range,
    Rate,
)

__all__ = [
    "AnyOf",
    "Count",
    "Decay",
    "Keywords",
    "NonNegative",
    "NonNegativeInteger",
    "NonNegativeOrInfinite",
    "OneOf",
    "OptionalCount",
    "OrNone",
    "Positive",
    "PositiveOrInfinite",
    "Range",
    "Rate",
]
