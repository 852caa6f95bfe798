"""The parts of the blocking calls that operations by hand and the engine share.

Internal: no wheel has this file.
"""

from libc.stdint cimport uint32_t

from hcsrt._api cimport HcsApi
from hcsrt._core cimport hcsrt_call
from hcsrt._functions cimport Function
from hcsrt._handles cimport Handle, OwnedOperation
from hcsrt._plumbing cimport handle_verb

# Resolves the calls that the engine has delivered, each by its `complete`.
cdef void complete_calls(hcsrt_call *chain) noexcept
# The same, and releases them.
cdef void resolve_calls(hcsrt_call *chain) noexcept

cdef OwnedOperation begin_operation(const HcsApi *api)

cdef int check_resource(uri, handle) except -1
cdef int add_resource_to(OwnedOperation operation, uint32_t resource_type, uri, handle) except -1

cdef bytearray create_options(namespace, user_token, security_descriptor)

# The entry of a function of the shape (handle, operation, text). Raises ValueError for another one, TypeError if it is
# not for this kind of handle, NotSupportedError.
cdef handle_verb verb_of(str function, Handle handle) except NULL
cdef int check_subject(Function row, Handle handle) except -1
cdef int check_texts(Function row, tuple texts) except -1
