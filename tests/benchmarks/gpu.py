"""Everything that only a GPU can show, in one table: run this where there is one.

    python tests/benchmarks/gpu.py --out DIR                 five minutes, with every backend that is installed
    python tests/benchmarks/gpu.py --out DIR --seconds 480
    python tests/benchmarks/gpu.py --out DIR --dry-run       the same on a CPU with tiny sizes: does it all still work?

Which GPU is chosen, how its memory grows, the speed of its arithmetic, CIFAR-10 as far as `best` comes in the time, the
networks of homework 5 with their share of the chip's peak, and the default training of every homework beside the CPU
of the same machine. A homework runs as its user runs it, and is stopped when its time is up: history.csv then tells the
speed. What is staged is trained on (HW_DATA_DIR), else the built-in sample; the table says which.

DIR/gpu.md, the table, is written anew after every figure, DIR/log.txt holds what the runs printed: nothing is lost when
the whole is stopped. Exit status: 0, or 1 when something failed or there is no GPU.

With eight cores or more, half of them train on the CPU while the other half feed the GPU; with fewer, the CPU's turn
comes after the GPU's.
"""

import argparse
import contextlib
import csv
import ctypes
import functools
import importlib.util
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from common import files
from common.data import cifar10, faces, mnist, reuters, texts
from common.run import cli

# Dense products with tensor cores in bfloat16, and in float32 without them, in TFLOP/s, as NVIDIA's data sheets say.
PEAKS = {"H200": (989, 67), "H100 80GB HBM3": (989, 67), "A100": (312, 19.5)}
FULL_BUT = 1500 << 20  # bytes that are left free of a GPU that shall count as taken
WIDTH = 64  # of homework 5, as on every GPU


class Homework:
    """One homework as this benchmark runs it.

    per_row: (options of config.json, training examples) -> how many `unit` lie between two rows of history.csv; None
    where a column of it has the speed. gpu, cpu, dry: what to add to the command; seconds: when to stop it.
    """

    def __init__(self, folder, file, unit, per_row, gpu=(), cpu=(), dry=(), seconds=40, name=None):
        self.folder, self.file, self.unit, self.per_row = folder, file, unit, per_row
        self.options, self.seconds, self.name = {"gpu": gpu, "cpu": cpu, "dry": dry}, seconds, name or f"{folder}, fast"


