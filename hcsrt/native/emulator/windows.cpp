#define _CRT_RAND_S /* rand_s, whose numbers nobody can guess */
#include <stdlib.h>

#include "core/threads.h"
#include "emulator/platform.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <new>

#include <psapi.h>

namespace hcsrt::emulator::platform {
namespace {

constexpr DWORD PIPE_SIZE = 64 * 1024;
constexpr DWORD RELAY_LIMIT_MS = 100;

/* As Linux numbers them, where Windows has no numbers. */
constexpr int CONTINUE = 18, STOP = 19;

/* Under Wine a new process may die before it has begun, more often on a busy machine: another is tried. */
constexpr int STARTS = 5;

/* What a program gets as its exit code from a Ctrl-C that it does not handle, and from KILL: the same as on POSIX. */
constexpr UINT INTERRUPTED = 0xC000013A, KILLED = 128 + KILL;

class Owned {
  public:
    explicit Owned(HANDLE handle = nullptr) : handle_(handle == INVALID_HANDLE_VALUE ? nullptr : handle) {}
    ~Owned() { reset(); }
    Owned(const Owned &) = delete;
    Owned &operator=(const Owned &) = delete;

    void reset(HANDLE handle = nullptr) {
        if (handle_) CloseHandle(handle_);
        handle_ = handle == INVALID_HANDLE_VALUE ? nullptr : handle;
    }
    HANDLE get() const { return handle_; }
    HANDLE release() {
        HANDLE handle = handle_;
        handle_ = nullptr;
        return handle;
    }
    HANDLE *out() { return &handle_; }
    explicit operator bool() const { return handle_ != nullptr; }

  private:
    HANDLE handle_;
};

/* Moves what is written to a stdin into the program's own pipe, which can then be closed alone: a reader gets no end of
 * file from a pipe that its writer still holds. */
struct Relay {
    Owned source, target, stop, arrived, closed;
    std::string rest;                /* has room for what a pipe holds */
    std::atomic<bool> unread{false}; /* no program is left that could read the rest */
    std::atomic<int> references{2};  /* the group's and the thread's */

    void drop() {
        if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
};

struct Job {
    Owned job, process;
    Relay *relay = nullptr;

