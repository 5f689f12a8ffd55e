"""Shuts a process in before it touches what others wrote. Linux only; needs no root, and does not trust it either.

Where the kernel lets us (root, or user namespaces), the process goes on
- in a network namespace of its own, in which nothing is up;
- in a process namespace: it sees no other process, and all of its own end with the one that watches over them;
- below a root folder of its own, read-only, that holds Python, the code of the course and its own files and nothing
  else: no labels, no other submission, no home of the grader; a small /home in memory, gone with it, can be written;
- without any privilege: as a user of its own if the grader is root, else as the same user in a user namespace;
- without the system calls that open sockets, or hold memory that nobody could count (seccomp.py).
Everywhere it is limited in memory, processor time, files and, where it is not root, processes.

Elsewhere (macOS, containers that forbid namespaces) only the limits hold, and on macOS none of memory: the grader then
runs no student's code.
"""

import contextlib
import ctypes
import os
import resource
import signal
import site
import sys
import sysconfig
from pathlib import Path

from common.grading import seccomp

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 1 << 17, 1 << 27, 1 << 28, 1 << 29, 1 << 30
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 1 << 12, 1 << 14, 1 << 18
MNT_DETACH, AT_FDCWD, AT_RECURSIVE = 2, -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 1, 2
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
SYS_PIVOT_ROOT, SYS_MOUNT_SETATTR = {"aarch64": 41}.get(os.uname().machine, 155), 442
CAPABILITY_VERSION_3 = 0x20080522

HOME = "/home/submission"
SYSTEM = (  # no /dev/zero: to map it is to share memory without a file
    *("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/sys/devices/system/cpu"),
    *("/dev/null", "/dev/full", "/dev/random", "/dev/urandom"),
)
COUNTED = (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:", b"Private_Hugetlb:", b"Shared_Hugetlb:")  # of smaps_rollup


def python_folders():
    """Where this Python and its packages lie, by the names that Python knows and without links; not the course."""
    course = Path(__file__).resolve().parents[2]
    names = (sys.prefix, sys.base_prefix, site.getusersitepackages(), *sysconfig.get_paths().values())
    folders = {place for name in names for place in (Path(name).absolute(), Path(name).resolve())}
    folders -= {course, Path("/")}
    return sorted(str(folder) for folder in folders if os.access(folder, os.R_OK) and folder.is_dir())


def isolate(visible, hidden, root):
    """Go on in another process that is shut in, while this one waits for it.

    visible: files and folders that it sees, read-only, under their own names. hidden: folders that it sees empty, but
    for what is visible inside of them. root: an empty folder, on which the new root is mounted in the process's own
    view alone. Must be called with a single thread. Returns None in the process that is shut in, and in the one that
    waits, later, how that process ended. Raises OSError where the system does not allow it.
    """
    user, group, own = os.getuid(), os.getgid(), 1_000_000 + os.getpid()
    as_root = user == 0
    namespaces = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    _call("unshare", namespaces if as_root else namespaces | CLONE_NEWUSER)
    if not as_root:
        for name, content in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", name).write_text(content)
    problems, to_waiting = os.pipe()
    if keeper := os.fork():
        os.close(to_waiting)
        if problem := os.fsdecode(os.read(problems, 1000)):
            os.waitpid(keeper, 0)
            number, _, name = problem.partition(" ")
            raise OSError(int(number), os.strerror(int(number)), name)
        return ending(os.waitpid(keeper, 0)[1])
    # The first process of the namespace: the kernel ends all others when it ends, and it cannot be killed from inside,
    # nor looked into: it keeps its privileges there. It stays readable for the grader, as those that it starts do.
    os.close(problems)
    try:
        end_with_parent()
        _own_root(visible, hidden, root)
    except OSError as error:
        os.write(to_waiting, os.fsencode(f"{error.errno} {error.filename or ''}"))
        os._exit(1)
    os.close(to_waiting)
    if worker := os.fork():
        while True:
            pid, status = os.wait()  # orphans come here too
            if pid == worker:
                os._exit(os.waitstatus_to_exitcode(status) % 256)
    os.setsid()
    if as_root:  # a user number that owns nothing and has no other process, so that the limit on processes is its own
        os.setgroups([])
        os.setresgid(own, own, own)
        os.setresuid(own, own, own)
    _call("capset", (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)())
    return None


def end_with_parent():
    """Let this process be killed when the one that started it ends, however that happens."""
    if sys.platform == "linux":
        _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)


