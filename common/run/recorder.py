"""What records a run: history, checkpoint, the stop at a loss that is not finite; the network; TensorBoard."""

import importlib.util
import math
import time

import keras

from common import files
from common.errors import UserError
from common.run import checkpoint


class Recorder(keras.callbacks.Callback):
    """After every epoch of `fit`: one more row in history.csv, one more checkpoint, whole or not there at all."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def on_train_begin(self, logs=None):
        self.began = time.perf_counter() - self.run.progress.seconds
        (self.run.folder / "metrics.json").unlink(missing_ok=True)  # a finished run that goes on is not finished

    def on_epoch_end(self, epoch, logs=None):
        run = self.run
        finished = run.stops[epoch] if run.stops else epoch + 1
        if not all(math.isfinite(value) for value in logs.values()):
            raise UserError(
                f"the loss is no longer finite in {run.unit} {finished}: lower the learning rate, or try another "
                f"--seed; the last good checkpoint is kept in {run.folder / 'checkpoint'}"
            )
        seconds = time.perf_counter() - self.began
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        column = "updates" if run.stops else "epoch"
        row = {column: finished, **logs, "learning_rate": rate, "seconds": round(seconds, 3)}
        run.progress = checkpoint.Progress(finished, [*run.progress.history, row], seconds)
        checkpoint.save(run.folder / "checkpoint", self.model, run.progress)
        files.write_csv(run.folder / "history.csv", run.progress.history)
        if run.interrupted:  # and a library has swallowed the exception
            raise KeyboardInterrupt


def save_network(model, path):
    """Write a network to a .keras file, whole or not at all, without its optimizer, which is twice as large as it."""
    if model.compiled and getattr(model, "inputs", None):  # Keras leaves the optimizer out of no .keras file
        single = len(model.inputs) == len(model.outputs) == 1  # a Sequential has no `input`
        ends = (model.inputs[0], model.outputs[0]) if single else (model.input, model.output)
        model = keras.Model(*ends, name=model.name)
    with files.atomic(path) as part:
        model.save(part)


def tensorboard(folder):
    """Keras' own callback that writes logs for TensorBoard into `folder`, by TensorFlow, whatever the backend is.

    Raises UserError when one of the two is missing: neither is needed for anything else on JAX.
    """
    missing = [name for name in ("tensorflow", "tensorboard") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"--tensorboard needs {' and '.join(missing)}: pip install {' '.join(missing)}, or say --no-tensorboard"
        )
    return keras.callbacks.TensorBoard(folder, write_graph=False)  # a graph fills the logs, and shows no curve
