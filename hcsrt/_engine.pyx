"""The functions of HCS for asyncio: each returns a future, and no thread of Python's waits for HCS.

A function is called on the thread of the running loop. It fills a request and submits it to the native engine, whose
workers make the call; when HCS has completed it, it is delivered to the loop's port, which resolves the
future. The loop needs no preparation: its port is made at the first call and goes when the loop is closed.

A future may be cancelled at any time. A call that was not made is not made then; one that HCS has got goes on without
us in the reaper, hcsrt.pending() counts it, and what it creates is ended unless it is to be kept.
"""

cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.time cimport monotonic
from libc.stdint cimport uint32_t
from libc.string cimport memset

from hcsrt._answers cimport read_answer
from hcsrt._calls cimport (
    check_resource,
    check_subject,
    check_texts,
    create_options,
    complete_calls,
    resolve_calls,
    verb_of,
)
from hcsrt._core cimport (
    HCSRT_CREATES_PROCESS,
    HCSRT_CREATES_SYSTEM,
    HCSRT_E_CALLBACK_ALREADY_SET,
    HCSRT_E_OPERATION_TIMEOUT,
    HCSRT_E_POINTER,
    HCSRT_GENERIC_ALL,
    HCSRT_LANE_NONE,
    HCSRT_LANE_URGENT,
    HCSRT_SHAPE_MODIFY,
    HCSRT_SHAPE_STRING,
    HCSRT_SHAPE_STRINGS,
    HCSRT_SHAPE_VERB,
    HCSRT_NEXT_END,
    HCSRT_NEXT_EVENT,
    core,
    hcsrt_abandoned,
    hcsrt_call,
    hcsrt_close,
    hcsrt_complete,
    hcsrt_engine_counts,
    hcsrt_fork_epoch,
    hcsrt_is_here,
    hcsrt_function,
    hcsrt_new_request,
    hcsrt_news,
    hcsrt_outcome,
    hcsrt_port,
    hcsrt_request,
    hcsrt_resource,
    hcsrt_state_close,
    hcsrt_subscriber,
    hcsrt_next_event,
    hcsrt_watch,
)
from hcsrt._functions cimport Function, need, row_of, twin_of
from hcsrt._handles cimport (
    HANDLE_BUSY,
    HANDLE_OK,
    Handle,
    OwnedProcess,
    OwnedSystem,
    adopt,
    check_entered,
    new_process,
    new_system,
)
from hcsrt._immortal cimport make_immortal
from hcsrt._library cimport HcsApi, hcs, hcs_chosen
from hcsrt._plumbing cimport (
    close_without_release,
    enter_handle,
    leave_handle,
    modify_verb,
    question_verb,
    start_verb,
    string_verb,
    strings_verb,
)
from hcsrt._streams cimport ProcessStart, new_start, own_stdio
from hcsrt._text cimport decode, pointer, units, utf16
from hcsrt._time cimport deadline_of
from hcsrt._types cimport hcsrt_create_options, hcsrt_operation, hcsrt_result
from hcsrt._watch cimport not_watched, register_watch, watch_of

import os
import threading
import weakref
from asyncio import BaseEventLoop, Future, get_running_loop
from contextvars import Context

from .errors import HandleBusyError, HandleClosedError, error_from

# How long a thread that wakes a loop goes without looking whether the loop is still there.
cdef enum:
    WAKER_LOOK_MS = 1000


def _completion():
    name = os.environ.get("HCSRT_COMPLETION", "callback")
    if name not in ("callback", "wait"):
        raise ValueError(f"HCSRT_COMPLETION is {name!r}; set it to 'callback' or 'wait', or unset it")
    return name


core.engine_init(_completion() == "wait")


# --- ports ----------------------------------------------------------------------------------------------------------

@cython.final
cdef class Port:
    """The port of one event loop, where its calls are delivered; the loop keeps it as a descriptor's callback."""

    def __call__(self):
        cdef hcsrt_call *chain
        if hcsrt_is_here(&core, self.epoch):
            with nogil:
                chain = core.port_collect(self.port)
            if chain == NULL:
                return
            complete_calls(chain)
            core.port_release(self.port, chain)
            if core.port_is_unsent(self.port) and not self.sends_soon:
                # With what the tasks submit that go on now.
                loop = self.loop()
                if loop is not None:
                    self.send_soon(loop)

    cdef int send_soon(self, loop) except -1:
        loop.call_soon(self.send, context=self.context)
        self.sends_soon = True
        return 0

    def send(self):
        """Tell a worker of what was submitted, and of what it is to release."""
        self.sends_soon = False
        if hcsrt_is_here(&core, self.epoch):
            core.port_send(self.port)

    def __dealloc__(self):
        if self.port == NULL:
            return
        if hcsrt_is_here(&core, self.epoch):
            core.port_close(self.port)
        else:
            core.port_close_copy(self.port)


