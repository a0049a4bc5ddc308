"""The command line, ``neurodyn COMMAND``.

Each command imports its modules when it runs, so that ``--help`` is quick.
"""

from neurodyn.cli.app import main

__all__ = ["main"]
