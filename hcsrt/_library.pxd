"""The HCS that this process talks to, chosen at first use."""

from hcsrt._api cimport HCSRT_ABI, HcsApi, hcsrt_has
from hcsrt._types cimport (
    hcsrt_char,
    hcsrt_context,
    hcsrt_create_options,
    hcsrt_event,
    hcsrt_event_callback,
    hcsrt_handle,
    hcsrt_operation,
    hcsrt_operation_completion,
    hcsrt_process,
    hcsrt_process_information,
    hcsrt_result,
    hcsrt_system,
)

# The table for a module that was compiled with these two numbers. Raises ImportError if that module would not fit.
cdef const HcsApi *hcs_for(int abi, size_t size) except NULL

# The table; the first call chooses the HCS. Raises what hcsrt.backend() raises. An entry that was appended after the
# first release of this ABI is there if hcsrt_has(api, &api.Function) says so.
cdef inline const HcsApi *hcs() except NULL:
    return hcs_for(HCSRT_ABI, sizeof(HcsApi))

# The table without the GIL: NULL before the first hcs() of the process, never NULL while a handle exists.
cdef const HcsApi *hcs_chosen() noexcept nogil
