"""The native half of the emulator, as its service sees it."""

from cpython.pycapsule cimport PyCapsule_New
from cpython.unicode cimport PyUnicode_DecodeUTF16
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libcpp cimport bool

from hcsrt._api cimport HcsApi, hcsrt_backend
from hcsrt._core cimport core

import os
import sys

cdef extern from *:
    """
    #include "emulator/emulator.h"

    /* Cython has no char16_t and no u16string: the two directions that are needed. */
    static hcsrt::emulator::Given given_of(const char *utf16, size_t bytes) {
        return {reinterpret_cast<const char16_t *>(utf16), bytes / sizeof(char16_t)};
    }
    static const char *text_bytes(const hcsrt::emulator::Text &text) {
        return reinterpret_cast<const char *>(text.value.data());
    }
    static Py_ssize_t text_size(const hcsrt::emulator::Text &text) {
        return static_cast<Py_ssize_t>(text.value.size() * sizeof(char16_t));
    }

    /* Here and not in Cython, whose std::vector wants exceptions. */
    static PyObject *misuse_list(void) {
        std::vector<std::string> misuses;
        try {
            misuses = hcsrt::emulator::misuses();
        } catch (const std::bad_alloc &) { return PyErr_NoMemory(); }
        PyObject *list = PyList_New(0);
        for (const std::string &text : misuses) {
            PyObject *item = list ? PyUnicode_FromStringAndSize(text.data(), text.size()) : NULL;
            if (!item || PyList_Append(list, item) < 0) Py_CLEAR(list);
            Py_XDECREF(item);
        }
        return list;
    }

    static PyObject *member_list(uint64_t process) {
        std::vector<int> pids;
        try {
            hcsrt::emulator::members(process, &pids);
        } catch (const std::bad_alloc &) { return PyErr_NoMemory(); }
        PyObject *list = PyList_New(0);
        for (int pid : pids) {
            PyObject *item = list ? PyLong_FromLong(pid) : NULL;
            if (!item || PyList_Append(list, item) < 0) Py_CLEAR(list);
            Py_XDECREF(item);
        }
        return list;
    }

    #if PY_VERSION_HEX < 0x030D0000
    #  define Py_IsFinalizing _Py_IsFinalizing
    #endif
    """
    int Py_IsFinalizing() noexcept nogil
    Given given_of(const char *utf16, size_t size) nogil
    const char *text_bytes(const Text &text) nogil
    Py_ssize_t text_size(const Text &text) nogil
    list misuse_list()
    list member_list(uint64_t process)

cdef extern from "hcsrt.h":
    const char *HCSRT_BACKEND_CAPSULE

cdef hcsrt_backend c_backend

