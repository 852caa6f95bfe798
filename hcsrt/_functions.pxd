"""The one table of the functions of HCS."""

# Its rows are those of native/backends/functions.h.

from hcsrt._api cimport HcsApi
from hcsrt._core cimport hcsrt_function, hcsrt_row


cdef class Function:
    cdef const hcsrt_row *row
    cdef readonly str name

    # Its entry in a table. Raises NotSupportedError where the HCS in use lacks it.
    cdef hcsrt_function find(self, const HcsApi *api) except NULL

# Raises ValueError for a name that no function of HCS has.
cdef Function row_of(str name)

# The error of a function that the HCS in use lacks.
cdef missing(str name)

# Raises it if the entry is NULL: no look-up by name, for calls that are shorter than that.
cdef inline int need_entry(hcsrt_function entry, str name) except -1:
    if entry == NULL:
        raise missing(name)
    return 0

# Raises NotSupportedError for a function that the HCS in use lacks.
cdef int need(const HcsApi *api, str name) except -1

# The function itself, or its twin for the systems of a namespace if one is given.
cdef str twin_of(str function, namespace)
