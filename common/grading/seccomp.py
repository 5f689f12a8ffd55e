"""System calls that the kernel refuses to a model and to all that it starts: a filter that no process can take off.

Refused are sockets of every family, and what would hold memory that is in no process' memory map, where nobody could
count it: memfd, segments and queues of System V, memory shared without a file, pages lent to a pipe, queues of watched
files, and file systems mounted in a user namespace of one's own. io_uring would do such calls unseen.
"""

import ctypes
import errno
import os
import struct

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column below, AUDIT_ARCH_...
X32 = 0x40000000  # from this number on: the calls of another ABI

REFUSED = {  # numbers on x86_64 and aarch64
    "socket": (41, 198),
    "socketpair": (53, 199),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "vmsplice": (278, 75),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "io_uring_setup": (425, 425),
}
UNKNOWN = {"clone3": (435, 435)}  # a filter cannot see its flags; the C library then takes clone
CLONE_NEWUSER, MAP_SHARED_ANONYMOUS, PR_SET_DUMPABLE = 1 << 28, 0x21, 4
REFUSED_IF = {  # numbers; which argument; refused where argument & mask == value
    "clone": (56, 220, 0, CLONE_NEWUSER, CLONE_NEWUSER),
    "unshare": (272, 97, 0, CLONE_NEWUSER, CLONE_NEWUSER),
    "mmap": (9, 222, 3, MAP_SHARED_ANONYMOUS, MAP_SHARED_ANONYMOUS),
    "prctl": (157, 167, 0, 0xFFFFFFFF, PR_SET_DUMPABLE),  # it would hide its memory from a grader who is not root
}

LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06  # instructions of classic BPF, on 32 bits
ALLOW, REFUSE, SAY_UNKNOWN = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # where they stand in struct seccomp_data
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2


def program(machine):
    """The filter for a machine ("x86_64", "aarch64"), as the bytes of its instructions. Raises KeyError for others."""
    column, architecture = ARCHITECTURES[machine]
    # an instruction: what it does, how many to skip if true, how many if not, its number
    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, REFUSE),
    ]
    for calls, answer in ((REFUSED, REFUSE), (UNKNOWN, SAY_UNKNOWN)):
        for numbers in calls.values():
            if numbers[column] is not None:
                steps += [(EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, answer)]
    for *numbers, argument, mask, value in REFUSED_IF.values():
        steps += [
            (EQUAL, 0, 5, numbers[column]),
            (LOAD, 0, 0, ARGUMENTS + 8 * argument),  # its lower half: both machines are little-endian
            (AND, 0, 0, mask),
            (EQUAL, 0, 1, value),
            (RETURN, 0, 0, REFUSE),
            (RETURN, 0, 0, ALLOW),
        ]
    steps.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def install():
    """Let the kernel filter this thread, and all that it starts from now on. Needs no_new_privs.

    Raises OSError where the kernel has no filters, or the numbers of this machine's system calls are not known here.
    """
    machine = os.uname().machine
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"the system calls of {machine} are not known", "seccomp")
    steps = ctypes.create_string_buffer(program(machine))
    count = (len(steps) - 1) // 8
    filter_program = struct.pack("HP", count, ctypes.addressof(steps))  # struct sock_fprog
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_program, 0, 0) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "seccomp")
