"""The one table of the functions of HCS, by name."""

cimport cython

from hcsrt._core cimport core, hcsrt_function
from hcsrt._immortal cimport hcsrt_make_immortal
from hcsrt._library cimport hcs

from sys import intern

from .errors import NotSupportedError


@cython.final
cdef class Function:
    """A row of the table."""

    cdef hcsrt_function find(self, const HcsApi *api) except NULL:
        cdef hcsrt_function entry = (<hcsrt_function *> (<const char *> api + self.row.offset))[0]
        if entry == NULL:
            raise missing(self.name)
        return entry


cdef dict table = {}


def _fill():
    cdef size_t place
    cdef Function function
    for place in range(core.row_count):
        function = Function.__new__(Function)
        function.row = &core.rows[place]
        function.name = intern(function.row.name.decode("ascii"))
        # Each call looks its row up.
        hcsrt_make_immortal(function)
        table[function.name] = function


_fill()


cdef Function row_of(str name):
    function = table.get(name)
    if function is None:
        raise ValueError(f"{name!r} is no function of HCS")
    return <Function> function


cdef missing(str name):
    return NotSupportedError.missing(name, since(name))


cdef int need(const HcsApi *api, str name) except -1:
    row_of(name).find(api)
    return 0


# The functions that HCS has a second time for the systems of a namespace.
cdef dict twins = {
    "HcsCreateComputeSystem": "HcsCreateComputeSystemInNamespace",
    "HcsEnumerateComputeSystems": "HcsEnumerateComputeSystemsInNamespace",
    "HcsOpenComputeSystem": "HcsOpenComputeSystemInNamespace",
}


cdef str twin_of(str function, namespace):
    return function if namespace is None else <str> twins[function]


def in_namespace(str function not None, namespace):
    """Return the function of HCS that does this, in a namespace if there is one."""
    return twin_of(function, namespace)


def since(str function not None):
    """Return the Windows version that first has a function of HCS."""
    return row_of(function).row.since.decode("ascii")


def missing_functions():
    """Return the functions that the HCS of this process lacks, each with the Windows version that first has it."""
    cdef const HcsApi *api = hcs()
    cdef Function function
    cdef dict missing = {}
    for function in table.values():
        if (<hcsrt_function *> (<const char *> api + function.row.offset))[0] == NULL:
            missing[function.name] = function.row.since.decode("ascii")
    return missing
