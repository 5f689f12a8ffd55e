"""Chooses the device and the arithmetic.

Importing Keras touches no device: TensorFlow and JAX look for GPUs when one is first asked for. `setup` comes before
that, and hides the GPUs that are not chosen.
"""

import contextlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import UserError

_stderr = threading.Lock()  # the grader starts backends from several threads


@contextlib.contextmanager
def _quiet():
    """Hide what native code prints to stderr while the backend loads and starts, such as TensorFlow's advice."""
    try:
        os.fstat(2)
    except OSError:  # it is closed: nothing can be seen anyhow
        yield
        return
    with _stderr:
        sys.stderr.flush()
        saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(null)


with _quiet():
    try:
        import keras

        from common.run import speed
    except ModuleNotFoundError as missing:
        if missing.name not in ("tensorflow", "jax", "torch"):
            raise
        sys.exit(
            f"error: Keras cannot start without {missing.name}: install TensorFlow, or JAX and set KERAS_BACKEND=jax"
        )

MIN_FREE_MIB = 2000  # a GPU with less free memory is left to those who use it
NVIDIA_SMI_SECONDS = 10  # that it may take: with a broken driver it never answers
BACKENDS = ("tensorflow", "jax")
HOSTS = "KERAS_DISTRIBUTION_JOB_ADDRESSES"  # Keras' own variable: where the first of several hosts can be reached


@dataclass
class Device:
    """What `setup` chose. `line`: for people; `scope()`: build and compile the model inside it."""

    backend: str  # "tensorflow" or "jax"
    precision: str  # "float32", "bfloat16" or "float16"
    line: str
    scope: object = field(default=contextlib.nullcontext, repr=False)

    @property
    def on_gpu(self):
        return self.line.startswith("GPU")


def setup(precision="auto", gpus=None, seed=0, layers="dense"):
    """Choose GPU or CPU and the precision, start the backend, seed Keras, and return the Device.

    precision: "auto", "float32", "bfloat16", "float16". gpus: how many, None for one if there is any. layers: what the
    network is made of, a key of speed.LAYERS: "auto" on a CPU measures how fast these are.
    Respects CUDA_VISIBLE_DEVICES and KERAS_BACKEND, and joins other hosts when HOSTS is set. Raises UserError when
    fewer GPUs than asked for can be used, or the backend is none that this project knows.
    """
    chosen, why_cpu = _choose_gpus(gpus)
    if HOSTS in os.environ:
        print(f"joining the other hosts at {os.environ[HOSTS]} ...", file=sys.stderr)
    backend = known_backend()
    with _quiet():
        if HOSTS in os.environ:
            if backend != "jax":
                raise UserError(f"{HOSTS} is set, and several hosts can only train together with KERAS_BACKEND=jax")
            keras.distribution.initialize()  # waits for the others
        usable = _start_backend(backend)
    if chosen and not usable:
        hint = 'pip install "tensorflow[and-cuda]"' if backend == "tensorflow" else 'pip install "jax[cuda13]"'
        print(f"note: this {backend} cannot use the GPU that is here ({hint}); using the CPU", file=sys.stderr)
        chosen = []
    most = len(usable) if chosen else min(len(usable), 1)  # several that nvidia-smi does not list cannot be told apart
    if gpus and most < gpus:
        raise UserError(f"--gpus {gpus} asked for, but {most} GPUs can be used: give a smaller number")

    reason = "as asked"
    if precision == "auto":
        precision, reason = _gpu_precision(chosen) if usable else _cpu_precision(backend, layers)
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    if chosen:
        where = ", ".join(f"GPU {gpu['index']} ({gpu['name']}, {gpu['free']:,} MiB free)" for gpu in chosen)
    elif usable:  # of another maker, or in a container without nvidia-smi
        where = f"GPU ({usable[0]}, of which nvidia-smi says nothing)"
    else:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        where = f"CPU ({cores} cores{why_cpu})"
    line = f"{where}, {precision} ({reason}), {backend}"
    scope = contextlib.nullcontext
    if HOSTS in os.environ:
        everywhere = keras.distribution.list_devices()
        line += f", {len(everywhere)} devices on all hosts"
        scope = _data_parallel(backend, everywhere)
    elif len(chosen) > 1:
        scope = _data_parallel(backend, usable)
    return Device(backend, precision, line, scope)


