/* What a function of HCS is, once: its row in this table.
 *
 * `tools/facts.py write` makes include/hcsapi.h, _api.pxd and the table of docs/reference/functions.md from the rows;
 * native code expands them. A new function is appended to its table, never put in between: compiled packages know its place.
 *
 * The columns of a row are
 *
 *   name       the export of the DLL
 *   since      the Windows that first has it; what stands behind the name is HCSRT_SINCE_*
 *   shape      what its prototype is: a name of the list below, or OF(result, (parameters)) for one of its own
 *   subject    what kind of handle it is called on
 *   lane       the order in which the engine makes calls of one handle: hcsengine.h
 *   type       the HCS_OPERATION_TYPE of the operation that tracks it, NONE where it has no value: core/results.h */
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

/* computecore.dll: F(name, since, shape, subject, lane, type). */
#define HCSRT_FUNCTIONS(F) \
    F(HcsAddResourceToOperation, UNSTATED, \
      OF(hcsrt_result, (hcsrt_operation operation, uint32_t resource_type, const hcsrt_char *uri, \
         hcsrt_handle handle)), OPERATION, NONE, NONE) \
    F(HcsCancelLiveMigration, UNSTATED, VERB, SYSTEM, TERMINATE, NONE) \
    F(HcsCancelOperation, RS5, OF(hcsrt_result, (hcsrt_operation operation)), OPERATION, NONE, NONE) \
    F(HcsCloseComputeSystem, RS5, CLOSE, SYSTEM, NONE, NONE) \
    F(HcsCloseOperation, RS5, CLOSE, OPERATION, NONE, NONE) \
    F(HcsCloseProcess, RS5, CLOSE, PROCESS, NONE, NONE) \
    F(HcsCrashComputeSystem, RS5, VERB, SYSTEM, TERMINATE, CRASH) \
    F(HcsCreateComputeSystem, RS5, \
      OF(hcsrt_result, (const hcsrt_char *id, const hcsrt_char *configuration, hcsrt_operation operation, \
         const void *security_descriptor, hcsrt_system *system)), NONE, NONE, CREATE) \
    F(HcsCreateComputeSystemInNamespace, UNSTATED, \
      OF(hcsrt_result, (const hcsrt_char *id_namespace, const hcsrt_char *id, const hcsrt_char *configuration, \
         hcsrt_operation operation, const hcsrt_create_options *options, hcsrt_system *system)), NONE, NONE, CREATE) \
    F(HcsCreateEmptyGuestStateFile, RS5, STRING, NONE, NONE, NONE) \
    F(HcsCreateEmptyRuntimeStateFile, RS5, STRING, NONE, NONE, NONE) \
    F(HcsCreateOperation, RS5, \
      OF(hcsrt_operation, (void *context, hcsrt_operation_completion callback)), NONE, NONE, NONE) \
    F(HcsCreateOperationWithNotifications, UNSTATED, \
      OF(hcsrt_operation, (uint32_t event_types, const void *context, hcsrt_event_callback callback)), \
      NONE, NONE, NONE) \
    F(HcsCreateProcess, RS5, \
      OF(hcsrt_result, (hcsrt_system system, const hcsrt_char *process_parameters, hcsrt_operation operation, \
         const void *security_descriptor, hcsrt_process *process)), SYSTEM, QUERY, CREATE_PROCESS) \
    F(HcsEnumerateComputeSystems, RS5, \
      OF(hcsrt_result, (const hcsrt_char *query, hcsrt_operation operation)), NONE, NONE, ENUMERATE) \
    F(HcsEnumerateComputeSystemsInNamespace, UNSTATED, \
      OF(hcsrt_result, (const hcsrt_char *id_namespace, const hcsrt_char *query, \
         hcsrt_operation operation)), NONE, NONE, ENUMERATE) \
    F(HcsFinalizeLiveMigration, UNSTATED, VERB, SYSTEM, ORDER, NONE) \
    F(HcsGetComputeSystemFromOperation, RS5, OF(hcsrt_system, (hcsrt_operation operation)), OPERATION, NONE, NONE) \
    F(HcsGetComputeSystemProperties, RS5, VERB, SYSTEM, QUERY, PROPERTIES) \
    F(HcsGetOperationContext, RS5, OF(void *, (hcsrt_operation operation)), OPERATION, NONE, NONE) \
    F(HcsGetOperationId, RS5, OF(uint64_t, (hcsrt_operation operation)), OPERATION, NONE, NONE) \
    F(HcsGetOperationProperties, UNSTATED, \
      OF(hcsrt_result, (hcsrt_operation operation, const hcsrt_char *options, \
         hcsrt_char **result_document)), OPERATION, NONE, NONE) \
    F(HcsGetOperationResult, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, hcsrt_char **result_document)), OPERATION, NONE, NONE) \
    F(HcsGetOperationResultAndProcessInfo, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, hcsrt_process_information *process_information, \
         hcsrt_char **result_document)), OPERATION, NONE, NONE) \
    F(HcsGetOperationType, RS5, OF(int32_t, (hcsrt_operation operation)), OPERATION, NONE, NONE) \
    F(HcsGetProcessFromOperation, RS5, OF(hcsrt_process, (hcsrt_operation operation)), OPERATION, NONE, NONE) \
    F(HcsGetProcessInfo, RS5, \
      OF(hcsrt_result, (hcsrt_process process, hcsrt_operation operation)), PROCESS, QUERY, PROCESS_INFO) \
    F(HcsGetProcessProperties, RS5, VERB, PROCESS, QUERY, PROCESS_PROPERTIES) \
    F(HcsGetProcessorCompatibilityFromSavedState, V2104, QUESTION, NONE, NONE, NONE) \
    F(HcsGetServiceProperties, RS5, QUESTION, NONE, NONE, NONE) \
    F(HcsGrantVmAccess, RS5, STRINGS, NONE, NONE, NONE) \
    F(HcsGrantVmGroupAccess, V2004, STRING, NONE, NONE, NONE) \
    F(HcsInitializeLiveMigrationOnSource, UNSTATED, VERB, SYSTEM, ORDER, NONE) \
    F(HcsModifyComputeSystem, RS5, MODIFY, SYSTEM, ORDER, MODIFY) \
    F(HcsModifyProcess, RS5, VERB, PROCESS, ORDER, MODIFY_PROCESS) \
    F(HcsModifyServiceSettings, RS5, QUESTION, NONE, NONE, NONE) \
    F(HcsOpenComputeSystem, RS5, \
      OF(hcsrt_result, (const hcsrt_char *id, uint32_t requested_access, hcsrt_system *system)), NONE, NONE, NONE) \
    F(HcsOpenComputeSystemInNamespace, UNSTATED, \
      OF(hcsrt_result, (const hcsrt_char *id_namespace, const hcsrt_char *id, uint32_t requested_access, \
         hcsrt_system *system)), NONE, NONE, NONE) \
    F(HcsOpenProcess, RS5, \
      OF(hcsrt_result, (hcsrt_system system, uint32_t process_id, uint32_t requested_access, \
         hcsrt_process *process)), SYSTEM, QUERY, NONE) \
    F(HcsPauseComputeSystem, RS5, VERB, SYSTEM, ORDER, PAUSE) \
    F(HcsResumeComputeSystem, RS5, VERB, SYSTEM, ORDER, RESUME) \
    F(HcsRevokeVmAccess, RS5, STRINGS, NONE, NONE, NONE) \
    F(HcsRevokeVmGroupAccess, V2004, STRING, NONE, NONE, NONE) \
    F(HcsSaveComputeSystem, RS5, VERB, SYSTEM, ORDER, SAVE) \
    F(HcsSetComputeSystemCallback, RS5, \
      OF(hcsrt_result, (hcsrt_system system, uint32_t callback_options, const void *context, \
         hcsrt_event_callback callback)), SYSTEM, ORDER, NONE) \
    F(HcsSetOperationCallback, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, const void *context, \
         hcsrt_operation_completion callback)), OPERATION, NONE, NONE) \
    F(HcsSetOperationContext, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, void *context)), OPERATION, NONE, NONE) \
    F(HcsSetProcessCallback, RS5, \
      OF(hcsrt_result, (hcsrt_process process, uint32_t callback_options, void *context, \
         hcsrt_event_callback callback)), PROCESS, ORDER, NONE) \
    F(HcsShutDownComputeSystem, RS5, VERB, SYSTEM, ORDER, SHUTDOWN) \
    F(HcsSignalProcess, RS5, VERB, PROCESS, ORDER, SIGNAL_PROCESS) \
    F(HcsStartComputeSystem, RS5, VERB, SYSTEM, ORDER, START) \
    F(HcsStartLiveMigrationOnSource, UNSTATED, VERB, SYSTEM, ORDER, NONE) \
    F(HcsStartLiveMigrationTransfer, UNSTATED, VERB, SYSTEM, ORDER, NONE) \
    F(HcsSubmitWerReport, RS5, STRING, NONE, NONE, NONE) \
    F(HcsTerminateComputeSystem, RS5, VERB, SYSTEM, TERMINATE, TERMINATE) \
    F(HcsTerminateProcess, RS5, VERB, PROCESS, TERMINATE, SIGNAL_PROCESS) \
    F(HcsWaitForComputeSystemExit, V2104, EXIT, SYSTEM, NONE, NONE) \
    F(HcsWaitForOperationResult, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, uint32_t timeout_ms, \
         hcsrt_char **result_document)), OPERATION, NONE, NONE) \
    F(HcsWaitForOperationResultAndProcessInfo, RS5, \
      OF(hcsrt_result, (hcsrt_operation operation, uint32_t timeout_ms, hcsrt_process_information *process_information, \
         hcsrt_char **result_document)), OPERATION, NONE, NONE) \
    F(HcsWaitForProcessExit, V2104, EXIT, PROCESS, NONE, NONE)

/* clang-format on */

#endif
