"""The choice of the device and of the arithmetic, with GPUs that only a fake nvidia-smi knows about."""

import argparse
import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.run import device, speed
from common.run.run import Run
from tests.helpers import BACKEND, PATIENCE, ROOT, assert_one_sentence

FREE, BUSY, SMALL, OLD = (
    "1, GPU-free, NVIDIA H200, 140000, 9.0",
    "0, GPU-busy, NVIDIA H200, 500, 9.0",
    "2, GPU-small, NVIDIA A2, 9000, 8.6",
    "3, GPU-old, Tesla P100, 16000, 6.0",
)


BFLOAT16_SPEED = speed.bfloat16_speed  # which conftest.py replaces in all tests


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """`setup` changes the environment and Keras' settings, as it must: put them back."""
    for name in ("CUDA_VISIBLE_DEVICES", "XLA_PYTHON_CLIENT_PREALLOCATE"):
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put a program of that name first on the PATH; the argument is a shell script."""

    def install(script):
        (tmp_path / "bin").mkdir()
        program = tmp_path / "bin" / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return install


def gpus(*rows):
    return "cat <<END\n" + "\n".join(rows) + "\nEND"


@pytest.fixture
def cpu(monkeypatch):
    """Pretend that the CPU has these flags and no others."""

    def pretend(*flags):
        read_text = Path.read_text
        answer = f"processor\t: 0\nflags\t\t: fpu sse2 avx2 {' '.join(flags)}\n"

        def read(self, *args, **kwargs):
            return answer if str(self) == "/proc/cpuinfo" else read_text(self, *args, **kwargs)

        monkeypatch.setattr(Path, "read_text", read)

    pretend()
    return pretend


def visible():
    return os.environ.get("CUDA_VISIBLE_DEVICES")


# Which GPU. None of them can be used by the framework here, so that the run goes on with the CPU and says why.


def test_most_free_memory_is_chosen(nvidia_smi, capsys):
    nvidia_smi(gpus(BUSY, SMALL, FREE, OLD))
    chosen = device.setup("float32")
    assert visible() == "GPU-free"
    assert "CPU" in chosen.line
    assert_one_sentence(capsys.readouterr().err, "cannot use the GPU", "pip install")


def test_a_busy_gpu_is_left_to_those_who_use_it(nvidia_smi):
    nvidia_smi(gpus(BUSY))
    chosen = device.setup("float32")
    assert visible() == ""
    assert "no GPU has" in chosen.line


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *[("2", "GPU-small"), ("GPU-old", "GPU-old"), ("0,2", "GPU-small"), ("0", "GPU-busy"), ("", "")],
        *[("GPU-sm", "GPU-small"), ("MIG-1", "MIG-1")],  # as CUDA takes them too: the begin of a name, a part of a GPU
    ],
)
def test_cuda_visible_devices_is_respected(given, expected, nvidia_smi, monkeypatch):
    """Who sets it has decided: among those the freest, even if it is busy."""
    nvidia_smi(gpus(BUSY, FREE, SMALL, OLD))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    chosen = device.setup("float32")
    assert visible() == expected
    assert ("hides" in chosen.line) == (not expected)


@pytest.mark.parametrize(
    "script",
    [
        "exit 9",
        "echo No devices were found",
        "echo 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9",
        "true",
    ],
)
def test_an_nvidia_smi_that_tells_nothing(script, nvidia_smi):
    nvidia_smi(script)
    assert "CPU" in device.setup("float32").line
    assert not visible()


def test_a_gpu_that_shares_the_memory_of_the_cpu(nvidia_smi):
    nvidia_smi(gpus("0, GPU-shared, NVIDIA GB10, [N/A], 12.1"))
    device.setup("float32")
    assert visible() == "GPU-shared"


def test_an_nvidia_smi_that_hangs(nvidia_smi, monkeypatch):
    assert device.NVIDIA_SMI_SECONDS < 60
    monkeypatch.setattr(device, "NVIDIA_SMI_SECONDS", 0.5)
    nvidia_smi("exec sleep 1000")
    began = time.monotonic()
    assert "CPU" in device.setup("float32").line
    assert time.monotonic() - began < 60


def test_no_nvidia_smi(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "CPU" in device.setup("float32").line
    assert visible() is None


# More GPUs than there are


@pytest.mark.parametrize("rows", [[], [FREE], [FREE, SMALL]])
def test_more_gpus_than_can_be_used(rows, nvidia_smi):
    nvidia_smi(gpus(*rows))
    with pytest.raises(UserError) as error:
        device.setup("float32", gpus=2)
    assert_one_sentence(str(error.value), "--gpus 2", "0 GPUs")


def test_more_gpus_than_there_are_and_the_command(server, tmp_path):
    process = server.run("--data", "sample", "--gpus", "2", "--out", tmp_path, environment={"PATH": str(tmp_path)})
    assert process.returncode == 1
    assert_one_sentence(process.stderr, "--gpus 2")


# The arithmetic


@pytest.fixture
def measured(cpu, monkeypatch, tmp_path):
    """Pretend that the CPU has bfloat16, that it trains so many times as fast in it, and count the measurements."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cpu("avx512_bf16")
    monkeypatch.setattr(speed, "bfloat16_speed", BFLOAT16_SPEED)
    kinds = []

    def pretend(ratio):
        monkeypatch.setattr(speed, "measure", lambda kind: kinds.append(kind) or ratio)
        return kinds

    return pretend


