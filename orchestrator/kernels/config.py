"""A kernel's configuration: a base, fragments laid over it, and the proof that nothing asked for got lost."""

from __future__ import annotations

import gzip
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.errors import KernelError

_SET = re.compile(r"CONFIG_(\w+)=(.*)")
_UNSET = re.compile(r"# CONFIG_(\w+) is not set")
_KEYS_OF_DEBIAN = "CONFIG_SYSTEM_TRUSTED_KEYS"


@dataclass(frozen=True, slots=True)
class ConfigRequest:
    """One line of a fragment: ``symbol`` without its prefix shall be ``value``, ``n`` included."""

    symbol: str
    value: str
    place: str

    @property
    def line(self) -> str:
        """As a ``.config`` has it."""
        return (
            f"# CONFIG_{self.symbol} is not set"
            if self.value == "n"
            else f"CONFIG_{self.symbol}={self.value}"
        )


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a configuration is made of: the base by name, its text where it is a whole file, and the requests."""

    base: Literal["tiny", "defconfig", "whole"]
    base_text: str
    requests: tuple[ConfigRequest, ...]


def read_configuration(
    base: Literal["tiny", "defconfig", "running"] | Path, fragments: Iterable[Path]
) -> Configuration:
    """Read base and fragments; of two lines on one symbol the later counts. ``KernelError`` names a bad line."""
    requests: dict[str, ConfigRequest] = {}
    for file in fragments:
        for number, text in enumerate(_read(file).splitlines(), 1):
            request = _request(text, f"{file.name}:{number}")
            if request:
                requests[request.symbol] = request
    wanted = tuple(requests.values())
    if base == "tiny" or base == "defconfig":
        return Configuration(base, "", wanted)
    return Configuration("whole", _running() if base == "running" else _read(Path(base)), wanted)


def _request(text: str, place: str) -> ConfigRequest | None:
    text = text.strip()
    if match := _UNSET.fullmatch(text):
        return ConfigRequest(match[1], "n", place)
    if not text or text.startswith("#"):
        return None
    if match := _SET.fullmatch(text):
        return ConfigRequest(match[1], match[2], place)
    raise KernelError(f"{place}: expected CONFIG_NAME=value or '# CONFIG_NAME is not set'; found {text!r}")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KernelError(f"cannot read configuration {file}: {error}") from error


def _running() -> str:
    """This machine's configuration, without the certificates of whoever built it, whose files are not in the source."""
    release = platform.release()
    places = (
        Path("/proc/config.gz"),
        Path(f"/boot/config-{release}"),
        Path(f"/lib/modules/{release}/config"),
    )
    for place in places:
        try:
            content = place.read_bytes()
        except OSError:
            continue
        text = gzip.decompress(content).decode() if place.suffix == ".gz" else content.decode()
        return re.sub(rf'^{_KEYS_OF_DEBIAN}=".*"$', f'{_KEYS_OF_DEBIAN}=""', text, flags=re.MULTILINE)
    raise KernelError(
        f"base 'running': this machine tells its kernel's configuration nowhere ({', '.join(map(str, places))})"
    )


def parse(text: str) -> dict[str, str]:
    """Return value by symbol of a ``.config``; symbols that are not set are left out."""
    return {match[1]: match[2] for line in text.splitlines() if (match := _SET.fullmatch(line))}


def check_survival(requests: Iterable[ConfigRequest], config: Mapping[str, str], tree: Path) -> None:
    """Raise ``KernelError`` that names each request which the configuration does not fulfil, and why."""
    lost = [request for request in requests if config.get(request.symbol, "n") != request.value]
    if lost:
        known = _known_symbols({request.symbol for request in lost}, tree)
        raise KernelError(
            "\n".join(_loss(request, config.get(request.symbol, "n"), known) for request in lost)
        )


def _loss(request: ConfigRequest, found: str, known: set[str]) -> str:
    told = f"{request.place}: CONFIG_{request.symbol}={request.value} did not survive"
    if request.symbol not in known:
        return f"{told}: this kernel has no such symbol"
    return f"{told}: it is {found}; something that it depends on, or that selects it, says otherwise"


def _known_symbols(symbols: set[str], tree: Path) -> set[str]:
    """Those of the symbols that some Kconfig file of the tree declares."""
    pattern = rf"^[[:space:]]*(menu)?config[[:space:]]+({'|'.join(sorted(symbols))})[[:space:]]*$"
    found = subprocess.run(
        ["grep", "-rhE", "--include=Kconfig*", pattern, tree], capture_output=True, text=True, check=False
    )
    return {line.split()[1] for line in found.stdout.splitlines()}
