/* Strings of HCS, of which most are ASCII: a document is JSON. Loops that a compiler turns into vectors. */
#ifndef HCSRT_TEXT_H
#define HCSRT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "hcsrt.h"

/* In UTF-16 units. Not by vectors: those would read beyond the end. */
static inline size_t hcsrt_text_length(const hcsrt_char *text) {
    const hcsrt_char *at = text;
    for (;; at += 8) {
        if (!at[0]) return (size_t)(at - text);
        if (!at[1]) return (size_t)(at - text) + 1;
        if (!at[2]) return (size_t)(at - text) + 2;
        if (!at[3]) return (size_t)(at - text) + 3;
        if (!at[4]) return (size_t)(at - text) + 4;
        if (!at[5]) return (size_t)(at - text) + 5;
        if (!at[6]) return (size_t)(at - text) + 6;
        if (!at[7]) return (size_t)(at - text) + 7;
    }
}

static inline int hcsrt_text_is_ascii(const hcsrt_char *text, size_t length) {
    uint16_t all = 0;
    for (size_t i = 0; i < length; ++i) all |= (uint16_t)text[i];
    return all < 0x80;
}

/* How many units come before the first one that is no ASCII, or that a JSON string has to escape or ends with. */
static inline size_t hcsrt_text_plain(const hcsrt_char *text, size_t length) {
    size_t done = 0, block;
    /* Whole blocks first, whose loop has no early exit, so that it can be made of vectors. */
    while ((block = length - done < 64 ? length - done : 64) != 0) {
        uint16_t other = 0;
        for (size_t i = 0; i < block; ++i) {
            uint16_t unit = (uint16_t)text[done + i];
            other |= (uint16_t)((unit == '"') | (unit == '\\') | (unit >= 0x80));
        }
        if (other) break;
        done += block;
    }
    while (done < length && text[done] != '"' && text[done] != '\\' && (uint16_t)text[done] < 0x80) ++done;
    return done;
}

static inline size_t hcsrt_text_hash(const hcsrt_char *text, size_t length) {
    size_t hash = length;
    for (size_t i = 0; i < length; ++i) hash = hash * 31 + (uint16_t)text[i];
    return hash;
}

static inline int hcsrt_text_equals(const char *bytes, const hcsrt_char *text, size_t length) {
    for (size_t i = 0; i < length; ++i)
        if ((unsigned char)bytes[i] != (uint16_t)text[i]) return 0;
    return 1;
}

static inline void hcsrt_text_narrow(char *bytes, const hcsrt_char *text, size_t length) {
    for (size_t i = 0; i < length; ++i) bytes[i] = (char)text[i];
}

#endif
