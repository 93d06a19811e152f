"""The command line: the one place that knows every room of the house.

One module a verb. A verb imports what it needs inside its handler, so `siamcar --help` stays fast.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of the command `siamcar`.

    The current folder is searched last for modules, so that `my_module:make` names a tracker that lies here.
    """
    import os
    import sys

    sys.path.append(os.getcwd())  # noqa: PTH109 - pathlib is not loaded yet

    from siamcar.cli.app import app

    app()
