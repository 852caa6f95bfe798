/* The entries of a table by number: the functions, and the ways to release, which have no row among them. */
#ifndef HCSRT_ENTRIES_H
#define HCSRT_ENTRIES_H

#include "backends/functions.h"

namespace hcsrt::interpose {

#define HCSRT_ENTRIES(F) \
    HCSRT_FUNCTIONS(F) \
    F(free_string, RS5, OTHER, NONE, NONE, NONE) \
    F(free_cotaskmem, RS5, OTHER, NONE, NONE, NONE) \
    F(close_handle, RS5, OTHER, NONE, NONE, NONE)

enum Function : int {
#define HCSRT_NUMBER(name, since, shape, subject, lane, type) NUMBER_##name,
    HCSRT_ENTRIES(HCSRT_NUMBER)
#undef HCSRT_NUMBER
        FUNCTIONS
};

}  // namespace hcsrt::interpose

#endif
