"""Homework 5 beside the usual Keras script, what each part of `fast` is worth, and how the Fréchet distance ranks.

    python tests/benchmarks/hw5_anime_dcgan.py               updates per second, ours and theirs (10 minutes)
    python tests/benchmarks/hw5_anime_dcgan.py ablation      `fast`, and with each setting changed (hours; --updates N)
    python tests/benchmarks/hw5_anime_dcgan.py ranking [RUN ...]   the distance of spoiled faces, and of finished runs

The usual script trains by `train_on_batch`: the discriminator on real faces, then on drawn ones that `predict` makes,
then the generator through a combined model in which the discriminator is frozen. Its networks, batches and optimizers
are ours, in Keras' default float32. Ours is timed as a student gets it, and in float32 too. All are timed in turns,
each in processes of its own; the median counts.
"""

import csv
import json
import statistics
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import runs

WIDTHS = (32, 64)
ROUNDS = 3
WARM_UP, TIMED = 5, 40  # updates; on a GPU, 25 times as many are timed


def faces(kind="full"):
    from common import data
    from common.run import cli

    return data.load("faces", Namespace(data=kind, data_dir=cli.default_data_dir(), limit=None, seed=0))


def operations(width, batch_size=64, latent_dim=100):
    """Floating-point operations of the convolutions and the dense layer in one update.

    Forward g for the generator, d for the discriminator; a backward pass costs as much as a forward one for the inputs
    and once more for the weights. Generator 3 g; discriminator 3 d on real faces, 4 d on drawn ones: their gradient is
    wanted for the weights and, by the other loss, for the faces.
    """
    sides = (64, 32, 16, 8, 4)
    channels = (3, width, 2 * width, 4 * width, 8 * width)
    one_way = sum(2 * 16 * sides[i + 1] ** 2 * channels[i] * channels[i + 1] for i in range(4))
    g = one_way + 2 * latent_dim * 16 * 8 * width
    d = one_way + 2 * 16 * 8 * width
    return batch_size * (3 * g + 7 * d)


def ours(width, precision):
    """Print {"updates_per_second", "device"} of our train step, as `fit` runs it."""
    from common.run import device

    chosen = device.setup(precision)
    from hw5_anime_dcgan import train
    from hw5_anime_dcgan.stretches import Stretches

    x = faces("sample").x_train
    settings = Namespace(**{**train.SETTINGS["classic"], "width": width}, seed=0)
    model, batches = train.build(settings, 0), Stretches(x, x[:, 0, 0, 0], 64, 0)
    timed = TIMED * (25 if chosen.on_gpu else 1)
    model.fit(batches.between(0, WARM_UP), shuffle=False, verbose=0)
    began = time.perf_counter()
    model.fit(batches.between(0, timed), shuffle=False, verbose=0)
    print(json.dumps({"updates_per_second": timed / (time.perf_counter() - began), "device": chosen.line}))


def theirs(width):
    """Print {"updates_per_second", "device"} of the usual script."""
    import numpy as np

    from common.run import device

    chosen = device.setup("float32")
    import keras

    from hw5_anime_dcgan import model

    def adam():
        return keras.optimizers.Adam(2e-4, beta_1=0.5)

    x, batch_size, latent_dim = faces("sample").x_train, 64, 100
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    generator, discriminator = model.build_generator(latent_dim, width), model.build_discriminator(width)
    discriminator.compile(adam(), loss)
    discriminator.trainable = False
    noise = keras.Input((latent_dim,))
    combined = keras.Model(noise, discriminator(generator(noise)))
    combined.compile(adam(), loss)
    ones, zeros = np.ones((batch_size, 1)), np.zeros((batch_size, 1))
    timed = TIMED * (25 if chosen.on_gpu else 1)
    for update in range(WARM_UP + timed):
        if update == WARM_UP:
            began = time.perf_counter()
        real = x[np.random.randint(0, len(x), batch_size)].astype("float32") / 255  # noqa: NPY002 as in those scripts
        random = np.random.normal(0, 1, (batch_size, latent_dim))  # noqa: NPY002
        drawn = generator.predict(random, verbose=0)
        discriminator.trainable = True
        discriminator.train_on_batch(real, ones)
        discriminator.train_on_batch(drawn, zeros)
        discriminator.trainable = False
        combined.train_on_batch(random, ones)
    print(json.dumps({"updates_per_second": timed / (time.perf_counter() - began), "device": chosen.line}))


