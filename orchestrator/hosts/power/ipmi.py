"""``power: {ipmi: {address: …, user: …, password_file: …}}``: the machine's BMC, by way of ``ipmitool``."""

from __future__ import annotations

from typing import Any

from orchestrator.hosts import programs
from orchestrator.hosts.power import Power
from orchestrator.hosts.power.bmc import checked, password_file

_KEYS: dict[str, type] = {
    "address": str,
    "user": str,
    "password_file": str,
    "port": int,
    "interface": str,
    "cipher": int,
}


class Ipmi(Power):
    """IPMI over a network: 2.0 (``lanplus``) unless ``interface`` says ``lan``; ``cipher`` is the cipher suite."""

    name = "ipmi"

    def __init__(self, value: Any) -> None:
        given = checked(value, _KEYS, required=("address", "user", "password_file"))
        self._password = password_file(given["password_file"])
        words = ["-I", given.get("interface", "lanplus"), "-H", given["address"], "-U", given["user"]]
        if "port" in given:
            words += ["-p", str(given["port"])]
        if "cipher" in given:
            words += ["-C", str(given["cipher"])]
        self._argv = ["ipmitool", *words, "-f", str(self._password), "chassis", "power"]

    def cycle(self) -> None:
        """Take the power away and give it back; only give it where there is none."""
        is_off = programs.run([*self._argv, "status"]).strip().endswith("off")
        programs.run([*self._argv, "on" if is_off else "cycle"])
