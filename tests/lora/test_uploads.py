"""More than 200 malformed or hostile files in one upload: each refused with its reason or read as pixels, none lost."""

import io
import itertools
import struct
import tarfile
import tracemalloc
import unicodedata
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from playground.lora import photos, plan

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "AVIF", "HEIF")
KEPT, REFUSED, EITHER = "kept", "refused", "either"


def motif(size=(96, 72)):
    """A smooth picture with an edge: red to the left, blue to the right."""
    across = np.linspace(0, 60, size[0])[None, :, None] + np.zeros((size[1], size[0], 3))
    across[:, : size[0] // 2, 0] += 150
    across[:, size[0] // 2:, 2] += 150
    return Image.fromarray(across.astype(np.uint8))


def encoded(picture, kind="PNG", **options):
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, depth=8, colour=2, body=b"\0" * 1000, extra=b""):
    """A PNG whose header may claim anything."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(body))
            + chunk(b"IEND", b""))


def sound():
    """Files that any phone or program may write: all have to come out as pictures."""
    for kind in FORMATS:
        yield f"plain.{kind.lower()}", encoded(motif(), kind)
        yield f"wrong-ending-{kind.lower()}.txt", encoded(motif(), kind)
        yield f"no-ending-{kind.lower()}", encoded(motif(), kind)
    for kind, mode in itertools.product(("PNG", "WEBP", "GIF"), ("RGBA", "LA", "P", "1", "L")):
        yield f"{mode}.{kind.lower()}", encoded(motif().convert("RGB").convert(mode), kind)
    yield "print.jpg", encoded(motif().convert("CMYK"), "JPEG")
    yield "grey16.png", encoded(Image.fromarray(np.linspace(0, 65535, 4800).reshape(60, 80).astype(np.uint16)))
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        yield f"turned-{turn}.jpg", encoded(motif(), "JPEG", exif=exif)
    yield "progressive.jpg", encoded(motif(), "JPEG", progressive=True)
    yield "tail.png", encoded(motif()) + b"PK\x03\x04 an archive behind the picture"
    yield "tail.jpg", encoded(motif(), "JPEG") + b"<?php echo 1 ?>"
    yield "one-pixel.png", encoded(motif((1, 1)))
    yield "ribbon.png", encoded(motif((3000, 2)))


def truncated():
    """Cut at many places. The end of some formats can be missed; then what came out must be a picture."""
    for kind in FORMATS:
        whole = encoded(motif(), kind)
        for share in (0.02, 0.05, 0.1, 0.15, 0.2, 0.27, 0.35, 0.42, 0.5, 0.57, 0.65, 0.72, 0.8, 0.85, 0.9, 0.97):
            yield f"cut-{share}.{kind.lower()}", whole[:max(1, int(len(whole) * share))]
        yield f"hole.{kind.lower()}", whole[:len(whole) // 3] + bytes(40) + whole[len(whole) // 3 + 40:]
        for seed in range(5):
            random = np.random.default_rng(seed)
            scrambled = np.frombuffer(whole, np.uint8).copy()
            scrambled[random.integers(0, len(whole), 12)] = random.integers(0, 256, 12)
            yield f"scrambled-{seed}.{kind.lower()}", scrambled.tobytes()


NO_PICTURES = (
    b"", b"\0", b"\n", b" " * 1000, b"\0" * 5000, b"\xff" * 5000, b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff",
    b"BM", b"RIFF\x00\x00\x00\x00WEBP", b"\0\0\0\x18ftypheic", b"\0\0\0\x1cftypavif", b"\0\0\0\x20ftypisom" + bytes(99),
    b"%PDF-1.7", b"MZ" + bytes(99), b"\x7fELF" + bytes(99), b"#!/bin/sh\nexit 1\n", b"<html><script>alert(1)</script>",
    b"\x80\x04cos\nsystem\n.", b"%!PS\n(%pipe%id) (r) file\n", b"gimp xcf file" + bytes(9), b"ID3\x03" + bytes(99),
    b"push graphic-context\nimage over 0,0 1,1 'https://x'\n", "顔".encode())


def archives():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/passwd.png", b"\0" * 1_000_000)
    yield "photos.zip", file.getvalue()
    yield "photos.jpg", file.getvalue()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.png"))
    yield "photos.tar.gz", file.getvalue()
    yield "photos.7z", b"7z\xbc\xaf\x27\x1c" + bytes(100)
    yield "photos.rar", b"Rar!\x1a\x07\x01\x00" + bytes(100)


def foreign():
    """Formats that are not on the list, and what is no picture at all."""
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><image href='file:///etc/passwd'/></svg>"
    xml = b"<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><svg>&b;</svg>"
    for name in ("drawing.svg", "drawing.png", "drawing.jpg", "drawing.heic"):
        yield name, svg
    yield "entities.svg", xml
    for kind in ("TIFF", "ICO", "PPM", "TGA", "PCX", "PDF", "EPS", "ICNS", "JPEG2000", "SGI", "DDS", "IM", "SPIDER"):
        content = encoded(motif((64, 64)).convert("F" if kind == "SPIDER" else "RGB"), kind)
        yield f"old.{kind.lower()}", content
        yield f"renamed-{kind.lower()}.jpg", content
    for number, content in enumerate(NO_PICTURES):
        yield f"no-picture-{number}.jpg", content


def bombs():
    for size in ((30_000, 30_000), (65_535, 65_535), (2**31 - 1, 1), (1, 2**31 - 1), (8000, 8000), (0, 10), (10, 0)):
        yield f"claims-{size[0]}x{size[1]}.png", png(*size)
    yield "deflate.png", png(7000, 7200, body=b"\0" * 1000, extra=b"")
    yield "text.png", png(4, 4, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 80_000_000)))
    yield "profile.png", png(4, 4, extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 80_000_000)))
    yield "bad-depth.png", png(10, 10, depth=7)
    yield "bad-colour.png", png(10, 10, colour=9)
    gif = struct.pack("<6sHHBBB", b"GIF89a", 65_535, 65_535, 0, 0, 0)
    yield "claims.gif", gif + b";"
    yield "claims.bmp", b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000,
                                                                               1, 24, 0, 0, 0, 0, 0, 0)
    yield "frames-10000.gif", many_frames(10_000)
    yield "moving.webp", encoded(motif(), "WEBP", save_all=True, append_images=[Image.new("RGB", (96, 72))])
    yield "moving.png", encoded(motif(), "PNG", save_all=True, append_images=[Image.new("RGB", (96, 72))])
    yield "too-large.jpg", encoded(motif(), "JPEG") + bytes(25_000_001)


def many_frames(count):
    """A GIF of `count` frames of one pixel."""
    head = struct.pack("<6sHHBBB", b"GIF89a", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * count + b";"


CASES = [*((KEPT, *case) for case in sound()), *((EITHER, *case) for case in truncated()),
         *((REFUSED, *case) for case in (*archives(), *foreign())), *((EITHER, *case) for case in bombs())]
MUST_GO = ("claims-30000", "claims-65535", "claims-8000", "claims.gif", "claims.bmp", "frames-10000", "moving",
           "too-large", "bad-", "cut-0.02")


def proper(photo):
    picture = photo.picture
    assert picture.mode == "RGB"
    assert 1 <= min(picture.size) <= max(picture.size) <= photos.LARGEST
    assert not picture.info
    assert not picture.getexif()
    assert np.asarray(picture).shape == (picture.height, picture.width, 3)


def test_there_are_more_than_two_hundred_bad_ones():
    assert sum(wanted != KEPT for wanted, _, _ in CASES) > 200


@pytest.mark.parametrize(("wanted", "name", "content"), CASES, ids=[case[1] for case in CASES])
def test_each_file_is_a_picture_or_refused_with_its_reason(wanted, name, content):
    kept, refused = photos.read_files([(name, content), ("good.png", encoded(motif()))])
    assert kept[-1].name == "good.png"  # the rest of the upload is kept
    assert len(kept) + len(refused) == 2
    for photo in kept:
        proper(photo)
    if wanted == REFUSED or name.startswith(MUST_GO):
        assert len(refused) == 1
    if wanted == KEPT:
        assert not refused
    for each in refused:
        assert each.name == name
        assert each.reason.endswith(".")
        assert "/" not in each.reason.replace("n/a", "")  # no path of the server


def test_all_at_once_keep_the_good_ones_in_order_and_stay_small():
    upload = [(name, content) for wanted, name, content in CASES if wanted == REFUSED]
    good = [(f"good-{number}.png", encoded(motif())) for number in range(40)]
    mixed = [file for pair in itertools.zip_longest(upload, good) for file in pair if file]
    tracemalloc.start()
    kept, refused = photos.read_files(mixed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [photo.name for photo in kept] == [name for name, _ in good]
    assert [each.name for each in refused] == [name for name, _ in upload]
    assert peak < 60_000_000


@pytest.mark.parametrize("name", ["frames-10000.gif", "text.png", "profile.png", "claims-30000x30000.png",
                                  "deflate.png"])
def test_a_bomb_costs_little_memory(name):
    """Peak of the process, in a process of its own: decoders allocate outside of Python."""
    import subprocess
    import sys

    content = next(content for _, other, content in CASES if other == name)
    code = ("import resource, sys\nfrom playground.lora import photos\nimport pillow_heif, PIL.ImageCms\n"
            "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "photos.read_files([('x', sys.stdin.buffer.read())])\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)")
    shown = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
    assert int(shown.stdout) < 700_000  # KB; a picture of 50 megapixels, which is allowed, takes some 150 MB a copy


def test_a_photo_is_turned_as_the_camera_was_held():
    for turn, left_is_red in ((1, True), (3, False)):
        exif = Image.Exif()
        exif[0x0112] = turn
        (photo,), _ = photos.read_files([("a.jpg", encoded(motif(), "JPEG", exif=exif))])
        red, _, blue = photo.picture.getpixel((5, 36))
        assert (red > blue) is left_is_red


def test_large_photos_are_made_smaller():
    (photo,), _ = photos.read_files([("a.jpg", encoded(motif((3000, 2000)), "JPEG"))])
    assert photo.picture.size == (1280, 853)


def test_no_more_are_kept_than_a_training_takes_and_bad_ones_do_not_count():
    good = encoded(motif((8, 8)))
    files = [("bad", b"x"), *((f"{number}.png", good) for number in range(plan.MOST + 3)), ("bad too", b"x")]
    kept, refused = photos.read_files(files)
    assert [photo.name for photo in kept] == [f"{number}.png" for number in range(plan.MOST)]
    assert [each.name for each in refused] == ["bad", "50.png", "51.png", "52.png", "bad too"]
    assert all("50 photos" in each.reason for each in refused[1:])


@pytest.mark.parametrize(("given", "shown"), [
    ("../../etc/passwd", "passwd"), ("C:\\Users\\me\\a.jpg", "a.jpg"), ("/abs/olute.png", "olute.png"), ("a/b/", "b"),
    ("", "file 1"), ("///", "file 1"), ("\x00\x07", "file 1"), ("a\x00b\n.png", "a b .png"),
    ("顔写真.jpg", "顔写真.jpg"),
    ("Ελένη ναι.png", "Ελένη ναι.png"), ("صورة.png", "صورة.png"), ("\u202egpj.exe", "gpj.exe"),
    ("half\ud800.png", "half .png"),
    ("😀.png", "😀.png"), ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png")])
def test_names_are_made_fit_for_showing(given, shown):
    (photo,), _ = photos.read_files([(given, encoded(motif((8, 8))))])
    assert photo.name == shown


@pytest.mark.parametrize("given", ["x" * 100_000 + ".jpeg", "é" * 300 + ".jpeg", "\u0301" * 500, "a " * 500,
                                   "\u202e" * 9000])
def test_long_names_are_cut_and_keep_their_ending(given):
    _, (refused,) = photos.read_files([(given, b"")])
    assert 1 <= len(refused.name) <= photos.LONGEST_NAME
    assert refused.name.endswith(".jpeg") or not given.endswith(".jpeg")
    assert not any(unicodedata.category(letter)[0] == "C" for letter in refused.name)
    refused.name.encode()
