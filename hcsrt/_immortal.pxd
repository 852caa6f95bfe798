"""Objects whose references are not counted, on free-threaded CPython; inline.

Internal: no wheel has this file.
"""

cdef extern from *:
    """
    #if defined(Py_GIL_DISABLED)
    static const int hcsrt_counts_are_shared = 1;
    /* Py_SET_REFCNT is documented to do it; it leaves alone what another thread has made. */
    static void hcsrt_make_immortal(PyObject *object) {
        if (PyObject_IS_GC(object)) PyObject_GC_UnTrack(object);
        Py_SET_REFCNT(object, (Py_ssize_t)UINT32_MAX + 1);
    }
    #else
    static const int hcsrt_counts_are_shared = 0;
    static inline void hcsrt_make_immortal(PyObject *object) { (void)object; }
    #endif
    """
    const bint hcsrt_counts_are_shared
    void hcsrt_make_immortal(object it)


# To be called at the end of a module with its globals(). Otherwise, on free-threaded CPython, threads that call its
# functions write to the same counts of references, which is most of the work of a short call.
cdef inline int make_immortal(dict names) except -1:
    if not hcsrt_counts_are_shared:
        return 0
    for value in names.values():
        if type(value).__name__ in ("cython_function_or_method", "builtin_function_or_method"):
            if value.__module__ == names.get("__name__", value.__module__):
                hcsrt_make_immortal(value)
        elif type(value).__name__ in ("method_descriptor", "member_descriptor"):
            if value.__objclass__.__module__.startswith("hcsrt."):
                hcsrt_make_immortal(value)
        elif isinstance(value, staticmethod):
            hcsrt_make_immortal(value)
            hcsrt_make_immortal(value.__func__)
        elif isinstance(value, type) and value.__module__ == names.get("__name__"):
            make_immortal(dict(vars(value)))
    return 0
