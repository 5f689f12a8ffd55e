"""The grader's side of the sandbox: models that predict in a process of their own (worker.py), and are watched."""

import contextlib
import io
import json
import math
import os
import select
import signal
import site
import socket
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.grading import sandbox
from common.grading.answers import Failed, array_of, content_of, printable, shapes_of
from common.run import device

ROOT = Path(__file__).resolve().parents[2]
MOST_PRINTED = 1 << 20  # bytes; who prints more is stopped
MOST_ANSWERED = 1 << 30  # bytes, of the answers to one question: no network of the homeworks comes near to it
TOO_LONG, UNWATCHED = "it took longer than", "it could not be watched any more"
TICK = 0.2  # seconds between two looks at a process


class Ended(UserError):
    """The program that opens models is no more: nobody can be graded."""


class Workers:
    """The program that opens models; use as a context manager. `isolated`: whether it can shut them in.

    limits: of rules.toml. hidden: folders that no model may see, wherever they lie.
    """

    def __init__(self, limits, hidden=()):
        self.limits = limits
        self.hidden = [str(Path(folder).resolve()) for folder in hidden]
        self.running = set()  # process groups of models
        self.stopped = False
        self._lock = threading.Lock()

    def __enter__(self):
        self._control, theirs = socket.socketpair()
        keep = ("PATH", "LANG", "LD_LIBRARY_PATH")  # nothing else of the grader's
        environment = {name: os.environ[name] for name in keep if name in os.environ}
        environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}
        self._home = tempfile.TemporaryDirectory(prefix="grade-home-")
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "HOME": self._home.name}
        # what Python and Keras would look for in the grader's own home
        environment |= {"PYTHONUSERBASE": site.getuserbase(), "KERAS_BACKEND": device.known_backend()}
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "common.grading.worker", str(theirs.fileno())],
            cwd=ROOT,
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is the grader's to handle
        )
        theirs.close()
        self.isolated, self.why_not = True, ""
        try:
            with Model(self) as model:
                sandbox.usage(model._process)
        except (Failed, PermissionError) as error:  # it cannot be shut in, or then not be watched
            # without the name of a file of /proc, which has a number of its own at every start
            self.isolated, self.why_not = False, getattr(error, "strerror", None) or str(error)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._control.close()
        self._process.wait()
        self._errors.close()
        self._home.cleanup()

    def ask(self, request, pipes=()):
        """Send a request to the program and wait for its answer."""
        with self._lock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self._control, [json.dumps(request).encode()], pipes)
            if answer := self._control.recv(100):
                return answer
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        raise Ended(f"the program that opens models has ended ({' '.join(words)}): try again, with less --jobs")

    def stop(self):
        """End all models, those that are just starting too, so that whoever waits for one goes on."""
        self.stopped = True
        for process in [*self.running]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)

    @property
    def protections(self):
        """What holds on this system, for people."""
        if self.isolated:
            user = "a user of its own" if not os.getuid() else "no privileges in a user namespace"
            return (
                "each model ran in a process of its own with no sockets and so no network, no view of other processes, "
                f"{user}, and a read-only view of Python, the course and its own files (Linux namespaces, seccomp), "
                "within limits of time, memory, processes, file size and output"
            )
        counted = "memory, processes, " if sys.platform == "linux" else ""  # elsewhere nobody can tell
        return (
            f"each model ran in a process of its own within limits of time, {counted}file size and output; this system "
            f"does not let it be shut in ({self.why_not}), so no student's code was run"
        )


