"""The declarations of both contestants that use cffi."""

DECLARATIONS = """
void HcsCloseComputeSystem(void *system);
void *HcsCreateOperation(void *context, void *callback);
void HcsCloseOperation(void *operation);
uint64_t HcsGetOperationId(void *operation);
int32_t HcsGetComputeSystemProperties(void *system, void *operation, char16_t *query);
int32_t HcsWaitForOperationResult(void *operation, uint32_t timeout_ms, char16_t **document);
void *LocalFree(void *memory);
"""


def handles_of(ffi, lib):
    """Return the functions that the works name. The handles are cffi's own cdata; it releases the GIL in calls."""
    null, gc, cast = ffi.NULL, ffi.gc, ffi.cast
    void_p = ffi.typeof("void *")
    close_system, close_operation = lib.HcsCloseComputeSystem, lib.HcsCloseOperation

    def own(raw):
        return gc(cast(void_p, raw), close_system)

    def new_operation():
        return gc(lib.HcsCreateOperation(null, null), close_operation)

    def check(result):
        if result < 0:
            raise OSError(f"HRESULT {result & 0xFFFFFFFF:#x}")

    def properties(system):
        document = ffi.new("char16_t **")
        operation = new_operation()
        check(lib.HcsGetComputeSystemProperties(system, operation, null))
        check(lib.HcsWaitForOperationResult(operation, 0xFFFFFFFF, document))
        try:
            return ffi.string(document[0])
        finally:
            lib.LocalFree(document[0])

    return own, new_operation, properties
