/* The accesses of core/state.h as the model checker sees them: each one is a step that the scheduler may delay. */
#include <stdint.h>

/* Stops the thread after an access of this kind, and returns the value that it read. */
uint32_t model_observe(int access, uint32_t value);

enum { MODEL_LOAD = 1, MODEL_SWAPPED, MODEL_NOT_SWAPPED, MODEL_SUBTRACT, MODEL_STORE };

static inline uint32_t hcsrt_word_load(uint32_t *word) { return model_observe(MODEL_LOAD, *word); }

static inline int hcsrt_word_swap(uint32_t *word, uint32_t *seen, uint32_t next) {
    uint32_t before = *word;
    int swapped = before == *seen;
    if (swapped) *word = next;
    *seen = model_observe(swapped ? MODEL_SWAPPED : MODEL_NOT_SWAPPED, before);
    return swapped;
}

static inline uint32_t hcsrt_word_subtract(uint32_t *word, uint32_t amount) {
    uint32_t before = *word;
    *word = before - amount;
    return model_observe(MODEL_SUBTRACT, before);
}

static inline void hcsrt_word_store(uint32_t *word, uint32_t value) {
    *word = value;
    model_observe(MODEL_STORE, value);
}
