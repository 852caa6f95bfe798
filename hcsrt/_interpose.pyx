"""Let chosen calls of HCS fail, wait, complete late or never, or miss their function: for tests.

Each block puts a table around the table of this process into use and takes it out again at its end. Handles, operations
and calls under way do not notice. Blocks may be nested and be those of several threads.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.unicode cimport PyUnicode_DecodeUTF16
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from hcsrt._api cimport HcsApi, hcsrt_backend
from hcsrt._core cimport (
    HCSRT_ACTION_DELAY,
    HCSRT_ACTION_FAIL,
    HCSRT_ACTION_HANG,
    HCSRT_ACTION_SILENCE,
    HCSRT_CAN_ANSWER,
    HCSRT_CAN_FAIL,
    HCSRT_FIELD_ARGUMENT,
    HCSRT_FOR_EVER,
    HCSRT_HAS_DOCUMENT,
    HCSRT_HAS_SUBJECT,
    HCSRT_IS_TRACKED,
    HCSRT_MOST_TYPES,
    HCSRT_RULE_CROWDED,
    HCSRT_RULE_NO_MEMORY,
    HCSRT_RULE_UNABLE,
    HCSRT_SITE_COMPLETION,
    core,
    hcsrt_condition,
    hcsrt_fault_hook,
    hcsrt_firing,
    hcsrt_fork_epoch,
    hcsrt_is_here,
    hcsrt_rule,
)
from hcsrt._library cimport hcs
from hcsrt._types cimport hcsrt_char

import contextlib
from _thread import allocate_lock

from ._arguments import seconds as checked_seconds

cdef const HcsApi *inner = NULL
cdef int blocks = 0
# The process that these, and the firings below, are of.
cdef uint32_t epoch = 0
cdef dict locks = {}


cdef object lock():
    """Return the lock of this process: another thread of a parent may hold that of the parent at the fork."""
    return locks.setdefault(hcsrt_fork_epoch(&core), allocate_lock())


cdef bint is_here() noexcept:
    """Return whether there has been a block in this process, and not only in its parent."""
    return hcsrt_is_here(&core, epoch)


cdef int renew() except -1:
    """Begin anew, with the lock, in a forked child."""
    global blocks, epoch, next_firing
    if not is_here():
        blocks = 0
        next_firing = 0
        firings.clear()
        epoch = hcsrt_fork_epoch(&core)
    return 0


cdef int number_of(str function) except -1:
    cdef int number = core.interposed(function.encode("utf-8", "replace"))
    if number < 0:
        raise ValueError(f"no function of HCS is named {function!r}")
    return number


cdef int use(const HcsApi *table) except -1:
    if table == NULL:
        raise MemoryError
    core.replace_chosen(table)
    return 0


cdef uint32_t begin() except 0:
    """Put the table into use, unless it is in use already, and return the epoch, for end()."""
    global blocks, inner
    with lock():
        renew()
        if blocks == 0:
            inner = hcs()
            use(core.interpose(inner))
        blocks += 1
        return epoch


cdef int end(uint32_t begun) except -1:
    """Take the table out of use with the last block; nothing happens for a block of a parent."""
    global blocks
    if not hcsrt_is_here(&core, begun):
        return 0
    with lock():
        blocks -= 1
        if blocks == 0:
            with nogil:
                core.interpose_end()
            core.replace_chosen(inner)
    return 0


cdef uint32_t milliseconds_of(double seconds) except? 0:
    """Return whole milliseconds, and none only for none: a million seconds at most."""
    if not seconds >= 0:
        raise ValueError(f"a fault takes zero or more seconds, not {seconds!r}")
    return 0 if seconds == 0 else <uint32_t> max(1, round(min(seconds, 1e6) * 1000))


cdef class Rule:
    """A rule for some calls of a function within a block."""

    cdef readonly str function
    cdef hcsrt_rule rule
    cdef int64_t number
    cdef uint32_t epoch
    cdef uint32_t last_met

    def __cinit__(self, str function not None, uint32_t first, uint32_t calls):
        self.rule.function = number_of(function)
        self.function = function
        self.rule.first = first
        self.rule.calls = calls

    def __enter__(self):
        if self.here() > 0:
            raise RuntimeError(f"the rule for {self.function} is in use already; make another one for a block inside")
        self.epoch = begin()
        self.number = core.rule_add(&self.rule)
        if self.number < 0:
            self.number = 0
            end(self.epoch)
            raise ValueError(f"the rule cannot be one for {self.function}, or there are too many rules")
        return self

    def __exit__(self, *exception):
        if self.number <= 0:
            raise RuntimeError(f"the rule for {self.function} is not in use; enter its block first")
        cdef int64_t number = self.here()
        cdef uint32_t met
        with nogil:  # callbacks may want it
            met = core.rule_remove(number)
        self.last_met = met
        self.number = 0
        end(self.epoch)

    @property
    def met(self):
        """The number of calls that the rule was for so far."""
        return self.last_met if self.number <= 0 else core.rule_met(self.here())

    @property
    def waiting(self):
        """The number of calls that wait now."""
        return core.rule_waiting(self.here())

    cdef int64_t here(self):
        """Return the number of the rule, 0 in a forked child: its own rules have the same ones."""
        return self.number if hcsrt_is_here(&core, self.epoch) else 0


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
    rule.rule.action = HCSRT_ACTION_FAIL
    rule.rule.result = <int32_t> <uint32_t> (hresult & 0xFFFFFFFF)
    return rule


def waiting(function, seconds=None, first=1, calls=0):
    """Return a block in which calls of a function wait, for some seconds or until its end, before HCS gets them.

    The other arguments are those of failing().
    """
    cdef Rule rule = Rule(function, first, calls)
    limit = checked_seconds(seconds, "seconds")
    rule.rule.action = HCSRT_ACTION_HANG if limit is None else HCSRT_ACTION_DELAY
    if limit is not None:
        rule.rule.milliseconds = milliseconds_of(limit)
    return rule


def silent(function, first=1, calls=0):
    """Return a block in which HCS seems to take calls of a function, hears nothing of them, and does not complete them.

    At its end they do complete: HCS then says that their operations have not been started. It is not for functions that
    create something. The arguments are those of failing().
    """
    cdef Rule rule = Rule(function, first, calls)
    rule.rule.action = HCSRT_ACTION_SILENCE
    return rule


def late(function, first=1, calls=0):
    """Return a block in which calls of a function, which HCS gets, do not complete before its end.

    The arguments are those of failing().
    """
    cdef Rule rule = Rule(function, first, calls)
    rule.rule.site = HCSRT_SITE_COMPLETION
    rule.rule.action = HCSRT_ACTION_HANG
    return rule


cdef int show(int number) except -1:
    """Undo hide(); where no block is in use any more, without putting the table into use."""
    cdef const HcsApi *table = core.interpose_without(number, False)
    if blocks and is_here():
        use(table)
    return 0


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
    cdef uint32_t begun = begin()
    try:
        hide(number, function)
        try:
            yield
        finally:
            if hcsrt_is_here(&core, begun):
                with lock():
                    show(number)
    finally:
        end(begun)


cdef class Counts:
    """The number of calls of each function since the beginning of a block."""

    cdef dict before
    cdef bint counts
    cdef uint32_t epoch

    def __enter__(self):
        if self.counts:
            raise RuntimeError("these counts are in use already; make others for a block inside")
        self.epoch = begin()
        self.counts = True
        self.before = {name: core.interposed_calls(number_of(name)) for name in functions()}
        return self

    def __exit__(self, *exception):
        if not self.counts:
            raise RuntimeError("these counts are not in use; enter their block first")
        self.counts = False
        end(self.epoch)

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


# --- faults -----------------------------------------------------------------------------------------------------------

# In the order of the enums in interpose.h.
SITES = ("call", "completion", "event", "stream", "process")
ACTIONS = ("fail", "delay", "hang", "drop", "duplicate", "reorder", "crash", "cut", "disconnect", "rewrite",
           "answer")
FIELDS = ("system", "owner", "document", "count")
COMPARISONS = ("==", "!=", "like", "contains", "<", "<=", ">", ">=")


class Traits:
    """What calls of a function have that a fault may be about."""

    def __init__(self, str function not None):
        cdef int number = number_of(function)
        cdef int traits = core.interposed_traits(number)
        cdef int which = 0
        cdef int place
        cdef char name[64]
        self.can_fail = bool(traits & HCSRT_CAN_FAIL)
        self.is_tracked = bool(traits & HCSRT_IS_TRACKED)
        self.has_document = bool(traits & HCSRT_HAS_DOCUMENT)
        self.has_subject = bool(traits & HCSRT_HAS_SUBJECT)
        self.can_answer = bool(traits & HCSRT_CAN_ANSWER)
        # The number arguments, each with its place.
        self.numbers = {}
        while True:
            place = core.interposed_number(number, which, name, sizeof(name))
            if place < 0:
                break
            self.numbers[(<bytes> name).decode("ascii")] = place
            which += 1


def traits(str function not None):
    """Return the traits of a function; None if HCS has none of that name."""
    return Traits(function) if core.interposed(function.encode("utf-8", "replace")) >= 0 else None


cdef class Block:
    """Keeps the table in use from begin() to end()."""

    cdef uint32_t epoch
    cdef bint begun

    def begin(self):
        """Put the table into use. Raises RuntimeError if this block has done so already."""
        if self.begun:
            raise RuntimeError("the block has begun already; make another one")
        self.epoch = begin()
        self.begun = True

    def end(self):
        """Take the table out of use, unless another block needs it; nothing happens if this one has ended."""
        if self.begun:
            self.begun = False
            end(self.epoch)

    @property
    def here(self):
        """Whether it has begun in this process, and not ended."""
        return self.begun and bool(hcsrt_is_here(&core, self.epoch))


# The firings of the rules that somebody asks for, by their number; and the place of the next one in the record.
cdef dict firings = {}
cdef uint64_t next_firing = 0


cdef int collect() except -1:
    """Take what has fired since the last time out of the native record."""
    cdef hcsrt_firing firing
    cdef list found
    cdef int byteorder = 0
    with lock():
        renew()
        while core.next_firing(&next_firing, &firing):
            found = firings.get(firing.rule)
            if found is None:
                continue
            system = None
            if firing.length != HCSRT_FOR_EVER:
                byteorder = 0
                system = PyUnicode_DecodeUTF16(
                    <const char *> firing.system, firing.length * sizeof(hcsrt_char), "surrogatepass", &byteorder)
            found.append((next_firing, firing.number, firing.type, system, firing.time / 1e9))
    return 0


cdef class Active:
    """A fault in force."""

    cdef int64_t rule
    cdef int hidden
    cdef uint32_t epoch
    cdef list kept

    def __cinit__(self):
        self.hidden = -1
        self.epoch = hcsrt_fork_epoch(&core)

    def __dealloc__(self):
        cdef int64_t rule = self.number()
        cdef const HcsApi *table
        if self.hidden >= 0 and hcsrt_is_here(&core, self.epoch):
            table = core.interpose_without(self.hidden, False)
            # Without the lock: the garbage collector may have come here from where it is held.
            if table != NULL and blocks and is_here():
                core.replace_chosen(table)
        if rule > 0:
            with nogil:
                core.rule_remove(rule)
            if firings is not None:  # Python is being finalized
                firings.pop(rule, None)

    cdef int64_t number(self):
        """Return the number of the rule, 0 in a forked child: its own rules have the same ones."""
        return self.rule if hcsrt_is_here(&core, self.epoch) else 0

    @property
    def here(self):
        """Whether it is in force in this process, and not removed."""
        return (self.rule > 0 or self.hidden >= 0) and bool(hcsrt_is_here(&core, self.epoch))

    @property
    def waiting(self):
        """The number of calls that wait now."""
        return core.rule_waiting(self.number())

    @property
    def met(self):
        """How often it has fired."""
        return core.rule_met(self.number())

    def release(self):
        """Let go on what waits now."""
        cdef int64_t rule = self.number()
        if rule > 0:
            with nogil:
                core.rule_release(rule)

    def firings(self):
        """Return what has fired, each as its place, number, type of event, system, seconds; also once it is removed."""
        if self.kept is None:
            collect()
            found = firings.get(self.number())
            if found is not None:
                return list(found)
        # Another thread may have removed it meanwhile.
        return list(self.kept or ())

    def remove(self):
        """Take it out of force. Nothing happens the second time."""
        cdef int64_t rule = self.number()
        cdef int hidden
        with lock():
            # Of several threads that remove it, one does.
            hidden = self.hidden
            self.hidden = -1
            if hidden >= 0 and hcsrt_is_here(&core, self.epoch):
                show(hidden)
        if rule > 0:
            with nogil:
                core.rule_remove(rule)
            collect()
            with lock():
                if rule in firings:
                    self.kept = firings[rule]
                    del firings[rule]
        self.rule = 0


cdef bytes utf16(text):
    return None if text is None else (<str?> text).encode("utf-16-le", "surrogatepass") + b"\0\0"


cdef const hcsrt_char *units(bytes encoded) noexcept:
    if encoded is None:
        return NULL
    return <const hcsrt_char *> PyBytes_AS_STRING(encoded)


cdef int64_t add(hcsrt_rule *rule, dict numbers, list when, list kept) except -1:
    """Add a rule with its conditions, whose texts are kept until it is there."""
    cdef hcsrt_condition *conditions = <hcsrt_condition *> calloc(len(when) + 1, sizeof(hcsrt_condition))
    cdef hcsrt_condition *condition
    cdef bytes text
    cdef int64_t number
    if conditions == NULL:
        raise MemoryError
    try:
        for place in range(len(when)):
            field, comparison, value = when[place]
            condition = &conditions[<Py_ssize_t> place]
            condition.comparison = COMPARISONS.index(comparison)
            if field in numbers:
                condition.field = HCSRT_FIELD_ARGUMENT
                condition.argument = numbers[field]
            else:
                condition.field = FIELDS.index(field)
            if isinstance(value, str):
                text = utf16(value)
                kept.append(text)
                condition.text = units(text)
            else:
                condition.number = value
        rule.conditions = conditions
        rule.condition_count = len(when)
        number = core.rule_add(rule)
    finally:
        free(conditions)
    if number == HCSRT_RULE_NO_MEMORY:
        raise MemoryError
    if number == HCSRT_RULE_CROWDED:
        raise ValueError("256 faults are in force in this process, and there can be no more: remove one")
    if number == HCSRT_RULE_UNABLE:
        raise ValueError("the HCS in use cannot do that on demand, as only the emulator can: leave it out")
    if number < 0:
        raise ValueError("what is there cannot be treated so")
    return number


def activate(str site not None, str place not None, str action not None, uint64_t seed=0, *, system=None, owner=None,
             uint32_t nth=0, uint32_t every=0, probability=None, uint32_t times=0, when=(), types=(), int stream=0,
             result=0, document=None, double seconds=0, double jitter=0, uint64_t after=0, back_after=None):
    """Put a fault into force, whose data are checked already, and return it.

    `place` is the name of the function of a call or a completion, and `types` are numbers of events, none for all.
    Raises ValueError if the HCS in use cannot do that, or too many are in force.
    """
    cdef Active active = Active.__new__(Active)
    cdef hcsrt_rule rule
    cdef dict numbers = {}
    cdef bytes c_system = utf16(system)
    cdef bytes c_owner = utf16(owner)
    cdef bytes c_document = utf16(document)
    cdef Py_ssize_t each
    memset(&rule, 0, sizeof(rule))
    if action == "missing":
        number = number_of(place)
        hide(number, place)
        active.hidden = number
        return active
    rule.site = SITES.index(site)
    if rule.site <= HCSRT_SITE_COMPLETION:
        rule.function = number_of(place)
        numbers = Traits(place).numbers
    types = tuple(types)
    if len(types) > HCSRT_MOST_TYPES:
        raise ValueError("there are too many types of events")
    rule.type_count = len(types)
    for each in range(len(types)):
        rule.types[each] = types[each]
    rule.stream = stream
    rule.system = units(c_system)
    rule.owner = units(c_owner)
    rule.first = nth
    rule.calls = 1 if nth else 0
    rule.every = every
    if probability is not None:
        rule.by_chance = True
        rule.probability = probability
    rule.seed = seed
    rule.times = times
    rule.action = ACTIONS.index(action)
    rule.result = <int32_t> <uint32_t> (result & 0xFFFFFFFF)
    rule.document = units(c_document)
    rule.milliseconds = milliseconds_of(seconds)
    rule.jitter = milliseconds_of(jitter)
    if action == "disconnect":
        rule.milliseconds = HCSRT_FOR_EVER if back_after is None else milliseconds_of(back_after)
    rule.amount = after
    with lock():
        renew()
        # Before it can fire; nothing takes firings out of the record meanwhile.
        active.rule = add(&rule, numbers, list(when), [])
        firings[active.rule] = []
    return active


def set_fault_hook(capsule):
    """Let a backend do on demand what its capsule, named "hcsrt.fault_hook", has; it lives as long as the process."""
    core.set_fault_hook(<const hcsrt_fault_hook *> PyCapsule_GetPointer(capsule, "hcsrt.fault_hook"))
