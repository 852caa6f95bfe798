/* computecore.dll as an HcsApi. */
#ifndef HCSRT_COMPUTECORE_H
#define HCSRT_COMPUTECORE_H

#include "hcsrt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Loads computecore.dll from System32 and fills *api; an export that this Windows lacks stays NULL.
 * Returns 0, or the Win32 error of LoadLibraryExW. The DLL is never unloaded. */
uint32_t hcsrt_computecore_load(HcsApi *api);

/* Whether the calling thread acts as somebody else than its process: another thread would not. */
int hcsrt_impersonates(void);

#ifdef __cplusplus
}
#endif

#endif