cdef dict ports = {}


cdef Port port_of(object loop):
    cdef Port port
    reference = ports.get(id(loop))
    if reference is not None:
        port = (<object> reference)()
        # A forked child has the loops of its parent, and an engine of its own.
        if port is not None and hcsrt_is_here(&core, port.epoch) and port.loop() is loop:
            return port
    return make_port(loop)


cdef Port make_port(object loop):
    cdef Port port = Port.__new__(Port)
    cdef bint by_descriptor = os.name == "posix"
    resolve_calls(core.orphans())
    port.loop = weakref.ref(loop)
    port.epoch = hcsrt_fork_epoch(&core)
    port.context = Context()
    port.plain_futures = type(loop).create_future is BaseEventLoop.create_future
    if by_descriptor:
        port.port = core.port_new(True)
        if port.port == NULL:
            raise OSError("no file descriptor is left to wake the event loop with")
        try:
            loop.add_reader(core.port_descriptor(port.port), port)
        except NotImplementedError:
            by_descriptor = False
            core.port_close(port.port)
            port.port = NULL
    if not by_descriptor:
        # Refused here, as by add_reader() elsewhere: the thread could tell nobody, and the call would never end.
        if not callable(loop.call_soon_threadsafe):
            raise TypeError(f"{type(loop).__name__} is no event loop: its call_soon_threadsafe cannot be called")
        port.port = core.port_new(False)
        if port.port == NULL:
            raise MemoryError
        # Never a task: asyncio.run() cancels tasks, and a `finally` that then awaits something would hang.
        threading.Thread(target=_wake, args=(port,), name="hcsrt waker", daemon=True).start()
    # Other threads change the dictionary meanwhile. One that has a new loop where the lost one lay may lose its entry
    # here: its next call then makes the loop a second port, and both serve.
    for key, reference in list(ports.items()):
        if reference() is None and ports.get(key) is reference:
            ports.pop(key, None)
    ports[id(loop)] = weakref.ref(port)
    return port


def _wake(Port port not None):
    """Wake a loop that watches no descriptors, once a burst, from a thread that keeps the port for the loop."""
    cdef uint32_t seen = 0, bursts
    if port.port == NULL:
        raise ValueError("Port is empty: the first call of a loop makes its port")
    while True:
        with nogil:
            bursts = core.port_wait(port.port, seen, WAKER_LOOK_MS)
        loop = port.loop()
        if loop is None or loop.is_closed():
            return
        # What has stayed there since the last look may be there because the loop has missed its wake-up: a Proactor was
        # seen to, of a free-threaded CPython under Wine. One time too many does no harm.
        if bursts != seen or core.port_has_calls(port.port):
            seen = bursts
            try:
                handle = loop.call_soon_threadsafe(port)
            except RuntimeError:
                return
            # A close meanwhile may have emptied the loop before the handle came, which then would keep the port, and
            # with it the calls of the loop, until the garbage collector finds both.
            if loop.is_closed():
                handle.cancel()
                return
            handle = None
        # Not to keep it while this thread sleeps.
        loop = None


# --- how the functions of HCS are called ----------------------------------------------------------------------------

cdef hcsrt_result start_modify(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                               hcsrt_outcome *outcome) noexcept nogil:
    return (<modify_verb> request.function)(request.raw, operation, request.texts[0], request.identity)


cdef hcsrt_result start_create_system(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                      hcsrt_outcome *outcome) noexcept nogil:
    cdef const hcsrt_create_options *options = <const hcsrt_create_options *> request.options
    cdef const void *descriptor = NULL if options == NULL else options.security_descriptor
    if request.texts[2] != NULL:
        return api.HcsCreateComputeSystemInNamespace(
            request.texts[2], request.texts[0], request.texts[1], operation, options, &outcome.created)
    return api.HcsCreateComputeSystem(request.texts[0], request.texts[1], operation, descriptor, &outcome.created)


cdef hcsrt_result start_open_system(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                    hcsrt_outcome *outcome) noexcept nogil:
    if request.texts[2] != NULL:
        return api.HcsOpenComputeSystemInNamespace(
            request.texts[2], request.texts[0], HCSRT_GENERIC_ALL, &outcome.created)
    return api.HcsOpenComputeSystem(request.texts[0], HCSRT_GENERIC_ALL, &outcome.created)


