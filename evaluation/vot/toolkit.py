"""The one door to the VOT toolkit: its version is checked, it is imported quietly, and nothing of it is cached on disk.

The toolkit (GPL-3) is the extra `vot`; it is imported by those who run or score VOT's experiments, and by nobody else.
"""

from __future__ import annotations

import functools
import logging
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from packaging.version import Version

from siamcar.errors import ConfigError, MissingExtraError, import_extra

__all__ = ["TESTED_VERSION", "load_toolkit"]

TESTED_VERSION = "0.7.4"
"""The version whose experiments and scores these are."""

_INSTALL = "pip install 'vot-toolkit==0.7.4' 'attributee>=0.1.8,<0.1.10'"


@functools.cache
def load_toolkit(purpose: str = "the VOT experiments") -> ModuleType:
    """Import the toolkit, or say what to install.

    Args:
        purpose: what it is needed for, as the end of "… is needed for …".

    Returns:
        The package `vot`, with `vot.region`, `vot.experiment`, `vot.analysis` and `vot.workspace` loaded.

    Raises:
        MissingExtraError: it is not installed.
        ConfigError: it is another version, or attributee is one with which it cannot be imported.
    """
    try:
        installed, attributee = version("vot-toolkit"), version("attributee")
    except PackageNotFoundError as error:
        raise MissingExtraError(
            f"The package {error.name!r} is needed for {purpose} and is not installed.",
            "Install it with: pip install 'siamcar-suite[vot]'",
        ) from error
    if not Version("0.1.8") <= Version(attributee) < Version("0.1.10"):
        raise ConfigError(
            f"attributee {attributee} is installed, and with it the VOT toolkit cannot be imported "
            "(TypeError: dataclass_transform() …); 0.1.8 and 0.1.9 work.",
            f"Install one of them: {_INSTALL}",
        )
    if installed != TESTED_VERSION:
        raise ConfigError(
            f"vot-toolkit {installed} is installed; the experiments of VOT2018 and VOT2020 are those of "
            f"{TESTED_VERSION}, and later versions cannot run them.",
            f"In an environment of its own, install: {_INSTALL}",
        )
    toolkit = import_extra("vot", extra="vot", purpose=purpose)
    # Progress bars are silent below this level, too; what goes wrong is told by our own errors.
    logging.getLogger("vot").setLevel(logging.ERROR)
    for part in ("region", "experiment", "analysis", "workspace"):
        import_module(f"vot.{part}")
    toolkit.config.persistent_cache = False
    return toolkit
