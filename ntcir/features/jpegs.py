"""JPEGs decoded in batches on a device: by the decoder of an NVIDIA GPU (nvJPEG), where torchvision was built with it.

Only what is beyond doubt is decoded there; every other file goes the ordinary way, ``decode``, whose word on what is no
picture holds for both.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import torch
from PIL import Image
from torch.nn import functional

from ntcir.features.decode import LONGEST, UnreadableImage, decode_squares, factor_of, geometry, turn_of
from ntcir.features.pictures import open_file
from ntcir.features.preprocessing import Square
from ntcir.system.libraries import confine_libraries

Decoded = dict[Square, torch.Tensor]  # of one picture, each uint8 [3, crop, crop]

_THREADS = 8  # read files; what they wait for is the disk
_PIXELS = 2**25  # decoded at once, 400 MB as float32; larger pictures go the ordinary way

# ITU-T T.81, table B.1. Within the data of a scan, 0xFF is followed by zero or by the number of a restart.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SCAN, _END, _PROGRESSIVE = 0xDA, 0xD9, 0xC2
_SEGMENTS = {0xC0, 0xC1, _PROGRESSIVE, 0xC4, _SCAN, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE}

# What Pillow's transpositions do to [..., height, width]: swap the two first, then reverse these dimensions.
_SWAPS = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
}
_FLIPS = {
    Image.Transpose.FLIP_LEFT_RIGHT: (-1,),
    Image.Transpose.FLIP_TOP_BOTTOM: (-2,),
    Image.Transpose.ROTATE_180: (-2, -1),
    Image.Transpose.ROTATE_90: (-2,),
    Image.Transpose.ROTATE_270: (-1,),
    Image.Transpose.TRANSVERSE: (-2, -1),
}


@dataclass(frozen=True)
class _Jpeg:
    """A file that can be decoded on the device: its bytes, uint8 [length], and what its header says."""

    data: torch.Tensor
    size: tuple[int, int]  # (width, height) as stored
    turn: Image.Transpose | None


@cache
def available(device: torch.device) -> bool:
    """Return whether torchvision can decode JPEGs on a device; it is tried, once a device."""
    if device.type == "cuda" and not torch.cuda.is_available():
        return False
    colour, buffer = (200, 120, 40), BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, "JPEG", quality=95)
    try:
        picture = _decoded([torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)], device)[0]
        if picture.device.type != device.type or picture.shape != (3, 48, 64):
            return False
        return bool((picture.float().mean(dim=(1, 2)).cpu() - torch.tensor(colour)).abs().max() < 5)
    except Exception:  # built without nvJPEG, a driver too old, a torchvision that decodes no more
        return False


class DeviceDecoder:
    """Decodes, turns upright, resizes and crops photographs on a device, as ``decode: scaled`` does on the CPU.

    Pictures are a little different from those of the CPU: blocks of pixels are averaged there that are reduced within
    the JPEG here, and decoders differ in how they spread the colours.

    Args:
        device: where; ``available`` says whether it can be.
        squares: what is wanted of each photograph.
    """

    def __init__(self, device: torch.device, squares: Sequence[Square]) -> None:
        # With its number: torchvision would make another decoder for "cuda" than for "cuda:0".
        self._device = torch.empty(0, device=device).device
        self._wanted = list(squares)

    def __call__(self, paths: Sequence[str]) -> list[Decoded | UnreadableImage]:
        """Return of each file its squares, uint8 [3, crop, crop] on the device, or why there are none.

        Raises:
            RuntimeError: if the device fails altogether.
        """
        result: dict[int, Decoded | UnreadableImage] = {}
        with ThreadPoolExecutor(_THREADS, "jpegs") as pool:
            ordinary: dict[int, Future[Decoded | UnreadableImage]] = {}
            jpegs: dict[int, _Jpeg] = {}
            for place, jpeg in enumerate(pool.map(_read, paths)):
                if jpeg is None:
                    ordinary[place] = pool.submit(self._ordinary, paths[place])
                else:
                    jpegs[place] = jpeg
            for places in _portions(jpegs):
                squares = self._squares([jpegs[place] for place in places])
                for place, found in zip(places, squares, strict=True):
                    if found is None:
                        ordinary[place] = pool.submit(self._ordinary, paths[place])
                    else:
                        result[place] = found
            for place, future in ordinary.items():
                read = future.result()
                if not isinstance(read, UnreadableImage):
                    read = {square: picture.to(self._device) for square, picture in read.items()}
                result[place] = read
        return [result[place] for place in range(len(paths))]

    def _ordinary(self, path: str) -> Decoded | UnreadableImage:
        try:
            found = decode_squares(path, self._wanted)
            return {square: torch.from_numpy(picture) for square, picture in found.items()}
        except UnreadableImage as error:
            return error

    def _squares(self, jpegs: Sequence[_Jpeg]) -> list[Decoded | None]:
        """Decode on the device what can be; one that it refuses costs the others nothing but time."""
        try:
            return list(self._decode(jpegs))
        except Exception:  # it does not say which of them, and decoders raise nearly anything
            return [None] if len(jpegs) == 1 else [found for jpeg in jpegs for found in self._squares([jpeg])]

    def _decode(self, jpegs: Sequence[_Jpeg]) -> list[Decoded]:
        """Return the squares of each."""
        with torch.cuda.device(self._device) if self._device.type == "cuda" else nullcontext():
            if self._device.type == "cuda":
                # torchvision decodes on a stream of its own, into memory that work on this one may still be using.
                torch.cuda.current_stream().synchronize()
            pictures = _decoded([jpeg.data for jpeg in jpegs], self._device)
            alike: dict[tuple[tuple[int, int], Image.Transpose | None], list[int]] = defaultdict(list)
            for number, (jpeg, picture) in enumerate(zip(jpegs, pictures, strict=True)):
                if picture.shape != (3, jpeg.size[1], jpeg.size[0]):
                    raise ValueError(f"{tuple(picture.shape)} was decoded where {jpeg.size} was promised")
                alike[jpeg.size, jpeg.turn].append(number)
            found: list[Decoded] = [{} for _ in jpegs]
            for (_, turn), numbers in alike.items():
                stacked = torch.stack([pictures[number] for number in numbers])
                for square in self._wanted:
                    for number, picture in zip(numbers, to_squares(stacked, turn, square), strict=True):
                        found[number][square] = picture
            return found


def to_squares(pictures: torch.Tensor, turn: Image.Transpose | None, square: Square) -> torch.Tensor:
    """Reduce, turn, resize and crop as ``decode`` does, all in float32 and on the pictures' device.

    Args:
        pictures: uint8 [n, 3, height, width], neither side more than 16 times the other.
        turn: what brings them upright.
        square: what is wanted of them.

    Returns:
        uint8 [n, 3, crop, crop], within a grey level or two of what Pillow makes of the same pixels.
    """
    values = pictures.float()
    factor = factor_of((values.shape[3], values.shape[2]), square.size) if square.reduced else 1
    if factor > 1:  # rounded up, so that what is left of a block at the edge counts
        values = functional.avg_pool2d(values, factor, ceil_mode=True)
    if turn in _SWAPS:
        values = values.transpose(2, 3)
    if turn is not None:
        values = values.flip(_FLIPS.get(turn, ()))
    (width, height), (left, top) = geometry((values.shape[3], values.shape[2]), square)
    if square.interpolation == "bicubic":
        # Beyond black and white it is cut off after each direction, as Pillow does; here across first, as there.
        values = functional.interpolate(values, (values.shape[2], width), mode="bicubic", antialias=True)
        values = values.round().clamp(0, 255)
    values = functional.interpolate(values, (height, width), mode=square.interpolation, antialias=True)
    values = values[:, :, top : top + square.crop, left : left + square.crop]
    return values.round().clamp(0, 255).to(torch.uint8).contiguous()


def _decoded(data: list[torch.Tensor], device: torch.device) -> list[torch.Tensor]:
    """Decode JPEGs, each uint8 [length] on the CPU, to uint8 [3, height, width] as they are stored."""
    confine_libraries()
    from torchvision.io import decode_jpeg  # here: it is deprecated, and a torchvision without it is not an error

    pictures: list[torch.Tensor] = decode_jpeg(data, mode="RGB", device=device)
    return pictures


def _read(path: str) -> _Jpeg | None:
    """Read a file; None unless it is a whole JPEG of a kind on which all decoders agree."""
    try:
        with open_file(path) as file:
            start = file.read(3)
            if start != b"\xff\xd8\xff":
                return None
            data = bytearray(start + file.read())
        if not _is_whole(data):
            return None
        with Image.open(BytesIO(data), formats=("JPEG",)) as header:
            size, turn = header.size, turn_of(header)
            # Three components other than YCbCr are marked in two ways, and not every decoder heeds both.
            colours = [component[0] for component in header.layer]  # type: ignore[attr-defined]
            usual = colours == [1, 2, 3] and header.info.get("adobe_transform", 1) == 1
        fits = max(size) <= LONGEST * min(size) and size[0] * size[1] <= _PIXELS
        return _Jpeg(torch.frombuffer(data, dtype=torch.uint8), size, turn) if usual and fits else None
    except Exception:  # the ordinary way will say what is wrong
        return None


def _is_whole(data: bytearray) -> bool:
    """Return whether a JPEG is complete up to its end-of-image marker, and has only the usual before it.

    A decoder need not notice that the end of a file is missing: it may fill the rest of the picture with grey. This
    marker cannot come about by chance, as no 0xFF in the data of a scan is followed by such a byte; and one in a
    thumbnail does not count, as segments are passed over by their lengths.
    """
    place, scanned, progressive = 2, False, False
    while found := _MARKER.search(data, place):
        marker = data[found.end() - 1]
        if marker == _END:
            return scanned
        if marker not in _SEGMENTS or (scanned and not progressive):
            return False
        scanned |= marker == _SCAN
        progressive |= marker == _PROGRESSIVE
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return False


def _portions(jpegs: dict[int, _Jpeg]) -> Iterator[list[int]]:
    """Yield the places of pictures that can be in memory together."""
    portion: list[int] = []
    pixels = 0
    for place, jpeg in jpegs.items():
        area = jpeg.size[0] * jpeg.size[1]
        if portion and pixels + area > _PIXELS:
            yield portion
            portion, pixels = [], 0
        portion.append(place)
        pixels += area
    if portion:
        yield portion
