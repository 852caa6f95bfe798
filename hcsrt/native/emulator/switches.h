/* What is not known of HCS and decided in native code: the native rows of hcsrt/emulator/assumptions.py. */
#ifndef HCSRT_EMULATOR_SWITCHES_H
#define HCSRT_EMULATOR_SWITCHES_H

#include <cstddef>
#include <cstdint>

namespace hcsrt::emulator {

/* ROW(name, choices, one_in): the number of choices, of which the plain one has the number 0, and how seldom a seed makes
 * another one; 0: each choice is made equally often. */
#define HCSRT_SWITCHES(ROW) \
    ROW(completion, 3, 0) \
    ROW(failed_call, 2, 0) \
    ROW(handle_of_failed_create, 2, 0) \
    ROW(callback_of_closed_operation, 2, 0) \
    ROW(callback_set_late, 2, 0) \
    ROW(exit_callback_set_late, 2, 0) \
    ROW(callback_of_failed_kick_off, 2, 0) \
    ROW(close_of_operation, 2, 0) \
    ROW(close_of_handle, 2, 8) \
    ROW(second_event_callback, 2, 0) \
    ROW(exit_wait_timeout, 2, 0) \
    ROW(handle_of_crashed_service, 2, 0)

enum class Switch : size_t {
#define ROW(name, choices, one_in) name,
    HCSRT_SWITCHES(ROW)
#undef ROW
};

struct SwitchRow {
    const char *name;
    uint32_t choices, one_in;
};

constexpr SwitchRow SWITCHES[] = {
#define ROW(name, choices, one_in) {#name, choices, one_in},
    HCSRT_SWITCHES(ROW)
#undef ROW
};

constexpr size_t SWITCH_COUNT = sizeof SWITCHES / sizeof *SWITCHES;
constexpr uint32_t NOT_ASSUMED = ~0u;

/* A stream of numbers that a seed gives for one purpose. */
class Stream {
  public:
    constexpr Stream() = default;
    Stream(uint64_t seed, const char *purpose) : state_(seed) {
        for (; *purpose; ++purpose) state_ = (state_ ^ static_cast<unsigned char>(*purpose)) * 0x100000001B3u;
    }

    uint64_t next() {
        uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        return z ^ z >> 31;
    }

  private:
    uint64_t state_ = 0;
};

/* The choices of native code: what is assumed, else what a seed chooses, else the plain choice. */
class Variation {
  public:
    /* Begins anew, with nothing assumed and nothing met. */
    void configure(bool vary, uint64_t seed);

    /* The number of the choice, which is then met. */
    uint32_t choose(Switch which);

    /* Whether another than the plain choice is made. */
    bool chance(Switch which) { return choose(which) != 0; }

    void assume(size_t row, uint32_t choice) { rows_[row].assumed = choice; }

    /* A bit for each choice that was met. */
    uint32_t met(size_t row) const { return rows_[row].met; }

    uint64_t latency(uint64_t less_than) { return latency_.next() % less_than; }

  private:
    struct Row {
        uint32_t assumed = NOT_ASSUMED, met = 0;
        Stream stream;
    };

    bool vary_ = false;
    Row rows_[SWITCH_COUNT];
    Stream latency_;
};

}  // namespace hcsrt::emulator

#endif