def but_one_in(share):
    """Examples of an epoch, when one in `share` is held out."""
    return lambda options, n: n - max(1, n // share)


def characters(options, n):
    together = options["batch_size"] * options["window"]
    if options["epochs"]:
        return math.ceil(n / together) * together
    updates = options["updates"]
    return math.ceil(updates / min(options["samples"], updates)) * together


# of metrics.json and history.csv
SHOWN = ("val_accuracy", "test_accuracy", "test_accuracy_mirrored", "validation_nats_per_char", "test_bce_per_pixel")
FEW = ("--limit", 240, "--epochs", 2)
HOMEWORKS = [
    Homework(
        "hw5_anime_dcgan",
        faces.SPEC.file,
        "updates",
        None,
        gpu=("--set", f"width={WIDTH}", "--updates", 1000, "--set", "show_every=1000"),
        cpu=("--set", f"width={WIDTH}", "--updates", 1000, "--set", "show_every=25"),
        dry=("--set", "width=4", "--updates", 4, "--set", "show_every=2", "--limit", 60),
        seconds=70,
        name=f"hw5_anime_dcgan, width {WIDTH}",
    ),
    Homework(
        "hw2_cifar10_cnn",
        cifar10.SPEC.file,
        "pictures",
        but_one_in(12),
        cpu=("--limit", 6000),  # passes that are short enough for two of them
        dry=FEW,
    ),
    Homework(
        "hw3_lstm_text",
        texts.TEXTS["shakespeare"].file,
        "characters",
        characters,
        dry=("--limit", 9000, "--epochs", 1),
        seconds=60,
    ),
    Homework("hw1_mnist_mlp", mnist.SPEC.file, "digits", but_one_in(12), dry=FEW, seconds=30),
    Homework("hw4_autoencoder", mnist.SPEC.file, "digits", but_one_in(12), dry=FEW, seconds=30),
    Homework("hw1_reuters_mlp", reuters.SPEC.file, "wires", but_one_in(24), dry=FEW, seconds=30),
]
CIFAR_BEST = Homework(
    "hw2_cifar10_cnn",
    cifar10.SPEC.file,
    "pictures",
    but_one_in(50),
    gpu=("--model", "best"),
    dry=("--model", "best", *FEW),
    seconds=120,
    name="hw2_cifar10_cnn, best",
)


# --- what runs in a process of its own: prints JSON on its last line -------------------------------------------------


def chosen():
    """What device.setup chooses."""
    from common.run import device

    found = device.setup()
    return {"line": found.line, "on_gpu": found.on_gpu, "precision": found.precision}


def basics(gib, n):
    """What is chosen; its memory in MiB before and after an array of `gib`; TFLOP/s of products of n x n matrices."""
    answer = chosen()
    import keras
    from keras import ops

    def rate(dtype):
        x = ops.cast(keras.random.normal((n, n), seed=0), dtype)
        w = ops.cast(keras.random.normal((n, n), 0, n**-0.5, seed=1), dtype)
        seconds = []
        for i in range(5):
            began, y = time.perf_counter(), x
            for _ in range(10):
                y = ops.matmul(y, w)
            ops.convert_to_numpy(ops.cast(y[0, 0], "float32"))  # waits for the products
            if i:
                seconds.append((time.perf_counter() - began) / 10)
        return 2 * n**3 / min(seconds) / 1e12

    ops.convert_to_numpy(ops.ones((8, 8)) + 1)
    started = memory() if answer["on_gpu"] else None
    block = ops.ones((gib << 28,), "float32")
    ops.convert_to_numpy(block[-1])
    grown = memory() if answer["on_gpu"] else None
    del block
    return {**answer, "started": started, "grown": grown, **{dtype: rate(dtype) for dtype in ("bfloat16", "float32")}}


def memory():
    """(MiB that this process has of its GPU, or all processes where nvidia-smi does not tell them apart; of how many).

    The GPU is the one that device.setup has left visible.
    """
    used, total = _nvidia_smi("--query-gpu=memory.used,memory.total", "--id=" + os.environ["CUDA_VISIBLE_DEVICES"])[0]
    mine = [mib for pid, mib in _nvidia_smi("--query-compute-apps=pid,used_memory") if pid == str(os.getpid())]
    return int(mine[0] if mine and mine[0].isdigit() else used), int(total)


def _nvidia_smi(*arguments):
    command = ["nvidia-smi", *arguments, "--format=csv,noheader,nounits"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    return [[cell.strip() for cell in line.split(",")] for line in answer.splitlines() if line.strip()]


def taken():
    """What another process chooses while this one leaves too little of the GPU's memory. Of one GPU only."""
    cuda = ctypes.CDLL("libcuda.so.1")
    context, pointer = ctypes.c_void_p(), ctypes.c_uint64()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()

    def call(name, *arguments):
        if code := getattr(cuda, name)(*arguments):
            raise RuntimeError(f"{name} answers {code}")

    call("cuInit", 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
    call("cuCtxSetCurrent", context)
    call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
    call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(free.value - FULL_BUT))
    answer = subprocess.run([sys.executable, __file__, "child", "chosen"], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def pictures(precision, batch_size, updates):
    """Training pictures per second of the network `best` of homework 2, with a batch that is ready."""
    import numpy as np

    from common.run import device

    found = device.setup(precision)
    import keras

    from hw2_cifar10_cnn import model as models
    from hw2_cifar10_cnn import train

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (batch_size, 32, 32, 3), "uint8")
    y = keras.utils.to_categorical(rng.integers(0, 10, batch_size), 10)

    class Ready(keras.utils.PyDataset):
        def __len__(self):
            return updates

        def __getitem__(self, index):
            return x, y

    model = models.build_fast(train.SETTINGS["best"]["widths"], models.whitening_weights(x))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-3, 0.85, nesterov=True, use_ema=True), loss, metrics=["accuracy"])
    seconds = epoch_seconds(model, Ready())
    return {"rate": batch_size * updates / seconds, "precision": found.precision, "on_gpu": found.on_gpu}


