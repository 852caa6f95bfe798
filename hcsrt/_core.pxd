"""The native library: its types, and the addresses of its functions, which _core alone is linked with.

    from hcsrt._core cimport core
    core.reaper_start()

Internal: no wheel has this file.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from hcsrt._api cimport HcsApi, hcsrt_backend
from hcsrt._engine_types cimport (
    HCSRT_CREATES_NOTHING,
    HCSRT_CREATES_PROCESS,
    HCSRT_CREATES_SYSTEM,
    HCSRT_LANE_NONE,
    HCSRT_LANE_ORDER,
    HCSRT_LANE_QUERY,
    HCSRT_LANE_TERMINATE,
    HCSRT_LANE_URGENT,
    hcsrt_call,
    hcsrt_complete,
    hcsrt_function,
    hcsrt_lane,
    hcsrt_new_request,
    hcsrt_outcome,
    hcsrt_port,
    hcsrt_request,
    hcsrt_resource,
    hcsrt_start,
)
from hcsrt._types cimport (
    hcsrt_char,
    hcsrt_context,
    hcsrt_event,
    hcsrt_handle,
    hcsrt_operation,
    hcsrt_operation_completion,
    hcsrt_process_information,
    hcsrt_result,
)

cdef extern from "core/state.h" nogil:
    const uint32_t HCSRT_OWNED
    const uint32_t HCSRT_BOUND
    const uint32_t HCSRT_USERS
    int hcsrt_state_is_open(uint32_t state)
    int hcsrt_state_is_idle(uint32_t state)
    void hcsrt_state_adopt(uint32_t *word)
    int hcsrt_state_enter(uint32_t *word)
    int hcsrt_state_leave(uint32_t *word)
    int hcsrt_state_close(uint32_t *word)
    void hcsrt_state_finish(uint32_t *word)
    int hcsrt_state_detach(uint32_t *word)
    int hcsrt_state_bind(uint32_t *word)
    uint32_t hcsrt_word_load(const uint32_t *word)
    void *hcsrt_pointer_load(void **pointer)
    void hcsrt_pointer_store(void **pointer, void *value)

cdef extern from "core/results.h" nogil:
    const hcsrt_result HCSRT_E_OUTOFMEMORY
    const hcsrt_result HCSRT_E_POINTER
    const hcsrt_result HCSRT_E_WAIT_TIMEOUT
    const hcsrt_result HCSRT_E_CALLBACK_ALREADY_SET
    const hcsrt_result HCSRT_E_OPERATION_PENDING
    const hcsrt_result HCSRT_E_OPERATION_TIMEOUT
    const hcsrt_result HCSRT_WAIT_TIMEOUT
    const uint32_t HCSRT_GENERIC_ALL
    const uint32_t HCSRT_CREATE_OPTIONS_1
    const uint32_t HCSRT_EVENT_SYSTEM_EXITED
    const uint32_t HCSRT_EVENT_PROCESS_EXITED
    hcsrt_result hcsrt_result_of(uint32_t code)

cdef extern from "core/stdio_handle.h" nogil:
    void hcsrt_stdio_received(hcsrt_handle handle)

cdef extern from "core/reaper.h" nogil:
    ctypedef void (*hcsrt_close)(void *raw, void *context) noexcept nogil
    ctypedef struct hcsrt_abandoned:
        const HcsApi *api
        hcsrt_operation operation
        int creates
        int keep
        int has_info
        void *created
        void *context
        hcsrt_close close
        int disconnected

cdef extern from "core/aside.h" nogil:
    ctypedef struct hcsrt_aside:
        pass

cdef extern from "core/forks.h" nogil:
    ctypedef struct hcsrt_forks:
        unsigned long main_thread

cdef extern from "core/events.h" nogil:
    const uint32_t HCSRT_NOT_EXITED
    const uint32_t HCSRT_QUERIED
    const int HCSRT_NEXT_NOTHING
    const int HCSRT_NEXT_EVENT
    const int HCSRT_NEXT_END
    ctypedef struct hcsrt_watch:
        pass
    ctypedef struct hcsrt_subscriber:
        pass
    ctypedef void (*hcsrt_notify)(void *context) noexcept nogil
    ctypedef void (*hcsrt_disconnect_notice)(void *subject) noexcept nogil
    ctypedef struct hcsrt_next_event:
        uint32_t type
        int data_lost
        int64_t time
        uint64_t lost
        const hcsrt_char *data

cdef extern from "core/streams.h" nogil:
    ctypedef struct hcsrt_transfer:
        pass
    int HCSRT_TRANSFER_READ
    int HCSRT_TRANSFER_WRITE
    int HCSRT_TRANSFER_BLOCKING

cdef extern from "backends/table.h" nogil:
    ctypedef enum hcsrt_shape:
        HCSRT_SHAPE_OTHER
        HCSRT_SHAPE_VERB
        HCSRT_SHAPE_MODIFY
        HCSRT_SHAPE_STRING
        HCSRT_SHAPE_STRINGS
        HCSRT_SHAPE_QUESTION
    ctypedef enum hcsrt_subject:
        HCSRT_SUBJECT_NONE
        HCSRT_SUBJECT_SYSTEM
        HCSRT_SUBJECT_PROCESS
        HCSRT_SUBJECT_OPERATION
    ctypedef struct hcsrt_row:
        const char *name
        const char *since
        hcsrt_shape shape
        hcsrt_subject subject
        hcsrt_lane lane
        size_t offset

cdef extern from "engine/engine.h" nogil:
    ctypedef struct hcsrt_engine_counts:
        int64_t in_flight
        int64_t stale
        int64_t repeated
        int64_t asked
        int64_t threads

cdef extern from "engine/news.h" nogil:
    ctypedef struct hcsrt_news:
        pass

cdef extern from "interpose/interpose.h" nogil:
    const int HCSRT_CAN_FAIL
    const int HCSRT_IS_TRACKED
    const int HCSRT_GIVES_HANDLE
    const int HCSRT_HAS_DOCUMENT
    const int HCSRT_HAS_SUBJECT
    const int HCSRT_CAN_ANSWER
    const int HCSRT_MOST_TYPES
    const uint32_t HCSRT_FOR_EVER
    const int HCSRT_FIELD_ARGUMENT
    const int HCSRT_SITE_CALL
    const int HCSRT_SITE_COMPLETION
    const int HCSRT_ACTION_FAIL
    const int HCSRT_ACTION_DELAY
    const int HCSRT_ACTION_HANG
    const int HCSRT_ACTION_SILENCE
    const int HCSRT_RULE_UNFIT
    const int HCSRT_RULE_CROWDED
    const int HCSRT_RULE_NO_MEMORY
    const int HCSRT_RULE_UNABLE
    ctypedef struct hcsrt_condition:
        int field
        int comparison
        int argument
        int64_t number
        const hcsrt_char *text
    ctypedef struct hcsrt_rule:
        int site
        int function
        int stream
        uint32_t type_count
        uint32_t types[16]
        const hcsrt_char *system
        const hcsrt_char *owner
        const hcsrt_condition *conditions
        size_t condition_count
        uint32_t first
        uint32_t calls
        uint32_t every
        int by_chance
        double probability
        uint64_t seed
        uint32_t times
        int action
        hcsrt_result result
        const hcsrt_char *document
        uint32_t milliseconds
        uint32_t jitter
        uint64_t amount
    ctypedef struct hcsrt_firing:
        int64_t rule
        int64_t time
        uint32_t number
        uint32_t type
        uint32_t length
        hcsrt_char system[64]
    ctypedef struct hcsrt_fault_hook:
        size_t size

cdef extern from "exports.h" nogil:
    ctypedef struct hcsrt_core:
        hcsrt_forks *forks
        const hcsrt_row *rows
        size_t row_count

        uint32_t (*computecore_load)(hcsrt_backend *backend) noexcept nogil
        const char *(*lacking)(const hcsrt_backend *backend) noexcept nogil
        void (*choose)(const hcsrt_backend *backend) noexcept nogil
        const HcsApi *(*chosen)() noexcept nogil
        void (*replace_chosen)(const HcsApi *api) noexcept nogil
        int (*impersonates)() noexcept nogil
        void (*close_operation)(void *raw, void *context) noexcept nogil
        void (*close_system)(void *raw, void *context) noexcept nogil
        void (*close_process)(void *raw, void *context) noexcept nogil
        void (*close_stdio)(void *raw, void *context) noexcept nogil

        hcsrt_operation (*create_operation)(
            const HcsApi *api, void *context, hcsrt_operation_completion callback,
            hcsrt_result *error) noexcept nogil
        hcsrt_operation (*create_notifying_operation)(
            const HcsApi *api, uint32_t event_types, hcsrt_result *error) noexcept nogil
        hcsrt_result (*collect_operation)(
            const HcsApi *api, hcsrt_operation operation, uint32_t milliseconds, hcsrt_process_information *info,
            hcsrt_char **document) noexcept nogil
        void (*count_completion)(hcsrt_operation operation, void *context) noexcept nogil
        uint32_t (*completions)() noexcept nogil
        void (*wait_completions)(uint32_t seen, uint32_t milliseconds) noexcept nogil

        uint32_t (*find_fork)() noexcept nogil
        int (*reaper_start)() noexcept nogil
        void (*reap)(const hcsrt_abandoned *call) noexcept nogil
        void (*reaper_announce)(int64_t calls) noexcept nogil
        int64_t (*reaper_pending)() noexcept nogil
        void (*release)(hcsrt_close close, void *raw, void *context) noexcept nogil
        void (*callback_enter)() noexcept nogil
        void (*callback_leave)() noexcept nogil
        int64_t (*leaked)() noexcept nogil
        void (*count_leak)() noexcept nogil

        hcsrt_watch *(*watch_new)(uint32_t exit_event, void *subject) noexcept nogil
        hcsrt_context *(*watch_context)(hcsrt_watch *watch) noexcept nogil
        hcsrt_watch *(*watch_of)(hcsrt_context *context) noexcept nogil
        void (*watch_event)(hcsrt_event *event, void *watch) noexcept nogil
        void (*watch_latch)(hcsrt_watch *watch, uint32_t how, const hcsrt_char *document) noexcept nogil
        uint32_t (*watch_wait)(hcsrt_watch *watch, uint32_t milliseconds) noexcept nogil
        const hcsrt_char *(*watch_document)(hcsrt_watch *watch) noexcept nogil
        hcsrt_subscriber *(*subscribe)(
            hcsrt_watch *watch, uint32_t size, hcsrt_notify notify, void *context) noexcept nogil
        void (*unsubscribe)(hcsrt_subscriber *subscriber) noexcept nogil
        int (*subscriber_next)(
            hcsrt_subscriber *subscriber, uint32_t milliseconds, hcsrt_next_event *event) noexcept nogil
        void (*next_event_release)(hcsrt_next_event *event) noexcept nogil

        void (*transfer_begin)(
            hcsrt_transfer *transfer, hcsrt_handle stream, void *buffer, size_t size, int mode) noexcept nogil
        int64_t (*transfer_step)(hcsrt_transfer *transfer, uint32_t milliseconds) noexcept nogil
        int64_t (*transfer_end)(hcsrt_transfer *transfer) noexcept nogil
        void (*stream_interrupt)(hcsrt_handle stream) noexcept nogil
        int (*stream_share)(hcsrt_handle stream) noexcept nogil

        void (*engine_init)(int wait) noexcept nogil
        hcsrt_engine_counts (*engine_count)() noexcept nogil
        hcsrt_call *(*submit)(hcsrt_port *port, const hcsrt_request *request) noexcept nogil
        hcsrt_call *(*submit_waited)(hcsrt_port *port, const hcsrt_request *request) noexcept nogil
        hcsrt_call *(*expect)(hcsrt_port *port, hcsrt_complete complete, void *context, void **ticket) noexcept nogil
        int (*call_abandon)(hcsrt_call *call) noexcept nogil
        int (*call_is_abandoned)(const hcsrt_call *call) noexcept nogil
        int (*call_is_pending)(const hcsrt_call *call) noexcept nogil
        hcsrt_outcome *(*call_outcome)(hcsrt_call *call) noexcept nogil
        # With the GIL, which what it calls may need.
        void (*call_complete)(hcsrt_call *call) noexcept
        hcsrt_call *(*call_next)(const hcsrt_call *call) noexcept nogil
        void (*call_release)(hcsrt_call *call) noexcept nogil
        void (*calls_release)(hcsrt_call *chain) noexcept nogil
        hcsrt_port *(*port_new)(int with_descriptor) noexcept nogil
        void (*port_close)(hcsrt_port *port) noexcept nogil
        void (*port_close_copy)(hcsrt_port *port) noexcept nogil
        int (*port_descriptor)(const hcsrt_port *port) noexcept nogil
        int (*port_is_unsent)(const hcsrt_port *port) noexcept nogil
        void (*port_send)(hcsrt_port *port) noexcept nogil
        void (*port_release)(hcsrt_port *port, hcsrt_call *chain) noexcept nogil
        uint32_t (*port_wait)(hcsrt_port *port, uint32_t seen, uint32_t milliseconds) noexcept nogil
        uint32_t (*port_count)(const hcsrt_port *port) noexcept nogil
        uint32_t (*port_await)(hcsrt_port *port, uint32_t seen, uint32_t milliseconds) noexcept nogil
        int (*port_has_calls)(const hcsrt_port *port) noexcept nogil
        hcsrt_call *(*port_collect)(hcsrt_port *port) noexcept nogil
        hcsrt_call *(*orphans)() noexcept nogil
        void (*set_orphan_notice)(void (*notice)() noexcept nogil) noexcept nogil

        hcsrt_news *(*news_new)() noexcept nogil
        void (*news_release)(hcsrt_news *news) noexcept nogil
        void (*news_came)(void *news) noexcept nogil
        uint32_t (*news_count)(const hcsrt_news *news) noexcept nogil
        void (*news_wait)(hcsrt_news *news, uint32_t seen, void *ticket) noexcept nogil
        void (*news_stop)(hcsrt_news *news) noexcept nogil

        const HcsApi *(*interpose)(const HcsApi *inner) noexcept nogil
        void (*interpose_end)() noexcept nogil
        int (*interposed)(const char *name) noexcept nogil
        const char *(*interposed_name)(int function) noexcept nogil
        const HcsApi *(*interpose_without)(int function, int missing) noexcept nogil
        uint64_t (*interposed_calls)(int function) noexcept nogil
        int (*interposed_traits)(int function) noexcept nogil
        int (*interposed_number)(int function, int which, char *name, size_t size) noexcept nogil
        int64_t (*rule_add)(const hcsrt_rule *rule) noexcept nogil
        uint32_t (*rule_remove)(int64_t rule) noexcept nogil
        void (*rule_release)(int64_t rule) noexcept nogil
        uint32_t (*rule_met)(int64_t rule) noexcept nogil
        uint32_t (*rule_waiting)(int64_t rule) noexcept nogil
        int (*next_firing)(uint64_t *next, hcsrt_firing *firing) noexcept nogil
        void (*set_fault_hook)(const hcsrt_fault_hook *hook) noexcept nogil

        hcsrt_aside *(*aside_begin)(void (*work)(void *) noexcept nogil, void *argument) noexcept nogil
        int (*aside_wait)(hcsrt_aside *aside, uint32_t milliseconds) noexcept nogil
        void (*aside_abandon)(hcsrt_aside *aside) noexcept nogil
        void (*aside_release)(hcsrt_aside *aside) noexcept nogil

    # Grows by one in each forked child.
    uint32_t hcsrt_fork_epoch(const hcsrt_core *core)
    # Whether what has the epoch belongs to this process.
    bint hcsrt_is_here(const hcsrt_core *core, uint32_t epoch)
    # Releases the handle of an object, by the one thread that its state word has chosen.
    void hcsrt_finish(const hcsrt_core *core, hcsrt_close close, void **raw, void **context, uint32_t *state)

cdef hcsrt_core core
