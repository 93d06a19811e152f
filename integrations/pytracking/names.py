"""The names under which pytracking knows our trackers."""

from __future__ import annotations

import re

__all__ = ["to_identifier"]


def to_identifier(tracker: str) -> str:
    """A tracker's name as part of a module's: "opencv:mil" becomes "opencv_mil"."""
    return re.sub(r"\W+", "_", tracker)
