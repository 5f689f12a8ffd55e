"""What the codes know, and what can be written from them.

    python hw4_autoencoder/analyze.py                            a few minutes on two CPU cores, after train.py
    python hw4_autoencoder/analyze.py --beside outputs/vae       the same walks in the model of another run below it
    python hw4_autoencoder/analyze.py --encode my_digit.png      your own handwriting on the map
    python hw4_autoencoder/analyze.py --decode 0.3,-1.2          the image of a code
    python hw4_autoencoder/analyze.py --run outputs/likelihood --likelihood 5000    what a test digit costs

--run DIR chooses the run, of an autoencoder or of a GAN. Writes pictures into figures/ of the run and the numbers
behind them into analysis.json.
"""

import sys
from argparse import Namespace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np

from common.data import images
from common.errors import UserError
from common.figures import plots
from common.run import analysis
from hw4_autoencoder import gan_pictures, generated, inputs, maps, writing
from hw4_autoencoder.codes import Codes, flat, nearest
from hw4_autoencoder.judge import judge_of
from hw4_autoencoder.likelihood import show_likelihood

HOMEWORK = "hw4_autoencoder"
GANS = ("gan", "cgan")  # recipes of train_gan.py
NOISES = (0.2, 0.4, 0.6)  # standard deviation of the noise to be removed, white = 1


def analyze(options):
    """Draw all pictures of the run, or with --encode and --decode the one that was asked for."""
    model, config = analysis.open_model(options, HOMEWORK)
    model = analysis.in_float32(model)
    settings = analysis.run_options(options, config)
    gan = settings.model in GANS
    if gan and (options.encode or options.decode or options.beside or options.likelihood):
        raise UserError(f"{options.run} holds a GAN, which has no encoder: give the --run of an autoencoder")
    other = analysis.open_model(Namespace(run=options.beside), HOMEWORK) if options.beside else None
    if other:
        its = other[1]["options"]
        if not settings.data_set == its["data_set"] == "mnist" or its["model"] in GANS:
            raise UserError("--beside is for two runs of digits, neither of them a GAN")
    if options.decode:
        show_code(Codes(model), options)
        return
    dataset = analysis.as_seen(inputs.load(settings), options, config)
    if options.encode:
        show_own_image(Codes(model), dataset, options)
    elif options.likelihood:
        show_likelihood(model, dataset, settings, options)
    elif gan:
        gan_pictures.analyze(model, dataset, settings, options)
    else:
        analyze_codes(Codes(model), dataset, settings, options, other)


def analyze_codes(coder, dataset, settings, options, other):
    figures, name = options.run / "figures", f"{settings.model}, {coder.latent_dim} numbers"
    numbers = {}
    x, y, names = dataset.x_test, dataset.y_test, dataset.names
    train_codes, test_codes = coder.encode(dataset.x_train), coder.encode(x)
    to_map = maps.projection(coder, train_codes)
    maps.show_map(to_map(test_codes), x, y, names, figures / "map.png", maps.title_of_map(coder))
    if len(names) > 1:
        numbers["maps"] = maps.compare_maps(train_codes, test_codes, dataset, to_map, name, figures / "maps.png")
        numbers["classes"] = maps.show_spread((train_codes, dataset.y_train), (test_codes, y), names, figures)
    plane = maps.show_plane(coder, train_codes, figures / "plane.png")
    show_single_numbers(coder, train_codes, test_codes[0], figures / "numbers.png")
    numbers["reconstruction"] = show_reconstructions(coder, x, test_codes, figures / "reconstructions.png")
    numbers["denoising"] = show_denoising(coder, x, figures / "denoising.png")
    if settings.data_set == "mnist":
        judge, numbers["judge_accuracy"] = judge_of(settings, options.run)
        coders = {name: coder}
        if other:
            its_coder, its_config = Codes(analysis.in_float32(other[0])), other[1]
            its_name = f"{its_config['options']['model']}, {its_coder.latent_dim} numbers"
            coders[f"{its_name}, {options.beside.name}" if its_name == name else its_name] = its_coder
        numbers["slanted"] = writing.show_slanted(coders, judge, dataset, figures / "slanted.png")
        numbers["walks_read_as_either_end"] = writing.show_walks(coders, judge, dataset, figures / "walks.png")
        numbers["plane_sure_share"] = float(np.mean(judge(plane).max(axis=1) > 0.9))
        numbers["written"] = writing.show_written(coder, judge, dataset, train_codes, settings, figures)
    else:
        numbers["random_codes"] = writing.show_samples(coder, dataset, train_codes, settings, figures / "written.png")
    analysis.save_numbers(options, numbers)


def show_single_numbers(coder, train_codes, code, path, most=10, steps=11):
    """What each number of the code does: all others are kept as they are, this one goes from low to high."""
    spread = train_codes.std(axis=0)
    rows = []
    for i in np.argsort(-spread)[:most]:
        values = np.linspace(*np.quantile(train_codes[:, i], (0.01, 0.99)), steps)
        moved = np.repeat(code[None], steps, axis=0)
        moved[:, i] = values
        rows.append((f"number {i}, {values[0]:.1f} to {values[-1]:.1f}", coder.decode(moved)))
    plots.image_rows(path, rows, "What single numbers of the code do to one image")