    ~Job() {
        if (relay) relay->drop();
    }
};

uint64_t ticks(const FILETIME &time) { return static_cast<uint64_t>(time.dwHighDateTime) << 32 | time.dwLowDateTime; }

Job *job_of(Group group) { return reinterpret_cast<Job *>(group); }
HANDLE handle_at(End end) { return reinterpret_cast<HANDLE>(end); }
End end_of(HANDLE handle) { return reinterpret_cast<End>(handle); }

/* os.fsencode() writes UTF-8 with each half of a surrogate pair that stands alone as three bytes of its own. */
std::wstring wide(const char *text) {
    std::wstring result;
    const unsigned char *at = reinterpret_cast<const unsigned char *>(text);
    while (*at) {
        uint32_t point = *at++;
        int more = point >= 0xF0 ? 3 : point >= 0xE0 ? 2 : point >= 0xC0 ? 1 : 0;
        if (more) point &= 0x3Fu >> more;
        for (; more && *at; --more) point = point << 6 | (*at++ & 0x3Fu);
        if (point > 0xFFFF) {
            result.push_back(static_cast<wchar_t>(0xD7C0 + (point >> 10)));
            point = 0xDC00 | (point & 0x3FF);
        }
        result.push_back(static_cast<wchar_t>(point));
    }
    return result;
}

bool is_folder(const std::wstring &path) {
    DWORD attributes = GetFileAttributesW(path.c_str());
    return attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY;
}

/* The value of PATH among "NAME=value" strings, whatever the case of its name. */
std::wstring path_of(const std::vector<std::wstring> &environment) {
    for (const std::wstring &entry : environment)
        if (entry.size() >= 5 && CompareStringOrdinal(entry.c_str(), 5, L"PATH=", 5, TRUE) == CSTR_EQUAL)
            return entry.substr(5);
    return L"";
}

/* A path that begins in a folder, whatever the current folder of this process is. */
std::wstring path_in(const std::wstring &folder, const std::wstring &path) {
    bool has_drive = path.size() > 2 && path[1] == L':' && (path[2] == L'\\' || path[2] == L'/');
    bool is_absolute = has_drive || (path.size() > 2 && path[0] == L'\\' && path[1] == L'\\');
    if (is_absolute) return path;
    /* Others are relative to the root of the folder's drive, or to the folder. */
    bool from_root = path[0] == L'\\' || path[0] == L'/';
    return from_root ? folder.substr(0, 2) + path : folder + L"\\" + path;
}

/* The file to run, as a shell would find it on the program's own PATH. SearchPathW would look in the current folder. */
DWORD find_program(const std::wstring &name, const std::wstring &folder, const std::wstring &path,
                   std::wstring *found) {
    std::vector<std::wstring> candidates;
    if (name.find_first_of(L"\\/:") != std::wstring::npos) {
        candidates.push_back(path_in(folder, name));
    } else {
        for (size_t from = 0; from < path.size();) {
            size_t to = std::min(path.find(L';', from), path.size());
            if (to > from) candidates.push_back(path_in(folder, path.substr(from, to - from)) + L"\\" + name);
            from = to + 1;
        }
    }
    /* A file without an extension is no program of Windows; the one that is meant may lie beside it. */
    bool has_extension = name.find(L'.', name.find_last_of(L"\\/:") + 1) != std::wstring::npos;
    DWORD error = ERROR_FILE_NOT_FOUND;
    for (const std::wstring &candidate : candidates) {
        for (const wchar_t *suffix : {L"", L".exe"}) {
            if (!*suffix && !has_extension && !is_folder(candidate)) continue;
            *found = candidate + suffix;
            DWORD attributes = GetFileAttributesW(found->c_str());
            if (attributes == INVALID_FILE_ATTRIBUTES) continue;
            if (!(attributes & FILE_ATTRIBUTE_DIRECTORY)) return ERROR_SUCCESS;
            error = ERROR_ACCESS_DENIED;
        }
    }
    return error;
}

/* CreateProcessW wants them sorted by name, one after another, each with its NUL and one more at the end. */
std::wstring block_of(std::vector<std::wstring> environment) {
    auto before = [](const std::wstring &left, const std::wstring &right) {
        int size[2] = {static_cast<int>(left.find(L'=')), static_cast<int>(right.find(L'='))};
        return CompareStringOrdinal(left.c_str(), size[0], right.c_str(), size[1], TRUE) == CSTR_LESS_THAN;
    };
    std::sort(environment.begin(), environment.end(), before);
    std::wstring block;
    for (const std::wstring &entry : environment) block.append(entry).push_back(L'\0');
    block.push_back(L'\0');
    return block;
}

/* A pipe whose server end reads, and is overlapped. Nobody can guess its name and come first. */
DWORD make_pipe(Owned *reader, Owned *writer, bool overlapped_writer) {
    unsigned random[4];
    for (unsigned &number : random)
        if (rand_s(&number)) return ERROR_NO_SYSTEM_RESOURCES;
    wchar_t name[80];
    std::swprintf(name, sizeof name / sizeof *name, L"\\\\.\\pipe\\hcsrt-%08x%08x%08x%08x", random[0], random[1],
                  random[2], random[3]);
    reader->reset(CreateNamedPipeW(name, PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                   PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1,
                                   PIPE_SIZE, PIPE_SIZE, 0, nullptr));
    if (!*reader) return GetLastError();
    writer->reset(CreateFileW(name, GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                              overlapped_writer ? FILE_FLAG_OVERLAPPED : 0, nullptr));
    return *writer ? ERROR_SUCCESS : GetLastError();
}

bool pass_on(Relay *relay, const char *data, DWORD size) {
    for (DWORD written; size; data += written, size -= written)
        if (!WriteFile(relay->target.get(), data, size, &written, nullptr)) return false;
    return true;
}

/* Reads what there is; waits for it unless the relay was told to stop. False: the source has ended. */
bool read_some(Relay *relay, char *buffer, DWORD size, DWORD *got) {
    OVERLAPPED overlapped = {};
    overlapped.hEvent = relay->arrived.get();
    HANDLE source = relay->source.get();
    if (!ReadFile(source, buffer, size, nullptr, &overlapped)) {
        if (GetLastError() != ERROR_IO_PENDING) return false;
        HANDLE either[2] = {relay->arrived.get(), relay->stop.get()};
        if (WaitForMultipleObjects(2, either, FALSE, INFINITE) != WAIT_OBJECT_0) CancelIoEx(source, &overlapped);
    }
    *got = 0;
    return GetOverlappedResult(source, &overlapped, got, TRUE) || GetLastError() == ERROR_OPERATION_ABORTED;
}

/* Reads what has been written up to now, or as much of it as there is memory for. */
void read_rest(Relay *relay) {
    char buffer[4096];
    DWORD left, got;
    try {
        while (PeekNamedPipe(relay->source.get(), nullptr, 0, nullptr, &left, nullptr) && left &&
               read_some(relay, buffer, left < sizeof buffer ? left : sizeof buffer, &got))
            relay->rest.append(buffer, got);
    } catch (const std::bad_alloc &) {}
}

void run_relay(void *given) {
    Relay *relay = static_cast<Relay *>(given);
    char buffer[4096];
    DWORD got;
    bool stopped = false;
    while (!stopped && read_some(relay, buffer, sizeof buffer, &got) && pass_on(relay, buffer, got))
        stopped = WaitForSingleObject(relay->stop.get(), 0) == WAIT_OBJECT_0;
    if (stopped && !relay->unread) read_rest(relay);
    relay->source.reset();
    SetEvent(relay->closed.get());
    pass_on(relay, relay->rest.data(), static_cast<DWORD>(relay->rest.size()));
    relay->target.reset();
    relay->drop();
}

DWORD open_stdin(Job *job, Owned *theirs, Child *child) {
    auto fresh = std::make_unique<Relay>();
    fresh->rest.reserve(PIPE_SIZE);
    Relay *relay = job->relay = fresh.release();
    relay->stop.reset(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    relay->arrived.reset(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    relay->closed.reset(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    Owned ours;
    DWORD error =
        relay->stop && relay->arrived && relay->closed ? make_pipe(&relay->source, &ours, true) : GetLastError();
    if (!error && !CreatePipe(theirs->out(), relay->target.out(), nullptr, PIPE_SIZE)) error = GetLastError();
    if (!error && !start_thread(run_relay, relay)) error = ERROR_NO_SYSTEM_RESOURCES;
    if (error) {
        job->relay = nullptr;
        delete relay;
        return error;
    }
    child->ends[0] = end_of(ours.release());
    return ERROR_SUCCESS;
}

/* Opens both ends of the program's streams, its own and ours. */
DWORD open_streams(const Program &program, Job *job, Owned theirs[3], Child *child) {
    for (int i = 0; i < 3; ++i) {
        DWORD error = ERROR_SUCCESS;
        if (!program.streams[i]) {
            theirs[i].reset(CreateFileW(L"NUL", i == 0 ? GENERIC_READ : GENERIC_WRITE,
                                        FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, 0, nullptr));
            if (!theirs[i]) error = GetLastError();
        } else if (i == 0) {
            error = open_stdin(job, &theirs[0], child);
        } else {
            Owned ours;
            error = make_pipe(&ours, &theirs[i], false);
            child->ends[i] = error ? NO_END : end_of(ours.release());
        }
        if (error) return error;
    }
    return ERROR_SUCCESS;
}

/* Lets a child inherit the handles for as long as it lives: another child of this process could get them as well. */
class Inheritable {
  public:
    explicit Inheritable(const HANDLE (&handles)[3]) : handles_(handles) { set(HANDLE_FLAG_INHERIT); }
    ~Inheritable() { set(0); }
    Inheritable(const Inheritable &) = delete;
    Inheritable &operator=(const Inheritable &) = delete;

  private:
    void set(DWORD flag) {
        for (HANDLE handle : handles_) SetHandleInformation(handle, HANDLE_FLAG_INHERIT, flag);
    }

    const HANDLE (&handles_)[3];
};

/* Starts the program suspended, so that it is in its job before it can start anything itself. */
DWORD start_program(const std::wstring &file, const std::wstring &line, std::wstring block, const std::wstring &folder,
                    const Owned theirs[3], Job *job, int *pid) {
    std::wstring writable = line;
    HANDLE inherited[3] = {theirs[0].get(), theirs[1].get(), theirs[2].get()};
    SIZE_T size = 0;
    InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
    std::vector<std::max_align_t> attributes(size / sizeof(std::max_align_t) + 1);
    STARTUPINFOEXW startup = {};
    startup.StartupInfo.cb = sizeof startup;
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    startup.StartupInfo.hStdInput = inherited[0];
    startup.StartupInfo.hStdOutput = inherited[1];
    startup.StartupInfo.hStdError = inherited[2];
    startup.lpAttributeList = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(attributes.data());
    if (!InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size)) return GetLastError();
    DWORD error = ERROR_SUCCESS;
    PROCESS_INFORMATION started = {};
    /* Without a window it has a console of its own: a Ctrl-C for us is none for the program. */
    constexpr DWORD flags =
        CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
    {
        Inheritable for_now(inherited);
        bool is_limited = UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                                    inherited, sizeof inherited, nullptr, nullptr);
        int left = STARTS;
        do {
            writable.assign(line);
            bool has_started =
                is_limited && CreateProcessW(file.c_str(), writable.data(), nullptr, nullptr, TRUE, flags, block.data(),
                                             folder.c_str(), &startup.StartupInfo, &started);
            error = has_started ? ERROR_SUCCESS : GetLastError();
        } while (error == ERROR_INTERNAL_ERROR && --left);
    }
    DeleteProcThreadAttributeList(startup.lpAttributeList);
    if (error) return error;
    Owned thread(started.hThread);
    job->process.reset(started.hProcess);
    if (!AssignProcessToJobObject(job->job.get(), started.hProcess) ||
        ResumeThread(thread.get()) == static_cast<DWORD>(-1)) {
        error = GetLastError();
        TerminateProcess(started.hProcess, KILLED);
        return error;
    }
    *pid = static_cast<int>(started.dwProcessId);
    return ERROR_SUCCESS;
}

DWORD make_job(Job *job) {
    job->job.reset(CreateJobObjectW(nullptr, nullptr));
    if (!job->job) return GetLastError();
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {};
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    return SetInformationJobObject(job->job.get(), JobObjectExtendedLimitInformation, &limits, sizeof limits)
               ? ERROR_SUCCESS
               : GetLastError();
}

DWORD active_in(const Job *job) {
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION figures = {};
    if (!QueryInformationJobObject(job->job.get(), JobObjectBasicAccountingInformation, &figures, sizeof figures,
                                   nullptr))
        return 0;
    return figures.ActiveProcesses;
}

/* Windows suspends and resumes a whole process by functions of ntdll.dll alone, which have been there since Windows XP. */
bool change_pace(Group group, bool stop) {
    using Change = LONG(WINAPI *)(HANDLE);
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    const char *name = stop ? "NtSuspendProcess" : "NtResumeProcess";
    Change change = reinterpret_cast<Change>(reinterpret_cast<void *>(GetProcAddress(ntdll, name)));
    std::vector<int> pids;
    try {
        if (!change || !members_of(group, &pids)) return false;
    } catch (const std::bad_alloc &) {
        return false;
    }
    for (int pid : pids) {
        Owned process(OpenProcess(PROCESS_SUSPEND_RESUME, FALSE, static_cast<DWORD>(pid)));
        if (process) change(process.get());
    }
    return true;
}

}  // namespace

hcsrt_char *allocate_string(size_t bytes) { return static_cast<hcsrt_char *>(LocalAlloc(LMEM_FIXED, bytes)); }

void release_string(hcsrt_char *string) { LocalFree(string); }

int spawn(const Program &program, Child *child, bool *directory_failed) {
    *child = NO_CHILD;
    *directory_failed = false;
    if (program.console) return ERROR_NOT_SUPPORTED;
    std::vector<std::wstring> environment;
    for (char *const *entry = program.environment; *entry; ++entry) environment.push_back(wide(*entry));
    std::wstring folder = wide(program.directory), file;
    *directory_failed = !is_folder(folder);
    if (*directory_failed) return ERROR_DIRECTORY;
    DWORD error = find_program(wide(program.argv[0]), folder, path_of(environment), &file);
    if (error) return static_cast<int>(error);
    Job *job = new Job;
    {
        Owned theirs[3];
        error = make_job(job);
        try {
            if (!error) error = open_streams(program, job, theirs, child);
            if (!error)
                error =
                    start_program(file, wide(program.argv[1]), block_of(environment), folder, theirs, job, &child->pid);
        } catch (const std::bad_alloc &) {
            error = ERROR_NOT_ENOUGH_MEMORY;
        }
    }
    if (error) {
        for (End end : child->ends) close_end(end);
        *child = NO_CHILD;
        delete job;
        return static_cast<int>(error);
    }
    child->group = reinterpret_cast<Group>(job);
    return 0;
}

bool tell_exit(const Child &, Usage *, void (*)(void *), void *) { return false; }

bool wait_for_exit(const Child &child, uint32_t *code, Usage *) {
    HANDLE process = job_of(child.group)->process.get();
    DWORD exit_code = 0;
    bool known = WaitForSingleObject(process, INFINITE) == WAIT_OBJECT_0 && GetExitCodeProcess(process, &exit_code);
    *code = exit_code;
    return known;
}

/* Only stops the relay: the pid stays the program's until its handle is closed. */
bool reap(const Child &child, Usage *) {
    Job *job = job_of(child.group);
    std::vector<int> pids;
    try {
        if (!job->relay || !members_of(child.group, &pids)) return true;
    } catch (const std::bad_alloc &) {
        return true;
    }
    /* The job may still count the program itself, which has just ended. */
    int own = static_cast<int>(GetProcessId(job->process.get()));
    if (std::any_of(pids.begin(), pids.end(), [own](int pid) { return pid != own; })) return true;
    job->relay->unread = true;
    SetEvent(job->relay->stop.get());
    return true;
}

/* Wine counts nothing for a job; the program itself it does count. */
void measure(Group group, Usage *usage) {
    Job *job = job_of(group);
    JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION all = {};
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION memory = {};
    QueryInformationJobObject(job->job.get(), JobObjectBasicAndIoAccountingInformation, &all, sizeof all, nullptr);
    QueryInformationJobObject(job->job.get(), JobObjectExtendedLimitInformation, &memory, sizeof memory, nullptr);
    FILETIME created, exited, kernel, user;
    IO_COUNTERS io;
    PROCESS_MEMORY_COUNTERS counters = {};
    counters.cb = sizeof counters;
    HANDLE program = job->process.get();
    if (!GetProcessTimes(program, &created, &exited, &kernel, &user)) kernel = user = {};
    if (!GetProcessIoCounters(program, &io)) io = {};
    if (!K32GetProcessMemoryInfo(program, &counters, sizeof counters)) counters = {};
    *usage = {
        std::max(static_cast<uint64_t>(all.BasicInfo.TotalUserTime.QuadPart), ticks(user)),
        std::max(static_cast<uint64_t>(all.BasicInfo.TotalKernelTime.QuadPart), ticks(kernel)),
        std::max<uint64_t>({memory.PeakJobMemoryUsed, counters.PeakPagefileUsage, usage->peak}),
        std::max<uint64_t>(all.IoInfo.ReadOperationCount, io.ReadOperationCount),
        std::max<uint64_t>(all.IoInfo.ReadTransferCount, io.ReadTransferCount),
        std::max<uint64_t>(all.IoInfo.WriteOperationCount, io.WriteOperationCount),
        std::max<uint64_t>(all.IoInfo.WriteTransferCount, io.WriteTransferCount),
    };
}

bool is_reused(Group) { return false; }

bool signal_group(Group group, int number) {
    Job *job = job_of(group);
    if (!active_in(job)) return false;
    if (number == STOP || number == CONTINUE) return change_pace(group, number == STOP);
    return number == 0 || TerminateJobObject(job->job.get(), number == KILL ? KILLED : INTERRUPTED);
}

bool members_of(Group group, std::vector<int> *pids) {
    std::vector<ULONG_PTR> buffer;
    for (size_t room = 64;; room *= 2) {
        buffer.assign(room, 0);
        auto *list = reinterpret_cast<JOBOBJECT_BASIC_PROCESS_ID_LIST *>(buffer.data());
        bool done = QueryInformationJobObject(job_of(group)->job.get(), JobObjectBasicProcessIdList, list,
                                              static_cast<DWORD>(room * sizeof(ULONG_PTR)), nullptr);
        if (!done && GetLastError() == ERROR_MORE_DATA) continue;
        for (DWORD i = 0; done && i < list->NumberOfProcessIdsInList; ++i)
            pids->push_back(static_cast<int>(list->ProcessIdList[i]));
        return done;
    }
}

void drop_group(Group group) { delete job_of(group); }

/* No program has a console here. */
void resize(End, uint16_t, uint16_t) {}
void drop_console(End) {}

End duplicate(End end) {
    HANDLE copy = nullptr;
    bool done = DuplicateHandle(GetCurrentProcess(), handle_at(end), GetCurrentProcess(), &copy, 0, FALSE,
                                DUPLICATE_SAME_ACCESS);
    return done ? end_of(copy) : NO_END;
}

void close_end(End end) {
    if (end != NO_END) CloseHandle(handle_at(end));
}

void close_inherited() {}

void sever(Group group, End end, bool for_writing) {
    if (!for_writing) DisconnectNamedPipe(handle_at(end));
    else if (Relay *relay = job_of(group)->relay) SetEvent(relay->stop.get());
}

/* With a limit: a relay that waits for its program to read closes only when the program has read. */
void wait_severed(Group group) {
    Relay *relay = job_of(group)->relay;
    if (relay) WaitForSingleObject(relay->closed.get(), RELAY_LIMIT_MS);
}

/* Whether handles of HCS are inheritable is not documented. These are: code that relies on the opposite fails. */
void cut(Group group, End end, bool for_writing, uint64_t) { sever(group, end, for_writing); }

hcsrt_handle handle_of(uint32_t, End end) {
    SetHandleInformation(handle_at(end), HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    return handle_at(end);
}

}  // namespace hcsrt::emulator::platform
