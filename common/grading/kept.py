"""Results that are kept as soon as they are there, so that a grading that was stopped goes on where it was."""

import contextlib
import hashlib
import importlib.metadata
import json
import platform
import sys
from pathlib import Path

from common import files
from common.grading import submissions
from common.run import device

ROOT = Path(__file__).resolve().parents[2]


class Kept:
    """The results in a folder, a file for each submission.

    A file is called after all that its content depends on: the submission, the conditions (a dict that JSON can hold),
    the programs of the course, the versions of all packages, and the machine. So nothing that was graded under other
    conditions is ever found. The test data is loaded late: the file says which there was.
    """

    def __init__(self, folder, data_dir, conditions):
        self.folder, self.data_dir = folder, data_dir
        programs = [*ROOT.glob("common/**/*.py"), *ROOT.glob("hw*/**/*.py")]
        packages = {(str(each.name), each.version) for each in importlib.metadata.distributions()}
        said = {
            "conditions": conditions,
            "data": str(data_dir.resolve()),
            "programs": {str(path.relative_to(ROOT)): _hash(path.read_bytes()) for path in sorted(programs)},
            "packages": sorted(packages),
            "machine": [sys.version, platform.platform(), device.known_backend()],
        }
        self._conditions = json.dumps(said)
        self._used = set()

    def path(self, submission):
        """Where the results of a submission are kept, or will be. Raises what reading the submission raises."""
        path = self.folder / f"{_hash(f'{self._conditions} {submissions.fingerprint(submission)}'.encode())}.json"
        self._used.add(path)
        return path

    def find(self, path):
        """What was kept at `path`, or None. What is damaged, or was graded on other test data, is not there."""
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            content = json.loads(path.read_text(encoding="utf-8"))
            now = self._staged()
            if all(now.get(name) == said for name, said in content["data"].items()):
                return content["results"]
        return None

    def keep(self, path, results):
        """Keep `results`, of what JSON can hold, at `path`. Raises OSError."""
        files.write_json(path, {"data": self._staged(), "results": results})

    def remove(self, unused=False):
        """Remove all results, or those that were not asked for by path()."""
        for path in self.folder.glob("*.json"):
            if not unused or path not in self._used:
                path.unlink(missing_ok=True)

    def _staged(self):
        """{name: [bytes, time]} of what is staged. What is added later changes no result from before."""
        found = {}
        with contextlib.suppress(OSError):
            for path in self.data_dir.iterdir():
                if not path.name.startswith("."):
                    status = path.stat()
                    found[path.name] = [status.st_size, status.st_mtime_ns]
        return found


def _hash(content):
    return hashlib.sha256(content).hexdigest()
