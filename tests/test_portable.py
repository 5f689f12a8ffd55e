"""Machines other than Linux, as far as they can be played here: no POSIX modules, names and renames as on Windows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from common import files
from tests.helpers import ROOT, assert_one_sentence

# Of these a Windows Python has none.
MODULES = ("fcntl", "grp", "posix", "pwd", "resource", "termios")
SIGNALS = ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1")
CALLS = ("chown", "fork", "geteuid", "getuid", "killpg", "mkfifo", "sched_getaffinity", "setsid", "statvfs", "uname")
WITHOUT_POSIX = f"""
import asyncio, ctypes, importlib, os, pathlib, platform, shutil, signal, socket, subprocess, sys, sysconfig, tempfile
import common  # keeps the backend quiet
import filelock, keras, matplotlib.figure, nicegui, PIL.Image, pooch, requests, sklearn.manifold  # others' need theirs


class Windows:
    def find_spec(self, name, path=None, target=None):
        if name in {MODULES!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Windows())
for name in {MODULES!r}:
    sys.modules.pop(name, None)
for name in {SIGNALS!r}:
    delattr(signal, name)
for name in {CALLS!r}:
    delattr(os, name)
"""


def run(program, *arguments):
    command = [sys.executable, "-c", WITHOUT_POSIX + program, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_all_but_the_grader_needs_no_posix():
    """Every module of the homeworks and of common can be imported; the grader says that it does not run."""
    modules = []
    for path in sorted([*ROOT.glob("common/**/*.py"), *ROOT.glob("hw*/**/*.py")]):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if not name.startswith("common.grad") and not name.endswith("__main__"):
            modules.append(name)
    process = run(
        "for name in sys.argv[1:]: importlib.import_module(name)\nprint('all', flush=True)\n"
        "import runpy; runpy.run_module('common.grade', run_name='__main__')",
        *modules,
    )
    assert process.stdout == "all\n", process.stderr
    assert process.returncode == 1
    assert_one_sentence(process.stderr.splitlines()[-1], "does not run on Windows", "WSL 2")


def assert_valid_on_windows(path):
    for part in path.parts:
        assert not re.search(r'[<>:"|?*\\\x00-\x1f]', part), path
        assert not part.endswith((".", " ")), path
        assert not re.fullmatch(r"con|prn|aux|nul|com\d|lpt\d", part.partition(".")[0], re.I), path


def test_names_of_files_are_valid_on_windows(finished_run):
    """Those of the repository and of a run; and no two differ in upper and lower case alone."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    ours = [Path(name) for name in listed.splitlines()] or [path.relative_to(ROOT) for path in ROOT.glob("*/**/*.py")]
    of_a_run = [path.relative_to(finished_run) for path in finished_run.rglob("*")]
    for paths in (ours, of_a_run):
        assert len(paths) > 5
        for path in paths:
            assert_valid_on_windows(path)
        assert len({str(path).casefold() for path in paths}) == len(paths)


def test_a_file_that_is_open_elsewhere_for_a_moment(tmp_path, monkeypatch):
    """On Windows nothing can be renamed onto it: it is tried again, there alone, and not for ever."""
    replace, refused = Path.replace, []

    def replace_later(times):
        def attempt(self, target):
            if len(refused) < times:
                refused.append(target)
                raise PermissionError(13, "Access is denied", str(target))
            return replace(self, target)

        refused.clear()
        return attempt

    def write(times, windows):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace_later(times))
            patch.setattr(files, "WINDOWS_PAUSES", (0, 0))
            patch.setattr(files, "WINDOWS", windows)
            files.write_json(path, {"times": times})

    path = tmp_path / "metrics.json"
    write(2, True)
    assert '"times": 2' in path.read_text()
    for times, windows in ((3, True), (1, False)):
        with pytest.raises(PermissionError):
            write(times, windows)
    assert '"times": 2' in path.read_text()
    assert [*tmp_path.iterdir()] == [path]
