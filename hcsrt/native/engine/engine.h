/* The engine: calls of HCS that nobody waits for with a thread of Python's.
 *
 * A call is submitted, a worker starts it, HCS completes it on a thread of its own, and it is delivered to its port, from
 * where an event loop collects all calls in one go. Nothing here needs Python or its lock.
 *
 * Submission. Each pool of workers has an inbox without a lock, and lanes behind it: calls of one lane are handed to HCS
 * in their order, calls of different lanes do not wait for one another. What ends things has a pool of its own, so that
 * no number of calls that hang in HCS keeps a terminate from being made.
 *
 * Completion. The callback marks its call and pushes it on the list of its port; only onto an empty list, it writes one
 * wake-up. It never blocks, allocates or takes a lock. It is a hint: a call that stays pending is asked for.
 *
 * A call is a node of slab memory that is never returned. The context of its callback is its slot and its generation, so
 * a callback that comes late finds that it is not meant. word.h has the protocol. */
#ifndef HCSRT_ENGINE_H
#define HCSRT_ENGINE_H

#include "hcsengine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Once, when the module that uses it is imported. `wait`: wait for each operation with a thread, use no callback. */
void hcsrt_engine_init(int wait);

/* Submits a call. With a port, whose owner must be the caller, the thread that collects the call calls `complete`.
 * Without one it is called where the call completes: on HCS's thread, or on a worker, possibly before this returns.
 * NULL: no memory, or no thread. */
hcsrt_call *hcsrt_submit(hcsrt_port *port, const hcsrt_request *request);

/* Submits a call for a thread that waits at the port: its worker waits for the call, too, so that HCS calls nobody back,
 * and closes the operation. It has no lane, and does not stay behind for a burst. */
hcsrt_call *hcsrt_submit_waited(hcsrt_port *port, const hcsrt_request *request);

/* Whether HCS has such a call and has not completed it at once. The time of its caller may be over before. */
int hcsrt_call_is_pending(const hcsrt_call *call);

/* Reaching a worker costs more than all the rest of a call, so the owner of a port does it once for a burst: for the calls
 * that it submits and for those that it gives back. Whether there are some that no worker has got yet; send hands them
 * over. Urgent calls are not among them. */
int hcsrt_port_is_unsent(const hcsrt_port *port);
void hcsrt_port_send(hcsrt_port *port);

/* A call that no worker starts: it is delivered once hcsrt_signal is called with its ticket, which any thread may do at any time
 * and any number of times, an HCS callback too. NULL: no memory, or no thread. */
hcsrt_call *hcsrt_expect(hcsrt_port *port, hcsrt_complete complete, void *context, void **ticket);
void hcsrt_signal(void *ticket);

/* The service has told the handle of this subject that it is gone: of its calls those that were not started are not started,
 * and those that HCS has not completed fail. For the event callback of that handle, during which no other handle can have this
 * subject: it only marks the calls. */
void hcsrt_disconnect(void *subject);

/* Nobody wants the outcome any more: a call that was not started is not started unless it insists, one that HCS has goes
 * to the reaper, and what it creates is ended unless it is to be kept. Nonzero: the call is gone. Zero: it will still be
 * delivered, as soon as no native thread needs what is behind its request; or it was, and is counted as abandoned until it
 * is released with all that it has brought. */
int hcsrt_call_abandon(hcsrt_call *call);
int hcsrt_call_is_abandoned(const hcsrt_call *call);

/* The outcome of a call that was delivered; asks HCS for it if nobody has. */
hcsrt_outcome *hcsrt_call_outcome(hcsrt_call *call);

/* Calls its `complete`. */
void hcsrt_call_complete(hcsrt_call *call);

/* The next call of a chain; NULL at its end. */
hcsrt_call *hcsrt_call_next(const hcsrt_call *call);

/* Gives back a call, or a chain of calls: a worker closes the operations and all that was not taken. Never blocks. */
void hcsrt_call_release(hcsrt_call *call);
void hcsrt_calls_release(hcsrt_call *chain);

/* The same for calls that the port has collected, with the next that it sends. */
void hcsrt_port_release(hcsrt_port *port, hcsrt_call *chain);

/* A port belongs to one event loop. With a descriptor, that becomes readable when calls were delivered; without one, a
 * thread has to wait. NULL: no memory, or no descriptor. */
hcsrt_port *hcsrt_port_new(int with_descriptor);
int hcsrt_port_descriptor(const hcsrt_port *port);

/* For a port without a descriptor: sleeps until the number of bursts that were delivered is another than `seen`, at most
 * so long, and returns it. May return early. */
uint32_t hcsrt_port_wait(hcsrt_port *port, uint32_t seen, uint32_t milliseconds);

/* The same for a thread that has submitted a waited call: first it looks a while for an end that comes soon. */
uint32_t hcsrt_port_await(hcsrt_port *port, uint32_t seen, uint32_t milliseconds);

/* How many bursts were delivered. */
uint32_t hcsrt_port_count(const hcsrt_port *port);

/* Whether calls were delivered that are not collected. */
int hcsrt_port_has_calls(const hcsrt_port *port);

/* Clears the wake-up and collects the calls that were delivered, the oldest first. */
hcsrt_call *hcsrt_port_collect(hcsrt_port *port);

/* Closes the port; nobody may submit to it meanwhile or later. Its calls are abandoned and come to hcsrt_orphans. */
void hcsrt_port_close(hcsrt_port *port);

/* In a forked child, for a port of the parent: closes the child's copies of its descriptors, nothing else. */
void hcsrt_port_close_copy(hcsrt_port *port);

/* The calls of closed ports that no native thread needs any more; the caller completes and releases them. */
hcsrt_call *hcsrt_orphans(void);

/* Called on a native thread when there are orphans; NULL: nobody. When this returns, the one before is not running. */
void hcsrt_set_orphan_notice(void (*notice)(void));

typedef struct hcsrt_engine_counts {
    int64_t in_flight; /* submitted and not released */
    int64_t stale;     /* callbacks for a call that was over */
    int64_t repeated;  /* callbacks for a call that had completed */
    int64_t asked;     /* calls that completed because they were asked for */
    int64_t threads;   /* workers */
} hcsrt_engine_counts;

hcsrt_engine_counts hcsrt_engine_count(void);

#ifdef __cplusplus
}
#endif

#endif
