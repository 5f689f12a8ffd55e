"""Writing digits from codes: walks between digits, codes around a class, codes drawn at random; and their judgement."""

import numpy as np

from common.figures import plots
from hw4_autoencoder import generated
from hw4_autoencoder.codes import flat, nearest
from hw4_autoencoder.inputs import draw_pixels, slant

WALKS = ((0, 6), (3, 8), (4, 9), (1, 7), (2, 5))  # between which digits
WALK_STEPS = 11
WRITTEN = 1000  # images written from codes around those of each class, 100 of each


def walk(start, end, steps=WALK_STEPS):
    """Codes on the straight line from `start` to `end`, both (latent_dim,)."""
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) * start + t * end


def show_slanted(coders, judge, dataset, path, pairs=40):
    """Half of two slanted ones is an upright one only if the code was made so: the lecture's reason for the VAE.

    The picture is the walk from a one that leans left to one that leans right. The numbers are of `pairs` such pairs of
    every digit: how many of their midpoints the judge takes for that digit, and how far they are from the nearest
    training image (median): two crossing strokes are read as a one too, but nobody has ever written them.
    """
    x, y = dataset.x_test, dataset.y_test
    ends, labels = [], []
    for digit in sorted(set(y.tolist())):
        own = np.flatnonzero(y == digit)
        own = own[np.argsort(slant(x[own]))]
        n = min(pairs, len(own) // 5)
        ends.append(np.stack([own[:n], own[::-1][:n]], axis=1))
        labels += n * [digit]
    ends, labels = np.concatenate(ends), np.array(labels)
    ones = ends[labels == (1 if 1 in labels else labels[0])]
    left, right = ones[len(ones) // 3]

    def midpoints(coder):
        codes = coder.encode(x)
        return coder.decode((codes[ends[:, 0]] + codes[ends[:, 1]]) / 2)

    def judged(drawn):
        return {
            "recognised_share": float(np.mean(judge(drawn).argmax(axis=1) == labels)),
            "to_the_nearest_real_image": float(np.median(nearest(flat(drawn), pixels)[0])),
        }

    mixed = np.round(walk(x[left].astype(float).ravel(), x[right].astype(float).ravel())).reshape(-1, *x.shape[1:])
    halves = (x[ends[:, 0]] / 2 + x[ends[:, 1]] / 2).astype("uint8")
    pixels = flat(dataset.x_train)
    numbers = {"real test images": judged(x[ends[:, 0]]), "pixels mixed": judged(halves)}
    rows = [("pixels mixed", mixed.astype("uint8"))]
    for name, coder in coders.items():
        numbers[name] = judged(midpoints(coder))
        start, end = coder.encode(x[[left, right]])
        rows.append((name, coder.decode(walk(start, end))))
    plots.image_rows(path, rows, "From a one that leans left to one that leans right")
    return numbers


def typical(codes, labels, digit):
    """The row of the image of `digit` whose code is nearest to the mean of its class."""
    own = np.flatnonzero(labels == digit)
    return own[np.argmin(np.sum((codes[own] - codes[own].mean(axis=0)) ** 2, axis=1))]


def show_walks(coders, judge, dataset, path):
    """Walks between the codes of two digits, in each of `coders`."""
    x, y = dataset.x_test, dataset.y_test
    first = next(iter(coders.values()))
    codes = first.encode(x)
    rows, numbers = [], {name: [] for name in coders}

    for a, b in WALKS:
        if not {a, b} <= set(y.tolist()):
            continue
        ends = x[[typical(codes, y, a), typical(codes, y, b)]]
        for name, coder in coders.items():
            drawn = coder.decode(walk(*coder.encode(ends)))
            probabilities = judge(drawn)
            numbers[name] += (probabilities[:, [a, b]].max(axis=1) > 0.5).tolist()
            rows.append((f"{a} to {b}\n{name}", drawn))
    plots.image_rows(path, rows, "Walks from one digit to another")
    return {name: float(np.mean(values)) for name, values in numbers.items()}


def around_classes(codes, labels, n, seed=0, near=10):
    """n codes (n, latent_dim) in the neighbourhoods of the classes, and their classes in turn.

    Each lies between the code of a training image and one of the `near` nearest of its class, anywhere on the way.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    wished = classes[np.arange(n) % len(classes)]
    drawn = np.empty((n, codes.shape[1]), "float32")
    for label in classes:
        own, places = codes[labels == label], np.flatnonzero(wished == label)
        start = own[rng.integers(0, len(own), len(places))]
        others = nearest(start, own, min(near, len(own)))[1]
        end = own[others[np.arange(len(places)), rng.integers(0, others.shape[1], len(places))]]
        drawn[places] = start + rng.random((len(places), 1), "float32") * (end - start)
    return drawn, wished


def random_codes(train_codes, settings, n, seed=0):
    """n codes drawn from what the model takes for their distribution: of a VAE its prior, else a Gaussian fitted."""
    rng = np.random.default_rng(seed)
    if settings.model.startswith("vae"):
        return rng.standard_normal((n, train_codes.shape[1]), "float32")
    mean, covariance = train_codes.mean(axis=0), np.atleast_2d(np.cov(train_codes, rowvar=False))
    return rng.multivariate_normal(mean, covariance, n).astype("float32")


def show_samples(coder, dataset, train_codes, settings, path):
    """Images of codes drawn at random; for colour images, of which no judge knows what they should be."""
    drawn = coder.decode(random_codes(train_codes, settings, WRITTEN))
    plots.image_rows(path, [("", drawn[i : i + 12]) for i in range(0, 60, 12)], "Images of codes drawn at random")
    return {
        "detail_ratio": generated.detail_ratio(drawn, dataset.x_test),
        "diversity_ratio": generated.diversity_ratio(drawn, None, dataset.x_test, dataset.y_test),
        "copying": generated.copying(drawn, dataset.x_train, dataset.x_test),
    }


def show_written(coder, judge, dataset, train_codes, settings, figures):
    """Digits written from codes: of the mean of each class, from around each class, and drawn at random; judged."""
    labels = dataset.y_train
    classes = np.unique(labels)
    means = coder.decode([train_codes[labels == label].mean(axis=0) for label in classes])
    codes, wished = around_classes(train_codes, labels, WRITTEN)
    drawn = coder.decode(codes)
    probabilities = judge(drawn)
    # beside black and white digits the pixels are drawn too, as the model means them: grey ones would lie closer
    likened = draw_pixels(drawn, np.random.default_rng(0)) if getattr(settings, "pixels", "grey") == "binary" else drawn
    random = coder.decode(random_codes(train_codes, settings, WRITTEN))
    numbers = {
        "recognised_share": generated.recognised_share(probabilities, wished),
        "class_means_recognised": generated.recognised_share(judge(means), classes),
        "diversity_ratio": generated.diversity_ratio(likened, wished, dataset.x_test, dataset.y_test),
        "random_codes_sure_share": float(np.mean(judge(random).max(axis=1) > 0.9)),
        "copying": generated.copying(likened, dataset.x_train, dataset.x_test),
    }
    n = len(classes)
    rows = [("mean code", means)] + [("", drawn[i * n : (i + 1) * n]) for i in range(8)]
    rows[1] = ("around\nthe class", rows[1][1])
    title = f"Written from codes: {100 * numbers['recognised_share']:.1f} % are read as intended"
    plots.image_rows(figures / "written.png", rows, title)
    sure = 100 * numbers["random_codes_sure_share"]
    rows = [("", random[i : i + 12]) for i in range(0, 60, 12)]
    plots.image_rows(figures / "random.png", rows, f"Codes drawn at random: of {sure:.0f} % the judge is sure")
    return numbers
