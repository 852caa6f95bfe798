/* The callbacks that HCS gets in the place of those of clients, and the thread that brings later what a rule has kept.
 *
 * What is kept is a copy. It is dropped if its handle is closed meanwhile, and comes at once if its rule ends. However much
 * is kept, one thing more costs the same. */
#ifndef HCSRT_DELIVERIES_H
#define HCSRT_DELIVERIES_H

#include "interpose/rules.h"

namespace hcsrt::interpose {

/* What HCS calls; the context is one of handles.h. */
void HCSRT_CALL event_came(hcsrt_event *event, void *context);
void HCSRT_CALL completion_came(hcsrt_operation operation, void *context);

/* NULL: the HCS in use does nothing on demand. Its table may have been copied. */
const hcsrt_fault_hook *hook();

/* False: the system has no thread to give. Not for callback threads. */
bool start_deliveries();

/* Decides how the call that is about to be made with the operation is to complete. False: no memory. */
bool plan_completion(int function, const Meeting &meeting, hcsrt_operation operation);
/* Within an act: nobody learns of an outcome, and HCS never gets the call. False: no memory. */
bool silence(const Met &met, hcsrt_operation operation);
/* Nothing is left of what was planned for an earlier call with the operation. */
void reset(Entry *entry);
/* HCS never gets the call, which completes on the thread of ours, with this document of ours. False: no memory. */
bool answer(int function, const Meeting &meeting, hcsrt_operation operation, hcsrt_char *document);
/* HCS has taken the call, or has not. */
void call_was_taken(hcsrt_operation operation);
void call_was_refused(hcsrt_operation operation);
/* The call has failed after all. */
void end_silence(hcsrt_operation operation);

bool is_withheld(const Entry *entry);
/* Waits while the operation is withheld, at most so long, and leaves the milliseconds that are left. False: it still is. */
bool wait_while_withheld(Entry *entry, uint32_t *milliseconds);

/* How long the service is away, and by which rule. */
struct Absence {
    int64_t rule = 0;
    uint32_t released = 0; /* how often the rule had been released by then */
    uint32_t milliseconds = HCSRT_FOR_EVER;
};

/* The service, which has gone, is back after that time, or when the rule is over. */
void connect_later(const Absence &absence, void (*connect)(void));

/* Gives out what is kept for rules that are over, or have been released since. */
void end_keeping();

/* Returns once nothing is kept, and nobody is about to: no rule is left. */
void quiesce();

}  // namespace hcsrt::interpose

#endif