cdef hcsrt_result start_enumerate(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                  hcsrt_outcome *outcome) noexcept nogil:
    if request.texts[2] != NULL:
        return api.HcsEnumerateComputeSystemsInNamespace(request.texts[2], request.texts[0], operation)
    return api.HcsEnumerateComputeSystems(request.texts[0], operation)


cdef hcsrt_result start_create_process(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                       hcsrt_outcome *outcome) noexcept nogil:
    return api.HcsCreateProcess(request.raw, request.texts[0], operation, NULL, &outcome.created)


cdef hcsrt_result start_process_info(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                     hcsrt_outcome *outcome) noexcept nogil:
    return api.HcsGetProcessInfo(request.raw, operation)


cdef hcsrt_result start_open_process(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                     hcsrt_outcome *outcome) noexcept nogil:
    return api.HcsOpenProcess(request.raw, request.number, HCSRT_GENERIC_ALL, &outcome.created)


cdef hcsrt_result start_string(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                               hcsrt_outcome *outcome) noexcept nogil:
    return (<string_verb> request.function)(request.texts[0])


cdef hcsrt_result start_strings(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                hcsrt_outcome *outcome) noexcept nogil:
    return (<strings_verb> request.function)(request.texts[0], request.texts[1])


cdef hcsrt_result start_question(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                 hcsrt_outcome *outcome) noexcept nogil:
    return (<question_verb> request.function)(request.texts[0], &outcome.document)


cdef hcsrt_result start_watch(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                              hcsrt_outcome *outcome) noexcept nogil:
    cdef hcsrt_result result = 0
    if register_watch(<Handle> request.subject, request.number, &result) == HANDLE_BUSY:
        return HCSRT_E_CALLBACK_ALREADY_SET
    return result


# Does nothing: leaving the handle's guard afterwards is all that a close needs.
cdef hcsrt_result start_close(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                              hcsrt_outcome *outcome) noexcept nogil:
    return 0


# --- calls ----------------------------------------------------------------------------------------------------------

# Called with the GIL, on the loop's thread, or on that which collects orphans.
cdef void complete(hcsrt_call *call, void *context) noexcept:
    cdef _Call self = <_Call> context
    try:
        self.resolve(call)
    finally:
        Py_DECREF(self)