def faces(width, batch_size, updates):
    """Updates per second of homework 5 on random pictures, and the FLOPs of one."""
    import numpy as np

    from common.run import device

    found = device.setup()
    from hw5_anime_dcgan import train
    from hw5_anime_dcgan.stretches import Stretches

    x = np.random.default_rng(0).integers(0, 256, (2000, 64, 64, 3), "uint8")
    settings = {**train.SETTINGS["fast"], "width": width, "seed": 0}
    model = train.build(argparse.Namespace(**settings), 0)
    batches = Stretches(x, np.zeros(len(x), "uint8"), batch_size, 0, settings["augment"]).between(0, updates)
    seconds = epoch_seconds(model, batches)
    # Forward: the generator once, the discriminator on real and on made faces. Backward, of each of the three: twice
    # that, for weights and inputs. And once more through the discriminator, from the loss of the generator.
    flops = batch_size * (3 * forward_flops(model.generator) + 7 * forward_flops(model.discriminator))
    return {"rate": updates / seconds, "flops": flops, "precision": found.precision, "on_gpu": found.on_gpu}


def epoch_seconds(model, batches):
    """The median time of three epochs of `fit`, after one that compiles."""
    import keras

    class Clock(keras.callbacks.Callback):
        seconds = ()

        def on_epoch_begin(self, epoch, logs=None):
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds = (*self.seconds, time.perf_counter() - self.began)

    clock = Clock()
    model.fit(batches, shuffle=False, epochs=4, callbacks=[clock], verbose=0)
    return sorted(clock.seconds[1:])[1]


def forward_flops(model):
    """FLOPs of one example through the products and convolutions of a Keras model: a multiplication and an addition."""
    import keras
    from keras import layers

    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2DTranspose):
            places = math.prod(layer.input.shape[1:3])
        elif isinstance(layer, layers.Conv2D):
            places = math.prod(layer.output.shape[1:3])
        elif isinstance(layer, layers.Dense):
            places = math.prod(layer.output.shape[1:-1])
        elif isinstance(layer, keras.Model):
            total += forward_flops(layer)
            continue
        else:
            continue
        total += 2 * places * math.prod(layer.kernel.shape)
    return total


CHILDREN = {function.__name__: function for function in (chosen, basics, taken, pictures, faces)}


# --- the table -------------------------------------------------------------------------------------------------------


WAITING = "not run yet"


class Table:
    """What was found so far, in a file that is whole at any time."""

    def __init__(self, path, title):
        self.path, self.title = path, title
        self.rows, self.failed, self.lock = {}, False, threading.Lock()

    def plan(self, name, backend, gpu=WAITING, cpu="-"):
        self.rows[name, backend] = {"gpu": gpu, "cpu": cpu, "rates": {}, "remarks": []}

    def finish(self):
        """Say of the figures that are still missing that there are none."""
        with self.lock:
            for row in self.rows.values():
                row.update({side: "not run: see the first row" for side in ("gpu", "cpu") if row[side] == WAITING})
            self.write()

    def set(self, name, backend, side, text, rate=None, remark=None):
        with self.lock:
            row = self.rows[name, backend]
            row[side] = text
            if rate:
                row["rates"][side] = rate
            if remark:
                row["remarks"].append(remark)
            self.write()
        print(f"{name} [{backend}, {side}]: {text}{f' ({remark})' if remark else ''}", file=sys.stderr, flush=True)

    def write(self):
        with files.atomic(self.path) as part:
            part.write_text(self.text(), encoding="utf-8")

    def text(self):
        lines = [self.title, "", "| what | backend | GPU | CPU of the same machine | GPU / CPU | remarks |"]
        lines.append("|---|---|---|---|---|---|")
        for (name, backend), row in self.rows.items():
            rates = row["rates"]
            ratio = f"{rates['gpu'] / rates['cpu']:.3g}" if len(rates) == 2 else "-"
            cells = [name, backend, row["gpu"], row["cpu"], ratio, "; ".join(row["remarks"])]
            lines.append("| " + " | ".join(" ".join(cell.replace("|", "/").split()) for cell in cells) + " |")
        lines += ["", "Two runs with the same seed are identical on a CPU; on a GPU that is not promised, nor tested."]
        return "\n".join(lines) + "\n"


class Failed(Exception):
    """One sentence for the table."""


