"""Kernels from a suite that the experiment names: an archive of the test, and a machine that has only its sources."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.errors import KernelError
from orchestrator.experiment.model import Kernel, Suite
from orchestrator.kernels.debian_package import fetch_package, origin
from orchestrator.kernels.obtain import obtain
from tests.calls import orchestrate
from tests.integration.apt_archive import Archive, SigningKey, sha256
from tests.integration.kernel_builder import SMALL_KERNEL, Kernels

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt")

OLD, NEW = "7.2.1+deb13-test", "7.3.4+deb13-test"
SUITE = "trixie-backports"


@pytest.fixture(scope="module")
def key() -> Iterator[SigningKey]:
    with SigningKey() as key:
        yield key


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Archive:
    archive = Archive(tmp_path_factory.mktemp("original"), key)
    archive.publish(SUITE, archive.kernel(OLD, "7.2.1-1") + archive.kernel(NEW, "7.3.4-1"))
    return archive


@pytest.fixture
def archive(original: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """The archive of a machine's distribution. The machine's sources have only its suite `bookworm`."""
    archive = original.copy(tmp_path / "debian")
    etc = tmp_path / "apt"
    (etc / "parts").mkdir(parents=True)
    (etc / "sources.list").write_text(f"deb {archive.uri} bookworm main\n")
    configuration = etc / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::sourcelist "{etc}/sources.list";\n'
        'Dir::Etc::sourceparts "/dev/null";\n'
        f'Dir::Etc::parts "{etc}/parts";\n'
        f'APT::Update::Post-Invoke {{ "touch {tmp_path}/hook-of-the-machine"; }};\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield archive
    assert not (tmp_path / "hook-of-the-machine").exists()


@pytest.fixture
def suite(archive: Archive) -> Suite:
    return Suite(SUITE, keyring=str(archive.key.public))


def fetch(suite: Suite) -> Path:
    return fetch_package("linux-image-test", suite=suite)


def test_a_kernel_with_its_parts(archive: Archive, suite: Suite) -> None:
    files = obtain(Kernel("new", "package", package="linux-image-test", suite=suite))
    assert files.release == NEW
    assert files.modules is not None
    assert files.modules.name == NEW
    names = {name: f"linux-{name}-{NEW}=7.3.4-1" for name in ("image", "binary", "modules")}
    pool = archive.folder / "pool"
    assert files.identity.package == {
        "package": f"linux-image-{NEW}",
        "version": "7.3.4-1",
        "suite": SUITE,
        "sha256": {text: sha256(pool / f"linux-{name}-{NEW}_7.3.4-1.deb") for name, text in names.items()},
    }


def test_an_older_version(suite: Suite) -> None:
    assert origin(fetch(replace(suite, version="7.2.1-1")))["package"] == f"linux-image-{OLD}"


def test_another_archive(archive: Archive, suite: Suite, tmp_path: Path) -> None:
    other = Archive(tmp_path / "ubuntu", archive.key)
    other.publish("noble", other.kernel("6.8.0-1-generic", "6.8.0-1.1"))
    folder = fetch(Suite("noble", mirror=other.uri, keyring=suite.keyring))
    assert folder.name == "linux-image-6.8.0-1-generic=6.8.0-1.1"


def test_the_source_of_a_recipe(archive: Archive, tmp_path: Path) -> None:
    kernels = Kernels(tmp_path)
    packed = tmp_path / "linux-source-7.3.tar.xz"
    subprocess.run(["tar", "-cJf", packed, "-C", SMALL_KERNEL.parent, SMALL_KERNEL.name], check=True)
    files = {"usr/src/linux-source-7.3.tar.xz": packed.read_bytes()}
    archive.publish(SUITE, [archive.package("linux-source-7.3", "7.3.4-1", files=files)])
    source = {"package": "linux-source-7.3", "suite": SUITE, "keyring": str(archive.key.public)}
    recipe = kernels.recipe(source=source)
    built = kernels.built(recipe)
    assert built["ingredients"]["source"] == "package linux-source-7.3=7.3.4-1"
    assert built["ingredients"]["package"]["suite"] == SUITE
    shown = kernels.user.orchestrate("kernel", "show", str(recipe)).out
    assert f"package linux-source-7.3=7.3.4-1, suite {SUITE}\n" in shown
    kernels.user.close()


def test_the_cache_is_used_offline(archive: Archive, suite: Suite, caplog: pytest.LogCaptureFixture) -> None:
    older, newest = fetch(replace(suite, version="7.2.1-1")), fetch(suite)
    archive.folder.rename(archive.folder.with_name("away"))
    assert fetch(suite) == newest
    assert fetch(replace(suite, version="7.2.1-1")) == older
    assert f"using linux-image-{NEW}=7.3.4-1 from the cache" in caplog.text
    with pytest.raises(KernelError, match="not found"):
        fetch(replace(suite, version="7.1-1"))


def test_an_altered_suite_gives_nothing_new(
    archive: Archive, suite: Suite, caplog: pytest.LogCaptureFixture
) -> None:
    fetched = fetch(replace(suite, version="7.2.1-1"))
    alter(archive)
    assert fetch(suite) == fetched
    assert "bad signature" in caplog.text


def test_a_mirror_that_does_not_answer(suite: Suite) -> None:
    with pytest.raises(KernelError, match=r"^suite trixie-backports of http://127.0.0.1:1/debian: .*refused"):
        fetch(replace(suite, mirror="http://user:secret@127.0.0.1:1/debian"))


def test_concurrent_fetches(suite: Suite) -> None:
    folders: list[Path] = []
    packages = ["linux-image-test", f"linux-image-{NEW}", f"linux-image-{OLD}"] * 2
    threads = [
        threading.Thread(target=lambda name=name: folders.append(fetch_package(name, suite=suite)))
        for name in packages
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(folders) == len(packages)
    assert len(set(folders)) == 3


def expire(archive: Archive) -> None:
    archive.publish(SUITE, [], valid_for=timedelta(days=-2))


def alter(archive: Archive) -> None:
    signed = archive.folder / "dists" / SUITE / "InRelease"
    signed.write_text(signed.read_text().replace("Components: main", "Components: main other"))


def replace_by_a_login_page(archive: Archive) -> None:
    (archive.folder / "dists" / SUITE / "InRelease").write_text("<html>Log in</html>\n")


def sign_with_another_key(archive: Archive) -> None:
    with SigningKey() as key:
        archive.publish(SUITE, [], key=key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (expire, r"its Release file expired \d+d .* ago; set a 'mirror' that is up to date"),
        (alter, r"bad signature; try again, or set another 'mirror'"),
        (
            replace_by_a_login_page,
            r"its InRelease file is not signed; check the mirror, and the proxy of this machine",
        ),
        (
            sign_with_another_key,
            r"it is signed with a key that is not in \S+/archive.gpg \(\w+\); update the package .*'keyring'",
        ),
    ],
)
def test_a_suite_that_cannot_be_trusted(
    archive: Archive, suite: Suite, change: Callable[[Archive], None], message: str
) -> None:
    change(archive)
    with pytest.raises(KernelError, match=rf"^suite {SUITE} of {archive.uri}: {message}$"):
        fetch(suite)


def test_a_package_that_was_altered(archive: Archive, suite: Suite) -> None:
    file = archive.folder / "pool" / f"linux-binary-{NEW}_7.3.4-1.deb"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(KernelError, match=r"^cannot download linux-binary-\S+=7.3.4-1: Hash Sum mismatch$"):
        fetch(suite)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "suite: trixie-backport",
            "suite trixie-backport of {uri}: not found; check its name; for a suite",
        ),
        (
            "suite: trixie-backports, version: 7.9-1",
            "version 7.9-1 of linux-image-test is not in suite trixie-backports of {uri}; there are: 7.3.4-1, 7.2.1-1",
        ),
        ("suite: trixie-backports, keyring: none.gpg", "none.gpg: No such file or directory"),
    ],
)
def test_what_is_gone_is_one_line(archive: Archive, tmp_path: Path, keys: str, message: str) -> None:
    keyring = "" if "keyring" in keys else f", keyring: {archive.key.public}"
    file = tmp_path / "experiment.yaml"
    file.write_text(
        "version: 1\nname: a\nhosts: {provider: qemu, qemu: {acceleration: tcg}}\nbenchmark: {role: migbench}\n"
        f"kernels: {{new: {{package: linux-image-test, {keys}{keyring}}}}}\n"
        "factors: {page_size: [4KiB], pages: [1]}\n"
    )
    assert orchestrate("validate", str(file)).returncode == 0
    completed = orchestrate("run", str(file), "--results", str(tmp_path / "results"))
    assert completed.returncode == 4
    assert sum(message.format(uri=archive.uri) in line for line in completed.stderr.splitlines()) == 1
    assert len(completed.stderr.splitlines()) == 4  # the run, its block, the message, how to resume


def test_no_apt(suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KernelError, match="apt-get: command not found; 'suite' needs a controller with apt"):
        fetch(suite)
