/* Asynchronous calls: what who starts them, and hears of their end, hands over. The functions are those of
 * hcsrt/engine.pxd. */
#ifndef HCSRT_HCSENGINE_H
#define HCSRT_HCSENGINE_H

#include <string.h>

#include "hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An entry of a table, of whatever type it is. */
typedef void (*hcsrt_function)(void);

/* The order in which the engine hands calls of one handle to HCS. */
typedef enum hcsrt_lane {
    HCSRT_LANE_NONE,      /* of no handle, or in no order */
    HCSRT_LANE_ORDER,     /* one after another */
    HCSRT_LANE_QUERY,     /* in no order, but not so many of one handle that nothing is left for others */
    HCSRT_LANE_TERMINATE, /* one after another, beside all of the above */
    HCSRT_LANE_URGENT     /* in no order, with the threads of the terminate lanes */
} hcsrt_lane;

/* What a call creates. */
enum { HCSRT_CREATES_NOTHING = 0, HCSRT_CREATES_SYSTEM = 1, HCSRT_CREATES_PROCESS = 2 };

typedef struct hcsrt_call hcsrt_call;
typedef struct hcsrt_port hcsrt_port;
typedef struct hcsrt_request hcsrt_request;

/* What a call brings. Its receiver takes a part by setting it to NULL; the rest is released with the call. */
typedef struct hcsrt_outcome {
    hcsrt_result result;
    int of_resources; /* nonzero: HcsAddResourceToOperation has failed, and the call was not made */
    hcsrt_char *document;
    hcsrt_process_information info;
    void *created;
} hcsrt_outcome;

/* Makes the native call, on a worker. `operation` is NULL for an untracked call, which may set `outcome->document`. A
 * handle that it is given goes to `outcome->created`, even if it fails. */
typedef hcsrt_result (*hcsrt_start)(const HcsApi *api, const hcsrt_request *request, hcsrt_operation operation,
                                    hcsrt_outcome *outcome);

/* Called once for each call that was submitted, unless hcsrt_call_abandon has returned nonzero for it. */
typedef void (*hcsrt_complete)(hcsrt_call *call, void *context);

typedef struct hcsrt_resource { /* for HcsAddResourceToOperation */
    uint32_t type;
    const hcsrt_char *uri;
    hcsrt_handle handle;
} hcsrt_resource;

/* What is behind the pointers has to stay until `complete` is called, or hcsrt_call_abandon returns nonzero. */
struct hcsrt_request {
    size_t size; /* of this struct, as who fills it knows it: later versions append */
    hcsrt_start start;
    hcsrt_function function; /* for `start`: an entry of the table */
    void *raw;               /* the handle that the call is about, or NULL */
    const hcsrt_char *texts[3];
    void *subject;                /* whose lane; the address of what owns the handle */
    void (*leave)(void *subject); /* leaves the handle's guard, entered by the submitter; on a worker. NULL: no guard */
    hcsrt_complete complete;
    void *context;
    hcsrt_lane lane;
    int untracked; /* nonzero: no operation; the call has ended when `start` returns */
    int creates;   /* HCSRT_CREATES_*: what `created` is */
    int keep;      /* nonzero: what was created lives on if nobody takes it, only its handle is closed */
    int insist;    /* nonzero: the call is made even if nobody wants its outcome any more by then */
    int has_info;  /* nonzero: the result brings a process's information */
    uint32_t number;
    hcsrt_handle identity;
    const hcsrt_resource *resources;
    uint32_t resource_count;
    const void *options; /* for `start`: what it needs besides; behind the pointer as behind the others */
};

/* An empty request, to be filled. */
static inline hcsrt_request hcsrt_new_request(void) {
    hcsrt_request request;
    memset(&request, 0, sizeof request);
    request.size = sizeof request;
    return request;
}

#ifdef __cplusplus
}
#endif

#endif