# The garbage collector has no use here: delivered calls are cleared, and the engine keeps the others alive.
@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class _Call:
    """One call that is under way: its future, and what has to stay meanwhile."""

    cdef hcsrt_call *call           # NULL once it is resolved or abandoned
    cdef uint32_t epoch
    cdef object future
    cdef str function
    cdef Handle subject             # has the guard that a worker leaves
    cdef object texts               # the bytes behind the request
    cdef object kind                # what the document is to be read as; None if it stays text
    cdef Handle created             # empty, for what the call creates or opens
    cdef ProcessStart start         # empty, for what it tells of a process
    cdef EventReader reader         # of a wait for news
    cdef bint watches
    cdef bint closes
    cdef bint until_exit
    cdef object timer               # of the loop, for a call with a timeout
    cdef double deadline            # on the clock of monotonic()

    cdef object submit(self, hcsrt_request *request, timeout=None):
        """Submit the request and return the future of its outcome, which fails when `timeout` seconds are over."""
        cdef int status
        cdef Port port
        if timeout is not None:
            self.deadline = deadline_of(timeout)
        loop = get_running_loop()
        port = port_of(loop)
        future = Future(loop=loop) if port.plain_futures else loop.create_future()
        if self.subject is not None:
            status = enter_handle(self.subject, request)
            check_entered(self.subject, status)
            if self.closes:
                # With this call inside, it only marks the handle: the worker, the last one out, closes it.
                hcsrt_state_close(&self.subject._state)
        request.complete = complete
        request.context = <void *> self
        self.epoch = port.epoch
        self.future = future
        Py_INCREF(self)
        # Keeping the GIL: this does not block, and others would take it meanwhile.
        self.call = core.submit(port.port, request)
        if self.call == NULL:
            if self.subject is not None:
                with nogil:
                    leave_handle(request.subject)
            Py_DECREF(self)
            raise MemoryError("no memory or no thread for a call of HCS")
        future.add_done_callback(self, context=port.context)
        if timeout is not None:
            self.timer = loop.call_later(self.deadline - monotonic(), time_out, self)
        if not port.sends_soon and core.port_is_unsent(port.port):
            # Later, so that all that the loop submits until then goes with it.
            port.send_soon(loop)
        return future

    cdef object expect(self):
        """Let a future wait for news of the reader."""
        return self.wait_on(get_running_loop().create_future())

    cdef object wait_on(self, future):
        cdef Port port = port_of(future.get_loop())
        cdef void *ticket = NULL
        Py_INCREF(self)
        self.call = core.expect(port.port, complete, <void *> self, &ticket)
        if self.call == NULL:
            Py_DECREF(self)
            raise MemoryError("no memory or no thread for a call of HCS")
        self.epoch = port.epoch
        self.future = future
        self.reader.waiting = self
        future.add_done_callback(self, context=port.context)
        core.news_wait(self.reader.news, self.reader.seen, ticket)
        return future

    def __call__(self, future):
        """Abandon the call: its future is done before it, cancelled or timed out."""
        if self.call == NULL or not hcsrt_is_here(&core, self.epoch):
            return
        self.stop_waiting()
        if core.call_abandon(self.call):
            self.clear()
            Py_DECREF(self)

    cdef int expire(self) except -1:
        """Let the future fail because the time is over; the call goes on, and is abandoned."""
        cdef double left
        self.timer = None
        future = self.future
        if future is None or future.done():
            return 0
        left = self.deadline - monotonic()
        if left > 0:
            # Timers may be early: those of uvloop count whole milliseconds. The rest must not be a busy loop.
            self.timer = future.get_loop().call_later(max(left, 0.002), time_out, self)
            return 0
        future.set_exception(error_from(HCSRT_E_OPERATION_TIMEOUT, self.function))
        return 0

    cdef void stop_waiting(self) noexcept:
        """End a wait for news, so that another one may begin."""
        if self.reader is not None and self.reader.waiting is self:
            core.news_stop(self.reader.news)
            self.reader.waiting = None

    cdef clear(self):
        self.stop_waiting()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.call = NULL
        self.future = None
        self.subject = None
        self.texts = None

    cdef resolve(self, hcsrt_call *call):
        future = self.future
        reader = self.reader
        abandoned = core.call_is_abandoned(call)
        self.clear()
        if abandoned:
            return
        if not future.remove_done_callback(self):
            # Cancelled just now: the callback that would tell the engine comes too late.
            core.call_abandon(call)
            return
        try:
            if reader is not None and not self.is_over():
                self.wait_on(future)
                return
            value = self.value(core.call_outcome(call))
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(value)

    cdef bint is_over(self) except -1:
        """Return whether the news is what the call waits for; raise HandleClosedError if it cannot come."""
        if not self.until_exit:
            return True
        try:
            return self.reader.next() is not None
        except EOFError:
            name = type(self.reader.handle).__name__
            raise HandleClosedError(f"{name} was closed while its exit was waited for") from None

    cdef object value(self, hcsrt_outcome *outcome):
        cdef hcsrt_result result = outcome.result
        document = None
        if self.kind is not None and result >= 0:
            # What cannot be read is released with the call.
            document = read_answer(outcome.document, self.function, self.kind)
            free_document(outcome)
            return document
        if outcome.document != NULL:
            document = decode(outcome.document)
            free_document(outcome)
        if result < 0:
            if self.watches and result == HCSRT_E_CALLBACK_ALREADY_SET:
                raise HandleBusyError("the handle has its event callback already; HCS takes one a handle")
            function = "HcsAddResourceToOperation" if outcome.of_resources else self.function
            error = error_from(result, function, document)
            if self.start is None or outcome.created == NULL:
                raise error
            # The process may run all the same: the caller asks HCS whether it does.
            adopt(self.created, outcome.created)
            outcome.created = NULL
            self.adopt_stdio(outcome)
            self.start.error = error
            return self.start
        if self.created is not None:
            if outcome.created == NULL:
                raise error_from(HCSRT_E_POINTER, self.function, None)
            adopt(self.created, outcome.created)
            outcome.created = NULL
        if self.start is not None:
            self.adopt_stdio(outcome)
            return self.start
        return document if self.created is None else self.created

    cdef adopt_stdio(self, hcsrt_outcome *outcome):
        own_stdio(self.start.stdin, outcome.info.std_input)
        own_stdio(self.start.stdout, outcome.info.std_output)
        own_stdio(self.start.stderr, outcome.info.std_error)
        outcome.info.std_input = outcome.info.std_output = outcome.info.std_error = NULL
        self.start.pid = outcome.info.process_id
        self.start.keep_connected()


