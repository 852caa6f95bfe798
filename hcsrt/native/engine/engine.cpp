#include "engine/shared.h"

namespace hcsrt::engine {

OfProcess<Engine> engine;

}  // namespace hcsrt::engine

using namespace hcsrt::engine;

extern "C" {

void hcsrt_engine_init(int wait) {
    Engine::wait = wait;
    hcsrt_set_disconnect_notice(hcsrt_disconnect);
}

void hcsrt_set_orphan_notice(void (*notice)(void)) {
    hcsrt::Locked locked(engine.here()->notice_lock);
    engine->notice = notice;
}

hcsrt_engine_counts hcsrt_engine_count(void) {
    /* In this order: what is released was submitted. */
    int64_t released = engine.here()->released.load();
    return {engine->submitted.load() - released, engine->stale.load(), engine->repeated.load(), engine->asked.load(),
            static_cast<int64_t>(engine->ordinary.threads.load()) + engine->urgent.threads.load()};
}

}  // extern "C"
