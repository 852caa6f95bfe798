/* HcsApi: the table through which hcsrt reaches an HCS.
 *
 * computecore.dll and the emulator fill the same table, so nothing above it can tell them apart. The ways to
 * release are part of it: each backend counts what it hands out. Plain C, included through hcsrt.h, which
 * declares the types.
 *
 * Made by `tools/facts.py write` of the rows of native/backends/functions.h; edit those. */
#ifndef HCSRT_HCSAPI_H
#define HCSRT_HCSAPI_H

#include "hcsrt.h"

/* clang-format off */

/* Grows by one with each function that is appended; HCSRT_ABI grows when a compiled package would break. */
#define HCSRT_LEVEL 60

/* Whether the HCS behind a table has a function: an older hcsrt or backend has a shorter table, and an older
 * Windows lacks some functions of a whole one. */
#define HCSRT_HAS(api, function) \
    ((api)->size >= offsetof(HcsApi, function) + sizeof((api)->function) && (api)->function != NULL)

/* The same of an entry's address, for Cython: hcsrt_has(api, &api.HcsWaitForProcessExit). */
#define hcsrt_has(api, entry) \
    ((size_t)((const char *)(entry) - (const char *)(api)) + sizeof(void *) <= (api)->size && \
     *(void *const *)(entry) != NULL)

