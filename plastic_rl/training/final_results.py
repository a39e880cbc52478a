"""The results of a finished run on each task in the end, from its last checkpoint."""

from __future__ import annotations

from plastic_rl.runs import RunFolder


def final_results(folder: RunFolder) -> list[dict[int, float]]:
    """For each seed the test result on each task after the last, by the task's identity.

    Tasks have the same identity in all orders, so that these are the columns of
    :func:`plastic_rl.evaluation.order_disparities`.

    Args:
        folder: of a run whose plan looks back.

    Raises:
        ValueError: no task was looked back on, or one came more than once.
    """
    found = folder.checkpoints.latest()
    rows = [] if found is None else found[1]["course"]["transcript"]["rows"]
    if found is None or not rows:
        raise ValueError(f"{folder.path} holds no results of all tasks: the run is not over, or does not look back")
    identities = list(found[1]["course"]["transcript"]["left"])
    if len(identities) != len(rows[-1]):
        raise ValueError(f"{folder.path} met some of its {len(identities)} tasks more than once")
    return [
        {identity: values[seed] for identity, values in zip(identities, rows[-1], strict=True)}
        for seed in range(len(rows[-1][0]))
    ]
