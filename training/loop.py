"""The training loop: steps, checkpoints, validation, and an end that can be gone on from.

Everything that a step depends on is a function of its number (which pairs, which rate, which phase) or lies in the
checkpoint (weights, optimiser, running mean, generators), so that a run that was killed and resumed ends with the
same weights as one that was not: bit for bit on the CPU with the same number of threads.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import safetensors.torch
import torch
from torch import Tensor, nn

from siamcar.errors import ResultsError, SiamCARError, import_extra
from siamcar.files import write_atomic
from siamcar.model.head import Maps
from siamcar.model.network import SiamCAR
from training.checkpoints import find_checkpoints, get_rng_state, read_checkpoint, set_rng_state, write_checkpoint
from training.compute import prepare_for_training
from training.export import make_network, write_trained
from training.feed import Batch, PairSource, StepSampler, make_loader
from training.losses import Losses, compute_losses
from training.meter import Meter
from training.metrics_log import MetricsLog
from training.recipe import Recipe, count_steps
from training.recipe_files import build_recipe
from training.schedule import compute_rate
from training.setup import RunningMean, build_network, build_optimizer, set_phase
from training.targets import Targets, make_targets

__all__ = ["Listener", "LoopSettings", "Outcome", "Trainer", "Validate"]

Validate = Callable[[SiamCAR], Mapping[str, float]]
"""Tracks with a network in evaluation mode and returns numbers; the one named "score" (higher is better) counts."""


@dataclass(frozen=True)
class LoopSettings:
    """What a run does beside training. No number that it ends with depends on it, but for rounding.

    Attributes:
        out: folder of the run.
        device: "auto" (a GPU where there is one, or what the launcher says) or "cpu".
        workers: processes that make pairs, for each process that trains; 0 makes pairs in that one.
        log_every, save_every, pictures_every: steps between lines of the log, checkpoints and pictures (0: none).
        keep: checkpoints that stay.
        tensorboard: write event files too.
        compiled: compute with compiled kernels where they can be had; rounds differently.
        details: what the run's files shall say about it beyond the recipe, such as where the data lay.
    """

    out: Path
    device: str = "auto"
    workers: int = 1
    log_every: int = 20
    save_every: int = 500
    pictures_every: int = 500
    keep: int = 2
    tensorboard: bool = False
    compiled: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


class Listener(Protocol):
    """Shows how a run goes on."""

    def on_start(self, step: int, total: int) -> None:
        """The loop starts at `step` of `total`."""
        ...

    def on_log(self, step: int, values: Mapping[str, Any]) -> None:
        """A line of the log; see `docs/training.md` for its numbers."""
        ...

    def on_validation(self, step: int, values: Mapping[str, float], best: bool) -> None:
        """Numbers of a validation, and whether they are the best so far."""
        ...

    def on_note(self, text: str) -> None:
        """Something worth a line."""
        ...


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        step: steps done.
        finished: False where it was interrupted; a checkpoint of `step` is there.
        weights: the weights at the end; None where it was interrupted.
        best: weights of the best validation; None without validation.
        best_score: its score.
        faults: what of the data could not be used since this process began, over all processes: source → reason →
            how often.
    """

    step: int
    finished: bool
    weights: Path | None
    best: Path | None
    best_score: float | None
    faults: Mapping[str, Mapping[str, int]] = MappingProxyType({})