class Bench:
    """The checks, and what they share. A side is "gpu" or "cpu"; on a dry run the GPU's is a CPU too."""

    def __init__(self, table, out, work, seconds, dry):
        self.table, self.out, self.work, self.dry = table, out, work, dry
        self.began = time.monotonic()
        self.deadlines = dict.fromkeys(("gpu", "cpu"), self.began + seconds)
        self.running, self.stopped = set(), False
        self.without_gpu = set()  # backends that cannot use it
        self.found = {}  # (what, backend): the rates that later checks look at

    def run(self, backend, side, command, limit, least=0, **environment):
        """(output, whether it was stopped) of a Python command with its standard error.

        Raises Failed when it fails, or when less than `least` seconds are left.
        """
        if backend in self.without_gpu:
            raise Failed(f"not run: this {backend} cannot use the GPU")
        left = self.deadlines[side] - time.monotonic()
        if self.stopped or left < least:
            raise Failed("not run: out of time")
        environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONUNBUFFERED": "1", **environment}
        if side == "cpu":
            environment.update(CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu")
        command = [sys.executable, *map(str, command)]
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # stopped together with what it starts
        )
        self.running.add(process)
        stopped = False
        try:
            output, _ = process.communicate(timeout=max(0.1, min(limit, left)))
        except subprocess.TimeoutExpired:
            stopped = True
            kill(process)
            output, _ = process.communicate()
        finally:
            self.running.discard(process)
        with self.table.lock, (self.out / "log.txt").open("a", encoding="utf-8") as log:
            log.write(f"\n$ KERAS_BACKEND={backend} {' '.join(command)}  # {side}\n{output}")
            log.write(f"# status {process.returncode}{', stopped' if stopped else ''}\n")
        if self.stopped:
            raise Failed("stopped with the whole benchmark")
        if process.returncode and not stopped:
            lines = [line for line in output.splitlines() if line.strip()]
            raise Failed(f"FAILED: {lines[-1][:300] if lines else f'status {process.returncode}'}")
        return output, stopped

    def child(self, backend, name, *arguments, side="gpu", limit=90, least=15, **environment):
        """The answer of one of CHILDREN."""
        output, stopped = self.run(backend, side, [__file__, "child", name, *arguments], limit, least, **environment)
        if stopped:
            raise Failed("stopped: out of time")
        answer = json.loads(output.splitlines()[-1])
        if name in ("basics", "pictures", "faces") and not answer["on_gpu"] and not self.dry:
            self.without_gpu.add(backend)
            raise Failed(f"not run: this {backend} cannot use the GPU")
        return answer

    def attempt(self, check, row, backend, side="gpu"):
        """Do `check`; whatever goes wrong stands in the table, and the next one has its turn."""
        try:
            check()
        except Failed as failure:
            self.table.set(row, backend, side, str(failure))
            self.table.failed |= str(failure).startswith("FAILED")
        except Exception as error:
            self.table.set(row, backend, side, f"FAILED: {type(error).__name__}: {error}")
            self.table.failed = True

    def stop(self):
        self.stopped = True
        for process in list(self.running):
            kill(process)

    # the checks; each says its figures itself

    def basics(self, backend):
        found = self.child(backend, "basics", *((1, 256) if self.dry else (4, 8192)))
        self.found["line", backend] = found["line"]
        self.found["matmul", backend] = found
        table = self.table
        table.set("GPU that is chosen", backend, "gpu", found["line"])
        if found["started"]:
            (started, total), (grown, _) = found["started"], found["grown"]
            grows = "grows as needed" if started < total / 10 and grown > started else "is NOT left to others"
            sizes = f"{started:,} MiB at first, {grown:,} MiB with an array of 4 GiB, of {total:,} MiB"
            table.set("memory", backend, "gpu", f"{grows}: {sizes}")
        else:
            table.set("memory", backend, "gpu", "not run: nvidia-smi tells nothing of a CPU")
        for dtype, peak in zip(("bfloat16", "float32"), peaks(found["line"]) or (None, None), strict=True):
            share = f"{found[dtype] / peak:.0%} of the {peak} TFLOP/s of the data sheet" if peak else None
            if share and dtype == "float32" and found[dtype] > peak:
                share += ", which are without tensor cores: the backend uses them for float32 too (TF32)"
            table.set(f"products of matrices, {dtype}", backend, "gpu", f"{found[dtype]:,.1f} TFLOP/s", remark=share)

    def choice(self, row, backend, name="chosen", **environment):
        found = self.child(backend, name, **environment)
        self.table.set(row, backend, "gpu", found["line"])

    def pictures(self, row, backend, precision):
        found = self.child(backend, "pictures", precision, *((20, 2) if self.dry else (500, 60)))
        rate = self.found["pictures", backend, precision] = found["rate"]
        remarks = [found["precision"]]
        auto, best = self.found.get(("pictures", backend, "auto")), self.found.get(("best", backend))
        if precision == "auto" and best:
            remarks.append(f"`best` as a user trains it has {best / rate:.0%} of this speed, input pipeline counted")
        if precision == "float32" and auto:
            remarks.append(f"auto is {auto / rate:.2f} times as fast")
        self.table.set(row, backend, "gpu", f"{number(rate)} pictures/s", remark="; ".join(remarks))

    def faces(self, row, backend, batch_size):
        found = self.child(backend, "faces", *((4, 8, 2) if self.dry else (WIDTH, batch_size, 300)))
        tflops = found["flops"] * found["rate"] / 1e12
        shares = [f"{found['flops'] / 1e9:.3g} GFLOP an update: {tflops:.3g} TFLOP/s"]
        if measured := self.found.get(("matmul", backend)):
            reached = measured[found["precision"]]
            shares.append(f"{tflops / reached:.2%} of what products of matrices reach in {found['precision']}")
            if both := peaks(measured["line"]):
                peak = both[found["precision"] == "float32"]
                shares.append(f"{tflops / peak:.2%} of the chip's peak ({peak} TFLOP/s)")
        self.table.set(row, backend, "gpu", f"{number(found['rate'])} updates/s", remark=", ".join(shares))

    def homework(self, homework, side, backend):
        """Train as a user does, until it is done or its time is up; the speed of all but the first epoch or report."""
        staged = (cli.default_data_dir() / homework.file).exists()
        out = self.work / f"{homework.name}-{backend}-{side}".replace(" ", "")
        options = ["--data", "full" if staged and not self.dry else "sample", "--out", out]
        options += homework.options["dry" if self.dry else side]
        script = ROOT / homework.folder / "train.py"
        limit = homework.seconds
        output, _ = self.run(backend, side, [script, *options], limit, least=20)
        with contextlib.suppress(FileNotFoundError):
            config = json.loads((out / "config.json").read_text(encoding="utf-8"))
            if not self.dry and config["device"].startswith("GPU") != (side == "gpu"):
                raise Failed(f"FAILED: it ran on {config['device']}")
        try:
            with (out / "history.csv").open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except FileNotFoundError:
            raise Failed(f"stopped after {limit} s, within its first epoch") from None
        remarks = [] if staged or self.dry else [f"{side}: built-in sample, as {homework.file} is not staged"]
        first, last = rows[0], rows[-1]
        if homework.per_row is None:
            rate = float(last["updates_per_second"])
            if len(rows) == 1:
                remarks.append(f"{side}: with compiling")
        else:
            examples = int(re.search(r"([\d,]+) training", output)[1].replace(",", ""))
            epochs, seconds = len(rows) - 1, float(last["seconds"]) - float(first["seconds"])
            if not epochs:
                epochs, seconds = 1, float(first["seconds"])
                remarks.append(f"{side}: with compiling")
            rate = epochs * homework.per_row(config["options"], examples) / seconds
        if side == "gpu":
            reached = [f"{float(last['seconds']):.1f} s with compiling"]
            if (out / "metrics.json").exists():
                metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
                reached += [f"{name.replace('_', ' ')} {metrics[name]:.4f}" for name in metrics if name in SHOWN]
                if metrics["passed"] is not None:
                    reached.append("passes the bar" if metrics["passed"] else "MISSES the bar")
            else:
                reached.append(f"stopped after {next(iter(last))} {next(iter(last.values()))}")
                reached += [f"{name} {float(last[name]):.4f}" for name in last if name in SHOWN]
            remarks.append(", ".join(reached))
        text = f"{number(rate)} {homework.unit}/s"
        self.table.set(homework.name, backend, side, text, rate, "; ".join(remarks))
        if homework is CIFAR_BEST:
            self.found["best", backend] = rate


