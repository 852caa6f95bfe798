/* An event that comes when a reader of the exit has just found the queue empty: nobody hears of it, and it must not take
 * with it that another one was dropped before the exit. look_is_over() is put into the source by the test. */
#include <cstdio>

#include "core/events.h"
#include "core/results.h"

namespace {

constexpr uint32_t CRASH = 2;

hcsrt_watch *watch = nullptr;
bool armed = false;

void tell(uint32_t type) {
    hcsrt_event event = {type, nullptr, nullptr};
    hcsrt_watch_event(&event, watch);
}

}  // namespace

void look_is_over() {
    if (!armed) return;
    armed = false;
    tell(CRASH);
}

int main() {
    watch = hcsrt_watch_new(HCSRT_EVENT_SYSTEM_EXITED, nullptr);
    hcsrt_subscriber *subscriber = hcsrt_subscribe(watch, 1, nullptr, nullptr);
    for (int i = 0; i < 2; ++i) tell(CRASH);
    hcsrt_next_event first, exit;
    if (hcsrt_subscriber_next(subscriber, 0, &first) != HCSRT_NEXT_EVENT) return 1;
    tell(HCSRT_EVENT_SYSTEM_EXITED);
    armed = true;
    if (hcsrt_subscriber_next(subscriber, 0, &exit) != HCSRT_NEXT_EVENT) return 1;
    std::printf("%d %d\n", armed, static_cast<int>(first.lost + exit.lost));
    hcsrt_unsubscribe(subscriber);
    hcsrt_context *context = hcsrt_watch_context(watch);
    context->destroy(context);
}
