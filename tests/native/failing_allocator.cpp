/* Preloaded into a Python: fails the n-th, or some from the n-th on, of the allocations that the native code of one folder
 * makes.
 *
 * An allocation is theirs by its return address: the allocations of CPython and of everything else go on as ever. What
 * libstdc++ allocates by operator new it does for them, since nobody else here is written in C++. Threads and handlers
 * of a fork or an exit count, too: the C library has to find memory for those. */
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

extern "C" {
/* glibc's own, to go on with: looking for the next malloc() would need a malloc(). */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* All of the program's own: */
std::atomic<uint64_t> failing_allocator_count{0};
std::atomic<uint64_t> failing_allocator_fails{0}; /* the number of the first to fail; 0: none, and nothing is counted */
std::atomic<uint64_t> failing_allocator_width{1}; /* how many fail from there on */
std::atomic<void *> failing_allocator_failed{nullptr};

void failing_allocator_of(const char *folder);
}

namespace {

enum class Owner : int { OTHER, OURS, LIBRARY };

struct Range {
    uintptr_t from, to;
    Owner owner;
};

char prefix[4096];
size_t prefix_length;

/* Of the objects that have called so far: none of them is ever unloaded. */
constexpr int MOST_RANGES = 1024;
Range ranges[MOST_RANGES];
std::atomic<int> range_count{0};
std::atomic_flag adding = ATOMIC_FLAG_INIT;

struct Search {
    uintptr_t address;
    Range found;
};

int look_at(dl_phdr_info *object, size_t, void *given) {
    auto *search = static_cast<Search *>(given);
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr) &part = object->dlpi_phdr[i];
        uintptr_t from = object->dlpi_addr + part.p_vaddr;
        if (part.p_type != PT_LOAD || search->address < from || search->address >= from + part.p_memsz) continue;
        bool ours = prefix_length && !std::strncmp(object->dlpi_name, prefix, prefix_length);
        bool library = std::strstr(object->dlpi_name, "/libstdc++.so");
        search->found = {from, from + part.p_memsz, ours ? Owner::OURS : library ? Owner::LIBRARY : Owner::OTHER};
        return 1;
    }
    return 0;
}

Owner owner_of(void *caller) {
    auto address = reinterpret_cast<uintptr_t>(caller);
    int count = range_count.load(std::memory_order_acquire);
    for (int i = 0; i < count; ++i)
        if (address >= ranges[i].from && address < ranges[i].to) return ranges[i].owner;
    Search search = {address, {}};
    if (!dl_iterate_phdr(look_at, &search)) return Owner::OTHER;
    while (adding.test_and_set(std::memory_order_acquire)) {}
    count = range_count.load(std::memory_order_relaxed);
    if (count < MOST_RANGES) {
        ranges[count] = search.found;
        range_count.store(count + 1, std::memory_order_release);
    }
    adding.clear(std::memory_order_release);
    return search.found.owner;
}

bool fails(void *caller, bool of_library = false) {
    uint64_t number = failing_allocator_fails.load(std::memory_order_relaxed);
    if (!number) return false;
    Owner owner = owner_of(caller);
    if (owner == Owner::OTHER || (owner == Owner::LIBRARY && !of_library)) return false;
    uint64_t own = failing_allocator_count.fetch_add(1) + 1;
    if (own == number) failing_allocator_failed.store(caller);
    return own >= number && own - number < failing_allocator_width.load(std::memory_order_relaxed);
}

void *allocate(void *caller, size_t size, size_t alignment = 0) {
    if (fails(caller, true)) return nullptr;
    return alignment ? __libc_memalign(alignment, size) : __libc_malloc(size);
}

void *need(void *memory) {
    if (!memory) throw std::bad_alloc();
    return memory;
}

template <typename Function>
Function next(const char *name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define CALLER __builtin_return_address(0)

void *operator new(size_t size) { return need(allocate(CALLER, size)); }
void *operator new[](size_t size) { return need(allocate(CALLER, size)); }
void *operator new(size_t size, const std::nothrow_t &) noexcept { return allocate(CALLER, size); }
void *operator new[](size_t size, const std::nothrow_t &) noexcept { return allocate(CALLER, size); }
void *operator new(size_t size, std::align_val_t alignment) {
    return need(allocate(CALLER, size, static_cast<size_t>(alignment)));
}
void *operator new[](size_t size, std::align_val_t alignment) {
    return need(allocate(CALLER, size, static_cast<size_t>(alignment)));
}
void *operator new(size_t size, std::align_val_t alignment, const std::nothrow_t &) noexcept {
    return allocate(CALLER, size, static_cast<size_t>(alignment));
}
void *operator new[](size_t size, std::align_val_t alignment, const std::nothrow_t &) noexcept {
    return allocate(CALLER, size, static_cast<size_t>(alignment));
}

extern "C" {

void failing_allocator_of(const char *folder) {
    prefix_length = std::strlen(folder);
    std::memcpy(prefix, folder, prefix_length + 1);
}

void *malloc(size_t size) {
    if (!fails(CALLER)) return __libc_malloc(size);
    errno = ENOMEM;
    return nullptr;
}

void *calloc(size_t count, size_t size) {
    if (!fails(CALLER)) return __libc_calloc(count, size);
    errno = ENOMEM;
    return nullptr;
}

void *realloc(void *memory, size_t size) {
    if (!fails(CALLER)) return __libc_realloc(memory, size);
    errno = ENOMEM;
    return nullptr;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    static auto create = next<decltype(&pthread_create)>("pthread_create");
    return fails(CALLER) ? EAGAIN : create(thread, attributes, body, argument);
}

/* pthread_atfork() and atexit() are in each object itself, and call these. */
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *object) {
    static auto add = next<decltype(&__register_atfork)>("__register_atfork");
    return fails(CALLER) ? ENOMEM : add(prepare, parent, child, object);
}

int __cxa_atexit(void (*function)(void *), void *argument, void *object) {
    static auto add = next<decltype(&__cxa_atexit)>("__cxa_atexit");
    return fails(CALLER) ? -1 : add(function, argument, object);
}

}  // extern "C"
