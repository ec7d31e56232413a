"""`python -m communique` is `communique`."""

import sys

from communique.cli import main

sys.exit(main())
