"""The C types of asynchronous calls, for Cython."""

from libc.stdint cimport uint32_t

from hcsrt._api cimport HcsApi
from hcsrt._types cimport (
    hcsrt_char,
    hcsrt_handle,
    hcsrt_operation,
    hcsrt_process_information,
    hcsrt_result,
)

cdef extern from "hcsengine.h":
    ctypedef struct hcsrt_call:
        pass
    # With a port it has the GIL, without one it has not.
    ctypedef void (*hcsrt_complete)(hcsrt_call *call, void *context) noexcept

cdef extern from "hcsengine.h" nogil:
    ctypedef void (*hcsrt_function)() noexcept nogil
    const int HCSRT_CREATES_NOTHING
    const int HCSRT_CREATES_SYSTEM
    const int HCSRT_CREATES_PROCESS

    ctypedef enum hcsrt_lane:
        HCSRT_LANE_NONE
        HCSRT_LANE_ORDER
        HCSRT_LANE_QUERY
        HCSRT_LANE_TERMINATE
        HCSRT_LANE_URGENT
    ctypedef struct hcsrt_port:
        pass
    ctypedef struct hcsrt_outcome:
        hcsrt_result result
        int of_resources
        hcsrt_char *document
        hcsrt_process_information info
        void *created
    ctypedef struct hcsrt_resource:
        uint32_t type
        const hcsrt_char *uri
        hcsrt_handle handle
    ctypedef struct hcsrt_request
    ctypedef hcsrt_result (*hcsrt_start)(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                         hcsrt_outcome *outcome) noexcept nogil
    ctypedef struct hcsrt_request:
        size_t size
        hcsrt_start start
        hcsrt_function function
        void *raw
        const hcsrt_char *texts[3]
        uint32_t number
        hcsrt_handle identity
        const hcsrt_resource *resources
        uint32_t resource_count
        const void *options
        int untracked
        int creates
        int keep
        int insist
        int has_info
        hcsrt_lane lane
        void *subject
        void (*leave)(void *subject) noexcept nogil
        hcsrt_complete complete
        void *context
    hcsrt_request hcsrt_new_request()
