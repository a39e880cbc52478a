"""The agents that are compared wherever plasticity is at stake: PPO, its controls, and a method of each kind."""

from __future__ import annotations

from collections.abc import Mapping

RIVALS: Mapping[str, tuple[str, ...]] = {
    "ppo": ("agent=ppo",),
    "ppo_fresh": ("agent=ppo_fresh",),
    "ppo no change": ("agent=ppo", "env.changes=false"),
    "ppo_tuned": ("agent=ppo_tuned",),
    "ppo_l2": ("agent=ppo_l2",),
    "ppo_l2_init": ("agent=ppo_l2_init",),
    "ppo_layer_norm": ("agent=ppo_layer_norm",),
    "ppo_cbp": ("agent=ppo_cbp",),  # equal betas and a slight weight decay, as in the paper
    "ppo+cbp": ("agent=ppo+cbp",),  # continual backprop by itself, with Adam's usual betas
    "ppo_redo": ("agent=ppo_redo",),
    "ppo_weight_clipping": ("agent=ppo_weight_clipping",),
    "ppo_trac": ("agent=ppo_trac",),
    "ppo_fire": ("agent=ppo_fire",),
    "ppo_fire detected": ("agent=ppo_fire", "agent.changes_from=detected"),  # nobody tells it of changes
    # What `agent=ppo_plastic` is where actions are discrete.
    "ppo_plastic": ("agent=ppo+fire+optimizer_reset", "agent.changes_from=detected"),
    "ppo_plastic announced": ("agent=ppo+fire+optimizer_reset",),  # it is told of changes, as `ppo_fresh` is
    "ppo_shrink_perturb": ("agent=ppo_shrink_perturb",),
    "ppo_churn": ("agent=ppo_churn",),
    "ppo+cbp+l2_init": ("agent=ppo+cbp+l2_init",),
}
"""Of each arm the words of its command, beside those of the world; settings are those of the recipes."""
