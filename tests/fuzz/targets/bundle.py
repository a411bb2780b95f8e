"""Bundles: archives and their checksums."""

from __future__ import annotations

import hashlib
import io
import tarfile
from random import Random

from orchestrator.bundle.layout import SUMS, SUMS_CHECKSUM
from orchestrator.bundle.verify import open_bundle, verify
from tests.fuzz import mutation, scratch
from tests.fuzz.target import Target
from tests.fuzz.targets.manifest import BUNDLE

FILES = {
    "README.md": b"read me\n",
    "bundle.json": BUNDLE,
    "reproduce.sh": b"#!/bin/sh\n",
    "run/journal.jsonl": b"{}\n",
}
OUTSIDE = "outside"


def run(data: bytes) -> None:
    outside = scratch.write(OUTSIDE, b"as it was")
    path = scratch.write("bundle.tar", data)
    for one in verify(path).damage:
        assert "\n" not in str(one)
    with open_bundle(path) as folder:
        assert not any(file.is_symlink() for file in folder.rglob("*"))
        assert verify(folder).damage == ()
    assert outside.read_bytes() == b"as it was"


def packed(files: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return a sealed bundle with these files, whatever their names."""
    lines = [
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n".encode("utf-8", "surrogateescape")
        for name in files
    ]
    sums = b"".join(sorted(lines, key=lambda line: line[66:]))
    sealed = {SUMS_CHECKSUM: f"{hashlib.sha256(sums).hexdigest()}  {SUMS}\n".encode(), SUMS: sums}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in {**sealed, **dict(sorted(files.items()))}.items():
            info = tarfile.TarInfo(f"bundle-1/{name}")
            info.size, info.type = len(content), kind if name not in sealed else tarfile.REGTYPE
            info.linkname = "../../etc/passwd" if kind != tarfile.REGTYPE else ""
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def mutate(data: bytes, random: Random) -> bytes:
    kind = random.randrange(3)
    if kind == 0:
        return _changed_header(data, random)
    if kind == 1:
        return mutation.text(b"ustar", b"../", b"bundle-1/", bytes(512), b"0" * 64)(data, random)
    files = dict(FILES)
    for _ in range(random.choice((1, 2, 3))):
        name = random.choice(list(files))
        content = files.pop(name) if random.random() < 0.5 else files[name]
        odd = random.choice((*mutation.ODD_TEXTS, b"a/b", b"a", b"a/b/c", SUMS.encode(), b"bundle.json"))
        name = random.choice(
            (name, odd[:90].decode("utf-8", "surrogateescape"), f"{name}/{odd[:50].decode(errors='replace')}")
        )
        files[name] = mutation.text()(content, random) if random.random() < 0.3 else content
    try:
        return packed(
            files,
            random.choice((tarfile.REGTYPE,) * 4 + (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE)),
        )
    except (ValueError, UnicodeEncodeError):
        return _changed_header(data, random)


def _changed_header(data: bytes, random: Random) -> bytes:
    """Change a field of a header, with the right checksum."""
    blocks = [at for at in range(0, len(data) - 511, 512) if data[at + 257 : at + 262] == b"ustar"]
    if not blocks:
        return data
    at = random.choice(blocks)
    start, size = random.choice(
        ((0, 100), (100, 8), (108, 8), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155))
    )
    value = random.choice(
        (
            b"\x80" + b"\xff" * 11,
            b"\xff" * 12,
            b"777777777777",
            b"-1",
            b"",
            b"\0" * 12,
            b"9",
            *mutation.ODD_TEXTS,
        )
    )[:size].ljust(size, b"\0")
    header = bytearray(data[at : at + 512])
    header[start : start + size] = value
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return data[:at] + bytes(header) + data[at + 512 :]


TARGET = Target(
    "bundle",
    run,
    ("orchestrator.bundle.archive", "orchestrator.bundle.checksums", "orchestrator.bundle.verify"),
    lambda: [packed(FILES), packed({"a-b": b"1", "a/b": b"2" * 600})],
    mutate,
)
