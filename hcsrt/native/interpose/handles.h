/* What is known of handles: whose they are, and the callbacks around their own.
 *
 * What HCS gets as a context is a slot and a generation, never an address, so a callback that comes too late finds
 * nothing. A slot is used again once its handle is closed and no callback is inside; its memory is never freed. Nothing
 * here takes a lock. */
#ifndef HCSRT_HANDLES_H
#define HCSRT_HANDLES_H

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hcsrt.h"
#include "interpose/texts.h"

namespace hcsrt::interpose {

/* The compute system that something belongs to. */
struct Subject {
    Text system, owner;
};

/* A text of so many units at most; what is longer is cut. */
template <size_t Most>
struct Kept {
    bool is_known = false;
    uint16_t length = 0;
    hcsrt_char units[Most];

    void keep(Text text) {
        is_known = static_cast<bool>(text);
        length = static_cast<uint16_t>(text.length < Most ? text.length : Most);
        for (uint16_t i = 0; i < length; ++i) units[i] = text.units[i];
    }
    Text text() const { return is_known ? Text{units, length} : Text{}; }
};

/* How the completion of a call is to go. */
enum : uint32_t { PLAN_DROP = 1, PLAN_DUPLICATE = 2, PLAN_REORDER = 4 };

/* WITHHELD: nobody learns of the outcome yet. TOLD: HCS has called back, or never will. Who sets TOLD where WITHHELD is
 * not, or clears WITHHELD where TOLD is, calls the callback of the operation: nobody else does. */
enum : uint32_t { WITHHELD = 1, TOLD = 2 };

/* What overrides the outcome of an operation: nothing, that of a call that HCS never got, that of one that HCS completes
 * in its own way, or only the document of that. */
enum class Override : uint32_t { NOTHING, ALONE, OUTCOME, DOCUMENT };

constexpr size_t MOST_ID = 192, MOST_OWNER = 96;

struct Owned;

struct Entry {
    uint32_t index = 0;
    /* Its generation, the callbacks inside, and flags. */
    std::atomic<uint64_t> word{0};
    std::atomic<uint32_t> left{0};
    std::atomic<uint32_t> next_free{0};
    std::atomic<uint32_t> session{0};
    std::atomic<void *> handle{nullptr}; /* NULL: a callback alone */
    std::atomic<bool> is_operation{false};
    Kept<MOST_ID> id;
    Kept<MOST_OWNER> owner;
    std::atomic<Owned *> owned{nullptr}; /* that says so of other handles of the id */
    std::atomic<uint64_t> watch{0}; /* of a handle: the callback that was registered last; of that: the one before */

    /* Of a callback, or an operation that has one here. */
    std::atomic<bool> has_callback{false};
    std::atomic<void *> context{nullptr};
    std::atomic<hcsrt_event_callback> on_event{nullptr};
    std::atomic<void *> watched{nullptr}; /* whose events it gets; NULL: one that was being created */
    std::atomic<hcsrt_operation_completion> on_completion{nullptr};
    std::atomic<uint32_t> passed{0}, parked{0}; /* events that were delivered, and those that wait for the next one */

    /* Of an operation. */
    std::atomic<uint32_t> held{0};
    std::atomic<uint32_t> turn{0}; /* changes with each call that is withheld */
    std::atomic<int64_t> rule{0};  /* that withholds it, for how long, and how often it had been released by then */
    std::atomic<uint32_t> delay{0}, released{0};
    std::atomic<uint32_t> plan{0};
    std::atomic<int64_t> plan_rule{0}; /* that has it come after the next one */
    std::atomic<uint32_t> plan_released{0};
    std::atomic<Override> overriding{Override::NOTHING};
    std::atomic<hcsrt_result> result{0};
    std::atomic<hcsrt_char *> document{nullptr}; /* of ours: replace_document() */
    std::atomic<uint32_t> readers{0};            /* of the document */

    Subject subject() const { return {id.text(), owner.text()}; }
};

/* How often this thread is inside of the callbacks of a slot. */
uint32_t times_inside(const Entry *entry);

/* What each thread is inside of, so that a close within a callback does not wait for itself. */
class Inside {
  public:
    explicit Inside(uint64_t context);
    explicit Inside(void *context) : Inside(reinterpret_cast<uint64_t>(context)) {}
    ~Inside();
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;

    explicit operator bool() const { return entry_; }
    Entry *operator->() const { return entry_; }
    Entry *entry() const { return entry_; }
    /* Whether its handle is being closed: no callback may begin then. */
    bool is_closed() const;

  private:
    friend uint32_t times_inside(const Entry *entry);
    Entry *entry_ = nullptr;
    Inside *outer_ = nullptr;
};

/* Whether nothing has been closed yet of what has this context. */
bool is_live(uint64_t context);

inline void *as_context(uint64_t context) { return reinterpret_cast<void *>(context); }

/* Makes an entry, of a handle if one is given, and returns its context. 0: no memory, or too many. */
uint64_t note(void *handle, const Subject &subject, Entry **entry = nullptr);
/* Of an entry that was made before its handle was there. False: no memory, and the entry is discarded. */
bool assign(uint64_t context, void *handle, bool is_operation = false);
/* A callback alone belongs to the handle of `owner` from now on. */
void adopt_watch(Entry *owner, uint64_t watch);
/* Of one that HCS has not taken. */
void discard(uint64_t context);

/* NULL: nothing is known. */
Entry *find(void *handle);
/* What is found of an earlier session. It may be of somebody who has had that address before, unless renew() is called. */
Entry *find_left(void *handle);
void renew(Entry *entry);
/* The same, if it is known whose the handle is. */
Subject subject_of(void *handle);
/* The owner of a compute system of that id, as far as some handle of it is known. */
void copy_owner_of(Text id, Kept<MOST_OWNER> *owner);

uint64_t context_of(const Entry *entry);

/* Gives an operation another document of ours, or none, when nobody reads the one before any more. */
void replace_document(Entry *entry, hcsrt_char *document);

/* Around the close of a handle by the inner table: from now on no callback of ours begins, and those that run have ended,
 * but the ones that this very thread is inside of. */
class Closing {
  public:
    explicit Closing(void *handle);
    ~Closing();
    Closing(const Closing &) = delete;
    Closing &operator=(const Closing &) = delete;

  private:
    Entry *entry_;
};

/* What was noted of handles before counts no more: they come and go while the table is not in use. Their callbacks
 * stay. */
void begin_session();

/* Calls visit(entry) for each operation that is withheld. */
void visit_withheld(void (*visit)(Entry *entry));

/* Fast answers for calls that no rule is for. In a forked child they may say yes in vain, once. */
extern std::atomic<uint32_t> known_handles, known_operations;

Entry *note_operation(hcsrt_operation operation);
/* Somebody else has that address now. */
void forget_handle(void *handle);

/* Strings of ours, each an address that is known. False: no memory; or it is none of ours. */
bool note_string(hcsrt_char *string);
bool forget_string(hcsrt_char *string);
void release_string(hcsrt_char *string);

}  // namespace hcsrt::interpose

#endif
