"""Homework 4 beside the autoencoders of Keras' blog and its VAE example, and what the length of the code is worth.

    python tests/benchmarks/hw4_autoencoder.py            ours beside Keras' (some ten minutes on two cores)
    python tests/benchmarks/hw4_autoencoder.py lengths    codes of 1 to 128 numbers against errors (6 epochs each)

Needs the full MNIST data. Ours are runs of `hw4_autoencoder/train.py` as a student starts them. Keras':

- "Building Autoencoders in Keras" (2016), the deep autoencoder: 784-128-64-32-64-128-784, ReLU, Adam, batches of 256,
  100 epochs, trained here in full.
- the example variational_autoencoder (keras.io): convolutions 32-64, dense 16, a code of 2 numbers, Adam, batches of
  128, 30 epochs over training and test digits together. Its arithmetic alone is timed, some hundred steps, and
  multiplied; its figure, 147 nats, is the one that it publishes, on the data that it was trained on.
"""

import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import runs

LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128)
EPOCHS = 6  # for each: enough to compare lengths, not the best that each can do
VAE_EPOCHS, VAE_STEPS = 30, 547  # 70,000 digits in batches of 128
TIMED_STEPS = 300


def digits():
    """Training and test digits as the scripts of Keras take them: float32 (n, 784) in 0..1."""
    from argparse import Namespace

    from common import data
    from common.run import cli
    from hw4_autoencoder import codes

    dataset = data.load("mnist", Namespace(data="full", data_dir=cli.default_data_dir(), limit=None, seed=0))
    return codes.flat(dataset.x_train), codes.flat(dataset.x_test)


def keras_autoencoder():
    """Print {"test_bce_per_pixel", "test_mse", "seconds"} of the blog's deep autoencoder as JSON."""
    import numpy as np

    from common.run import device

    device.setup("float32")
    import keras
    from keras import layers

    x, x_test = digits()
    model = keras.Sequential([keras.Input((784,))])
    for width in (128, 64, 32, 64, 128):
        model.add(layers.Dense(width, activation="relu"))
    model.add(layers.Dense(784, activation="sigmoid"))
    model.compile("adam", "binary_crossentropy")
    model.fit(x[:2560], x[:2560], batch_size=256, verbose=0)
    began = time.perf_counter()
    model.fit(x, x, batch_size=256, epochs=100, shuffle=True, verbose=0)
    seconds = time.perf_counter() - began
    bce = model.evaluate(x_test, x_test, batch_size=500, verbose=0)
    mse = float(np.mean((model.predict(x_test, batch_size=500, verbose=0) - x_test) ** 2))
    print(json.dumps({"test_bce_per_pixel": float(bce), "test_mse": mse, "seconds": seconds}))


def keras_vae():
    """Print {"step_seconds"} of the VAE example as JSON."""
    from common.run import device

    device.setup("float32")
    import keras
    from keras import layers

    from hw4_autoencoder.train_vae import VAE

    images = keras.Input((28, 28), dtype="uint8")
    x = layers.Reshape((28, 28, 1))(layers.Rescaling(1 / 255)(images))
    x = layers.Conv2D(32, 3, activation="relu", strides=2, padding="same")(x)
    x = layers.Conv2D(64, 3, activation="relu", strides=2, padding="same")(x)
    x = layers.Dense(16, activation="relu")(layers.Flatten()(x))
    encoder = keras.Model(images, [layers.Dense(2)(x), layers.Dense(2)(x)])
    code = keras.Input((2,))
    x = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, activation="relu")(code))
    x = layers.Conv2DTranspose(64, 3, activation="relu", strides=2, padding="same")(x)
    x = layers.Conv2DTranspose(32, 3, activation="relu", strides=2, padding="same")(x)
    decoder = keras.Model(code, layers.Reshape((28, 28))(layers.Conv2DTranspose(1, 3, padding="same")(x)))
    vae = VAE(encoder, decoder, seed=0)
    vae.compile("adam")
    x = (255 * digits()[0][: 128 * TIMED_STEPS]).astype("uint8").reshape(-1, 28, 28)
    vae.fit(x[:2560], x[:2560], batch_size=128, verbose=0)
    began = time.perf_counter()
    vae.fit(x, x, batch_size=128, verbose=0)
    print(json.dumps({"step_seconds": (time.perf_counter() - began) / TIMED_STEPS}))


def lengths():
    print("numbers  BCE per pixel  squared error   PCA's  1-NN error, %  linear probe, %  silhouette  seconds")
    for length in LENGTHS:
        found = runs.train("hw4_autoencoder", "--latent-dim", length, "--epochs", EPOCHS)
        print(
            f"{length:7}  {found['test_bce_per_pixel']:13.4f}  {found['test_mse']:13.4f}  {found['pca_mse']:6.4f}  "
            f"{100 * found['knn_error']:13.1f}  {100 * found['probe_error']:15.1f}  {found['silhouette']:10.3f}  "
            f"{found['train_seconds']:7.0f}",
            flush=True,
        )


def main():
    if len(sys.argv) > 1:
        {"keras_autoencoder": keras_autoencoder, "keras_vae": keras_vae, "lengths": lengths}[sys.argv[1]]()
        return
    dense, blog = runs.train("hw4_autoencoder"), runs.child(__file__, "keras_autoencoder")
    for name, found, seconds in (("ours", dense, dense["train_seconds"]), ("Keras' blog", blog, blog["seconds"])):
        bce, mse = found["test_bce_per_pixel"], found["test_mse"]
        print(f"{name}, 32 numbers: {bce:.4f} nats per pixel, squared error {mse:.4f}, {seconds:.0f} s")
    print(f"PCA, 32 components: squared error {dense['pca_mse']:.4f}")
    vae = runs.train("hw4_autoencoder", script="train_vae.py")
    seconds = runs.child(__file__, "keras_vae")["step_seconds"] * VAE_EPOCHS * VAE_STEPS
    print(
        f"our VAE, 2 numbers: {vae['negative_elbo']:.1f} nats on digits it has not seen, {vae['train_seconds']:.0f} s"
    )
    print(f"Keras' example: 147 nats on digits it was trained on (as published), {seconds:.0f} s")


if __name__ == "__main__":
    main()
