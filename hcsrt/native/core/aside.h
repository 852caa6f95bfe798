/* Work that a thread of ours does for one that waits for it and may leave before the end: only so does a call that hangs in
 * HCS not keep the thread that wanted it. No Python, ever. */
#ifndef HCSRT_ASIDE_H
#define HCSRT_ASIDE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hcsrt_aside hcsrt_aside;

/* Has a thread begin with work(argument). NULL: no memory, or no thread, and nothing has begun. Not for callback threads. */
hcsrt_aside *hcsrt_aside_begin(void (*work)(void *), void *argument);

/* Waits until the work is done, at most so long. Nonzero: it is. May return early. */
int hcsrt_aside_wait(hcsrt_aside *aside, uint32_t milliseconds);

/* Nobody waits any more: hcsrt_reaper_pending() counts the work until it is done. Once for each. */
void hcsrt_aside_abandon(hcsrt_aside *aside);

/* Gives it back, once the work is done. */
void hcsrt_aside_release(hcsrt_aside *aside);

#ifdef __cplusplus
}
#endif

#endif