on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX uses no bfloat16 on CPUs, and measures nothing")


@on_tensorflow
@pytest.mark.parametrize(
    ("ratio", "precision"), [(2.0, "bfloat16"), (1.25, "bfloat16"), (1.1, "float32"), (0.5, "float32")]
)
def test_bfloat16_must_be_clearly_faster(ratio, precision, measured):
    kinds = measured(ratio)
    chosen = device.setup("auto", layers="convolution")
    assert chosen.precision == precision
    assert f"{ratio:.2f} times as fast in bfloat16" in chosen.line
    policy = "float32" if precision == "float32" else "mixed_bfloat16"
    assert keras.config.dtype_policy().name == policy
    device.setup("auto", layers="convolution")
    assert kinds == ["convolution"], "the second time it is remembered"
    device.setup("auto", layers="dense")
    assert kinds == ["convolution", "dense"]


@on_tensorflow
def test_a_cache_that_is_damaged_or_cannot_be_written(measured, tmp_path):
    kinds = measured(2.0)
    assert device.setup("auto").precision == "bfloat16"
    (remembered,) = (tmp_path / "cache").rglob("bfloat16-*.json")
    for n, content in enumerate(
        (b"", b"{", b"[]", b"\xff", b'{"times_as_fast": "x"}', b'{"times_as_fast": NaN}'), start=2
    ):
        remembered.write_bytes(content)
        assert device.setup("auto").precision == "bfloat16"
        assert len(kinds) == n, content
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert device.setup("auto").precision == "bfloat16"
    assert len(kinds) == n + 1


@on_tensorflow
def test_the_measurement_itself():
    """It gives a number, leaves the settings of Keras alone, and draws no random numbers from a seeded run."""
    for kind in speed.LAYERS:
        keras.utils.set_random_seed(0)
        assert 0.02 < speed.measure(kind) < 50
        assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("flags", [[], ["avx512_bf16"]])
