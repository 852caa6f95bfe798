/* What a function of HCS is, once: its row in this table.
 *
 * `tools/facts.py write` makes include/hcsapi.h, _api.pxd and the table of docs/functions.md from the rows; native code
 * expands them. A new function is appended to its table, never put in between: compiled packages know its place.
 *
 * The columns of a row are
 *
 *   name       the export of the DLL
 *   since      the Windows that first has it; what stands behind the name is HCSRT_SINCE_*
 *   shape      what its prototype is: a name of the list below, or OF(result, (parameters)) for one of its own
 *   subject    what kind of handle it is called on
 *   lane       the order in which the engine makes calls of one handle: engine/engine.h */
#ifndef HCSRT_FUNCTIONS_H
#define HCSRT_FUNCTIONS_H

/* clang-format off */

/* The Windows version that first has a function; hcsshim alone knows the functions whose page does not exist. */
#define HCSRT_SINCE_RS5 "Windows 10 1809 / Server 2019"
#define HCSRT_SINCE_V2004 "Windows 10 2004 / Server 2022"
#define HCSRT_SINCE_V2104 "Windows 10 2104 / Server 2022"
#define HCSRT_SINCE_UNSTATED "a newer Windows (Microsoft does not say which)"

/* The shapes that several functions share, each with its result and its parameters; SUBJECT is the subject's handle.
 *
 *   VERB       hcsrt_result  (SUBJECT, hcsrt_operation operation, const hcsrt_char *options)
 *   MODIFY     hcsrt_result  (SUBJECT, hcsrt_operation operation, const hcsrt_char *configuration, hcsrt_handle identity)
 *   EXIT       hcsrt_result  (SUBJECT, uint32_t timeout_ms, hcsrt_char **result)
 *   CLOSE      void          (SUBJECT)
 *   STRING     hcsrt_result  (const hcsrt_char *text)
 *   STRINGS    hcsrt_result  (const hcsrt_char *vm_id, const hcsrt_char *file_path)
 *   QUESTION   hcsrt_result  (const hcsrt_char *query, hcsrt_char **result)
 *
 * backends/table.h holds each shape's declared type against the entry of the table. */
#define HCSRT_SHAPE_OF(result, parameters) HCSRT_SHAPE_OTHER

