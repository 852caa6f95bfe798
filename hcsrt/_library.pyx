"""Which HCS this process talks to: computecore.dll or the emulator. The one place that loads a DLL."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t

import os
import sys
from _thread import allocate_lock

from .errors import error_from

cdef extern from *:
    """
    #include <atomic>

    static std::atomic<const HcsApi *> hcsrt_chosen_api{nullptr};
    static inline const HcsApi *hcsrt_load_chosen(void) { return hcsrt_chosen_api.load(std::memory_order_acquire); }
    static inline void hcsrt_store_chosen(const HcsApi *api) { hcsrt_chosen_api.store(api, std::memory_order_release); }

    static const struct { const char *name; const char *since; bool (*is_in)(const HcsApi *); } hcsrt_functions[] = {
    #define HCSRT_NAME(result, name, parameters, since) \
        {#name, since, [](const HcsApi *api) { return api->name != nullptr; }},
        HCSRT_FUNCTIONS(HCSRT_NAME)
    #undef HCSRT_NAME
    };
    static const int hcsrt_function_count = sizeof hcsrt_functions / sizeof *hcsrt_functions;
    """
    const HcsApi *hcsrt_load_chosen() noexcept nogil
    void hcsrt_store_chosen(const HcsApi *api) noexcept nogil
    ctypedef struct Function "const struct { const char *name; const char *since; bool (*is_in)(const HcsApi *); }":
        const char *name
        const char *since
        bint (*is_in)(const HcsApi *) noexcept nogil
    Function hcsrt_functions[]
    const int hcsrt_function_count

cdef extern from "backends/computecore.h" nogil:
    uint32_t hcsrt_computecore_load(HcsApi *api)
    bint hcsrt_impersonates()

# computecore.dll's table; the emulator brings its own.
cdef HcsApi windows_table

cdef object lock
cdef object chosen = None


def _renew_lock():
    # In a forked child, whose parent may have been choosing on another thread.
    global lock
    lock = allocate_lock()


_renew_lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


cdef const HcsApi *hcs_chosen() noexcept nogil:
    return hcsrt_load_chosen()


cdef const HcsApi *hcs() except NULL:
    cdef const HcsApi *api = hcsrt_load_chosen()
    if api == NULL:
        choose(default_backend())
        api = hcsrt_load_chosen()
    return api


cdef default_backend():
    # On Windows no environment variable may turn a sandbox into the host: there the emulator is chosen in code only.
    if sys.platform == "win32":
        return "windows"
    name = os.environ.get("HCSRT_BACKEND", "emulator")
    if name not in ("windows", "emulator"):
        raise ValueError(f"HCSRT_BACKEND is {name!r}; set it to 'windows' or 'emulator', or unset it")
    return name


def choose(name, capsule=None):
    """Settle on a backend, "windows" or "emulator", or on any other whose HcsApi is in a capsule named hcsrt.HcsApi.

    RuntimeError if the process uses another one already.
    """
    global chosen
    cdef const HcsApi *api
    with lock:
        if chosen is None:
            if capsule is not None:
                api = api_in(capsule)
            else:
                api = emulator_api() if name == "emulator" else computecore_api()
            # The name first: whoever sees the table may ask for it.
            chosen = name
            hcsrt_store_chosen(api)
        elif chosen != name:
            raise RuntimeError(f"this process uses the {chosen} backend already; choose {name!r} before the first call")


cdef const HcsApi *emulator_api() except NULL:
    from .emulator import api_capsule

    return api_in(api_capsule())


cdef const HcsApi *api_in(capsule) except NULL:
    cdef const HcsApi *api = <const HcsApi *> PyCapsule_GetPointer(capsule, "hcsrt.HcsApi")
    if api.size < sizeof(HcsApi):
        raise ImportError("the HCS was compiled for an older hcsrt; compile it again")
    return api


cdef const HcsApi *computecore_api() except NULL:
    cdef uint32_t code = hcsrt_computecore_load(&windows_table)
    if code != 0:
        raise error_from(0x80070000 | code, "LoadLibraryExW", {"ErrorMessage": "computecore.dll cannot be loaded"})
    return &windows_table


def backend():
    """Return which HCS this process uses, "windows" (computecore.dll) or "emulator"; the first call decides.

    Raises NotSupportedError where the HCS that was asked for does not exist, ValueError for a wrong HCSRT_BACKEND.
    """
    hcs()
    return chosen


def since(str function not None):
    """The Windows version that first has an HCS function."""
    cdef int i
    cdef bytes name = function.encode("ascii")
    for i in range(hcsrt_function_count):
        if hcsrt_functions[i].name == name:
            return hcsrt_functions[i].since.decode("ascii")
    raise KeyError(function)


def missing_functions():
    """The HCS functions that the HCS of this process lacks, each with the Windows version that first has it."""
    cdef const HcsApi *api = hcs()
    cdef int i
    return {
        hcsrt_functions[i].name.decode("ascii"): hcsrt_functions[i].since.decode("ascii")
        for i in range(hcsrt_function_count)
        if not hcsrt_functions[i].is_in(api)
    }


def impersonates():
    """Whether the calling thread acts as somebody else than its process does, which other threads would not."""
    return hcsrt_impersonates()


def get_include():
    """Return the folder of hcsrt.h, for the include path of C, C++ and Cython code that uses the handle core."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "include")
