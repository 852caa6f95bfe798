#include <atomic>
#include <cstring>

#include "backends/backends.h"

namespace {

HcsApi table;
std::atomic<const HcsApi *> chosen{nullptr};

/* What is called without looking whether it is there: each call and each handle rests on them. */
#define ESSENTIAL(F) \
    F(free_string) \
    F(close_handle) \
    F(HcsCreateOperation) \
    F(HcsCloseOperation) \
    F(HcsCloseComputeSystem) \
    F(HcsCloseProcess) \
    F(HcsGetOperationResult) \
    F(HcsGetOperationResultAndProcessInfo) \
    F(HcsWaitForOperationResult) \
    F(HcsWaitForOperationResultAndProcessInfo)

/* The table as this build knows it: what an older backend does not know is NULL. */
HcsApi whole(const HcsApi *given) {
    HcsApi api = {};
    size_t size = given->size < sizeof api ? given->size : sizeof api;
    std::memcpy(&api, given, size);
    api.size = size;
    return api;
}

void destroy(void *context) {
    if (context) static_cast<hcsrt_context *>(context)->destroy(static_cast<hcsrt_context *>(context));
}

}  // namespace

extern "C" {

const HcsApi *hcsrt_chosen(void) { return chosen.load(std::memory_order_acquire); }

void hcsrt_replace_chosen(const HcsApi *api) { chosen.store(api, std::memory_order_release); }

void hcsrt_restore_chosen(void) {
    if (hcsrt_chosen()) hcsrt_replace_chosen(&table);
}

const char *hcsrt_lacking(const hcsrt_backend *backend) {
    if (backend->size < sizeof *backend || !backend->hcs) return "hcs";
    HcsApi api = whole(backend->hcs);
#define LACKING(name) \
    if (!api.name) return #name;
    ESSENTIAL(LACKING)
#undef LACKING
    return nullptr;
}

void hcsrt_choose(const hcsrt_backend *backend) {
    table = whole(backend->hcs);
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