/* computecore.dll: F(name, since, shape, subject, lane). */
#define HCSRT_FUNCTIONS(F) \
    F(HcsAddResourceToOperation, UNSTATED, \
      OF(hcsrt_result, (hcsrt_operation operation, uint32_t resource_type, const hcsrt_char *uri, \
         hcsrt_handle handle)), OPERATION, NONE) \
    F(HcsCancelLiveMigration, UNSTATED, VERB, SYSTEM, TERMINATE) \
    F(HcsCancelOperation, RS5, OF(hcsrt_result, (hcsrt_operation operation)), OPERATION, NONE) \
    F(HcsCloseComputeSystem, RS5, CLOSE, SYSTEM, NONE) \
    F(HcsCloseOperation, RS5, CLOSE, OPERATION, NONE) \
    F(HcsCloseProcess, RS5, CLOSE, PROCESS, NONE) \
    F(HcsCrashComputeSystem, RS5, VERB, SYSTEM, TERMINATE) \
    F(HcsCreateComputeSystem, RS5, \
      OF(hcsrt_result, (const hcsrt_char *id, const hcsrt_char *configuration, hcsrt_operation operation, \
         const void *security_descriptor, hcsrt_system *system)), NONE, NONE) \
    F(HcsCreateComputeSystemInNamespace, UNSTATED, \
      OF(hcsrt_result, (const hcsrt_char *id_namespace, const hcsrt_char *id, const hcsrt_char *configuration, \
         hcsrt_operation operation, const hcsrt_create_options *options, hcsrt_system *system)), NONE, NONE) \
    F(HcsCreateEmptyGuestStateFile, RS5, STRING, NONE, NONE) \
    F(HcsCreateEmptyRuntimeStateFile, RS5, STRING, NONE, NONE) \
    F(HcsCreateOperation, RS5, OF(hcsrt_operation, (void *context, hcsrt_operation_completion callback)), NONE, NONE) \
    F(HcsCreateOperationWithNotifications, UNSTATED, \
      OF(hcsrt_operation, (uint32_t event_types, const void *context, hcsrt_event_callback callback)), NONE, NONE) \
    F(HcsCreateProcess, RS5, \
      OF(hcsrt_result, (hcsrt_system system, const hcsrt_char *process_parameters, hcsrt_operation operation, \
         const void *security_descriptor, hcsrt_process *process)), SYSTEM, QUERY) \
    F(HcsEnumerateComputeSystems, RS5, \
      OF(hcsrt_result, (const hcsrt_char *query, hcsrt_operation operation)), NONE, NONE) \
    F(HcsEnumerateComputeSystemsInNamespace, UNSTATED, \
      OF(hcsrt_result, (const hcsrt_char *id_namespace, const hcsrt_char *query, \
         hcsrt_operation operation)), NONE, NONE) \
    F(HcsFinalizeLiveMigration, UNSTATED, VERB, SYSTEM, ORDER) \
    F(HcsGetComputeSystemFromOperation, RS5, OF(hcsrt_system, (hcsrt_operation operation)), OPERATION, NONE) \
    F(HcsGetComputeSystemProperties, RS5, VERB, SYSTEM, QUERY) \
    F(HcsGetOperationContext, RS5, OF(void *, (hcsrt_operation operation)), OPERATION, NONE) \
    F(HcsGetOperationId, RS5, OF(uint64_t, (hcsrt_operation operation)), OPERATION, NONE) \
    F(HcsGetOperationProperties, UNSTATED, \
      OF(hcsrt_result, (hcsrt_operation operation, const hcsrt_char *options, \
         hcsrt_char **result_document)), OPERATION, NONE) \
    F(HcsGetOperationResult, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, hcsrt_char **result_document)), OPERATION, NONE) \
    F(HcsGetOperationResultAndProcessInfo, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, hcsrt_process_information *process_information, \
         hcsrt_char **result_document)), OPERATION, NONE) \
    F(HcsGetOperationType, RS5, OF(int32_t, (hcsrt_operation operation)), OPERATION, NONE) \
    F(HcsGetProcessFromOperation, RS5, OF(hcsrt_process, (hcsrt_operation operation)), OPERATION, NONE) \
    F(HcsGetProcessInfo, RS5, OF(hcsrt_result, (hcsrt_process process, hcsrt_operation operation)), PROCESS, QUERY) \
    F(HcsGetProcessProperties, RS5, VERB, PROCESS, QUERY) \
    F(HcsGetProcessorCompatibilityFromSavedState, V2104, QUESTION, NONE, NONE) \
    F(HcsGetServiceProperties, RS5, QUESTION, NONE, NONE) \
    F(HcsGrantVmAccess, RS5, STRINGS, NONE, NONE) \
    F(HcsGrantVmGroupAccess, V2004, STRING, NONE, NONE) \
    F(HcsInitializeLiveMigrationOnSource, UNSTATED, VERB, SYSTEM, ORDER) \
    F(HcsModifyComputeSystem, RS5, MODIFY, SYSTEM, ORDER) \
    F(HcsModifyProcess, RS5, VERB, PROCESS, ORDER) \
    F(HcsModifyServiceSettings, RS5, QUESTION, NONE, NONE) \
    F(HcsOpenComputeSystem, RS5, \
      OF(hcsrt_result, (const hcsrt_char *id, uint32_t requested_access, hcsrt_system *system)), NONE, NONE) \
    F(HcsOpenComputeSystemInNamespace, UNSTATED, \
      OF(hcsrt_result, (const hcsrt_char *id_namespace, const hcsrt_char *id, uint32_t requested_access, \
         hcsrt_system *system)), NONE, NONE) \
    F(HcsOpenProcess, RS5, \
      OF(hcsrt_result, (hcsrt_system system, uint32_t process_id, uint32_t requested_access, \
         hcsrt_process *process)), SYSTEM, QUERY) \
    F(HcsPauseComputeSystem, RS5, VERB, SYSTEM, ORDER) \
    F(HcsResumeComputeSystem, RS5, VERB, SYSTEM, ORDER) \
    F(HcsRevokeVmAccess, RS5, STRINGS, NONE, NONE) \
    F(HcsRevokeVmGroupAccess, V2004, STRING, NONE, NONE) \
    F(HcsSaveComputeSystem, RS5, VERB, SYSTEM, ORDER) \
    F(HcsSetComputeSystemCallback, RS5, \
      OF(hcsrt_result, (hcsrt_system system, uint32_t callback_options, const void *context, \
         hcsrt_event_callback callback)), SYSTEM, ORDER) \
    F(HcsSetOperationCallback, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, const void *context, \
         hcsrt_operation_completion callback)), OPERATION, NONE) \
    F(HcsSetOperationContext, RS5, OF(hcsrt_result, (hcsrt_operation operation, void *context)), OPERATION, NONE) \
    F(HcsSetProcessCallback, RS5, \
      OF(hcsrt_result, (hcsrt_process process, uint32_t callback_options, void *context, \
         hcsrt_event_callback callback)), PROCESS, ORDER) \
    F(HcsShutDownComputeSystem, RS5, VERB, SYSTEM, ORDER) \
    F(HcsSignalProcess, RS5, VERB, PROCESS, ORDER) \
    F(HcsStartComputeSystem, RS5, VERB, SYSTEM, ORDER) \
    F(HcsStartLiveMigrationOnSource, UNSTATED, VERB, SYSTEM, ORDER) \
    F(HcsStartLiveMigrationTransfer, UNSTATED, VERB, SYSTEM, ORDER) \
    F(HcsSubmitWerReport, RS5, STRING, NONE, NONE) \
    F(HcsTerminateComputeSystem, RS5, VERB, SYSTEM, TERMINATE) \
    F(HcsTerminateProcess, RS5, VERB, PROCESS, TERMINATE) \
    F(HcsWaitForComputeSystemExit, V2104, EXIT, SYSTEM, NONE) \
    F(HcsWaitForOperationResult, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, uint32_t timeout_ms, \
         hcsrt_char **result_document)), OPERATION, NONE) \
    F(HcsWaitForOperationResultAndProcessInfo, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, uint32_t timeout_ms, hcsrt_process_information *process_information, \
         hcsrt_char **result_document)), OPERATION, NONE) \
    F(HcsWaitForProcessExit, V2104, EXIT, PROCESS, NONE)

/* clang-format on */

#endif
