"""What the benchmarks share: a training as a student starts it, and a part of a benchmark in a process of its own."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def train(homework, *options, script="train.py"):
    """Run a script of a homework on the full data; what its metrics.json holds."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, ROOT / homework / script, "--data", "full", *options, "--out", out]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
        return json.loads((Path(out) / "metrics.json").read_text())


def child(script, *arguments):
    """Run `script` with `arguments`; what the last line that it prints holds, which is JSON."""
    command = [sys.executable, script, *map(str, arguments)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.splitlines()[-1])
