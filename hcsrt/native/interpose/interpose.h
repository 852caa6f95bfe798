/* A table around a table: it counts each call, and rules let chosen calls, completions, events, streams and processes go
 * wrong.
 *
 * It is for tests. Nothing of it is in the way of a call unless its table is the one in use, and handles and operations
 * are those of the inner table, so it may be put into use and out of it while they live. A call that no rule is for takes
 * no lock and allocates nothing, but where it makes a handle or registers a callback; functions of any thread add and
 * remove rules meanwhile. A forked child begins without rules and with all functions, and knows no handle of its parent. */
#ifndef HCSRT_INTERPOSE_H
#define HCSRT_INTERPOSE_H

#include "hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- the table ---------------------------------------------------------------------------------------------------- */

/* The table around `inner`, which is the same for all of the process. NULL, here and below: no memory. */
const HcsApi *hcsrt_interpose(const HcsApi *inner);

/* Before the table goes out of use, when no rule is left: returns once nothing is kept any more for later, and nobody is
 * about to keep something. */
void hcsrt_interpose_end(void);

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

/* What a rule for the function can be about. */
enum {
    HCSRT_CAN_FAIL = 1,     /* it returns an HRESULT, or a pointer */
    HCSRT_IS_TRACKED = 2,   /* by an operation */
    HCSRT_GIVES_HANDLE = 4, /* once its operation has completed */
    HCSRT_HAS_DOCUMENT = 8,
    HCSRT_HAS_SUBJECT = 16, /* it is called on a compute system or a process */
    HCSRT_CAN_ANSWER = 32   /* it returns an HRESULT, and gives no handle */
};
int hcsrt_interposed_traits(int function);

/* The name of a number among the arguments, without what an argument's name has beside it, and its place there. -1: there
 * are not so many. */
int hcsrt_interposed_number(int function, int which, char *name, size_t size);

/* --- rules -------------------------------------------------------------------------------------------------------- */

/* Where a rule is. */
enum {
    HCSRT_SITE_CALL,       /* before HCS gets the call */
    HCSRT_SITE_COMPLETION, /* of a tracked call */
    HCSRT_SITE_EVENT,
    HCSRT_SITE_STREAM,  /* of a process that is created */
    HCSRT_SITE_PROCESS, /* that is created */
    HCSRT_SITES
};

enum {
    HCSRT_ACTION_FAIL,      /* a call: HCS never gets it. A completion: the outcome is this failure */
    HCSRT_ACTION_DELAY,     /* a call waits on its thread; a completion or an event comes later */
    HCSRT_ACTION_HANG,      /* the same, until the rule is released or removed */
    HCSRT_ACTION_DROP,      /* the callback does not come */
    HCSRT_ACTION_DUPLICATE, /* it comes twice */
    HCSRT_ACTION_REORDER,   /* it comes after the next one */
    HCSRT_ACTION_CRASH, /* the guest of the call's subject, once HCS has the call; or the process that was created */
    HCSRT_ACTION_CUT,   /* the stream ends after `amount` bytes */
    HCSRT_ACTION_DISCONNECT, /* the same of the service, which is back after `milliseconds`; at once if HCS gets no call */
    HCSRT_ACTION_REWRITE,    /* the completion or the event has this document */
    HCSRT_ACTION_ANSWER,     /* HCS never gets the call, which succeeds with this document */
    HCSRT_ACTION_SILENCE,    /* HCS never gets the call, and nobody learns of an outcome before the rule is removed */
    HCSRT_ACTIONS
};

enum { HCSRT_FIELD_SYSTEM, HCSRT_FIELD_OWNER, HCSRT_FIELD_DOCUMENT, HCSRT_FIELD_COUNT, HCSRT_FIELD_ARGUMENT };
enum {
    HCSRT_IS_EQUAL,
    HCSRT_IS_NOT_EQUAL,
    HCSRT_IS_LIKE,
    HCSRT_CONTAINS,
    HCSRT_IS_LESS,
    HCSRT_IS_AT_MOST,
    HCSRT_IS_MORE,
    HCSRT_IS_AT_LEAST
};

typedef struct hcsrt_condition {
    int field;
    int comparison;
    int argument;           /* its place: hcsrt_interposed_number */
    int64_t number;         /* what a number is compared with */
    const hcsrt_char *text; /* what a text is compared with */
} hcsrt_condition;

