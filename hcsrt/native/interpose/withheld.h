/* Operations that a rule withholds: HCS seems to have their call, and nobody learns of an outcome before the rule ends.
 *
 * The operations are those of the inner table, with a callback of ours around their own. Nothing here takes a lock, and
 * what is noted of an operation is never freed, for its callback may come after its close. */
#ifndef HCSRT_WITHHELD_H
#define HCSRT_WITHHELD_H

#include "hcsrt.h"

namespace hcsrt::interpose {

struct Withheld;

/* What was noted before does not count any more: operations come and go while the table is not in use. */
void forget_all();

/* An operation that can be withheld with its callback. NULL: no memory. */
hcsrt_operation create(const HcsApi *inner, void *context, hcsrt_operation_completion callback);

/* Withholds the call that is about to be made with the operation, for the rule of that number; if it is not passed on, HCS
 * will never call back. NULL: no memory. */
Withheld *withhold(hcsrt_operation operation, int rule, bool is_passed_on);

/* For a call that was withheld and then refused: nothing was begun, and nobody calls back. */
void take_back(Withheld *call);

/* Gives the outcome out, and makes up for the callback that came meanwhile. */
void give_out(Withheld *call);
void give_out_all(int rule);

bool is_withheld(hcsrt_operation operation);

/* Waits while the operation is withheld, at most so long, and leaves the milliseconds that are left. False: it still is. */
bool wait_while_withheld(hcsrt_operation operation, uint32_t *milliseconds);

/* Before the operation is closed. Its callback is not made up for. True: the only callback that it has is ours. */
bool forget(hcsrt_operation operation);

/* The context and the callback of the operation. False: they are with the inner table. */
bool context_of(hcsrt_operation operation, void **context);
bool set_context(hcsrt_operation operation, void *context);
bool set_callback(hcsrt_operation operation, const void *context, hcsrt_operation_completion callback);

}  // namespace hcsrt::interpose

#endif
