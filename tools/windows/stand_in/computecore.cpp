/* A computecore.dll for the test bed: the functions of hcsapi.h, exported by name, with the emulator behind them.
 *
 * It lies where the loader looks, and the code under test cannot tell: strings are released with LocalFree, or with
 * CoTaskMemFree as hcsshim and WSL do, and stdio handles with CloseHandle. These are caught on their way through
 * kernel32.dll and combase.dll, so that the emulator counts what Windows would not tell anybody. The first call brings
 * the emulator's service up in the Python of the process. x64 and Wine only. */
#include <windows.h>

// It needs the types of windows.h.
#include <psapi.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <tuple>
#include <unordered_map>

#include "backends/functions.h"
#include "core/results.h"
#include "hcsrt.h"

namespace {

std::atomic<const HcsApi *> table{nullptr};

/* What was handed out and not released (true), or released (false) and not seen again as something else's. */
std::mutex mutex;
std::unordered_map<void *, bool> strings, handles;

using Released = std::unordered_map<void *, bool>;

void note(Released &released, void *value) {
    if (!value || value == INVALID_HANDLE_VALUE) return;
    std::lock_guard<std::mutex> lock(mutex);
    released[value] = true;
}

/* Returns true once for each thing that was handed out. */
bool claim(Released &released, void *value, bool *seen_before) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = released.find(value);
    *seen_before = found != released.end() && !found->second;
    if (found == released.end() || !found->second) return false;
    found->second = false;
    return true;
}

/* --- release, through kernel32.dll and combase.dll ---------------------------------------------------------------- */

HLOCAL(WINAPI *real_local_free)(HLOCAL);
BOOL(WINAPI *real_heap_free)(HANDLE, DWORD, LPVOID);
BOOL(WINAPI *real_close_handle)(HANDLE);

HLOCAL WINAPI local_free(HLOCAL memory) {
    bool again;
    if (claim(strings, memory, &again)) {
        table.load()->free_string(static_cast<hcsrt_char *>(memory));
        return nullptr;
    }
    HLOCAL left = real_local_free(memory);
    /* The address may be somebody else's by now: only what Windows refuses was freed twice. */
    if (again && left) table.load()->free_string(static_cast<hcsrt_char *>(memory));
    return left;
}

/* What CoTaskMemFree ends in. */
BOOL WINAPI heap_free(HANDLE heap, DWORD flags, LPVOID memory) {
    bool again;
    if (claim(strings, memory, &again)) {
        table.load()->free_string(static_cast<hcsrt_char *>(memory));
        return TRUE;
    }
    BOOL freed = real_heap_free(heap, flags, memory);
    if (again && !freed) table.load()->free_string(static_cast<hcsrt_char *>(memory));
    return freed;
}

BOOL WINAPI close_handle(HANDLE handle) {
    bool again;
    if (claim(handles, handle, &again)) return table.load()->close_handle(handle);
    BOOL closed = real_close_handle(handle);
    if (again && !closed) table.load()->close_handle(handle);
    return closed;
}

/* Replaces what a DLL imports by that name. The exports of kernel32.dll of the same name jump through the entry. */
template <typename Function>
bool replace_import(const wchar_t *importer, const char *name, Function *replacement, Function **real) {
    char *base = reinterpret_cast<char *>(GetModuleHandleW(importer));
    if (!base) return false;
    auto *headers = reinterpret_cast<IMAGE_NT_HEADERS *>(base + reinterpret_cast<IMAGE_DOS_HEADER *>(base)->e_lfanew);
    DWORD place = headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress;
    for (auto *dll = reinterpret_cast<IMAGE_IMPORT_DESCRIPTOR *>(base + place); place && dll->Name; ++dll) {
        auto *names = reinterpret_cast<IMAGE_THUNK_DATA *>(base + dll->OriginalFirstThunk);
        auto *entries = reinterpret_cast<IMAGE_THUNK_DATA *>(base + dll->FirstThunk);
        for (; names->u1.AddressOfData; ++names, ++entries) {
            if (names->u1.Ordinal & IMAGE_ORDINAL_FLAG64) continue;
            auto *by_name = reinterpret_cast<IMAGE_IMPORT_BY_NAME *>(base + names->u1.AddressOfData);
            if (std::strcmp(reinterpret_cast<char *>(by_name->Name), name) != 0) continue;
            DWORD protection;
            *real = reinterpret_cast<Function *>(entries->u1.Function);
            if (!VirtualProtect(&entries->u1.Function, sizeof entries->u1.Function, PAGE_READWRITE, &protection))
                return false;
            entries->u1.Function = reinterpret_cast<ULONGLONG>(replacement);
            return VirtualProtect(&entries->u1.Function, sizeof entries->u1.Function, protection, &protection);
        }
    }
    return false;
}

