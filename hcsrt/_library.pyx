"""The HCS that this process talks to: computecore.dll or the emulator. No other module loads a DLL."""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport uint32_t

from hcsrt._api cimport HCSRT_LEVEL, hcsrt_backend
from hcsrt._core cimport core, hcsrt_fork_epoch, hcsrt_result_of

import os
import sys
from _thread import allocate_lock

from ._backends import makers as _makers
from .errors import NotSupportedError, error_from

cdef extern from "hcsrt.h":
    const char *HCSRT_BACKEND_CAPSULE

cdef dict locks = {}
cdef object chosen = None


cdef object lock():
    """Return the lock of this process: another thread of a parent may hold that of the parent at the fork."""
    return locks.setdefault(hcsrt_fork_epoch(&core), allocate_lock())


cdef const HcsApi *hcs_chosen() noexcept nogil:
    return core.chosen()


cdef const HcsApi *hcs_for(int abi, size_t size) except NULL:
    cdef const HcsApi *api
    if abi != HCSRT_ABI:
        raise ImportError(
            f"a module was compiled for ABI {abi} of hcsrt, with a table of {size} bytes, and this hcsrt has ABI "
            f"{HCSRT_ABI}, level {HCSRT_LEVEL}, with {sizeof(HcsApi)} bytes: compile that module again"
        )
    api = core.chosen()
    if api == NULL:
        choose(default_backend())
        api = core.chosen()
    return api


cdef default_backend():
    # On Windows no environment variable may turn a sandbox into the host: there the emulator is chosen in code only.
    if sys.platform == "win32":
        return "windows"
    name = os.environ.get("HCSRT_BACKEND", "emulator")
    if name not in ("windows", "emulator"):
        raise ValueError(f"HCSRT_BACKEND is {name!r}; set it to 'windows' or 'emulator', or unset it")
    return name


def register_backend(str name not None, maker):
    """Let a backend be chosen by its name alone.

    Args:
        name: The name.
        maker: Called without arguments where the name is chosen, and not before. It returns a capsule with the
            hcsrt_backend.

    Raises:
        TypeError: The maker cannot be called.
    """
    if not callable(maker):
        raise TypeError(f"maker must be callable, not {type(maker).__name__}")
    _makers[name] = maker


# An exact str: it is compared while the lock is held, where no __eq__ of a subclass may run.
def choose(str name not None, capsule=None):
    """Choose the backend of this process.

    Args:
        name: "windows", "emulator", or the name of any other backend.
        capsule: What holds the hcsrt_backend of any other. A backend that was compiled for an older level of the same
            ABI has a shorter table, and lacks the functions that are not in it.

    Raises:
        RuntimeError: The process uses another backend already.
        ValueError: There is no backend of that name, and none in a capsule; or it lacks what every call needs.
    """
    global chosen
    cdef hcsrt_backend dll
    cdef const hcsrt_backend *backend
    cdef const char *lacking
    cdef bint is_windows = capsule is None and name == "windows"
    if capsule is None and name != "windows" and name not in _makers:
        raise ValueError(f"name is {name!r}; give 'windows', 'emulator', or a capsule with another backend")
    if not is_windows and capsule is None and chosen is None:
        # Outside the lock: while Python runs, a signal handler may make the first call of HCS on this very thread.
        capsule = _makers[name]()
    with lock():
        if chosen is None:
            if not is_windows:
                # Not copied here: a backend of an older level has fewer tables.
                backend = <const hcsrt_backend *> PyCapsule_GetPointer(capsule, HCSRT_BACKEND_CAPSULE)
            else:
                dll = computecore()
                backend = &dll
            lacking = core.lacking(backend)
            if lacking != NULL and is_windows:
                raise missing(lacking)
            if lacking != NULL:
                raise ValueError(
                    f"the backend {name!r} lacks {lacking.decode('ascii')}, which no call works without: "
                    f"compile it again with the headers of this hcsrt, and fill in every entry that is required"
                )
            # The name first: a thread that sees the table may ask for it.
            chosen = name
            core.choose(backend)
        elif chosen != name:
            raise RuntimeError(f"this process uses the {chosen} backend already; choose {name!r} before the first call")


cdef missing(const char *function):
    cdef size_t place
    since = "another Windows"
    for place in range(core.row_count):
        if core.rows[place].name == <bytes> function:
            since = core.rows[place].since.decode("ascii")
    return NotSupportedError.missing(function.decode("ascii"), since)


cdef hcsrt_backend computecore() except *:
    cdef hcsrt_backend backend
    cdef uint32_t code = core.computecore_load(&backend)
    if code != 0:
        raise error_from(hcsrt_result_of(code), "LoadLibraryExW", {"ErrorMessage": "computecore.dll cannot be loaded"})
    return backend


def backend():
    """Return which HCS this process uses; the first call decides.

    Returns:
        "windows" for computecore.dll, or "emulator".

    Raises:
        NotSupportedError: The HCS that was asked for does not exist here.
        ValueError: The environment variable HCSRT_BACKEND names no backend.
    """
    hcs()
    return chosen


def impersonates():
    """Return whether the calling thread impersonates: it then acts as another user, which other threads would not."""
    return core.impersonates() != 0


def get_include():
    """Return the folder of hcsrt.h, for the include path of C, C++ and Cython code that uses the handle core.

    Returns:
        An absolute path.
    """
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "include")


# A package that was compiled for ABI 1 looks for a function of this name, and is told why it cannot be imported.
globals()["__pyx_capi__"]["hcs"] = PyCapsule_New(
    <void *> hcs_for, "that of ABI 2: this hcsrt is too new for the package, compile it again", NULL)