class Model:
    """A handed-in model, open in the sandbox; use as a context manager. Raises Refused or Failed when it is no good.

    folder: holds model.keras, and model.py if the student has changed it; the model sees nothing else of the student.
    `weights`: a hash of its arrays. `count`: how many numbers they hold. `own_code`: whether it needs code that is not
    Keras' own. `inputs`: the shapes that it says it takes, None for unknown sizes. Without folder it is an empty
    process that only tries whether the sandbox works.
    """

    def __init__(self, workers, homework=None, folder=None):
        self.workers, self.homework = workers, homework
        self.folder = folder and folder.resolve()  # as the sandbox shows it, whatever links lead there

    def __enter__(self):
        limits = self.workers.limits
        self._root = tempfile.mkdtemp(prefix="grade-root-")
        (their_requests, requests), (answers, their_answers), (output, their_output) = (os.pipe() for _ in range(3))
        theirs = (their_requests, their_answers, their_output)
        self._requests, self._answers = Connection(requests, readable=False), Connection(answers, writable=False)
        self._output = Connection(output, writable=False)
        code = self.folder / "model.py" if self.folder else None
        job = {
            "homework": self.homework,
            "model": str(self.folder / "model.keras") if self.folder else None,
            "code": str(code) if code and code.exists() else None,
            "visible": self._visible(),
            "hidden": self.workers.hidden,
            "root": self._root,
            "isolated": self.workers.isolated,
            "limits": limits,
        }
        self._verdict = None
        self._ended = threading.Event()
        try:
            self._process = int(self.workers.ask({"start": job}, theirs))
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        self.workers.running.add(self._process)
        if self.workers.stopped:
            self.workers.stop()
        self._watcher = threading.Thread(target=self._watch, args=(time.monotonic() + limits["seconds"],), daemon=True)
        try:
            self._watcher.start()
            if self.folder:
                said = self._hear(1 << 16, "weights", "count", "own_code")  # before any code of theirs ran
                self.weights, self.count, self.own_code = said["weights"], said["count"], said["own_code"]
                self.inputs = shapes_of(self._hear(1 << 16, "inputs")["inputs"])
            else:
                self._hear(1 << 16, "isolated")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._ended.set()
        if self._watcher.is_alive():
            self._watcher.join()
        self.workers.running.discard(self._process)
        self.workers.ask({"end": self._process})
        for pipe in (self._requests, self._answers, self._output):
            pipe.close()
        with contextlib.suppress(OSError):
            Path(self._root).rmdir()

    def _visible(self):
        if not self.folder:
            return sandbox.python_folders()
        return [*sandbox.python_folders(), str(ROOT / "common"), str(ROOT / self.homework), str(self.folder)]

    def apart(self):
        """The same model in another process, which knows nothing of what this one was given; open it as this one."""
        return Model(self.workers, self.homework, self.folder)

    def predict(self, arrays, shapes, part=None):
        """What the model, or the model that is its layer `part`, makes of `arrays`: a list of float32 arrays.

        arrays: list of arrays, the inputs. shapes: those of the answers; every answer must have its shape and be
        finite. Raises Failed.
        """
        if (total := sum(4 * math.prod(shape) for shape in shapes)) > MOST_ANSWERED:  # they come into our own memory
            raise Failed(f"its answers would have {total:,} bytes: that is not asked for")
        try:
            self._requests.send_bytes(json.dumps({"part": part, "arrays": len(arrays)}).encode())
            for array in arrays:
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=False)
                self._requests.send_bytes(buffer.getbuffer())
        except OSError:
            pass  # it has ended: the answer, or the lack of it, says why
        count = self._hear(1 << 16, "arrays")["arrays"]
        if type(count) is not int or count != len(shapes):
            raise Failed(f"it gave {printable(str(count))[:50]} arrays where {len(shapes)} were asked for")
        return [array_of(self._receive(4 * int(np.prod(shape)) + 1000), shape) for shape in shapes]

    def _hear(self, most_bytes, *keys):
        """The next JSON answer, which must have the keys."""
        return content_of(self._receive(most_bytes), keys)

    def _receive(self, most_bytes):
        most_bytes = max(most_bytes, 1 << 16)  # room for a reason
        try:
            return self._answers.recv_bytes(most_bytes)
        except (EOFError, OSError) as error:
            raise Failed(self._verdict or f"it gave no whole answer ({error or 'it ended'})") from None

    def _watch(self, deadline):
        """In a thread: end the process when it breaks a limit, and when nobody can tell any more whether it does.

        The reason is then `_verdict`.
        """
        try:
            self._verdict = self._broken_limit(deadline)
        except BaseException as error:  # whatever it is: what is not watched does not go on
            self._verdict = printable(f"{UNWATCHED}: {type(error).__name__}: {error}")
        if self._verdict:
            os.killpg(self._process, signal.SIGKILL)  # not waited for yet, so the number is still its own

    def _broken_limit(self, deadline):
        """Wait until the process takes too long, too much memory, too many processes, or prints too much.

        Returns which of them, for people, or None when its end came first.
        """
        limits, printed, output = self.workers.limits, 0, [self._output.fileno()]
        while True:
            if select.select(output, [], [], 0)[0]:
                text = os.read(output[0], 1 << 16)
                printed += len(text)
                output = output if text else []  # nobody is left who could print
            elif self._ended.wait(TICK):
                return None
            processes, memory = sandbox.usage(self._process)
            if printed > MOST_PRINTED:
                return f"it printed more than {MOST_PRINTED >> 20} MB"
            if processes > limits["processes"]:
                return f"it started more than {limits['processes']} processes"
            if memory > limits["memory_mb"]:
                return f"it took more than {limits['memory_mb']:,} MB of memory"
            if time.monotonic() > deadline:
                return f"{TOO_LONG} {limits['seconds']} seconds"
