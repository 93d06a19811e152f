"""SiamCAR: an anchor-free Siamese tracker, and the suite that evaluates it.

The public names are imported when first used, so that `import siamcar` needs neither torch nor OpenCV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siamcar._version import __version__

if TYPE_CHECKING:
    from siamcar.model.weights import load_model
    from siamcar.protocol import Prediction, Tracker
    from siamcar.testing import check_tracker
    from siamcar.tracker import SiamCARTracker

__all__ = ["Prediction", "SiamCARTracker", "Tracker", "__version__", "check_tracker", "load_model"]

_HOMES = {
    "Prediction": "siamcar.protocol",
    "SiamCARTracker": "siamcar.tracker",
    "Tracker": "siamcar.protocol",
    "check_tracker": "siamcar.testing",
    "load_model": "siamcar.model.weights",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'siamcar' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
