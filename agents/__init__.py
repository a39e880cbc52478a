"""Agents: the names that may follow `agent=` on the command line, each a file, or a base and a method together."""

from agents.a2c import A2C
from agents.adam import Adam
from agents.adam_cbp import AdamCBP
from agents.adam_fresh import AdamFresh
from agents.apd import APD
from agents.apd_cbp import APDCBP
from agents.apd_reference import APDReference
from agents.autostep import Autostep
from agents.combined import all_combined, combined
from agents.crossq import CrossQ
from agents.dqn import DQN
from agents.dqn_fresh import DQNFresh
from agents.dynamic import Dynamic
from agents.dynamic_imprint import DynamicImprint
from agents.ewc import EWC
from agents.hsic import HSIC
from agents.hsic_cbp import HSICCBP
from agents.idbd import IDBD
from agents.k1 import K1
from agents.l2_transfer import L2Transfer
from agents.linear import Linear
from agents.metaoptimize import MetaOptimize
from agents.methods import METHODS, ContinualBackprop, ReDo
from agents.multi_task import MultiTask
from agents.ppo import PPO
from agents.ppo_apd import PPOAPD
from agents.ppo_apd_cbp import PPOAPDCBP
from agents.ppo_cbp import PPOCBP
from agents.ppo_dynamic import PPODynamic
from agents.ppo_fresh import PPOFresh
from agents.ppo_hsic import PPOHSIC
from agents.ppo_hsic_reg import PPOHSICReg
from agents.ppo_l2 import PPOL2
from agents.ppo_plastic import PPOPlastic
from agents.ppo_tuned import PPOTuned
from agents.qrdqn import QRDQN
from agents.recipe import Agent
from agents.recurrent_ppo import RecurrentPPO
from agents.sac import SAC
from agents.sac_fresh import SACFresh
from agents.sgd import SGD
from agents.sgd_cbp import SGDCBP
from agents.sgd_fresh import SGDFresh
from agents.sgd_head_reset import SGDHeadReset
from agents.sgd_l2 import SGDL2
from agents.sgd_shrink_perturb import SGDShrinkPerturb
from agents.single_task import SingleTask
from agents.stream_ac import StreamAC
from agents.td3 import TD3
from agents.together import JOINT, put_together
from agents.tqc import TQC

NAMED: dict[str, type[Agent]] = {
    "ppo": PPO,
    "ppo_plastic": PPOPlastic,
    "ppo_tuned": PPOTuned,
    "ppo_l2": PPOL2,
    "ppo_cbp": PPOCBP,
    "ppo_dynamic": PPODynamic,
    "ppo_fresh": PPOFresh,
    "ppo_hsic": PPOHSIC,
    "ppo_hsic_reg": PPOHSICReg,
    "recurrent_ppo": RecurrentPPO,
    "a2c": A2C,
    "sac": SAC,
    "sac_fresh": SACFresh,
    "td3": TD3,
    "tqc": TQC,
    "crossq": CrossQ,
    "dqn": DQN,
    "dqn_fresh": DQNFresh,
    "qrdqn": QRDQN,
    "stream_ac": StreamAC,
    "sgd": SGD,
    "sgd_cbp": SGDCBP,
    "sgd_l2": SGDL2,
    "sgd_shrink_perturb": SGDShrinkPerturb,
    "sgd_head_reset": SGDHeadReset,
    "sgd_fresh": SGDFresh,
    "adam": Adam,
    "adam_cbp": AdamCBP,
    "adam_fresh": AdamFresh,
    "linear": Linear,
    "hsic": HSIC,
    "hsic_cbp": HSICCBP,
    "single_task": SingleTask,
    "multi_task": MultiTask,
    "ewc": EWC,
    "l2_transfer": L2Transfer,
    "dynamic": Dynamic,
    "dynamic_imprint": DynamicImprint,
    "apd": APD,
    "apd_cbp": APDCBP,
    "apd_reference": APDReference,
    "idbd": IDBD,
    "k1": K1,
    "autostep": Autostep,
    "metaoptimize": MetaOptimize,
    "ppo_apd": PPOAPD,
    "ppo_apd_cbp": PPOAPDCBP,
}
"""The agents that have a file of their own."""

BASES: dict[str, type[Agent]] = {"ppo": PPO, "sgd": SGD, "adam": Adam}
"""The agents that can have any method on top."""

PAIRS: dict[str, type[Agent]] = {
    "recurrent_ppo_cbp": combined("recurrent_ppo", RecurrentPPO, ContinualBackprop),
    "sac_cbp": combined("sac", SAC, ContinualBackprop),
    "sac_redo": combined("sac", SAC, ReDo),
    "td3_cbp": combined("td3", TD3, ContinualBackprop),
    "dqn_cbp": combined("dqn", DQN, ContinualBackprop),
    "dqn_redo": combined("dqn", DQN, ReDo),
}
"""Some of the other agents with a method; any other pair is `sac+l2_init`."""

AGENTS: dict[str, type[Agent]] = (
    NAMED | PAIRS | {name: agent for name, agent in all_combined(BASES, METHODS).items() if name not in NAMED}
)


def agent_named(name: str) -> type[Agent]:
    """Return the agent of a name: one of `AGENTS`, or one of them with methods, such as `ppo+cbp+l2_init`.

    Raises:
        KeyError: There is no such agent.
        UserError: There is, but it cannot have these methods.
    """
    return put_together(name, AGENTS) if JOINT in name else AGENTS[name]