class _Wrapped(nn.Module):
    """The network as a distributed wrapper takes it: a new one a phase, plain tuples out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, template: Tensor, search: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        cls, loc, cen = self.network(template, search)
        return cls, loc, cen


def _check_data(before: Any, now: Any) -> None:
    """Refuse to go on with other data; a run that did not note its content yet is believed.

    Raises:
        ResultsError: a source holds something else now.
    """
    for old, new in zip(before or (), now or (), strict=False):
        if None in (expected := old.get("content"), found := new.get("content")) or expected == found:
            continue
        raise ResultsError(
            f"The source {new['source']} has changed since the checkpoint was written: expected {old['videos']} videos "
            f"with the content {expected}, found {new['videos']} with {found}.",
            "Put the data back as it was, or train in a new folder.",
        )


class Trainer:
    """A training run in a folder.

    Args:
        recipe: what to train, and how.
        pairs: the data.
        settings: where to, and what is written on the way.
        validate: tracks on small benchmarks; called as often as the recipe says.
        listener: shows progress.
        going_on: `resume` follows, and a checkpoint brings all weights: the initial ones are not read.

    Raises:
        MissingExtraError: accelerate is not installed.
        ConfigError, WeightsError: the recipe cannot be started; see `training.setup.build_network`.
    """

    def __init__(
        self,
        recipe: Recipe,
        pairs: PairSource,
        settings: LoopSettings,
        *,
        validate: Validate | None = None,
        listener: Listener | None = None,
        going_on: bool = False,
    ) -> None:
        accelerate = import_extra("accelerate", extra="train", purpose="training")
        utils = import_extra("accelerate.utils", extra="train", purpose="training")
        from datetime import timedelta

        self.recipe, self.settings = recipe, settings
        self._pairs, self._validate, self._listener = pairs, validate, listener
        network = build_network(recipe, initial=not going_on)
        self._waiting = going_on
        # Others wait while the first process validates; the libraries' own patience is ten minutes.
        patience = utils.InitProcessGroupKwargs(timeout=timedelta(hours=6))
        self.accelerator = accelerate.Accelerator(
            cpu=settings.device == "cpu",
            mixed_precision="no" if recipe.precision == "fp32" else recipe.precision,
            kwargs_handlers=[patience],
        )
        self.device: torch.device = self.accelerator.device
        self.network = network.to(self.device)
        self.optimizer = self.accelerator.prepare_optimizer(build_optimizer(self.network, recipe))
        self.mean = RunningMean(self.network, recipe.ema) if recipe.ema is not None else None
        grid = self.network.grid
        offset = grid.offset if recipe.loss.grid_offset is None else recipe.loss.grid_offset
        cells = torch.arange(grid.size, dtype=torch.float32, device=self.device)
        self.coordinates = offset + grid.stride * cells
        self._frozen: bool | None = None
        self._net: nn.Module = self.network
        self._step = 0
        self._validated = 0
        self._numbers: dict[str, float] = {}
        self._best: float | None = None
        self._asked = False  # this process was asked to stop
        self._stop = False  # all processes agree to

    # ------------------------------------------------------------------ going on

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.settings.out / "checkpoints"

    def resume(self) -> int:
        """Take up the newest checkpoint of the folder; returns its step, 0 where there is none yet.

        Raises:
            DataError: the checkpoint is damaged.
            ResultsError: it belongs to another recipe, the data has changed since, or processes found others.
        """
        found = find_checkpoints(self.checkpoints)
        if found:
            self._take_up(found)
        self._agree_on_step()
        if self._waiting:
            raise ResultsError(f"{self.checkpoints} holds no checkpoint any more.", "Give the folder of the run.")
        return self._step

    def _agree_on_step(self) -> None:
        if self.accelerator.num_processes == 1:
            return
        step = torch.tensor([self._step], device=self.device)
        steps: list[int] = self.accelerator.gather(step).tolist()
        if len(set(steps)) > 1:
            raise ResultsError(
                "The processes should go on from one checkpoint; in "
                f"{self.checkpoints} they found those of the steps {', '.join(map(str, steps))}.",
                "Put the folder of the run on a disk that all machines share.",
            )

    def _take_up(self, found: list[Path]) -> None:
        state = read_checkpoint(found[-1])
        if build_recipe(state["recipe"], source=str(found[-1])) != self.recipe:
            raise ResultsError(
                f"{found[-1]} was written with another recipe.", "Resume the folder as it is, or train in a new one."
            )
        _check_data(state["details"].get("data"), self.settings.details.get("data"))
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.mean is not None:
            self.mean.load_state_dict(state["mean"])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        set_rng_state(state["rng"])
        self._step, self._validated, self._best = state["step"], state["validated"], state["best"]
        self._numbers = state["numbers"]
        self._waiting = False

    def _save(self) -> None:
        if not self.accelerator.is_main_process:
            return
        scaler = self.accelerator.scaler
        write_checkpoint(
            self.checkpoints,
            self._step,
            {
                "recipe": self.recipe.model_dump(mode="json"),
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "mean": self.mean.state_dict() if self.mean is not None else None,
                "scaler": scaler.state_dict() if scaler is not None else None,
                "rng": get_rng_state(),
                "validated": self._validated,
                "numbers": self._numbers,
                "details": dict(self.settings.details),
                "best": self._best,
            },
            keep=self.settings.keep,
        )

    # ------------------------------------------------------------------ the loop

    def run(self) -> Outcome:
        """Train to the end, or until Ctrl-C or SIGTERM asks to stop after the step at hand.

        Raises:
            SiamCARError: the loss exploded or is not a number; the batch is saved.
            KeyboardInterrupt: asked to stop a second time, or in the middle of a validation.
        """
        if self._waiting:
            raise ResultsError("This run goes on from a checkpoint, which was not taken up.", "Call resume first.")
        settings, total = self.settings, self.recipe.total_steps
        with contextlib.ExitStack() as stack:
            log = None
            if self.accelerator.is_main_process:
                log = stack.enter_context(MetricsLog(settings.out, self._step, tensorboard=settings.tensorboard))
            stack.enter_context(self._heed_signals())
            if self._listener is not None:
                self._listener.on_start(self._step, total)
            meter = Meter(self.recipe.batch_size)
            batches = iter(self._make_loader())
            while True:
                self._validate_if_due(log)
                if self._step >= total or self._stop:
                    break
                self._enter_phase()
                started = time.perf_counter()
                batch = next(batches).to(self.device)
                waited = time.perf_counter() - started
                losses, norm, maps, targets = self._train_step(batch)
                self._step += 1
                meter.add(losses, norm, waited, time.perf_counter() - started)
                self._write_progress(log, meter, batch, maps, targets)
                if self.accelerator.num_processes == 1:
                    self._stop = self._asked
                if self._step % settings.save_every == 0 or self._stop or self._step == total:
                    self._save()
            faults = self._count_faults()
            if log is not None and faults:
                log.add("faults", self._step, faults)
        finished = self._step >= total and not self._stop  # a last validation is still due otherwise
        outcome = self._finish() if finished else Outcome(self._step, False, None, *self._find_best())
        return outcome._replace(faults=faults)

    def _count_faults(self) -> dict[str, dict[str, int]]:
        """What could not be used since the process began: source → reason → how often, over all processes."""
        utils = import_extra("accelerate.utils", extra="train", purpose="training")
        total: dict[str, Counter[str]] = {}
        for counts in utils.gather_object([self._pairs.count_faults()]):
            for source, found in counts.items():
                total.setdefault(source, Counter()).update(found)
        return {source: dict(found) for source, found in total.items()}

    def _make_loader(self) -> Any:
        recipe, accelerator = self.recipe, self.accelerator
        sampler = StepSampler(
            self._step,
            recipe.total_steps,
            recipe.steps_per_epoch,
            recipe.pairs.pairs_per_epoch,
            recipe.batch_size,
            accelerator.process_index,
            accelerator.num_processes,
        )
        return make_loader(self._pairs, sampler, workers=self.settings.workers, pin=self.device.type == "cuda")

    def _enter_phase(self) -> None:
        """Freeze or unfreeze the backbone where the step asks for it."""
        frozen = self._step < self.recipe.frozen_steps
        if frozen == self._frozen:
            return
        if self._listener is not None and self._frozen is not None:
            self._listener.on_note(f"Step {self._step}: the backbone is trained from here on.")
        self._frozen = frozen
        set_phase(self.network, self.recipe.backbone, frozen=frozen)
        # A distributed wrapper notes once which parameters have gradients, so every phase gets a new one.
        fast = prepare_for_training(self.network, compiled=self.settings.compiled)
        self._net = self.accelerator.prepare_model(_Wrapped(fast))

    def _train_step(self, batch: Batch) -> tuple[Losses, Tensor, Maps, Targets]:
        recipe, accelerator = self.recipe, self.accelerator
        rate = recipe.optimizer.lr * self._rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        maps = Maps(*self._net(batch.template.float(), batch.search.float()))
        targets = self.make_targets(batch)
        losses = compute_losses(maps, targets, recipe.loss)
        self._check(losses.total, batch, "loss", limit=recipe.stop_at_loss)
        accelerator.backward(losses.total)
        # Without a limit they stay as they are; their norm is wanted all the same.
        norm = accelerator.clip_grad_norm_(self.network.parameters(), recipe.optimizer.clip or math.inf)
        if recipe.precision != "fp16":  # there the scaler finds gradients that overflow, and lowers its scale
            self._check(norm, batch, "norm of the gradients")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.mean is not None:
            self.mean.update(self.network)
        return losses, norm, maps, targets

    def make_targets(self, batch: Batch) -> Targets:
        """What the network should say about a batch, by the recipe."""
        # Boxes are continuous; the grid counts pixel indices, half a pixel less.
        return make_targets(batch.box - 0.5, batch.present, self.coordinates, self.recipe.loss.central_share)

    def try_step(self, step: int, batch: Batch) -> Losses:
        """Train on a batch as if it were that of a step of the run, to see what it costs; the weights change."""
        self._step = step
        self._enter_phase()
        return self._train_step(batch.to(self.device))[0]

    def _rate(self) -> float:
        recipe = self.recipe
        return compute_rate(recipe.schedule, self._step, epochs=recipe.epochs, steps_per_epoch=recipe.steps_per_epoch)

    def _check(self, value: Tensor, batch: Batch, what: str, limit: float = math.inf) -> None:
        """Stop all processes before a step that would spoil the weights; agree on a wish to stop, too."""
        number = float(value.detach())
        bad = not math.isfinite(number) or number > limit
        anywhere = bad
        if self.accelerator.num_processes > 1:
            flags = torch.tensor([float(bad), float(self._asked)], device=self.device)
            flags = self.accelerator.reduce(flags, reduction="sum")
            anywhere, self._stop = bool(flags[0] > 0), bool(flags[1] > 0)
        if not anywhere:
            return
        allowed = "a finite number" if math.isinf(limit) else f"a number up to {limit:g} (stop_at_loss)"
        found = f"the {what} of another process is out of bounds"
        if bad:
            several = self.accelerator.num_processes > 1
            rank = f"_rank_{self.accelerator.process_index}" if several else ""
            path = self.settings.out / f"failed_step_{self._step:08d}{rank}.safetensors"
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in batch._asdict().items()}
            write_atomic(path, safetensors.torch.save(tensors, metadata={what: str(number)}))
            found = f"the {what} is {number:g}; the batch is in {path}"
        raise SiamCARError(
            f"At step {self._step} {found}. Expected {allowed}. The weights were not touched by it.",
            "Look at the batch; lower optimizer.lr, lengthen schedule.warmup or lower optimizer.clip, then train in a "
            "new folder.",
        )

    def _write_progress(self, log: MetricsLog | None, meter: Meter, batch: Batch, maps: Maps, targets: Targets) -> None:
        settings = self.settings
        if self._step % settings.log_every == 0 or self._step == self.recipe.total_steps:
            values = meter.read(self.accelerator)
            rates = {f"lr_{group['part']}": float(group["lr"]) for group in self.optimizer.param_groups}
            left = (self.recipe.total_steps - self._step) * self.recipe.batch_size / values["pairs_per_second"]
            epoch = self._step / self.recipe.steps_per_epoch
            values = {"epoch": round(epoch, 4), **values, **rates, "seconds_left": round(left)}
            if log is not None:
                log.add("train", self._step, values)
            if self._listener is not None:
                self._listener.on_log(self._step, values)
        every = settings.pictures_every
        if log is not None and settings.tensorboard and every and self._step % every == 0:
            from training.preview import draw_batch

            log.add_picture("pairs", self._step, draw_batch(batch, targets, maps, self.coordinates))

    # ------------------------------------------------------------------ validation and the end

    def make_shadow(self) -> SiamCAR:
        """A copy of the network in evaluation mode, with the running mean of the weights where there is one."""
        weights = self.mean.weights() if self.mean is not None else self.network.state_dict()
        return make_network(self.recipe, weights).to(self.device)

    def _validate_if_due(self, log: MetricsLog | None) -> None:
        every = self.recipe.validation.every
        if self._validate is None or every is None or self._step == self._validated or self._stop:
            return
        span = max(count_steps(every, self.recipe.steps_per_epoch), 1)
        if self._step % span != 0 and self._step != self.recipe.total_steps:
            return
        self._save()  # whoever stops the run while it validates loses nothing
        if self.accelerator.is_main_process:
            random_state = get_rng_state()
            shadow = self.make_shadow()
            self._interruptible = True
            self._numbers = numbers = dict(self._validate(shadow))
            self._interruptible = False
            set_rng_state(random_state)
            best = math.isfinite(numbers["score"]) and (self._best is None or numbers["score"] > self._best)
            if best:
                self._best = numbers["score"]
                self._export(shadow, "best.safetensors", numbers)
            if log is not None:
                log.add("validation", self._step, {**numbers, "best": best})
            if self._listener is not None:
                self._listener.on_validation(self._step, numbers, best)
        self._validated = self._step
        self._save()
        self.accelerator.wait_for_everyone()

    def _finish(self) -> Outcome:
        weights = self.settings.out / "model.safetensors"
        if self.accelerator.is_main_process:
            self._export(self.make_shadow(), weights.name, self._numbers if self._validated == self._step else {})
        self.accelerator.wait_for_everyone()
        return Outcome(self._step, True, weights, *self._find_best())

    def _find_best(self) -> tuple[Path | None, float | None]:
        best = self.settings.out / "best.safetensors"
        return (best, self._best) if self._best is not None else (None, None)

    def _export(self, shadow: SiamCAR, name: str, numbers: Mapping[str, float]) -> None:
        details = {"validation": dict(numbers), **self.settings.details}
        write_trained(shadow, self.settings.out / name, self.recipe, step=self._step, details=details)

    # ------------------------------------------------------------------ signals

    _interruptible = False

    @contextlib.contextmanager
    def _heed_signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the run after the step at hand, with a checkpoint; a second one ends it at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask_to_stop(_number: int, _frame: object) -> None:
            if self._asked or self._interruptible:
                raise KeyboardInterrupt
            self._asked = True

        old = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
