"""Let chosen calls of HCS fail, wait, complete late or never, miss their callback or their function: for tests.

Each block puts a table around the table of this process into use and takes it out again at its end. Handles, operations
and calls under way do not notice. Blocks may be nested and be those of several threads.
"""

from libc.stdint cimport int32_t, uint32_t

from hcsrt._api cimport HcsApi, hcsrt_backend
from hcsrt._core cimport core, hcsrt_fork_epoch, hcsrt_rule
from hcsrt._library cimport hcs

import contextlib
from _thread import allocate_lock

from ._arguments import seconds as checked_seconds

cdef const HcsApi *inner = NULL
cdef int blocks = 0
cdef dict locks = {}


cdef object lock():
    """Return the lock of this process: another thread of a parent may hold that of the parent at the fork."""
    return locks.setdefault(hcsrt_fork_epoch(&core), allocate_lock())


cdef int number_of(str function) except -1:
    cdef int number = core.interposed(function.encode("ascii"))
    if number < 0:
        raise ValueError(f"no function of HCS is named {function!r}")
    return number


cdef int use(const HcsApi *table) except -1:
    if table == NULL:
        raise MemoryError
    core.replace_chosen(table)
    return 0


cdef int begin() except -1:
    """Put the table into use, unless it is in use already."""
    global blocks, inner
    with lock():
        if blocks == 0:
            inner = hcs()
            use(core.interpose(inner))
        blocks += 1
    return 0


cdef int end() except -1:
    global blocks
    with lock():
        blocks -= 1
        if blocks == 0:
            core.replace_chosen(inner)
    return 0


cdef class Rule:
    """A rule for some calls of a function within a block."""

    cdef readonly str function
    cdef hcsrt_rule rule
    cdef int number
    cdef uint32_t last_met

    def __cinit__(self, str function not None, uint32_t first, uint32_t calls):
        number_of(function)
        self.function = function
        self.rule.first = first
        self.rule.calls = calls
        self.number = -1

    def __enter__(self):
        if self.number >= 0:
            raise RuntimeError(f"the rule for {self.function} is in use already; make another one for a block inside")
        begin()
        self.number = core.rule_add(number_of(self.function), &self.rule)
        if self.number < 0:
            end()
            raise ValueError(f"the rule cannot be one for {self.function}, or there are too many rules")
        return self

    def __exit__(self, *exception):
        if self.number < 0:
            raise RuntimeError(f"the rule for {self.function} is not in use; enter its block first")
        cdef int number = self.number
        self.last_met = self.met
        with nogil:  # callbacks may want it
            core.rule_remove(number)
        self.number = -1
        end()

    @property
    def met(self):
        """The number of calls that the rule was for so far."""
        return self.last_met if self.number < 0 else core.rule_met(self.number)

    @property
    def waiting(self):
        """The number of calls that wait now."""
        return 0 if self.number < 0 else core.rule_waiting(self.number)


def failing(function, hresult, first=1, calls=0):
    """Return a block in which calls of a function return an HRESULT at once and never get to HCS.

    Args:
        function: The name of an HCS function that returns an HRESULT, or of one that creates something.
        hresult: What they return, 0 too; a function that creates something returns none.
        first: The first of these calls, from 1.
        calls: How many there are; 0 for all that follow.

    Raises:
        ValueError: At the beginning of the block, if calls of the function cannot fail.
    """
    cdef Rule rule = Rule(function, first, calls)
    rule.rule.fails = True
    rule.rule.result = <int32_t> <uint32_t> (hresult & 0xFFFFFFFF)
    return rule


def waiting(function, seconds=None, first=1, calls=0):
    """Return a block in which calls of a function wait, for some seconds or until its end, before HCS gets them.

    The other arguments are those of failing().
    """
    cdef Rule rule = Rule(function, first, calls)
    limit = checked_seconds(seconds, "seconds")
    rule.rule.waits = True
    rule.rule.milliseconds = 0 if limit is None else max(1, round(limit * 1000))
    return rule


def deaf(function, first=1, calls=0):
    """Return a block in which the callback that calls of a function register is never called, not even after the block.

    The arguments are those of failing().
    """
    cdef Rule rule = Rule(function, first, calls)
    rule.rule.deaf = True
    return rule


def silent(function, first=1, calls=0):
    """Return a block in which HCS seems to take calls of a function, hears nothing of them, and does not complete them.

    At its end they do complete: HCS then says that their operations have not been started. It is not for functions that
    create something. The arguments are those of failing().
    """
    cdef Rule rule = Rule(function, first, calls)
    rule.rule.fails = rule.rule.withholds = True
    return rule