def test_nothing_is_measured_where_bfloat16_cannot_be_faster(flags, cpu, monkeypatch, tmp_path):
    """Without the instructions, or on JAX, which does not use them."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(speed, "bfloat16_speed", lambda kind: pytest.fail("it was measured"))
    cpu(*flags)
    if flags:
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
        monkeypatch.setattr(device, "_start_backend", lambda backend: [])
    assert device.setup("auto").precision == "float32"


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_precision_on_request(precision, cpu, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    chosen = device.setup(precision)
    assert chosen.precision == precision
    assert f"{precision} (as asked)" in chosen.line
    assert keras.config.dtype_policy().name == {"float32": "float32", "float16": "mixed_float16"}[precision]


def test_a_gpu_of_which_nvidia_smi_says_nothing(monkeypatch, tmp_path):
    """Of another maker, or in a container without that program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(device, "_start_backend", lambda backend: ["/GPU:0"])
    chosen = device.setup("auto")
    assert chosen.on_gpu
    assert "/GPU:0" in chosen.line
    assert chosen.precision == "float32"


@pytest.mark.parametrize("row", [FREE, OLD])
def test_a_gpu_that_cannot_be_used_does_not_choose_the_arithmetic(row, cpu, nvidia_smi):
    """A workstation with a GPU, and the framework as pip installs it: without support for the GPU."""
    nvidia_smi(gpus(row))
    chosen = device.setup("auto")
    assert "CPU" in chosen.line
    assert chosen.precision == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_seed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    def draw(seed):
        device.setup("float32", seed=seed)
        return keras.ops.convert_to_numpy(keras.random.normal((5,))), np.random.rand(5)  # noqa: NPY002

    for first, again, other in zip(draw(3), draw(3), draw(4), strict=True):
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)


def test_the_backend_of_the_settings_file_counts(cpu, monkeypatch, tmp_path):
    """Keras reads ~/.keras/keras.json too, so the environment does not tell which backend runs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(device, "_start_backend", lambda backend: [])
    cpu("avx512_bf16")
    assert device.setup("auto").precision == "float32"


@pytest.mark.parametrize(("name", "reason"), [("torch", "torch"), ("nonsense", "nonsense")])
def test_a_backend_that_does_not_work_here(name, reason, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: name)
    with pytest.raises(UserError) as error:
        device.setup("float32")
    assert_one_sentence(str(error.value), reason, "KERAS_BACKEND=jax")


def test_a_backend_that_is_not_installed():
    program = """
import sys
class Missing:
    def find_spec(self, name, *_):
        if name == "keras":
            raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
sys.meta_path.insert(0, Missing())
from common.run import cli
"""
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert_one_sentence(process.stderr, "tensorflow", "KERAS_BACKEND=jax")


SCRIPTS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("hw*/*.py") if "\nif __name__" in path.read_text())


def test_importing_touches_no_device():
    """So that the choice of GPUs comes in time; and nothing is said, whatever the backend has to say while it loads."""
    program = f"""
import importlib
for script in {SCRIPTS!r}:
    importlib.import_module(script.removesuffix(".py").replace("/", "."))
    if {BACKEND!r} == "jax":
        from jax._src import xla_bridge
        assert not xla_bridge._backends, script
    else:
        from tensorflow.python.eager import context
        assert context._context is None or not context.context()._initialized, script