cdef inline void free_document(hcsrt_outcome *outcome) noexcept:
    # At once, while this processor has it in its cache.
    if outcome.document != NULL:
        hcs_chosen().free_string(outcome.document)
        outcome.document = NULL


def time_out(_Call call not None):
    """Tell a call that its time is over; the loop's timer does so."""
    call.expire()


cdef _Call new_call(str function, Handle subject):
    cdef _Call call = _Call.__new__(_Call)
    call.function = function
    call.subject = subject
    return call


def call(Handle handle not None, str function not None, text=None, timeout=None, *, resources=(), identity=None,
         bint insist=False, bint urgent=False):
    """Call an HCS function on a system or a process; the future's result is the document that it gives, or None.

    function: an HCS name of the shape (handle, operation, text), or HcsModifyComputeSystem, whose `identity` is a
    HANDLE as an int or None. timeout: seconds, after which the future fails with OperationTimeoutError and the call is
    abandoned as if the future were cancelled. resources: (type, uri, handle as int) for each HcsAddResourceToOperation
    before the call. insist: HCS gets the call even if the future is cancelled before, or its loop closed. urgent: as
    for open_system(). Raises HandleClosedError, NotSupportedError, ValueError for another function, TypeError for
    another kind of handle.
    """
    cdef Function row = row_of(function)
    cdef bint modifies = row.row.shape == HCSRT_SHAPE_MODIFY
    cdef hcsrt_request request
    cdef const HcsApi *api = hcs()
    cdef _Call self
    if row.row.shape != HCSRT_SHAPE_VERB and not modifies:
        raise ValueError(f"{function} is not called with a handle and one text")
    check_subject(row, handle)
    if identity is not None and not modifies:
        raise ValueError(f"{function} has no identity")
    request = hcsrt_new_request()
    self = new_call(function, handle)
    encoded = utf16(text, "text")
    request.function = row.find(api)
    request.start = start_modify if modifies else start_verb
    request.texts[0] = units(encoded)
    request.lane = HCSRT_LANE_URGENT if urgent else row.row.lane
    request.identity = pointer(identity, "identity")
    request.insist = insist
    self.texts = encoded if not resources else (encoded, add_resources(&request, resources))
    return self.submit(&request, timeout)


def ask(Handle handle not None, str function not None, text, timeout, kind, bint urgent=False):
    """Call a function as call() does; the future's result is the document as an object of this kind, dict or list.

    No document is an empty object. One that is no such thing lets the future fail with an HcsError.
    """
    cdef hcsrt_request request
    cdef Function row
    cdef _Call self
    if kind is not dict and kind is not list:
        raise TypeError(f"kind must be dict or list, not {kind!r}")
    request = hcsrt_new_request()
    request.function = <hcsrt_function> verb_of(function, handle)
    request.start = start_verb
    row = row_of(function)
    request.lane = HCSRT_LANE_URGENT if urgent else row.row.lane
    self = new_call(function, handle)
    self.kind = kind
    self.texts = encoded = utf16(text, "text")
    request.texts[0] = units(encoded)
    return self.submit(&request, timeout)


cdef add_resources(hcsrt_request *request, resources):
    """Add them to the request and return what has to stay for them."""
    cdef list rows = list(resources)
    cdef bytearray memory = bytearray(len(rows) * sizeof(hcsrt_resource))
    cdef hcsrt_resource *items = <hcsrt_resource *> <char *> memory
    cdef list kept = [memory]
    need(hcs(), "HcsAddResourceToOperation")
    for i, (resource_type, uri, handle) in enumerate(rows):
        check_resource(uri, handle)
        encoded = utf16(uri, "uri")
        kept.append(encoded)
        items[i].type = resource_type
        items[i].uri = units(encoded)
        items[i].handle = pointer(handle, "handle")
    request.resources = items
    request.resource_count = len(rows)
    return kept


