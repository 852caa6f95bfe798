/* What the one module that links the native library gives to the others.
 *
 * Extension modules cannot share the symbols of C++, and each state (the reaper, the engine, the fork epoch) may be there
 * once. So _core alone is linked with the library, and hands out the addresses. */
#ifndef HCSRT_EXPORTS_H
#define HCSRT_EXPORTS_H

#include "backends/backends.h"
#include "backends/table.h"
#include "core/aside.h"
#include "core/events.h"
#include "core/forks.h"
#include "core/operations.h"
#include "core/reaper.h"
#include "core/streams.h"
#include "engine/engine.h"
#include "engine/news.h"
#include "interpose/interpose.h"

/* clang-format off */
#define HCSRT_EXPORTS(F) \
    F(computecore_load) F(lacking) F(choose) F(chosen) F(replace_chosen) F(impersonates) \
    F(close_operation) F(close_system) F(close_process) F(close_stdio) \
    F(create_operation) F(create_notifying_operation) F(collect_operation) \
    F(count_completion) F(completions) F(wait_completions) \
    F(find_fork) F(reaper_start) F(reap) F(reaper_announce) F(reaper_pending) \
    F(release) F(callback_enter) F(callback_leave) F(leaked) F(count_leak) \
    F(watch_new) F(watch_context) F(watch_of) F(watch_event) F(watch_latch) F(watch_wait) F(watch_document) \
    F(subscribe) F(unsubscribe) F(subscriber_next) F(next_event_release) \
    F(transfer_begin) F(transfer_step) F(transfer_end) F(stream_interrupt) F(stream_share) \
    F(engine_init) F(engine_count) F(submit) F(submit_waited) F(expect) \
    F(call_abandon) F(call_is_abandoned) F(call_is_pending) F(call_outcome) F(call_complete) F(call_next) F(call_release) F(calls_release) \
    F(port_new) F(port_close) F(port_close_copy) F(port_descriptor) F(port_is_unsent) F(port_send) F(port_wait) F(port_release) \
    F(port_await) F(port_count) F(port_has_calls) F(port_collect) F(orphans) F(set_orphan_notice) \
    F(news_new) F(news_release) F(news_came) F(news_count) F(news_wait) F(news_stop) \
    F(interpose) F(interpose_end) F(interposed) F(interposed_name) F(interpose_without) F(interposed_calls) \
    F(interposed_traits) F(interposed_number) \
    F(rule_add) F(rule_remove) F(rule_release) F(rule_met) F(rule_waiting) F(next_firing) F(set_fault_hook) \
    F(aside_begin) F(aside_wait) F(aside_abandon) F(aside_release)
/* clang-format on */

struct hcsrt_core {
    hcsrt_forks *forks;
    const hcsrt_row *rows;
    size_t row_count;
#define FIELD(name) decltype(&hcsrt_##name) name;
    HCSRT_EXPORTS(FIELD)
#undef FIELD
};

extern const hcsrt_core hcsrt_linked;

static inline uint32_t hcsrt_fork_epoch(const hcsrt_core *core) { return hcsrt_epoch_of(core->forks, core->find_fork); }

static inline int hcsrt_is_here(const hcsrt_core *core, uint32_t epoch) {
    return hcsrt_is_epoch(core->forks, core->find_fork, epoch);
}

/* Releases the handle of an object, by the one thread that its state word has chosen. */
static inline void hcsrt_finish(const hcsrt_core *core, hcsrt_close close, void **raw, void **context,
                                uint32_t *state) {
    void *released = *raw, *its_context = *context;
    *raw = *context = NULL;
    core->release(close, released, its_context);
    hcsrt_state_finish(state);
}

#endif
