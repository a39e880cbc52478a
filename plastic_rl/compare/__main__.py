"""`python -m plastic_rl.compare FOLDER…`."""

import sys

from plastic_rl.compare.command import main

if __name__ == "__main__":
    sys.exit(main())
