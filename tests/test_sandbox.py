"""The walls around handed-in models: what the kernel refuses them, what of them is counted, and who watches them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from common.grading import remote, rules, sandbox
from common.grading.remote import Failed, Model
from common.grading.weights import Refused
from tests.helpers import MINE, PATIENCE, ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of Linux namespaces and filters")

RENAMED = "import ctypes; ctypes.CDLL(None).prctl(15, bytes([255]) + b') R 1 ('); "  # PR_SET_NAME

# what a model.py could hold memory with that no process maps, or reach others with: each must fail at its last line
CALL = "import ctypes, os, struct\nlibrary = ctypes.CDLL(None, use_errno=True)\n"
CALL += "def call(*arguments):\n    if library.syscall(*arguments) == -1: raise OSError(ctypes.get_errno(), 'call')\n"
REFUSED = {
    "memfd": "import os; os.memfd_create('x')",
    "memory-shared-with-children": "import mmap; mmap.mmap(-1, 1 << 20)",
    "segment": CALL + "if library.shmget(0, 4096, 0o600) == -1: raise OSError(ctypes.get_errno(), 'shmget')",
    "queue": CALL + "if library.msgget(0, 0o600) == -1: raise OSError(ctypes.get_errno(), 'msgget')",
    "user-namespace": CALL + "if library.unshare(1 << 28) == -1: raise OSError(ctypes.get_errno(), 'unshare')",
    "user-namespace-by-clone": CALL + "call({'x86_64': 56}.get(os.uname().machine, 220), 1 << 28 | 17, 0, 0, 0, 0)",
    "io_uring": CALL + "call(425, 8, ctypes.create_string_buffer(120))",
    "hidden-from-the-grader": CALL + "if library.prctl(4, 0) == -1: raise OSError(ctypes.get_errno(), 'prctl')",
    "pair-of-sockets": "import socket; socket.socketpair()",
}


def in_filter(code):
    """What Python code prints, run by itself behind the limits and the filter, in the sandbox or not."""
    limits = {"seconds": 100, "memory_mb": 1000, "processes": 16, "file_mb": 16}
    program = f"from common.grading import sandbox\nsandbox.restrict({limits}, True)\n{code}"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    process = in_filter(REFUSED[name])
    assert "[Errno 1]" in process.stderr, process.stderr


def test_no_family_of_sockets_is_open():
    """Those that the machine does not have are refused too, before anybody asks whether it has them."""
    code = """
import socket
for family in range(50):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind)
        except PermissionError as error:
            continue
        except OSError as error:
            print(family, kind, error)
            continue
        print(family, kind, "is open")
"""
    process = in_filter(code)
    assert (process.returncode, process.stdout) == (0, ""), process.stdout + process.stderr


def test_calls_of_other_abis_are_refused():
    """The same calls have other numbers there: x32's begin at 1 << 30."""
    process = in_filter(CALL + "call((1 << 30) + 41, 1, 1, 0)")
    assert "[Errno 1]" in process.stderr, process.stderr


def test_what_models_need_is_not_refused():
    code = """
import mmap, os, subprocess, sys, tempfile, threading
thread = threading.Thread(target=print, args=("thread",))
thread.start()
thread.join()
if not os.fork():
    print("fork", flush=True)
    os._exit(0)
os.wait()
print(subprocess.run([sys.executable, "-c", "print('program')"], capture_output=True, text=True).stdout, end="")
mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)[:1] = b"x"
with tempfile.TemporaryFile() as file:
    file.write(bytes(1 << 20))
    file.flush()
    mmap.mmap(file.fileno(), 1 << 20)[:1] = b"x"
"""
    process = in_filter("import sys; sys.stdout.reconfigure(line_buffering=True)\n" + code)
    assert (process.returncode, process.stdout.split()) == (0, ["thread", "fork", "program"]), process.stderr


# Gives up all privileges, if there are any, in a user namespace; then goes on as the program in argv[1].
WITHOUT_PRIVILEGES = """
import ctypes, os, sys
if os.getuid() == 0 and ctypes.CDLL(None).unshare(1 << 28) == 0:
    for name, content in (("setgroups", "deny"), ("uid_map", "1000 0 1"), ("gid_map", "1000 0 1")):
        with open("/proc/self/" + name, "w") as file:
            file.write(content)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
# Holds 150 MB, half of it in a child, in the sandbox where there can be one. Its parent counts, as the grader does.
COUNT = """
import os, tempfile, time
from common.grading import sandbox
root, (ready, held) = tempfile.mkdtemp(), os.pipe()
if not (child := os.fork()):
    os.setpgid(0, 0)
    sandbox.end_with_parent()
    try:
        if sandbox.isolate(sandbox.python_folders(), [], root):
            os._exit(0)
    except OSError:
        pass
    sandbox.restrict({"seconds": 100, "memory_mb": 1000, "processes": 16, "file_mb": 16}, True)
    os.fork()
    block = bytearray(os.urandom(1 << 20)) * 75
    os.write(held, b"x")
    time.sleep(1000)