"""
    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert not process.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_imports_the_course_before_any_package(script):
    """It sets what must be in the environment before a backend wakes up, and keeps it quiet while it does."""
    names = []
    for node in ast.parse((ROOT / script).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module)
    packages = [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names]
    assert packages[0] == "common.run"


def test_stderr_comes_back_when_two_threads_start_keras():
    began = os.fstat(2)
    entered, leave = threading.Event(), threading.Event()

    def first():
        with device._quiet():
            entered.set()
            leave.wait(PATIENCE)

    def second():
        with device._quiet():
            pass

    threads = [threading.Thread(target=each) for each in (first, second)]
    threads[0].start()
    entered.wait(PATIENCE)
    threads[1].start()
    threads[1].join(0.2)  # it must wait for the first
    assert threads[1].is_alive()
    leave.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert os.path.samestat(os.fstat(2), began)


def test_several_gpus_need_batches_that_they_can_share(tmp_path):
    run = Run(argparse.Namespace(out=tmp_path, batch_size=256, gpus=3, epochs=None, updates=100))
    run.device = device.Device("tensorflow", "float32", "")
    with pytest.raises(UserError) as error:
        run.epochs(1000)
    assert_one_sentence(str(error.value), "3 GPUs", "256", "--batch-size")
    run.config.batch_size = 258
    assert run.epochs(1000) == 25
    run.config.batch_size, run.device.backend = 256, "jax"  # there Batches makes the parts equal
    assert run.epochs(1000) == 25


# Several devices give what one gives. Two halves of the CPU stand for two GPUs, two processes for two hosts.

TRAIN = """
import argparse, json, os, pathlib, sys
import numpy as np
from common.run import checkpoint, device
from common.run.run import Run
many = sys.argv[1] == "many"
tensorflow = os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow"
if tensorflow:
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
scope = device.setup("float32").scope
import keras
from common.data.batches import Batches
names = [gpu.name for gpu in tf.config.list_logical_devices("CPU")] if tensorflow else keras.distribution.list_devices()
assert len(names) == 2, names
if many and device.HOSTS not in os.environ:
    scope = device._data_parallel(keras.backend.backend(), names)
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x, y = rng.random((96, 6), "float32"), rng.integers(0, 3, 96)
def build():
    layers = [keras.layers.Dense(16, activation="tanh"), keras.layers.Dense(3)]
    if not tensorflow:  # there each of several devices normalises its own part
        layers[1:1] = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)]
    with scope():
        model = keras.Sequential([keras.Input((6,)), *layers])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
    return model
batches = Batches(x, y, 8, seed=0)  # 12 batches: more than Keras fetches ahead
model = build()
losses = model.fit(batches, shuffle=False, epochs=2, verbose=0).history["loss"]
run = Run(argparse.Namespace(out=pathlib.Path(sys.argv[2]), resume=True))
run.device = device.Device("", "", "", scope)
(run.folder / "checkpoint").mkdir(parents=True)
checkpoint.save(run.folder / "checkpoint", model, checkpoint.Progress(2))
model = build()
batches.epoch = run.restore(model)
losses += model.fit(batches, shuffle=False, initial_epoch=2, epochs=3, verbose=0).history["loss"]
print(json.dumps([losses, [w.tolist() for w in model.get_weights()]]))
"""


def start(many, folder, name="run", **environment):
    environment = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "PATH": str(folder), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, "many" if many else "one", str(folder / name)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(process):
    """(losses, weights) of a process of TRAIN."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def assert_same(found, expected):
    (loss, weights), (expected_loss, expected_weights) = found, expected
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-4)
    assert loss[-1] < loss[0]
    for array, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(np.array(array), np.array(other), atol=1e-5)


@pytest.fixture(scope="module")
def result_of_one(tmp_path_factory):
    return result(start(False, tmp_path_factory.mktemp("one")))


def test_two_devices_give_what_one_gives(result_of_one, tmp_path):
    assert_same(result(start(True, tmp_path)), result_of_one)


@pytest.mark.skipif(BACKEND != "jax", reason="Keras trains on several hosts on JAX alone")
def test_two_hosts_give_what_one_gives(result_of_one, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    shared = {device.HOSTS: address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2", "XLA_FLAGS": ""}
    hosts = [start(True, tmp_path, f"host{i}", **shared, KERAS_DISTRIBUTION_PROCESS_ID=str(i)) for i in range(2)]
    for host in hosts:
        assert_same(result(host), result_of_one)


@pytest.mark.skipif(BACKEND == "jax", reason="there it works")
def test_several_hosts_need_jax(monkeypatch):
    monkeypatch.setenv(device.HOSTS, "127.0.0.1:1")
    with pytest.raises(UserError) as error:
        device.setup("float32")
    assert_one_sentence(str(error.value), device.HOSTS, "KERAS_BACKEND=jax")
