"""removable_media: whether a stick that somebody plugs in becomes a disk of this host."""

import re

from wardline.agent.checks import active_lines, systemd_units
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

# modprobe.d(5): the folders in the order of their precedence; every file of them counts.
CONFIGS = (
    "/etc/modprobe.d/*.conf",
    "/run/modprobe.d/*.conf",
    "/usr/local/lib/modprobe.d/*.conf",
    "/usr/lib/modprobe.d/*.conf",
    "/lib/modprobe.d/*.conf",
)
MODULES = (
    "/lib/modules/*/kernel/drivers/usb/storage",
    "/usr/lib/modules/*/kernel/drivers/usb/storage",
)
LOADED = "/sys/module/usb_storage"
USBGUARD = "usbguard.service"
_BARRED = re.compile(r"install\s+usb[-_]storage\s+/(?:usr/)?bin/(?:false|true)\b.*")
_LISTED = re.compile(r"blacklist\s+usb[-_]storage")


class RemovableMedia:
    """The check. A blacklist alone keeps the kernel from loading the driver by itself, but not a
    person or a program; `install … /bin/false` does, and so does USBGuard."""

    manifest = Manifest(
        id="removable_media",
        title="USB disks and sticks",
        platforms=("linux",),
        controls=(
            "hipaa:164.310(b)",
            "hipaa:164.310(c)",
            "hipaa:164.310(d)(1)",
            "nist_800_53:AC-19",
            "nist_800_53:CM-7",
            "nist_800_53:MP-7",
            "pci_dss:5.3.3",
            "soc2:CC6.4",
            "soc2:CC6.7",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="Whether the USB storage driver is barred, merely listed, loaded, or guarded.",
        remediation=(
            "Put `install usb-storage /bin/false` and `blacklist usb-storage` into a file of "
            "/etc/modprobe.d, or let USBGuard decide per device. A host that needs sticks is an "
            "accepted deviation."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        lines = list(active_lines.of_all(probe, CONFIGS))
        barred = any(_BARRED.fullmatch(line) for line in lines)
        guarded = systemd_units.is_installed(probe, USBGUARD) and (
            systemd_units.look(probe, USBGUARD).in_force
        )
        facts: dict[str, Json] = {
            "failing": [],
            "barred": barred,
            "blacklisted": any(_LISTED.fullmatch(line) for line in lines),
            "usbguard": guarded,
            "loaded": probe.exists(LOADED),
        }
        if guarded or (barred and not facts["loaded"]):
            by = "USBGuard decides" if guarded else "its driver cannot be loaded"
            return Finding(Outcome.PASS, f"a USB disk is not taken unasked: {by}", facts)
        if barred:
            summary = "the driver of USB disks is barred, but it was loaded before: restart"
            return Finding(Outcome.FAIL, summary, {**facts, "failing": ["still_loaded"]})
        if not facts["loaded"] and not any(probe.glob(pattern) for pattern in MODULES):
            summary = "the kernel here has no driver for USB disks"
            return Finding(Outcome.NOT_APPLICABLE, summary, {**facts, "driver": False})
        summary = "whoever plugs in a USB disk can use it"
        return Finding(Outcome.FAIL, summary, {**facts, "failing": ["usb_storage"]})


CHECK = RemovableMedia()
