"""Scenes: seeded frames with exact boxes, masks and attributes."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from siamcar.boxes import Boxes, mask_to_box
from siamcar.protocol import Frame
from siamcar.synthetic.attributes import compute_attributes, find_attributes
from siamcar.synthetic.backdrop import make_clutter_mask, paint_backdrop
from siamcar.synthetic.exact import Key
from siamcar.synthetic.motion import PAN_MARGIN, PAN_UNIT, FrameState, Motion, Occluder
from siamcar.synthetic.settings import SceneConfig
from siamcar.synthetic.sprite import Pose, Sprite, Window, draw_patch, draw_shadow
from siamcar.synthetic.texture import HUES, Integers, make_bar_texture, make_blob_texture, make_palette, mix_hsv

__all__ = ["Scene"]

_OPAQUE = 128  # a pixel belongs to a sprite from this alpha on
_GRAIN = 256  # the places in the sensor noise that a frame can take its own from, along each side
_BLUR_TAPS = 16

Mask = npt.NDArray[np.bool_]
Image = npt.NDArray[np.uint16]


class Scene:
    """A textured target over a moving, cluttered background.

    Nothing is stored: every frame is drawn when it is read, from the configuration and its own index alone, in any
    order, with the same bytes on every machine. Textures are made once a scene, when the first pixel is asked for.

    Ground truth: the target's mask is that of the instant at the middle of the exposure (motion blur smears what is
    seen, not the mask). A box is the tight box around the full target, as if nothing hid it and the image had no
    border; it therefore may reach over the border. Where no pixel of the full target lies inside the image there is
    no box: NaN. A target that is inside but wholly hidden keeps its box and is not visible.

    Args:
        config: what the scene shall show.
    """

    def __init__(self, config: SceneConfig) -> None:
        self.config = config
        self._key = Key(config.seed)
        self._motion = Motion(config)

    def __len__(self) -> int:
        return self.config.n_frames

    def _state(self, index: int) -> FrameState:
        if not 0 <= index < self.config.n_frames:
            raise IndexError(f"The scene has frames 0 to {self.config.n_frames - 1}; found {index}.")
        return self._motion.state(index)

    # Textures

    @cached_property
    def _hue(self) -> int:
        return self._key.child("colour").integer(0, HUES)

    def _palette(self, label: str, hue: int) -> Integers:
        """Three strong colours, or two and a near white, around a hue."""
        key = self._key.child(label)
        second = hue + key.integer(-110, 111, 1) + (HUES // 2 if key.integer(0, 3, 2) == 0 else 0)
        bright = mix_hsv(hue, 20, 240) if key.integer(0, 2, 3) else mix_hsv(hue + 60, 150, 250)
        return make_palette([mix_hsv(second, 235, 95), mix_hsv(hue, 230, 205), bright])

    @cached_property
    def _target_palette(self) -> Integers:
        return self._palette("palette", self._hue)

    @cached_property
    def _target(self) -> Sprite:
        return Sprite(make_blob_texture(self._key.child("shape"), self._key.child("look"), self._target_palette))

    @cached_property
    def _distractors(self) -> list[Sprite]:
        """The target's palette, shifted by what they lack in likeness; strong ones share the pattern too."""
        strength = self.config.distractors
        sprites = []
        for n in range(len(self._motion.state(0).distractors)):
            key = self._key.child(f"distractor{n}")
            shift = int((1.0 - strength) * 300.0 + 40.0) * (1 if n % 2 else -1)
            palette = self._palette("palette", self._hue + shift)
            look = self._key.child("look") if strength > 0.6 and n % 2 == 0 else key.child("look")
            sprites.append(Sprite(make_blob_texture(key.child("shape"), look, palette)))
        return sprites

    @cached_property
    def _movers(self) -> list[Sprite]:
        sprites = []
        for n in range(len(self._motion.state(0).movers)):
            key = self._key.child(f"mover{n}")
            hue = self._hue + key.integer(HUES // 4, 3 * HUES // 4)
            palette = make_palette([mix_hsv(hue, 120, 70), mix_hsv(hue + 60, 110, 150), mix_hsv(hue, 60, 215)])
            sprites.append(Sprite(make_blob_texture(key.child("shape"), key.child("look"), palette)))
        return sprites

    @cached_property
    def _post(self) -> Sprite:
        hue = 130 + self._key.child("post").integer(0, 120)
        palette = make_palette([mix_hsv(hue, 120, 40), mix_hsv(hue, 105, 110), mix_hsv(hue, 70, 165)])
        return Sprite(make_bar_texture(self._key.child("bark"), palette))

    @cached_property
    def _boulder(self) -> Sprite:
        key = self._key.child("boulder")
        hue = self._hue + HUES // 2 + key.integer(-200, 200)
        palette = make_palette([mix_hsv(hue, 70, 45), mix_hsv(hue, 60, 120), mix_hsv(hue, 40, 190)])
        return Sprite(make_blob_texture(key.child("shape"), key.child("look"), palette))

    def _occluder_sprite(self, occluder: Occluder) -> Sprite:
        return self._post if occluder.post else self._boulder

    @cached_property
    def _clutter(self) -> Mask:
        config = self.config
        return make_clutter_mask(
            self._key, config.height + 2 * PAN_MARGIN + 1, config.width + 2 * PAN_MARGIN + 1, config.background_clutter
        )

    @cached_property
    def _backdrop(self) -> npt.NDArray[np.uint8]:
        clutter = self._clutter
        return paint_backdrop(self._key.child("backdrop"), clutter, self._target_palette)

    # Geometry

    def _target_alpha(self, state: FrameState) -> tuple[Integers, Window]:
        window = state.target.window
        return self._target.sample(state.target, window, alpha_only=True), window

    def _clip(self, window: Window) -> Window:
        left, top, right, bottom = window
        width, height = self.config.width, self.config.height
        return (
            min(max(left, 0), width),
            min(max(top, 0), height),
            min(max(right, 0), width),
            min(max(bottom, 0), height),
        )

    def _visible_part(self, state: FrameState, full: Mask, window: Window) -> tuple[Mask, Window, int]:
        """The target's unhidden pixels inside the image, the window they are in, and how many are inside at all."""
        part = self._clip(window)
        left, top, right, bottom = part
        cut = full[top - window[1] : bottom - window[1], left - window[0] : right - window[0]].copy()
        inside = int(cut.sum())
        for occluder in state.occluders:
            if inside and _meet(occluder.pose.window, part):
                alpha = self._occluder_sprite(occluder).sample(occluder.pose, part, alpha_only=True)
                cut &= alpha < _OPAQUE
        return cut, part, inside

    @cached_property
    def _geometry(self) -> tuple[Boxes, npt.NDArray[np.int64]]:
        """Full boxes (T, 4), and pixels (T, 3): of the full target, inside the image, visible."""
        boxes = np.empty((len(self), 4))
        areas = np.empty((len(self), 3), dtype=np.int64)
        for index in range(len(self)):
            state = self._state(index)
            alpha, window = self._target_alpha(state)
            full = alpha >= _OPAQUE
            boxes[index] = _full_box(full, window)
            cut, _, inside = self._visible_part(state, full, window)
            areas[index] = int(full.sum()), inside, int(cut.sum())
        boxes.setflags(write=False)
        areas.setflags(write=False)
        return boxes, areas

    @cached_property
    def boxes(self) -> Boxes:
        """(T, 4) float64 `xywh`, pixels, 0-based: tight around the full target; NaN where it is out of the image."""
        boxes, areas = self._geometry
        result = boxes.copy()
        result[areas[:, 1] == 0] = np.nan
        result.setflags(write=False)
        return result

    @cached_property
    def visible_fraction(self) -> npt.NDArray[np.float64]:
        """(T,) visible pixels over pixels of the full target."""
        areas = self._geometry[1]
        fraction: npt.NDArray[np.float64] = areas[:, 2] / areas[:, 0]
        fraction.setflags(write=False)
        return fraction

    @property
    def visible(self) -> Mask:
        """(T,) whether any pixel of the target can be seen."""
        return self.visible_fraction > 0.0

    @cached_property
    def attributes(self) -> dict[str, npt.NDArray[np.float64]]:
        """(T,) strength in [0, 1] of each attribute; `siamcar.synthetic.attributes` says how each is measured."""
        states = [self._state(index) for index in range(len(self))]
        return compute_attributes(self.config, states, *self._geometry, self._clutter)

    @cached_property
    def attribute_names(self) -> frozenset[str]:
        """The attributes that at least one frame shows (`siamcar.synthetic.attributes.THRESHOLDS`)."""
        return find_attributes(self.attributes)

    def box(self, index: int) -> Boxes:
        """(4,) `xywh` box of one frame, as in `boxes`, without measuring the others.

        Raises:
            IndexError: no such frame.
        """
        state = self._state(index)
        alpha, window = self._target_alpha(state)
        full = alpha >= _OPAQUE
        if not self._visible_part(state, full, window)[2]:
            return np.full(4, np.nan)
        return _full_box(full, window)

    def mask(self, index: int) -> Mask:
        """(H, W) the pixels of the target that are inside the image and not hidden.

        Raises:
            IndexError: no such frame.
        """
        state = self._state(index)
        alpha, window = self._target_alpha(state)
        cut, (left, top, right, bottom), _ = self._visible_part(state, alpha >= _OPAQUE, window)
        result = np.zeros((self.config.height, self.config.width), dtype=np.bool_)
        result[top:bottom, left:right] = cut
        return result

    # Pixels

    def read(self, index: int) -> Frame:
        """Draw frame `index`: (H, W, 3) uint8, BGR.

        Raises:
            IndexError: no such frame.
        """
        state = self._state(index)
        image = self._view(state.pan)
        for sprite, pose in zip(self._movers, state.movers, strict=True):
            self._draw(image, sprite, pose)
        for sprite, pose in zip(self._distractors, state.distractors, strict=True):
            self._draw(image, sprite, pose)
        self._draw(image, self._target, state.target)
        for occluder in state.occluders:
            self._draw(image, self._occluder_sprite(occluder), occluder.pose)
        image = _blur(image, state.blur)
        if state.gain != (1.0, 1.0, 1.0):
            gain = np.array([int(factor * 128.0 + 0.5) for factor in state.gain], dtype=np.uint16)
            scaled: Image = image * gain  # at most 255 · 256
            image = scaled >> np.uint16(7)
        offset = self._key.child("grain")
        dx, dy = offset.integer(0, _GRAIN, 2 * index), offset.integer(0, _GRAIN, 2 * index + 1)
        grain = _make_grain(self.config.height + _GRAIN, self.config.width + _GRAIN)
        noise = grain[dy : dy + self.config.height, dx : dx + self.config.width]
        return np.asarray(np.clip(image.view(np.int16) + noise, 0, 255), dtype=np.uint8)

    def _view(self, pan: tuple[int, int]) -> Image:
        """The backdrop as the camera sees it, interpolated to 1/16 pixel."""
        (x, fx), (y, fy) = divmod(pan[0], PAN_UNIT), divmod(pan[1], PAN_UNIT)
        cut = self._backdrop[y : y + self.config.height + 1, x : x + self.config.width + 1].astype(np.uint16)
        down: Image = cut[:-1] * np.uint16(PAN_UNIT - fy) + cut[1:] * np.uint16(fy)
        across: Image = down[:, :-1] * np.uint16(PAN_UNIT - fx) + down[:, 1:] * np.uint16(fx)  # at most 255 · 256
        view: Image = across >> np.uint16(8)
        return view

    def _draw(self, image: Image, sprite: Sprite, pose: Pose) -> None:
        reach = (pose.half_width + pose.half_height) / 16.0
        offset = (int(reach) + 1, int(1.5 * reach) + 1)
        left, top, right, bottom = pose.window
        # What the border cuts off can still throw a shadow into the image.
        window = (
            max(left, -offset[0]),
            max(top, -offset[1]),
            min(right, self.config.width),
            min(bottom, self.config.height),
        )
        if window[0] >= window[2] or window[1] >= window[3]:
            return
        patch = sprite.sample(pose, window)
        draw_shadow(image, patch, window, offset)
        draw_patch(image, patch, window)


@lru_cache(maxsize=4)
def _make_grain(height: int, width: int) -> npt.NDArray[np.int16]:
    """Sensor noise of -4 … 4, bell-shaped: the sum of the four base-five digits of a random number.

    Scenes of one size share it; every frame of each takes it from another place.
    """
    number = np.arange(625, dtype=np.int64)
    bell = np.clip(number % 5 + number // 5 % 5 + number // 25 % 5 + number // 125 - 8, -4, 4).astype(np.int16)
    grain: npt.NDArray[np.int16] = bell[Key(0).child("grain").integers(0, 625, (height, width, 1))]
    grain.setflags(write=False)
    return grain


def _full_box(full: Mask, window: Window) -> Boxes:
    box = mask_to_box(full)
    box[:2] += window[:2]
    return box


def _meet(first: Window, second: Window) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _blur(image: Image, smear: tuple[float, float]) -> Image:
    """The mean of copies of the image along the smear, centred; the border is repeated outwards."""
    shifts = []
    for tap in range(_BLUR_TAPS):
        share = (tap + 0.5) / _BLUR_TAPS - 0.5
        shifts.append((int(np.floor(smear[0] * share + 0.5)), int(np.floor(smear[1] * share + 0.5))))
    margin = max(max(abs(dx), abs(dy)) for dx, dy in shifts)
    if margin == 0:
        return image
    height, width = image.shape[:2]
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    total: Image = np.full(image.shape, _BLUR_TAPS // 2, dtype=np.uint16)
    for dx, dy in shifts:
        total += padded[margin + dy : margin + dy + height, margin + dx : margin + dx + width]
    mean: Image = total >> np.uint16(4)  # by the number of taps
    return mean
