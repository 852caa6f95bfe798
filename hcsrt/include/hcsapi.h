/* HcsApi: the one table through which hcsrt reaches an HCS.
 *
 * computecore.dll and the emulator fill the same table, so nothing above it can tell them apart. The ways to release are
 * part of it: each backend counts what it hands out. Plain C, included through hcsrt.h, which declares the types. */
#ifndef HCSRT_HCSAPI_H
#define HCSRT_HCSAPI_H

#include "hcsrt.h"

/* The Windows version that first has a function; hcsshim alone knows the functions whose page does not exist. */
#define HCSRT_RS5 "Windows 10 1809 / Server 2019"
#define HCSRT_V2004 "Windows 10 2004 / Server 2022"
#define HCSRT_V2104 "Windows 10 2104 / Server 2022"
#define HCSRT_UNSTATED "a newer Windows (Microsoft does not say which)"

/* F(result, name, parameters, since) for each export of computecore.dll with a public prototype. */
#define HCSRT_FUNCTIONS(F) \
    F(hcsrt_result, HcsAddResourceToOperation, \
      (hcsrt_operation operation, uint32_t resource_type, const hcsrt_char *uri, hcsrt_handle handle), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsCancelLiveMigration, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsCancelOperation, (hcsrt_operation operation), HCSRT_RS5) \
    F(void, HcsCloseComputeSystem, (hcsrt_system system), HCSRT_RS5) \
    F(void, HcsCloseOperation, (hcsrt_operation operation), HCSRT_RS5) \
    F(void, HcsCloseProcess, (hcsrt_process process), HCSRT_RS5) \
    F(hcsrt_result, HcsCrashComputeSystem, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_RS5) \
    F(hcsrt_result, HcsCreateComputeSystem, \
      (const hcsrt_char *id, const hcsrt_char *configuration, hcsrt_operation operation, \
       const void *security_descriptor, hcsrt_system *system), HCSRT_RS5) \
    F(hcsrt_result, HcsCreateComputeSystemInNamespace, \
      (const hcsrt_char *id_namespace, const hcsrt_char *id, const hcsrt_char *configuration, \
       hcsrt_operation operation, const hcsrt_create_options *options, hcsrt_system *system), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsCreateEmptyGuestStateFile, (const hcsrt_char *guest_state_file_path), HCSRT_RS5) \
    F(hcsrt_result, HcsCreateEmptyRuntimeStateFile, (const hcsrt_char *runtime_state_file_path), HCSRT_RS5) \
    F(hcsrt_operation, HcsCreateOperation, (void *context, hcsrt_operation_completion callback), HCSRT_RS5) \
    F(hcsrt_operation, HcsCreateOperationWithNotifications, \
      (uint32_t event_types, const void *context, hcsrt_event_callback callback), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsCreateProcess, \
      (hcsrt_system system, const hcsrt_char *process_parameters, hcsrt_operation operation, \
       const void *security_descriptor, hcsrt_process *process), HCSRT_RS5) \
    F(hcsrt_result, HcsEnumerateComputeSystems, (const hcsrt_char *query, hcsrt_operation operation), HCSRT_RS5) \
    F(hcsrt_result, HcsEnumerateComputeSystemsInNamespace, \
      (const hcsrt_char *id_namespace, const hcsrt_char *query, hcsrt_operation operation), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsFinalizeLiveMigration, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_UNSTATED) \
    F(hcsrt_system, HcsGetComputeSystemFromOperation, (hcsrt_operation operation), HCSRT_RS5) \
    F(hcsrt_result, HcsGetComputeSystemProperties, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *property_query), HCSRT_RS5) \
    F(void *, HcsGetOperationContext, (hcsrt_operation operation), HCSRT_RS5) \
    F(uint64_t, HcsGetOperationId, (hcsrt_operation operation), HCSRT_RS5) \
    F(hcsrt_result, HcsGetOperationProperties, \
      (hcsrt_operation operation, const hcsrt_char *options, hcsrt_char **result_document), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsGetOperationResult, (hcsrt_operation operation, hcsrt_char **result_document), HCSRT_RS5) \
    F(hcsrt_result, HcsGetOperationResultAndProcessInfo, \
      (hcsrt_operation operation, hcsrt_process_information *process_information, hcsrt_char **result_document), HCSRT_RS5) \
    F(int32_t, HcsGetOperationType, (hcsrt_operation operation), HCSRT_RS5) \
    F(hcsrt_process, HcsGetProcessFromOperation, (hcsrt_operation operation), HCSRT_RS5) \
    F(hcsrt_result, HcsGetProcessInfo, (hcsrt_process process, hcsrt_operation operation), HCSRT_RS5) \
    F(hcsrt_result, HcsGetProcessProperties, \
      (hcsrt_process process, hcsrt_operation operation, const hcsrt_char *property_query), HCSRT_RS5) \
    F(hcsrt_result, HcsGetProcessorCompatibilityFromSavedState, \
      (const hcsrt_char *runtime_file_name, hcsrt_char **processor_features_string), HCSRT_V2104) \
    F(hcsrt_result, HcsGetServiceProperties, (const hcsrt_char *property_query, hcsrt_char **result), HCSRT_RS5) \
    F(hcsrt_result, HcsGrantVmAccess, (const hcsrt_char *vm_id, const hcsrt_char *file_path), HCSRT_RS5) \
    F(hcsrt_result, HcsGrantVmGroupAccess, (const hcsrt_char *file_path), HCSRT_V2004) \
    F(hcsrt_result, HcsInitializeLiveMigrationOnSource, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsModifyComputeSystem, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *configuration, hcsrt_handle identity), HCSRT_RS5) \
    F(hcsrt_result, HcsModifyProcess, \
      (hcsrt_process process, hcsrt_operation operation, const hcsrt_char *settings), HCSRT_RS5) \
    F(hcsrt_result, HcsModifyServiceSettings, (const hcsrt_char *settings, hcsrt_char **result), HCSRT_RS5) \
    F(hcsrt_result, HcsOpenComputeSystem, \
      (const hcsrt_char *id, uint32_t requested_access, hcsrt_system *system), HCSRT_RS5) \
    F(hcsrt_result, HcsOpenComputeSystemInNamespace, \
      (const hcsrt_char *id_namespace, const hcsrt_char *id, uint32_t requested_access, hcsrt_system *system), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsOpenProcess, \
      (hcsrt_system system, uint32_t process_id, uint32_t requested_access, hcsrt_process *process), HCSRT_RS5) \
    F(hcsrt_result, HcsPauseComputeSystem, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_RS5) \
    F(hcsrt_result, HcsResumeComputeSystem, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_RS5) \
    F(hcsrt_result, HcsRevokeVmAccess, (const hcsrt_char *vm_id, const hcsrt_char *file_path), HCSRT_RS5) \
    F(hcsrt_result, HcsRevokeVmGroupAccess, (const hcsrt_char *file_path), HCSRT_V2004) \
    F(hcsrt_result, HcsSaveComputeSystem, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_RS5) \
    F(hcsrt_result, HcsSetComputeSystemCallback, \
      (hcsrt_system system, uint32_t callback_options, const void *context, hcsrt_event_callback callback), HCSRT_RS5) \
    F(hcsrt_result, HcsSetOperationCallback, \
      (hcsrt_operation operation, const void *context, hcsrt_operation_completion callback), HCSRT_RS5) \
    F(hcsrt_result, HcsSetOperationContext, (hcsrt_operation operation, void *context), HCSRT_RS5) \
    F(hcsrt_result, HcsSetProcessCallback, \
      (hcsrt_process process, uint32_t callback_options, void *context, hcsrt_event_callback callback), HCSRT_RS5) \
    F(hcsrt_result, HcsShutDownComputeSystem, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_RS5) \
    F(hcsrt_result, HcsSignalProcess, \
      (hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options), HCSRT_RS5) \
    F(hcsrt_result, HcsStartComputeSystem, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_RS5) \
    F(hcsrt_result, HcsStartLiveMigrationOnSource, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsStartLiveMigrationTransfer, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_UNSTATED) \
    F(hcsrt_result, HcsSubmitWerReport, (const hcsrt_char *settings), HCSRT_RS5) \
    F(hcsrt_result, HcsTerminateComputeSystem, \
      (hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options), HCSRT_RS5) \
    F(hcsrt_result, HcsTerminateProcess, \
      (hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options), HCSRT_RS5) \
    F(hcsrt_result, HcsWaitForComputeSystemExit, \
      (hcsrt_system system, uint32_t timeout_ms, hcsrt_char **result), HCSRT_V2104) \
    F(hcsrt_result, HcsWaitForOperationResult, \
      (hcsrt_operation operation, uint32_t timeout_ms, hcsrt_char **result_document), HCSRT_RS5) \
    F(hcsrt_result, HcsWaitForOperationResultAndProcessInfo, \
      (hcsrt_operation operation, uint32_t timeout_ms, hcsrt_process_information *process_information, \
       hcsrt_char **result_document), HCSRT_RS5) \
    F(hcsrt_result, HcsWaitForProcessExit, \
      (hcsrt_process process, uint32_t timeout_ms, hcsrt_char **result), HCSRT_V2104)

/* An entry is NULL where the backend lacks the function; never call it unasked. */
typedef struct HcsApi {
    size_t size;                   /* sizeof(HcsApi) as the backend was compiled; later fields only grow at the end */
#define HCSRT_FIELD(result, name, parameters, since) result(HCSRT_CALL *name) parameters;
    HCSRT_FUNCTIONS(HCSRT_FIELD)
#undef HCSRT_FIELD
    void (*free_string)(hcsrt_char *string);          /* LocalFree: result documents of HCS */
    void (*free_cotaskmem)(void *memory);             /* CoTaskMemFree: strings of HCN */
    int (*close_handle)(hcsrt_handle handle);         /* CloseHandle: stdio; nonzero on success */
} HcsApi;

#endif
