"""Agents with several methods, by one name."""

import re
from dataclasses import replace

import pytest
import torch

from agents import AGENTS, agent_named
from agents.methods import EXCLUSIVE, METHODS, AddedSettings, NetworkSettings
from agents.together import methods_for, takes_methods
from envs.permuted_cartpole import PermutedCartPole
from envs.permuted_digits import PermutedDigits
from launch.request import check_request
from launch.run import run, run_folder
from launch.settings import Settings, as_mapping
from launch.validation import check
from launch.words import as_hydra_reads
from plastic_rl.errors import UserError
from plastic_rl.optim import ContinualBackprop, L2Init, Stack, methods_in, seeded
from plastic_rl.runs import Track, read_metrics

SMALL = {"rollout_steps": 64, "minibatch_size": 32, "epochs": 2, "hidden_units": 8}
DIGITS = {"tasks": 1, "examples": 40, "batch_size": 2}


def test_each_method_has_its_own_settings_with_what_the_environment_says_of_them(settings_of):
    settings = settings_of("agent=ppo+cbp+l2_init", "env=permuted-cartpole", "agent.l2_init.strength=1e-4")
    agent = as_mapping(settings)["agent"]
    assert agent["l2_init"] == {"strength": 1e-4}
    assert agent["cbp"]["maturity_threshold"] == PermutedCartPole.agent_settings["maturity_threshold"]
    assert agent["learning_rate"] == PermutedCartPole.agent_settings["learning_rate"]
    assert settings.agent_name == "ppo+cbp+l2_init"


@pytest.mark.parametrize("agent", ["sgd+cbp", "sgd_redo", "sgd+redo"])
def test_what_a_paper_says_of_the_agent_without_methods_goes_for_it_with_them(settings_of, agent):
    settings = as_mapping(settings_of(f"agent={agent}", "env=permuted-mnist"))["agent"]
    assert settings["learning_rate"] == 0.003
    assert "cbp" not in settings or settings["cbp"]["replacement_rate"] == 1e-6


@pytest.mark.parametrize("name", ["ppo+cbp+l2_init", "ppo+l2_init+cbp", "ppo_l2_init+cbp", "ppo_cbp+l2_init"])
def test_what_resets_units_goes_around_what_moves_weights_in_whichever_order_they_are_named(name):
    stack = agent_named(name)().plasticity()
    assert isinstance(stack, Stack)
    assert [getattr(method, "func", None) for method in stack.methods] == [L2Init, ContinualBackprop]


@pytest.mark.parametrize("word", ["upgd", "trac"])
def test_weights_stay_in_their_bounds_whatever_does_the_step_again(word):
    names = [f"sgd+{word}+weight_clipping", f"sgd+weight_clipping+{word}", f"sgd_weight_clipping+{word}"]
    ends = [torch.cat([weight.flatten() for weight in train(agent_named(name)(), 300)]) for name in names]
    assert all(torch.equal(end, ends[0]) for end in ends)
    assert ends[0].abs().max() <= 3 / 4**0.5 + 1e-6  # κ / √fan_in of its four inputs
    assert ends[0].abs().max() > 1.4  # and they have come that far


def test_a_head_is_frozen_as_the_weights_have_become_at_the_change():
    stacks = [agent_named(name)().plasticity() for name in ("ppo+optimizer_reset+plasticity_injection", "ppo+nap+swr")]
    names = [[method.func.__name__ for method in stack.methods] for stack in stacks if isinstance(stack, Stack)]
    assert names[0] == ["OptimizerReset", "PlasticityInjection"]
    assert names[1] == ["SelectiveWeightReinitialization", "NormalizeAndProject"]


def train(agent, updates):
    """The weights of a linear network without bias that is drawn to large ones."""
    torch.manual_seed(0)
    network = torch.nn.Linear(4, 3, bias=False)
    stack = agent.plasticity()
    assert isinstance(stack, Stack)
    optimizer = seeded(stack, 1)(torch.optim.SGD(network.parameters(), lr=1.0), ())
    for _ in range(updates):
        optimizer.zero_grad()
        (network(torch.eye(4)) - 100).square().mean().backward()
        optimizer.step()
    return list(network.parameters())


