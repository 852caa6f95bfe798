/* Operations: how one is created, how its outcome is collected, and how somebody waits for any of several. */
#ifndef HCSRT_OPERATIONS_H
#define HCSRT_OPERATIONS_H

#include "hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Creates an operation. NULL: *error has the reason. */
hcsrt_operation hcsrt_create_operation(const HcsApi *api, void *context, hcsrt_operation_completion callback,
                                       hcsrt_result *error);

/* As hcsrt_create_operation; HCS tells of the progress of its call too, which counts as a completion. */
hcsrt_operation hcsrt_create_notifying_operation(const HcsApi *api, uint32_t event_types, hcsrt_result *error);

/* Collects the outcome of an operation's call, waiting at most so long. HCSRT_E_OPERATION_PENDING: there is none yet, and
 * nothing to be released. Else *document, which may be NULL, is the caller's, and so are the handles in *info, which are
 * NULL where a stream is not connected. With `info` NULL, the call brings no handles. */
hcsrt_result hcsrt_collect_operation(const HcsApi *api, hcsrt_operation operation, uint32_t milliseconds,
                                     hcsrt_process_information *info, hcsrt_char **document);

/* For HcsSetOperationCallback, without a context: a completion callback may come late, twice or never, and when its operation
 * is closed already. So it tells only that it is time to ask. */
void HCSRT_CALL hcsrt_count_completion(hcsrt_operation operation, void *context);

/* How many completions were counted so far. */
uint32_t hcsrt_completions(void);

/* Waits until their number is another than `seen`, at most so long. May return early. */
void hcsrt_wait_completions(uint32_t seen, uint32_t milliseconds);

#ifdef __cplusplus
}
#endif

#endif
