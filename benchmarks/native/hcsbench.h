/* A library with the exports of computecore.dll in which nothing but the call itself costs time.
 *
 * Handles come from a slab and a close only counts. An operation completes inside the kick-off, or after a set time on a
 * thread of this library, each with a result document of a set size. So only its caller is measured. */
#ifndef HCSBENCH_H
#define HCSBENCH_H

#include <hcsrt.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The table of this library, for hcsrt. */
const HcsApi *hcsbench_api(void);
const hcsrt_backend *hcsbench_backend(void);

/* When operations that are kicked off from now on complete: -1 inside the kick-off, else so many microseconds later on
 * a thread of this library. */
void hcsbench_set_latency(int64_t microseconds);

/* The length of every result document from now on, in UTF-16 code units. */
void hcsbench_set_document(uint32_t units);

/* How many threads complete operations from now on, each the next one in turn. */
void hcsbench_set_threads(uint32_t threads);

/* The program that HcsCreateProcess starts from now on, as the argv of execv, with its stdout in a pipe. */
void hcsbench_set_program(const char *const *argv);

/* A system handle that may be closed any number of times, for loops that own the same one again and again. The handles
 * of different threads do not share a cache line. */
hcsrt_system hcsbench_system(void);
uint64_t hcsbench_closes(hcsrt_system system);

/* Operations that exist. */
int64_t hcsbench_operations(void);

/* Under callgrind: counts instructions from now on, or ends the count and writes it under a name. Zero elsewhere. */
int hcsbench_count_begin(void);
int hcsbench_count_end(const char *name);

#ifdef __cplusplus
}
#endif

#endif