@pytest.mark.parametrize("base", ["ppo", "sgd", "adam"])
def test_any_method_goes_with_any_other_that_does_not_exclude_it(base):
    words = [word for word, method in methods_for(AGENTS[base]).items() if base in (method.bases or {base})]
    for one in words:
        for other in words:
            both_networks = issubclass(METHODS.get(one, AddedSettings), NetworkSettings) and issubclass(
                METHODS.get(other, AddedSettings), NetworkSettings
            )
            if one != other and frozenset((one, other)) not in EXCLUSIVE and not both_networks:
                assert agent_named(f"{base}+{one}+{other}")().plasticity() is not None
    assert {word for pair in EXCLUSIVE for word in pair} <= set(METHODS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["agent=ppo+rdo", "env=ant"], "There is no method rdo in agent=ppo+rdo. Did you mean redo?"),
        (["agent=ppo+CBP", "env=ant"], "There is no method CBP in agent=ppo+CBP. Did you mean cbp?"),
        (["agent=ppo+fresh", "env=ant"], "There is no method fresh in agent=ppo+fresh. Did you mean agent=ppo_fresh?"),
        (["agent=PPO_redo", "env=ant"], "There is no agent=PPO_redo. Did you mean agent=ppo_redo?"),
        (["agent=PPO+CBP", "env=ant"], "There is no agent=PPO+CBP. Did you mean agent=ppo_cbp?"),
        (["agent=ppo+", "env=ant"], "There is no method (no word)"),
        (["agent=poo+cbp", "env=ant"], "There is no agent=poo+cbp"),
        (["agent=ppo+cbp+cbp", "env=ant"], "has cbp twice"),
        (["agent=ppo_cbp+cbp", "env=ant"], "has cbp twice"),
        (["agent=ppo+parseval+isometry", "env=ant"], "parseval and isometry exclude each other, as both draw"),
        (["agent=ppo_fire+shrink_perturb_at_change", "env=ant"], "fire and shrink_perturb_at_change exclude"),
        (["agent=ppo+upgd+trac", "env=ant"], "upgd and trac exclude each other"),
        (["agent=ppo+reset_head+hare_and_tortoise", "env=ant"], "reset_head and hare_and_tortoise exclude each other"),
        (["agent=ppo_fire+plasticity_injection", "env=ant"], "fire and plasticity_injection exclude each other"),
        (
            ["agent=ppo+dropout+plasticity_injection", "env=ant"],
            "exclude each other, as two equal heads do not say the",
        ),
        (["agent=sgd_plasticity_injection+rational", "env=permuted-digits"], "as what the non-linearity learns would"),
        (["agent=sgd+adam_rel", "env=permuted-digits"], "adam_rel goes with adam, ppo, recurrent_ppo only"),
        (["agent=ppo_hsic+redo", "env=ant"], "agent=ppo_hsic takes no methods by +"),
    ],
)
def test_what_cannot_be_put_together_is_refused_in_a_line(words, told):
    with pytest.raises(UserError) as refusal:
        check_request(words)
    assert str(refusal.value).splitlines()[0].startswith(told) or told in str(refusal.value).splitlines()[0]


@pytest.mark.parametrize("name", [name for name, recipe in AGENTS.items() if takes_methods(recipe)])
def test_whatever_takes_methods_takes_one_more(name):
    word = next(word for word in ("redo", "l2_init") if not issubclass(AGENTS[name], METHODS[word]))
    assert agent_named(f"{name}+{word}")().plasticity() is not None


def test_a_network_is_named_as_a_method_is():
    agent = agent_named("ppo+cbp+layer_norm")()
    assert agent.network_options() == {"normalization": "layer"}
    assert [type(method).__name__ for method in agent.methods] == ["ContinualBackpropInPPO"]
    assert agent_named("adam+layer_norm")().plasticity() is None


def test_a_value_that_no_method_can_have_is_refused_by_its_full_name(settings_of):
    settings = settings_of("agent=ppo+cbp", "env=ant", "agent.cbp.replacement_rate=3")
    with pytest.raises(UserError, match=r"agent\.cbp\.replacement_rate must be in \[0, 1\], got 3"):
        check(settings)


