from dataclasses import dataclass, fields

import pytest

from agents import AGENTS
from agents.ppo import PPO
from agents.ppo_cbp import PPOCBP
from agents.published import published
from agents.recipe import Agent, ReinforcementAgent, SupervisedAgent
from envs import ENVS
from envs.permuted_cartpole import PermutedCartPole
from envs.recipe import SupervisedStream
from launch.effects import check_effects, say_what_never_changes
from launch.run import run_folder
from launch.settings import as_mapping, known_to, what_makes_the_result
from launch.validation import check
from plastic_rl.errors import UserError
from plastic_rl.runs import Track, settings_digest


def digest_of(settings):
    return settings_digest(what_makes_the_result(settings))


def test_a_command_becomes_typed_recipes(settings_of):
    settings = settings_of("agent=ppo_cbp", "env=slippery-ant", "agent.replacement_rate=1e-3", "track=off", "seed=3")
    assert type(settings.agent) is PPOCBP
    assert settings.agent.replacement_rate == 1e-3
    assert settings.total_steps == 20_000_000
    assert settings.track is Track.off
    assert (settings.agent_name, settings.env_name, settings.seed) == ("ppo_cbp", "slippery-ant", 3)


def test_underscores_are_read_in_numbers(settings_of):
    assert settings_of("agent=ppo", "env=ant", "total_steps=400_000").total_steps == 400_000


PAIRS = [(agent, "permuted-cartpole") for agent, recipe in AGENTS.items() if issubclass(recipe, ReinforcementAgent)]
PAIRS += [(agent, "permuted-mnist") for agent, recipe in AGENTS.items() if issubclass(recipe, SupervisedAgent)]
PAIRS += [("sgd_cbp" if issubclass(recipe, SupervisedStream) else "ppo_cbp", env) for env, recipe in ENVS.items()]


@pytest.mark.parametrize(("agent", "env"), sorted(set(PAIRS)))
def test_a_pair_composes_with_what_environment_and_paper_say_of_the_agent(settings_of, agent, env):
    settings, recipe = settings_of(f"agent={agent}", f"env={env}"), AGENTS[agent]
    of_world = {} if recipe.tuned_apart else ENVS[env].agent_settings
    said = {**of_world, **published(agent, env, recipe.base_name)}
    said = {name: value for name, value in said.items() if name not in recipe.keeps}
    expected = {setting.name: said.get(setting.name, setting.default) for setting in fields(recipe)}
    assert as_mapping(settings)["agent"] == expected
    assert settings.total_steps == ENVS[env].steps_of_a_run()


def test_the_command_line_outweighs_the_environment_and_the_environment_the_agent(settings_of):
    said = PermutedCartPole.agent_settings["learning_rate"]
    assert PPO().learning_rate != said != 0.5
    assert settings_of("agent=ppo", "env=ant").agent.learning_rate == PPO().learning_rate
    assert settings_of("agent=ppo", "env=permuted-cartpole").agent.learning_rate == said
    assert settings_of("agent.learning_rate=0.5", "env=permuted-cartpole", "agent=ppo").agent.learning_rate == 0.5


def test_an_agent_says_what_a_world_should_have_with_it_and_the_command_line_outweighs_it(settings_of):
    assert settings_of("agent=ppo", "env=permuted-cartpole").env.n_envs == PermutedCartPole().n_envs == 8
    assert settings_of("agent=stream_ac", "env=permuted-cartpole").env.n_envs == 1
    assert settings_of("agent=stream_ac", "env=permuted-cartpole", "env.n_envs=4").env.n_envs == 4


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("agent=stream_ac", "env=permuted-cartpole", "agent.update=obgd"), "value_share"),
        (("agent=k1", "env=tracking"), "hidden_learning_rate"),
        (("agent=k1", "env=tracking", "agent.network=mlp", "agent.everywhere=true"), "hidden_learning_rate"),
    ],
)
def test_a_setting_that_another_choice_leaves_without_effect_is_refused(settings_of, words, name):
    settings = settings_of(*words)
    check_effects(settings, ["agent.update", "agent.network"])
    with pytest.raises(UserError, match=f"agent.{name} changes nothing"):
        check_effects(settings, [f"agent.{name}"])


def test_what_an_environment_says_of_settings_that_an_agent_lacks_is_passed_over():
    @dataclass
    class Small(Agent):
        pace: float = 1.0

    assert known_to(Small, {"pace": 2.0, "maturity_threshold": 500}) == {"pace": 2.0}


@pytest.mark.parametrize("env", ENVS.values())
def test_every_word_of_an_environment_on_agents_is_a_setting_of_some_agent(env):
    known = {setting.name for agent in AGENTS.values() for setting in fields(agent)}
    assert set(env.agent_settings) <= known


@pytest.mark.parametrize(
    "word",
    [
        *("seed=7", "track=off", "out=elsewhere", "fresh=true", "debug=true", "checkpoint_seconds=1", "formats=[csv]"),
        *("evaluate_every=100", "probe_every=100", "look_back=1"),
    ],
)
def test_the_digest_passes_over_what_does_not_make_the_result(settings_of, word):
    assert digest_of(settings_of("agent=ppo", "env=ant", word)) == digest_of(settings_of("agent=ppo", "env=ant"))