cdef extern from "emulator/emulator.h" namespace "hcsrt::emulator" nogil:
    cdef cppclass Text:
        bool given
    cdef cppclass Given:
        pass
    cdef cppclass CRequest "hcsrt::emulator::Request":
        const char *function
        uint64_t ticket
        uint64_t system
        uint64_t process
        Text scope
        Text id
        Text text
        uint32_t number
        bool lost
    cdef cppclass Program:
        char **argv
        char **environment
        const char *directory
        bool streams[3]
        bool console
        uint16_t rows
        uint16_t columns
    cdef cppclass Counts:
        size_t operations
        size_t systems
        size_t processes
        size_t strings
        size_t stdio
    cdef cppclass Usage:
        uint64_t user
        uint64_t kernel
        uint64_t peak
        uint64_t reads
        uint64_t bytes_read
        uint64_t writes
        uint64_t bytes_written
    cdef enum class Taken:
        Item
        Nothing
        Stopped "hcsrt::emulator::Taken::Stopped"

    const HcsApi *c_api "hcsrt::emulator::api"()
    const void *c_fault_hook "hcsrt::emulator::fault_hook"()
    bool c_serves "hcsrt::emulator::serves"(uint32_t service)
    cdef cppclass Reply:
        uint64_t ticket
        int result
        Given document
        uint64_t key
        uint32_t pid

    Taken c_take "hcsrt::emulator::take"(uint32_t service, int64_t timeout_ms, const Reply *first, CRequest *request)
    void c_reply "hcsrt::emulator::reply"(const Reply &reply)
    void c_emit "hcsrt::emulator::emit"(uint64_t key, uint32_t event_type, const Given &data)
    int c_spawn "hcsrt::emulator::spawn"(uint64_t process, const Program &program, int *error, bool *directory_failed)
    bool c_signal "hcsrt::emulator::signal"(uint64_t process, int number)
    Usage c_usage "hcsrt::emulator::usage"(uint64_t process)
    void c_resize "hcsrt::emulator::resize"(uint64_t process, uint16_t rows, uint16_t columns)
    bool c_close_stream "hcsrt::emulator::close_stream"(uint64_t process, int stream)
    void c_forget "hcsrt::emulator::forget"(uint64_t process)
    cdef cppclass SwitchRow:
        const char *name
        uint32_t choices
        uint32_t one_in
    const SwitchRow *SWITCHES
    const size_t SWITCH_COUNT
    const uint32_t NOT_ASSUMED
    void c_configure "hcsrt::emulator::configure"(bool vary, uint64_t seed)
    void c_assume "hcsrt::emulator::assume"(size_t row, uint32_t choice)
    uint32_t c_met "hcsrt::emulator::met"(size_t row)
    uint32_t c_start "hcsrt::emulator::start"()
    void c_stop "hcsrt::emulator::stop"(bool for_good)
    int c_ask_service "hcsrt::emulator::ask_service"(const char *verb, const Given &text, Text *document)
    uint64_t c_visited "hcsrt::emulator::visited"()
    uint64_t c_new_key "hcsrt::emulator::new_key"()
    void c_fail_to_start "hcsrt::emulator::fail_to_start"()
    bool c_attach "hcsrt::emulator::attach"(int (*finalizing)() noexcept, void (*start)() noexcept)
    uint32_t c_process_epoch "hcsrt::emulator::process_epoch"()
    void c_clear "hcsrt::emulator::clear"()
    Counts c_live "hcsrt::emulator::live"()
    void c_record_misuse "hcsrt::emulator::record_misuse"(const char *text)


# What starts the service of this process.
cdef object starter = None


cdef void start_service() noexcept with gil:
    try:
        starter()
    except BaseException as error:
        record_misuse(f"the emulator's service cannot be started: {type(error).__name__}: {error}")
        with nogil:
            c_fail_to_start()


if not c_attach(Py_IsFinalizing, start_service):
    raise MemoryError


class Stopped(Exception):
    """The native half went down; the service has nothing more to do."""


cdef object decode(const Text &text):
    cdef int byteorder = 0
    if not text.given:
        return None
    return PyUnicode_DecodeUTF16(text_bytes(text), text_size(text), "surrogatepass", &byteorder)


cdef bytes encode(object text):
    return None if text is None else (<str?> text).encode("utf-16-le", "surrogatepass")


cdef Given given(bytes utf16):
    return given_of(NULL, 0) if utf16 is None else given_of(utf16, len(utf16))


cdef int result_of(long long hresult):
    return <int> <uint32_t> (hresult & 0xFFFFFFFF)


cdef class Request:
    """One item of the service's queue."""

    cdef readonly str function
    cdef readonly object ticket, system, process
    cdef readonly object scope, id, text
    cdef readonly object number
    cdef readonly object lost

    def __repr__(self):
        return f"<Request {self.function} ticket={self.ticket} system={self.system} process={self.process}>"


def take(uint32_t service, timeout, tuple first=None):
    """Return the next item for a service, or None if none came within `timeout` seconds (None: for ever).

    `first` is a reply to give before that: its ticket, HRESULT, document, key and pid. Raises Stopped once the native
    half went down, or has another service.
    """
    # At most 35 years, which the clock can be asked for.
    cdef int64_t timeout_ms = -1 if timeout is None else min(max(0, int(timeout * 1000 + 0.999)), 1 << 40)
    cdef CRequest item
    cdef Taken taken
    cdef Reply answer
    cdef Reply *given_first = NULL
    cdef bytes utf16 = None
    if first is not None:
        ticket, hresult, document, key, pid = first
        utf16 = encode(document)
        answer.ticket, answer.result, answer.key, answer.pid = ticket, result_of(hresult), key, pid
        answer.document = given(utf16)
        given_first = &answer
    with nogil:
        taken = c_take(service, timeout_ms, given_first, &item)
    if taken == Taken.Stopped:
        raise Stopped
    if taken == Taken.Nothing:
        return None
    cdef Request request = Request.__new__(Request)
    request.function = item.function.decode("ascii")
    request.ticket = item.ticket
    request.system = item.system
    request.process = item.process
    request.scope = decode(item.scope)
    request.id = decode(item.id)
    request.text = decode(item.text)
    request.number = item.number
    request.lost = item.lost
    return request


