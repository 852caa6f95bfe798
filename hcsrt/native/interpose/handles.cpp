#include "interpose/handles.h"

#include <cstdlib>
#include <initializer_list>
#include <new>
#include <thread>

#include "core/forks.h"
#include "core/text.h"
#include "core/threads.h"
#include "interpose/texts.h"

static_assert(sizeof(void *) == 8, "a context carries a slot and a generation");

namespace hcsrt::interpose {

std::atomic<uint32_t> known_handles{0}, known_operations{0};

namespace {

/* CLOSED: nothing begins any more. RETIRED: whoever finds nobody inside gives the slot back. */
constexpr uint64_t ACTIVE = 1, CLOSED = 2, RETIRED = 4, RUNNING = 1 << 8, RUNNING_MASK = 0xFFFFFF00u;
constexpr uint64_t GENERATION = uint64_t{1} << 32;

uint64_t running(uint64_t word) { return (word & RUNNING_MASK) / RUNNING; }
uint64_t generation(uint64_t word) { return word & ~(GENERATION - 1); }

constexpr uint64_t NO_SLOT = 0xFFFFFFFFu;

constexpr uint32_t CHUNK = 64, CHUNKS = 4096, BUCKETS = 1024;

}  // namespace

/* Whose the compute systems of an id are, as long as some handle of one is known. It is free while nobody uses it; who
 * uses it may read it. */
struct Owned {
    static constexpr uint32_t CLAIMED = 0x80000000u; /* to be written */

    std::atomic<uint32_t> users{0};
    std::atomic<uint64_t> hash{0};
    Kept<MOST_ID> id;
    Kept<MOST_OWNER> owner;
    Owned *next = nullptr;

    bool enter() {
        uint32_t seen = users.load(std::memory_order_relaxed);
        do {
            if (!seen || seen & CLAIMED) return false;
        } while (!users.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel));
        return true;
    }
    void leave() { users.fetch_sub(1, std::memory_order_acq_rel); }
    bool claim() {
        uint32_t nobody = 0;
        return users.compare_exchange_strong(nobody, CLAIMED, std::memory_order_acq_rel);
    }
};

namespace {

struct Node {
    std::atomic<void *> handle{nullptr};
    std::atomic<uint64_t> context{0};
    Node *next = nullptr;
};

struct Handles {
    std::atomic<Entry *> chunks[CHUNKS] = {};
    std::atomic<uint32_t> made{0};
    /* The last one that was given back, by its index from 1, below a count that no two states share. */
    std::atomic<uint64_t> free{0};
    std::atomic<Node *> buckets[BUCKETS] = {};
    std::atomic<Owned *> owned[BUCKETS] = {};
    std::atomic<uint32_t> session{1};

    Handles() {
        known_handles.store(0);
        known_operations.store(0);
    }