def show_reconstructions(coder, x, test_codes, path, each=12):
    """The test images that come back best and worst, and some in between."""
    rebuilt = coder.decode(test_codes)
    errors = np.mean((flat(rebuilt) - flat(x)) ** 2, axis=1)
    order = np.argsort(errors)
    rows = []
    for name, rows_shown in (
        ("best", order[:each]),
        ("median", order[len(order) // 2 :][:each]),
        ("worst", order[-each:][::-1]),
    ):
        rows += [(f"{name}: image", x[rows_shown]), ("what comes back", rebuilt[rows_shown])]
    plots.image_rows(path, rows, "Test images, and what comes back from their codes")
    shares = dict(zip(("best", "median", "worst"), np.quantile(errors, (0, 0.5, 1)).tolist(), strict=True))
    return {"mean_squared_error": shares, "detail_ratio": generated.detail_ratio(rebuilt, x)}


def show_denoising(coder, x, path, shown=12):
    """Noise is added to test images; the code has no room for it, so what comes back has less."""
    few, rng = x[:1000], np.random.default_rng(0)
    rows, numbers = [("image", few[:shown])], {}
    for strength in NOISES:
        noisy = inputs.add_noise(few, rng, strength)
        cleaned = coder.decode(coder.encode(noisy))
        errors = [float(np.mean((flat(each) - flat(few)) ** 2)) for each in (noisy, cleaned)]
        numbers[f"noise_{strength}"] = {"mse_noisy": errors[0], "mse_cleaned": errors[1]}
        rows.append((f"noise {strength}\nerror {errors[0]:.3f}", noisy[:shown]))
        rows.append((f"what comes back\nerror {errors[1]:.3f}", cleaned[:shown]))
    plots.image_rows(path, rows, "Noise added, noise removed (mean squared errors)")
    return numbers


def show_code(coder, options):
    """--decode: the image of a code, in figures/code_<numbers>.png."""
    try:
        code = np.array([float(number) for number in options.decode.split(",")], "float32")
    except ValueError:
        raise UserError(f"--decode {options.decode}: give numbers with commas between them, as 0.3,-1.2") from None
    if len(code) != coder.latent_dim or not np.isfinite(code).all():
        raise UserError(f"--decode {options.decode}: the codes of {options.run} have {coder.latent_dim} finite numbers")
    shown = options.decode.replace(" ", "")
    shown = shown if len(shown) <= 60 else f"{shown[:60]}..."  # a name of a file has its limits
    path = options.run / "figures" / f"code_{shown}.png"
    plots.image_grid(path, coder.decode(code[None]), [""], f"The image of {shown}", width=4)
    print(f"the image of {shown} is {path}")


def show_own_image(coder, dataset, options):
    """--encode: the user's own digit, its code, its place on the map, its neighbours and what comes back."""
    side = dataset.x_test.shape[1]
    grey = dataset.x_test.ndim == 3
    image = images.read_digit(options.encode) if grey else images.read_square(options.encode, side)
    train_codes = coder.encode(dataset.x_train)
    code = coder.encode(image[None])
    near = nearest(code, train_codes, 8)[1][0]
    to_map = maps.projection(coder, train_codes)
    path = options.run / "figures" / f"own_{options.encode.stem}.png"
    rows = [(options.encode.name, image[None]), ("what comes back", coder.decode(code))]
    rows += [("training images with\nthe nearest codes", dataset.x_train[near])]
    plots.image_rows(path, rows, f"{options.encode.name} and its code")
    title = f"{options.encode.name} on the map"
    points = to_map(coder.encode(dataset.x_test))
    on_map = path.with_name(f"{path.stem}_map.png")
    maps.show_map(points, dataset.x_test, dataset.y_test, dataset.names, on_map, title, to_map(code)[0])
    numbers = ",".join(f"{number:.2f}" for number in code[0])
    votes = [dataset.names[label] for label in dataset.y_train[near]]
    print(
        f"{options.encode}: its code is {numbers}; nearest training images: {' '.join(votes)}; see {path} and {on_map}"
    )


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--encode", type=cli.path, metavar="FILE", help="a picture to be encoded, of any size")
    one.add_argument("--decode", metavar="CODE", help="the numbers of a code, with commas between them")
    help_ = "of a VAE of black and white pixels: -ln p of the test digits, by so many draws for each"
    one.add_argument("--likelihood", type=cli.positive, metavar="DRAWS", help=help_)
    one.add_argument("--beside", type=cli.path, metavar="DIR", help="a run whose walks are drawn beside")
    argv = sys.argv[1:] if argv is None else list(argv)
    if "--decode" in argv[:-1]:  # a code may begin with a minus, which argparse takes for an option
        i = argv.index("--decode")
        argv[i : i + 2] = [f"--decode={argv[i + 1]}"]
    analysis.main(parser, analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
