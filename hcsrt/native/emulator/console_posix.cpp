#include "emulator/console.h"

#include "core/threads.h"
#include "emulator/posix.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

namespace hcsrt::emulator::platform {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr int NONE = -1;

/* A line without an end is handed to its reader in such pieces: a terminal drops what goes beyond 4095 bytes, on macOS
 * beyond 1023. */
constexpr size_t LINE_PIECE = 1000;

/* So long the terminal has to be in one mode before its input ends. A program that changes the mode does so when it
 * starts, and an end in the mode before would become a byte that nobody wrote. */
constexpr Milliseconds SETTLED{100};

/* So long a program that reads keys has to be silent, with nothing left to read, before its input ends. */
constexpr Milliseconds SILENT{250};

/* Between two looks at a terminal whose input ends: at first, and when nothing happens for long. */
constexpr Milliseconds SOONEST_LOOK{5}, LATEST_LOOK{200};

class Console {
  public:
    Console(int terminal, const char *name, int input, int output)
        : terminal_(terminal), input_(input), output_(output) {
        std::strncpy(name_, name, sizeof name_ - 1);
        struct termios mode;
        if (tcgetattr(terminal_, &mode) == 0) mode_ = mode.c_lflag;
    }

    void resize(uint16_t rows, uint16_t columns) {
        struct winsize size = {};
        size.ws_row = rows;
        size.ws_col = columns;
        Locked locked(lock_);
        if (terminal_ != NONE) ioctl(terminal_, TIOCSWINSZ, &size);
    }

    void run() {
        while (step()) {}
        /* Programs get a SIGHUP and errors from a terminal that goes. One that has closed it may be about to exit, so
         * that a terminal which nobody has open stays until then. */
        if (is_open_) {
            Locked locked(lock_);
            close_descriptor(&terminal_);
        }
        close_descriptor(&input_);
        close_descriptor(&output_);
    }

