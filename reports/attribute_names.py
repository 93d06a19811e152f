"""What the benchmarks' short names of attributes stand for."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ATTRIBUTE_NAMES", "get_attribute_name"]

ATTRIBUTE_NAMES: Mapping[str, str] = {
    "ARC": "Aspect ratio change",
    "BC": "Background clutter",
    "CM": "Camera motion",
    "DEF": "Deformation",
    "FM": "Fast motion",
    "FOC": "Full occlusion",
    "IPR": "In-plane rotation",
    "IV": "Illumination variation",
    "LR": "Low resolution",
    "MB": "Motion blur",
    "OCC": "Occlusion",
    "OPR": "Out-of-plane rotation",
    "OV": "Out of view",
    "POC": "Partial occlusion",
    "ROT": "Rotation",
    "SOB": "Similar object",
    "SV": "Scale variation",
    "VC": "Viewpoint change",
    "illum_change": "Illumination change",
}
"""OTB's 11, UAV123's 12 and LaSOT's 14 short names, and what does not read well as it is."""


def get_attribute_name(attribute: str) -> str:
    """The words for an attribute: "SV" → "Scale variation", "fast_motion" → "Fast motion"."""
    words = attribute.replace("_", " ")
    return ATTRIBUTE_NAMES.get(attribute, words[:1].upper() + words[1:])