def ending(status):
    """How a process ended, for people, from its wait status."""
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(ValueError):  # the first process passes the end by signal n on as status 256 - n
        return f"was ended by {signal.Signals(-code if code < 0 else 256 - code).name}"
    return f"ended by itself with status {code}"


def restrict(limits, isolated):
    """Limit this process and those that it starts; it cannot lift that again. limits: of rules.toml."""
    cores = os.cpu_count() or 1
    memory = (limits["memory_mb"] + 128 * cores) << 20  # threads reserve more than they use
    values = {
        resource.RLIMIT_FSIZE: limits["file_mb"] << 20,
        resource.RLIMIT_CPU: limits["seconds"] * cores,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":
        _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        values[resource.RLIMIT_AS] = in_use + memory
    if isolated:  # elsewhere all processes of the user would count
        values[resource.RLIMIT_NPROC] = limits["processes"] + 16 * cores  # threads count too
    for limit, value in values.items():
        resource.setrlimit(limit, (value, value))
    if isolated:
        seccomp.install()


def usage(pid):
    """(processes, MB of memory) of the process `pid` and all that descend from it; zeros where there is no /proc.

    Raises PermissionError where the memory of one of them cannot be read.
    """
    if not Path("/proc/self/status").exists():
        return 0, 0
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):  # ended, or another's
                stat = (folder / "stat").read_bytes()  # with the name of the program: any bytes
                parents[int(folder.name)] = int(stat.rpartition(b")")[2].split()[1])
    family, generation = set(), {pid}
    while generation:
        family |= generation
        generation = {child for child, parent in parents.items() if parent in generation} - family
    return len(family), sum(map(_memory, family))


def _memory(pid):
    """MB that belong to a process, its share of what it has in common with others (as forks have much)."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        lines = Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(COUNTED)) / 1024
    return 0


def _own_root(visible, hidden, root):
    _mount(None, "/", None, MS_REC | MS_PRIVATE)  # what follows is seen here alone
    _mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    # from the outside in, so that what is hidden lies in what is seen, and what is seen in what is hidden
    for path in sorted({*SYSTEM, *visible, *hidden}, key=lambda path: len(Path(path).parts)):
        if path in hidden:
            if Path(root + path).is_dir():
                _mount("tmpfs", root + path, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,mode=755")
        else:
            _show(path, root)
    for folder in ("/proc", HOME):
        Path(root + folder).mkdir(parents=True, exist_ok=True)
    read_only = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
    _call("syscall", SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(root), AT_RECURSIVE, read_only, 32)
    _mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _mount("tmpfs", root + HOME, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,nr_inodes=1000,mode=777")
    os.chdir(root)
    _call("syscall", SYS_PIVOT_ROOT, b".", b".")
    _call("umount2", b".", MNT_DETACH)
    os.chdir(HOME)


def _show(path, root):
    """Let `path` be seen below `root`, the links on the way to it too."""
    source, target = Path(path), Path(root + path)
    if source.is_symlink() and not target.is_symlink() and not target.exists():  # /bin -> usr/bin
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.readlink())
    elif source.exists() and not target.is_symlink() and not (target.exists() and target.samefile(source)):
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        _mount(path, str(target), None, MS_BIND | MS_REC)


def _mount(source, target, kind, flags, options=None):
    encoded = [text and os.fsencode(text) for text in (source, target, kind)]
    _call("mount", *encoded, ctypes.c_ulong(flags), options and options.encode())


def _call(function, *arguments):
    """Call a function of the C library, or raise OSError with its name."""
    if getattr(_library(), function)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), function)


def _library():
    return ctypes.CDLL(None, use_errno=True)