def create_system(id not None, document not None, namespace=None, timeout=None, *, bint keep=False, user_token=None,
                  security_descriptor=None):
    """Create a compute system; the future's result is its handle.

    If the future is cancelled, the system is terminated once HCS has made it, unless `keep`.
    `security_descriptor` is the address of a SECURITY_DESCRIPTOR, and `user_token` the HANDLE of an access token, which
    only a namespace takes. What is None is left out.

    HCS: HcsCreateComputeSystem, HcsCreateComputeSystemInNamespace
    """
    cdef hcsrt_request request
    cdef const HcsApi *api = hcs()
    cdef str function = twin_of("HcsCreateComputeSystem", namespace)
    cdef _Call self = new_call(function, None)
    row_of(function).find(api)
    request = hcsrt_new_request()
    options = create_options(namespace, user_token, security_descriptor)
    self.texts = texts = (utf16(id, "id"), utf16(document, "document"), utf16(namespace, "namespace"), options)
    if options is not None:
        request.options = <char *> options
    request.texts[0], request.texts[1], request.texts[2] = units(texts[0]), units(texts[1]), units(texts[2])
    request.start = start_create_system
    request.creates = HCSRT_CREATES_SYSTEM
    request.keep = keep
    self.created = new_system()
    return self.submit(&request, timeout)


def open_system(id not None, namespace=None, timeout=None, *, bint urgent=False):
    """Open a compute system by its id; the future's result is the handle.

    `urgent` opens it with the threads that are there for ending things, whatever hangs in HCS meanwhile.

    HCS: HcsOpenComputeSystem, HcsOpenComputeSystemInNamespace
    """
    cdef hcsrt_request request
    cdef const HcsApi *api = hcs()
    cdef str function = twin_of("HcsOpenComputeSystem", namespace)
    cdef _Call self = new_call(function, None)
    row_of(function).find(api)
    request = hcsrt_new_request()
    self.texts = texts = (utf16(id, "id"), utf16(namespace, "namespace"))
    request.texts[0], request.texts[2] = units(texts[0]), units(texts[1])
    request.start = start_open_system
    request.untracked = True
    request.creates = HCSRT_CREATES_SYSTEM
    request.keep = True
    request.lane = HCSRT_LANE_URGENT if urgent else HCSRT_LANE_NONE
    self.created = new_system()
    return self.submit(&request, timeout)


def enumerate_systems(query=None, namespace=None, timeout=None):
    """Ask for the Properties of the systems that match, a JSON array.

    HCS: HcsEnumerateComputeSystems, HcsEnumerateComputeSystemsInNamespace
    """
    cdef hcsrt_request request
    cdef const HcsApi *api = hcs()
    cdef str function = twin_of("HcsEnumerateComputeSystems", namespace)
    cdef _Call self = new_call(function, None)
    row_of(function).find(api)
    request = hcsrt_new_request()
    self.texts = texts = (utf16(query, "query"), utf16(namespace, "namespace"))
    request.texts[0], request.texts[2] = units(texts[0]), units(texts[1])
    request.start = start_enumerate
    return self.submit(&request, timeout)


def create_process(OwnedSystem system not None, parameters not None, timeout=None, *, bint keep=False):
    """Start a process in a compute system; the future's result is a ProcessStart.

    If the future is cancelled, the process is terminated once HCS has made it, unless `keep`. HCS may fail and give a
    handle all the same (Server 2022 is known for it): then the ProcessStart has an `error`, and process_info() tells
    whether the process runs.

    HCS: HcsCreateProcess
    """
    cdef hcsrt_request request
    cdef OwnedProcess process = new_process()
    cdef Function row = row_of("HcsCreateProcess")
    cdef _Call self = new_call(row.name, system)
    row.find(hcs())
    request = hcsrt_new_request()
    self.texts = encoded = utf16(parameters, "parameters")
    request.texts[0] = units(encoded)
    request.start = start_create_process
    request.creates = HCSRT_CREATES_PROCESS
    request.keep = keep
    request.has_info = True
    request.lane = row.row.lane
    self.created = process
    self.start = new_start(process)
    return self.submit(&request, timeout)


def process_info(OwnedProcess process not None, timeout=None):
    """Ask for the pid of a process and new handles of its streams: a ProcessStart.

    HCS: HcsGetProcessInfo
    """
    cdef hcsrt_request request
    cdef Function row = row_of("HcsGetProcessInfo")
    cdef _Call self = new_call(row.name, process)
    row.find(hcs())
    request = hcsrt_new_request()
    request.start = start_process_info
    request.has_info = True
    request.lane = row.row.lane
    self.start = new_start(process)
    return self.submit(&request, timeout)


def open_process(OwnedSystem system not None, uint32_t pid, timeout=None, *, bint urgent=False):
    """Open a process by its id in a compute system; the future's result is the handle.

    `urgent` is as for open_system().

    HCS: HcsOpenProcess
    """
    cdef hcsrt_request request
    cdef Function row = row_of("HcsOpenProcess")
    cdef _Call self = new_call(row.name, system)
    row.find(hcs())
    request = hcsrt_new_request()
    request.start = start_open_process
    request.number = pid
    request.untracked = True
    request.creates = HCSRT_CREATES_PROCESS
    request.keep = True
    request.lane = HCSRT_LANE_URGENT if urgent else row.row.lane
    self.created = new_process()
    return self.submit(&request, timeout)