    void drop() {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

  private:
    ~Console() { close_descriptor(&terminal_); }

    struct Bytes {
        char data[4096];
        size_t begin = 0, end = 0;

        bool empty() const { return begin == end; }

        /* False: there is no more, and never will be. */
        bool read_from(int descriptor) {
            ssize_t got = read(descriptor, data, sizeof data);
            begin = 0;
            end = got > 0 ? static_cast<size_t>(got) : 0;
            return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
        }
    };

    static void close_descriptor(int *descriptor) {
        if (*descriptor != NONE) close_noted(*descriptor);
        *descriptor = NONE;
    }

    /* Waits for something to do and does it. False: there is no more. */
    bool step() {
        bool reads_output = to_reader_.empty(), has_input = push_ || !to_program_.empty();
        struct pollfd ready[3] = {
            {terminal_, static_cast<short>((reads_output ? POLLIN : 0) | (has_input ? POLLOUT : 0)), 0},
            {has_input ? NONE : input_, POLLIN, 0},
            {reads_output ? NONE : output_, POLLOUT, 0},
        };
        /* It would report at once, each time, that no program has it open. */
        if (!ready[0].events) ready[0].fd = NONE;
        bool ends = input_ended_ && !has_input;
        int count = poll(ready, 3, ends ? static_cast<int>(pause_.count()) : -1);
        if (count < 0) return errno == EINTR || errno == EAGAIN;
        if (ready[2].revents && !write_output()) return false;
        if (reads_output && ready[0].revents && !read_output()) return false;
        if (has_input && ready[0].revents && !write_input()) drop_input();
        if (ready[1].revents && !to_program_.read_from(input_)) end_input();
        return !ends || look();
    }

    bool read_output() {
        is_open_ = to_reader_.read_from(terminal_);
        if (!is_open_) return false;
        if (to_reader_.empty()) return true;
        touch();
        /* What nobody is connected to is thrown away. */
        if (output_ == NONE) to_reader_.begin = to_reader_.end;
        return write_output();
    }

    bool write_output() {
        while (!to_reader_.empty()) {
            ssize_t written = write(output_, to_reader_.data + to_reader_.begin, to_reader_.end - to_reader_.begin);
            if (written < 0) return errno == EAGAIN || errno == EINTR;
            to_reader_.begin += static_cast<size_t>(written);
        }
        return true;
    }

    void end_input() {
        close_descriptor(&input_);
        input_ended_ = true;
        touch();
    }

    /* No program has the terminal open. */
    void drop_input() {
        to_program_.begin = to_program_.end;
        push_ = false;
        close_descriptor(&input_);
    }

    bool write_input() {
        struct termios mode;
        if (tcgetattr(terminal_, &mode) != 0) return false;
        while (push_ || !to_program_.empty()) {
            char end_of_file = static_cast<char>(mode.c_cc[VEOF]);
            size_t size = push_ ? 1 : piece(mode);
            ssize_t written = write(terminal_, push_ ? &end_of_file : to_program_.data + to_program_.begin, size);
            if (written < 0) return errno == EAGAIN || errno == EINTR;
            if (push_) {
                push_ = written == 0;
                line_ = 0;
            } else {
                count_line(mode, static_cast<size_t>(written));
            }
            if (written == 0) return true;
        }
        return true;
    }

    bool by_lines(const struct termios &mode) const {
        return (mode.c_lflag & ICANON) && mode.c_cc[VEOF] != static_cast<cc_t>(_POSIX_VDISABLE);
    }

    /* How much to write at once: at most one line, or one piece of it. */
    size_t piece(const struct termios &mode) const {
        size_t size = to_program_.end - to_program_.begin;
        if (!by_lines(mode)) return size;
        const char *begin = to_program_.data + to_program_.begin;
        if (const void *line_end = std::memchr(begin, '\n', size))
            size = static_cast<size_t>(static_cast<const char *>(line_end) - begin) + 1;
        return std::min(size, line_ < LINE_PIECE ? LINE_PIECE - line_ : 1);
    }

    void count_line(const struct termios &mode, size_t written) {
        to_program_.begin += written;
        if (!written || !by_lines(mode)) return;
        unsigned char last = static_cast<unsigned char>(to_program_.data[to_program_.begin - 1]);
        line_ = last == '\n' ? 0 : line_ + written;
        /* A character that ends a file ends but a piece of a line behind another that is part of the line. */
        bool is_special = last < ' ' || std::memchr(mode.c_cc, last, sizeof mode.c_cc);
        push_ = line_ >= LINE_PIECE && !is_special;
    }

    /* Something has happened: the next look comes soon. */
    void touch() {
        touched_ = Clock::now();
        pause_ = SOONEST_LOOK;
    }

    /* Looks whether the program may be told that its input has ended, and tells it. False: by a hang-up. */
    bool look() {
        pause_ = std::min(2 * pause_, LATEST_LOOK);
        struct termios mode;
        if (tcgetattr(terminal_, &mode) != 0) return true;
        if (mode.c_lflag != mode_) {
            mode_ = mode.c_lflag;
            changed_ = Clock::now();
            touch();
        }
        if (has_unread() || !to_reader_.empty()) {
            touched_ = Clock::now();
            unread_ = true;
            return true;
        }
        if (std::exchange(unread_, false)) touch();
        bool has_key = mode.c_cc[VEOF] != static_cast<cc_t>(_POSIX_VDISABLE);
        if (by_lines(mode)) {
            /* Again after each read, as a pipe tells its end to each who reads. */
            if (Clock::now() - changed_ >= SETTLED) write_key(mode);
            return true;
        }
        if (Clock::now() - std::max(touched_, changed_) < SILENT) return true;
        /* Who edits lines takes the key himself. Who takes all keys for data sees no end but a hang-up. */
        if (!has_key || !(mode.c_lflag & ISIG) || asked_) return false;
        asked_ = true;
        write_key(mode);
        return true;
    }

    void write_key(const struct termios &mode) {
        char key = static_cast<char>(mode.c_cc[VEOF]);
        ssize_t ignored = write(terminal_, &key, 1);
        (void)ignored;
        touch();
    }

    /* Whether the program has input that it did not read. It would, from a terminal that we could not look at. */
    bool has_unread() const {
        int theirs = note(open(name_, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
        if (theirs < 0) return false;
#if defined(__linux__)
        /* FIONREAD does not count an end of file here. */
        struct pollfd ready = {theirs, POLLIN, 0};
        bool unread = poll(&ready, 1, 0) == 1 && ready.revents & POLLIN;
#else
        int bytes = 0;
        bool unread = ioctl(theirs, FIONREAD, &bytes) == 0 && bytes > 0;
#endif
        close_noted(theirs);
        return unread;
    }

    hcsrt::Lock lock_; /* over the terminal, for who resizes it */
    int terminal_, input_, output_;
    char name_[128] = {};
    std::atomic<int> references_{2}; /* the target's and the thread's */
    Bytes to_program_, to_reader_;
    size_t line_ = 0;     /* bytes of the line that has not ended */
    bool is_open_ = true; /* by a program */
    bool push_ = false;   /* a piece of a line has to be handed over */
    bool input_ended_ = false, unread_ = false, asked_ = false;
    tcflag_t mode_ = 0;
    Clock::time_point touched_ = Clock::now(), changed_ = touched_;
    Milliseconds pause_ = SOONEST_LOOK;
};

void run_console(void *given) {
    Console *console = static_cast<Console *>(given);
    console->run();
    console->drop();
}

}  // namespace

int open_console(const Program &program, int theirs[3], Child *child) {
    int terminal = note(posix_openpt(O_RDWR | O_NOCTTY));
    if (terminal < 0) return errno;
    set_flags(terminal, true);
    int error = 0, ours[2] = {NONE, NONE};
    /* ptsname's buffer is shared by the process; only the service's one thread opens consoles. */
    const char *name = grantpt(terminal) == 0 && unlockpt(terminal) == 0 ? ptsname(terminal) : nullptr;
    if (!name) error = errno;
    for (int i = 0; i < 3 && !error; ++i)
        if ((theirs[i] = note(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC))) < 0) error = errno;
    for (int i = 0; i < 2 && !error; ++i) {
        int ends[2];
        if (!program.streams[i]) continue;
        if (!make_pipe(ends)) {
            error = errno;
            continue;
        }
        ours[i] = i == 0 ? ends[0] : ends[1];
        child->ends[i] = i == 0 ? ends[1] : ends[0];
        set_flags(ours[i], true);
        set_flags(static_cast<int>(child->ends[i]), true);
    }
    Console *console = error ? nullptr : new (std::nothrow) Console(terminal, name, ours[0], ours[1]);
    if (console) {
        console->resize(program.rows, program.columns);
        if (start_thread(run_console, console)) {
            child->console = reinterpret_cast<End>(console);
            return 0;
        }
        console->drop();
        console->drop();
        terminal = NONE;
        error = EAGAIN;
    } else if (!error) {
        error = ENOMEM;
    }
    for (int descriptor : {terminal, ours[0], ours[1]})
        if (descriptor != NONE) close_noted(descriptor);
    return error;
}

void resize(End console, uint16_t rows, uint16_t columns) {
    reinterpret_cast<Console *>(console)->resize(rows, columns);
}

void drop_console(End console) {
    if (console != NO_END) reinterpret_cast<Console *>(console)->drop();
}

}  // namespace hcsrt::emulator::platform
