"""Judges generated images: are they what was wished for, are they diverse, are they more than copies?

Images are uint8 (n, height, width[, channels]), labels integers (n,).
"""

import numpy as np
from scipy.special import softmax

from common import files
from hw4_autoencoder.codes import flat, nearest

JUDGE = {"updates": 960, "batch_size": 250, "learning_rate": 3e-3}  # of the classifier that judges


def judge(folder, dataset, seed=0):
    """A classifier of digits trained on the training split: a function images -> probabilities (n, classes).

    Kept in `folder`/judge.keras, where it is taken from the next time. It is no part of what it judges, and its
    random start does not depend on what was computed before.
    """
    import keras  # here and not above: Keras must start after the device is chosen

    path = folder / "judge.keras"
    if path.exists():
        model = keras.models.load_model(path)
    else:
        keras.utils.set_random_seed(seed)
        model = _train_judge(dataset, seed)
        with files.atomic(path) as part:
            model.save(part, include_optimizer=False)
    return lambda images: softmax(model.predict(images, batch_size=500, verbose=0), axis=1)


def _train_judge(dataset, seed):
    """A small convolutional network: 99.2 % on the test digits of MNIST, within a minute on two CPU cores."""
    import keras
    from keras import layers

    from common.data.batches import Batches

    x, y = dataset.x_train, keras.utils.to_categorical(dataset.y_train, 10)
    batches = Batches(x, y, JUDGE["batch_size"], seed)
    model = keras.Sequential([keras.Input(x.shape[1:], dtype="uint8"), layers.Rescaling(1 / 255)])
    model.add(layers.Reshape((*x.shape[1:3], x[0].size // (x.shape[1] * x.shape[2]))))
    for width in (32, 64):
        model.add(layers.Conv2D(width, 3, use_bias=False))  # 26 x 26, 11 x 11
        model.add(layers.MaxPooling2D())  # 13 x 13, 5 x 5
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Activation("relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(10, dtype="float32"))
    epochs = -(-JUDGE["updates"] // len(batches))  # 4 passes over all of MNIST, more over less
    updates = epochs * len(batches)
    one_cycle = keras.optimizers.schedules.CosineDecay(
        0.0, updates - updates // 5, warmup_target=JUDGE["learning_rate"], warmup_steps=updates // 5
    )
    model.compile(keras.optimizers.Adam(one_cycle), keras.losses.CategoricalCrossentropy(from_logits=True))
    model.fit(batches, shuffle=False, epochs=epochs, verbose=0)
    return model


def recognised_share(probabilities, wished):
    """The share of images that the judge takes for what was wished: probabilities (n, classes), wished (n,)."""
    return float(np.mean(probabilities.argmax(axis=1) == wished))


def diversity_ratio(images, labels, real, real_labels, some=200):
    """Mean distance between generated images of one class, as a share of that between real ones; mean over classes.

    labels None: all images are of one class, and `real_labels` does not count.
    """
    if labels is None:
        labels, real_labels = np.zeros(len(images), int), np.zeros(len(real), int)
    ratios = []
    for label in np.unique(labels):
        own, theirs = (_mean_distance(each[of == label][:some]) for each, of in ((images, labels), (real, real_labels)))
        if own is not None and theirs:
            ratios.append(own / theirs)
    return float(np.mean(ratios)) if ratios else None


def _mean_distance(images):
    from scipy.spatial.distance import pdist

    return float(pdist(flat(images)).mean()) if len(images) > 1 else None


def detail_ratio(images, real):
    """How sharp images are: the mean difference between neighbouring pixels, as a share of that in real ones.

    Blurred images have less than 1, noisy ones more.
    """

    def detail(x):
        x = x.astype("float32")  # differences of uint8 would wrap around
        return np.abs(np.diff(x, axis=1)).mean() + np.abs(np.diff(x, axis=2)).mean()

    return float(detail(images) / detail(real))


def copying(images, train, test):
    """Is anything a copy of a training image? Distances (Euclidean, pixels in 0..1) to the nearest training image.

    Of the generated images and, for comparison, of the real test images: the smallest and the median; and the share of
    the generated ones that lie closer to a training image than 99 % of the test images do (by chance: 0.01).
    """
    pixels = flat(train)
    own, real = (nearest(flat(each), pixels)[0][:, 0] for each in (images, test[: len(images)]))
    return {
        "smallest": float(own.min()),
        "smallest_of_test": float(real.min()),
        "median": float(np.median(own)),
        "median_of_test": float(np.median(real)),
        "closer_than_99_percent_of_test": float(np.mean(own < np.quantile(real, 0.01))),
    }
