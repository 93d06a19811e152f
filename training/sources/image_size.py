"""Width and height of an image file from its first bytes: frames of a video need no decoding to be checked."""

from __future__ import annotations

from pathlib import Path

__all__ = ["read_image_size"]

_FIRST_BYTES = 262_144
"""Enough for the headers of a JPEG with a thumbnail and a colour profile before its size."""


def read_image_size(path: Path) -> tuple[float, float] | None:
    """Width and height in pixels; None where it is neither a JPEG nor a PNG whose header says so."""
    try:
        with path.open("rb") as file:
            head = file.read(_FIRST_BYTES)
    except OSError:
        return None
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return float(int.from_bytes(head[16:20], "big")), float(int.from_bytes(head[20:24], "big"))
    return _read_jpeg_size(head) if head[:2] == b"\xff\xd8" else None


def _read_jpeg_size(head: bytes) -> tuple[float, float] | None:
    """From the first start-of-frame segment (ITU T.81, B.2.2)."""
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if marker == 0xFF:  # fill
            place += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height = int.from_bytes(head[place + 5 : place + 7], "big")
            return float(int.from_bytes(head[place + 7 : place + 9], "big")), float(height)
        place += 2 + int.from_bytes(head[place + 2 : place + 4], "big")
    return None
