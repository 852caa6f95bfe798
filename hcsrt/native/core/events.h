/* The events of a handle: the one callback that HCS takes, the exit latch behind it, and any number of subscribers.
 *
 * The latch is set by the event, by a service disconnect or by the answer of a query, and never unset: a waiter that
 * comes late sees it too.
 *
 * Each subscriber has a queue of its own. An event that finds it full is dropped and counted: HCS never waits for a
 * reader, and what a reader has not read yet stays as it was. The exit and the disconnect need no room in a queue: the
 * latch keeps them, and each subscriber gets them once, after everything that HCS told before.
 *
 * The watch lives until its handle has destroyed the context and the last subscriber is gone, so subscribers need no
 * guard of the handle, and can read what is left after its close. */
#ifndef HCSRT_EVENTS_H
#define HCSRT_EVENTS_H

#include "hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HCSRT_NOT_EXITED = 0, HCSRT_EXITED = 1, HCSRT_DISCONNECTED = 2, HCSRT_QUERIED = 3 };

typedef struct hcsrt_watch hcsrt_watch;

/* `exit_event` is the type of event that is the exit of what the handle is for, `subject` the address of what owns the
 * handle. NULL: no memory. Freed through its hcsrt_context, after the native close of its handle. */
hcsrt_watch *hcsrt_watch_new(uint32_t exit_event, void *subject);
hcsrt_context *hcsrt_watch_context(hcsrt_watch *watch);

/* The watch whose context this is; NULL for NULL and for a context of somebody else's. */
hcsrt_watch *hcsrt_watch_of(hcsrt_context *context);

/* For HcsSetComputeSystemCallback and HcsSetProcessCallback, with the watch as context. It takes no lock, waits for
 * nobody, and allocates one copy of the event's document; without memory for it, the event is told all the same. */
void HCSRT_CALL hcsrt_watch_event(hcsrt_event *event, void *watch);

/* Called by hcsrt_watch_event for a service disconnect, with the watch's subject; as the rest of it, it must not block or
 * take a lock. For all watches; NULL: nobody. */
typedef void (*hcsrt_disconnect_notice)(void *subject);
void hcsrt_set_disconnect_notice(hcsrt_disconnect_notice notice);

/* Sets the latch; `document` is copied, NULL if there is none. The first document stays. */
void hcsrt_watch_latch(hcsrt_watch *watch, uint32_t how, const hcsrt_char *document);

/* Returns how the latch was set; HCSRT_NOT_EXITED if it was not within the time. May return early. */
uint32_t hcsrt_watch_wait(hcsrt_watch *watch, uint32_t milliseconds);

/* The exit document, or NULL; valid as long as the watch. */
const hcsrt_char *hcsrt_watch_document(hcsrt_watch *watch);

typedef struct hcsrt_subscriber hcsrt_subscriber;

/* Tells that hcsrt_subscriber_next may have something: an event, the exit, or the end because the handle is closed.
 * A hint: it may come once too often. It runs on HCS's thread, or on the one that sets the latch or closes the handle,
 * and must not block, take a lock or the GIL, or unsubscribe. */
typedef void (*hcsrt_notify)(void *context);

/* Subscribes to the events of a handle from now on, by a call that is inside the handle's guard. `size` events fit into
 * the queue; with 0 only the exit comes. `notify` may be NULL; if the latch is set already, it is called before this
 * returns. NULL: no memory. */
hcsrt_subscriber *hcsrt_subscribe(hcsrt_watch *watch, uint32_t size, hcsrt_notify notify, void *context);

/* Ends the subscription, which nobody may use meanwhile. When this returns, `notify` is not running and will not be
 * called again: it waits for callbacks that are just putting an event in, which takes them microseconds. */
void hcsrt_unsubscribe(hcsrt_subscriber *subscriber);

enum { HCSRT_NEXT_NOTHING = 0, HCSRT_NEXT_EVENT = 1, HCSRT_NEXT_END = 2 };

typedef struct hcsrt_next_event {
    uint32_t type;          /* HCS_EVENT_TYPE */
    int data_lost;          /* nonzero: there was no memory for the document */
    int64_t time;           /* when HCS told of it, in nanoseconds since 1970 (UTC) */
    uint64_t lost;          /* events that found the queue full since the one before; callbacks that run at
                                    * once may shift the count by an event, and never lose it */
    const hcsrt_char *data; /* JSON or NULL; valid until hcsrt_next_event_release */
    void *document;         /* for hcsrt_next_event_release */
} hcsrt_next_event;

/* Gives the next event, waiting at most so long; may return early with HCSRT_NEXT_NOTHING. The end comes after the
 * exit or the disconnect, or when the handle is closed and nothing is left in the queue. Several threads may ask
 * one subscriber. An event that was given, and nothing else, has to be released. */
int hcsrt_subscriber_next(hcsrt_subscriber *subscriber, uint32_t milliseconds, hcsrt_next_event *event);
void hcsrt_next_event_release(hcsrt_next_event *event);

#ifdef __cplusplus
}
#endif

#endif
