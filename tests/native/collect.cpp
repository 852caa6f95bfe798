/* An HCS that says that a call goes on, and gives a document and handles all the same: none of them is lost. And that it
 * says so at once, however long it was to wait, keeps no processor busy. */
#include <chrono>
#include <cstdio>
#include <initializer_list>

#include "core/operations.h"
#include "core/results.h"

namespace {

int strings = 0, handles = 0;
hcsrt_char text[1] = {0};

hcsrt_result give(hcsrt_process_information *info, hcsrt_char **document, hcsrt_result result) {
    *document = text;
    *info = {};
    info->std_input = info->std_output = text;
    info->std_error = reinterpret_cast<hcsrt_handle>(-1);
    ++strings;
    handles += 2;
    return result;
}

}  // namespace

int main() {
    HcsApi api = {};
    api.free_string = [](hcsrt_char *) { --strings; };
    api.close_handle = [](hcsrt_handle) { return --handles, 1; };
    api.HcsGetOperationResultAndProcessInfo = [](hcsrt_operation, hcsrt_process_information *info,
                                                 hcsrt_char **document) {
        return give(info, document, HCSRT_E_OPERATION_PENDING);
    };
    api.HcsWaitForOperationResultAndProcessInfo = [](hcsrt_operation, uint32_t, hcsrt_process_information *info,
                                                     hcsrt_char **document) {
        return give(info, document, HCSRT_E_OPERATION_TIMEOUT);
    };
    for (uint32_t milliseconds : {0u, 1u}) {
        hcsrt_process_information info;
        hcsrt_char *document;
        hcsrt_result result = hcsrt_collect_operation(&api, text, milliseconds, &info, &document);
        std::printf("%d %d ", result == HCSRT_E_OPERATION_PENDING, document || info.std_input || info.std_output);
    }
    auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 4; ++i) {
        hcsrt_process_information info;
        hcsrt_char *document;
        hcsrt_collect_operation(&api, text, 1000, &info, &document);
    }
    bool rests = std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(19);
    std::printf("%d %d %d\n", rests, strings, handles);
}
