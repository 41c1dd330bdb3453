"""What a store must know of machines: whether its coordinator lives, and on what kind of file system it lies."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

NETWORK = frozenset(
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "afs", "fuse.sshfs", "fuse.glusterfs"]
)
"""File systems whose locks WAL cannot use: its index is shared memory of one machine."""

SILENCE = 120.0
"""A coordinator on another machine is taken for dead after this many seconds without one."""


def sign_of_life(beat: float) -> dict[str, Any]:
    """What this process says of itself at a time, for others to tell whether it lives."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "began": began(os.getpid()), "beat": beat}


def alive(held: Mapping[str, Any]) -> bool:
    """Whether a coordinator lives: by its process on this machine, by its last sign of life on another."""
    if held["host"] == socket.gethostname() and os.name == "posix":
        return began(held["pid"]) == held["began"]
    return time.time() - held["beat"] < SILENCE


def began(pid: int) -> str | None:
    """When a process began, so that its number is not taken for a later one's; None where there is none."""
    if Path("/proc/self/stat").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        return None
    try:  # no /proc: the number alone
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return "some time"


def file_system(path: Path) -> str:
    """The kind of file system that a file lies on; empty where the system does not tell.

    Example:
        >>> file_system(Path("/proc/self/status"))
        'proc'
    """
    best, kind = "", ""
    with suppress(OSError):
        place = os.path.realpath(path)
        for line in Path("/proc/mounts").read_text().splitlines():
            _, mount, type_of, *_ = line.split()
            if len(mount) >= len(best) and (place == mount or place.startswith(mount.rstrip("/") + "/")):
                best, kind = mount, type_of
    return kind
