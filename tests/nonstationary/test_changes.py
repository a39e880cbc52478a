"""Every change that there is: it changes something on time, and is undone bit for bit; then each by hand."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from plastic_rl.nonstationary import (
    AcrobotPhysics,
    ActionGain,
    ActionNoise,
    ActuatorGain,
    BodyMass,
    CartPolePhysics,
    Change,
    Constant,
    DamagedActuators,
    DeadZone,
    DelayActions,
    DelayObservations,
    Draws,
    Every,
    FlipActions,
    FlipObservations,
    Friction,
    GoalDirection,
    Gravity,
    JointDamping,
    JointStiffness,
    Listed,
    LogUniformValues,
    LunarLanderPhysics,
    MaskObservations,
    ModelField,
    MountainCarPhysics,
    Never,
    Nonstationary,
    ObservationNoise,
    Occlude,
    OffsetObservations,
    PendulumPhysics,
    PermuteActions,
    PermuteObservations,
    PermutePixels,
    Push,
    Recolour,
    RewardNoise,
    ScaleObservations,
    ScaleReward,
    ShiftReward,
    TargetSpeed,
    UniformValues,
    verify,
)
from plastic_rl.runs.environment_state import environment_state, restore_environment_state

CATCH = "plastic_rl/Catch-v0"
HALF = Listed([1.0, 0.5])
ON = Listed([0.0, 1.0])
CHANGES: list[tuple[str, Change]] = [
    ("Ant-v5", Friction()),
    ("Ant-v5", Gravity(Constant(1.0), tilts=Listed([0.0, 20.0]), headings=UniformValues(0.0, 360.0))),
    ("Hopper-v5", Gravity(HALF)),
    ("Ant-v5", BodyMass(HALF, bodies=["torso"])),
    ("HalfCheetah-v5", BodyMass(LogUniformValues(0.5, 2.0))),
    ("HalfCheetah-v5", JointDamping(HALF)),
    ("HalfCheetah-v5", JointStiffness(Listed([0.0, 10.0]))),
    ("Ant-v5", JointStiffness(Listed([0.0, 10.0]))),
    ("Walker2d-v5", ActuatorGain(HALF)),
    ("Ant-v5", DamagedActuators(ON)),
    ("Ant-v5", Push(Listed([0.0, 8.0]))),
    ("Ant-v5", ModelField("dof_armature", factors=Listed([1.0, 2.0]))),
    ("Ant-v5", ModelField("opt.density", added=Listed([0.0, 100.0]))),
    ("CartPole-v1", CartPolePhysics(length=HALF, pole_mass=Constant(0.1), force=Constant(10.0))),
    ("Pendulum-v1", PendulumPhysics(gravity=Listed([10.0, 11.0]))),
    ("Acrobot-v1", AcrobotPhysics(second_mass=HALF)),
    ("MountainCar-v0", MountainCarPhysics(gravity=Listed([0.0025, 0.003]))),
    ("Ant-v5", PermuteObservations()),
    ("Ant-v5", FlipObservations(Constant(0.5))),
    ("Ant-v5", MaskObservations(Constant(0.5))),
    ("CartPole-v1", OffsetObservations(Constant(2.0))),
    ("CartPole-v1", OffsetObservations(ON, redraw=False)),
    ("CartPole-v1", ScaleObservations(Constant(0.5))),
    ("CartPole-v1", ObservationNoise(ON)),
    ("CartPole-v1", DelayObservations(Listed([0.0, 2.0]))),
    (CATCH, PermutePixels(4)),
    (CATCH, Recolour(HALF)),
    (CATCH, Occlude(Constant(0.5))),
    ("Acrobot-v1", PermuteActions()),
    ("Ant-v5", PermuteActions(signs=True)),
    ("Ant-v5", FlipActions(Constant(0.5))),
    ("Ant-v5", ActionGain(HALF)),
    ("Ant-v5", DeadZone(Listed([0.0, 0.3]))),
    ("Ant-v5", ActionNoise(ON)),
    ("CartPole-v1", DelayActions(Listed([0.0, 2.0]))),
    ("CartPole-v1", ScaleReward(Listed([1.0, -1.0]))),
    ("CartPole-v1", ShiftReward(ON)),
    ("CartPole-v1", RewardNoise(ON)),
    ("HalfCheetah-v5", GoalDirection(Listed([0.0, 180.0]))),
    ("Ant-v5", GoalDirection(UniformValues(0.0, 360.0))),
    ("HalfCheetah-v5", TargetSpeed(UniformValues(0.0, 3.0))),
]


def label(case) -> str:
    return f"{case[0]} {type(case[1]).__name__}"


@pytest.mark.parametrize("at", ["reset", "step"])
@pytest.mark.parametrize("case", CHANGES, ids=label)
def test_it_really_changes_on_time_and_back(case, at):
    env_id, change = case
    found = verify(lambda: Nonstationary(gymnasium.make(env_id), change, Every(10, at=at)), steps=60)
    assert found.largest_difference > 1e-6


@pytest.mark.parametrize("case", CHANGES, ids=label)
def test_a_life_is_interrupted_and_goes_on(case):
    env_id, change = case
    env, fresh = (Nonstationary(gymnasium.make(env_id), change, Every(7, at="step"), seed=1) for _ in range(2))
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(9):
        if any(env.step(env.action_space.sample())[2:4]):
            env.reset()
    restore_environment_state(fresh, environment_state(env))
    for _ in range(15):
        mine, yours = env.step(env.action_space.sample()), fresh.step(fresh.action_space.sample())
        np.testing.assert_array_equal(mine[0], yours[0])
        assert mine[1:4] == yours[1:4]
        if mine[2] or mine[3]:
            np.testing.assert_array_equal(env.reset()[0], fresh.reset()[0])


def test_every_change_is_in_the_list():
    import plastic_rl.nonstationary as library

    offered = {value for value in vars(library).values() if isinstance(value, type) and issubclass(value, Change)}
    # LunarLander needs Box2D and has a test of its own.
    bases = {base for kind in offered for base in kind.__mro__[1:]}
    assert offered - bases - {LunarLanderPhysics} == {type(change) for _, change in CHANGES}


def bound(change: Change, env_id: str) -> tuple[Change, gymnasium.Env]:
    env = gymnasium.make(env_id)
    change.bind(env)
    return change, env


def test_gravity_leans_towards_its_heading():
    change, env = bound(Gravity(Constant(0.5), tilts=Constant(90.0), headings=Constant(90.0)), "Ant-v5")
    change.apply(env, change.draw(0, Draws(0)))
    np.testing.assert_allclose(env.unwrapped.model.opt.gravity, [0.0, 0.5 * 9.81, 0.0], atol=1e-12)


def test_mass_takes_its_inertia_and_the_derived_quantities_along():
    change, env = bound(BodyMass(Constant(2.0)), "Ant-v5")
    model = env.unwrapped.model
    mass, inertia, subtree = model.body_mass.copy(), model.body_inertia.copy(), model.body_subtreemass.copy()
    for _ in range(2):
        change.apply(env, {"mass": 2.0})
    np.testing.assert_array_equal(model.body_mass, 2 * mass)
    np.testing.assert_array_equal(model.body_inertia, 2 * inertia)
    np.testing.assert_allclose(model.body_subtreemass, 2 * subtree, rtol=1e-12)


def test_springs_are_put_in_actuated_joints_only():
    change, env = bound(JointStiffness(Constant(3.0)), "HalfCheetah-v5")
    default = env.unwrapped.model.jnt_stiffness.copy()
    change.apply(env, {"stiffness": 3.0})
    np.testing.assert_array_equal(env.unwrapped.model.jnt_stiffness - default, [0, 0, 0, 3, 3, 3, 3, 3, 3])


def test_a_damaged_actuator_does_nothing_and_returns():
    change, env = bound(DamagedActuators(ON), "Ant-v5")
    env.reset(seed=0)
    (failed,) = change.draw(1, Draws(0))["damaged"]
    for damaged, force in (([failed], 0.0), ([], 150.0)):
        change.apply(env, {"damaged": damaged})
        env.step(np.ones(8, np.float32))
        assert env.unwrapped.data.qfrc_actuator[6:][env.unwrapped.model.actuator_trnid[failed, 0] - 1] == force


def test_a_cartpoles_derived_attributes_follow():
    change, env = bound(CartPolePhysics(length=Constant(1.0), pole_mass=Constant(0.5)), "CartPole-v1")
    change.apply(env, {"length": 1.0, "pole_mass": 0.5})
    assert (env.unwrapped.total_mass, env.unwrapped.polemass_length) == (1.5, 0.5)
    change.undo(env)
    assert (env.unwrapped.total_mass, env.unwrapped.polemass_length) == (1.1, 0.05)


def test_lunar_landers_world_is_told():
    pytest.importorskip("Box2D")
    change = LunarLanderPhysics(gravity=Listed([-10.0, -5.0]))
    verify(lambda: Nonstationary(gymnasium.make("LunarLander-v3"), change, Every(10, at="step")), steps=40)


def test_patches_stay_whole_and_can_be_put_back():
    change, env = bound(PermutePixels(4), CATCH)
    change.apply(env, {"pixel_permutation": 3})
    image = np.arange(1600).reshape(40, 40, 1)
    seen = change.observation(image)[..., 0].reshape(10, 4, 10, 4).swapaxes(1, 2).reshape(100, 4, 4)
    true = image[..., 0].reshape(10, 4, 10, 4).swapaxes(1, 2).reshape(100, 4, 4)
    np.testing.assert_array_equal(seen, true[np.random.default_rng(3).permutation(100)])


def test_images_with_channels_first_are_treated_alike():
    change = Recolour(Constant(0.5))
    env = gymnasium.wrappers.TransformObservation(
        gymnasium.make(CATCH), lambda o: np.moveaxis(o, -1, 0), gymnasium.spaces.Box(0, 255, (3, 40, 40), np.uint8)
    )
    change.bind(env)
    change.apply(env, {"channels": [2, 0, 1], "brightness": 0.5})
    image = np.arange(3 * 40 * 40).reshape(3, 40, 40).astype(np.uint8)
    np.testing.assert_array_equal(change.observation(image), image[[2, 0, 1]] // 2)


def test_an_occluded_rectangle_is_blank():
    change, env = bound(Occlude(Constant(0.5)), CATCH)
    change.apply(env, {"occluded": [10, 0, 20, 20]})
    seen = change.observation(np.full((40, 40, 1), 9, np.uint8))
    assert (seen[10:30, :20] == 0).all()
    assert seen.sum() == 9 * (1600 - 400)


def test_delays_by_hand():
    change, env = bound(DelayObservations(Constant(2.0)), "CartPole-v1")
    change.apply(env, {"observation_delay": 2})
    assert [change.observation(number) for number in (1, 2, 3, 4)] == [1, 1, 1, 2]
    change.begin_episode(None)
    assert [change.observation(number) for number in (7, 8)] == [7, 7]
    actions, env = bound(DelayActions(Constant(1.0)), "CartPole-v1")
    actions.apply(env, {"action_delay": 1})
    assert [actions.action(number) for number in (1, 0, 0)] == [1, 1, 0]


def test_actions_by_hand():
    action = np.array([0.1, -0.6, 1.0], np.float32)
    permute, env = bound(PermuteActions(signs=True), "Hopper-v5")
    permute.apply(env, {"action_permutation": [1, 2, 0], "action_signs": [1, -1, 1]})
    np.testing.assert_array_equal(permute.action(action), np.array([-0.6, -1.0, 0.1], np.float32))
    gain, _ = bound(ActionGain(Constant(2.0)), "Hopper-v5")
    gain.apply(env, {"action_gain": 2.0})
    np.testing.assert_array_equal(gain.action(action), np.array([0.2, -1.0, 1.0], np.float32))
    zone, _ = bound(DeadZone(Constant(0.5)), "Hopper-v5")
    zone.apply(env, {"dead_zone": 0.5})
    np.testing.assert_array_equal(zone.action(action), np.array([0.0, -0.6, 1.0], np.float32))


def test_goals_by_hand():
    info = {"reward_forward": 2.0, "x_velocity": 2.0, "y_velocity": -1.0}
    back, env = bound(GoalDirection(Constant(270.0)), "Ant-v5")
    back.apply(env, {"goal_heading": 270.0})
    assert back.reward(2.75, info) == pytest.approx(1.0 + 0.75)
    speed, _ = bound(TargetSpeed(Constant(1.5)), "Ant-v5")
    speed.apply(env, {"target_speed": 1.5})
    assert speed.reward(2.75, info) == pytest.approx(-0.5 + 0.75)


def test_noise_is_seeded_by_the_reset():
    def seen(seed: int) -> np.ndarray:
        env = Nonstationary(gymnasium.make("CartPole-v1"), ObservationNoise(Constant(1.0)), Never())
        env.reset(seed=seed)
        return env.step(0)[0]

    np.testing.assert_array_equal(seen(1), seen(1))
    assert np.abs(seen(1) - seen(2)).min() > 1e-3


def test_changes_compose():
    changes = [
        Friction(),
        PermuteObservations(),
        ScaleReward(0.5, 2.0),
        ActionGain(0.5, 1.0),
    ]
    env = Nonstationary(gymnasium.make("Ant-v5"), changes, Every(10))
    task = env.reset(seed=0)[1]["task"]
    assert task.keys() == {"index", "friction", "permutation", "signs", "reward_scale", "action_gain"}
    verify(lambda: Nonstationary(gymnasium.make("Ant-v5"), changes, Every(10)), steps=60)


@pytest.mark.parametrize(
    ("env_id", "change", "message"),
    [
        ("CartPole-v1", Push(Constant(1.0)), "Push needs a MuJoCo environment"),
        ("Ant-v5", BodyMass(HALF, bodies=["wing"]), r"no body is called \['wing'\]; there are \['world', 'torso'"),
        ("Ant-v5", ModelField("opt.density", factors=HALF), "opt.density, of which every default is 0"),
        ("Ant-v5", ModelField("geom_contype", factors=1.5), "needs a field of floating-point numbers, geom_contype is"),
        (
            "Ant-v5",
            ModelField("opt.wetness", added=1.0),
            r"ModelField writes \['opt.wetness'\], which",
        ),
        ("Ant-v5", Push(1.0, body=99), r"body must be in \[1, 13\], got 99"),
        ("Swimmer-v5", JointDamping(0.5), "multiplies dof_damping, of which every default is 0"),
        ("Pusher-v5", Gravity(HALF), "multiplies opt.gravity, of which every default is 0"),
        ("Ant-v5", FlipActions(1.5), r"FlipActions needs shares in \[0, 1\], got 1.5"),
        ("Ant-v5", DamagedActuators(Constant(9.0)), r"damaged actuators must be in \[0, 8\], got 9"),
        ("CartPole-v1", PendulumPhysics(gravity=HALF), r"needs an environment with \['g'\]"),
        ("CartPole-v1", CartPolePhysics(), "changes nothing"),
        ("Ant-v5", MaskObservations(Constant(1.5)), r"MaskObservations needs shares in \[0, 1\], got 1.5"),
        ("Ant-v5", PermutePixels(), "PermutePixels needs observations that are images"),
        (CATCH, PermutePixels(3), r"patch must divide the image's sides \(40, 40\), got 3"),
        (CATCH, PermuteObservations(), "PermuteObservations needs observations that are vectors"),
        ("CartPole-v1", FlipActions(HALF), "FlipActions needs actions that are vectors"),
        ("CartPole-v1", PermuteActions(signs=True), "a choice has no signs to flip"),
        ("CartPole-v1", GoalDirection(HALF), "GoalDirection needs an environment that pays for speed"),
    ],
)
def test_where_a_change_cannot_work_it_says_so(env_id, change, message):
    with pytest.raises(ValueError, match=message):
        Nonstationary(gymnasium.make(env_id), change, Never())


def test_the_timestep_is_no_parameter():
    with pytest.raises(ValueError, match=r"opt\.timestep is no parameter"):
        ModelField("opt.timestep", factors=HALF)
