/* A client whose completion callback throws: HCS is C, and nothing there would catch it. Prints the misuses, after it has
 * made sure that the emulator still calls back. With "right", a client that catches everything; with "late", faults have
 * its callbacks come later, and twice. */
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "core/results.h"
#include "emulator/emulator.h"
#include "interpose/interpose.h"

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

int64_t let_completions(int action) {
    hcsrt_rule rule = {};
    rule.site = HCSRT_SITE_COMPLETION;
    rule.function = hcsrt_interposed("HcsEnumerateComputeSystems");
    rule.action = action;
    rule.milliseconds = 1;
    return hcsrt_rule_add(&rule);
}

int main(int count, char **arguments) {
    is_right = count > 1 && !std::strcmp(arguments[1], "right");
    const HcsApi *hcs = hcsrt::emulator::api();
    int64_t rules[2] = {};
    if (count > 1 && !is_right) {
        hcsrt_set_fault_hook(hcsrt::emulator::fault_hook());
        hcs = hcsrt_interpose(hcs);
        rules[0] = let_completions(HCSRT_ACTION_DUPLICATE);
        rules[1] = let_completions(HCSRT_ACTION_DELAY);
    }
    std::thread service(serve, hcsrt::emulator::start());
    for (int i = 0; i < 2; ++i) {
        hcsrt_operation operation = hcs->HcsCreateOperation(nullptr, completed);
        if (hcs->HcsEnumerateComputeSystems(nullptr, operation) != HCSRT_S_OK) return 1;
        if (hcs->HcsWaitForOperationResult(operation, FOREVER, nullptr) != HCSRT_S_OK) return 1;
        /* Returns when what was late has come. */
        if (rules[1]) hcsrt_rule_release(rules[1]);
        hcs->HcsCloseOperation(operation);
    }
    for (int64_t rule : rules) hcsrt_rule_remove(rule);
    /* Returns when the callbacks have. */
    hcsrt::emulator::stop(true);
    service.join();
    for (const std::string &misuse : hcsrt::emulator::misuses()) std::puts(misuse.c_str());
    if (hcsrt::emulator::live().operations) return 1;
    /* The threads that call back are for ever. */
    std::fflush(stdout);
    std::_Exit(0);
}