    Entry *at(uint32_t index) { return chunks[index / CHUNK].load(std::memory_order_acquire) + index % CHUNK; }
};

OfProcess<Handles> handles;

/* --- slots -------------------------------------------------------------------------------------------------------- */

Entry *new_slot(Handles *all) {
    uint64_t top = all->free.load(std::memory_order_acquire);
    while (auto index = static_cast<uint32_t>(top)) {
        Entry *entry = all->at(index - 1);
        uint64_t next = (top & ~(GENERATION - 1)) + GENERATION + entry->next_free.load(std::memory_order_relaxed);
        if (all->free.compare_exchange_weak(top, next, std::memory_order_acq_rel)) return entry;
    }
    uint32_t index = all->made.load(std::memory_order_relaxed);
    do {
        if (index == CHUNK * CHUNKS) return nullptr;
        auto &chunk = all->chunks[index / CHUNK];
        if (!chunk.load(std::memory_order_acquire)) {
            Entry *fresh = new (std::nothrow) Entry[CHUNK], *none = nullptr;
            if (!fresh) return nullptr;
            /* Others look at an entry as soon as it counts. */
            for (uint32_t i = 0; i < CHUNK; ++i) fresh[i].index = index / CHUNK * CHUNK + i;
            if (!chunk.compare_exchange_strong(none, fresh, std::memory_order_acq_rel)) delete[] fresh;
        }
    } while (!all->made.compare_exchange_weak(index, index + 1, std::memory_order_acq_rel));
    return all->at(index);
}

void give_back(Entry *entry) {
    Handles *all = handles.here();
    replace_document(entry, nullptr);
    if (Owned *owned = entry->owned.exchange(nullptr)) owned->leave();
    entry->handle.store(nullptr, std::memory_order_release);
    entry->word.store(generation(entry->word.load()) + GENERATION, std::memory_order_release);
    uint64_t top = all->free.load(std::memory_order_acquire), next;
    do {
        entry->next_free.store(static_cast<uint32_t>(top), std::memory_order_relaxed);
        next = (top & ~(GENERATION - 1)) + GENERATION + entry->index + 1;
    } while (!all->free.compare_exchange_weak(top, next, std::memory_order_acq_rel));
}

void retire(Entry *entry) {
    if (!running(entry->word.fetch_or(CLOSED | RETIRED))) give_back(entry);
}

Entry *entry_of(uint64_t context) {
    auto index = static_cast<uint32_t>(context);
    Handles *all = handles.here();
    return index && index <= all->made.load(std::memory_order_acquire) ? all->at(index - 1) : nullptr;
}

/* --- from handles to slots ---------------------------------------------------------------------------------------- */

std::atomic<Node *> &bucket_of(Handles *all, void *handle) {
    uint64_t mixed = (reinterpret_cast<uintptr_t>(handle) >> 4) * 0x9E3779B97F4A7C15u;
    return all->buckets[mixed >> 54];
}

Node *node_of(Handles *all, void *handle) {
    for (Node *each = bucket_of(all, handle).load(std::memory_order_acquire); each; each = each->next)
        if (each->handle.load(std::memory_order_acquire) == handle) return each;
    return nullptr;
}

uint64_t take(Handles *all, void *handle) {
    Node *node = handle ? node_of(all, handle) : nullptr;
    if (!node) return 0;
    uint64_t context = node->context.load(std::memory_order_acquire);
    return node->handle.compare_exchange_strong(handle, nullptr, std::memory_order_acq_rel) ? context : 0;
}

bool put(Handles *all, void *handle, uint64_t context) {
    /* Whoever had that address before was closed elsewhere. */
    if (uint64_t stale = take(all, handle)) discard(stale);
    auto &bucket = bucket_of(all, handle);
    void *const reserved = &bucket;
    for (Node *each = bucket.load(std::memory_order_acquire); each; each = each->next) {
        void *none = nullptr;
        if (!each->handle.compare_exchange_strong(none, reserved, std::memory_order_acq_rel)) continue;
        each->context.store(context, std::memory_order_release);
        each->handle.store(handle, std::memory_order_release);
        return true;
    }
    Node *node = new (std::nothrow) Node;
    if (!node) return false;
    node->context.store(context, std::memory_order_relaxed);
    node->handle.store(handle, std::memory_order_relaxed);
    node->next = bucket.load(std::memory_order_relaxed);
    while (!bucket.compare_exchange_weak(node->next, node, std::memory_order_acq_rel)) {}
    return true;
}

/* --- owners ------------------------------------------------------------------------------------------------------- */

std::atomic<Owned *> &owned_of(Handles *all, uint64_t hash) { return all->owned[hash % BUCKETS]; }

/* The caller uses it then. NULL: nothing is known of the id, or of the id with that owner. */
Owned *find_owned(Handles *all, Text id, const Text *owner = nullptr) {
    uint64_t hash = hash_of_id(id);
    for (Owned *each = owned_of(all, hash).load(std::memory_order_acquire); each; each = each->next) {
        if (each->hash.load(std::memory_order_relaxed) != hash || !each->enter()) continue;
        if (is_same_id(each->id.text(), id) && (!owner || is_equal(each->owner.text(), *owner))) return each;
        each->leave();
    }
    return nullptr;
}

/* The same, made if there is none. NULL: no memory. */
Owned *keep_owned(Handles *all, Text id, Text owner) {
    if (Owned *found = find_owned(all, id, &owner)) return found;
    uint64_t hash = hash_of_id(id);
    auto &bucket = owned_of(all, hash);
    Owned *mine = bucket.load(std::memory_order_acquire);
    while (mine && !mine->claim()) mine = mine->next;
    bool is_new = !mine;
    if (is_new) {
        mine = new (std::nothrow) Owned;
        if (!mine) return nullptr;
    }
    mine->hash.store(hash, std::memory_order_relaxed);
    mine->id.keep(id);
    mine->owner.keep(owner);
    mine->users.store(1, std::memory_order_release);
    if (is_new) {
        mine->next = bucket.load(std::memory_order_relaxed);
        while (!bucket.compare_exchange_weak(mine->next, mine, std::memory_order_acq_rel)) {}
    }
    return mine;
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

HCSRT_FROM_THE_START thread_local Inside *innermost = nullptr;

void wait_for_callbacks(Entry *entry) {
    uint32_t own = times_inside(entry);
    while (running(entry->word.load()) > own) {
        uint32_t seen = entry->left.load();
        if (running(entry->word.load()) <= own) return;
        wait_on(entry->left, seen, FOREVER);
    }
}

/* Each callback of a handle, and its own slot last. */
template <typename Act>
void for_all_of(Entry *entry, Act act) {
    for (uint64_t watch = entry->watch.load(std::memory_order_acquire); watch;) {
        Entry *each = entry_of(watch);
        watch = each->watch.load(std::memory_order_acquire);
        act(each);
    }
    act(entry);
}

}  // namespace

uint32_t times_inside(const Entry *entry) {
    uint32_t times = 0;
    for (Inside *each = innermost; each; each = each->outer_) times += each->entry_ == entry;
    return times;
}

Inside::Inside(uint64_t context) {
    Entry *entry = entry_of(context);
    if (!entry) return;
    uint64_t seen = entry->word.load(std::memory_order_acquire);
    do {
        if (generation(seen) != generation(context) || (seen & (ACTIVE | CLOSED)) != ACTIVE) return;
    } while (!entry->word.compare_exchange_weak(seen, seen + RUNNING));
    entry_ = entry;
    outer_ = innermost;
    innermost = this;
}

Inside::~Inside() {
    if (!entry_) return;
    innermost = outer_;
    uint64_t before = entry_->word.fetch_sub(RUNNING);
    if (!(before & CLOSED)) return;
    if ((before & RETIRED) && running(before) == 1) give_back(entry_);
    entry_->left.fetch_add(1);
    wake_all(entry_->left);
}

bool is_live(uint64_t context) {
    Entry *entry = entry_of(context);
    uint64_t word = entry ? entry->word.load(std::memory_order_acquire) : 0;
    return generation(word) == generation(context) && (word & (ACTIVE | CLOSED)) == ACTIVE;
}

bool Inside::is_closed() const { return entry_->word.load() & CLOSED; }

void replace_document(Entry *entry, hcsrt_char *document) {
    hcsrt_char *before = entry->document.exchange(document);
    if (!before) return;
    /* A thread may be copying it: one that asks for the outcome of the last call. */
    while (entry->readers.load()) std::this_thread::yield();
    release_copy(before);
}

uint64_t context_of(const Entry *entry) { return generation(entry->word.load()) + entry->index + 1; }

uint64_t note(void *handle, const Subject &subject, Entry **out) {
    Handles *all = handles.here();
    Entry *entry = new_slot(all);
    if (!entry) return 0;
    entry->session.store(all->session.load(std::memory_order_acquire), std::memory_order_relaxed);
    entry->id.keep(subject.system);
    entry->owner.keep(subject.owner);
    if (handle && entry->id.is_known && entry->owner.is_known)
        entry->owned.store(keep_owned(all, entry->id.text(), entry->owner.text()));
    entry->watch.store(0, std::memory_order_relaxed);
    entry->has_callback.store(false, std::memory_order_relaxed);
    entry->is_operation.store(false, std::memory_order_relaxed);
    entry->context.store(nullptr, std::memory_order_relaxed);
    entry->on_event.store(nullptr, std::memory_order_relaxed);
    entry->watched.store(nullptr, std::memory_order_relaxed);
    entry->on_completion.store(nullptr, std::memory_order_relaxed);
    for (auto *word : {&entry->passed, &entry->parked, &entry->held, &entry->delay, &entry->plan})
        word->store(0, std::memory_order_relaxed);
    entry->overriding.store(Override::NOTHING, std::memory_order_relaxed);
    entry->word.fetch_or(ACTIVE, std::memory_order_acq_rel);
    uint64_t context = context_of(entry);
    if (handle && !assign(context, handle)) return 0;
    if (out) *out = entry;
    return context;
}

bool assign(uint64_t context, void *handle, bool is_operation) {
    Entry *entry = entry_of(context);
    entry->is_operation.store(is_operation, std::memory_order_relaxed);
    entry->handle.store(handle, std::memory_order_release);
    (is_operation ? known_operations : known_handles).fetch_add(1);
    if (put(handles.here(), handle, context)) return true;
    discard(context);
    return false;
}

void adopt_watch(Entry *owner, uint64_t watch) {
    uint64_t before = owner->watch.load(std::memory_order_acquire);
    do entry_of(watch)->watch.store(before, std::memory_order_release);
    while (!owner->watch.compare_exchange_weak(before, watch, std::memory_order_acq_rel));
}

void forget(Entry *entry) {
    if (!entry->handle.load(std::memory_order_acquire)) return;
    (entry->is_operation.load(std::memory_order_relaxed) ? known_operations : known_handles).fetch_sub(1);
}

void discard(uint64_t context) {
    Entry *entry = entry_of(context);
    uint64_t word = entry ? entry->word.load() : 0;
    if (!entry || generation(word) != generation(context) || (word & (ACTIVE | CLOSED)) != ACTIVE) return;
    forget(entry);
    for_all_of(entry, retire);
}

Entry *find_left(void *handle) {
    Node *node = handle ? node_of(handles.here(), handle) : nullptr;
    return node ? entry_of(node->context.load(std::memory_order_acquire)) : nullptr;
}

Entry *find(void *handle) {
    uint32_t session = handles.here()->session.load(std::memory_order_acquire);
    Entry *entry = find_left(handle);
    return entry && entry->session.load(std::memory_order_relaxed) == session ? entry : nullptr;
}

void renew(Entry *entry) {
    entry->session.store(handles->session.load(std::memory_order_acquire), std::memory_order_relaxed);
}

Subject subject_of(void *handle) {
    Entry *entry = find(handle);
    return entry ? entry->subject() : Subject{};
}

Entry *note_operation(hcsrt_operation operation) {
    Entry *entry = find(operation);
    if (entry) return entry;
    uint64_t context = note(nullptr, {}, &entry);
    return context && assign(context, operation, true) ? entry : nullptr;
}

void forget_handle(void *handle) {
    if (uint64_t stale = take(handles.here(), handle)) discard(stale);
}

/* The address of a string has no slot behind it. */
bool note_string(hcsrt_char *string) { return put(handles.here(), string, NO_SLOT); }

bool forget_string(hcsrt_char *string) { return take(handles.here(), string) == NO_SLOT; }

void release_string(hcsrt_char *string) {
#if defined(_WIN32)
    LocalFree(string);
#else
    std::free(string);
#endif
}

namespace {

template <typename Visit>
void visit_all(Visit visit) {
    Handles *all = handles.here();
    uint32_t made = all->made.load(std::memory_order_acquire);
    for (uint32_t index = 0; index < made; ++index) {
        Inside inside(context_of(all->at(index)));
        if (inside && !visit(inside.entry())) return;
    }
}

}  // namespace

void copy_owner_of(Text id, Kept<MOST_OWNER> *owner) {
    owner->is_known = false;
    Owned *owned = id ? find_owned(handles.here(), id) : nullptr;
    if (!owned) return;
    owner->keep(owned->owner.text());
    owned->leave();
}

void visit_withheld(void (*visit)(Entry *)) {
    if (!known_operations.load()) return;
    visit_all([&](Entry *entry) {
        if (entry->held.load() & WITHHELD) visit(entry);
        return true;
    });
}

Closing::Closing(void *handle) {
    uint64_t context = take(handles.here(), handle);
    entry_ = entry_of(context);
    if (!entry_) return;
    forget(entry_);
    for_all_of(entry_, [](Entry *each) { each->word.fetch_or(CLOSED); });
    for_all_of(entry_, wait_for_callbacks);
}

Closing::~Closing() {
    if (entry_) for_all_of(entry_, retire);
}

void begin_session() {
    Handles *all = handles.here();
    uint32_t session = all->session.fetch_add(1, std::memory_order_acq_rel) + 1;
    if (!known_handles.load()) return;
    /* Those that were closed elsewhere would stay for ever. One with a callback may still be open, and needs it. */
    visit_all([&](Entry *entry) {
        void *handle = entry->handle.load(std::memory_order_acquire);
        bool counts = entry->session.load(std::memory_order_relaxed) == session;
        if (!handle || counts || entry->is_operation.load(std::memory_order_relaxed) || entry->watch.load())
            return true;
        Node *node = node_of(all, handle);
        if (node && node->context.load(std::memory_order_acquire) == context_of(entry)) forget_handle(handle);
        return true;
    });
}

}  // namespace hcsrt::interpose
