"""What can be known of a journal's file without opening it as a database."""

from __future__ import annotations

import fcntl
import os
import re
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from engine.errors import JournalUnreadable
from engine.journal.tables import APPLICATION_ID

NETWORK = {
    "nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "ceph", "coda", "ncpfs", "9p", "lustre", "gfs2", "ocfs2",
    "beegfs", "davfs", "fuse.davfs", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse",
}  # fmt: skip
"""File systems, as /proc names them, on which locks or shared memory do not hold between machines."""

GET_GENERATION = 0x80087601
"""`FS_IOC_GETVERSION` of Linux: ext4, xfs and btrfs give each use of an inode another number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A journal's file in use: `inode` with its device, and the `identity` that outlives both a process and a boot."""

    inode: tuple[int, int]
    identity: str


_users: Counter[Held] = Counter()
_lock = Lock()


def hold(path: Path, shown: str) -> Held:
    """Examine a journal's file; it is in use by this process until `let_go`.

    A file in use is not opened again: closing any descriptor of a file takes away all POSIX locks that the process has
    on it, SQLite's, too.
    """
    with _lock:
        stat = path.stat()
        inode = stat.st_dev, stat.st_ino
        held = next((held for held in _users if held.inode == inode), None)
        if held is None:
            held = Held(inode=inode, identity=_examine(path, shown))
        _users[held] += 1
        return held


def let_go(held: Held) -> None:
    """The end of one use."""
    with _lock:
        _users[held] -= 1
        if not _users[held]:
            del _users[held]


def _examine(path: Path, shown: str) -> str:
    """The file's identity: what tells it from another that is later put in its place, also one with the same inode.
    Not its device: that number may change when the machine starts."""
    if not path.is_file():
        raise JournalUnreadable(f"{shown} is not a file", "name a file with --store or HEADWAY_STORE")
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise JournalUnreadable(
            f"{shown} cannot be read: {error.strerror}", "run headway as the user who owns it"
        ) from error
    try:
        _check_header(os.pread(file, 100, 0), shown)
        stat = os.fstat(file)
        if stat.st_nlink > 1:
            raise JournalUnreadable(
                f"{shown} has several names (hard links), which SQLite cannot keep apart", "remove all names but one"
            )
        return f"{stat.st_ino}-{_generation(file)}"
    finally:
        os.close(file)


def _check_header(head: bytes, shown: str) -> None:
    if not head.startswith(b"SQLite format 3\0"):
        raise JournalUnreadable(
            f"{shown} is not a journal: it is not an SQLite file, or its beginning is damaged",
            "name another file with --store or HEADWAY_STORE; headway recover rebuilds a lost journal",
        )
    if len(head) < 100 or struct.unpack(">I", head[68:72])[0] != APPLICATION_ID:
        raise JournalUnreadable(
            f"{shown} is an SQLite database of another program", "name another file with --store or HEADWAY_STORE"
        )


def _generation(file: int) -> int:
    try:
        answer = fcntl.ioctl(file, GET_GENERATION, bytes(8))
    except OSError:
        return 0  # a file system without: the inode must do
    number: int = struct.unpack("=I", answer[:4])[0]
    return number


def check_folder(path: Path, shown: str) -> None:
    """Refuse a folder that is missing, or on a network file system."""
    folder = path.parent
    if not folder.is_dir():
        raise JournalUnreadable(
            f"the folder of {shown} does not exist: {folder}",
            "make it, or name another place with --store or HEADWAY_STORE",
        )
    kind = file_system(folder, mounts())
    if kind in NETWORK:
        raise JournalUnreadable(
            f"{shown} is on a network file system ({kind}), where SQLite loses data",
            "keep it on a local disk, or use PostgreSQL for a journal that machines share",
        )


def mounts() -> str:
    """What is mounted where, in the words of /proc/self/mounts; empty where there is no /proc."""
    try:
        return Path("/proc/self/mounts").read_text()
    except OSError:
        return ""


def file_system(folder: Path, mounted: str) -> str:
    """The kind of file system that `folder` (resolved) is on: the last and longest mount point that contains it."""
    best, kind = "", ""
    for line in mounted.splitlines():
        point, found = line.split()[1:3]
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)  # blanks are written \040
        if folder.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, found
    return kind


def remove(path: Path) -> None:
    """Remove an SQLite file that nobody uses, and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
