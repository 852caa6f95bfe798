/* A client whose completion callback throws: HCS is C, and nothing there would catch it. Prints the misuses, after it has
 * made sure that the emulator still calls back. With an argument, a client that catches everything. */
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "core/results.h"
#include "emulator/emulator.h"

namespace {

constexpr uint32_t FOREVER = 0xFFFFFFFFu;

bool is_right = false;

void HCSRT_CALL completed(hcsrt_operation, void *) {
    try {
        throw std::runtime_error("a mistake");
    } catch (const std::exception &) {
        if (!is_right) throw;
    }
}

/* Answers everything with success. */
void serve(uint32_t service) {
    hcsrt::emulator::Request request;
    while (hcsrt::emulator::take(service, -1, &request) == hcsrt::emulator::Taken::Item)
        hcsrt::emulator::reply(request.ticket, HCSRT_S_OK, {nullptr, 0}, 0, 0);
}

}  // namespace

int main(int count, char **) {
    is_right = count > 1;
    const HcsApi *hcs = hcsrt::emulator::api();
    std::thread service(serve, hcsrt::emulator::start());
    for (int i = 0; i < 2; ++i) {
        hcsrt_operation operation = hcs->HcsCreateOperation(nullptr, completed);
        if (hcs->HcsEnumerateComputeSystems(nullptr, operation) != HCSRT_S_OK) return 1;
        if (hcs->HcsWaitForOperationResult(operation, FOREVER, nullptr) != HCSRT_S_OK) return 1;
        hcs->HcsCloseOperation(operation);
    }
    /* Returns when the callbacks have. */
    hcsrt::emulator::stop(true);
    service.join();
    for (const std::string &misuse : hcsrt::emulator::misuses()) std::puts(misuse.c_str());
    if (hcsrt::emulator::live().operations) return 1;
    /* The threads that call back are for ever. */
    std::fflush(stdout);
    std::_Exit(0);
}