@pytest.mark.parametrize(
    "word", ["total_steps=7", "agent.epochs=3", "env.n_envs=2", "threads=2", "device=cuda", "agent.beta1=0.5"]
)
def test_the_digest_tells_results_apart(settings_of, word):
    assert digest_of(settings_of("agent=ppo", "env=ant", word)) != digest_of(settings_of("agent=ppo", "env=ant"))


def test_a_setting_given_its_default_is_the_same_experiment(settings_of):
    given = settings_of("agent=ppo_cbp", "env=slippery-ant", "total_steps=20_000_000", "agent.maturity_threshold=10000")
    assert digest_of(given) == digest_of(settings_of("agent=ppo_cbp", "env=slippery-ant"))


def test_a_run_lives_under_its_environment_agent_digest_and_seed(settings_of):
    settings = settings_of("agent=ppo_l2", "env=ant", "out=there", "seed=4")
    assert run_folder(settings).path.as_posix() == f"there/ant/ppo_l2/{digest_of(settings)}-s4"


@pytest.mark.parametrize(
    ("digest", "words"),
    [
        ("d6ae929e05", ["agent=ppo_cbp", "env=permuted-cartpole", "total_steps=40_000", "env.change_every=10_000"]),
        ("68e8ce25fc", ["agent=ppo_cbp", "env=slippery-hopper", "total_steps=8192", "env.change_every=3000"]),
        ("2ffd55e324", ["agent=sgd_cbp", "env=bit-flipping", "env.tasks=3", "env.examples=2000"]),
        ("a0c9be0ac8", ["agent=sgd_shrink_perturb", "env=bit-flipping", "env.tasks=3", "env.examples=2000"]),
        ("3c85260052", ["agent=ewc", "env=split-digits"]),
    ],
)
def test_run_folders_of_the_first_version_are_found(settings_of, digest, words):
    """Settings that were added since are left out where they change nothing."""
    rates = {"68e8ce25fc": ["agent.maturity_threshold=100"]}.get(digest, [])
    rates += ["agent.replacement_rate=1e-3"] if digest in ("68e8ce25fc", "2ffd55e324") else []
    assert digest_of(settings_of(*words, *rates)) == digest


def test_a_linear_model_may_be_given_the_sizes_of_what_it_is_compared_with_but_says_so(settings_of, caplog):
    settings = settings_of("agent=linear", "env=permuted-digits", "agent.hidden_units=5")
    check_effects(settings, ["agent", "env", "agent.hidden_units"])
    assert "agent.hidden_units is of mlp or layer_norm_mlp or batch_norm_mlp, and changes nothing" in caplog.text


SHORT = ("agent=ppo", "env=permuted-cartpole", "total_steps=30_000")
OWN = ("agent=ppo", "env=own+push", "env.id=CartPole-v1", "total_steps=2_000")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (SHORT, "permuted-cartpole first changes at step 30_000, and total_steps=30_000: the world never changes"),
        ((*SHORT, "env.change_every=29_999"), None),
        ((*SHORT, "env.changes=false"), None),
        (OWN, "CartPole-v1-push first changes at step 100_000, and total_steps=2_000"),
        ((*OWN, "env.change_every=2_100", "env.burst_steps=101"), None),
        ((*OWN, "env.change_at=[5_000,2_000]"), "CartPole-v1-push first changes at step 2_000"),
        ((*OWN, "env.change_in=episodes"), None),
        (("agent=ppo", "env=own", "env.id=CartPole-v1", "total_steps=2_000"), None),
        (("agent=sgd", "env=permuted-digits"), None),
    ],
)
def test_it_is_said_once_that_a_run_ends_before_the_world_changes(settings_of, words, first, caplog):
    say_what_never_changes([settings_of(*words), settings_of(*words, "seed=1")])
    told = [record.message for record in caplog.records]
    assert len(told) == (first is not None)
    assert (first or "") in "".join(told)


def test_sizes_that_are_not_given_are_not_looked_at(settings_of):
    check_effects(settings_of("agent=sgd", "env=permuted-digits", "agent.network=lenet"), ["agent.network"])
    check_effects(settings_of("agent=ppo", "env=ant"), ["agent.hidden_units"])


def test_a_replay_buffer_on_disk_is_of_those_that_have_one(settings_of):
    kept, not_kept = (
        settings_of("agent=dqn", "env=permuted-cartpole", *words) for words in ([], ["replay_on_disk=false"])
    )
    assert digest_of(kept) == digest_of(not_kept)
    check_effects(not_kept, ["replay_on_disk"])
    with pytest.raises(UserError, match="replay_on_disk is of agents with a replay buffer"):
        check_effects(settings_of("agent=ppo", "env=ant", "replay_on_disk=false"), ["replay_on_disk"])


def test_infinity_stays_where_it_means_something(settings_of):
    check(settings_of("agent=ppo", "env=ant", "agent.max_gradient_norm=inf"))
    check(settings_of("agent=apd", "env=split-digits", "agent.drift=inf"))
    check(settings_of("agent=hsic", "env=permuted-digits", "agent.horizon=inf", "agent.beta=inf"))


def test_a_quick_loop_is_another_experiment_and_the_exact_one_is_not(settings_of):
    exact, quick = (settings_of("agent=ppo_cbp", "env=ant", f"agent.lean={lean}") for lean in ("exact", "quick"))
    assert "lean" not in what_makes_the_result(exact)["agent"]
    assert digest_of(exact) == digest_of(settings_of("agent=ppo_cbp", "env=ant"))
    assert digest_of(exact) != digest_of(quick)
