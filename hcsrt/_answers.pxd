"""The answers of HCS as Python objects, for who has them as HCS gave them.

Internal: no wheel has this file.
"""

from hcsrt._types cimport hcsrt_char

# What answer() of the module returns for the text of a document; NULL: no document.
cdef object read_answer(const hcsrt_char *document, str operation, kind)
