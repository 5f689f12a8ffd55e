"""Checkpoints that a run can be resumed from exactly, and that a damaged file cannot spoil.

A checkpoint holds every variable of the model (the state of its random generators included) and of its optimizers
as plain arrays, the history so far, and the number of finished epochs. Together with a data order that depends on
(seed, epoch) alone (common/data/batches.py) that is all it takes: a resumed run ends with the same weights, bit for bit
on a CPU, as one that was never interrupted. Keras' own BackupAndRestore is not atomic and loses the random state.

The file name carries the first 16 hex digits of the SHA-256 of the content, so one rename publishes data and
check together. The newest two are kept.
"""

import hashlib
import io
import json
import sys
from typing import NamedTuple

import numpy as np

from common.errors import UserError
from common.files import atomic

KEEP = 2


class Progress(NamedTuple):
    """Where a run stands: epochs (or updates, see Run) finished, one dict for each, seconds spent in training."""

    epoch: int = 0
    history: tuple = ()
    seconds: float = 0.0


def _variables(model):
    """All variables that training changes: {name in the file: Keras variable}."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    optimizers = getattr(model, "optimizers", [model.optimizer])  # a GAN has two
    of_optimizers = [variable for optimizer in optimizers for variable in optimizer.variables]
    return {
        f"{part}/{index:04d}": variable
        for part, variables in (("model", model.variables), ("optimizer", of_optimizers))
        for index, variable in enumerate(variables)
    }


def save(folder, model, progress):
    """Write a checkpoint of `model` (compiled) and `progress` into `folder`; the oldest beyond two are removed.

    Raises UserError, and writes nothing, when a weight is not finite: such a checkpoint could not be resumed from.
    Raises OSError when the disk is full or not writable; the earlier checkpoints stay.
    """
    arrays = {name: variable.numpy() for name, variable in _variables(model).items()}
    for array in arrays.values():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise UserError(
                "the weights are no longer finite: lower the learning rate; "
                f"the last good checkpoint is kept in {folder}"
            )
    arrays["progress"] = np.array(json.dumps(progress))
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    content = buffer.getbuffer()
    digest = hashlib.sha256(content).hexdigest()[:16]
    path = folder / f"{progress.epoch:06d}-{digest}.npz"  # {6 or more digits}-{hash of what is in it}
    for left in folder.glob(".part-*"):  # by who was killed in this place: the next name is another
        left.unlink()
    with atomic(path) as part:
        part.write_bytes(content)
    # others of this epoch or a later one are damaged: restore() passed them over
    earlier = [old for old in _newest_first(folder) if _epoch_of(old) < progress.epoch]
    for old in {*_newest_first(folder)} - {path, *earlier[: KEEP - 1]}:
        old.unlink()


def _newest_first(folder):
    return sorted(folder.glob("[0-9]*-*.npz"), key=lambda path: (_epoch_of(path), path.name), reverse=True)


def _epoch_of(path):
    return int(path.name.partition("-")[0])


def _read(path):
    """The arrays of one checkpoint, or ValueError when the content is not what was written."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest()[:16] != path.stem.split("-")[1]:
        raise ValueError(f"{path} is damaged (its content does not match the SHA-256 in its name)")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def restore(folder, model):
    """Load the newest whole checkpoint into `model` (built and compiled) and return its Progress.

    A damaged checkpoint is passed over with a warning. Without any checkpoint the model is left alone and
    Progress() is returned. Raises UserError when all checkpoints are damaged or belong to another model.
    """
    paths = _newest_first(folder)
    for path in paths:
        try:
            arrays = _read(path)
        except (ValueError, OSError) as error:
            print(f"warning: {error}; trying the one before it", file=sys.stderr)
            continue
        progress = Progress(*json.loads(str(arrays.pop("progress"))))
        variables = _variables(model)
        if {name: tuple(v.shape) for name, v in variables.items()} != {n: a.shape for n, a in arrays.items()}:
            raise UserError(f"{path} belongs to another model: give the options of that run, or start without --resume")
        for name, variable in variables.items():
            variable.assign(arrays[name])
        return progress
    if paths:
        raise UserError(f"every checkpoint in {folder} is damaged: start again without --resume")
    return Progress()
