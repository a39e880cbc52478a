"""Train an agent in a world that changes, and see whether it can still learn.

    python train.py agent=ppo_cbp env=permuted-cartpole          # a minute, with a picture at the end
    python train.py agent=ppo_cbp env=slippery-ant               # the paper's run: 20 million steps
    python train.py agent=ppo_cbp env=slippery-ant total_steps=400_000 env.change_every=100_000 seed=3
    python train.py -m agent=ppo,ppo_cbp 'seed=range(3)' env=permuted-cartpole  # six runs, and a comparison
    python train.py agent=ppo_cbp env=slippery-ant --help        # every setting and its value

The same command again goes on where the run was interrupted, or says that it is finished; `fresh=true` starts over.
"""

import sys

from launch.commands import train
from launch.console import prepare
from plastic_rl.errors import UserError

if __name__ == "__main__":
    prepare()  # first, so that Ctrl-C while the rest is imported is no traceback
    try:
        sys.exit(train(sys.argv[1:]))
    except UserError as error:  # a package that is not installed
        sys.exit(str(error))
