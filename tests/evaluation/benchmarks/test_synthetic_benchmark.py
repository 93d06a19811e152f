"""The synthetic benchmark as evaluation sees it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from evaluation.benchmarks.synthetic import SceneFrames, load_synthetic
from evaluation.sequence import FrameSource
from siamcar.errors import ConfigError
from siamcar.synthetic import Scene, SceneConfig


def test_benchmark() -> None:
    benchmark = load_synthetic(n_sequences=12, n_frames=60)
    assert (benchmark.name, benchmark.convention, benchmark.origin) == ("Synthetic", "otb", 0)
    assert len(benchmark) == 12
    assert not benchmark.missing
    for sequence in benchmark:
        assert isinstance(sequence.frames, SceneFrames)
        scene = Scene(sequence.frames.config)
        assert len(sequence) == 60
        np.testing.assert_array_equal(sequence.ground_truth, scene.boxes)
        np.testing.assert_array_equal(sequence.visible, scene.visible)
        assert sequence.attributes == scene.attribute_names
        assert set(sequence.frame_attributes) == set(scene.attributes)
        assert np.isfinite(sequence.ground_truth[0]).all()
    leaving = benchmark["synth_012_leaving"]
    assert "out_of_view" in leaving.attributes
    assert np.isnan(leaving.ground_truth).any()


def test_revision_says_whether_the_task_is_the_same() -> None:
    first, again = (load_synthetic(n_sequences=2, n_frames=10) for _ in range(2))
    assert first.revision == again.revision
    assert first.revision != load_synthetic(n_sequences=2, n_frames=11).revision
    assert first.revision != load_synthetic(n_sequences=2, n_frames=10, seed=2).revision


def test_frames_travel_light() -> None:
    frames = SceneFrames(SceneConfig(seed=4, occlusion=0.5, n_frames=20))
    assert isinstance(frames, FrameSource)
    assert frames.path(3) is None
    expected = frames.read(13)
    sent = pickle.dumps(frames)  # after textures were made
    assert len(sent) < 2000
    received = pickle.loads(sent)
    assert len(received) == 20
    assert (received.read(13) == expected).all()
    with pytest.raises(IndexError):
        frames.read(20)


def test_root_is_ignored_and_numbers_checked() -> None:
    assert len(load_synthetic("/nowhere", n_sequences=1, n_frames=2)) == 1
    with pytest.raises(ConfigError, match="at least one sequence"):
        load_synthetic(n_sequences=0)
