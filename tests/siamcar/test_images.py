"""Image files: decoded to BGR, or refused with fault, index and path."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from siamcar.errors import DataError
from siamcar.images import read_image, read_mask

PIXELS = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)


def test_pixels_are_bgr_as_stored(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), PIXELS)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", "Frame 0"), PIXELS)


def test_grey_files_become_three_channels(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), PIXELS[..., 0])
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png", "Frame 0"), PIXELS[..., :1].repeat(3, axis=2))


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("reduction", [1, 2])
def test_files_of_16_bits_a_channel_are_refused(tmp_path: Path, name: str, channels: int, reduction: int) -> None:
    cv2.imwrite(str(tmp_path / name), PIXELS[..., :channels].astype(np.uint16) * 16)  # 12 bits, as of a camera
    with pytest.raises(DataError, match=r"Frame 3 cannot be decoded: .*uint16") as caught:
        read_image(tmp_path / name, "Frame 3", reduction)
    assert "8 bits" in caught.value.hint


def test_a_truncated_jpeg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), PIXELS)
    data = path.read_bytes()
    path.write_bytes(data + b"\0" * 100)  # bytes after the end are harmless
    assert read_image(path, "Frame 0").shape == PIXELS.shape
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"Frame 7 cannot be decoded: .*a\.jpg .*truncated"):
        read_image(path, "Frame 7")


def test_a_jpeg_may_have_much_after_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), PIXELS)
    path.write_bytes(path.read_bytes() + b"\0" * 10_000)
    assert read_image(path, "Frame 0").shape == PIXELS.shape


@pytest.mark.parametrize("progressive", [0, 1])
def test_the_end_of_a_thumbnail_is_not_that_of_the_jpeg(tmp_path: Path, progressive: int) -> None:
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), PIXELS, [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive])
    data = path.read_bytes()
    thumbnail = b"Exif\0\0" + data
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + data[2:])
    assert read_image(path, "Frame 0").shape == PIXELS.shape
    path.write_bytes(path.read_bytes()[:-500])  # still in the last 4096 bytes
    with pytest.raises(DataError, match="truncated"):
        read_image(path, "Frame 0")


def test_a_header_of_more_pixels_than_opencv_takes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), PIXELS)
    data = path.read_bytes()
    header = b"IHDR" + struct.pack(">II", 70_000, 70_000) + data[24:29]
    path.write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])
    with pytest.raises(DataError, match=r"Frame 2 cannot be decoded: .*not an image that OpenCV can decode"):
        read_image(path, "Frame 2")


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"no image", "not an image")])
def test_files_that_are_no_image(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_image(tmp_path / "a.jpg", "Frame 0")


def test_an_image_that_vanished_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Frame 4 cannot be read: .*gone\.png"):
        read_image(tmp_path / "gone.png", "Frame 4")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_masks_are_where_a_pixel_is_not_zero(tmp_path: Path, channels: int, depth: type[np.unsignedinteger]) -> None:
    image = np.zeros((6, 8, channels), depth)
    image[1:3, 2:7, 0] = 1
    if channels == 4:
        image[..., 3] = np.iinfo(depth).max
    cv2.imwrite(str(tmp_path / "mask.png"), image)
    expected = np.zeros((6, 8), np.bool_)
    expected[1:3, 2:7] = True
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png", "The mask"), expected)
    with pytest.raises(DataError, match="The mask cannot be read"):
        read_mask(tmp_path / "other.png", "The mask")
