/* Preloaded into a Python: while a thread asks for it, native code of other threads gets no memory, nor does the C library
 * for the thread-local data of theirs. Not linked with the C++ library, whose data would be there from the start. */
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <dlfcn.h>
#include <pthread.h>

extern "C" {

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

static volatile int is_armed;
static pthread_t spared;

void no_thread_data_for_others(int armed) {
    spared = pthread_self();
    is_armed = armed;
}

static bool fails(void *caller) {
    if (!is_armed || pthread_equal(spared, pthread_self())) return false;
    Dl_info object;
    if (!dladdr(caller, &object) || !object.dli_fname) return false;
    const char *name = object.dli_fname;
    if (!std::strstr(name, "/ld-") && !std::strstr(name, "/libstdc++.so") && !std::strstr(name, "/hcsrt/"))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) { return fails(__builtin_return_address(0)) ? nullptr : __libc_malloc(size); }

void *calloc(size_t count, size_t size) {
    return fails(__builtin_return_address(0)) ? nullptr : __libc_calloc(count, size);
}

}  // extern "C"
