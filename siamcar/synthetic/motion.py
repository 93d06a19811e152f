"""How a scene moves: every pose, the camera and the light as functions of the scene's configuration and the time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from siamcar.synthetic.exact import Key, clamp, smoothstep, spline
from siamcar.synthetic.settings import SceneConfig
from siamcar.synthetic.sprite import Pose

__all__ = ["CYCLE", "PAN_MARGIN", "PAN_UNIT", "FrameState", "Motion", "Occluder"]

CYCLE = 50
"""Frames of a cycle: occlusion, out of view, bursts of speed and of blur come once in each."""

PAN_MARGIN = 40
"""The camera pans by less than this many pixels to each side."""

PAN_UNIT = 16
"""Steps of the camera in a pixel."""

_MOVERS = 2  # passers-by that look unlike the target


@dataclass(frozen=True, slots=True)
class Occluder:
    """Something that passes in front of the target: a `post` as tall as the frame, or a blob."""

    pose: Pose
    post: bool


@dataclass(frozen=True, slots=True)
class FrameState:
    """Everything that changes from frame to frame.

    Attributes:
        target: pose of the target.
        distractors: poses of the objects that look like it.
        movers: poses of the objects that do not.
        occluders: what may hide it.
        pan: top-left corner of the view on the backdrop, x and y, in 1/`PAN_UNIT` pixels.
        gain: brightness factor of blue, green, red, 1 is unchanged.
        blur: the smear of motion blur, x and y, in pixels.
    """

    target: Pose
    distractors: tuple[Pose, ...]
    movers: tuple[Pose, ...]
    occluders: tuple[Occluder, ...]
    pan: tuple[int, int]
    gain: tuple[float, float, float]
    blur: tuple[float, float]


def _mix(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _factor(change: float) -> float:
    """1 + change upwards, its inverse downwards: equally strong both ways."""
    return 1.0 + change if change >= 0.0 else 1.0 / (1.0 - change)


class Motion:
    """The motion of one scene.

    Args:
        config: what the scene shall show.
    """

    def __init__(self, config: SceneConfig) -> None:
        self._config = config
        self._key = Key(config.seed).child("motion")
        self._keys: dict[str, Key] = {}
        short = min(config.width, config.height)
        size = _mix(short * 0.24, 14.5, config.low_resolution) * self._key.between(0.9, 1.12, 0)
        width_share = self._key.between(0.84, 1.2, 1)
        self._half_width = max(size * width_share, 14.0) / 2.0
        self._half_height = max(size / width_share, 14.0) / 2.0
        self._largest = 0.4 * short  # no half diagonal of the target exceeds this
        self.state = lru_cache(maxsize=256)(self._state)
        self._occluder_course = lru_cache(maxsize=64)(self._plan_occluder)

    def _key_of(self, label: str) -> Key:
        key = self._keys.get(label)
        if key is None:
            key = self._keys[label] = self._key.child(label)
        return key

    def _path(self, label: str, time: float, period: float, *, from_zero: bool = False) -> float:
        return spline(self._key_of(label), time, period, from_zero=from_zero)

    def _pulse(self, label: str, time: float, *, ramp: float, hold: tuple[float, float]) -> float:
        """0, and once in each cycle up to 1 and back; 0 for the first ten frames of a cycle."""
        cycle = int(time // CYCLE)
        key = self._key_of(label)
        length = 2.0 * ramp + key.between(*hold, 2 * cycle)
        start = key.between(10.0, CYCLE - length, 2 * cycle + 1)
        since = time - cycle * CYCLE - start
        return smoothstep(since / ramp) * smoothstep((length - since) / ramp)

    def _shape(self, time: float) -> Pose:
        """Size, rotation and deformation of the target; its place is still open."""
        config = self._config
        scale = _factor(1.5 * config.scale_variation * self._path("scale", time, 28.0, from_zero=True))
        scale *= _factor(0.06 * self._path("breath", time, 30.0, from_zero=True))
        stretch = _factor(0.95 * config.aspect_change * self._path("aspect", time, 24.0, from_zero=True))
        # ±0.6 turns are the strongest; a little sway is always there.
        turns = 0.6 * config.rotation * self._path("rotation", time, 26.0, from_zero=True)
        turns += 0.012 * self._path("sway", time, 18.0, from_zero=True)
        jelly = config.deformation
        pose = Pose(
            0.0,
            0.0,
            self._half_width * scale * stretch,
            self._half_height * scale / stretch,
            turns,
            bend=0.55 * jelly * self._path("bend", time, 13.0, from_zero=True) if jelly else 0.0,
            sway=0.3 * jelly * self._path("bow", time, 15.0, from_zero=True) if jelly else 0.0,
            swell=0.14 * jelly * self._path("swell", time, 11.0, from_zero=True) if jelly else 0.0,
            phase=time / 21.0,
        )
        excess = max(*pose.reach) / self._largest
        if excess > 1.0:
            pose = replace(pose, half_width=pose.half_width / excess, half_height=pose.half_height / excess)
        return pose

    def _place(self, pose: Pose, across: float, down: float) -> Pose:
        """Put a pose into the frame: -1 … 1 from border to border, always wholly inside."""
        reach_x, reach_y = pose.reach
        room_x = max(self._config.width / 2.0 - reach_x - 2.0, 0.0)
        room_y = max(self._config.height / 2.0 - reach_y - 2.0, 0.0)
        return replace(pose, x=self._config.width / 2.0 + room_x * across, y=self._config.height / 2.0 + room_y * down)

    def _target_inside(self, time: float) -> Pose:
        """The target's pose but for its leaving the view."""
        speed = self._config.fast_motion
        travel = 0.9 * (1.0 - 0.45 * self._config.low_resolution)  # small targets go shorter ways
        across, down = travel * self._path("across", time, 24.0), travel * self._path("down", time, 28.0)
        if speed:
            burst = self._pulse("burst", time, ramp=4.0, hold=(14.0, 24.0)) * clamp(0.25 + 0.75 * speed)
            period = 16.0 - 9.0 * speed
            across = _mix(across, self._path("dash_x", time, period), burst)
            down = _mix(down, self._path("dash_y", time, period * 1.15), burst)
        return self._place(self._shape(time), across, down)

    def _target(self, time: float) -> Pose:
        pose = self._target_inside(time)
        leaving = self._config.out_of_view
        if not leaving:
            return pose
        away = self._pulse("away", time, ramp=12.0, hold=(5.0, 10.0))
        left = self._key_of("side").bits(int(time // CYCLE)) & 1
        reach = pose.reach[0] + 3.0
        hidden = -reach if left else self._config.width + reach
        edge = reach if left else self._config.width - reach
        return replace(pose, x=_mix(pose.x, _mix(edge, hidden, leaving), away))

    def _plan_occluder(self, cycle: int) -> tuple[float, float, float, Pose, bool]:
        """When it meets the target, at which x, its speed in pixels a frame, its pose then, whether it is a post."""
        key = self._key_of("occluder").child(cycle)
        strength = self._config.occlusion
        meeting = cycle * CYCLE + key.between(24.0, 40.0, 0)
        target, start = self._target_inside(meeting), self._target_inside(0.0)
        reach_x, reach_y = target.reach
        post = key.integer(0, 2, 1) == 0
        wide = reach_x * _mix(0.3, 1.25, strength)
        high = self._config.height * 0.75 if post else max(reach_y * _mix(0.5, 1.3, strength), wide)
        pose = Pose(
            target.x,
            self._config.height / 2.0 if post else target.y,
            wide,
            high,
            turns=key.between(-0.012, 0.012, 2) if post else 0.0,
        )
        speed = key.between(4.5, 6.5, 3) * self._config.width / 320.0
        # It comes from the far side, seen from where the target is at first, so that the first frame is free.
        speed = max(speed, (start.reach[0] + pose.reach[0] + 4.0) / meeting)
        return meeting, target.x, speed if start.x >= target.x else -speed, pose, post

    def _occluders(self, time: float) -> tuple[Occluder, ...]:
        if not self._config.occlusion:
            return ()
        found = []
        cycle = int(time // CYCLE)
        for near in range(max(cycle - 1, 0), cycle + 2):
            meeting, x, speed, pose, post = self._occluder_course(near)
            moved = replace(pose, x=x + speed * (time - meeting))
            if -moved.reach[0] < moved.x < self._config.width + moved.reach[0]:
                found.append(Occluder(moved, post))
        return tuple(found)

    def _distractors(self, time: float, target: Pose) -> tuple[Pose, ...]:
        strength = self._config.distractors
        found = []
        for n in range(int(4.0 * strength + 0.999)):
            grown = self._key_of("grown").between(0.88, 1.12, n)
            pose = replace(
                self._shape(time),
                half_width=target.half_width * grown,
                half_height=target.half_height * grown,
                turns=target.turns * 0.5 + 0.06 * self._path(f"d{n}t", time, 20.0),
                phase=target.phase + 0.29 * (n + 1),
            )
            own = self._place(pose, self._path(f"d{n}x", time, 30.0), self._path(f"d{n}y", time, 34.0))
            orbit_x = target.x + 3.6 * target.half_width * self._path(f"d{n}ox", time, 24.0)
            orbit_y = target.y + 3.6 * target.half_height * self._path(f"d{n}oy", time, 27.0)
            pull = 0.25 + 0.55 * strength
            found.append(replace(own, x=_mix(own.x, orbit_x, pull), y=_mix(own.y, orbit_y, pull)))
        return tuple(found)

    def _movers(self, time: float) -> tuple[Pose, ...]:
        found = []
        for n in range(_MOVERS):
            key = self._key_of("movers").child(n)
            pose = Pose(
                0.0,
                0.0,
                self._half_width * key.between(0.6, 1.1, 0),
                self._half_height * key.between(0.6, 1.1, 1),
                0.05 * self._path(f"m{n}t", time, 20.0),
            )
            found.append(self._place(pose, 1.2 * self._path(f"m{n}x", time, 45.0), self._path(f"m{n}y", time, 60.0)))
        return tuple(found)

    def _gain(self, time: float) -> tuple[float, float, float]:
        strength = self._config.illumination_variation
        if not strength:
            return 1.0, 1.0, 1.0
        overall = _factor(2.4 * strength * self._path("light", time, 22.0, from_zero=True))
        tint = 0.16 * strength * self._path("tint", time, 30.0, from_zero=True)
        return (
            clamp(overall * (1.0 + tint), 0.2, 2.0),
            clamp(overall, 0.2, 2.0),
            clamp(overall * (1.0 - tint), 0.2, 2.0),
        )

    def _blur(self, time: float, target: Pose) -> tuple[float, float]:
        strength = self._config.motion_blur
        if not strength:
            return 0.0, 0.0
        length = strength * 0.6 * (target.half_width + target.half_height)
        length *= self._pulse("shake", time, ramp=4.0, hold=(12.0, 22.0))
        x, y = self._path("shake_x", time, 14.0), self._path("shake_y", time, 17.0)
        norm = max(abs(x), abs(y), 0.05)
        return length * x / norm, length * 0.7 * y / norm

    def _state(self, index: int) -> FrameState:
        """What frame `index` shows."""
        time = float(index)
        target = self._target(time)
        pan = [0.96 * PAN_MARGIN * self._path(label, time, 50.0) for label in ("pan_x", "pan_y")]
        return FrameState(
            target=target,
            distractors=self._distractors(time, target),
            movers=self._movers(time),
            occluders=self._occluders(time),
            pan=(int((PAN_MARGIN + pan[0]) * PAN_UNIT + 0.5), int((PAN_MARGIN + pan[1]) * PAN_UNIT + 0.5)),
            gain=self._gain(time),
            blur=self._blur(time, target),
        )
