"""High replay: DQN that updates four times a step, sixteen times its usual pace, in CartPoles scrambled anew.

CartPole with its senses permuted every 2,000 steps; two layers of 64 units; a replay buffer of the length of a task, so
that what it holds of the task before is gone when the next begins. Every arm has the same buffer and tasks: the fresh
arm differs from the baseline in its network and optimiser alone. Resets are those of Nikishin et al. (2022), of the
whole network, blind to the changes. The world, DQN's settings and the length of a task were chosen on seeds 100 and 101
with the baseline and the fresh arm. There every remedy was tried once; resets every 1,000 steps, which left no time to
learn, became resets every 2,500. ReDo has the threshold of its paper for high replay ratios.

python -m experiments.high_replay            # runs what is missing (40 minutes on one idle core), then draws
python -m experiments.high_replay --draw     # draws from the committed table
python -m experiments.high_replay --quick    # a little of it, into a scratch folder
"""

from __future__ import annotations

from experiments.return_study import ReturnStudy
from experiments.runs import Arm
from experiments.study import main

TASK = 2_000

WORLD = ("env=permuted-cartpole", "env.n_envs=1", f"env.change_every={TASK}", f"total_steps={4 * TASK}")

DQN = (
    "agent.replay_ratio=4",  # updates per environment step; 0.25 in Mnih et al. 2015
    "agent.update_every=1",
    f"agent.replay_size={TASK}",
    "agent.learning_starts=500",
    "agent.hidden_units=64",
    "agent.minibatch_size=64",
    "agent.learning_rate=1e-3",
    "agent.target_every=100",  # environment steps, that is 400 updates
    "agent.exploration_fraction=0.02",  # over after 240 steps, so that all tasks are explored alike
    "agent.exploration_last=0.05",
)


def arm(name: str, agent: str, *words: str) -> Arm:
    """An agent in the world of this study, with settings of its own."""
    return Arm(name, (f"agent={agent}", *WORLD, *DQN, *words))


STUDY = ReturnStudy(
    name="high_replay",
    title="DQN with four updates a step, permuted CartPole",
    arms=(
        arm("dqn", "dqn"),
        arm("dqn_fresh", "dqn_fresh"),
        # Two lives of a layer in a task of 8,000 updates.
        arm("dqn_cbp", "dqn_cbp", "agent.replacement_rate=2.5e-4", "agent.maturity_threshold=500"),
        arm("dqn_redo", "dqn_redo", "agent.threshold=0.1"),
        arm("dqn resets", "dqn", "agent.reset_every=2500"),
    ),
    seeds=range(10),
    change_every=TASK,
    bin_steps=500,
    fresh="dqn_fresh",
    quick=("total_steps=1_500", "env.change_every=500", "agent.replay_ratio=1", "agent.learning_starts=100"),
)

if __name__ == "__main__":
    main(STUDY)
