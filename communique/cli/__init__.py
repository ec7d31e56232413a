"""The command line, `communique`.

$ communique analyze --help
"""

from communique.cli.main import main

__all__ = ["main"]
