"""`python -m plastic_rl` is the command `plastic-rl`, where the folder of scripts is not on the path."""

import sys

from plastic_rl.command import main

if __name__ == "__main__":
    sys.exit(main())
