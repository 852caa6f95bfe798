/* An HCS for tests with nothing behind it: it does what no real one does on demand.
 *
 * Each call completes on threads of its own, unless a plan says otherwise. What is handed out is counted and is memory of
 * its own, so that a sanitizer sees who uses it after its release; what is taken for something else ends the program.
 * Plain C++17 without Python; fake_hcs.pyx binds it. */
#ifndef FAKE_HCS_H
#define FAKE_HCS_H

#include <cstdint>

#include "hcsrt.h"

namespace fake_hcs {

/* How one call goes. The first five differ in nothing but what their callback hears and when. */
enum class Way {
    LATER,           /* it completes on a thread of HCS */
    EARLY,           /* as LATER, and the kick-off returns only after the callback was called */
    TWICE,           /* as LATER, and the callback is called once more */
    TOO_EARLY,       /* the callback is called before there is an outcome, and not again */
    NEVER_TOLD,      /* the callback is not called */
    INLINE,          /* it completes before the kick-off returns, on its thread */
    LOOKED_FOR,      /* there is an outcome once somebody has looked for it some times; the callback is not called */
    REFUSED,         /* the kick-off refuses an operation that has a callback; without one, as LATER */
    FAILS,           /* the kick-off fails */
    FAILS_AFTER_ALL, /* the kick-off fails, and there is an outcome all the same */
};

struct Plan {
    Way way = Way::LATER;
    hcsrt_result outcome = 0;      /* what the result says, once there is one */
    uint32_t kick_off_us = 0;      /* how long the kick-off goes on when HCS has the call */
    uint32_t complete_us = 0;      /* how long the call then goes on at least */
    uint32_t again_us = 0;         /* TWICE: how long until the callback is called again */
    uint32_t looks = 0;            /* LOOKED_FOR: how often there is no outcome yet */
    bool tells = true;             /* FAILS_AFTER_ALL: whether the callback is called */
    bool fails_with_handle = true; /* whether a create that fails gives a handle */
};

const HcsApi *api();

/* Asked for a plan by the thread that makes a call. Set before the first call. */
void set_plan(Plan (*plan)());

/* How long HCS takes to take a call, and to close a system or a process, from now on. */
void delay(uint32_t kick_off_ms, uint32_t close_ms);

enum class Service {
    THERE,
    SILENT, /* the calls of the handle are taken and not answered before it is closed */
    GONE    /* the calls of the handle fail */
};

/* What the service is to a system or a process. */
void set_service(void *handle, Service service);

/* Calls back on a thread of HCS, as the completion of a call with this plan; `operation` is NULL, as always. */
void call_later(hcsrt_operation_completion callback, void *context, const Plan &plan);

struct Counts {
    /* Handed out and not released. */
    int64_t operations, systems, processes, stdio, strings;
    /* So far. */
    int64_t terminated;  /* terminates of systems and processes */
    int64_t asked_again; /* results that were asked for after they had been given */
};

Counts counts();

/* All that was handed out and not released. */
int64_t live();

}  // namespace fake_hcs

#endif
