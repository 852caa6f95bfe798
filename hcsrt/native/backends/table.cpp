#include "backends/table.h"

#include <type_traits>

#include "backends/functions.h"

namespace {

using Text = const hcsrt_char *;

/* What each shape says of the entry: Subject is the handle of the row's subject. */
template <hcsrt_shape shape>
struct Shape;
template <>
struct Shape<HCSRT_SHAPE_VERB> {
    using type = hcsrt_result(HCSRT_CALL *)(void *, hcsrt_operation, Text);
};
template <>
struct Shape<HCSRT_SHAPE_MODIFY> {
    using type = hcsrt_result(HCSRT_CALL *)(void *, hcsrt_operation, Text, hcsrt_handle);
};
template <>
struct Shape<HCSRT_SHAPE_EXIT> {
    using type = hcsrt_result(HCSRT_CALL *)(void *, uint32_t, hcsrt_char **);
};
template <>
struct Shape<HCSRT_SHAPE_CLOSE> {
    using type = void(HCSRT_CALL *)(void *);
};
template <>
struct Shape<HCSRT_SHAPE_STRING> {
    using type = hcsrt_result(HCSRT_CALL *)(Text);
};
template <>
struct Shape<HCSRT_SHAPE_STRINGS> {
    using type = hcsrt_result(HCSRT_CALL *)(Text, Text);
};
template <>
struct Shape<HCSRT_SHAPE_QUESTION> {
    using type = hcsrt_result(HCSRT_CALL *)(Text, hcsrt_char **);
};

template <hcsrt_shape shape, typename Entry>
constexpr bool fits = std::is_same_v<typename Shape<shape>::type, Entry>;
template <typename Entry>
constexpr bool fits<HCSRT_SHAPE_OTHER, Entry> = true;

#define CHECK(name, since, shape, subject, lane, type) \
    static_assert(fits<HCSRT_SHAPE_##shape, decltype(HcsApi::name)>, #name " has not the shape of its row");
HCSRT_FUNCTIONS(CHECK)
#undef CHECK

}  // namespace

extern "C" {

const hcsrt_row hcsrt_rows[] = {
#define ROW(name, since, shape, subject, lane, type) \
    {#name, \
     HCSRT_SINCE_##since, \
     HCSRT_SHAPE_##shape, \
     HCSRT_SUBJECT_##subject, \
     HCSRT_LANE_##lane, \
     offsetof(HcsApi, name)},
    HCSRT_FUNCTIONS(ROW)
#undef ROW
};

const size_t hcsrt_row_count = sizeof hcsrt_rows / sizeof *hcsrt_rows;

}  // extern "C"