def reply(uint64_t ticket, long long hresult, document=None, *, uint64_t key=0, uint32_t pid=0):
    """Answer the item with that ticket; a second answer is ignored."""
    cdef bytes utf16 = encode(document)
    cdef Reply answer
    answer.ticket, answer.result, answer.key, answer.pid = ticket, result_of(hresult), key, pid
    answer.document = given(utf16)
    with nogil:
        c_reply(answer)


def emit(uint64_t key, uint32_t event_type, data=None):
    """Deliver an event to each open handle of that system or process that has a callback."""
    cdef bytes utf16 = encode(data)
    cdef Given text = given(utf16)
    with nogil:
        c_emit(key, event_type, text)


cdef char **pointers(tuple strings) except NULL:
    cdef char **result = <char **> malloc((len(strings) + 1) * sizeof(char *))
    cdef Py_ssize_t i
    if result == NULL:
        raise MemoryError
    try:
        for i in range(len(strings)):
            result[i] = <bytes?> strings[i]
    except TypeError:
        free(result)
        raise
    result[len(strings)] = NULL
    return result


def spawn(uint64_t process, list argv not None, list environment not None, bytes directory,
          bint stdin, bint stdout, bint stderr, console=None):
    """Start a program in a session of its own and return its pid; its end comes as a ProcessExited item.

    `argv` and `environment` are bytes; a program without a slash is looked up on the PATH of `environment`. On Windows
    `argv` is the program and its command line. `console` is (rows, columns) for a pseudo-terminal, or None. Raises
    OSError; its `filename` is the directory or the program.
    """
    cdef Program program
    # Copies, whose strings stay whatever others do to the lists meanwhile.
    cdef tuple words = tuple(argv), variables = tuple(environment)
    cdef char **c_argv = NULL
    cdef char **c_environment = NULL
    cdef int error = 0, pid
    cdef bool directory_failed = False
    if not words:
        raise ValueError("argv must not be empty")
    program.directory = NULL
    if directory is not None:
        program.directory = directory
    program.streams[0], program.streams[1], program.streams[2] = stdin, stdout, stderr
    program.console = console is not None
    program.rows, program.columns = (0, 0) if console is None else console
    try:
        c_argv = pointers(words)
        c_environment = pointers(variables)
        program.argv, program.environment = c_argv, c_environment
        with nogil:
            pid = c_spawn(process, program, &error, &directory_failed)
    finally:
        free(c_argv)
        free(c_environment)
    if pid < 0:
        filename = os.fsdecode(directory if directory_failed else words[0])
        if sys.platform == "win32":
            raise OSError(0, f"Win32 error {error}", filename, error)
        raise OSError(error, os.strerror(error), filename)
    return pid


def signal(uint64_t process, int number):
    """Send a signal to the group of a process; False if nobody is left in it."""
    cdef bool reached
    with nogil:
        reached = c_signal(process, number)
    return reached


def members(uint64_t process):
    """Return the pids in the group of a process; on Windows only, elsewhere a group keeps no list."""
    return member_list(process)


def usage(uint64_t process):
    """Return what a process has used, by the system's own accounting: times in 100 ns, and bytes.

    On POSIX that is known once the program has ended, with what it waited for; on Windows it is that of its whole job.
    The last figure is the most memory of one program, on Windows of the job.
    """
    cdef Usage used
    with nogil:
        used = c_usage(process)
    return (used.user, used.kernel, used.reads, used.bytes_read, used.writes, used.bytes_written), used.peak


def resize(uint64_t process, uint16_t rows, uint16_t columns):
    """Set the size of a process's pseudo-terminal, if it has one."""
    c_resize(process, rows, columns)


def close_stream(uint64_t process, str name):
    """Close a standard stream ("StdIn", "StdOut", "StdErr") of a process, whoever holds our end of it."""
    cdef int stream = ("StdIn", "StdOut", "StdErr").index(name)
    cdef bool closed
    with nogil:
        closed = c_close_stream(process, stream)
    return closed


def forget(uint64_t process):
    """Drop a process for good; pipe ends that nobody asked for are closed."""
    c_forget(process)


