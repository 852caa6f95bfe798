/* The word of a call: its generation and its flags. engine.h tells what they mean. */
#ifndef HCSRT_ENGINE_WORD_H
#define HCSRT_ENGINE_WORD_H

#include <cstdint>

namespace hcsrt::engine {

constexpr uint64_t LIVE = 1, HELD = 2, COMPLETED = 4, ABANDONED = 8, LOST = 16;
constexpr uint64_t FLAGS = 0xFFFFFFFFu;
constexpr uint64_t ONE_GENERATION = FLAGS + 1;

}  // namespace hcsrt::engine

#endif