/* For each DLL that is loaded; one at a time. */
void CALLBACK catch_cotaskmem_free(ULONG, const void *, void *) {
    static bool caught = false;
    caught = caught || replace_import(L"combase.dll", "HeapFree", heap_free, &real_heap_free);
}

/* Our own import of combase.dll would load half of Windows into each process, and many never need it. */
bool await_combase() {
    using Register = LONG(NTAPI *)(ULONG, decltype(&catch_cotaskmem_free), void *, void **);
    auto *found =
        reinterpret_cast<void *>(GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "LdrRegisterDllNotification"));
    static void *cookie;
    catch_cotaskmem_free(0, nullptr, nullptr);
    return found && !reinterpret_cast<Register>(found)(0, catch_cotaskmem_free, nullptr, &cookie);
}

/* --- the emulator behind it -------------------------------------------------------------------------------------- */

void *find_export(const char *name) {
    HMODULE modules[1024];
    DWORD bytes = 0;
    if (!K32EnumProcessModules(GetCurrentProcess(), modules, sizeof modules, &bytes)) return nullptr;
    for (DWORD i = 0; i < bytes / sizeof *modules && i < 1024; ++i)
        if (void *found = reinterpret_cast<void *>(GetProcAddress(modules[i], name))) return found;
    return nullptr;
}

[[noreturn]] void give_up(const char *reason) {
    std::fprintf(stderr, "the stand-in computecore.dll cannot work: %s\n", reason);
    std::fflush(stderr);
    ExitProcess(70);
}

/* hcsrt_stand_in.py finds the emulator's table and stores it here. Two first calls at once both get the same. */
const HcsApi *attach() {
    auto ensure = reinterpret_cast<int (*)()>(find_export("PyGILState_Ensure"));
    auto release = reinterpret_cast<void (*)(int)>(find_export("PyGILState_Release"));
    auto run = reinterpret_cast<int (*)(const char *)>(find_export("PyRun_SimpleString"));
    if (!ensure || !release || !run) give_up("there is no Python in this process");
    char script[100];
    std::snprintf(script, sizeof script, "import hcsrt_stand_in; hcsrt_stand_in.attach(%llu)",
                  reinterpret_cast<unsigned long long>(&table));
    int state = ensure();
    int failed = run(script);
    release(state);
    const HcsApi *found = table.load();
    if (failed || !found) give_up("hcsrt_stand_in.py failed");
    return found;
}

const HcsApi *api() {
    const HcsApi *found = table.load(std::memory_order_acquire);
    return found ? found : attach();
}

/* --- the exports ------------------------------------------------------------------------------------------------- */

/* What a call hands out, by the types of its parameters. */
template <typename T>
void note_output(T) {}
void note_output(hcsrt_char **string) {
    if (string) note(strings, *string);
}
void note_output(hcsrt_process_information *info) {
    if (!info) return;
    for (hcsrt_handle handle : {info->std_input, info->std_output, info->std_error}) note(handles, handle);
}

template <auto Entry>
struct Forward;
template <typename Result, typename... Parameters, Result (HCSRT_CALL *HcsApi::*Entry)(Parameters...)>
struct Forward<Entry> {
    static Result HCSRT_CALL call(Parameters... arguments) {
        struct Notes {
            std::tuple<Parameters...> arguments;
            ~Notes() {
                std::apply([](auto... each) { (note_output(each), ...); }, arguments);
            }
        } notes{{arguments...}};
        return (api()->*Entry)(arguments...);
    }
};

}  // namespace

extern "C" {

#define HCSRT_EXPORT(name, since, shape, subject, lane, type) \
    extern void *const hcsrt_forward_##name; \
    void *const hcsrt_forward_##name = reinterpret_cast<void *>(Forward<&HcsApi::name>::call); \
    __asm__(".section .text\n.globl " #name "\n" #name ":\n\tjmp *hcsrt_forward_" #name \
            "(%rip)\n" \
            ".section .drectve,\"yn\"\n\t.ascii \" -export:" #name "\"\n.section .text\n");
HCSRT_FUNCTIONS(HCSRT_EXPORT)

BOOL WINAPI DllMain(HINSTANCE, DWORD reason, LPVOID) {
    if (reason != DLL_PROCESS_ATTACH) return TRUE;
    return await_combase() && replace_import(L"kernel32.dll", "LocalFree", local_free, &real_local_free) &&
           replace_import(L"kernel32.dll", "CloseHandle", close_handle, &real_close_handle);
}

}  // extern "C"
