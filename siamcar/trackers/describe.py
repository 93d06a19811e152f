"""What a run needs to know about a tracker before it exists: a name for its folder, and what its results depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from siamcar.protocol import BatchTracker

__all__ = ["TrackerDescription", "described_by"]

Factory = TypeVar("Factory", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class TrackerDescription:
    """A tracker, told without making it.

    Attributes:
        label: name of its results folder unless the user gives one.
        identity: everything that its results depend on, as JSON values; equal identities give equal results.
    """

    label: str
    identity: dict[str, Any] = field(default_factory=dict)


def described_by(
    describe: Callable[[Mapping[str, Any]], TrackerDescription],
    further_options: tuple[str, ...] = (),
    batched: Callable[[Any, int | None], BatchTracker] | None = None,
) -> Callable[[Factory], Factory]:
    """Give a factory its `describe`, which gets the same options as a mapping.

    `describe` loads neither weights nor a deep-learning library. `further_options` names what the factory takes by
    its `**options`. `batched` makes of its tracker one that follows so many targets at once, or as many as there is
    memory for (None).
    """

    def attach(factory: Factory) -> Factory:
        factory.__dict__["describe"] = describe
        factory.__dict__["further_options"] = further_options
        factory.__dict__["batched"] = batched
        return factory

    return attach
