"""Signatures of bundles, by the real ssh-keygen: who signed, and what a signature is refused for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.bundle.signature import NAMESPACE
from tests.calls import orchestrate
from tests.running import User

EXPERIMENT = """
name: hello
hosts: {provider: local}
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: us}}}
repetitions: 1
"""
PASSPHRASE = "correct horse"
AUTHOR = "author@example.org"


def keygen(*words: object, stdin: bytes = b"") -> bytes:
    argv = ["ssh-keygen", *map(str, words)]
    return subprocess.run(argv, input=stdin, capture_output=True, check=True).stdout


def make_key(path: Path, passphrase: str = "") -> Path:
    keygen("-q", "-t", "ed25519", "-N", passphrase, "-C", path.name, "-f", path)
    return path


def public(key: Path) -> str:
    return key.with_name(f"{key.name}.pub").read_text()


def fingerprint(key: Path) -> str:
    return keygen("-l", "-f", key.with_name(f"{key.name}.pub")).decode().split()[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """An author with a finished run, two keys, and a signed and an unsigned bundle."""
    maker = User(tmp_path_factory.mktemp("maker"))
    try:
        ended = maker.run(maker.file(EXPERIMENT))
        assert ended.code == 0, ended.err
        make_key(maker.folder / "key")
        make_key(maker.folder / "other")
        for words in (["-o", "plain.tar"], ["-o", "signed.tar", "--sign", "key"]):
            exported = orchestrate("export", "latest", *words, folder=maker.folder)
            assert exported.returncode == 0, exported.stderr
        yield maker
    finally:
        maker.close()


@pytest.fixture
def folder(made: User, tmp_path: Path) -> Path:
    """The author's files, in a directory that a test may change."""
    folder = tmp_path / "work"
    shutil.copytree(made.folder, folder, ignore=shutil.ignore_patterns("results"))
    (folder / "allowed").write_text(f"{AUTHOR} {public(folder / 'key')}")
    return folder


def verify(folder: Path, *words: str, bundle: str = "signed.tar") -> subprocess.CompletedProcess[str]:
    return orchestrate("verify", bundle, *words, folder=folder)


def verify_signer(
    folder: Path, *words: str, bundle: str = "signed.tar", name: str = AUTHOR
) -> subprocess.CompletedProcess[str]:
    return verify(folder, "--signer", name, "--allowed-signers", "allowed", *words, bundle=bundle)


