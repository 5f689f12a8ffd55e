"""Opens handed-in models in the sandbox, and lets them predict for the grader, who sits outside.

The grader starts this program once. It imports Keras and waits; for every model it forks a process, which is shut in
(sandbox.py) before it reads the file. So each model has a process of its own and pays no start of Keras; nothing has
been computed before the fork, so the backend starts afresh. Labels, and all else that is the grader's, never were in
this program's memory.

What passes between them are byte strings through pipes, by multiprocessing's Connection, never pickled. A string that
begins with "{" is JSON, all others are .npy:

    model -> grader   {"weights": SHA-256, "count": n, "own_code": bool}    before any code of the student runs
    model -> grader   {"inputs": [shape, ...] or null}        the model is open
    grader -> model   {"part": name or null, "arrays": n}, then n arrays
    model -> grader   {"arrays": n}, then n arrays, float32
    model -> grader   {"refused": why} or {"failed": why}     instead of any of these
"""

import importlib.util
import io
import json
import os
import signal
import socket
import sys
from multiprocessing.connection import Connection

import keras
import numpy as np

from common.grading import sandbox, weights
from common.run import device


def main(descriptor):
    """Serve the grader at the other end of the socket: {"start": job} answers a process id, {"end": id} ends it."""
    control = socket.socket(fileno=descriptor)
    while True:
        message, pipes, _, _ = socket.recv_fds(control, 1 << 16, 3)
        if not message:
            return
        request = json.loads(message)
        if "end" in request:
            os.killpg(request["end"], signal.SIGKILL)
            os.waitpid(request["end"], 0)
            control.send(b"ended")
            continue
        process = os.fork()
        if not process:
            try:
                control.close()
                _begin(request["start"], *pipes)
            finally:
                os._exit(0)
        os.setpgid(process, process)  # the fork does it too: whoever is first
        for pipe in pipes:
            os.close(pipe)
        control.send(str(process).encode())


def _begin(job, requests, answers, output):
    """In the fork: shut itself in and serve; what it prints goes to the pipe `output`."""
    sandbox.end_with_parent()
    os.setpgid(0, 0)
    null = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((null, 0), (output, 1), (output, 2), (requests, 10), (answers, 11)):
        os.dup2(old, new)
    os.closerange(3, 10)
    os.closerange(12, 1024)
    requests, answers = Connection(10, writable=False), Connection(11, readable=False)
    try:
        ended = sandbox.isolate(job["visible"], job["hidden"], job["root"]) if job["isolated"] else _fork()
        if ended:  # this is the process that waited
            _say(answers, failed=f"its process {ended}")
            return
        sandbox.restrict(job["limits"], job["isolated"])
        home = sandbox.HOME if job["isolated"] else job["root"]
        os.chdir(home)
        os.environ.update(HOME=home, TMPDIR=home, XDG_CACHE_HOME=home, MPLCONFIGDIR=home)
        _serve(job, requests, answers)
    except weights.Refused as error:
        _say(answers, refused=str(error))
    except (EOFError, BrokenPipeError):  # the grader has all it wants
        pass
    except BaseException as error:  # sys.exit in a student's code too
        text = f"{error}".strip().splitlines()
        _say(answers, failed=f"{type(error).__name__}{': ' + text[0][:300] if text else ''}")


def _fork():
    """Without a sandbox: how the other process ended, or None in it."""
    child = os.fork()
    return sandbox.ending(os.waitpid(child, 0)[1]) if child else None


def _say(answers, **content):
    answers.send_bytes(json.dumps(content).encode())


def _serve(job, requests, answers):
    if not job["model"]:  # the grader only asks whether the sandbox works, and looks at it
        _say(answers, isolated=job["isolated"])
        requests.recv_bytes()  # raises EOFError, or is ended before
    digest, custom, count = weights.inspect(job["model"])
    if custom and not job["code"]:
        raise weights.Refused(
            f"it needs {', '.join(custom)[:300]}, which Keras does not have, and no model.py is handed in with it"
        )
    if custom and not job["isolated"]:
        raise weights.Refused("it needs the code of model.py, and this system cannot shut code in: grade it on Linux")
    _say(answers, weights=digest, count=count, own_code=bool(custom))
    device.setup("float32")
    objects = _own_classes(job["homework"], job["code"]) if custom else {}
    model = keras.saving.load_model(job["model"], custom_objects=objects, compile=False, safe_mode=True)
    _say(answers, inputs=[list(each.shape) for each in model.inputs] if getattr(model, "inputs", None) else None)
    while True:
        request = json.loads(requests.recv_bytes())
        arrays = [np.load(io.BytesIO(requests.recv_bytes()), allow_pickle=False) for _ in range(request["arrays"])]
        part = model.get_layer(request["part"]) if request["part"] else model
        result = part.predict_on_batch(arrays if len(arrays) > 1 else arrays[0])
        result = list(result) if isinstance(result, (list, tuple)) else [result]
        _say(answers, arrays=len(result))
        for array in result:
            answers.send_bytes(_npy(np.ascontiguousarray(array, "float32")))


def _npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    return buffer.getbuffer()


def _own_classes(homework, path):
    """{name: class or function} of the student's model.py, imported here: from now on nothing said is trusted."""
    name = f"{homework}.model"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return {key: value for key, value in vars(module).items() if getattr(value, "__module__", None) == name}


if __name__ == "__main__":
    main(int(sys.argv[1]))
