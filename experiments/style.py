"""One colour for each method, everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    "ppo": "#7f7f7f",
    "stream_ac obgd": "#0072b2",
    "stream_ac intentional": "#d55e00",
    "ppo_tuned": "#e69f00",
    "ppo_l2": "#56b4e9",
    "ppo_trac": "#17becf",
    "ppo_cbp": "#d55e00",
    "ppo no change": "#000000",
    "ppo_fresh": "#5d3a00",
    "ppo told": "#b39ddb",
    "ppo+cbp": "#d55e00",
    "ppo_fire detected": "#56b4e9",
    "ppo_plastic": "#009e73",
    "ppo_plastic announced": "#cc79a7",
    "ppo_plastic spread kept": "#56b4e9",
    "ppo_reset_spread": "#e69f00",
    "ppo_dynamic": "#0072b2",
    "ppo_layer_norm": "#cc79a7",
    "ppo_l2_init": "#0072b2",
    "ppo+l2_init+layer_norm": "#009e73",
    "ppo+cbp+l2_init": "#c8b400",
    "clock": "#d55e00",
    "no clock": "#0072b2",
    "ppo_hsic": "#009e73",
    "ppo_hsic_reg": "#cc79a7",
    "ppo_apd": "#0072b2",
    "dqn": "#7f7f7f",
    "dqn_fresh": "#5d3a00",
    "dqn_cbp": "#d55e00",
    "dqn_redo": "#0072b2",
    "dqn resets": "#cc79a7",
    "sgd": "#7f7f7f",
    "sgd_cbp": "#d55e00",
    "sgd_l2": "#56b4e9",
    "sgd_shrink_perturb": "#0072b2",
    "sgd_head_reset": "#cc79a7",
    "sgd_retrained": "#000000",
    "sgd_fresh": "#000000",
    "adam_fresh": "#5d3a00",
    "adam": "#e69f00",
    "adam_cbp": "#009e73",
    "sgd LayerNorm": "#cc79a7",
    "adam LayerNorm": "#56b4e9",
    "sgd BatchNorm": "#8c564b",
    "adam BatchNorm": "#9467bd",
    "sgd no change": "#b39ddb",
    "sgd_l2_init": "#0072b2",
    "sgd_layer_norm": "#cc79a7",
    "sgd_fire": "#009e73",
    "sgd_redo": "#e69f00",
    "sgd_weight_clipping": "#8c564b",
    "sgd_trac": "#17becf",
    "sgd+cbp+l2_init": "#bcbd22",
    "sgd_dropout 0.03": "#fdae6b",
    "sgd_dropout 0.1": "#e6550d",
    "sgd_dropout 0.3": "#7f2704",
    "sgd smaller steps": "#b0b0b0",
    "sgd normalised inputs": "#393b79",
    "linear": "#c8b400",
    "hsic": "#d55e00",
    "hsic_cbp": "#0072b2",
    "backprop": "#7f7f7f",
    "apd": "#0072b2",
    "apd fixed": "#56b4e9",
    "single_task": "#000000",
    "multi_task": "#009e73",
}


def plain_axes(axes: Axes) -> None:
    """Leaves two spines, and writes steps or tasks, which are whole numbers, with separators."""
    from matplotlib.ticker import MaxNLocator

    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
