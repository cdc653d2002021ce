"""What root can do to free a session of its policy. Each function raises the error that the kernel gives."""

import grp
import lzma
import pwd
import struct
import time

libc.syscall.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
SEIZE = 0x4206


def number(*arguments):
    """A system call by its number."""
    result = libc.syscall(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def in_child(work):
    """Does it in a process of its own, which ends then."""
    child = os.fork()
    if child == 0:
        error = 0
        try:
            work()
        except OSError as failed:
            error = failed.errno
        finally:
            os._exit(error)
    error = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if error != 0:
        raise OSError(abs(error), "")


def process(name):
    """The oldest process of this name."""
    return int(subprocess.check_output(["pgrep", "-o", "-x", name]))


def bpf():
    """BPF_MAP_CREATE of an array."""
    number(321, 0, struct.pack("=IIII", 2, 4, 4, 1) + bytes(56), 72)


def keep_capabilities():
    """Becomes nobody, and keeps what root can do."""
    PR_SET_KEEPCAPS, VERSION = 8, 0x20080522
    call(libc.prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setresuid(65534, 65534, 65534)
    header = ctypes.create_string_buffer(struct.pack("=II", VERSION, 0), 8)
    sets = ctypes.create_string_buffer(24)
    call(libc.capget, header, sets)
    low, high = struct.unpack("=6I", sets.raw)[1::3]
    call(libc.capset, header, struct.pack("=6I", low, low, 0, high, high, 0))


def bpf_without_uid():
    in_child(lambda: (keep_capabilities(), bpf()))


def module():
    """A module that belongs to the kernel, and whether it is compressed."""
    path = subprocess.check_output(["modinfo", "-n", "dummy"], text=True).strip()
    return path, not path.endswith(".ko")


def module_from_file():
    path, is_compressed = module()
    number(313, os.open(path, os.O_RDONLY), b"", 4 if is_compressed else 0)


def module_from_memory():
    # One without a signature would be a matter of lockdown as well.
    path, is_compressed = module()
    with (lzma.open if is_compressed else open)(path, "rb") as file:
        content = file.read()
    number(175, content, len(content), b"")


def other_kernel():
    number(246, 0, 0, None, 0)


def mount(source, target, kind, flags=0):
    call(libc.mount, source, target, kind, flags, None)


def mount_nowhere():
    """A file system that can be used by a descriptor."""
    FSCONFIG_CMD_CREATE = 6
    number(431, number(430, b"tmpfs", 0), FSCONFIG_CMD_CREATE, None, None, 0)


def move_mount():
    """A copy of one directory, over another one."""
    AT_FDCWD, OPEN_TREE_CLONE, F_EMPTY_PATH = -100, 1, 4
    tree = number(428, AT_FDCWD, b"/srv/e2e/from", OPEN_TREE_CLONE)
    number(429, tree, b"", AT_FDCWD, b"/srv/e2e/to", F_EMPTY_PATH)


def trace(pid):
    in_child(lambda: call(libc.ptrace, SEIZE, pid, None, None))


def memory(which, pid):
    """process_vm_readv or process_vm_writev, where nothing is mapped."""
    ours = ctypes.create_string_buffer(1)
    local = struct.pack("=QQ", ctypes.addressof(ours), 1)
    try:
        number(which, pid, local, 1, struct.pack("=QQ", 4096, 1), 1, ctypes.c_long(0))
    except OSError as error:
        # The kernel makes EPERM of the EACCES that it was refused with (mm/process_vm_access.c).
        raise OSError(13 if error.errno == 1 else error.errno, "refused")


def with_own(work):
    """Does something with a child of one's own."""
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        work(child)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def signal(pid, which):
    """By a descriptor of the process."""
    number(424, number(434, pid, 0), which, None, 0)


def ask(path):
    socket.socket(socket.AF_UNIX).connect(path)


def leave_cgroup():
    def leave():
        procs = os.open("/sys/fs/cgroup/cgroup.procs", os.O_WRONLY)
        os.write(procs, b"%d" % os.getpid())

    in_child(leave)


def clone_into_cgroup():
    CLONE_INTO_CGROUP, SIGCHLD = 0x200000000, 17
    cgroup = os.open("/sys/fs/cgroup", os.O_RDONLY | os.O_DIRECTORY)
    arguments = struct.pack("=11Q", CLONE_INTO_CGROUP, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, cgroup)
    child = libc.syscall(435, arguments, len(arguments))
    if child == 0:
        os._exit(0)
    if child < 0:
        raise OSError(ctypes.get_errno(), "")
    os.waitpid(child, 0)


def create(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def write(path):
    os.close(os.open(path, os.O_WRONLY))


def move_without_rights(path, to):
    """Moves a file of root's, as dave in the group of crontab."""
    create(path)

    def move():
        os.setgroups([])
        os.setgid(grp.getgrnam("crontab").gr_gid)
        os.setresuid(*[pwd.getpwnam("dave").pw_uid] * 3)
        os.rename(path, to)

    in_child(move)


def before():
    pass