def service(str function not None, *texts, timeout=None):
    """Call an HCS function of the service, which has texts and no handle; the future's result is what it gives.

    Those are HcsGetServiceProperties and HcsModifyServiceSettings, HcsSubmitWerReport, the empty files, the access of
    VMs and the processor features of a saved state. Raises ValueError for another function, TypeError for other texts.
    """
    cdef Function row = row_of(function)
    cdef hcsrt_request request
    cdef _Call self = new_call(function, None)
    cdef int shape = row.row.shape
    request = hcsrt_new_request()
    check_texts(row, texts)
    request.start = (
        start_string if shape == HCSRT_SHAPE_STRING
        else start_strings if shape == HCSRT_SHAPE_STRINGS
        else start_question
    )
    self.texts = encoded = [utf16(text, "text") for text in texts]
    request.texts[0] = units(encoded[0])
    if shape == HCSRT_SHAPE_STRINGS:
        request.texts[1] = units(encoded[1])
    request.function = row.find(hcs())
    request.untracked = True
    return self.submit(&request, timeout)


def close(Handle handle not None, bint urgent=False):
    """Close a handle: it refuses calls from now on. The future is done when the native close has returned.

    If calls are inside, the last one out closes, and the future may be done before. A second close does nothing.
    `urgent` is as for open_system().
    """
    cdef hcsrt_request request
    cdef _Call self = new_call("close", handle)
    if handle.closed:
        future = get_running_loop().create_future()
        future.set_result(None)
        return future
    hcs()
    request = hcsrt_new_request()
    request.start = start_close
    request.untracked = True
    request.lane = HCSRT_LANE_URGENT if urgent else HCSRT_LANE_NONE
    self.closes = True
    return self.submit(&request)


cdef hcsrt_result start_release(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                hcsrt_outcome *outcome) noexcept nogil:
    (<hcsrt_close> request.function)(request.raw, request.identity)
    return 0


cdef void released(hcsrt_call *call, void *context) noexcept nogil:
    core.call_release(call)
    core.reaper_announce(-1)


def discard(Handle handle not None):
    """Close a handle without waiting for it; from any thread, with or without a loop. hcsrt.pending() counts it."""
    cdef hcsrt_request request
    request = hcsrt_new_request()
    with nogil:
        if close_without_release(handle, &request.raw, &request.identity):
            request.function = <hcsrt_function> handle._close
            request.start = start_release
            request.untracked = True
            request.complete = <hcsrt_complete> released
            core.reaper_announce(1)
            if core.submit(NULL, &request) == NULL:
                # No worker can be had, so it is done here.
                handle._close(request.raw, request.identity)
                core.reaper_announce(-1)


def terminate(Handle handle not None, str function not None):
    """Terminate what nobody will own, and discard its handle. `function` is the HCS function that does it."""
    cdef hcsrt_request request
    cdef Function row = row_of(function)
    cdef _Call self = new_call(function, handle)
    cdef hcsrt_port *port = NULL
    request = hcsrt_new_request()
    request.function = <hcsrt_function> verb_of(function, handle)
    request.start = start_verb
    request.lane = row.row.lane
    request.insist = True
    request.complete = complete
    request.context = <void *> self
    if enter_handle(handle, &request) == HANDLE_OK:
        # A port without a loop: the call is collected as those of a closed loop are.
        port = core.port_new(False)
        Py_INCREF(self)
        if port == NULL or core.submit(port, &request) == NULL:
            Py_DECREF(self)
            with nogil:
                leave_handle(<void *> handle)
                leave_to_reaper(handle)
        if port != NULL:
            core.port_close(port)
    discard(handle)


cdef void leave_to_reaper(Handle handle) noexcept nogil:
    """Have the reaper terminate what the handle is of, where no call of the engine can be had."""
    cdef hcsrt_abandoned call
    memset(&call, 0, sizeof(call))
    if core.reaper_start() and close_without_release(handle, &call.created, &call.context):
        call.api = core.chosen()
        call.creates = HCSRT_CREATES_SYSTEM if handle._close == core.close_system else HCSRT_CREATES_PROCESS
        call.close = handle._close
        core.reap(&call)


# --- events ---------------------------------------------------------------------------------------------------------

