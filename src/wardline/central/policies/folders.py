"""Where the partners' backups lie: a folder for each, which nobody but the server opens."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from wardline.core.clock import Now
from wardline.core.errors import WardlineError
from wardline.core.ids import PartnerId
from wardline.policy.backups import retention
from wardline.policy.backups.folder import Folder

# What a listing calls the folder; where it lies is no business of a partner's.
SHOWN = "backups"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders under `root`, by partner."""

    root: Path
    now: Now

    def of(self, partner_id: PartnerId | str) -> Folder:
        """The partner's folder, which the first backup makes."""
        return Folder(self.root / partner_id, SHOWN, self.now)

    async def retain(self) -> int:
        """One round over all partners: clears what is no longer kept; gives how many."""
        return await asyncio.to_thread(self._retain)

    def _retain(self) -> int:
        gone, failed = 0, None
        for partner_id in self._partners():
            try:
                names = self.of(partner_id).retain(retention.DEFAULT)
            except WardlineError as error:
                # The others' turn comes all the same; the loop's heartbeat shows this one.
                failed = error
                continue
            gone += len(names)
            for name in names:
                _log.info("backup %s of %s is no longer kept", name.text, partner_id)
        if failed is not None:
            raise failed
        return gone

    def _partners(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return sorted(each.name for each in self.root.iterdir() if each.is_dir())
