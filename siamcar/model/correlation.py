"""Depth-wise cross-correlation of template and search features (paper, Eq. 1)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

__all__ = ["depthwise_cross_correlation"]


def depthwise_cross_correlation(search: Tensor, template: Tensor) -> Tensor:
    """Slide each template channel over the same channel of its own search features; no padding, no normalisation.

    Args:
        search: (B, C, H, W).
        template: (B, C, h, w), h ≤ H and w ≤ W; sample b is used against search sample b alone.

    Returns:
        (B, C, H - h + 1, W - w + 1).

    Raises:
        ValueError: the shapes do not fit together.
    """
    if search.ndim != 4 or template.ndim != 4 or search.shape[:2] != template.shape[:2]:
        raise ValueError(
            "Cross-correlation takes search (B, C, H, W) and template (B, C, h, w) of the same B and C; "
            f"found {tuple(search.shape)} and {tuple(template.shape)}."
        )
    batch, channels, height, width = search.shape
    kernel_height, kernel_width = template.shape[2:]
    if kernel_height > height or kernel_width > width:
        raise ValueError(
            f"The template features ({kernel_height}×{kernel_width}) are larger than the search features "
            f"({height}×{width}); give a larger search region."
        )
    # Every (sample, channel) pair is its own group of one grouped convolution.
    response = functional.conv2d(
        search.reshape(1, batch * channels, height, width),
        template.reshape(batch * channels, 1, kernel_height, kernel_width),
        groups=batch * channels,
    )  # (1, B·C, H - h + 1, W - w + 1)
    return response.reshape(batch, channels, *response.shape[2:])
