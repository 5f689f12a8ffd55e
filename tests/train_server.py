"""Starts many short runs of homework 1 in one process each, without paying for the import of Keras every time.

Imports everything once, then forks a process per run: nothing has been computed yet at that time, so the backend
starts afresh in every child, as it does under the real command. Reads requests, one JSON object a line:

    {"options": [...], "output": path, hooks}   starts a run, answers {"pid": ...}; output goes to path.stdout, .stderr
    {"wait": pid}                               answers {"returncode": ...}, negative for a signal

"environment": {...} in a request changes the environment of the run. Hooks, all optional, make a misfortune happen at
a moment that does not depend on the speed of the machine:

    kill_at: n              SIGKILL in place of the n-th system call that changes what is under a final name: flush,
                            rename, unlink, counted from the start of the run
    kill_in_write: n        SIGKILL after half of the n-th checkpoint is written
    pause_after: n          sleep long after the checkpoint of epoch n
    pace: s                 sleep s seconds after each checkpoint
    disk_full_in: n         while the checkpoint of epoch n is saved no file can grow beyond 100 kB
    explode: [epoch, batch, rate]   the learning rate from that batch of that epoch on, counted from 1
"""

import functools
import json
import os
import resource
import signal
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


import hw1_mnist_mlp.model  # noqa: F401
from common.data import mnist
from common.run import checkpoint, recorder
from common.run import run as runs
from hw1_mnist_mlp import train


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(n):
    calls = 0

    def deadly(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == n:
                kill()
            return function(*args, **kwargs)

        return wrapper

    os.fsync = deadly(os.fsync)
    Path.replace = deadly(Path.replace)
    Path.unlink = deadly(Path.unlink)


def kill_in_write(n):
    calls = 0
    write_bytes = Path.write_bytes

    def deadly(self, content):
        nonlocal calls
        calls += 1
        if calls == n:
            write_bytes(self, content[: len(content) // 2])
            kill()
        return write_bytes(self, content)

    Path.write_bytes = deadly


def around_save(before=lambda epoch: None, after=lambda epoch: None):
    save = checkpoint.save

    def wrapper(folder, model, progress):
        before(progress.epoch)
        save(folder, model, progress)
        after(progress.epoch)

    checkpoint.save = wrapper


def pause_after(n):
    around_save(after=lambda epoch: time.sleep(3600 if epoch == n else 0))


def pace(seconds):
    around_save(after=lambda epoch: time.sleep(seconds))


def disk_full_in(n):
    around_save(
        before=lambda epoch: epoch == n and resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    )


def explode(when):
    exploding_epoch, exploding_batch, rate = when

    class Exploding(recorder.Recorder):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_begin(self, batch, logs=None):
            if (self.epoch + 1, batch + 1) == (exploding_epoch, exploding_batch):
                if hasattr(self.model, "jax_state_sync"):  # on JAX, the model is behind what `fit` works with
                    self.model.jax_state_sync()
                self.model.optimizer.learning_rate = rate

    runs.Recorder = Exploding


HOOKS = (kill_at, kill_in_write, pause_after, pace, disk_full_in, explode)


def run(options, output, environment=None, **hooks):
    os.environ.update(environment or {})
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        stream.flush()
        file = os.open(f"{output}.{'stdout' if descriptor == 1 else 'stderr'}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
    for hook in HOOKS:
        if hook.__name__ in hooks:
            hook(hooks[hook.__name__])
    status = train.main(options)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # to take down what TensorFlow has built up takes longer than such a run


def serve():
    # a killed run can leave half an entry in the cache that only these tests share
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    mnist.digits()  # kept for all runs: reading them takes longer than such a run
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = {"returncode": os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])}
        else:
            pid = os.fork()
            if not pid:
                run(**request)
            answer = {"pid": pid}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
