#include "exports.h"

const hcsrt_core hcsrt_linked = {&hcsrt_forks_seen, hcsrt_rows, hcsrt_row_count,
#define ADDRESS(name) hcsrt_##name,
                                 HCSRT_EXPORTS(ADDRESS)
#undef ADDRESS
};
