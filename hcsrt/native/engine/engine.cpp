#include "engine/shared.h"

namespace hcsrt::engine {

Engine *engine;

namespace {

#if !defined(_WIN32)
void in_forked_child() {
    Engine *parents = engine;
    engine = new Engine;
    engine->wait = parents->wait;
    engine->notice = parents->notice;
}
#endif

}  // namespace

}  // namespace hcsrt::engine

using namespace hcsrt::engine;

extern "C" {

void hcsrt_engine_init(int wait) {
    if (engine) return;
    engine = new Engine;
    engine->wait = wait;
    hcsrt_set_disconnect_notice(hcsrt_disconnect);
#if !defined(_WIN32)
    pthread_atfork(nullptr, nullptr, in_forked_child);
#endif
}

void hcsrt_set_orphan_notice(void (*notice)(void)) {
    hcsrt::Locked locked(engine->notice_lock);
    engine->notice = notice;
}

hcsrt_engine_counts hcsrt_engine_count(void) {
    /* In this order: what is released was submitted. */
    int64_t released = engine->released.load();
    return {engine->submitted.load() - released, engine->stale.load(), engine->repeated.load(), engine->asked.load(),
            static_cast<int64_t>(engine->ordinary.threads.load()) + engine->urgent.threads.load()};
}

}  // extern "C"