enum { HCSRT_MOST_TYPES = 16 };
#define HCSRT_FOR_EVER 0xFFFFFFFFu

/* All of it is copied. Zero and NULL select nothing. */
typedef struct hcsrt_rule {
    int site;
    int function;        /* of a call or a completion */
    int stream;          /* 0, 1, 2 */
    uint32_t type_count; /* of events; 0: all */
    uint32_t types[HCSRT_MOST_TYPES];
    const hcsrt_char *system, *owner; /* patterns */
    const hcsrt_condition *conditions;
    size_t condition_count;
    /* What these select is counted from 1, and of that the rule is for */
    uint32_t first, calls; /* so many from that one on; 0: all that follow */
    uint32_t every;
    int by_chance;
    double probability;
    uint64_t seed;
    uint32_t times; /* at most */
    int action;
    hcsrt_result result;           /* NULL if a call that fails returns a pointer */
    const hcsrt_char *document;    /* that the failure leaves behind, or that something has; NULL: none */
    uint32_t milliseconds, jitter; /* HCSRT_FOR_EVER: no end */
    uint64_t amount;
} hcsrt_rule;

/* Adds a rule and returns its number, which no other one ever has. */
enum {
    HCSRT_RULE_UNFIT = -1, /* what is there cannot be treated so */
    HCSRT_RULE_CROWDED = -2,
    HCSRT_RULE_NO_MEMORY = -3,
    HCSRT_RULE_UNABLE = -4 /* the HCS in use cannot do that on demand */
};
int64_t hcsrt_rule_add(const hcsrt_rule *rule);

/* Ends a rule, and returns how often it has fired. The calls that wait go on, and may be about to when this returns. What
 * was withheld completes, with callbacks on this thread, and what was delayed has been delivered when this returns, unless
 * it is called by a callback that does just that. Of an operation whose call was not passed on HCS says from then on that
 * it has not been started. */
uint32_t hcsrt_rule_remove(int64_t rule);

/* Lets go on what the rule keeps now, without ending it. */
void hcsrt_rule_release(int64_t rule);

/* How often the rule has fired, and the calls that it has wait now. */
uint32_t hcsrt_rule_met(int64_t rule);
uint32_t hcsrt_rule_waiting(int64_t rule);

/* --- what has fired ----------------------------------------------------------------------------------------------- */

enum { HCSRT_FIRING_TEXT = 64 };

typedef struct hcsrt_firing {
    int64_t rule;
    int64_t time;    /* in nanoseconds since the rule was added */
    uint32_t number; /* among what the rule selects */
    uint32_t type;   /* of the event */
    uint32_t length; /* of the id; HCSRT_FOR_EVER: unknown */
    hcsrt_char system[HCSRT_FIRING_TEXT];
} hcsrt_firing;

/* Gives out what has fired, in order, from place *next on, which it moves. What is too old is left out. Zero: no more. */
int hcsrt_next_firing(uint64_t *next, hcsrt_firing *firing);

/* --- what a backend can do on demand ------------------------------------------------------------------------------ */

/* Called on the threads of calls and of callbacks, and on that of the interposer; no Python. NULL: it cannot. */
typedef struct hcsrt_fault_hook {
    size_t size;
    const HcsApi *api; /* the table that it is for */
    /* Memory that free_string of that table takes. NULL: there is none. */
    hcsrt_char *(*allocate_string)(size_t bytes);
    /* Ends the guest of a compute system, or of that of a process, as a crash does. */
    void (*crash_guest)(void *handle, int is_process);
    /* Ends a process as a crash does, now or once it runs. */
    void (*crash_process)(hcsrt_process process);
    /* Ends stream 0, 1 or 2 of the process after so many bytes. */
    void (*cut)(hcsrt_process process, int stream, uint64_t after);
    void (*disconnect)(void);
    void (*connect)(void);
    /* Calls call(argument), the callback of a client, and has it counted as a misuse if that throws. */
    void (*call_back)(const char *what, const void *handle, void (*call)(void *), void *argument);
} hcsrt_fault_hook;

/* Never freed, and not to change. */
void hcsrt_set_fault_hook(const hcsrt_fault_hook *hook);

#ifdef __cplusplus
}
#endif

#endif
