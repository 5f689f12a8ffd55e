"""One training run: its folder, the files in it, and what makes it survive interruption.

A homework's train.py uses it in a few plain lines:

    run.start(dataset)                          prints the line that says which data and device; writes config.json
    batches.epoch = run.restore(model)          0, or where --resume goes on
    model.fit(..., initial_epoch=batches.epoch, callbacks=run.callbacks(), verbose=run.verbose)
    run.save(model)                             writes model.keras, before anything else can fail
    run.finish(model, metrics)                  checks the bar, writes metrics.json
    with run.picture("curves") as path: ...     draws a picture; one that fails is named, and costs nothing else
"""

import contextlib
import importlib
import json
import math
import platform
import shutil
import signal
import sys
import traceback

import filelock

from common import bars, files
from common.errors import UserError
from common.run import checkpoint, device
from common.run.recorder import Recorder, save_network, tensorboard

# what a run writes before config.json, and what Windows and file servers leave everywhere
HARMLESS = {"figures", "previous", "tensorboard", "desktop.ini", "Thumbs.db", "@eaDir"}
CHANGEABLE = ("data", "data_dir", "out", "gpus", "resume", "tensorboard")  # options that a resumed run may change


class Run:
    """A run in `config.out`; use as a context manager. Raises UserError when the folder cannot be used.

    stops: for a training that is counted in updates, the updates after which an epoch of `fit` ends: all files then
    count in updates. Set it before `restore`.
    """

    stops = None

    def __init__(self, config):
        self.config = config
        self.folder = config.out
        self.progress = checkpoint.Progress()
        self.interrupted = False
        self.not_drawn = []  # names of pictures
        self.verbose = 1 if sys.stdout.isatty() else 2  # a progress bar on a terminal, a line per epoch elsewhere

    def __enter__(self):
        self.boards = [tensorboard(self.folder / "tensorboard")] if self.config.tensorboard else []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(self.folder / ".lock", timeout=0)
            self._lock.acquire()
        except filelock.Timeout:
            raise UserError(f"another run is writing to {self.folder}: wait for it, or choose another --out") from None
        except OSError as error:
            raise UserError(f"cannot write to {self.folder} ({error.strerror}): choose another --out") from None
        self.device = device.setup(
            self.config.precision, self.config.gpus, self.config.seed, getattr(self.config, "layers", "dense")
        )
        self.config.precision = self.device.precision  # a resumed run keeps it, on another machine too
        self._previous_handler = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, self._previous_handler)
        self._lock.release()

    def _interrupt(self, *_):
        """On Ctrl-C. Keras and TensorFlow have places that swallow the exception: the Recorder then ends the run."""
        self.interrupted = True
        raise KeyboardInterrupt

    def start(self, dataset):
        """Say what is about to run, and write config.json. An earlier run in the folder moves to `previous/`."""
        self.dataset = dataset
        source = dataset.source
        if self.config.epochs:
            self.config.updates = None  # --epochs takes their place; config.json tells what the run goes by
        print(f"{self.config.homework}: {source.line}; {self.device.line}", flush=True)
        if self.config.resume and (self.folder / "config.json").exists():
            self._check_same_data()
        else:  # without config.json nothing here is of the run to be resumed: it stopped before it wrote anything
            self._set_aside_previous_run()
        (self.folder / "figures").mkdir(exist_ok=True)
        modules = ("keras", "numpy", self.device.backend)  # not the packages: tensorflow may come from tensorflow-cpu
        options = {name: value for name, value in vars(self.config).items() if name != "task"}
        versions = {name: importlib.import_module(name).__version__ for name in modules}
        files.write_json(
            self.folder / "config.json",
            {
                "task": self.config.task,
                "options": options | {"out": str(options["out"]), "data_dir": str(options["data_dir"].absolute())},
                "data": {"kind": source.kind, "path": str(source.path), "sha256": source.sha256},
                "device": self.device.line,
                "versions": {"python": platform.python_version(), **versions},
            },
        )
        self.config.data = source.kind  # what is loaded in the course of the run is of the kind that was found first

    def _set_aside_previous_run(self):
        first, last = self.folder / "config.json", self.folder / "checkpoint"
        previous = self.folder / "previous"
        others = [path for path in self.folder.iterdir() if not path.name.startswith(".")]
        # runs of their own, which may be training
        others = [path for path in others if path == previous or not next(path.rglob("config.json"), None)]
        if not (_is_of_run(first) if first.exists() else last.exists()):
            if strangers := sorted({path.name for path in others} - HARMLESS):
                raise UserError(  # the next run would take them for a part of this one, and set them aside
                    f"{self.folder} holds {strangers[0]} but no config.json of a run, so it is not the folder of one: "
                    f"choose another --out, such as {self.folder / 'run'}"
                )
            return
        if previous.exists() and not (last.exists() or (self.folder / "model.keras").exists()):
            return  # the run here stopped before it learned anything: the one before it is worth more
        half_way = not first.exists() and not (previous / "checkpoint").exists()  # a kill has stopped what follows
        if previous.exists() and not half_way:
            shutil.rmtree(previous)  # raises, before anything is moved, where Windows has a file of it open
        previous.mkdir(exist_ok=True)
        # in this order, so that who is stopped half-way neither takes the rest for a run nor leaves it lying
        for path in (first, *(path for path in others if path not in (first, last, previous)), last):
            if path.exists():
                path.replace(previous / path.name)
        print(f"the earlier run in {self.folder} is kept in {previous} (--resume goes on with a stopped run)")

    def _check_same_data(self):
        saved = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))["data"]
        if saved["sha256"] != self.dataset.source.sha256:
            raise UserError(
                f"the run in {self.folder} was trained on other data ({saved['kind']}, {saved['path']}): "
                "give it the same data, or start without --resume"
            )

    def epochs(self, examples):
        """The number of epochs over `examples`: --epochs, else as many as make the updates of the settings.

        Raises UserError when several GPUs cannot share the batches equally: Keras on TensorFlow does without that for
        the last batch only.
        """
        gpus, first = self.config.gpus or 1, min(self.config.batch_size, examples)
        if first % gpus and self.device.backend == "tensorflow":
            raise UserError(f"{gpus} GPUs cannot share a batch of {first} equally: change --gpus or --batch-size")
        steps_per_epoch = math.ceil(examples / self.config.batch_size)
        return self.config.epochs or math.ceil(self.config.updates / steps_per_epoch)

    def in_parts(self, parts):
        """(number of parts, updates of each): the updates of the settings in at most `parts` equal parts.

        `fit` takes a part for an epoch: after each all is saved, and what is written counts updates.
        """
        parts = min(parts, self.config.updates)
        steps = math.ceil(self.config.updates / parts)
        parts = math.ceil(self.config.updates / steps)  # 6 updates in 5 parts: three of two
        self.stops = [steps * (part + 1) for part in range(parts)]
        return parts, steps

    def restore(self, model):
        """Load the newest whole checkpoint into the compiled `model` if --resume was given; the epochs finished."""
        with self.device.scope():
            # A train step that makes variables is traced twice by TensorFlow: half a second. So they are made now, and
            # the homeworks give metrics as objects, as those that are only named have their variables made by `fit`.
            model.optimizer.build(model.trainable_variables)
        if self.config.resume:
            self.progress = checkpoint.restore(self.folder / "checkpoint", model)
            if self.progress.history:  # the run may have stopped between the checkpoint and this file
                files.write_csv(self.folder / "history.csv", self.progress.history)
            done = self.progress.epoch
            where = f"going on after {self.unit} {done:,}" if done else f"starting with {self.unit} 1"
            print(f"resuming in {self.folder}: {where}", flush=True)
        return self.progress.epoch

    @property
    def unit(self):
        return "update" if self.stops else "epoch"

    def callbacks(self):
        """The callbacks for `model.fit`, the checkpoint last."""
        return [*self.boards, Recorder(self)]

    @contextlib.contextmanager
    def picture(self, name):
        """The path to draw the picture `name` to. One that fails ends nothing: `complain` names it in the end.

        To be used after `finish`: the trained model is saved before anything is drawn.
        """
        path = self.folder / "figures" / f"{name}.png"
        try:
            yield path
        except Exception:
            traceback.print_exc()
            self.not_drawn.append(path.name)

    def complain(self):
        """Raise UserError when a picture could not be drawn."""
        if self.not_drawn:
            raise UserError(
                f"the model and its metrics are saved in {self.folder}, but {', '.join(self.not_drawn)} could not be "
                "drawn, for the reason above"
            )

    def save(self, model):
        """Write the trained model to model.keras, without its optimizer, which the checkpoint has."""
        save_network(model, self.folder / "model.keras")

    def finish(self, model, metrics):
        """Compare with the bar of the assignment, write metrics.json, say how it went.

        metrics: {name: value} of the homework, as its evaluate.py gives them. The bar is that of config.task, a key of
        bars.FULL; without a task, or on the built-in sample, nothing is judged.
        """
        sample = self.dataset.source.kind == "sample"
        bar = bars.FULL.get(self.config.task)
        files.write_json(
            self.folder / "metrics.json",
            {
                "homework": self.config.homework,
                "task": self.config.task,
                "model": self.config.model,
                "data": str(self.dataset.source.path) if self.dataset.source.own else self.dataset.source.kind,
                "n_train": len(self.dataset.x_train),
                "n_test": len(self.dataset.x_test),
                "params": model.count_params(),
                "seed": self.config.seed,
                f"{self.unit}s": self.progress.epoch,
                "train_seconds": round(self.progress.seconds, 2),
                "bar": bar.threshold if bar else None,
                "value": metrics[bar.metric] if bar else None,
                "passed": bar.passes(metrics) if bar and not sample else None,
                **metrics,
            },
        )
        verdict = bar.sentence(metrics, judged=not sample) if bar else "no bar for this data and model"
        print(f"{verdict}; trained in {self.progress.seconds:.1f} s")
        print(f"pictures: {self.folder / 'figures'}")
        if sample:
            print(f"NOTE: {self.dataset.source.line}: not the assignment's data, so its bar is not judged")


def _is_of_run(config):
    """Whether a config.json is one that a run wrote: other programs have files of this name too."""
    try:
        return {"task", "options"} <= json.loads(config.read_text(encoding="utf-8")).keys()
    except (OSError, ValueError, AttributeError):
        return False
