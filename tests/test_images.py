"""Untrusted pictures: what comes in is refused with a reason, or comes out as bare pixels the right way up."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from playground import images
from playground.errors import BadInput


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def quarters() -> Image.Image:
    """Red, green over blue, white; 40 x 60."""
    picture = Image.new("RGB", (40, 60), "red")
    picture.paste("lime", (20, 0, 40, 30))
    picture.paste("blue", (0, 30, 20, 60))
    picture.paste("white", (20, 30, 40, 60))
    return picture


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "JPEG", "WEBP", "AVIF"])
def test_each_format_gives_its_pixels(kind):
    read = images.read(encoded(quarters(), kind, **({} if kind in ("PNG", "BMP", "GIF") else {"quality": 95})))
    assert (read.mode, read.size) == ("RGB", (40, 60))
    for spot, colour in (((8, 8), (255, 0, 0)), ((32, 8), (0, 255, 0)), ((8, 52), (0, 0, 255))):
        assert np.abs(np.array(read.getpixel(spot)) - colour).max() < 40


def test_a_phones_heic_is_read():
    import pillow_heif

    pillow_heif.register_heif_opener()
    read = images.read(encoded(quarters(), "HEIF", quality=95))
    assert read.size == (40, 60)
    assert read.getpixel((8, 8))[0] > 200


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_the_camera_was_held(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    wanted = quarters()
    turns = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
             5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
             8: Image.Transpose.ROTATE_270}
    stored = wanted.transpose(turns[orientation]) if orientation in turns else wanted
    read = images.read(encoded(stored, "JPEG", quality=98, exif=exif))
    assert read.size == wanted.size
    assert np.abs(np.asarray(read).astype(int) - np.asarray(wanted)).mean() < 12


def test_nothing_but_pixels_comes_out():
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    content = encoded(quarters(), "JPEG", exif=exif, comment=b"secret comment")
    assert b"SecretCamera" in content
    read = images.read(content)
    assert not read.info
    assert not read.getexif()
    for kind in ("PNG", "JPEG"):
        assert b"ecret" not in encoded(read, kind)


def test_transparent_parts_are_white():
    layered = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    layered.paste((0, 0, 255, 255), (0, 0, 5, 10))
    read = images.read(encoded(layered))
    assert (read.getpixel((1, 1)), read.getpixel((8, 8))) == ((0, 0, 255), (255, 255, 255))
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    assert images.read(encoded(palette, transparency=0)).getpixel((0, 0)) == (255, 255, 255)
    assert images.read(encoded(Image.new("LA", (4, 4), (0, 128)))).getpixel((0, 0)) == pytest.approx((127,) * 3, abs=1)


def test_sixteen_bits_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    read = np.asarray(images.read(encoded(Image.fromarray(ramp))))
    assert np.abs(read[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_print_colours_become_screen_colours():
    read = images.read(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95))
    assert read.mode == "RGB"
    red, green, blue = read.getpixel((4, 4))
    assert red > 200 > green
    assert blue < 100


def test_a_colour_profile_is_applied_and_a_broken_one_left_aside():
    lab_white = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = images.read(encoded(quarters(), icc_profile=lab_white))
    assert np.abs(np.asarray(same).astype(int) - np.asarray(quarters())).max() <= 2
    broken = images.read(encoded(quarters(), icc_profile=b"not a profile"))
    assert np.array_equal(np.asarray(broken), np.asarray(quarters()))


def test_large_pictures_are_made_smaller():
    assert images.read(encoded(Image.new("RGB", (3000, 1500), "red"), "JPEG"), largest=512).size == (512, 256)


def test_a_phones_second_lens_is_no_animation():
    file = io.BytesIO()
    quarters().save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (40, 60))])
    read = images.read(file.getvalue())
    assert read.getpixel((8, 8))[0] > 200


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations_are_refused(kind):
    content = encoded(quarters(), kind, save_all=True, append_images=[Image.new("RGB", (40, 60))])
    with pytest.raises(BadInput, match="animated"):
        images.read(content)


@pytest.mark.parametrize("content", [
    b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"%PDF-1.4", b"hello", b"\x00" * 100,
    b"GIF89a", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(BadInput):
        images.read(content)


def test_formats_off_the_list_are_refused():
    for kind in ("TIFF", "ICO", "PPM", "TGA", "PCX"):
        with pytest.raises(BadInput, match="accepted"):
            images.read(encoded(Image.new("RGB", (16, 16)), kind))


def test_empty_and_oversized_files_are_refused():
    with pytest.raises(BadInput, match="empty"):
        images.read(b"")
    with pytest.raises(BadInput, match="MB"):
        images.read(b"x" * (images.MAX_BYTES + 1))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims a huge size."""
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
            + chunk(b"IEND", b""))


@pytest.mark.parametrize("size", [(8000, 8000), (20_000, 20_000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header(size):
    with pytest.raises(BadInput, match="too many pixels"):
        images.read(bomb(*size))


def test_a_cut_off_file_is_damaged():
    content = encoded(Image.effect_noise((200, 200), 50).convert("RGB"), "JPEG")
    with pytest.raises(BadInput, match="damaged"):
        images.read(content[:len(content) // 2])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_altered_files_are_read_or_refused_and_nothing_else(data):
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP"]))
    content = bytearray(encoded(quarters(), kind))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert images.read(bytes(content)).mode == "RGB"
    except BadInput as problem:
        assert problem.remedy


def test_square_takes_the_middle():
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    made = images.square(wide, 50)
    assert made.size == (50, 50)
    assert min(made.getpixel(spot)[2] for spot in ((2, 2), (25, 25), (47, 47))) >= 250
