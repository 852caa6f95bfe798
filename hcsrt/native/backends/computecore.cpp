#include "backends/backends.h"

#if defined(_WIN32)

#  ifndef WIN32_LEAN_AND_MEAN
#    define WIN32_LEAN_AND_MEAN
#  endif
#  include <windows.h>

#  include "backends/functions.h"

namespace {

void release_local(hcsrt_char *string) { LocalFree(string); }

/* ole32.dll is loaded for the one function, and only where a string of HCN is released. */
void release_cotaskmem(void *memory) {
    using Free = void(WINAPI *)(void *);
    static const Free free = [] {
        HMODULE ole32 = LoadLibraryExW(L"ole32.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
        return ole32 ? reinterpret_cast<Free>(reinterpret_cast<void *>(GetProcAddress(ole32, "CoTaskMemFree")))
                     : nullptr;
    }();
    if (free) free(memory);
}

int release_handle(hcsrt_handle handle) { return CloseHandle(handle); }

template <typename Function>
void resolve(HMODULE dll, const char *name, Function *entry) {
    *entry = reinterpret_cast<Function>(reinterpret_cast<void *>(GetProcAddress(dll, name)));
}

}  // namespace

uint32_t hcsrt_computecore_load(hcsrt_backend *backend) {
    static HcsApi api;
    HMODULE dll = LoadLibraryExW(L"computecore.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!dll) return GetLastError();
    api.size = sizeof api;
#  define RESOLVE(name, since, shape, subject, lane, type) resolve(dll, #name, &api.name);
    HCSRT_FUNCTIONS(RESOLVE)
#  undef RESOLVE
    api.free_string = release_local;
    api.free_cotaskmem = release_cotaskmem;
    api.close_handle = release_handle;
    *backend = {sizeof *backend, &api};
    return 0;
}

int hcsrt_impersonates(void) {
    HANDLE token;
    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token)) return GetLastError() != ERROR_NO_TOKEN;
    CloseHandle(token);
    return 1;
}

#else

uint32_t hcsrt_computecore_load(hcsrt_backend *) {
    constexpr uint32_t ERROR_MODULE_NOT_FOUND = 126;
    return ERROR_MODULE_NOT_FOUND;
}

int hcsrt_impersonates(void) { return 0; }

#endif
