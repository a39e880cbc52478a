"""The changes that anybody's Gymnasium environment may have, by the words that `env.change=` takes: one class each."""

from envs.changes.attributes import (
    AcrobotPhysics,
    CartPolePhysics,
    LunarLanderPhysics,
    MountainCarPhysics,
    PendulumPhysics,
)
from envs.changes.bodies import (
    ActuatorGain,
    BodyMass,
    DamagedActuators,
    Friction,
    Gravity,
    JointDamping,
    JointStiffness,
    ModelField,
    Push,
)
from envs.changes.deeds import (
    ActionGain,
    ActionNoise,
    DeadZone,
    DelayActions,
    FlipActions,
    GoalDirection,
    PermuteActions,
    RewardNoise,
    ScaleReward,
    ShiftReward,
    TargetSpeed,
)
from envs.changes.senses import (
    DelayObservations,
    FlipObservations,
    MaskObservations,
    ObservationNoise,
    Occlude,
    OffsetObservations,
    PermuteObservations,
    PermutePixels,
    Recolour,
    ScaleObservations,
)
from envs.changes.settings import ChangeSettings

CHANGES: dict[str, type[ChangeSettings]] = {
    "friction": Friction,
    "gravity": Gravity,
    "body_mass": BodyMass,
    "joint_damping": JointDamping,
    "joint_stiffness": JointStiffness,
    "actuator_gain": ActuatorGain,
    "damaged_actuators": DamagedActuators,
    "push": Push,
    "model_field": ModelField,
    "cartpole_physics": CartPolePhysics,
    "pendulum_physics": PendulumPhysics,
    "acrobot_physics": AcrobotPhysics,
    "mountain_car_physics": MountainCarPhysics,
    "lunar_lander_physics": LunarLanderPhysics,
    "permute_observations": PermuteObservations,
    "flip_observations": FlipObservations,
    "mask_observations": MaskObservations,
    "offset_observations": OffsetObservations,
    "scale_observations": ScaleObservations,
    "observation_noise": ObservationNoise,
    "delay_observations": DelayObservations,
    "permute_pixels": PermutePixels,
    "recolour": Recolour,
    "occlude": Occlude,
    "permute_actions": PermuteActions,
    "flip_actions": FlipActions,
    "action_gain": ActionGain,
    "dead_zone": DeadZone,
    "action_noise": ActionNoise,
    "delay_actions": DelayActions,
    "scale_reward": ScaleReward,
    "shift_reward": ShiftReward,
    "reward_noise": RewardNoise,
    "goal_direction": GoalDirection,
    "target_speed": TargetSpeed,
}
"""The changes by their words; several are joined by `+`."""

__all__ = ["CHANGES", "ChangeSettings"]
