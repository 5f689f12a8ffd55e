"""Measures whether bfloat16 trains faster than float32 on this CPU, once per machine and version, and remembers it.

The name of a CPU feature does not tell: with AVX512-BF16 the same networks were seen twice as fast on one maker's CPUs
and half as fast on another's. So forward and backward passes of the layers that a homework is made of are timed in
both, in turns, for less than a second. TensorFlow only: JAX does not use the CPU's bfloat16 instructions.
"""

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path

import keras
import pooch

from common import files

CLEARLY = 1.2  # times as fast as float32: below that the rounding is not worth it
SECONDS = 0.2  # of timing
LAYERS = {  # kind: (shape of a batch, the layers): small, yet large enough that products take most of the time
    # an LSTM is made of such products too
    "dense": ((256, 512), lambda: [keras.layers.Dense(512, "relu"), keras.layers.Dense(512, "relu")]),
    "convolution": (
        (64, 32, 32, 32),
        lambda: [keras.layers.Conv2D(n, 4, 2, padding="same", activation="relu") for n in (64, 128)],
    ),
}


def bfloat16_speed(kind):
    """How many times as fast as float32 bfloat16 trains layers of this kind of LAYERS; from the user's cache if there.

    A cache that cannot be read or written costs a measurement, nothing else.
    """
    path = Path(pooch.os_cache("keras-homeworks")) / f"bfloat16-{_machine(kind)}.json"
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        ratio = json.loads(path.read_text(encoding="utf-8"))["times_as_fast"]
        if isinstance(ratio, float) and 0.01 < ratio < 100:
            return ratio
    ratio = round(measure(kind), 2)
    with contextlib.suppress(OSError):
        files.write_json(path, {"kind": kind, "times_as_fast": ratio})
    return ratio


def measure(kind):
    """The time of a forward and backward pass in float32 as a multiple of that in bfloat16: the least of several."""
    passes = {policy: _training_pass(kind, policy) for policy in ("float32", "mixed_bfloat16")}
    least = dict.fromkeys(passes, float("inf"))
    for run in passes.values():
        run()  # traces the graph
    end, rounds = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end or rounds < 3:
        for policy, run in passes.items():  # in turns: other work on the machine slows both down
            began = time.perf_counter()
            run()
            least[policy] = min(least[policy], time.perf_counter() - began)
        rounds += 1
    return least["float32"] / least["mixed_bfloat16"]


def _training_pass(kind, policy):
    """A function that computes the gradients of a small network once."""
    import tensorflow as tf

    shape, layers = LAYERS[kind]
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    network = keras.Sequential([keras.Input(shape[1:]), *layers()])
    keras.config.set_dtype_policy(before)
    x = tf.fill(shape, 0.1)

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.cast(network(x, training=True), "float32")))
        return tape.gradient(loss, [variable.value for variable in network.trainable_variables])

    return lambda: [gradient.numpy() for gradient in gradients()]


def _machine(kind):
    """Hex digits that change with the CPU, the number of cores, the versions and the kind of layers."""
    import tensorflow as tf

    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text(encoding="utf-8", errors="replace").splitlines() if cpu.exists() else []
    cpu = sorted({line for line in lines if line.startswith(("vendor_id", "model", "cpu family", "flags"))})
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return hashlib.sha256(
        repr((kind, LAYERS[kind][0], cpu, cores, tf.__version__, keras.__version__)).encode()
    ).hexdigest()[:16]
