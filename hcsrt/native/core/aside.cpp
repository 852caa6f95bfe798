#include "core/aside.h"

#include "core/forks.h"
#include "core/reaper.h"
#include "core/threads.h"

struct hcsrt_aside {
    enum : uint32_t { GOES_ON, DONE, ABANDONED };

    void (*work)(void *);
    void *argument;
    std::atomic<uint32_t> stage{GOES_ON};
    /* Who wants it done, and who does it: the last one deletes it. */
    std::atomic<uint32_t> holders{2};
};

namespace {

/* Threads that stay for what comes next. */
constexpr int MOST_IDLE = 4;

struct Helper {
    std::atomic<uint32_t> bell{0};
    hcsrt_aside *job;
    Helper *next;
};

struct Idle {
    hcsrt::Lock lock;
    Helper *first = nullptr;
    int count = 0;
};

hcsrt::OfProcess<Idle> idle;

void drop(hcsrt_aside *job) {
    if (job->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete job;
}

void tell(hcsrt_aside *job) {
    if (job->stage.exchange(hcsrt_aside::DONE, std::memory_order_acq_rel) == hcsrt_aside::ABANDONED)
        hcsrt_reaper_announce(-1);
    hcsrt::wake_all(job->stage);
    drop(job);
}

bool stays(Helper *self) {
    hcsrt::Locked locked(idle->lock);
    if (idle->count == MOST_IDLE) return false;
    self->next = idle->first;
    idle->first = self;
    ++idle->count;
    return true;
}

void run(void *argument) {
    Helper *self = static_cast<Helper *>(argument);
    bool more = true;
    for (uint32_t heard = 0; more; ++heard) {
        while (self->bell.load(std::memory_order_acquire) == heard) hcsrt::wait_on(self->bell, heard, hcsrt::FOREVER);
        hcsrt_aside *job = self->job;
        job->work(job->argument);
        /* Before anybody hears of the end: who does may have more to do at once. */
        more = stays(self);
        tell(job);
    }
    delete self;
}

/* One that has nothing to do. NULL: no memory, or no thread. */
Helper *take_helper() {
    Idle *here = idle.here();
    {
        hcsrt::Locked locked(here->lock);
        if (Helper *helper = here->first) {
            here->first = helper->next;
            --here->count;
            return helper;
        }
    }
    Helper *helper = new (std::nothrow) Helper;
    if (helper && hcsrt::start_thread(run, helper)) return helper;
    delete helper;
    return nullptr;
}

}  // namespace

extern "C" {

hcsrt_aside *hcsrt_aside_begin(void (*work)(void *), void *argument) {
    hcsrt_aside *job = new (std::nothrow) hcsrt_aside{work, argument};
    Helper *helper = job ? take_helper() : nullptr;
    if (!helper) {
        delete job;
        return nullptr;
    }
    helper->job = job;
    helper->bell.fetch_add(1, std::memory_order_release);
    hcsrt::wake_one(helper->bell);
    return job;
}

int hcsrt_aside_wait(hcsrt_aside *aside, uint32_t milliseconds) {
    uint32_t seen = aside->stage.load(std::memory_order_acquire);
    if (seen != hcsrt_aside::DONE && milliseconds) hcsrt::wait_on(aside->stage, seen, milliseconds);
    return aside->stage.load(std::memory_order_acquire) == hcsrt_aside::DONE;
}

void hcsrt_aside_abandon(hcsrt_aside *aside) {
    uint32_t seen = hcsrt_aside::GOES_ON;
    hcsrt_reaper_announce(1);
    if (!aside->stage.compare_exchange_strong(seen, hcsrt_aside::ABANDONED, std::memory_order_acq_rel))
        hcsrt_reaper_announce(-1);
}

void hcsrt_aside_release(hcsrt_aside *aside) { drop(aside); }

}  // extern "C"
