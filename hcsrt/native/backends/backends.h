/* The backends of a process, and the one that it has chosen. */
#ifndef HCSRT_BACKENDS_H
#define HCSRT_BACKENDS_H

#include "hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Loads computecore.dll from System32 and makes a backend of it; an export that this Windows lacks stays NULL.
 * Returns 0, or the Win32 error of LoadLibraryExW. The DLL is never unloaded. */
uint32_t hcsrt_computecore_load(hcsrt_backend *backend);

/* The name of an entry that nothing works without and that the backend lacks; NULL if it has them all. */
const char *hcsrt_lacking(const hcsrt_backend *backend);

/* Chooses the backend of the process, once; it must lack nothing. Its table is copied: what an older backend does not know is NULL then. */
void hcsrt_choose(const hcsrt_backend *backend);

/* The table of the chosen backend; NULL before. Never NULL while there is a handle. */
const HcsApi *hcsrt_chosen(void);

/* Puts another table in the place of the chosen one, which has to lead to the same HCS: handles know no table. */
void hcsrt_replace_chosen(const HcsApi *api);

/* In a forked child: the table of the backend again, since what another one was for is a matter of the parent. */
void hcsrt_restore_chosen(void);

/* Releases a handle of each kind with the chosen backend, then destroys its context if it has one. The native close waits
 * for callbacks, so the context goes after it, never before. */
void hcsrt_close_operation(void *raw, void *context);
void hcsrt_close_system(void *raw, void *context);
void hcsrt_close_process(void *raw, void *context);
void hcsrt_close_stdio(void *raw, void *context);

/* Whether the calling thread acts as somebody else than its process: another thread would not. */
int hcsrt_impersonates(void);

#ifdef __cplusplus
}
#endif

#endif
