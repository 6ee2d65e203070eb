"""`python -m perspectives VERB …` is `perspectives VERB …`."""

import sys

from perspectives.cli import main

if __name__ == "__main__":
    sys.exit(main())
