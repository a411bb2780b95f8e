"""Where a bundle must come from, if its reader asks: the id that was published, and who signed it."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from orchestrator.bundle import signature
from orchestrator.bundle.signature import Signer
from orchestrator.errors import BadInput

SHORTEST_ID = 8


class Origin(Struct, frozen=True):
    """What a reader demands of a bundle besides that it is intact; nothing by default.

    :ivar identity: the id that its author published, or at least 8 hexadecimal digits of it; empty: any.
    :ivar signer: who must have signed it; None: anybody or nobody.
    """

    identity: str = ""
    signer: Signer | None = None

    def other_id(self, identity: str) -> str:
        """Return in one line that a bundle has another id; empty if it has the right one."""
        wanted = self.identity.lower()
        if not wanted or (len(wanted) >= SHORTEST_ID and identity.startswith(wanted)):
            return ""
        return f"the bundle's id is {identity}, not {self.identity}"

    def check(self, bundle: Path, identity: str, sums: bytes) -> str:
        """Return in words how a bundle is signed. ``BadInput`` if it has another id, or not the signature demanded.

        :param sums: the content of its ``SHA256SUMS``.
        """
        if other := self.other_id(identity):
            raise BadInput(other)
        file = signature.find(bundle)
        if self.signer is not None:
            return f"signed by {self.signer.name} with {signature.check_signer(file, sums, self.signer)}"
        if os.path.lexists(file):  # a link that leads nowhere is no missing signature
            return f"signed with {signature.check(file, sums)}, which was not checked: name its owner with --signer"
        return "not signed"
