/* The public C names of hcsrt: what a Cython or C consumer of the handle core needs to call HCS.
 *
 * Plain C, no Windows header: the emulator and computecore.dll are reached through the same declarations, and mingw's
 * computecore.h can be included beside them. Layouts are those of the x64 and ARM64 Windows ABI. */
#ifndef HCSRT_H
#define HCSRT_H

#include <stddef.h>
#include <stdint.h>

/* Grows by one when a layout, an order or a prototype changes in a way that breaks compiled consumers. HCSRT_LEVEL of
 * hcsapi.h grows with what is only appended. */
#define HCSRT_ABI 2

#if defined(_WIN32) && !defined(_WIN64)
#  define HCSRT_CALL __stdcall
#else
#  define HCSRT_CALL
#endif

typedef int32_t hcsrt_result;  /* HRESULT: negative means failed */
typedef uint16_t hcsrt_char;   /* a UTF-16 code unit, wchar_t on Windows */
typedef void *hcsrt_operation; /* HCS_OPERATION */
typedef void *hcsrt_system;    /* HCS_SYSTEM */
typedef void *hcsrt_process;   /* HCS_PROCESS */
typedef void *hcsrt_handle;    /* HANDLE */

typedef struct hcsrt_event { /* HCS_EVENT */
    uint32_t type;
    const hcsrt_char *data; /* JSON or NULL; owned by HCS, valid only inside the callback */
    hcsrt_operation operation;
} hcsrt_event;

typedef struct hcsrt_process_information { /* HCS_PROCESS_INFORMATION */
    uint32_t process_id;
    uint32_t reserved;
    hcsrt_handle std_input; /* NULL or INVALID_HANDLE_VALUE: not requested */
    hcsrt_handle std_output;
    hcsrt_handle std_error;
} hcsrt_process_information;

typedef void(HCSRT_CALL *hcsrt_operation_completion)(hcsrt_operation operation, void *context);
typedef void(HCSRT_CALL *hcsrt_event_callback)(hcsrt_event *event, void *context);

typedef struct hcsrt_create_options { /* HCS_CREATE_OPTIONS_1 */
    uint32_t version;                 /* 0x00010000 */
    hcsrt_handle user_token;
    void *security_descriptor;
    uint32_t callback_options;
    void *callback_context;
    hcsrt_event_callback callback;
} hcsrt_create_options;

/* What a handle keeps for its event callback. HCS may use it until the native close has returned: the handle calls
 * destroy after that, and never before. Make it the first field of your own struct. */
typedef struct hcsrt_context {
    void (*destroy)(struct hcsrt_context *context);
} hcsrt_context;

#include "hcsapi.h"

/* What a backend is: the tables that it fills. Those of networks and storage will be appended. */
typedef struct hcsrt_backend_2 {
    size_t size; /* in bytes, where the code that fills it was compiled */
    const HcsApi *hcs;
} hcsrt_backend_2;

typedef hcsrt_backend_2 hcsrt_backend;

/* The name of a capsule with a backend in it. */
#define HCSRT_BACKEND_CAPSULE "hcsrt.backend.2"

#endif
