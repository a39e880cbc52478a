"""Whose checkpoint it is: others are refused by name, older forms are read, newer ones are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from plastic_rl.errors import RunError
from plastic_rl.runs.identity import FORMAT, check_identity, identity

PATH = Path("runs/checkpoints/step-000000000064.pt")
SETTINGS = {"agent": {"learning_rate": 0.001, "betas": (0.9, 0.99), "network": None}, "seed": 3}


def test_what_a_checkpoint_says_of_itself():
    flat = {"agent.learning_rate": 0.001, "agent.betas": [0.9, 0.99], "agent.network": None, "seed": 3}
    assert identity(SETTINGS) == {"format": FORMAT, "settings": flat}
    assert identity({"where": PATH})["settings"] == {"where": str(PATH)}


def test_its_own_run_may_go_on_with_it_and_so_may_one_with_other_names():
    check_identity(identity(SETTINGS), SETTINGS, PATH)
    check_identity(identity({**SETTINGS, "gone": 1}), {**SETTINGS, "new": 2}, PATH)


def test_a_checkpoint_of_before_it_said_whose_it_is_may_be_gone_on_with():
    check_identity({"algorithm": {}}, SETTINGS, PATH)


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({"seed": 4}, "seed is 4 there and 3 here"),
        ({"agent": {"learning_rate": 0.01}}, "agent.learning_rate is 0.01 there and 0.001 here"),
        ({"agent": {"betas": [0.9, 0.9]}}, r"agent.betas is \[0.9, 0.9\] there and \[0.9, 0.99\] here"),
        ({"agent": {"network": "mlp"}}, "agent.network is mlp there and None here"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused_by_their_names(there: dict, told: str):
    with pytest.raises(RunError, match=rf"step-000000000064.pt is of another run: {told}. Remove it, or start over"):
        check_identity(identity(there), SETTINGS, PATH)


def test_of_many_differences_the_first_are_named_and_the_others_counted():
    many = {name: 0 for name in "abcde"}
    with pytest.raises(RunError, match=r"a is 1 there and 0 here, .* c is 1 there and 0 here, and 2 more differ"):
        check_identity(identity({name: 1 for name in "abcde"}), many, PATH)


def test_a_newer_form_is_refused():
    with pytest.raises(RunError, match=r"newer version of plastic_rl \(form 99; this one reads up to 2\)"):
        check_identity({"format": 99, "settings": {}}, SETTINGS, PATH)
