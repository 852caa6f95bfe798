#include "interpose/deliveries.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "core/forks.h"
#include "core/results.h"
#include "core/text.h"
#include "core/threads.h"

namespace hcsrt::interpose {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t NEVER = INT64_MAX;

/* How long what is to come after the next one waits for it. */
constexpr uint32_t REORDER_LIMIT_MS = 500;

constexpr int64_t MILLISECOND = 1000000;

/* In nanoseconds: what is rounded down would come too early. */
int64_t now() { return Clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

int64_t due_in(uint32_t milliseconds) {
    return milliseconds == HCSRT_FOR_EVER ? NEVER : now() + milliseconds * MILLISECOND;
}

enum class What { EVENT, COMPLETION, OUTCOME, SERVICE };

struct Item {
    Item *next = nullptr, *child = nullptr;
    uint64_t number = 0; /* in the order of arrival */
    What what = What::EVENT;
    uint64_t context = 0;
    int64_t rule = 0;
    uint32_t released = 0;
    uint32_t turn = 0; /* of the operation, whose next call it is not for */
    int64_t due = NEVER;
    bool after_next = false;
    uint32_t passed = 0;
    bool twice = false;
    uint32_t type = 0;
    hcsrt_operation operation = nullptr;
    hcsrt_char *data = nullptr; /* behind it */
    void (*connect)(void) = nullptr;
};

/* What the thread is to look through for what is due although its time has not come: what waits for the next one, or
 * all. */
enum : uint32_t { LOOK_AT_PARKED = 1, LOOK_AT_ALL = 2 };

struct Deliveries {
    LazyThread thread;
    std::atomic<uint32_t> bell{0}, answered{0};
    std::atomic<uint32_t> wanted{0};
    std::atomic<Item *> arrived{nullptr};
    std::atomic<uint32_t> deciding{0};
    /* Completions that were delivered, and those that wait for the next one. */
    std::atomic<uint32_t> passed{0}, parked{0};
};

OfProcess<Deliveries> deliveries;

HCSRT_FROM_THE_START thread_local bool is_ours = false;

void ring(Deliveries *all) {
    all->bell.fetch_add(1, std::memory_order_acq_rel);
    wake_all(all->bell);
}

void ask(Deliveries *all, uint32_t look) {
    all->wanted.fetch_or(look);
    ring(all);
}

/* NULL: no memory. */
Item *new_item(What what, uint64_t context, const hcsrt_char *data = nullptr) {
    size_t bytes = data ? (hcsrt_text_length(data) + 1) * sizeof *data : 0;
    void *memory = std::malloc(sizeof(Item) + bytes);
    if (!memory) return nullptr;
    Item *item = new (memory) Item;
    item->what = what;
    item->context = context;
    if (data) {
        item->data = reinterpret_cast<hcsrt_char *>(item + 1);
        std::memcpy(item->data, data, bytes);
    }
    return item;
}

void enqueue(Item *item) {
    Deliveries *all = deliveries.here();
    item->next = all->arrived.load(std::memory_order_relaxed);
    while (!all->arrived.compare_exchange_weak(item->next, item, std::memory_order_acq_rel)) {}
    ring(all);
}

/* --- to clients --------------------------------------------------------------------------------------------------- */

/* What a callback throws would go through frames of ours that do not expect it, and end the thread. */
template <typename Call>
void call_client(const char *what, const void *handle, Call call) {
    const hcsrt_fault_hook *able = hook();
    if (!able || !able->call_back) return call();
    able->call_back(what, handle, [](void *given) { (*static_cast<Call *>(given))(); }, &call);
}

void tell(const Inside &inside, hcsrt_event *event, bool twice) {
    auto callback = inside->on_event.load(std::memory_order_acquire);
    void *context = inside->context.load(std::memory_order_acquire);
    void *handle = inside->watched.load(std::memory_order_relaxed);
    auto once = [&] { call_client("event callback", handle, [&] { callback(event, context); }); };
    once();
    if (twice && !inside.is_closed()) once();
}

void tell(const Inside &inside, hcsrt_operation operation) {
    auto callback = inside->on_completion.load(std::memory_order_acquire);
    if (!callback) return;
    auto once = [&] {
        void *context = inside->context.load(std::memory_order_acquire);
        call_client("completion callback", operation, [&] { callback(operation, context); });
    };
    once();
    bool twice = inside->plan.load(std::memory_order_relaxed) & PLAN_DUPLICATE;
    if (twice && !inside.is_closed()) once();
}

void event_passed(const Inside &inside) {
    inside->passed.fetch_add(1);
    if (inside->parked.load()) ask(deliveries.here(), LOOK_AT_PARKED);
}

void completion_passed() {
    Deliveries *all = deliveries.here();
    all->passed.fetch_add(1);
    if (all->parked.load()) ask(all, LOOK_AT_PARKED);
}

/* False: it comes now, for want of memory. */
bool park_completion(const Inside &inside, hcsrt_operation operation) {
    Item *item = new_item(What::COMPLETION, context_of(inside.entry()));
    if (!item) return false;
    Deliveries *all = deliveries.here();
    item->operation = operation;
    item->rule = inside->plan_rule.load(std::memory_order_relaxed);
    item->released = inside->plan_released.load(std::memory_order_relaxed);
    item->due = due_in(REORDER_LIMIT_MS);
    item->after_next = true;
    all->parked.fetch_add(1);
    item->passed = all->passed.load();
    enqueue(item);
    return true;
}

/* Whether the callback of an operation is to come after the next one, and so not now. */
bool parks(const Inside &inside, hcsrt_operation operation) {
    uint32_t plan = inside->plan.load(std::memory_order_acquire);
    return (plan & (PLAN_DROP | PLAN_REORDER)) == PLAN_REORDER && park_completion(inside, operation);
}

void complete(const Inside &inside, hcsrt_operation operation) {
    if (!(inside->plan.load(std::memory_order_acquire) & PLAN_DROP)) tell(inside, operation);
    completion_passed();
}

/* Returns what the word was. */
uint32_t uncover(Entry *entry) {
    uint32_t before = entry->held.fetch_and(~WITHHELD);
    wake_all(entry->held);
    return before;
}

void give_out(const Inside &inside) {
    uint32_t before = uncover(inside.entry());
    hcsrt_operation operation = inside->handle.load(std::memory_order_acquire);
    if ((before & (WITHHELD | TOLD)) == (WITHHELD | TOLD) && !parks(inside, operation)) complete(inside, operation);
}

/* Gives out the outcome once its delay is over. */
void give_out_later(const Inside &inside) {
    uint32_t delay = inside->delay.load(std::memory_order_relaxed);
    if (delay == HCSRT_FOR_EVER) return;
    Item *item = new_item(What::OUTCOME, context_of(inside.entry()));
    if (!item) return give_out(inside);
    item->rule = inside->rule.load(std::memory_order_relaxed);
    item->released = inside->released.load(std::memory_order_relaxed);
    item->turn = inside->turn.load(std::memory_order_relaxed);
    item->due = due_in(delay);
    enqueue(item);
}

void deliver(Item *item) {
    if (item->what == What::SERVICE) return item->connect();
    Inside inside(item->context);
    if (item->what == What::COMPLETION) deliveries->parked.fetch_sub(1);
    if (!inside) return;
    switch (item->what) {
    case What::EVENT: {
        hcsrt_event event = {item->type, item->data, item->operation};
        if (item->after_next) inside->parked.fetch_sub(1);
        tell(inside, &event, item->twice);
        event_passed(inside);
        break;
    }
    case What::COMPLETION:
        tell(inside, item->operation);
        completion_passed();
        break;
    default:
        if (inside->turn.load(std::memory_order_relaxed) == item->turn) give_out(inside);
    }
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

/* Whether the one that it waits for has come. */
bool is_overtaken(const Item &item) {
    if (!item.after_next) return false;
    if (item.what == What::COMPLETION) return deliveries->passed.load() != item.passed;
    Inside inside(item.context);
    return inside && inside->passed.load() != item.passed;
}

/* Whether its handle has been closed: then it is only in the way. */
bool is_dead(const Item &item) { return item.what != What::SERVICE && !is_live(item.context); }

bool is_due(const Item &item) {
    return now() >= item.due || is_over(item.rule, item.released) || is_overtaken(item) || is_dead(item);
}

/* Items by the time when they are due, and among equals by arrival. A pairing heap: it allocates nothing, and one item
 * more or less costs the same however many there are. */
class Heap {
  public:
    Item *first() const { return root_; }

    void push(Item *item) {
        item->child = nullptr;
        add(item);
    }

    Item *pop() {
        Item *first = root_, *pairs = nullptr;
        for (Item *each = first->child; each;) {
            Item *other = each->next, *rest = other ? other->next : nullptr;
            if (other) each = link(each, other);
            each->next = pairs;
            pairs = each;
            each = rest;
        }
        root_ = nullptr;
        while (pairs) add(take(&pairs));
        return first;
    }

    /* Calls act(item) for each, in no order; it is out then. */
    template <typename Act>
    void empty(Act act) {
        for (Item *left = std::exchange(root_, nullptr); left;) {
            Item *each = take(&left);
            while (each->child) {
                Item *child = take(&each->child);
                child->next = left;
                left = child;
            }
            act(each);
        }
    }

  private:
    static Item *take(Item **list) {
        Item *first = *list;
        *list = first->next;
        return first;
    }

    static Item *link(Item *one, Item *other) {
        bool is_later = one->due != other->due ? one->due > other->due : one->number > other->number;
        if (is_later) std::swap(one, other);
        other->next = one->child;
        one->child = other;
        one->next = nullptr;
        return one;
    }

    void add(Item *item) {
        item->next = nullptr;
        root_ = root_ ? link(root_, item) : item;
    }

    Item *root_ = nullptr;
};

/* What the thread has. */
class Kept {
  public:
    void take_arrived(Deliveries *all) {
        Item *arrived = nullptr;
        for (Item *item = all->arrived.exchange(nullptr, std::memory_order_acq_rel); item;) {
            Item *next = item->next;
            item->next = arrived;
            arrived = item;
            item = next;
        }
        while (arrived) {
            Item *next = arrived->next;
            arrived->number = ++numbers_;
            ++count_;
            /* Later somebody has to ask for this look. */
            sort(arrived);
            arrived = next;
        }
    }

    void look(uint32_t at) {
        /* What is kept for handles that have been closed is at most as much as all else. */
        if (count_ > limit_) at |= LOOK_AT_ALL;
        if (at) parked_.empty([&](Item *item) { sort(item); });
        if (at & LOOK_AT_ALL) {
            waiting_.empty([&](Item *item) { sort(item); });
            limit_ = 2 * count_ + FEW;
        }
        for (Heap *heap : {&waiting_, &parked_})
            while (heap->first() && heap->first()->due <= now()) ready(heap->pop());
    }

    /* NULL: nothing is due. */
    Item *take_due() { return due_.first() ? due_.pop() : nullptr; }

    uint32_t left() const {
        int64_t first = NEVER;
        for (const Heap *heap : {&waiting_, &parked_})
            if (heap->first() && heap->first()->due < first) first = heap->first()->due;
        if (first == NEVER) return FOREVER;
        int64_t left = (first - now() + MILLISECOND - 1) / MILLISECOND;
        return left <= 0 ? 0 : left < FOREVER ? static_cast<uint32_t>(left) : FOREVER - 1;
    }

  private:
    static constexpr size_t FEW = 1024;

    void sort(Item *item) {
        if (is_due(*item)) ready(item);
        else (item->after_next ? parked_ : waiting_).push(item);
    }

    void ready(Item *item) {
        --count_;
        due_.push(item);
    }

    Heap waiting_, parked_, due_;
    uint64_t numbers_ = 0;
    size_t count_ = 0, limit_ = FEW; /* of those that are not due */
};

void run(void *argument) {
    auto *all = static_cast<Deliveries *>(argument);
    is_ours = true;
    Kept kept;
    for (;;) {
        uint32_t heard = all->bell.load(std::memory_order_acquire);
        uint32_t wanted = all->wanted.exchange(0);
        kept.take_arrived(all);
        kept.look(wanted);
        while (Item *item = kept.take_due()) {
            deliver(item);
            std::free(item);
        }
        all->answered.store(heard, std::memory_order_release);
        wake_all(all->answered);
        uint32_t span = kept.left();
        if (span) wait_on(all->bell, heard, span);
    }
}

/* Has the thread look at all that it has, and waits until it has done so. */
void flush() {
    Deliveries *all = deliveries.here();
    if (!all->thread.is_started()) return;
    all->wanted.fetch_or(LOOK_AT_ALL);
    uint32_t mine = all->bell.fetch_add(1, std::memory_order_acq_rel) + 1;
    wake_all(all->bell);
    if (is_ours) return;
    for (;;) {
        uint32_t seen = all->answered.load(std::memory_order_acquire);
        if (static_cast<int32_t>(seen - mine) >= 0) return;
        wait_on(all->answered, seen, FOREVER);
    }
}

/* --- decisions ---------------------------------------------------------------------------------------------------- */

struct EventPlan {
    bool drops = false, duplicates = false, reorders = false, rewrites = false, is_kept = false;
    hcsrt_char *document = nullptr; /* of ours */
    uint64_t delay = 0;
    int64_t rule = 0;
    uint32_t released = 0;

    void keep(const Met &met, uint32_t milliseconds) {
        is_kept = true;
        rule = met.id;
        released = met.released;
        delay = delay == HCSRT_FOR_EVER || milliseconds == HCSRT_FOR_EVER ? HCSRT_FOR_EVER : delay + milliseconds;
        if (delay > HCSRT_FOR_EVER) delay = HCSRT_FOR_EVER;
    }
};

EventPlan plan_event(const Inside &inside, const hcsrt_event &event) {
    EventPlan plan;
    Meeting meeting;
    meeting.subject = inside->subject();
    meeting.document = text_of(event.data);
    meeting.type = event.type;
    meet(SITE_OF_EVENTS, meeting, [&](const Met &met) {
        switch (met.rule.action) {
        case HCSRT_ACTION_DROP: plan.drops = true; break;
        case HCSRT_ACTION_DUPLICATE: plan.duplicates = true; break;
        case HCSRT_ACTION_REWRITE:
            plan.rewrites = true;
            release_copy(plan.document);
            plan.document = copy(met.rule.document);
            break;
        case HCSRT_ACTION_REORDER:
            plan.reorders = true;
            plan.keep(met, REORDER_LIMIT_MS);
            break;
        default: plan.keep(met, met.milliseconds);
        }
        return !plan.drops;
    });
    return plan;
}

/* False: it comes now. */
bool keep_event(const Inside &inside, const hcsrt_event &event, const EventPlan &plan) {
    Item *item = plan.is_kept ? new_item(What::EVENT, context_of(inside.entry()), event.data) : nullptr;
    if (!item) return false;
    item->rule = plan.rule;
    item->released = plan.released;
    item->due = due_in(static_cast<uint32_t>(plan.delay));
    item->twice = plan.duplicates;
    item->type = event.type;
    item->operation = event.operation;
    item->after_next = plan.reorders;
    if (plan.reorders) inside->parked.fetch_add(1);
    item->passed = inside->passed.load();
    enqueue(item);
    return true;
}

void hold(Entry *entry, const Met &met, uint32_t milliseconds, uint32_t held) {
    uint32_t before = entry->held.load() & WITHHELD ? entry->delay.load(std::memory_order_relaxed) : 0;
    bool for_ever = before == HCSRT_FOR_EVER || milliseconds >= HCSRT_FOR_EVER - before;
    if (before != HCSRT_FOR_EVER) {
        entry->released.store(met.released, std::memory_order_relaxed);
        entry->rule.store(met.id, std::memory_order_relaxed);
    }
    entry->delay.store(for_ever ? HCSRT_FOR_EVER : before + milliseconds, std::memory_order_relaxed);
    entry->turn.fetch_add(1, std::memory_order_relaxed);
    entry->held.store(held);
}

}  // namespace

void HCSRT_CALL event_came(hcsrt_event *event, void *context) {
    Inside inside(context);
    if (!inside) return;
    EventPlan plan;
    hcsrt_event rewritten;
    bool is_kept = false;
    if (armed_events.load(std::memory_order_acquire)) {
        Deliveries *all = deliveries.here();
        all->deciding.fetch_add(1);
        plan = plan_event(inside, *event);
        if (plan.rewrites) {
            rewritten = *event;
            rewritten.data = plan.document;
            event = &rewritten;
        }
        is_kept = !plan.drops && keep_event(inside, *event, plan);
        all->deciding.fetch_sub(1);
    }
    if (!is_kept) {
        if (!plan.drops) tell(inside, event, plan.duplicates);
        event_passed(inside);
    }
    release_copy(plan.document);
}

void HCSRT_CALL completion_came(hcsrt_operation operation, void *context) {
    Inside inside(context);
    if (!inside) return;
    Deliveries *all = deliveries.here();
    all->deciding.fetch_add(1);
    bool comes_now = !(inside->held.fetch_or(TOLD) & WITHHELD);
    if (comes_now) comes_now = !parks(inside, operation);
    else give_out_later(inside);
    all->deciding.fetch_sub(1);
    if (comes_now) complete(inside, operation);
}

bool start_deliveries() {
    Deliveries *all = deliveries.here();
    return all->thread.ensure(run, all);
}

void reset(Entry *entry) {
    entry->plan.store(0, std::memory_order_relaxed);
    entry->overriding.store(Override::NOTHING, std::memory_order_release);
    replace_document(entry, nullptr);
}

bool plan_completion(int function, const Meeting &meeting, hcsrt_operation operation) {
    bool has_memory = true;
    meet(site_of_completion(function), meeting, [&](const Met &met) {
        Entry *entry = note_operation(operation);
        if (!entry) return has_memory = false;
        uint32_t plan = 0;
        switch (met.rule.action) {
        case HCSRT_ACTION_DROP: plan = PLAN_DROP; break;
        case HCSRT_ACTION_DUPLICATE: plan = PLAN_DUPLICATE; break;
        case HCSRT_ACTION_REORDER: plan = PLAN_REORDER; break;
        case HCSRT_ACTION_FAIL:
            entry->result.store(met.rule.result, std::memory_order_relaxed);
            replace_document(entry, copy(met.rule.document));
            entry->overriding.store(Override::OUTCOME, std::memory_order_release);
            return true;
        case HCSRT_ACTION_REWRITE:
            replace_document(entry, copy(met.rule.document));
            if (entry->overriding.load(std::memory_order_relaxed) == Override::NOTHING)
                entry->overriding.store(Override::DOCUMENT, std::memory_order_release);
            return true;
        default: hold(entry, met, met.milliseconds, WITHHELD); return true;
        }
        if (plan == PLAN_REORDER) {
            entry->plan_rule.store(met.id, std::memory_order_relaxed);
            entry->plan_released.store(met.released, std::memory_order_relaxed);
        }
        entry->plan.fetch_or(plan, std::memory_order_acq_rel);
        return true;
    });
    return has_memory;
}

bool silence(const Met &met, hcsrt_operation operation) {
    Entry *entry = note_operation(operation);
    if (entry) hold(entry, met, HCSRT_FOR_EVER, WITHHELD | TOLD);
    return entry;
}

bool answer(int function, const Meeting &meeting, hcsrt_operation operation, hcsrt_char *document) {
    Entry *entry = plan_completion(function, meeting, operation) ? note_operation(operation) : nullptr;
    if (!entry) {
        release_copy(document);
        return false;
    }
    Override planned = entry->overriding.load(std::memory_order_relaxed);
    if (planned != Override::OUTCOME) entry->result.store(HCSRT_S_OK, std::memory_order_relaxed);
    if (planned != Override::NOTHING) release_copy(document);
    else replace_document(entry, document);
    entry->overriding.store(Override::ALONE, std::memory_order_release);
    if (!(entry->held.fetch_or(TOLD) & WITHHELD)) {
        entry->delay.store(0, std::memory_order_relaxed);
        entry->rule.store(0, std::memory_order_relaxed);
        entry->turn.fetch_add(1, std::memory_order_relaxed);
        entry->held.store(WITHHELD | TOLD);
    }
    Inside inside(context_of(entry));
    if (inside) give_out_later(inside);
    return true;
}

void call_was_taken(hcsrt_operation operation) {
    Entry *entry = find(operation);
    if (!entry || !(entry->held.load() & WITHHELD) || entry->has_callback.load(std::memory_order_acquire)) return;
    /* Nobody says when it has completed. */
    Inside inside(context_of(entry));
    if (inside) give_out_later(inside);
}

void call_was_refused(hcsrt_operation operation) {
    Entry *entry = find(operation);
    if (!entry) return;
    reset(entry);
    /* What has completed meanwhile may be the call before, for which this one was refused. */
    Inside inside(context_of(entry));
    if (inside) give_out(inside);
}

void end_silence(hcsrt_operation operation) {
    Entry *entry = find(operation);
    if (!entry) return;
    reset(entry);
    uncover(entry);
}

bool is_withheld(const Entry *entry) { return entry->held.load(std::memory_order_acquire) & WITHHELD; }

bool wait_while_withheld(Entry *entry, uint32_t *milliseconds) {
    bool for_ever = *milliseconds == FOREVER;
    auto end = Clock::now() + std::chrono::milliseconds(*milliseconds);
    for (;;) {
        uint32_t seen = entry->held.load(std::memory_order_acquire);
        auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        if (!for_ever) *milliseconds = left > 0 ? static_cast<uint32_t>(left) : 0;
        if (!(seen & WITHHELD)) return true;
        if (!*milliseconds) return false;
        wait_on(entry->held, seen, *milliseconds);
    }
}

void connect_later(const Absence &absence, void (*connect)(void)) {
    Item *item = absence.milliseconds == HCSRT_FOR_EVER ? nullptr : new_item(What::SERVICE, 0);
    if (!item) return;
    item->connect = connect;
    item->rule = absence.rule;
    item->released = absence.released;
    item->due = due_in(absence.milliseconds);
    enqueue(item);
}

void end_keeping() {
    /* Whatever rule it was: one that ended while an outcome was being withheld has missed that. */
    visit_withheld([](Entry *entry) {
        if (!is_over(entry->rule.load(std::memory_order_relaxed), entry->released.load(std::memory_order_relaxed)))
            return;
        Inside inside(context_of(entry));
        if (inside) give_out(inside);
    });
    flush();
}

void quiesce() {
    Deliveries *all = deliveries.here();
    while (all->deciding.load()) {
        std::atomic<uint32_t> nothing{0};
        wait_on(nothing, 0, 1);
    }
    /* What comes out of a delay may then wait for the next one. */
    end_keeping();
    flush();
}

}  // namespace hcsrt::interpose
