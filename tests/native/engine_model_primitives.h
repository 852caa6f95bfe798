/* The accesses of native/engine/word.h as the model checker sees them: before each one, any other thread may go on. */
#include <stdint.h>

void model_step();

namespace hcsrt::engine::word {

struct Word {
    uint64_t value;
};

inline uint64_t load(const Word &word) {
    model_step();
    return word.value;
}

inline bool swap(Word &word, uint64_t &seen, uint64_t next) {
    model_step();
    bool swapped = word.value == seen;
    if (swapped) word.value = next;
    else seen = word.value;
    return swapped;
}

inline uint64_t set(Word &word, uint64_t flags) {
    model_step();
    uint64_t before = word.value;
    word.value = before | flags;
    return before;
}

inline uint64_t load_in_order(const Word &word) { return load(word); }
inline bool swap_in_order(Word &word, uint64_t &seen, uint64_t next) { return swap(word, seen, next); }

}  // namespace hcsrt::engine::word
