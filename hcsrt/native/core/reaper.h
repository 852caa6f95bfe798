/* The reaper: a native thread that finishes what nobody waits for any more.
 *
 * Two kinds of work come here. A call that timed out, was cancelled or interrupted goes on inside HCS; the reaper waits
 * for its outcome, frees what it hands out, and ends a system or process that the call was creating. And a close that
 * must not run where it was asked for, on an HCS callback thread, runs here. No Python, ever. */
#ifndef HCSRT_REAPER_H
#define HCSRT_REAPER_H

#include "core/state.h"
#include "hcsengine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Releases `raw` natively and then frees `context`. */
typedef void (*hcsrt_close)(void *raw, void *context);

/* A call that goes on without its caller. The reaper owns all of it from hcsrt_reap on. */
typedef struct hcsrt_abandoned {
    const HcsApi *api;
    hcsrt_operation operation; /* NULL: the call has ended well, and what it created is left */
    int creates;               /* what `created` is, or HCSRT_CREATES_NOTHING */
    int keep;                  /* nonzero: let what was created live, only close the handle */
    int has_info;              /* nonzero: the result may bring stdio handles */
    void *created;             /* the handle that the kick-off gave, or NULL */
    void *context;             /* its callback context, or NULL */
    hcsrt_close close;
    int disconnected; /* nonzero: the service went away, so HCS may never answer */
} hcsrt_abandoned;

/* Nonzero once the reaper's thread runs; zero if the system has no thread to give, or no memory for one. Not for callback
 * threads. */
int hcsrt_reaper_start(void);

/* Leaves a call to the reaper, after hcsrt_reaper_start. Without memory there is room for some hundreds of them, and what
 * the others have is leaked. Not for callback threads. */
void hcsrt_reap(const hcsrt_abandoned *call);

/* Calls close(raw, context) now, or on the reaper's thread where this one is running an HCS callback. That thread must
 * have been started before; allocates nothing and takes no lock. */
void hcsrt_release(hcsrt_close close, void *raw, void *context);

/* Around the body of an HCS callback that may drop a handle. They nest. */
void hcsrt_callback_enter(void);
void hcsrt_callback_leave(void);

/* Counts calls that nobody waits for any more and that are on their way here; negative when they have come. */
void hcsrt_reaper_announce(int64_t calls);

/* Calls and closes that the reaper still has to finish, with those that were announced. */
int64_t hcsrt_reaper_pending(void);

/* Handles that could not be released: the reserve for callback threads, or for calls without memory, was used up, or C code
 * broke the guard. */
int64_t hcsrt_leaked(void);
void hcsrt_count_leak(void);

/* Once, when _core is imported. Zero: no memory. */
int hcsrt_reaper_init(void);

#ifdef __cplusplus
}
#endif

#endif
