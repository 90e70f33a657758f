"""Race: which measure tells blurred photographs from sharp ones, on real photographs and degraded copies of them.

    python benchmarks/sharpness.py [FOLDER ...] [--most 150]

The folders are those of photographs, by default of Flickr8k, COCO and single photographs among the shared data; of each
at most so many are taken, evenly spread. Copies are blurred by a Gaussian of 1 or 1.5 pixels, moved by 6 pixels, and
made dim: a quarter as bright, with noise, which is no blur. Each measure's threshold is such that it finds 3% of the
originals blurred; the last rows are of the threshold that the search page has.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from ntcir.features.decode import UnreadableImage, load_image
from ntcir.features.sharpness import BLURRED, DARK, SIDE, edge_density

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FOLDERS = [SHARED / "flickr8k" / "images", SHARED / "coco" / "train2017", SHARED / "photos"]
ALLOWED = 0.03  # of the originals that may be called blurred
SOBEL = 24.0  # grey levels
MOVED, DIMMED, NOISE = 6, 4.0, 2.0  # pixels; times darker; grey levels


def blurred(radius: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return what blurs a grey picture by a Gaussian."""
    return lambda grey: np.asarray(
        Image.fromarray(grey.astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32
    )


def moved(grey: np.ndarray) -> np.ndarray:
    """Return a picture during which the camera has moved sideways."""
    return np.mean([np.roll(grey, shift, axis=1) for shift in range(MOVED)], axis=0, dtype=np.float32)[:, MOVED:]


def dim(grey: np.ndarray) -> np.ndarray:
    """Return a picture of a dark room: as sharp as before, with the noise of a sensor."""
    noise = np.random.default_rng(0).normal(0, NOISE, grey.shape)
    return np.clip(grey / DIMMED + noise, 0, 255).round().astype(np.float32)


def sobel_share(grey: np.ndarray) -> float:
    """Return the share of pixels at which the Sobel gradient, per pixel, is steep."""
    smooth = grey[:-2] + 2 * grey[1:-1] + grey[2:]
    across = (smooth[:, 2:] - smooth[:, :-2]) / 8
    smooth = grey[:, :-2] + 2 * grey[:, 1:-1] + grey[:, 2:]
    down = (smooth[2:] - smooth[:-2]) / 8
    return float((np.hypot(across, down) > SOBEL).mean())


def laplacian_variance(grey: np.ndarray) -> float:
    """Return the variance of the Laplacian."""
    middle = grey[1:-1, 1:-1]
    return float((grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle).var())


MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    f"share of Sobel > {SOBEL:g}": sobel_share,
    "variance of the Laplacian": laplacian_variance,
    "`edge_density`": edge_density,
}
COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Gaussian, 1.5": blurred(1.5), "Gaussian, 1": blurred(1.0), f"moved, {MOVED}": moved, "dim but sharp": dim,
}  # fmt: skip


def photographs(folders: list[Path], most: int) -> list[np.ndarray]:
    """Return photographs as they are judged, grey, float32."""
    found = []
    for folder in folders:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
        for path in paths[:: max(1, len(paths) // most)][:most]:
            try:
                picture = load_image(path, at_least=SIDE).convert("L")
            except UnreadableImage:
                continue
            picture.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
            found.append(np.asarray(picture, dtype=np.float32))
    return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", default=FOLDERS)
    parser.add_argument("--most", type=int, default=150)
    options = parser.parse_args()
    originals = photographs(options.folders, options.most)
    if not originals:
        raise SystemExit(f"There are no photographs in {', '.join(map(str, options.folders))}.")
    print(f"{len(originals)} photographs\n")
    print(f"| found blurred, of copies | of originals | {' | '.join(COPIES)} |\n|---|{'---:|' * (1 + len(COPIES))}")
    for name, measure in MEASURES.items():
        values = np.array([measure(grey) for grey in originals])
        row(name, measure, values, float(np.quantile(values, ALLOWED)), originals)
    values = np.array([edge_density(grey) for grey in originals])
    row(f"`edge_density` below {BLURRED}", edge_density, values, BLURRED, originals)
    dark = np.mean([grey.mean() / 255 < DARK for grey in originals])
    print(f"\n{dark:.1%} of the originals are dark: their mean luma is below {DARK}.")


def row(
    name: str, measure: Callable[[np.ndarray], float], values: np.ndarray, least: float, originals: list[np.ndarray]
) -> None:
    """Print the shares of originals and of their copies that lie below a threshold."""
    shares = [float((values < least).mean())]
    shares += [float(np.mean([measure(copy(grey)) < least for grey in originals])) for copy in COPIES.values()]
    print(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |")


if __name__ == "__main__":
    main()