os.read(ready, 1), os.read(ready, 1)
print(*sandbox.usage(child))
os.killpg(child, 9)
os.waitpid(child, 0)
os.rmdir(root)
"""


@pytest.mark.parametrize("arguments", [(COUNT,), (WITHOUT_PRIVILEGES, COUNT)], ids=["as-we-are", "without-privileges"])
def test_memory_of_all_processes_is_counted(arguments):
    command = [sys.executable, "-c", *arguments]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert process.returncode == 0, process.stderr
    processes, memory = process.stdout.split()
    assert processes in ("2", "4")  # in the sandbox two more, which wait
    assert 150 <= float(memory) < 220


def test_memory_that_cannot_be_read_is_no_zero(monkeypatch):
    """Nobody may look into the process: that is for the watcher to know."""

    def refuse(path):
        if path.name == "smaps_rollup":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(PermissionError, match="smaps_rollup"):
        sandbox.usage(os.getpid())


def test_names_of_programs_are_bytes():
    process = subprocess.Popen(
        [sys.executable, "-c", RENAMED + "print(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        process.stdout.readline()
        assert Path(f"/proc/{process.pid}/comm").read_bytes() == b"\xff) R 1 (\n"
        processes, memory = sandbox.usage(process.pid)
        assert (processes, memory > 1) == (1, True)
        assert sandbox.usage(os.getpid())[0] >= 2
        process.stdin.close()


@pytest.fixture
def own_code(tiny_models, tmp_path):
    """Hand in the network with a layer of its own, with some code in model.py: the folder."""

    def write(code):
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(tiny_models["custom"], folder / "model.keras")
        (folder / "model.py").write_text(MINE + code)
        return folder

    return write


def reason(workers, folder):
    """Why a model is not graded."""
    with pytest.raises((Failed, Refused)) as caught, Model(workers, "hw1_mnist_mlp", folder):
        pass
    assert not workers.running
    return str(caught.value)


def if_shut_in(workers, words):
    """What the reason must say: `words` wherever the system can shut models in."""
    return words if workers.isolated else "this system cannot shut code in"


def test_what_is_hidden_may_hold_what_is_seen(workers, own_code, tmp_path, monkeypatch):
    """As with --out /tmp, below which the models lie while they are graded."""
    (tmp_path / "grades.csv").write_text("all")
    monkeypatch.setattr(workers, "hidden", [str(tmp_path)])
    words = reason(workers, own_code(f"open({str(tmp_path / 'grades.csv')!r})"))
    assert if_shut_in(workers, "No such file or directory") in words
    assert not workers.isolated or "grades.csv" in words


def test_a_model_that_renames_itself_is_stopped(workers, own_code, monkeypatch):
    monkeypatch.setattr(workers, "limits", workers.limits | {"seconds": 3})
    words = reason(workers, own_code(RENAMED + "time.sleep(30)"))
    assert if_shut_in(workers, "it took longer than 3 seconds") in words


def test_a_model_that_nobody_can_watch_is_stopped(workers, own_code, monkeypatch):
    """Whatever it is that ends the watcher, it must not be a way out."""
    for error in (ValueError("no\nway"), PermissionError(13, "Permission denied"), MemoryError(), SystemExit()):

        def usage(_, error=error):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(sandbox, "usage", usage)
            words = reason(workers, own_code("time.sleep(30)"))
        expected = f"it could not be watched any more: {type(error).__name__}"
        assert if_shut_in(workers, expected) in words
        assert "\n" not in words


def test_where_nobody_can_watch_no_code_is_run(monkeypatch):
    """As with root in a container that lets it shut processes in, but not look into them."""

    def usage(_):
        raise PermissionError(13, "Permission denied", "/proc/1/smaps_rollup")

    monkeypatch.setattr(sandbox, "usage", usage)
    with remote.Workers(rules.load().limits) as workers:
        assert not workers.isolated
        assert "no student's code was run" in workers.protections


def test_sandbox_has_no_way_to_hold_memory_unseen(workers, own_code):
    """In the sandbox itself /dev/zero, which would give memory to share, is not there; its first process is closed."""
    words = reason(workers, own_code("raise SystemExit(os.path.exists('/dev/zero'))"))
    assert if_shut_in(workers, "SystemExit: False") in words
    for name in ("mem", "environ", "maps"):
        words = reason(workers, own_code(f"open('/proc/1/{name}', 'rb').read(1)"))
        assert if_shut_in(workers, "PermissionError: [Errno 13] Permission denied") in words