def reproduce(folder: Path, *words: str, bundle: str = "signed.tar") -> subprocess.CompletedProcess[str]:
    return orchestrate("reproduce", bundle, "--mode", "short", "--host", "local", *words, folder=folder)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a refusal."""
    assert done.returncode == 2, (done.stdout, done.stderr)
    (line,) = done.stderr.splitlines()
    assert done.stdout == ""
    return line


def test_a_signed_bundle_is_the_same_bundle(folder: Path) -> None:
    assert (folder / "signed.tar").read_bytes() == (folder / "plain.tar").read_bytes()
    assert not (folder / "plain.tar.sig").exists()


def test_verify_says_whether_a_bundle_is_signed(folder: Path) -> None:
    plain, signed = verify(folder, bundle="plain.tar"), verify(folder)
    assert (plain.returncode, signed.returncode) == (0, 0)
    assert plain.stdout.splitlines()[1] == "plain.tar: not signed"
    assert signed.stdout.splitlines()[1] == (
        f"signed.tar: signed with ED25519 key {fingerprint(folder / 'key')}, which was not checked: "
        "name its owner with --signer"
    )


def test_the_signer_is_who_they_say(folder: Path) -> None:
    done = verify_signer(folder)
    assert done.returncode == 0, done.stderr
    assert f"signed.tar: signed by {AUTHOR} with ED25519 key {fingerprint(folder / 'key')}" in done.stdout


def test_ssh_keygen_alone_can_check_a_signature(folder: Path) -> None:
    sums = subprocess.run(
        ["tar", "-xOf", "signed.tar", "--wildcards", "*/SHA256SUMS"],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    options = ("-f", folder / "allowed", "-I", AUTHOR, "-n", NAMESPACE, "-s", folder / "signed.tar.sig")
    assert b"Good" in keygen("-Y", "verify", *options, stdin=sums.stdout)


def test_a_directory_and_a_moved_bundle(folder: Path) -> None:
    subprocess.run(["tar", "-xf", "signed.tar"], cwd=folder, check=True)
    (unpacked,) = folder.glob("hello-*/")
    shutil.copy(folder / "signed.tar.sig", f"{unpacked}.sig")
    assert verify_signer(folder, bundle=unpacked.name).returncode == 0
    done = orchestrate("verify", ".", folder=unpacked)
    assert "signed with ED25519 key" in done.stdout


def test_the_bundle_was_changed(folder: Path) -> None:
    content = (folder / "signed.tar").read_bytes()
    at = content.index(b"x=1")
    (folder / "signed.tar").write_bytes(content[:at] + b"x=2" + content[at + 3 :])
    done = verify_signer(folder)
    assert done.returncode == 2
    assert ": modified" in done.stderr
    assert "signed by" not in done.stdout


@pytest.mark.parametrize("has_signer", [True, False])
def test_the_signature_of_another_bundle(made: User, folder: Path, has_signer: bool) -> None:
    exported = orchestrate(
        "export", "latest", "--scrub", "--scrub-word", "hello", "-o", str(folder / "b.tar"), "--sign", "key",
        folder=made.folder,
    )  # fmt: skip
    assert exported.returncode == 0, exported.stderr
    shutil.copy(folder / "b.tar.sig", folder / "signed.tar.sig")
    done = verify_signer(folder) if has_signer else verify(folder)
    assert "signed.tar.sig: not a signature of this bundle: " in refusal(done)
    assert "incorrect signature" in done.stderr


def test_a_signature_made_for_another_purpose(folder: Path) -> None:
    subprocess.run(["tar", "-xf", "signed.tar"], cwd=folder, check=True)
    (sums,) = folder.glob("hello-*/SHA256SUMS")
    keygen("-Y", "sign", "-n", "git", "-f", folder / "key", sums)
    shutil.copy(f"{sums}.sig", folder / "signed.tar.sig")
    assert "namespace does not match" in refusal(verify_signer(folder))


def test_no_signature(folder: Path) -> None:
    line = refusal(verify_signer(folder, bundle="plain.tar"))
    assert line == "orchestrate: plain.tar.sig: no such file: the bundle is not signed"


@pytest.mark.parametrize(
    ("target", "reason"),
    [("gone", "No such file or directory"), ("plain.tar.sig", "Too many levels of symbolic links")],
)
def test_a_signature_that_is_a_link_to_nowhere(folder: Path, target: str, reason: str) -> None:
    (folder / "plain.tar.sig").symlink_to(target)
    for done in (verify(folder, bundle="plain.tar"), verify_signer(folder, bundle="plain.tar")):
        assert refusal(done) == f"orchestrate: plain.tar.sig: {reason}"
    subprocess.run(["gzip", "-k", "plain.tar"], cwd=folder, check=True)
    assert refusal(verify(folder, bundle="plain.tar.gz")) == f"orchestrate: plain.tar.sig: {reason}"


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"\x1b[2J" * 100, b"x" * 100_000])
@pytest.mark.parametrize("has_signer", [True, False])
def test_not_a_signature(folder: Path, content: bytes, has_signer: bool) -> None:
    (folder / "signed.tar.sig").write_bytes(content)
    line = refusal(verify_signer(folder) if has_signer else verify(folder))
    assert "signed.tar.sig: not a signature" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("allowed", "reason"),
    [
        ("AUTHOR OTHER", f"allowed does not allow it to sign as {AUTHOR}"),
        ("somebody@example.org KEY", f"allowed does not allow it to sign as {AUTHOR}"),
        ("garbage\n", f"allowed does not allow it to sign as {AUTHOR}"),
        ("", f"allowed does not allow it to sign as {AUTHOR}"),
        ('AUTHOR valid-before="20200101" KEY', "key has expired"),
        ('AUTHOR valid-after="20990101" KEY', "key is not yet valid"),
        ('AUTHOR namespaces="git" KEY', "not permitted for use in signature namespace"),
    ],
)
def test_a_key_that_the_signer_may_not_use(folder: Path, allowed: str, reason: str) -> None:
    text = allowed.replace("AUTHOR", AUTHOR)
    text = text.replace("KEY", public(folder / "key")).replace("OTHER", public(folder / "other"))
    (folder / "allowed").write_text(text)
    line = refusal(verify_signer(folder))
    assert f"signed.tar.sig: not signed by {AUTHOR}: ED25519 key {fingerprint(folder / 'key')}: " in line
    assert reason in line


def test_a_revoked_key(folder: Path) -> None:
    assert verify_signer(folder, "--revoked-keys", "other.pub").returncode == 0
    assert ": revoked by key.pub" in refusal(verify_signer(folder, "--revoked-keys", "key.pub"))
    keygen("-k", "-f", folder / "revoked.krl", folder / "key.pub")
    assert ": revoked by revoked.krl" in refusal(verify_signer(folder, "--revoked-keys", "revoked.krl"))


def test_a_certificate_authority(made: User, folder: Path) -> None:
    keygen("-q", "-s", folder / "other", "-I", "id", "-n", AUTHOR, folder / "key.pub")
    words = ("-o", str(folder / "cert.tar"), "--sign", str(folder / "key-cert.pub"))
    exported = orchestrate("export", "latest", *words, folder=made.folder)
    assert exported.returncode == 0, exported.stderr
    (folder / "allowed").write_text(f"*@example.org cert-authority {public(folder / 'other')}")
    done = verify_signer(folder, bundle="cert.tar")
    assert done.returncode == 0, done.stderr
    assert f"signed by {AUTHOR} with ED25519-CERT key" in done.stdout
    refusal(verify_signer(folder, bundle="cert.tar", name="else@example.org"))


def askpass(folder: Path, passphrase: str) -> dict[str, str]:
    program = folder / "askpass"
    program.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
    program.chmod(0o755)
    return {"SSH_ASKPASS": str(program), "SSH_ASKPASS_REQUIRE": "force"}


def export(made: User, target: Path, key: object, **environment: str) -> subprocess.CompletedProcess[str]:
    words = ("-o", str(target), "--sign", str(key))
    return orchestrate("export", "latest", *words, folder=made.folder, **environment)


def test_an_encrypted_key(made: User, folder: Path) -> None:
    key = make_key(folder / "encrypted", PASSPHRASE)
    done = export(made, folder / "b.tar", key, **askpass(folder, PASSPHRASE))
    assert done.returncode == 0, done.stderr
    done = export(made, folder / "c.tar", key, **askpass(folder, "wrong"))
    assert "incorrect passphrase supplied to decrypt private key" in refusal(done)
    assert not list(folder.glob("c.tar*"))


def test_a_key_in_the_agent(made: User, folder: Path) -> None:
    socket = folder / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        environment = {"SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", folder / "key"], env=environment, check=True, capture_output=True)
        (folder / "key").unlink()
        done = export(made, folder / "b.tar", folder / "key.pub", **environment)
        assert done.returncode == 0, done.stderr
    finally:
        agent.terminate()
        agent.wait()
    assert verify_signer(folder, bundle="b.tar").returncode == 0
    (folder / "b.tar.sig").unlink()
    done = export(made, folder / "c.tar", folder / "key.pub", **environment)
    assert f"cannot sign with {folder}/key.pub: " in refusal(done)


def test_a_key_that_cannot_be_used(made: User, folder: Path) -> None:
    assert f"--sign {folder}/no: no such file" in refusal(export(made, folder / "b.tar", folder / "no"))
    assert f"cannot sign with {folder}/allowed: " in refusal(
        export(made, folder / "b.tar", folder / "allowed")
    )
    (folder / "key").chmod(0o644)
    assert "are too open" in refusal(export(made, folder / "b.tar", folder / "key"))
    assert not list(folder.glob("b.tar*"))


def test_an_old_signature_is_not_left_beside_a_new_bundle(made: User, folder: Path) -> None:
    (folder / "signed.tar").unlink()
    done = orchestrate("export", "latest", "-o", str(folder / "signed.tar"), folder=made.folder)
    assert "signed.tar.sig already exists" in refusal(done)


def test_without_ssh_keygen(made: User, folder: Path) -> None:
    for done in (
        export(made, folder / "b.tar", folder / "key", PATH=str(folder)),
        orchestrate("verify", "signed.tar", folder=folder, PATH=str(folder)),
    ):
        assert refusal(done) == "orchestrate: ssh-keygen: command not found; install openssh-client"


def test_a_signed_bundle_is_reproduced_of_its_signer_only(folder: Path) -> None:
    by = ("--allowed-signers", "allowed", "--signer")
    assert "the bundle is not signed" in refusal(reproduce(folder, *by, AUTHOR, bundle="plain.tar"))
    assert "does not allow it to sign as else@example.org" in refusal(
        reproduce(folder, *by, "else@example.org")
    )
    assert refusal(reproduce(folder, "--id", "0" * 64)).endswith(f", not {'0' * 64}")
    assert not (folder / "results").exists()
    done = reproduce(folder, *by, AUTHOR)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--signer", "x"], "--signer and --allowed-signers require each other"),
        (["--allowed-signers", "allowed"], "--signer and --allowed-signers require each other"),
        (["--revoked-keys", "allowed"], "--revoked-keys requires --signer"),
        (["--signer", "x", "--allowed-signers", "no"], "'no' does not exist"),
    ],
)
def test_options_that_need_each_other(folder: Path, words: list[str], message: str) -> None:
    for done in (verify(folder, *words), reproduce(folder, *words)):
        assert done.returncode == 2
        assert message in done.stderr
