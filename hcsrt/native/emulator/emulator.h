/* The emulator's C face: an HCS inside this process behind an HcsApi.
 *
 * Handles, operations, strings, callbacks, pipes and processes are native and need no Python to die. What a compute
 * system is and does is decided by a service (hcsrt/emulator/service.py), which takes its work from one queue. */
#ifndef HCSRT_EMULATOR_H
#define HCSRT_EMULATOR_H

#include <cstdint>
#include <string>
#include <vector>

#include "emulator/switches.h"
#include "hcsrt.h"

struct hcsrt_fault_hook;

namespace hcsrt::emulator {

/* The service's number of a compute system or a process, whatever handles are open to it. 0: none. */
using Key = uint64_t;

/* A string argument; an absent one was NULL. */
struct Text {
    bool given = false;
    std::u16string value;
};

/* A string of the service's, which is copied; NULL: none. */
struct Given {
    const char16_t *units;
    size_t length;
};

/* One item of the service's queue. */
struct Request {
    const char *function = nullptr; /* the HCS function, or ProcessExited, HandlesReleased, World, Event */
    uint64_t ticket = 0;            /* to be answered by reply(); 0: nothing to answer */
    Key system = 0;
    Key process = 0;
    Text scope;                /* the namespace of a compute system */
    Text id;                   /* of a compute system */
    Text text;                 /* path, document, query, options or settings */
    uint32_t number = 0;       /* process id, or exit code */
    bool lost = false;         /* nobody knows the exit code */
    bool while_unused = false; /* void once a handle is open again */
};

/* A program for spawn(); the pointers are borrowed, the strings encoded as os.fsencode() does. */
struct Program {
    char *const *argv; /* on Windows two strings: the program's name, and its whole command line */
    char *const *environment;
    const char *directory; /* nullptr: the root */
    bool streams[3];       /* which of stdin, stdout, stderr get a pipe */
    bool console;          /* a pseudo-terminal instead of pipes */
    uint16_t rows, columns;
};

struct Counts {
    size_t operations, systems, processes, strings, stdio;
};

/* What a program has used, with all that it waited for; on Windows with all that it started. Times in 100 ns. */
struct Usage {
    uint64_t user, kernel;
    uint64_t peak; /* the most memory of one of them; on Windows of all. At least so much where nobody knows more */
    uint64_t reads, bytes_read, writes, bytes_written;
};

enum class Taken { Item, Nothing, Stopped };

/* The service's answer to a request. */
struct Reply {
    uint64_t ticket;
    hcsrt_result result;
    Given document;
    Key key; /* of an opened object; 0: none */
    uint32_t pid;
};

const HcsApi *api();
const hcsrt_fault_hook *fault_hook();

/* To be called once. `finalizing` tells whether Python is being finalized; from then on calls are answered without the
 * service. `start` is called on a thread of its own to start the service, where a call comes in a process without one, as
 * in a forked child; it has to call start(), or fail_to_start(). */
bool attach(int (*finalizing)(void), void (*start)(void));

/* The epoch of this process; a forked child has another one. */
uint32_t process_epoch();

/* The service's side. Each may be called from any thread; take() blocks at most `timeout_ms`, for ever if negative, and gives
 * a reply before that, so that Python runs neither in between nor beside who is told. Without memory an answer becomes
 * E_OUTOFMEMORY, an event is lost, other than an exit, and what can say nothing throws. */
Taken take(uint32_t service, int64_t timeout_ms, const Reply *first, Request *request);
void reply(const Reply &reply) noexcept;
void emit(Key key, uint32_t event_type, const Given &data) noexcept;
int spawn(Key process, const Program &program, int *error, bool *directory_failed); /* the pid, or -1 and *error */
bool signal(Key process, int number);
bool members(Key process, std::vector<int> *pids);
void resize(Key process, uint16_t rows, uint16_t columns);
bool close_stream(Key process, int stream);
Usage usage(Key process); /* on POSIX zero until the program has ended */
void forget(Key process);

/* The tests' side. */
void configure(bool vary, uint64_t seed);
void assume(size_t row, uint32_t choice); /* of SWITCHES; NOT_ASSUMED: the seed chooses again */
uint32_t met(size_t row);
uint32_t start();              /* the number of the service, for take() */
bool serves(uint32_t service); /* whether it has not gone */
void fail_to_start();          /* who has called meanwhile hears that the service has gone; the next call tries again */
void stop(bool for_good);      /* as a service that crashes; whether the world ends with it */
void clear();                  /* ends the world */
/* Has the service answer a request that is no function of HCS. */
hcsrt_result ask_service(const char *verb, const Given &text, Text *document) noexcept;
uint64_t visited(); /* entries of lists that were looked at for events, and for streams of processes */
Key new_key();
Counts live();
std::vector<std::string> misuses();
void record_misuse(const char *text) noexcept;

}  // namespace hcsrt::emulator

#endif
