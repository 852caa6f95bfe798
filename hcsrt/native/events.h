/* The one event callback of a handle, and the exit latch behind it.
 *
 * The latch is set by the event, by a service disconnect or by the answer of a query, and never unset: a waiter that
 * comes late sees it too. */
#ifndef HCSRT_EVENTS_H
#define HCSRT_EVENTS_H

#include "../include/hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HCSRT_NOT_EXITED = 0, HCSRT_EXITED = 1, HCSRT_DISCONNECTED = 2, HCSRT_QUERIED = 3 };

typedef struct hcsrt_watch hcsrt_watch;

/* NULL: no memory. Freed through its hcsrt_context, after the native close of its handle. */
hcsrt_watch *hcsrt_watch_new(void);
hcsrt_context *hcsrt_watch_context(hcsrt_watch *watch);

/* The watch whose context this is; NULL for NULL and for a context of somebody else's. */
hcsrt_watch *hcsrt_watch_of(hcsrt_context *context);

/* For HcsSetComputeSystemCallback and HcsSetProcessCallback, with the watch as context. */
void HCSRT_CALL hcsrt_watch_event(hcsrt_event *event, void *watch);

/* Sets the latch; `document` is copied, NULL if there is none. The first document stays. */
void hcsrt_watch_latch(hcsrt_watch *watch, uint32_t how, const hcsrt_char *document);

/* How the latch was set, HCSRT_NOT_EXITED if it was not within the time. May return early. */
uint32_t hcsrt_watch_wait(hcsrt_watch *watch, uint32_t milliseconds);

/* The exit document, or NULL; valid as long as the watch. */
const hcsrt_char *hcsrt_watch_document(hcsrt_watch *watch);

#ifdef __cplusplus
}
#endif

#endif
