/* The state word of a handle: who may use the raw pointer, and who must release it.
 *
 *   31                             8 7    3   2     1     0
 *  +--------------------------------+------+-----+-----+-----+
 *  |   calls inside (24 bits)       | zero |  B  |  C  |  O  |
 *  +--------------------------------+------+-----+-----+-----+
 *
 *   O OWNED    a live native handle belongs to the object
 *   C CLOSING  nobody enters any more; never cleared again
 *   B BOUND    an event callback was registered: HCS holds our context, so the handle cannot be given away
 *
 *   0          EMPTY     what allocation gives; everything is refused, nothing is released
 *   O[B] +n    OPEN      n calls inside
 *   O|C[B] +n  DRAINING  n only falls; the thread that takes it to 0 is the releaser
 *   C          FINISHED  released or given away
 *
 * The word is a plain uint32_t so that downstream .pxd users need no std::atomic. What each ordering buys, and the
 * mutations that prove it, stand in docs/internals/handles.md; tests/native/ checks this very file. */
#ifndef HCSRT_STATE_H
#define HCSRT_STATE_H

#include <stddef.h>
#include <stdint.h>

#ifdef HCSRT_STATE_PRIMITIVES /* the model checker walks this file with accesses of its own */
#  include HCSRT_STATE_PRIMITIVES
#elif defined(_MSC_VER) && !defined(__clang__)
#  include <intrin.h>
static __forceinline uint32_t hcsrt_word_load(uint32_t *word) {
    return (uint32_t)__iso_volatile_load32((volatile __int32 *)word);
}
/* The unsuffixed _Interlocked functions are full barriers on x64 and on ARM64. */
static __forceinline int hcsrt_word_swap(uint32_t *word, uint32_t *seen, uint32_t next) {
    uint32_t before = (uint32_t)_InterlockedCompareExchange((volatile long *)word, (long)next, (long)*seen);
    int swapped = before == *seen;
    *seen = before;
    return swapped;
}
static __forceinline uint32_t hcsrt_word_subtract(uint32_t *word, uint32_t amount) {
    return (uint32_t)_InterlockedExchangeAdd((volatile long *)word, -(long)amount);
}
static __forceinline void hcsrt_word_store(uint32_t *word, uint32_t value) {
    (void)_InterlockedExchange((volatile long *)word, (long)value);
}
#else
static inline uint32_t hcsrt_word_load(uint32_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
static inline int hcsrt_word_swap(uint32_t *word, uint32_t *seen, uint32_t next) {
    return __atomic_compare_exchange_n(word, seen, next, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
static inline uint32_t hcsrt_word_subtract(uint32_t *word, uint32_t amount) {
    return __atomic_fetch_sub(word, amount, __ATOMIC_ACQ_REL);
}
static inline void hcsrt_word_store(uint32_t *word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
#endif

/* The context of an event callback, which one call may set while another one looks. */
#if defined(_MSC_VER) && !defined(__clang__)
static __forceinline void *hcsrt_pointer_load(void **pointer) {
    return _InterlockedCompareExchangePointer((void *volatile *)pointer, NULL, NULL);
}
static __forceinline void hcsrt_pointer_store(void **pointer, void *value) {
    (void)_InterlockedExchangePointer((void *volatile *)pointer, value);
}
#else
static inline void *hcsrt_pointer_load(void **pointer) { return __atomic_load_n(pointer, __ATOMIC_ACQUIRE); }
static inline void hcsrt_pointer_store(void **pointer, void *value) {
    __atomic_store_n(pointer, value, __ATOMIC_RELEASE);
}
#endif

#define HCSRT_OWNED ((uint32_t)0x01u)
#define HCSRT_CLOSING ((uint32_t)0x02u)
#define HCSRT_BOUND ((uint32_t)0x04u)
#define HCSRT_USER ((uint32_t)0x100u)
#define HCSRT_USERS ((uint32_t)0xFFFFFF00u)

/* How an attempt to enter, to bind or to detach ended. */
enum { HCSRT_OK = 0, HCSRT_CLOSED = 1, HCSRT_BUSY = 2, HCSRT_CROWDED = 3 };

static inline int hcsrt_state_is_open(uint32_t state) { return (state & (HCSRT_OWNED | HCSRT_CLOSING)) == HCSRT_OWNED; }

/* True if the word says: owned, nobody inside, nobody closing. */
static inline int hcsrt_state_is_idle(uint32_t state) { return (state & ~HCSRT_BOUND) == HCSRT_OWNED; }

/* EMPTY to OPEN, by the object's maker, after the raw pointer was stored. */
static inline void hcsrt_state_adopt(uint32_t *word) { hcsrt_word_store(word, HCSRT_OWNED); }

/* Only between HCSRT_OK and hcsrt_state_leave may the raw pointer be read. */
static inline int hcsrt_state_enter(uint32_t *word) {
    uint32_t seen = hcsrt_word_load(word);
    for (;;) {
        if (!hcsrt_state_is_open(seen)) return HCSRT_CLOSED;
        if ((seen & HCSRT_USERS) == HCSRT_USERS) return HCSRT_CROWDED;
        if (hcsrt_word_swap(word, &seen, seen + HCSRT_USER)) return HCSRT_OK;
    }
}

/* Nonzero: the caller was the last one out of a closing handle and must release it. */
static inline int hcsrt_state_leave(uint32_t *word) {
    uint32_t before = hcsrt_word_subtract(word, HCSRT_USER);
    return (before & ~HCSRT_BOUND) == (HCSRT_OWNED | HCSRT_CLOSING | HCSRT_USER);
}

/* Nonzero: nobody is inside and the caller must release. Zero: the last one out will, or there is nothing to close. */
static inline int hcsrt_state_close(uint32_t *word) {
    uint32_t seen = hcsrt_word_load(word);
    for (;;) {
        if (!hcsrt_state_is_open(seen)) return 0;
        if (hcsrt_word_swap(word, &seen, seen | HCSRT_CLOSING)) return !(seen & HCSRT_USERS);
    }
}

/* DRAINING to FINISHED, by the releaser, after the native close. */
static inline void hcsrt_state_finish(uint32_t *word) { hcsrt_word_store(word, HCSRT_CLOSING); }

/* OPEN to FINISHED without a release. HCSRT_OK: the caller owns the raw pointer; otherwise nothing has changed. */
static inline int hcsrt_state_detach(uint32_t *word) {
    uint32_t seen = HCSRT_OWNED;
    if (hcsrt_word_swap(word, &seen, HCSRT_CLOSING)) return HCSRT_OK;
    return hcsrt_state_is_open(seen) ? HCSRT_BUSY : HCSRT_CLOSED;
}

/* Marks the handle as not to be given away. By a call that is inside; HCSRT_BUSY: it was marked before. */
static inline int hcsrt_state_bind(uint32_t *word) {
    uint32_t seen = hcsrt_word_load(word);
    for (;;) {
        if (seen & HCSRT_BOUND) return HCSRT_BUSY;
        if (hcsrt_word_swap(word, &seen, seen | HCSRT_BOUND)) return HCSRT_OK;
    }
}

#endif
