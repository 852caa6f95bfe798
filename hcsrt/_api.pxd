# Made by `tools/facts.py write` of the rows of native/backends/functions.h; edit those.
"""The table through which an HCS is called, for Cython."""

from libc.stdint cimport int32_t, uint32_t, uint64_t

from hcsrt._types cimport (
    hcsrt_char,
    hcsrt_create_options,
    hcsrt_event_callback,
    hcsrt_handle,
    hcsrt_operation,
    hcsrt_operation_completion,
    hcsrt_process,
    hcsrt_process_information,
    hcsrt_result,
    hcsrt_system,
)

cdef extern from "hcsrt.h" nogil:
    const int HCSRT_ABI
    const int HCSRT_LEVEL
    ctypedef struct HcsApi "hcsrt_api_2"

    # Whether there is an entry that was appended after the first release of this ABI, by its address.
    bint hcsrt_has(const HcsApi *api, const void *entry)

    # An entry is NULL where the HCS in use lacks the function.
    ctypedef struct HcsApi "hcsrt_api_2":
        size_t size
        void (*free_string)(hcsrt_char *string) noexcept nogil
        void (*free_cotaskmem)(void *memory) noexcept nogil
        int (*close_handle)(hcsrt_handle handle) noexcept nogil
        hcsrt_result (*HcsAddResourceToOperation)(
            hcsrt_operation operation, uint32_t resource_type, const hcsrt_char *uri,
            hcsrt_handle handle) noexcept nogil
        hcsrt_result (*HcsCancelLiveMigration)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsCancelOperation)(hcsrt_operation operation) noexcept nogil
        void (*HcsCloseComputeSystem)(hcsrt_system system) noexcept nogil
        void (*HcsCloseOperation)(hcsrt_operation operation) noexcept nogil
        void (*HcsCloseProcess)(hcsrt_process process) noexcept nogil
        hcsrt_result (*HcsCrashComputeSystem)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsCreateComputeSystem)(
            const hcsrt_char *id, const hcsrt_char *configuration, hcsrt_operation operation,
            const void *security_descriptor, hcsrt_system *system) noexcept nogil
        hcsrt_result (*HcsCreateComputeSystemInNamespace)(
            const hcsrt_char *id_namespace, const hcsrt_char *id, const hcsrt_char *configuration,
            hcsrt_operation operation, const hcsrt_create_options *options, hcsrt_system *system) noexcept nogil
        hcsrt_result (*HcsCreateEmptyGuestStateFile)(const hcsrt_char *text) noexcept nogil
        hcsrt_result (*HcsCreateEmptyRuntimeStateFile)(const hcsrt_char *text) noexcept nogil
        hcsrt_operation (*HcsCreateOperation)(void *context, hcsrt_operation_completion callback) noexcept nogil
        hcsrt_operation (*HcsCreateOperationWithNotifications)(
            uint32_t event_types, const void *context, hcsrt_event_callback callback) noexcept nogil
        hcsrt_result (*HcsCreateProcess)(
            hcsrt_system system, const hcsrt_char *process_parameters, hcsrt_operation operation,
            const void *security_descriptor, hcsrt_process *process) noexcept nogil
        hcsrt_result (*HcsEnumerateComputeSystems)(const hcsrt_char *query, hcsrt_operation operation) noexcept nogil
        hcsrt_result (*HcsEnumerateComputeSystemsInNamespace)(
            const hcsrt_char *id_namespace, const hcsrt_char *query, hcsrt_operation operation) noexcept nogil
        hcsrt_result (*HcsFinalizeLiveMigration)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_system (*HcsGetComputeSystemFromOperation)(hcsrt_operation operation) noexcept nogil
        hcsrt_result (*HcsGetComputeSystemProperties)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        void *(*HcsGetOperationContext)(hcsrt_operation operation) noexcept nogil
        uint64_t (*HcsGetOperationId)(hcsrt_operation operation) noexcept nogil
        hcsrt_result (*HcsGetOperationProperties)(
            hcsrt_operation operation, const hcsrt_char *options, hcsrt_char **result_document) noexcept nogil
        hcsrt_result (*HcsGetOperationResult)(hcsrt_operation operation, hcsrt_char **result_document) noexcept nogil
        hcsrt_result (*HcsGetOperationResultAndProcessInfo)(
            hcsrt_operation operation, hcsrt_process_information *process_information,
            hcsrt_char **result_document) noexcept nogil
        int32_t (*HcsGetOperationType)(hcsrt_operation operation) noexcept nogil
        hcsrt_process (*HcsGetProcessFromOperation)(hcsrt_operation operation) noexcept nogil
        hcsrt_result (*HcsGetProcessInfo)(hcsrt_process process, hcsrt_operation operation) noexcept nogil
        hcsrt_result (*HcsGetProcessProperties)(
            hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsGetProcessorCompatibilityFromSavedState)(
            const hcsrt_char *query, hcsrt_char **result) noexcept nogil
        hcsrt_result (*HcsGetServiceProperties)(const hcsrt_char *query, hcsrt_char **result) noexcept nogil
        hcsrt_result (*HcsGrantVmAccess)(const hcsrt_char *vm_id, const hcsrt_char *file_path) noexcept nogil
        hcsrt_result (*HcsGrantVmGroupAccess)(const hcsrt_char *text) noexcept nogil
        hcsrt_result (*HcsInitializeLiveMigrationOnSource)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsModifyComputeSystem)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *configuration,
            hcsrt_handle identity) noexcept nogil
        hcsrt_result (*HcsModifyProcess)(
            hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsModifyServiceSettings)(const hcsrt_char *query, hcsrt_char **result) noexcept nogil
        hcsrt_result (*HcsOpenComputeSystem)(
            const hcsrt_char *id, uint32_t requested_access, hcsrt_system *system) noexcept nogil
        hcsrt_result (*HcsOpenComputeSystemInNamespace)(
            const hcsrt_char *id_namespace, const hcsrt_char *id, uint32_t requested_access,
            hcsrt_system *system) noexcept nogil
        hcsrt_result (*HcsOpenProcess)(
            hcsrt_system system, uint32_t process_id, uint32_t requested_access, hcsrt_process *process) noexcept nogil
        hcsrt_result (*HcsPauseComputeSystem)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsResumeComputeSystem)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsRevokeVmAccess)(const hcsrt_char *vm_id, const hcsrt_char *file_path) noexcept nogil
        hcsrt_result (*HcsRevokeVmGroupAccess)(const hcsrt_char *text) noexcept nogil
        hcsrt_result (*HcsSaveComputeSystem)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsSetComputeSystemCallback)(
            hcsrt_system system, uint32_t callback_options, const void *context,
            hcsrt_event_callback callback) noexcept nogil
        hcsrt_result (*HcsSetOperationCallback)(
            hcsrt_operation operation, const void *context, hcsrt_operation_completion callback) noexcept nogil
        hcsrt_result (*HcsSetOperationContext)(hcsrt_operation operation, void *context) noexcept nogil
        hcsrt_result (*HcsSetProcessCallback)(
            hcsrt_process process, uint32_t callback_options, void *context,
            hcsrt_event_callback callback) noexcept nogil
        hcsrt_result (*HcsShutDownComputeSystem)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsSignalProcess)(
            hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsStartComputeSystem)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsStartLiveMigrationOnSource)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsStartLiveMigrationTransfer)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsSubmitWerReport)(const hcsrt_char *text) noexcept nogil
        hcsrt_result (*HcsTerminateComputeSystem)(
            hcsrt_system system, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsTerminateProcess)(
            hcsrt_process process, hcsrt_operation operation, const hcsrt_char *options) noexcept nogil
        hcsrt_result (*HcsWaitForComputeSystemExit)(
            hcsrt_system system, uint32_t timeout_ms, hcsrt_char **result) noexcept nogil
        hcsrt_result (*HcsWaitForOperationResult)(
            hcsrt_operation operation, uint32_t timeout_ms, hcsrt_char **result_document) noexcept nogil
        hcsrt_result (*HcsWaitForOperationResultAndProcessInfo)(
            hcsrt_operation operation, uint32_t timeout_ms, hcsrt_process_information *process_information,
            hcsrt_char **result_document) noexcept nogil
        hcsrt_result (*HcsWaitForProcessExit)(
            hcsrt_process process, uint32_t timeout_ms, hcsrt_char **result) noexcept nogil

    ctypedef struct hcsrt_backend "hcsrt_backend_2":
        size_t size
        const HcsApi *hcs
