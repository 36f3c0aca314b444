r"""``python -m pyg_moleblend`` is the command ``moleblend``."""

import sys

from pyg_moleblend.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
