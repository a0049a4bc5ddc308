"""The command line, ``neurodyn COMMAND``.

What a command needs is imported when it runs, so that ``--help`` is quick.
"""

from neurodyn.cli.app import main

__all__ = ["main"]
