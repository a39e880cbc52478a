"""Settings as types that know what they may be: plain annotations, importable without torch."""

from plastic_rl.settings.quantities import (
    AnyOf,
    Count,
    NonNegative,
    NonNegativeInteger,
    OneOf,
    OptionalCount,
    OrNone,
    Positive,
    Range,
    Rate,
)

__all__ = [
    "AnyOf",
    "Count",
    "NonNegative",
    "NonNegativeInteger",
    "OneOf",
    "OptionalCount",
    "OrNone",
    "Positive",
    "Range",
    "Rate",
]
