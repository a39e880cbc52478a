"""Settings as types that know what they may be: plain annotations, importable without torch."""

from plastic_rl.settings.quantities import (
    LARGEST,
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
    "LARGEST",
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