def test_a_list_of_methods_is_another_way_to_write_the_name():
    words = ["agent=ppo,ppo_l2", "agent.methods=[cbp, l2_init]", "agent.cbp.maturity_threshold=1e3"]
    expected = ["agent=ppo+cbp+l2_init,ppo_l2+cbp+l2_init", "agent.cbp.maturity_threshold=1000"]
    assert as_hydra_reads(words) == expected
    assert as_hydra_reads(["agent=ppo", "agent.methods=redo"]) == ["agent=ppo+redo"]
    assert as_hydra_reads(["agent=ppo+redo", "agent.methods=['cbp', \"l2_init\"]"]) == ["agent=ppo+redo+cbp+l2_init"]
    assert as_hydra_reads(["agent=ppo", "agent.methods=[]"]) == ["agent=ppo"]


@pytest.mark.parametrize(
    "value", ["", "[cbp", "cbp]", "cbp+redo", "cbp,redo", "[cbp],[redo]", "[cbp,,redo]", "[cbp;redo]"]
)
def test_a_list_of_methods_that_cannot_be_read_is_refused_with_one_that_can(value):
    with pytest.raises(
        UserError, match=rf"^agent\.methods={re.escape(value)} cannot be read: .*\[cbp,redo\]\n.*-m agent="
    ):
        as_hydra_reads(["-m", "agent=ppo", f"agent.methods={value}"])


def test_two_lists_of_methods_are_refused_and_not_the_second_taken():
    with pytest.raises(UserError, match=r"agent\.methods is given 2 times: name all methods in one list"):
        as_hydra_reads(["agent=ppo", "agent.methods=[cbp]", "agent.methods=[redo]"])


@pytest.mark.parametrize(
    ("flat", "together", "env", "settings"),
    [
        ("ppo_redo", "ppo+redo", PermutedCartPole(n_envs=2, change_every=100), {"total_steps": 128}),
        ("sgd_redo", "sgd+redo", PermutedDigits(**DIGITS), {"total_steps": None}),
    ],
)
def test_one_method_learns_what_it_learns_under_its_flat_name(tmp_path, flat, together, env, settings):
    sizes = SMALL if flat.startswith("ppo") else {"hidden_units": 8}
    method = {"every": 2, "threshold": 0.9}
    agents = AGENTS[flat](**sizes, **method), agent_named(together)(**sizes, redo=METHODS["redo"](**method))
    runs = []
    for agent in agents:
        asked = Settings(agent=agent, env=env, track=Track.off, out=str(tmp_path), **settings)
        run(asked)
        runs.append([plain(each) for each in read_metrics(run_folder(asked).metrics_file)])
    assert runs[0] == runs[1]
    assert any(value for entry in runs[0] for key, value in entry.items() if key.endswith("redo/replaced"))


def plain(entry):
    return {key: value for key, value in entry.items() if not key.startswith("time/")}


def test_several_methods_train_save_and_are_there_again(tmp_path):
    from stable_baselines3 import PPO

    from plastic_rl.sb3 import plastic, plastic_optimizers

    agent = agent_named("ppo+l2_init+cbp")(**SMALL)
    settings = Settings(
        agent=agent, env=PermutedCartPole(n_envs=2), total_steps=128, track=Track.off, out=str(tmp_path)
    )
    folder = run(settings)
    assert folder.path.parent.name == "ppo+l2_init+cbp"
    (optimizer,) = plastic_optimizers(plastic(PPO).load(folder.model_file))
    assert [type(method) for method in methods_in(optimizer)] == [ContinualBackprop, L2Init]


def test_several_methods_serve_several_seeds(tmp_path):
    ends = []
    for seeds in ({"seed": 1}, {"seeds": 2}):
        agent = agent_named("sgd+l2_init+cbp")(hidden_units=8)
        agent.cbp.replacement_rate, agent.cbp.maturity_threshold = 0.1, 2
        env, out = PermutedDigits(**DIGITS), str(tmp_path)
        asked = Settings(agent=agent, env=env, total_steps=None, track=Track.off, out=out)
        run(replace(asked, **seeds))
        lines = list(read_metrics(run_folder(replace(asked, **seeds)).metrics_file))
        ends.append(plain(next(line for line in reversed(lines) if line["seed"] == 1)))
    assert ends[0]["cbp/replaced"] > 0
    assert ends[0] == pytest.approx(ends[1])