def speed():
    for width in WIDTHS:
        kinds = {
            "ours": ("ours", width, "auto"),
            "ours, float32": ("ours", width, "float32"),
            "theirs": ("theirs", width),
        }
        rates = {name: [] for name in kinds}
        for _ in range(ROUNDS):
            for name, arguments in kinds.items():
                answer = runs.child(__file__, *arguments)
                rates[name].append(answer["updates_per_second"])
                if name == "ours":
                    line = answer["device"]
        middle = {name: statistics.median(values) for name, values in rates.items()}
        tera = operations(width) / 1e12
        print(f"width {width}, batch 64, {line}; {1000 * tera:,.0f} GFLOP per update")
        for name, rate in middle.items():
            times = f"{rate / middle['theirs']:.2f} times theirs"
            print(f"  {name:14} {rate:8.2f} updates per second, {tera * rate:7.3f} TFLOP/s, {times}", flush=True)


def one_run(model, changed, updates):
    """Train `model` with the settings `changed` (JSON) and print its last metrics: on held-out faces."""
    from hw5_anime_dcgan import train

    train.SETTINGS[model].update(json.loads(changed))
    with tempfile.TemporaryDirectory() as out:
        assert train.main(["--data", "full", "--model", model, "--updates", updates, "--out", out]) == 0
        with (Path(out) / "history.csv").open(newline="", encoding="utf-8") as file:
            *_, last = csv.DictReader(file)
    print(json.dumps({name: float(value) for name, value in last.items()}))


def ablation(updates):
    from hw5_anime_dcgan import train

    fast, plain = train.SETTINGS["fast"], train.SETTINGS["classic"]
    changes = [{}, *({name: plain[name]} for name in fast if fast[name] != plain[name])]
    print("                                Fréchet distance  precision  recall  copies  diversity  updates per second")
    for model, changed in [*(("fast", change) for change in changes), ("classic", {})]:
        found = runs.child(__file__, "one_run", model, json.dumps(changed), updates)
        title = " ".join([model, *(f"with {name} {value}" for name, value in changed.items())])
        print(
            f"{title:31} {found['frechet_distance']:17.1f}  {found['precision']:9.2f}  {found['recall']:6.2f}  "
            f"{found['copy_share']:6.3f}  {found['diversity_ratio']:9.2f}  {found['updates_per_second']:18.2f}",
            flush=True,
        )


def ranking(*folders):
    import numpy as np
    from PIL import Image, ImageFilter

    from common.run import device
    from hw5_anime_dcgan.quality import Judge

    dataset = faces()
    (x, _), (real, _) = dataset.validation_split()
    test = dataset.x_test[:1500]
    judge = Judge(x, real[:1500])
    rng = np.random.default_rng(0)

    def blurred(radius):
        return np.stack([np.asarray(Image.fromarray(face).filter(ImageFilter.GaussianBlur(radius))) for face in test])

    sets = {
        "other real faces": test,
        "a little noise (8 of 255)": (test + rng.normal(0, 8, test.shape)).clip(0, 255).astype("uint8"),
        "blurred by half a pixel": blurred(0.5),
        "blurred by a pixel": blurred(1),
        "two faces mixed": (test // 2 + test[::-1] // 2).astype("uint8"),
        "blurred by 2 pixels": blurred(2),
        "50 real faces, 30 times each": test[rng.integers(0, 50, len(test))],
        "noise": rng.integers(0, 256, test.shape, "uint8"),
    }
    if folders:
        device.setup("float32")
        import keras

        from hw5_anime_dcgan.evaluate import draw, noise

        for run in folders:
            generator = keras.models.load_model(Path(run) / "model.keras")
            updates = json.loads((Path(run) / "metrics.json").read_text())["best_updates"]
            sets[f"{Path(run).name}, {updates:,} updates"] = draw(generator, noise(generator, 1500, 7))
    print("                              Fréchet distance  precision  recall  copies  diversity")
    for name, images in sets.items():
        found = judge.metrics(images)
        print(
            f"{name:30} {found['frechet_distance']:15.1f}  {found['precision']:9.2f}  {found['recall']:6.2f}  "
            f"{found['copy_share']:6.3f}  {found['diversity_ratio']:9.2f}",
            flush=True,
        )


def main():
    if len(sys.argv) < 2:
        speed()
        return
    name, *arguments = sys.argv[1:]
    if name == "ours":
        ours(int(arguments[0]), arguments[1])
    elif name == "theirs":
        theirs(int(arguments[0]))
    elif name == "one_run":
        one_run(*arguments)
    elif name == "ablation":
        ablation(arguments[1] if arguments[:1] == ["--updates"] else "4000")
    elif name == "ranking":
        ranking(*arguments)


if __name__ == "__main__":
    main()
