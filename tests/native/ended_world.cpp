/* A world that ends while a callback runs, after its service has crashed: the handle that the callback is of is closed
 * then, and its client takes away what the callback uses. */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "core/results.h"
#include "emulator/emulator.h"
#include "interpose/interpose.h"

namespace {

using namespace hcsrt::emulator;

std::atomic<bool> is_inside{false}, is_open{true};

void HCSRT_CALL hear(hcsrt_event *, void *) {
    is_inside = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    if (is_open) return;
    std::puts("the callback runs after the close");
    std::fflush(stdout);
    std::_Exit(1);
}

/* Answers everything with success. */
void serve(uint32_t service) {
    Request request;
    while (take(service, -1, &request) == Taken::Item) reply(request.ticket, HCSRT_S_OK, {nullptr, 0}, 0, 0);
}

}  // namespace

int main() {
    const HcsApi *hcs = api();
    std::thread service(serve, start());
    const hcsrt_char text[] = {'x', 0};
    hcsrt_operation operation = hcs->HcsCreateOperation(nullptr, nullptr);
    hcsrt_system system;
    if (hcs->HcsCreateComputeSystem(text, text, operation, nullptr, &system) != HCSRT_S_OK) return 1;
    if (hcs->HcsWaitForOperationResult(operation, 0xFFFFFFFFu, nullptr) != HCSRT_S_OK) return 1;
    if (hcs->HcsSetComputeSystemCallback(system, 0, nullptr, hear) != HCSRT_S_OK) return 1;
    fault_hook()->disconnect();
    service.join();
    while (!is_inside) std::this_thread::yield();
    stop(true);
    clear();
    hcs->HcsCloseComputeSystem(system);
    is_open = false;
    hcs->HcsCloseOperation(operation);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    for (const std::string &misuse : misuses()) std::puts(misuse.c_str());
    std::fflush(stdout);
    std::_Exit(0);
}
