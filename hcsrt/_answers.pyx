"""The answers of HCS as Python objects.

Nearly all are plain: ASCII without escapes, and whole numbers. Those are read from the UTF-16 of HCS itself, in less
time than it takes to make a str of it. Python's json reads all others, and refuses what is no JSON.
"""

from libc.stdint cimport int64_t

from hcsrt._immortal cimport hcsrt_counts_are_shared, make_immortal
from hcsrt._text cimport (
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    decode,
    hcsrt_text_equals,
    hcsrt_text_hash,
    hcsrt_text_length,
    hcsrt_text_plain,
    text_of_ascii,
)
from hcsrt._types cimport hcsrt_char

from ._hresults import ERROR_INVALID_DATA
from ._json import loads
from .errors import error_from

cdef enum:
    MOST_DEPTH = 100    # of objects and arrays within each other: the reader calls itself
    MOST_DIGITS = 18    # an int64_t has room for so many, whichever they are
    NAMES = 256         # of members that are kept, each of at most so many characters
    LONGEST_NAME = 64

# What a reader returns for something that is not plain. No document has it.
cdef object NOT_PLAIN = object()


# Not on free-threaded CPython, where threads would write to the counts of references of the same names.
cdef list names = [None] * NAMES


cdef struct Reader:
    const hcsrt_char *at
    const hcsrt_char *end       # the terminating NUL
    int depth


def answer(text, operation, kind not None):
    """Read what HCS answered, an object or an array; no document at all is an empty one.

    Whoever calls this knows which document it is, and whether HCS keeps to it nobody checks: what newer versions of
    HCS tell stays in it.
    """
    try:
        value = loads(text)
    except ValueError:
        value = text
    if value is None:
        return kind()
    if not isinstance(value, kind):
        name = "object" if kind is dict else "array"
        raise error_from(ERROR_INVALID_DATA, operation, {"ErrorMessage": f"The answer of HCS is not a JSON {name}"})
    return value


cdef object read_answer(const hcsrt_char *document, str operation, kind):
    cdef Reader reader
    if document == NULL:
        return kind()
    reader.at = document
    reader.end = document + hcsrt_text_length(document)
    reader.depth = 0
    value = read_value(&reader)
    if type(value) is kind and skip_blanks(&reader) == 0 and reader.at == reader.end:
        return value
    return answer(decode(document), operation, kind)


# --- the plain ones -------------------------------------------------------------------------------------------------

cdef inline hcsrt_char skip_blanks(Reader *reader) noexcept nogil:
    """Go on to what is no blank, and return it; 0 at the end."""
    cdef hcsrt_char unit = reader.at[0]
    while unit == 0x20 or unit == 0x0A or unit == 0x0D or unit == 0x09:
        reader.at += 1
        unit = reader.at[0]
    return unit


cdef inline bint skip_word(Reader *reader, const char *word) noexcept nogil:
    cdef int length = 0
    while word[length]:
        # The terminating NUL is none of them.
        if reader.at[length] != <hcsrt_char> word[length]:
            return False
        length += 1
    reader.at += length
    return True


cdef object read_value(Reader *reader):
    cdef hcsrt_char unit = skip_blanks(reader)
    if unit == u'"':
        return read_string(reader)
    if unit == u'{':
        return read_object(reader)
    if unit == u'[':
        return read_array(reader)
    if unit == u'-' or u'0' <= unit <= u'9':
        return read_int(reader)
    if skip_word(reader, b"true"):
        return True
    if skip_word(reader, b"false"):
        return False
    if skip_word(reader, b"null"):
        return None
    return NOT_PLAIN


cdef object read_string(Reader *reader):
    cdef const hcsrt_char *first = reader.at + 1
    cdef size_t length = hcsrt_text_plain(first, reader.end - first)
    # At a backslash, at what is not ASCII, or at the end.
    if first[length] != u'"':
        return NOT_PLAIN
    reader.at = first + length + 1
    return text_of_ascii(first, length)


cdef object read_name(Reader *reader):
    """Read the name of a member: HCS has few of them, and tells them again and again."""
    cdef const hcsrt_char *first = reader.at + 1
    cdef size_t length, place
    if hcsrt_counts_are_shared:
        return read_string(reader)
    length = hcsrt_text_plain(first, reader.end - first)
    if length > LONGEST_NAME or first[length] != u'"':
        return read_string(reader)
    place = hcsrt_text_hash(first, length) % NAMES
    name = names[place]
    if name is None or not is_text(name, first, length):
        name = names[place] = text_of_ascii(first, length)
    reader.at = first + length + 1
    return name


cdef inline bint is_text(str known, const hcsrt_char *text, size_t length) noexcept:
    return <size_t> PyUnicode_GET_LENGTH(known) == length and hcsrt_text_equals(
        <const char *> PyUnicode_DATA(known), text, length)


cdef object read_int(Reader *reader):
    cdef bint is_negative = reader.at[0] == u'-'
    cdef const hcsrt_char *first = reader.at + is_negative
    cdef const hcsrt_char *at = first
    cdef int64_t value = 0
    while u'0' <= at[0] <= u'9':
        if at - first == MOST_DIGITS:
            return NOT_PLAIN
        value = value * 10 + (at[0] - 0x30)
        at += 1
    if at == first or (first[0] == u'0' and at - first > 1) or at[0] == u'.' or at[0] == u'e' or at[0] == u'E':
        return NOT_PLAIN
    reader.at = at
    return -value if is_negative else value


cdef object read_object(Reader *reader):
    cdef dict result = {}
    cdef hcsrt_char unit
    reader.at += 1
    reader.depth += 1
    if reader.depth > MOST_DEPTH:
        return NOT_PLAIN
    unit = skip_blanks(reader)
    if unit != u'}':
        while True:
            if unit != u'"':
                return NOT_PLAIN
            name = read_name(reader)
            if name is NOT_PLAIN or skip_blanks(reader) != u':':
                return NOT_PLAIN
            reader.at += 1
            value = read_value(reader)
            if value is NOT_PLAIN:
                return NOT_PLAIN
            result[name] = value
            unit = skip_blanks(reader)
            if unit == u'}':
                break
            if unit != u',':
                return NOT_PLAIN
            reader.at += 1
            unit = skip_blanks(reader)
    reader.at += 1
    reader.depth -= 1
    return result


cdef object read_array(Reader *reader):
    cdef list result = []
    cdef hcsrt_char unit
    reader.at += 1
    reader.depth += 1
    if reader.depth > MOST_DEPTH:
        return NOT_PLAIN
    if skip_blanks(reader) != u']':
        while True:
            value = read_value(reader)
            if value is NOT_PLAIN:
                return NOT_PLAIN
            result.append(value)
            unit = skip_blanks(reader)
            if unit == u']':
                break
            if unit != u',':
                return NOT_PLAIN
            reader.at += 1
    reader.at += 1
    reader.depth -= 1
    return result


make_immortal(globals())
