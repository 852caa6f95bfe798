/* The word of a call: which call of its slot it is, and who may act on it.
 *
 *   63               32 31      5   4   3   2   1   0
 *  +-------------------+---------+---+---+---+---+---+
 *  |    generation     |  zero   | D | A | C | H | L |
 *  +-------------------+---------+---+---+---+---+---+
 *
 *   L LIVE          the slot is in use
 *   H HELD          a native thread has the call: the queue, a worker, or the supervisor. What happens meanwhile is only
 *                   noted, and the holder acts on it at the end. So a callback may come before the kick-off returns
 *   C COMPLETED     the outcome is there. Set once; a thread that sets it for a call that nobody holds delivers it
 *   A ABANDONED     nobody wants the outcome
 *   D DISCONNECTED  the service has told the handle that it is gone. The holder asks HCS once: what is still pending has
 *                   failed, and its operation is the reaper's
 *
 * The generation grows each time the slot is free again, and with each operation of a call that is started again: a
 * callback that comes late finds that it is not meant.
 *
 * All changes of the word stand here. tests/native/engine_model.cpp walks every interleaving of this very file. */
#ifndef HCSRT_ENGINE_WORD_H
#define HCSRT_ENGINE_WORD_H

#include <cstdint>

#ifdef HCSRT_WORD_PRIMITIVES /* the model checker walks this file with accesses of its own */
#  include HCSRT_WORD_PRIMITIVES
#else
#  include <atomic>

namespace hcsrt::engine::word {

using Word = std::atomic<uint64_t>;

inline uint64_t load(const Word &word) { return word.load(std::memory_order_acquire); }
inline bool swap(Word &word, uint64_t &seen, uint64_t next) {
    return word.compare_exchange_strong(seen, next, std::memory_order_acq_rel, std::memory_order_acquire);
}
inline uint64_t set(Word &word, uint64_t flags) { return word.fetch_or(flags, std::memory_order_acq_rel); }

/* Sequentially consistent with what the supervisor writes and reads before it goes to sleep. */
inline uint64_t load_in_order(const Word &word) { return word.load(std::memory_order_seq_cst); }
inline bool swap_in_order(Word &word, uint64_t &seen, uint64_t next) {
    return word.compare_exchange_strong(seen, next, std::memory_order_seq_cst, std::memory_order_acquire);
}

}  // namespace hcsrt::engine::word
#endif

namespace hcsrt::engine::word {

constexpr uint64_t LIVE = 1, HELD = 2, COMPLETED = 4, ABANDONED = 8, DISCONNECTED = 16;
constexpr uint64_t FLAGS = 0xFFFFFFFFu;
constexpr uint64_t ONE_GENERATION = FLAGS + 1;

inline uint64_t generation_of(uint64_t seen) { return seen & ~FLAGS; }

inline bool is_abandoned(const Word &word) { return load(word) & ABANDONED; }
inline bool is_disconnected(const Word &word) { return load(word) & DISCONNECTED; }

/* Whether a holder may go on waiting for HCS. */
inline bool may_wait(const Word &word) { return !(load(word) & (ABANDONED | DISCONNECTED)); }

/* A free slot gets a call, by its submitter: one that a worker starts, or one that only a signal completes. */
inline void begin(Word &word) { set(word, LIVE | HELD); }
inline void expect(Word &word) { set(word, LIVE); }

/* The slot is free again, by the one who has released all of the call. Returns the word before. */
inline uint64_t finish(Word &word) {
    uint64_t seen = load(word);
    while (!swap(word, seen, generation_of(seen) + ONE_GENERATION)) {}
    return seen;
}

/* The call gets another operation, by its holder, who is starting it again. */
inline void renew(Word &word) {
    uint64_t seen = load(word);
    while (!swap(word, seen, (generation_of(seen) + ONE_GENERATION) | (seen & FLAGS & ~COMPLETED))) {}
}

enum class Signal : uint8_t {
    DELIVER,  /* the caller has to deliver the call */
    NOTED,    /* the holder will */
    REPEATED, /* the call had completed */
    STALE     /* the call that is meant is over */
};

/* HCS has completed the operation of this generation; by any thread. */
inline Signal signal(Word &word, uint64_t generation) {
    uint64_t seen = load(word);
    do {
        if (generation_of(seen) != generation || !(seen & LIVE)) return Signal::STALE;
        if (seen & COMPLETED) return Signal::REPEATED;
    } while (!swap(word, seen, seen | COMPLETED));
    return seen & HELD ? Signal::NOTED : Signal::DELIVER;
}

/* Ends the holding. False: something has happened meanwhile, and the caller goes on holding the call. */
inline bool unhold(Word &word) {
    uint64_t seen = load(word);
    do {
        if (seen & (COMPLETED | ABANDONED | DISCONNECTED)) return false;
    } while (!swap_in_order(word, seen, seen & ~HELD));
    return true;
}

/* Completes the call, by its holder, who has to deliver it. Returns the word before. */
inline uint64_t complete(Word &word) { return set(word, COMPLETED); }

/* The call is pending again and held, by its receiver: HCS has called back, and says that the operation is pending. */
inline void pend(Word &word) {
    uint64_t seen = load(word);
    while (!swap(word, seen, (seen & ~COMPLETED) | HELD)) {}
}

/* What the supervisor may hold: a call that nobody holds and HCS may have completed, or one that is to fail. */
inline bool is_pending(uint64_t seen) { return (seen & FLAGS) == LIVE; }
inline bool is_cut_off(uint64_t seen) { return (seen & FLAGS) == (LIVE | DISCONNECTED); }

/* Holds a call that is as it was seen. */
inline bool hold(Word &word, uint64_t seen) { return swap(word, seen, seen | HELD); }

/* Abandons the call of a slot if is_meant() says that it is the one. True: the caller has it for good. False: it will be
 * delivered, was abandoned before, or is not meant. Calls announce(1) before anybody can see that the call is abandoned,
 * and announce(-1) if it is not. */
template <typename IsMeant, typename Announce>
inline bool abandon(Word &word, IsMeant is_meant, Announce announce) {
    for (;;) {
        uint64_t seen = load(word), generation = generation_of(seen);
        if (!(seen & LIVE) || !is_meant()) return false;
        announce(1);
        while (generation_of(seen) == generation && !(seen & ABANDONED)) {
            bool taken = seen & (HELD | COMPLETED);
            if (swap(word, seen, taken ? seen | ABANDONED : seen | HELD | COMPLETED | ABANDONED)) return !taken;
        }
        announce(-1);
        /* Another generation: the slot has another call by now, or the same one, which is started again. */
        if (generation_of(seen) == generation) return false;
    }
}

/* Marks the call of a slot if is_meant() says that it is the one. False: it is not. */
template <typename IsMeant>
inline bool disconnect(Word &word, IsMeant is_meant) {
    for (;;) {
        uint64_t seen = load(word);
        if (!(seen & LIVE) || !is_meant()) return false;
        /* If that fails, it may be a call of somebody else by now, or the same one, which is started again. */
        if (swap(word, seen, seen | DISCONNECTED)) return true;
    }
}

}  // namespace hcsrt::engine::word

#endif
