/* Strings of HCS as rules look at them. No memory is allocated, but by copy(). */
#ifndef HCSRT_TEXTS_H
#define HCSRT_TEXTS_H

#include <cstddef>
#include <cstdint>

#include "hcsrt.h"

namespace hcsrt::interpose {

/* A text that somebody else owns; `units` NULL: unknown. */
struct Text {
    const hcsrt_char *units = nullptr;
    size_t length = 0;

    explicit operator bool() const { return units; }
};

Text text_of(const hcsrt_char *units);

bool is_equal(Text text, Text other);
bool contains(Text text, Text part);

/* Of two ids, in which the case of ASCII letters does not matter. */
bool is_same_id(Text text, Text other);
uint64_t hash_of_id(Text id);
/* By `*` and `?`, the case of ASCII letters apart. */
bool is_like(Text text, Text pattern);

/* The member Owner of a document, as far as `units` has room, in UTF-16. False: there is none. */
bool find_owner(const hcsrt_char *document, hcsrt_char *units, size_t most, size_t *length);

/* NULL for NULL, and if there is no memory. */
hcsrt_char *copy(const hcsrt_char *units);
void release_copy(hcsrt_char *units);

}  // namespace hcsrt::interpose

#endif