def watch(Handle handle not None, timeout=None):
    """Register the one event callback of a system's or a process's handle, for wait_exit() and EventReader.

    The await raises HandleBusyError if there is one.

    HCS: HcsSetComputeSystemCallback, HcsSetProcessCallback
    """
    cdef hcsrt_request request
    cdef bint is_system = isinstance(handle, OwnedSystem)
    if not is_system and not isinstance(handle, OwnedProcess):
        raise TypeError(f"handle must be of a system or a process, not {type(handle).__name__}")
    cdef str function = "HcsSetComputeSystemCallback" if is_system else "HcsSetProcessCallback"
    cdef Function row = row_of(function)
    cdef _Call self = new_call(function, handle)
    row.find(hcs())
    request = hcsrt_new_request()
    request.start = start_watch
    request.number = is_system
    request.untracked = True
    request.lane = row.row.lane
    self.watches = True
    return self.submit(&request, timeout)


@cython.final
@cython.no_gc_clear
cdef class EventReader:
    """One reader of the events of a watched handle, for one loop; its queue has room for `size` of them.

    An event that finds the queue full is dropped and counted, except the exit and the disconnect. A `size` of 0 is for
    who wants only these. Raises HandleClosedError, and ValueError for a handle that is not watched.
    """

    cdef Handle handle
    cdef hcsrt_subscriber *subscriber
    cdef hcsrt_news *news
    cdef uint32_t seen
    cdef _Call waiting

    def __cinit__(self, Handle handle not None, uint32_t size):
        cdef hcsrt_watch *own = NULL
        cdef int status
        self.handle = handle
        self.news = core.news_new()
        if self.news == NULL:
            raise MemoryError
        with nogil:
            status = handle._enter()
            if status == HANDLE_OK:
                own = watch_of(handle)
                if own != NULL:
                    self.subscriber = core.subscribe(own, size, core.news_came, self.news)
                handle._leave()
        check_entered(handle, status)
        if own == NULL:
            raise not_watched(handle)
        if self.subscriber == NULL:
            raise MemoryError(f"no memory for a queue of {size} events")

    def __dealloc__(self):
        if self.subscriber != NULL:
            with nogil:
                core.unsubscribe(self.subscriber)
        if self.news != NULL:
            core.news_release(self.news)

    def next(self):
        """Return the next event as (type, data, time, lost, data_lost), or None if there is none; never waits.

        type: HCS_EVENT_TYPE. data: its document or None. time: when HCS told of it, in nanoseconds since 1970. lost:
        how many events before it found the queue full. data_lost: whether there was no memory for its document. Raises
        EOFError after the exit or the disconnect, and when the handle is closed and the queue is empty.
        """
        cdef hcsrt_next_event event
        cdef int what
        self.seen = core.news_count(self.news)
        what = core.subscriber_next(self.subscriber, 0, &event)
        if what == HCSRT_NEXT_END:
            raise EOFError("no more events come")
        if what != HCSRT_NEXT_EVENT:
            return None
        try:
            text = None if event.data == NULL else decode(event.data)
            return event.type, text, event.time, event.lost, event.data_lost != 0
        finally:
            core.next_event_release(&event)

    def ready(self):
        """Return a future that is done when next() may have an event that it had not before; one at a time."""
        cdef _Call call = self.waiting
        if call is not None:
            if not call.future.done():
                raise RuntimeError("somebody waits for this reader's events already")
            # It has its news, and the loop is about to tell it so.
            call.stop_waiting()
        call = new_call("events", None)
        call.reader = self
        return call.expect()


def wait_exit(Handle handle not None):
    """Return a future that is done when the exit latch of a watched handle is set; the latch is never unset.

    Raises HandleClosedError, and ValueError for a handle that is not watched; the await raises HandleClosedError when
    the handle is closed before. Then exit_status() of hcsrt._watch tells what the latch was set by.
    """
    cdef _Call self = new_call("wait_exit", None)
    self.reader = EventReader(handle, 0)
    self.until_exit = True
    return self.expect()


# --- counts ---------------------------------------------------------------------------------------------------------

def in_flight():
    """Return how many calls of all loops wait for a worker, for HCS, or for their loop."""
    return core.engine_count().in_flight


def counts():
    """Return what the engine has counted: late and repeated callbacks, calls that had to be asked for, and more."""
    cdef hcsrt_engine_counts all = core.engine_count()
    return {
        "in_flight": all.in_flight,
        "stale": all.stale,
        "repeated": all.repeated,
        "asked": all.asked,
        "threads": all.threads,
    }


make_immortal(globals())
