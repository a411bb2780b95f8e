"""The mirror of a suite is that of the machine's apt sources, whatever else they have. apt itself reads them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.architectures import native
from orchestrator.errors import KernelError
from orchestrator.experiment.model import Suite
from orchestrator.kernels.suites import opened, own_mirror

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt")

DEBIAN_12 = """\
Types: deb deb-src
URIs: http://debian.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://debian.example/debian-security
Suites: bookworm-security
Components: main
"""

UBUNTU_24_04 = """\
# See http://help.example/community/UpgradeNotes for how to upgrade
Types: deb
URIs: http://de.archive.example/ubuntu/
Suites: noble noble-updates noble-backports
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

## Ubuntu security updates. Aside from URIs and Suites,
## this should mirror your choices in the previous section.
Types: deb
URIs: http://security.example/ubuntu/
Suites: noble-security
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/ubuntu/
Suites: noble noble-updates noble-backports noble-proposed
Components: main
"""

UBUNTU_22_04 = """\
#deb cdrom:[Ubuntu 22.04.4 LTS _Jammy Jellyfish_ - Release amd64 (20240220)]/ jammy main restricted
deb cdrom:[Ubuntu 22.04.4 LTS _Jammy Jellyfish_ - Release amd64 (20240220)]/ jammy main restricted
deb http://us.archive.example/ubuntu/ jammy main restricted
# deb-src http://us.archive.example/ubuntu/ jammy main restricted
deb http://us.archive.example/ubuntu/ jammy-updates main restricted
deb [arch=amd64 signed-by=/usr/share/keyrings/ubuntu.gpg] http://security.example/ubuntu jammy-security main
"""

OTHERS = """\
deb [arch=amd64] https://containers.example/linux/debian bookworm stable
deb https://tools.example/ bookworm main
deb https://flat.example/repository ./
deb-src http://sources.example/debian bookworm bookworm-updates main
"""


@pytest.mark.parametrize(
    ("name", "text", "suite", "mirror"),
    [
        ("debian.sources", DEBIAN_12, "bookworm", "http://debian.example/debian"),
        ("debian.sources", DEBIAN_12, "trixie-backports", "http://debian.example/debian"),
        ("debian.sources", DEBIAN_12, "trixie-security", "http://debian.example/debian-security"),
        ("ubuntu.sources", UBUNTU_24_04, "noble", "http://de.archive.example/ubuntu"),
        ("ubuntu.sources", UBUNTU_24_04, "jammy-updates", "http://de.archive.example/ubuntu"),
        ("ubuntu.sources", UBUNTU_24_04, "noble-security", "http://security.example/ubuntu"),
        ("ubuntu.list", UBUNTU_22_04, "noble", "http://us.archive.example/ubuntu"),
        ("ubuntu.list", UBUNTU_22_04, "jammy-security", "http://security.example/ubuntu"),
        (
            "one.list",
            "deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n",
            "sid",
            "mirror+file:/etc/apt/mirrors/debian.list",
        ),
    ],
)
def test_the_mirror_of_the_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, suite: str, mirror: str
) -> None:
    use_sources(tmp_path, monkeypatch, {name: text, "others.list": OTHERS})
    assert own_mirror(suite) == mirror


def test_a_machine_without_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_sources(tmp_path, monkeypatch, {"off.list": "# deb http://debian.example/debian bookworm main\n"})
    with pytest.raises(KernelError, match=r"^suite trixie: apt has no sources on this machine; set 'mirror'"):
        own_mirror("trixie")


def test_sources_that_apt_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_sources(tmp_path, monkeypatch, {"odd.list": "dep http://debian.example/debian bookworm main\n"})
    with pytest.raises(KernelError, match=r"^suite trixie: .*odd\.list"):
        own_mirror("trixie")


def use_sources(folder: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / "sources.list.d").mkdir(exist_ok=True)
        (folder / "sources.list.d" / name).write_text(text)
    configuration = folder / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{folder}/sources.list.d";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))


@pytest.mark.parametrize("password", ["s3cret", "s3c@ret", "s3c/ret", "s3@cr:et"])
def test_no_message_has_the_password_of_a_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    suite = Suite("trixie", mirror=f"http://user:{password}@127.0.0.1:9/debian")
    with pytest.raises(KernelError) as error, opened(suite, native()):
        pass
    assert str(error.value).startswith("suite trixie of http://127.0.0.1:9/debian: ")
