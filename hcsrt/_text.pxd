"""str and UTF-16, the strings that HCS hands out, and addresses as ints; inline.

Internal: no wheel has this file.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.unicode cimport PyUnicode_DecodeUTF16, PyUnicode_New
from libc.stdint cimport uint64_t, uintptr_t

from hcsrt._api cimport HcsApi
from hcsrt._types cimport hcsrt_char

cdef extern from "Python.h":
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from "core/text.h" nogil:
    size_t hcsrt_text_length(const hcsrt_char *text)
    bint hcsrt_text_is_ascii(const hcsrt_char *text, size_t length)
    size_t hcsrt_text_plain(const hcsrt_char *text, size_t length)
    size_t hcsrt_text_hash(const hcsrt_char *text, size_t length)
    bint hcsrt_text_equals(const char *bytes, const hcsrt_char *text, size_t length)
    void hcsrt_text_narrow(char *bytes, const hcsrt_char *text, size_t length)


cdef inline bytes utf16(text, str argument):
    """Return the argument as UTF-16 with its terminator; None stays None."""
    if text is None:
        return None
    if not isinstance(text, str) or "\0" in text:
        from hcsrt._arguments import check_text
        check_text(text, argument)
    return (<str> text).encode("utf-16-le", "surrogatepass") + b"\0\0"


cdef inline const hcsrt_char *units(bytes encoded) noexcept:
    """Return the characters of utf16(), valid as long as `encoded`; NULL for None."""
    if encoded is None:
        return NULL
    return <const hcsrt_char *> PyBytes_AS_STRING(encoded)


cdef inline str text_of_ascii(const hcsrt_char *text, size_t length):
    result = PyUnicode_New(length, 127)
    hcsrt_text_narrow(<char *> PyUnicode_DATA(result), text, length)
    return result


cdef inline str decode(const hcsrt_char *text):
    cdef Py_ssize_t length = hcsrt_text_length(text)
    cdef int byteorder = 0
    if not hcsrt_text_is_ascii(text, length):
        return PyUnicode_DecodeUTF16(<const char *> text, length * sizeof(hcsrt_char), "surrogatepass", &byteorder)
    return text_of_ascii(text, length)


cdef inline str take_string(const HcsApi *api, hcsrt_char *text):
    """Return the text of a string that HCS handed out, and release the string; None for NULL."""
    if text == NULL:
        return None
    try:
        return decode(text)
    finally:
        with nogil:
            api.free_string(text)


cdef inline uint64_t number_of(value, str argument, uint64_t most) except? 0:
    """Return the int from 0 to `most` that an argument has to be."""
    if not isinstance(value, int):
        raise TypeError(f"{argument} must be an int, not {type(value).__name__}")
    if not 0 <= value <= most:
        raise ValueError(f"{argument} must be from 0 to {most:#x}, not {value:#x}")
    return value


cdef inline void *pointer(value, str argument, str kind="Windows handle") except? NULL:
    """Return the Windows handle, or the other kind of pointer, that an int means; NULL for None."""
    if value is None:
        return NULL
    if isinstance(value, int):
        try:
            return <void *> <uintptr_t> value
        except OverflowError:
            pass
    from hcsrt._arguments import check_handle
    check_handle(value, argument, kind)
