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
    _prepare_output()

    from siamcar.cli.app import app

    app()


def _prepare_output() -> None:
    """Make sure that printing fails at no letter and at no stream that was closed before the start (`>&-`)."""
    import io
    import os
    import sys

    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
