"""The learners that are compared on streams where plasticity is at stake: SGD, its controls, a method of each kind.

They are those of `experiments/rivals.py`, as far as a stream has them. Churn reduction is not among them: what it holds
still is a policy between two updates on a rollout. The fresh network and FIRE are told of the changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.runs import Arm

Words = tuple[str, ...]

STREAM_RIVALS: Mapping[str, Words] = {
    "sgd": ("agent=sgd",),
    "sgd_fresh": ("agent=sgd_fresh",),
    "sgd no change": ("agent=sgd", "env.changes=false"),
    "sgd_l2": ("agent=sgd_l2",),
    "sgd_l2_init": ("agent=sgd_l2_init",),
    "sgd_layer_norm": ("agent=sgd_layer_norm",),
    "sgd_cbp": ("agent=sgd_cbp",),
    "sgd_redo": ("agent=sgd_redo",),
    "sgd_weight_clipping": ("agent=sgd_weight_clipping",),
    "sgd_trac": ("agent=sgd_trac",),
    "sgd_fire": ("agent=sgd_fire",),
    "sgd_shrink_perturb": ("agent=sgd_shrink_perturb",),
    "sgd+cbp+l2_init": ("agent=sgd+cbp+l2_init",),
    "linear": ("agent=linear",),
}
"""Of each arm the words of its command, beside those of the stream."""


def arms_on(stream: Words, rivals: Mapping[str, Words], chosen: Mapping[str, Words]) -> tuple[Arm, ...]:
    """Learners on a stream.

    Args:
        stream: the words of the stream, and of what all learners share there.
        rivals: by arm its own words.
        chosen: by arm the settings that a search found for this stream; all others are those of the recipes.
    """
    return tuple(Arm(name, (*words, *stream, *chosen.get(name, ()))) for name, words in rivals.items())


def tried_on(stream: Words, rivals: Mapping[str, Words], tried: Mapping[str, Sequence[Words]]) -> tuple[Arm, ...]:
    """The runs of a search on a stream: each learner with each candidate, on five seeds that no study reports.

    Args:
        stream: the words of the stream.
        rivals: by arm its own words.
        tried: by arm the words of its candidates.
    """
    return tuple(
        Arm(tried_name(name, words), (*rivals[name], *stream, *words, "seeds=5"))
        for name, candidates in tried.items()
        for words in candidates
    )


def tried_name(arm: str, words: Words) -> str:
    """The name of a candidate: its arm, and the values of its words."""
    return f"{arm} at {' and '.join(word.partition('=')[2] for word in words)}"
