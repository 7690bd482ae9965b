"""disk_encryption: whether what the host keeps on its disks is encrypted, swap included."""

from dataclasses import dataclass, field

from wardline.agent.checks import block_devices, mount_tables
from wardline.agent.checks.block_devices import Layer
from wardline.agent.checks.mount_tables import Mount
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import Kind
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

NAMED_MAX = 64


@dataclass(slots=True)
class _Judged:
    """Where data lies, and on what; `unknown` says why that cannot be told of a place."""

    layers: dict[str, Layer] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def plain(self) -> list[str]:
        return sorted(place for place, layer in self.layers.items() if layer is Layer.PLAIN)


class DiskEncryption:
    """The check. What counts is every mount but /boot, and swap; file systems in memory and over
    the network keep nothing here. A drive that encrypts itself, and a provider's disk beneath a
    virtual machine, cannot be seen from within: there a person accepts the deviation.
    """

    manifest = Manifest(
        id="disk_encryption",
        title="Disk encryption",
        platforms=("linux",),
        controls=(
            "hipaa:164.310(d)(1)",
            "hipaa:164.312(a)(2)(iv)",
            "nist_800_53:SC-13",
            "nist_800_53:SC-28",
            "nist_800_53:SC-28(1)",
            "pci_dss:3.5.1",
            "pci_dss:3.5.1.2",
            "soc2:CC6.1",
            "soc2:CC6.7",
        ),
        interval_s=3600,
        cpu_ms_max=500,
        timeout_s=10,
        severity=Severity.HIGH,
        evidence="Each place that keeps data, and what encrypts it: dm-crypt, ZFS, or nothing.",
        remediation=(
            "Move the named file systems onto LUKS: back the data up, `cryptsetup luksFormat` the "
            "partition, restore, and enter it in /etc/crypttab and /etc/fstab. For swap a random "
            "key will do (`swap` in crypttab)."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        live = probe.kind is not Kind.TREE
        mounts = mount_tables.mounted(probe) if live else mount_tables.configured(probe)
        kept = [one for one in mounts if one.keeps_data]
        if not kept:
            reason = "nothing is kept on a disk: every file system is in memory or on the network"
            return Finding(Outcome.NOT_APPLICABLE, reason, {"places": []})
        judged = _judge(probe, kept, live)
        facts: dict[str, Json] = {
            "failing": judged.plain[:NAMED_MAX],
            "read_from": "kernel" if live else "files",
            "places": [
                {"place": place, "encrypted_by": layer}
                for place, layer in sorted(judged.layers.items())[:NAMED_MAX]
            ],
            "unknown": [
                {"place": place, "because": why}
                for place, why in sorted(judged.unknown.items())[:NAMED_MAX]
            ],
        }
        if judged.plain:
            return Finding(Outcome.FAIL, f"not encrypted: {', '.join(judged.plain)}", facts)
        if judged.unknown:
            place, why = min(judged.unknown.items())
            reason = f"{place}: {why}"
            return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
        return Finding(Outcome.PASS, f"{len(judged.layers)} places are encrypted", facts)


def _judge(probe: Probe, mounts: list[Mount], live: bool) -> _Judged:
    look = block_devices.live(probe) if live else block_devices.configured(probe)
    judged = _Judged()
    for mount in mounts:
        probe.tick()
        layer = look(mount)
        if isinstance(layer, Layer):
            # Of two mounts in one place the one that is not encrypted counts.
            before = judged.layers.get(mount.place)
            judged.layers[mount.place] = before if before is Layer.PLAIN else layer
        else:
            judged.unknown[mount.place] = layer
    return judged


CHECK = DiskEncryption()
