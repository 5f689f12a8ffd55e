"""Looks into a .keras file before Keras reads it: is it what it seems, and does it need code that is not Keras' own?

A .keras file is a zip of config.json (the layers), model.weights.h5 and metadata.json. Keras' own safe mode refuses
most of what is refused here; this names the reason in a sentence, and is the first of three walls (safe mode and the
sandbox are the others).
"""

import hashlib
import io
import json
import math
import zipfile

import h5py

MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
MOST_BYTES = {"metadata.json": 1 << 20, "config.json": 16 << 20, "model.weights.h5": 400 << 20}
MOST_OBJECTS = 10_000
MOST_DESCRIBED = 5_000  # numbers in a config.json that holds no weights; the largest of this course has a tenth of it
# Where the parts of a model come from: layers and what they are made of, no tools that read files or fetch them.
KERAS = (
    *("keras.layers", "keras.models", "keras.initializers", "keras.regularizers", "keras.constraints"),
    *("keras.activations", "keras.ops", "keras.losses", "keras.metrics", "keras.optimizers", "keras.dtype_policies"),
    *("keras.random", "keras.quantizers", "keras.src"),
)


class Refused(Exception):
    """What was handed in is not read. The message says why, for the student."""


def inspect(path):
    """(SHA-256 of the weights, names of the parts that are not Keras' own, number of weights) of a .keras file.

    The hash is of the arrays alone, whatever the layers are called. The number is of all that is stored: statistics of
    normalisation too, a byte for two, as Keras packs two weights of int4 into one, and where config.json holds more
    numbers than layers are described by, those. Raises Refused;
    runs nothing of what it reads.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename not in MEMBERS:
                    raise Refused(f"it holds {info.filename[:80]!r}, which no .keras file of this course has")
                if info.file_size > MOST_BYTES[info.filename] or info.file_size > 100 * info.compress_size + 1000:
                    raise Refused(f"its {info.filename} unpacks to {info.file_size:,} bytes: that is not read")
            config = json.loads(archive.read("config.json"))
            weights = io.BytesIO(archive.read("model.weights.h5"))
        custom = sorted(_custom_parts(config))
        with h5py.File(weights, "r") as file:
            digest, count = _digest(file, weights.getbuffer().nbytes)
        described = _numbers(config)
        return digest, custom, count + (described if described > MOST_DESCRIBED else 0)
    except RecursionError:
        raise Refused("its config.json is nested too deeply") from None
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise Refused(f"it is damaged, or no .keras file ({_first_line(error)})") from None


def _custom_parts(config):
    """The names of the classes and functions in a config that are not Keras' own. Refuses Python code in it."""
    if isinstance(config, list):
        return set().union(*map(_custom_parts, config))
    if not isinstance(config, dict):
        return set()
    found = set().union(*map(_custom_parts, config.values()))
    name, module = config.get("class_name"), config.get("module")
    if name in ("Lambda", "__lambda__"):
        raise Refused("it has a Lambda layer, which holds Python code: use a layer of Keras, or a class in model.py")
    if isinstance(name, str) and not name.startswith("__") and "config" in config:
        function = name == "function"
        if function:
            name = str(config["config"])
        of_keras = isinstance(module, str) and (module == "keras" or f"{module}.".startswith(_PREFIXES))
        if not of_keras and not (function and module == "builtins") and not _of_old_keras(config):
            found.add(f"{name} of {module}")
        elif config.get("registered_name") not in (None, name, "function"):
            found.add(str(config["registered_name"]))
    return found


def _numbers(config):
    """How many numbers a config holds: some layers, such as Normalization, can be given their weights there."""
    if isinstance(config, dict):
        config = list(config.values())
    return sum(map(_numbers, config)) if isinstance(config, list) else isinstance(config, (int, float))


_PREFIXES = tuple(f"{prefix}." for prefix in KERAS)


def _of_old_keras(config):
    """Whether it only names a class, without its module, as some layers do with what they are made of."""
    return "module" not in config and "registered_name" not in config


def _digest(file, size):
    """(hash of all arrays, number of their entries) of an open HDF5 file of so many bytes, after a look at each.

    Of a compiled model the arrays of its optimizer are there, too: the grader never loads them, and they do not count.
    """
    digests, waiting, seen, total, count = [], [file], set(), 0, 0
    while waiting:
        group = waiting.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise Refused("its weights point to another place or file")
            item = group[name]
            identity = h5py.h5o.get_info(item.id).addr
            if identity in seen or len(seen) > MOST_OBJECTS:
                raise Refused("its weights are a maze of links")
            seen.add(identity)
            if isinstance(item, h5py.Group):
                waiting.append(item)
                continue
            if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiub" or item.shape is None:
                raise Refused("its weights hold something other than arrays of numbers")
            if item.external or item.is_virtual:
                raise Refused("its weights lie in another file")
            nbytes = math.prod(item.shape) * item.dtype.itemsize
            total += nbytes
            of_optimizer = item.name.startswith("/optimizer/")
            packed = 2 if item.dtype.itemsize == 1 else 1  # int4
            count += 0 if of_optimizer else packed * math.prod(item.shape)
            if item.chunks:
                raise Refused("its weights are stored in chunks, compressed perhaps, as Keras never stores them")
            if total > size:
                raise Refused(f"its weights claim {total:,} bytes or more, of the {size:,} that are there")
            if not of_optimizer:  # one update at a learning rate of 0 would make a copy look like another network
                digests.append(hashlib.sha256(f"{item.dtype} {item.shape}".encode() + item[()].tobytes()).digest())
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest(), count


def _first_line(error):
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]
