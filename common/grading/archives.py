"""Opens the zips that students hand in, whatever packed them, and unpacks what the grader reads and nothing else."""

import contextlib
import errno
import mmap
import os
import shutil
import stat
import struct
import zipfile
from pathlib import PurePosixPath

from common.grading.names import decoded, shown
from common.grading.weights import Refused

MOST_BYTES, MOST_FILES = 2 << 30, 20_000  # that a zip may unpack to, and may hold
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)  # our own: no fault of the student
MOST_NAMES = 200  # of files that are not read, but named
UTF8 = 8  # in the second byte of a member's flags: its name is UTF-8


def unpack(path, folder, wanted, most_bytes=MOST_BYTES):
    """Unpack a zip into the new folder `folder`, and return the bytes that it took.

    wanted: a function, PurePosixPath -> whether that member is unpacked, left out (None), or (False) only put there by
    name, an empty file, so that what is not recognised can be named. Raises Refused, whatever is wrong with the zip.
    """
    folder.mkdir()
    try:
        if _directory(path)[1] > MOST_FILES * 200:  # zipfile reads the table of contents whole
            raise Refused("the zip has too many files: hand in outputs/ and your model.py alone")
        with _open(path, folder.with_name(f"{folder.name}.zip")) as archive:
            return _unpack(archive, folder, wanted, most_bytes)
    except Refused:
        raise
    except Exception as error:  # each compression has its own for damaged data
        if getattr(error, "errno", None) in DISK_IS_FULL:
            raise
        raise Refused(f"the zip cannot be unpacked ({shown(str(error))[:200] or type(error).__name__})") from None


def _unpack(archive, folder, wanted, most_bytes):
    infos = archive.infolist()
    if len(infos) > MOST_FILES:
        raise Refused(f"the zip holds {len(infos):,} files: that is not opened")
    places = [PurePosixPath(name.replace("\\", "/")) for name in _names(infos)]
    for info, place in zip(infos, places, strict=True):
        if place.is_absolute() or ".." in place.parts or ":" in str(place)[:2]:
            raise Refused(f"the zip wants to write outside of its folder, to {shown(str(place))[:100]!r}")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise Refused(f"the zip holds a link, {shown(str(place))[:100]!r}")
    members = [(info, place, wanted(place)) for info, place in zip(infos, places, strict=True) if not info.is_dir()]
    total = sum(info.file_size for info, _, read in members if read)
    if total > most_bytes:
        raise Refused(f"the zip unpacks to {total:,} bytes: that is not opened")
    for info, place, read in members:
        if read and info.file_size > (10 << 20) and info.file_size > 200 * info.compress_size:
            raise Refused(f"the zip holds a bomb, {shown(str(place))[:100]!r} of {info.file_size:,} bytes")
    for info, place, read in members:
        if read:
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)
    for place in [place for _, place, read in members if read is False][:MOST_NAMES]:
        with contextlib.suppress(OSError, RecursionError):  # it may lie deeper than any folder can
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).touch()
    return total


def _names(infos):
    """The names of the members. Those that are not marked as UTF-8 were written by one packer: in one encoding."""
    marked = UTF8 << 8
    raw = [b"" if info.flag_bits & marked else info.orig_filename.encode("cp437", "replace") for info in infos]
    others = decoded(b"\0".join(name.partition(b"\0")[0] for name in raw)).split("\0")
    return [info.filename if info.flag_bits & marked else other for info, other in zip(infos, others, strict=True)]


def _open(path, copy):
    """A ZipFile. Names that are marked as UTF-8 and are not stop zipfile: then a copy without the marks is read."""
    try:
        return zipfile.ZipFile(path)
    except UnicodeDecodeError:
        pass
    shutil.copyfile(path, copy)
    start, _, before = _directory(path)
    with copy.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        while content[start : start + 4] == b"PK\1\2":
            member = before + int.from_bytes(content[start + 42 : start + 46], "little")
            content[start + 9] &= ~UTF8
            content[member + 7] &= ~UTF8
            start += 46 + sum(struct.unpack_from("<3H", content, start + 28))  # its name, extra field and comment
    return zipfile.ZipFile(copy)


def _directory(path):
    """(where the table of contents of a zip begins, its bytes, bytes before the zip itself), from the end of the file.

    Zip, sections 4.3.14 to 4.3.16 of its APPNOTE: where there is a second end for large zips, zipfile goes by that.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(-min(size, (1 << 16) + 22 + 76), os.SEEK_END)
        tail = file.read()
    end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) < end + 22:
        raise zipfile.BadZipFile("it is not whole")
    length, offset = struct.unpack_from("<2I", tail, end + 12)
    if end >= 76 and tail[end - 20 : end - 16] == b"PK\6\7":
        end -= 76
        if tail[end : end + 4] != b"PK\6\6":
            raise zipfile.BadZipFile("its end for large zips is not where it ought to be")
        length, offset = struct.unpack_from("<2Q", tail, end + 40)
    start = size - len(tail) + end - length
    return start, length, start - offset
