#include <atomic>
#include <cstring>

#include "backends/backends.h"

namespace {

HcsApi table;
std::atomic<const HcsApi *> chosen{nullptr};

void destroy(void *context) {
    if (context) static_cast<hcsrt_context *>(context)->destroy(static_cast<hcsrt_context *>(context));
}

}  // namespace

extern "C" {

const HcsApi *hcsrt_chosen(void) { return chosen.load(std::memory_order_acquire); }

void hcsrt_replace_chosen(const HcsApi *api) { chosen.store(api, std::memory_order_release); }

void hcsrt_choose(const hcsrt_backend *backend) {
    size_t size = backend->hcs->size < sizeof table ? backend->hcs->size : sizeof table;
    std::memcpy(&table, backend->hcs, size);
    table.size = size;
    hcsrt_replace_chosen(&table);
}

void hcsrt_close_operation(void *raw, void *context) {
    hcsrt_chosen()->HcsCloseOperation(raw);
    destroy(context);
}

void hcsrt_close_system(void *raw, void *context) {
    hcsrt_chosen()->HcsCloseComputeSystem(raw);
    destroy(context);
}

void hcsrt_close_process(void *raw, void *context) {
    hcsrt_chosen()->HcsCloseProcess(raw);
    destroy(context);
}

void hcsrt_close_stdio(void *raw, void *context) {
    hcsrt_chosen()->close_handle(raw);
    destroy(context);
}

}  // extern "C"
