"""The C types of HCS, for Cython."""

from libc.stdint cimport int32_t, uint16_t, uint32_t

cdef extern from "hcsrt.h" nogil:
    ctypedef int32_t hcsrt_result
    ctypedef uint16_t hcsrt_char
    ctypedef void *hcsrt_operation
    ctypedef void *hcsrt_system
    ctypedef void *hcsrt_process
    ctypedef void *hcsrt_handle

    ctypedef struct hcsrt_event:
        uint32_t type
        const hcsrt_char *data
        hcsrt_operation operation

    ctypedef struct hcsrt_process_information:
        uint32_t process_id
        hcsrt_handle std_input
        hcsrt_handle std_output
        hcsrt_handle std_error

    ctypedef void (*hcsrt_operation_completion)(hcsrt_operation operation, void *context) noexcept nogil
    ctypedef void (*hcsrt_event_callback)(hcsrt_event *event, void *context) noexcept nogil

    ctypedef struct hcsrt_create_options:
        uint32_t version
        hcsrt_handle user_token
        void *security_descriptor
        uint32_t callback_options
        void *callback_context
        hcsrt_event_callback callback

    ctypedef struct hcsrt_context:
        void (*destroy)(hcsrt_context *context) noexcept nogil