/* An entry is NULL where the HCS in use lacks the function. New functions are only appended. */
typedef struct hcsrt_api_2 {
    size_t size; /* of the table in bytes, where the code that fills it was compiled */
    void (*free_string)(hcsrt_char *string); /* LocalFree: the documents of HCS */
    void (*free_cotaskmem)(void *memory); /* CoTaskMemFree: the strings of HCN */
    int (*close_handle)(hcsrt_handle handle); /* CloseHandle: standard streams; nonzero on success */
    hcsrt_result (HCSRT_CALL *HcsAddResourceToOperation)(
        hcsrt_operation operation, uint32_t resource_type, const hcsrt_char *uri, hcsrt_handle handle);
    hcsrt_result (HCSRT_CALL *HcsCancelLiveMigration)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsCancelOperation)(hcsrt_operation operation);
    void (HCSRT_CALL *HcsCloseComputeSystem)(hcsrt_system system);
    void (HCSRT_CALL *HcsCloseOperation)(hcsrt_operation operation);
    void (HCSRT_CALL *HcsCloseProcess)(hcsrt_process process);
    hcsrt_result (HCSRT_CALL *HcsCrashComputeSystem)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsCreateComputeSystem)(
        const hcsrt_char *id, const hcsrt_char *configuration, hcsrt_operation operation,
        const void *security_descriptor, hcsrt_system *system);
    hcsrt_result (HCSRT_CALL *HcsCreateComputeSystemInNamespace)(
        const hcsrt_char *id_namespace, const hcsrt_char *id, const hcsrt_char *configuration,
        hcsrt_operation operation, const hcsrt_create_options *options, hcsrt_system *system);
    hcsrt_result (HCSRT_CALL *HcsCreateEmptyGuestStateFile)(const hcsrt_char *text);
    hcsrt_result (HCSRT_CALL *HcsCreateEmptyRuntimeStateFile)(const hcsrt_char *text);
    hcsrt_operation (HCSRT_CALL *HcsCreateOperation)(void *context, hcsrt_operation_completion callback);
    hcsrt_operation (HCSRT_CALL *HcsCreateOperationWithNotifications)(
        uint32_t event_types, const void *context, hcsrt_event_callback callback);
    hcsrt_result (HCSRT_CALL *HcsCreateProcess)(
        hcsrt_system system, const hcsrt_char *process_parameters, hcsrt_operation operation,
        const void *security_descriptor, hcsrt_process *process);
    hcsrt_result (HCSRT_CALL *HcsEnumerateComputeSystems)(const hcsrt_char *query, hcsrt_operation operation);
    hcsrt_result (HCSRT_CALL *HcsEnumerateComputeSystemsInNamespace)(
        const hcsrt_char *id_namespace, const hcsrt_char *query, hcsrt_operation operation);
    hcsrt_result (HCSRT_CALL *HcsFinalizeLiveMigration)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_system (HCSRT_CALL *HcsGetComputeSystemFromOperation)(hcsrt_operation operation);
    hcsrt_result (HCSRT_CALL *HcsGetComputeSystemProperties)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    void *(HCSRT_CALL *HcsGetOperationContext)(hcsrt_operation operation);
    uint64_t (HCSRT_CALL *HcsGetOperationId)(hcsrt_operation operation);
    hcsrt_result (HCSRT_CALL *HcsGetOperationProperties)(
        hcsrt_operation operation, const hcsrt_char *options, hcsrt_char **result_document);
    hcsrt_result (HCSRT_CALL *HcsGetOperationResult)(hcsrt_operation operation, hcsrt_char **result_document);
    hcsrt_result (HCSRT_CALL *HcsGetOperationResultAndProcessInfo)(
        hcsrt_operation operation, hcsrt_process_information *process_information, hcsrt_char **result_document);
    int32_t (HCSRT_CALL *HcsGetOperationType)(hcsrt_operation operation);
    hcsrt_process (HCSRT_CALL *HcsGetProcessFromOperation)(hcsrt_operation operation);
    hcsrt_result (HCSRT_CALL *HcsGetProcessInfo)(hcsrt_process process, hcsrt_operation operation);
    hcsrt_result (HCSRT_CALL *HcsGetProcessProperties)(
        hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsGetProcessorCompatibilityFromSavedState)(const hcsrt_char *query, hcsrt_char **result);
    hcsrt_result (HCSRT_CALL *HcsGetServiceProperties)(const hcsrt_char *query, hcsrt_char **result);
    hcsrt_result (HCSRT_CALL *HcsGrantVmAccess)(const hcsrt_char *vm_id, const hcsrt_char *file_path);
    hcsrt_result (HCSRT_CALL *HcsGrantVmGroupAccess)(const hcsrt_char *text);
    hcsrt_result (HCSRT_CALL *HcsInitializeLiveMigrationOnSource)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsModifyComputeSystem)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *configuration, hcsrt_handle identity);
    hcsrt_result (HCSRT_CALL *HcsModifyProcess)(
        hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsModifyServiceSettings)(const hcsrt_char *query, hcsrt_char **result);
    hcsrt_result (HCSRT_CALL *HcsOpenComputeSystem)(
        const hcsrt_char *id, uint32_t requested_access, hcsrt_system *system);
    hcsrt_result (HCSRT_CALL *HcsOpenComputeSystemInNamespace)(
        const hcsrt_char *id_namespace, const hcsrt_char *id, uint32_t requested_access, hcsrt_system *system);
    hcsrt_result (HCSRT_CALL *HcsOpenProcess)(
        hcsrt_system system, uint32_t process_id, uint32_t requested_access, hcsrt_process *process);
    hcsrt_result (HCSRT_CALL *HcsPauseComputeSystem)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsResumeComputeSystem)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsRevokeVmAccess)(const hcsrt_char *vm_id, const hcsrt_char *file_path);
    hcsrt_result (HCSRT_CALL *HcsRevokeVmGroupAccess)(const hcsrt_char *text);
    hcsrt_result (HCSRT_CALL *HcsSaveComputeSystem)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsSetComputeSystemCallback)(
        hcsrt_system system, uint32_t callback_options, const void *context, hcsrt_event_callback callback);
    hcsrt_result (HCSRT_CALL *HcsSetOperationCallback)(
        hcsrt_operation operation, const void *context, hcsrt_operation_completion callback);
    hcsrt_result (HCSRT_CALL *HcsSetOperationContext)(hcsrt_operation operation, void *context);
    hcsrt_result (HCSRT_CALL *HcsSetProcessCallback)(
        hcsrt_process process, uint32_t callback_options, void *context, hcsrt_event_callback callback);
    hcsrt_result (HCSRT_CALL *HcsShutDownComputeSystem)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsSignalProcess)(
        hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsStartComputeSystem)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsStartLiveMigrationOnSource)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsStartLiveMigrationTransfer)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsSubmitWerReport)(const hcsrt_char *text);
    hcsrt_result (HCSRT_CALL *HcsTerminateComputeSystem)(
        hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsTerminateProcess)(
        hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options);
    hcsrt_result (HCSRT_CALL *HcsWaitForComputeSystemExit)(
        hcsrt_system system, uint32_t timeout_ms, hcsrt_char **result);
    hcsrt_result (HCSRT_CALL *HcsWaitForOperationResult)(
        hcsrt_operation operation, uint32_t timeout_ms, hcsrt_char **result_document);
    hcsrt_result (HCSRT_CALL *HcsWaitForOperationResultAndProcessInfo)(
        hcsrt_operation operation, uint32_t timeout_ms, hcsrt_process_information *process_information,
        hcsrt_char **result_document);
    hcsrt_result (HCSRT_CALL *HcsWaitForProcessExit)(hcsrt_process process, uint32_t timeout_ms, hcsrt_char **result);
} hcsrt_api_2;

typedef hcsrt_api_2 HcsApi;

/* clang-format on */

#endif