def peaks(line):
    """(TFLOP/s in bfloat16, in float32) of the GPU that a line of device.setup names, None where PEAKS lacks it."""
    return next((both for name, both in PEAKS.items() if name in line), None)


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def kill(process):
    """A process and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


# --- what is done, the important things first ------------------------------------------------------------------------


def plan(bench, backends, n_gpus):
    """{side: [(check, row, backend)]}, in order; every row stands in the table from the start."""
    sides = {"gpu": [], "cpu": []}

    def add(row, check, side="gpu", only=None):
        """One row per backend, for `check(backend)`."""
        for backend in only or backends:
            if (row, backend) not in bench.table.rows:
                bench.table.plan(row, backend)
            bench.table.rows[row, backend][side] = WAITING
            sides[side].append((functools.partial(check, backend), row, backend))

    first = backends[:1]  # nvidia-smi is asked before the backend starts
    add("GPU that is chosen", bench.basics)
    for row in ("memory", *(f"products of matrices, {dtype}" for dtype in ("bfloat16", "float32"))):
        for backend in backends:
            bench.table.plan(row, backend)
    for row, visible in (("chosen with CUDA_VISIBLE_DEVICES empty", ""), ("chosen with CUDA_VISIBLE_DEVICES=0", "0")):
        add(row, functools.partial(bench.choice, row, CUDA_VISIBLE_DEVICES=visible), only=first)
    row = "chosen while all but 1,500 MiB of the GPU are taken"
    if not n_gpus:
        bench.table.plan(row, first[0], "not run: there is no GPU to fill")
    elif n_gpus > 1:
        bench.table.plan(row, first[0], "not run: another GPU would be chosen")
    else:
        add(row, functools.partial(bench.choice, row, name="taken"), only=first)
    add(CIFAR_BEST.name, functools.partial(bench.homework, CIFAR_BEST, "gpu"))
    for precision in ("auto", "float32"):
        row = f"network `best` of hw2, a batch that is ready, {precision}"
        add(row, functools.partial(bench.pictures, row, precision=precision))
    row = f"network of hw5, width {WIDTH}"
    add(row, functools.partial(bench.faces, row, batch_size=64))
    for homework in HOMEWORKS:
        for side in sides:
            add(homework.name, functools.partial(bench.homework, homework, side), side)
    row = f"network of hw5, width {WIDTH}, batches of 512"
    add(row, functools.partial(bench.faces, row, batch_size=512))
    return sides


def main(argv=None):
    parser = cli.Parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the table and the log go")
    parser.add_argument("--seconds", type=cli.positive, default=290, metavar="N", help="for everything together (290)")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes, on the CPU")
    options = parser.parse_args(argv)
    if options.dry_run:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "log.txt").write_text("", encoding="utf-8")
    try:
        gpus = [name for (name,) in _nvidia_smi("--query-gpu=name")] if not options.dry_run else []
    except (OSError, subprocess.SubprocessError):
        gpus = []
    cores = sorted(os.sched_getaffinity(0))
    side_by_side = len(cores) >= 8
    where = ", ".join(gpus) or "no GPU"
    title = f"{where}; {len(cores)} CPU cores{', half of them for each column' if side_by_side else ''}"
    if options.dry_run:
        title = f"DRY RUN with tiny sizes; the column GPU is of a CPU too, and no figure means anything. {title}"
    table = Table(options.out / "gpu.md", title)
    if not gpus and not options.dry_run:
        table.plan("everything", "-", "not run: nvidia-smi shows no GPU (--dry-run tries everything on the CPU)")
        table.finish()
        print(table.text())
        return 1

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends too, and the table shows
    installed = [backend for backend in ("jax", "tensorflow") if importlib.util.find_spec(backend)]
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(2) as pool:
        bench = Bench(table, options.out, Path(work), options.seconds, options.dry_run)
        sides = plan(bench, installed, len(gpus))
        for backend in {"jax", "tensorflow"} - {*installed}:
            table.plan("everything", backend, f"not run: {backend} is not installed")
        table.write()

        def lane(side, own_cores):
            os.sched_setaffinity(0, own_cores)  # of this thread, and of the processes that it starts
            for check, row, backend in sides[side]:
                bench.attempt(check, row, backend, side)

        try:
            half = len(cores) // 2
            if side_by_side:
                lanes = [pool.submit(lane, "gpu", cores[:half]), pool.submit(lane, "cpu", cores[half:])]
            else:
                bench.deadlines["gpu"] -= 0.35 * options.seconds
                lanes = [pool.submit(lambda: (lane("gpu", cores), lane("cpu", cores)))]
            for each in lanes:
                each.result()
        finally:
            bench.stop()
            pool.shutdown()
            table.finish()
            print(table.text(), flush=True)
    return 1 if table.failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        arguments = [int(word) if word.isdigit() else word for word in sys.argv[3:]]
        print(json.dumps(CHILDREN[sys.argv[2]](*arguments)))
    else:
        sys.exit(main())
