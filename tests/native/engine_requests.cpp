/* Requests of another size than this build's: of whoever was compiled against an older header, or a newer one. */
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <thread>

#include "core/reaper.h"
#include "engine/engine.h"

namespace {

struct LongerRequest {
    hcsrt_request request;
    uint64_t appended;
};

constexpr uint32_t NUMBER = 7;

hcsrt_result start_number(const HcsApi *, const hcsrt_request *request, hcsrt_operation, hcsrt_outcome *) {
    return static_cast<hcsrt_result>(request->number);
}

/* What became of the request: -1 if it was refused, else its result. */
int made(size_t size, uint64_t appended) {
    LongerRequest longer;
    longer.request = hcsrt_new_request();
    longer.appended = appended;
    longer.request.size = size;
    longer.request.start = start_number;
    longer.request.untracked = 1;
    longer.request.number = NUMBER;
    int result = -1;
    hcsrt_port *port = hcsrt_port_new(1);
    longer.request.context = &result;
    longer.request.complete = [](hcsrt_call *call, void *context) {
        *static_cast<int *>(context) = hcsrt_call_outcome(call)->result;
    };
    if (hcsrt_submit(port, &longer.request)) {
        hcsrt_port_send(port);
        while (!hcsrt_port_has_calls(port)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        hcsrt_call *call = hcsrt_port_collect(port);
        hcsrt_call_complete(call);
        hcsrt_calls_release(call);
    }
    hcsrt_port_close(port);
    return result;
}

}  // namespace

int main() {
    hcsrt_reaper_init();
    hcsrt_engine_init(0);
    std::printf("%d %d %d %d %d\n", made(sizeof(hcsrt_request), 1), made(sizeof(LongerRequest), 0),
                made(sizeof(LongerRequest), 1), made(offsetof(hcsrt_request, options), 0), made(0, 0));
}
