/* A table around a table: it counts each call, lets chosen ones fail or wait, and passes the others on.
 *
 * It is for tests. Nothing of it is in the way of a call unless its table is the one in use, and handles and operations
 * are those of the inner table, so it may be put into use and out of it while they live. A call takes no lock and
 * allocates nothing, but where a rule withholds operations; functions of any thread add and remove rules meanwhile. */
#ifndef HCSRT_INTERPOSE_H
#define HCSRT_INTERPOSE_H

#include "hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The table around `inner`, which is the same for all of the process. NULL, here and below: no memory. */
const HcsApi *hcsrt_interpose(const HcsApi *inner);

/* The number of a function, for all that follows; also of free_string, free_cotaskmem and close_handle. -1: there is none
 * of that name. */
int hcsrt_interposed(const char *name);

/* The name of a function. NULL: there are not so many. */
const char *hcsrt_interposed_name(int function);

/* The table, from now on without that function, or with it again. It is another one, for others may be in use, and none is
 * ever freed. */
const HcsApi *hcsrt_interpose_without(int function, int missing);

/* How often the function has been called through the table. */
uint64_t hcsrt_interposed_calls(int function);

/* What happens to some calls of a function. */
typedef struct hcsrt_rule {
    uint32_t first;        /* the first of them, from 1, counted from when the rule is added */
    uint32_t calls;        /* how many; 0: all that follow */
    int waits;             /* nonzero: they wait until the rule is removed */
    uint32_t milliseconds; /* at most so long; 0: however long */
    int fails;             /* nonzero: they are not passed on */
    hcsrt_result result;   /* what they then return; NULL if they return a pointer */
    int deaf;              /* nonzero: the callback that they register is never called */
    int withholds;         /* nonzero: they do not complete before the rule is removed, whatever HCS does meanwhile */
} hcsrt_rule;

/* Adds a rule and returns its number, for those below. -1: there are too many rules, or this function has no result that
 * could tell of a failure, or no callback, or no operation to withhold. One that creates something cannot be withheld and
 * not passed on: it would owe the handle. The callback of an operation that was created before is not withheld. */
int hcsrt_rule_add(int function, const hcsrt_rule *rule);

/* Ends a rule. The calls that wait go on, and may be about to when this returns. What was withheld completes, with callbacks
 * on this thread; of an operation whose call was not passed on HCS says from then on that it has not been started. */
void hcsrt_rule_remove(int number);

/* The calls that a rule was for so far, and those of them that wait now. */
uint32_t hcsrt_rule_met(int number);
uint32_t hcsrt_rule_waiting(int number);

#ifdef __cplusplus
}
#endif

#endif