def late(function, first=1, calls=0):
    """Return a block in which calls of a function, which HCS gets, do not complete before its end.

    The arguments are those of failing().
    """
    cdef Rule rule = Rule(function, first, calls)
    rule.rule.withholds = True
    return rule


cdef int hide(int number, str function) except -1:
    cdef hcsrt_backend backend
    with lock():
        backend.size = sizeof(backend)
        backend.hcs = core.interpose_without(number, True)
        if backend.hcs != NULL and core.lacking(&backend) != NULL:
            core.interpose_without(number, False)
            raise ValueError(f"{function} cannot be missing: no call works without it")
        use(backend.hcs)
    return 0


@contextlib.contextmanager
def missing(str function not None):
    """Let HCS lack a function within the block.

    Raises:
        ValueError: No call works without it.
    """
    cdef int number = number_of(function)
    begin()
    try:
        hide(number, function)
        try:
            yield
        finally:
            with lock():
                use(core.interpose_without(number, False))
    finally:
        end()


cdef class Counts:
    """The number of calls of each function since the beginning of a block."""

    cdef dict before
    cdef bint counts

    def __enter__(self):
        if self.counts:
            raise RuntimeError("these counts are in use already; make others for a block inside")
        begin()
        self.counts = True
        self.before = {name: core.interposed_calls(number_of(name)) for name in functions()}
        return self

    def __exit__(self, *exception):
        if not self.counts:
            raise RuntimeError("these counts are not in use; enter their block first")
        self.counts = False
        end()

    cdef dict begun(self):
        if self.before is None:
            raise RuntimeError("these counts have not begun; enter their block first")
        return self.before

    def __getitem__(self, str function not None):
        return core.interposed_calls(number_of(function)) - self.begun()[function]

    def called(self):
        """Return the names of the functions that were called."""
        return {name for name in self.begun() if self[name]}


def counting():
    """Return a block that counts the calls of each function, those of native threads too."""
    return Counts()


def functions():
    """Return the names of all functions, and of the ways to release."""
    cdef int number = 0
    cdef list names = []
    while core.interposed_name(number) != NULL:
        names.append(core.interposed_name(number).decode("ascii"))
        number += 1
    return names


class Traits:
    """What the calls of a function have that a fault may be about."""

    def __init__(self, name):
        plain = name.startswith("HcsClose") or name in (
            "HcsGetOperationId", "HcsGetOperationType", "HcsGetOperationContext",
            "HcsGetComputeSystemFromOperation", "HcsGetProcessFromOperation")
        self.can_fail = not plain
        self.is_tracked = False
        cdef size_t place
        for place in range(core.row_count):
            if core.rows[place].name == <bytes> name.encode("ascii"):
                self.is_tracked = core.rows[place].shape == 1 or core.rows[place].shape == 2
        self.is_tracked = self.is_tracked or name in (
            "HcsEnumerateComputeSystems", "HcsGetProcessInfo", "HcsCreateComputeSystem", "HcsCreateProcess",
            "HcsEnumerateComputeSystemsInNamespace", "HcsCreateComputeSystemInNamespace")
        self.has_document = self.is_tracked or name in (
            "HcsGetServiceProperties", "HcsModifyServiceSettings", "HcsGetProcessorCompatibilityFromSavedState")
        self.has_system = True
        self.numbers = ["timeout", "pid", "options", "access"]


def traits(str function not None):
    """Return the traits of a function; None if HCS has none of that name."""
    return Traits(function) if function in functions() else None


class Block:
    """Keeps the table in use."""

    def begin(self):
        begin()

    def end(self):
        end()


class Active:
    """A rule in force."""

    def __init__(self, rule, hidden=None):
        self._rule = rule
        self._hidden = hidden
        (rule or hidden).__enter__()
        self.here = True

    @property
    def waiting(self):
        return self._rule.waiting if self._rule else 0

    def release(self):
        pass

    def remove(self):
        self.here = False
        (self._rule or self._hidden).__exit__(None, None, None)

    def firings(self, skip):
        return []


def activate(kind, place, action, seed, *, nth=None, times=None, result=0, document=None, seconds=None, jitter=0, **more):
    """Put a rule into force. For now the simple ones."""
    first, calls = (nth, 1) if nth else (1, times or 0)
    if more or document is not None:
        raise NotImplementedError("this selector or action of a fault comes soon")
    if (kind, action) == ("call", "fail"):
        return Active(failing(place, result, first, calls))
    if (kind, action) in (("call", "delay"), ("call", "hang")):
        return Active(waiting(place, seconds, first, calls))
    if (kind, action) == ("completion", "hang"):
        return Active(late(place, first, calls))
    if (kind, action) == ("call", "missing"):
        return Active(None, missing(place))
    raise NotImplementedError("this selector or action of a fault comes soon")
