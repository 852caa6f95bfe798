/* What computecore.dll exports, for those who link it, as far as the works need it. */
#ifndef HCSBENCH_EXPORTS_H
#define HCSBENCH_EXPORTS_H

#include <stddef.h>

#include <hcsrt.h>

#ifdef __cplusplus
extern "C" {
#endif

void HcsCloseComputeSystem(hcsrt_system system);
hcsrt_operation HcsCreateOperation(void *context, hcsrt_operation_completion callback);
void HcsCloseOperation(hcsrt_operation operation);
uint64_t HcsGetOperationId(hcsrt_operation operation);
hcsrt_result HcsGetComputeSystemProperties(hcsrt_system system, hcsrt_operation operation, const hcsrt_char *query);
hcsrt_result HcsWaitForOperationResult(hcsrt_operation operation, uint32_t timeout_ms, hcsrt_char **document);
void *LocalFree(void *memory);

#ifdef __cplusplus
}
#endif

static inline size_t length_of(const hcsrt_char *text) {
    size_t length = 0;
    while (text[length]) ++length;
    return length;
}

#endif
