"""Errors: what they say, and that they survive a trip between processes."""

from __future__ import annotations

import pickle

import pytest

from siamcar.errors import MissingExtraError, SiamCARError, UnknownNameError, import_extra


def test_text_holds_message_and_hint() -> None:
    assert str(SiamCARError("Found a cat.", "Give a dog.")) == "Found a cat.\nGive a dog."
    assert str(SiamCARError("Found a cat.")) == "Found a cat."


def test_errors_can_be_pickled() -> None:
    error = UnknownNameError.of("tracker", "siamcra", ["siamcar", "static"])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is UnknownNameError
    assert (copy.message, copy.hint) == (error.message, error.hint)
    assert "Did you mean siamcar?" in copy.hint


def test_import_extra_names_the_extra() -> None:
    assert import_extra("json", extra="html", purpose="reading").loads("1") == 1
    with pytest.raises(MissingExtraError) as caught:
        import_extra("no_such_package_at_all", extra="video", purpose="writing videos")
    assert "writing videos" in caught.value.message
    assert "siamcar-suite[video]" in caught.value.hint
