/* The rows of functions.h as data. */
#ifndef HCSRT_TABLE_H
#define HCSRT_TABLE_H

#include "hcsengine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hcsrt_shape {
    HCSRT_SHAPE_OTHER,
    HCSRT_SHAPE_VERB,
    HCSRT_SHAPE_MODIFY,
    HCSRT_SHAPE_EXIT,
    HCSRT_SHAPE_CLOSE,
    HCSRT_SHAPE_STRING,
    HCSRT_SHAPE_STRINGS,
    HCSRT_SHAPE_QUESTION
} hcsrt_shape;

typedef enum hcsrt_subject {
    HCSRT_SUBJECT_NONE,
    HCSRT_SUBJECT_SYSTEM,
    HCSRT_SUBJECT_PROCESS,
    HCSRT_SUBJECT_OPERATION
} hcsrt_subject;

typedef struct hcsrt_row {
    const char *name;
    const char *since;
    hcsrt_shape shape;
    hcsrt_subject subject;
    hcsrt_lane lane;
    size_t offset; /* of its entry in HcsApi */
} hcsrt_row;

/* In the order of the table. */
extern const hcsrt_row hcsrt_rows[];
extern const size_t hcsrt_row_count;

#ifdef __cplusplus
}
#endif

#endif
