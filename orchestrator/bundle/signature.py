"""Signatures of bundles: of the file ``SHA256SUMS``, beside the bundle, made and checked by ``ssh-keygen -Y``.

The bundle itself is the same with and without a signature, and so is its id.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import subprocess
import tempfile
from pathlib import Path

from msgspec import Struct

from orchestrator.bundle.compressed import SUFFIXES
from orchestrator.bundle.layout import SUMS
from orchestrator.errors import BadInput
from orchestrator.paths import DENIED, check_name, is_closed

log = logging.getLogger(__name__)

NAMESPACE = "orchestrate-bundle"
"""What the key signs, so that a signature made for another purpose, such as a git commit, is none of a bundle."""

LARGEST = 1 << 16
"""The most bytes of a signature. One of a certificate has about 3 KiB."""

_GOOD = re.compile(r"Good \".*\" signature .*with (\S+) key (\S+)")
_FAILED = "Could not verify signature."
_TOUCH = b"Confirm user presence"
"""What ssh-keygen says before it waits for a finger on a security key."""
_PROMPT = re.compile(r"^Enter passphrase.*?: (?=Load key)")


class Signature(Struct, frozen=True):
    """A signature that belongs to the bundle: type and fingerprint of its key. Whose key that is, it does not say."""

    key_type: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.key_type} key {self.fingerprint}"


class Signer(Struct, frozen=True):
    """Who must have signed a bundle.

    :ivar name: a principal of ``allowed``, a file as in ALLOWED SIGNERS of ssh-keygen(1).
    :ivar revoked: a file with public keys, or a key revocation list; None: no key is revoked.
    """

    name: str
    allowed: Path
    revoked: Path | None = None


def beside(bundle: Path) -> Path:
    """Return where the signature of a bundle is."""
    if bundle.name in ("", ".."):  # "." has no name
        bundle = bundle.resolve()
    return bundle.with_name(f"{bundle.name}.sig")


def find(bundle: Path) -> Path:
    """Return where the signature of a bundle is looked for: beside it, of a compressed one also beside its archive."""
    file = beside(bundle)
    if bundle.suffix in SUFFIXES and not os.path.lexists(file):
        return beside(bundle.with_suffix(""))
    return file


def require_key(key: Path) -> None:
    """Raise ``BadInput`` if there is no such key; whether it can sign, only signing tells."""
    check_name(str(key))
    if is_closed(key):
        raise BadInput(f"--sign {key}: {DENIED}")
    if not key.is_file():
        raise BadInput(f"--sign {key}: no such file")


def sign(sums: Path, key: Path) -> bytes:
    """Return a signature of ``SHA256SUMS``. ``BadInput`` says why there is none.

    ``ssh-keygen`` itself asks for the passphrase of an encrypted key.

    :param key: a private key, or a public key whose private key is in the agent.
    """
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / SUMS
        copy.write_bytes(sums.read_bytes())
        done = _ssh_keygen("sign", "-f", str(key), str(copy))
        signed = copy.with_name(f"{SUMS}.sig")
        if done.returncode or not signed.is_file():
            raise BadInput(f"cannot sign with {key}: {_reason(done.stderr)}")
        return signed.read_bytes()


def check(signature: Path, sums: bytes) -> Signature:
    """Check that a signature is one of ``SHA256SUMS``, by whatever key. ``BadInput`` if it is not."""
    _require_small_file(signature)
    done = _ssh_keygen("check-novalidate", "-s", str(signature), document=sums)
    good = _GOOD.search(done.stdout)
    if done.returncode or good is None:
        raise BadInput(f"{signature}: not a signature of this bundle: {_reason(done.stderr)}")
    return Signature(good[1], good[2])


def check_signer(signature: Path, sums: bytes, signer: Signer) -> Signature:
    """Check that a signature is one of ``SHA256SUMS`` by a key that ``signer`` may use now. ``BadInput`` if not."""
    if not os.path.lexists(signature):
        raise BadInput(f"{signature}: no such file: the bundle is not signed")
    signed = check(signature, sums)
    revoked = () if signer.revoked is None else ("-r", str(signer.revoked))
    done = _verify(signature, sums, signer, *revoked)
    if done.returncode == 0:
        return signed
    reason = _reason(done.stderr)
    if reason == _FAILED:
        reason = f"{signer.allowed} does not allow it to sign as {signer.name}"
        if revoked and _verify(signature, sums, signer).returncode == 0:
            reason = f"revoked by {signer.revoked}, or that file cannot be read"
    raise BadInput(f"{signature}: not signed by {signer.name}: {signed}: {reason}")


def _verify(signature: Path, sums: bytes, signer: Signer, *options: str) -> subprocess.CompletedProcess[str]:
    words = ("-f", str(signer.allowed), "-I", signer.name, "-s", str(signature))
    return _ssh_keygen("verify", *words, *options, document=sums)


def _ssh_keygen(verb: str, *words: str, document: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``ssh-keygen -Y``. Without a document its stdin is ours, where it may ask for a passphrase."""
    argv = ["ssh-keygen", "-Y", verb, "-n", NAMESPACE, *words]
    stdin = None if document is None else subprocess.PIPE
    try:
        process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise BadInput("ssh-keygen: command not found; install openssh-client") from None
    with process:
        asked = b""
        if document is None:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith(_TOUCH):
                    log.warning("%s", line.decode(errors="replace").strip())
                asked += line
        printed, complained = process.communicate(document)
    out, err = (text.decode(errors="replace") for text in (printed, asked + complained))
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def _reason(printed: str) -> str:
    """Return in one line why ``ssh-keygen`` failed, of what it printed on stderr."""
    lines = [line.strip() for line in printed.splitlines() if line.strip() not in ("", _FAILED)]
    too_open = (line for line in lines if line.startswith("Permissions "))
    return next(too_open, _PROMPT.sub("", lines[-1]) if lines else _FAILED)


def _require_small_file(signature: Path) -> None:
    """Refuse what could be read for ever."""
    try:
        status = signature.stat()
    except OSError as error:
        raise BadInput(f"{signature}: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
        raise BadInput(f"{signature}: not a signature: not a file of at most {LARGEST >> 10} KiB")
