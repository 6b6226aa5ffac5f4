"""Untrusted bytes to a safe RGB picture: pixels only, the right way up, of bounded size.

What comes out shares nothing with the file but its pixels: no EXIF, no position, no comments, no thumbnail. Size
and frames are read from the header and judged before anything is decoded, so a small file that unpacks into
gigabytes is refused for the cost of its header. Vector formats (SVG, PDF) run code elsewhere and are not on the list.
"""

import functools
import io
import warnings
from typing import Any

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from playground.errors import BadInput

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP")
# JPEG files of phones may hold further pictures (MPO: depth, a second lens), HEIF bursts: the first one is the photo.
MANY_BUT_STILL = ("MPO", "HEIF", "AVIF")
MAX_BYTES = 25_000_000
MAX_PIXELS = 50_000_000  # a phone's 48-megapixel photo passes
REMEDY = "Use a photo or picture as JPEG, PNG, WebP, HEIC, AVIF, BMP or a still GIF."


def read(content: bytes, largest: int = 2048) -> Image.Image:
    """The picture in a file's bytes as RGB, at most `largest` pixels a side, on white where it was transparent.

    Raises BadInput with the reason: too large, unknown or forbidden format, animated, damaged.
    """
    if not content:
        raise BadInput("The file is empty.", REMEDY)
    if len(content) > MAX_BYTES:
        raise BadInput(f"The file has {len(content) / 1e6:.0f} MB.", f"Use one of at most {MAX_BYTES / 1e6:.0f} MB.")
    _register_heif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
                _judge(opened)
                return _pixels(opened, largest)
    except UnidentifiedImageError:
        raise BadInput("This is no picture in a format that is accepted here.", REMEDY) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise _too_many_pixels() from problem
    except BadInput:
        raise
    except Exception as problem:  # decoders answer damaged files with almost any exception
        reason = f"The picture is damaged ({type(problem).__name__})."
        raise BadInput(reason, "Save it again or use another.") from problem


def square(picture: Image.Image, size: int) -> Image.Image:
    """The middle of a picture as a square of `size` pixels."""
    return ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)


@functools.cache
def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def _judge(opened: Image.Image) -> None:
    """Refuses by what the header says."""
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(width, height)
    if min(width, height) < 1:
        raise BadInput("The picture has no pixels.", REMEDY)
    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format not in MANY_BUT_STILL:
        raise BadInput(f"The picture is animated ({frames} frames).", "Use a still picture.")


def _too_many_pixels(width: int = 0, height: int = 0) -> BadInput:
    size = f" ({width} x {height})" if width else ""
    return BadInput(f"The picture has too many pixels{size}.", f"Use one of at most {MAX_PIXELS // 10**6} megapixels.")


def _pixels(opened: Image.Image, largest: int) -> Image.Image:
    """Decoded, turned as the camera was held, made smaller, in sRGB, without anything that is not a pixel."""
    if opened.format in ("JPEG", "MPO"):
        opened.draft(None, (largest, largest))  # decodes at a fraction of the size where that is enough
    opened.load()
    profile = opened.info.get("icc_profile")
    upright = ImageOps.exif_transpose(opened)
    flat = _on_white(_eight_bits(upright), profile)
    flat.thumbnail((largest, largest), Image.Resampling.LANCZOS)
    return Image.frombytes("RGB", flat.size, flat.tobytes())


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16- and 32-bit greys scaled to 8 bits; Pillow's own conversion would clip them to white."""
    if picture.mode.startswith("I;16"):
        return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if picture.mode in ("I", "F"):
        import numpy as np

        values = np.asarray(picture, dtype=np.float64)
        top = 65535.0 if picture.mode == "I" else 1.0
        return Image.fromarray((np.clip(values / top, 0, 1) * 255).round().astype(np.uint8))
    return picture


def _on_white(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in sRGB, transparent parts on white."""
    if picture.mode in ("PA", "LA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        paper = Image.new("RGBA", layered.size, "white")
        paper.alpha_composite(layered)
        return _to_srgb(paper.convert("RGB"), profile)
    return _to_srgb(picture, profile).convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours of the file's own space (Display P3 of phones, CMYK of print) as sRGB.

    A profile that does not fit the picture, or cannot be read, is left aside as browsers do.
    """
    if not profile or picture.mode not in ("RGB", "CMYK", "L"):
        return picture
    try:
        source: Any = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