def configure(seed, dict assumed not None):
    """Vary what HCS leaves open by this seed, None for the plain order; make the choices of these numbers by name."""
    c_configure(seed is not None, 0 if seed is None else seed & 0xFFFFFFFFFFFFFFFF)
    for name, choice in assumed.items():
        assume(name, choice)


def switches():
    """Return the choices of native code: for each its name, how many there are, and the odds of `Assumption.one_in`."""
    return [
        (SWITCHES[row].name.decode("ascii"), SWITCHES[row].choices, SWITCHES[row].one_in or None)
        for row in range(SWITCH_COUNT)
    ]


cdef size_t switch_of(str name) except? 0:
    cdef size_t row
    for row in range(SWITCH_COUNT):
        if SWITCHES[row].name == name.encode("ascii"):
            return row
    raise ValueError(f"native code has no choice of the name {name!r}")


def assume(str name not None, choice):
    """Have native code make a choice by its number, whatever the seed; None: leave it to the seed again."""
    cdef size_t row = switch_of(name)
    cdef uint32_t number = NOT_ASSUMED
    if choice is not None:
        number = choice
        if number >= SWITCHES[row].choices:
            raise ValueError(f"{name} has {SWITCHES[row].choices} choices, and none with the number {choice}")
    c_assume(row, number)


def met(str name not None):
    """Return the numbers of the choices of native code that were met, as bits of one number."""
    return c_met(switch_of(name))


def serve_on_demand(function):
    """Have a function called, on a thread of its own, to start a service where a call finds none: in a forked child."""
    global starter
    if not callable(function):
        raise TypeError(f"function must be callable, not {type(function).__name__}")
    starter = function


def epoch():
    """Return the epoch of this process; a forked child has another one."""
    return c_process_epoch()


def start():
    """Let calls reach the queue, and return the number of the service that takes them from there."""
    return c_start()


def serves(uint32_t service):
    """Return whether the service with this number has not gone."""
    return c_serves(service)


def start_at_next_call():
    """Tell that there is no service: calls that came since start() fail, and the next one has one started."""
    with nogil:
        c_fail_to_start()


def stop(bint for_good):
    """Go down as a service that crashed: calls fail, watchers hear of it, programs are killed. Runs no Python.

    for_good: whether the world ends with it.
    """
    with nogil:
        c_stop(for_good)


def clear():
    """Forget everything; handles from before answer as those of a service that went away."""
    with nogil:
        c_clear()


cdef ask_service(const char *verb, text):
    """Return the HRESULT and the document that the service answers with."""
    cdef bytes utf16 = encode(text)
    cdef Given asked = given(utf16)
    cdef Text document
    cdef int result
    with nogil:
        result = c_ask_service(verb, asked, &document)
    return result & 0xFFFFFFFF, decode(document)


def ask_world():
    """Have the service answer a request "World", what is on its host, and return the HRESULT and the document."""
    return ask_service("World", None)


def report_event(text):
    """Have the service answer a request "Event", and return the HRESULT and why nobody was told, None if they were."""
    return ask_service("Event", text)


def visited():
    """Return how many entries of lists were looked at for events, and for the streams of processes, since the start.

    What is looked at belongs to the system or process that it is about, however many others there are.
    """
    return c_visited()


def new_key():
    """Return a number for a compute system that no call has created."""
    return c_new_key()


def live():
    """Return how many handles and strings were given out and not released yet."""
    cdef Counts counts = c_live()
    return {
        "operations": counts.operations,
        "systems": counts.systems,
        "processes": counts.processes,
        "strings": counts.strings,
        "stdio": counts.stdio,
    }


def pending():
    """Return what hcsrt.pending returns, for whose module the emulator is too far down the house."""
    return core.reaper_pending()


def misuses():
    """Return what callers did that would have crashed, or corrupted, the real HCS."""
    return misuse_list()


def record_misuse(str text not None):
    """Add to misuses()."""
    c_record_misuse(text.encode("utf-8"))


def fault_hook():
    """Return what faults can ask of the emulator, in a capsule for hcsrt._interpose."""
    return PyCapsule_New(<void *> c_fault_hook(), "hcsrt.fault_hook", NULL)


def backend():
    """Return the emulator's hcsrt_backend, in a capsule for hcsrt._library."""
    c_backend.size = sizeof(hcsrt_backend)
    c_backend.hcs = c_api()
    return PyCapsule_New(&c_backend, HCSRT_BACKEND_CAPSULE, NULL)