def known_backend():
    """The name of Keras' backend. Raises UserError when it is none that the homeworks work with."""
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        advice = "install TensorFlow, or JAX and set KERAS_BACKEND=jax"
        raise UserError(f"the backend {backend} of Keras is not one that works here: {advice}")
    # a user's keras.json may name the backend, and changes nothing else
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_epsilon(1e-7)
    return backend


def _choose_gpus(wanted):
    """([GPU as a dict, most free memory first], why none); limits CUDA_VISIBLE_DEVICES to those chosen."""
    command = ["nvidia-smi", "--query-gpu=index,uuid,name,memory.free,compute_cap", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=NVIDIA_SMI_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return [], ""
    gpus = []
    for row in answer.strip().splitlines():
        try:
            index, uuid, name, free, capability = (cell.strip() for cell in row.split(","))
            # a GPU that shares the memory of the CPU answers [N/A]: it is taken for free
            free = int(free) if free.isdigit() else MIN_FREE_MIB
            gpus.append({"index": index, "uuid": uuid, "name": name, "free": free, "capability": float(capability)})
        except ValueError:  # "No devices were found"
            continue
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = [name.strip() for name in visible.split(",") if name.strip()]
        parts = [name for name in names if name.startswith("MIG-")]  # of GPUs, which nvidia-smi does not list
        gpus = [gpu for gpu in gpus if any(name == gpu["index"] or gpu["uuid"].startswith(name) for name in names)]
        gpus += [{"index": part, "uuid": part, "name": "a part", "free": 0, "capability": 8.0} for part in parts]
        why_none = "; CUDA_VISIBLE_DEVICES hides the GPUs"
    else:
        gpus = [gpu for gpu in gpus if gpu["free"] >= MIN_FREE_MIB]
        why_none = f"; no GPU has {MIN_FREE_MIB:,} MiB free"
    gpus.sort(key=lambda gpu: -gpu["free"])
    gpus = gpus[: wanted or 1]
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpu["uuid"] for gpu in gpus)
    return gpus, "" if gpus else why_none


def _cpu_precision(backend, layers):
    """bfloat16 where the CPU has instructions for it and they were measured to be clearly faster; (precision, why)."""
    if backend != "tensorflow":
        return "float32", f"{backend} has no fast bfloat16 on CPUs"
    if not {"avx512_bf16", "amx_bf16"} & {*_cpu_flags()}:
        return "float32", "this CPU has no bfloat16"
    ratio = speed.bfloat16_speed(layers)
    measured = f"{layers} layers train {ratio:.2f} times as fast in bfloat16, measured here"
    return "bfloat16" if ratio >= speed.CLEARLY else "float32", measured


def _cpu_flags():
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.read_text().split() if cpuinfo.exists() else []


def _gpu_precision(gpus):
    if gpus and all(gpu["capability"] >= 8.0 for gpu in gpus):
        return "bfloat16", "tensor cores for it"
    return "float32", "no bfloat16 on this GPU" if gpus else "nobody says whether this GPU has bfloat16"


def _start_backend(backend):
    """Let the backend look for its devices; the names of the GPUs that it can use."""
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            with contextlib.suppress(RuntimeError):  # already started, in a test session
                tf.config.experimental.set_memory_growth(gpu, True)
        if not gpus:
            tf.config.experimental.enable_op_determinism()  # on a GPU it would cost speed
        return [gpu.name.replace("/physical_device:", "/") for gpu in gpus]
    return [name for name in keras.distribution.list_devices() if name.startswith(("gpu", "cuda"))]


def _data_parallel(backend, devices):
    """A function that returns the scope in which Keras builds a model on all `devices`, each with part of a batch."""
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.distribute.MirroredStrategy(devices).scope
    # auto_shard_dataset: of several hosts, each is to cut its part out of a tf.data set; common/data/batches.py does it
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))
    return contextlib.nullcontext
