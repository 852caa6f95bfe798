#include "interpose/texts.h"

#include <cstdlib>
#include <cstring>

#include "core/text.h"

namespace hcsrt::interpose {

namespace {

hcsrt_char lower(hcsrt_char unit) { return unit >= 'A' && unit <= 'Z' ? static_cast<hcsrt_char>(unit + 32) : unit; }

/* A walk along a JSON document that may be anything else. */
class Walk {
  public:
    explicit Walk(const hcsrt_char *at) : at_(at) {}

    /* Moves to the value of a member of the outermost object. False: it has none of that name. */
    bool find(const char *name) {
        skip_blanks();
        if (*at_ != '{') return false;
        ++at_;
        for (;;) {
            skip_blanks();
            if (*at_ != '"') return false;
            bool found = reads(name);
            skip_blanks();
            if (*at_ != ':') return false;
            ++at_;
            skip_blanks();
            if (found) return true;
            skip_value();
            skip_blanks();
            if (*at_ != ',') return false;
            ++at_;
        }
    }

    /* The next unit of a string whose quote is passed. False: it has ended. */
    bool next(hcsrt_char *unit) {
        if (!*at_ || *at_ == '"') return false;
        *unit = *at_++;
        if (*unit != '\\' || !*at_) return true;
        hcsrt_char escaped = *at_++;
        switch (escaped) {
        case 'b': *unit = '\b'; break;
        case 'f': *unit = '\f'; break;
        case 'n': *unit = '\n'; break;
        case 'r': *unit = '\r'; break;
        case 't': *unit = '\t'; break;
        case 'u': *unit = number(); break;
        default: *unit = escaped;
        }
        return true;
    }

    bool begin_string() {
        if (*at_ != '"') return false;
        ++at_;
        return true;
    }

  private:
    void skip_blanks() {
        while (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r') ++at_;
    }
    hcsrt_char number() {
        unsigned value = 0;
        for (int i = 0; i < 4 && *at_; ++i) {
            hcsrt_char digit = lower(*at_++);
            value = value * 16 + (digit >= 'a' ? digit - 'a' + 10u : digit - '0' + 0u);
        }
        return static_cast<hcsrt_char>(value);
    }
    /* Passes a string. */
    bool reads(const char *name) {
        bool same = true;
        begin_string();
        for (hcsrt_char unit; next(&unit);) {
            same = same && *name && unit == static_cast<unsigned char>(*name);
            if (*name) ++name;
        }
        if (*at_) ++at_;
        return same && !*name;
    }
    void skip_value() {
        int depth = 0;
        for (; *at_; ++at_) {
            if (*at_ == '"') {
                reads("");
                --at_;
            } else if (*at_ == '{' || *at_ == '[') {
                ++depth;
            } else if (*at_ == '}' || *at_ == ']') {
                if (!depth--) return;
            } else if (*at_ == ',' && !depth) {
                return;
            }
        }
    }

    const hcsrt_char *at_;
};

}  // namespace

Text text_of(const hcsrt_char *units) { return units ? Text{units, hcsrt_text_length(units)} : Text{}; }

bool is_equal(Text text, Text other) {
    return text && other && text.length == other.length &&
           !std::memcmp(text.units, other.units, text.length * sizeof *text.units);
}

bool is_same_id(Text text, Text other) {
    if (!text || !other || text.length != other.length) return false;
    for (size_t i = 0; i < text.length; ++i)
        if (lower(text.units[i]) != lower(other.units[i])) return false;
    return true;
}

uint64_t hash_of_id(Text id) {
    uint64_t hash = id.length;
    for (size_t i = 0; i < id.length; ++i) {
        hash = (hash ^ lower(id.units[i])) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    return hash;
}

bool contains(Text text, Text part) {
    if (!text || !part) return false;
    for (size_t at = 0; at + part.length <= text.length; ++at)
        if (!std::memcmp(text.units + at, part.units, part.length * sizeof *part.units)) return true;
    return false;
}

bool is_like(Text text, Text pattern) {
    if (!text || !pattern) return false;
    size_t at = 0, of_pattern = 0, star = SIZE_MAX, after_star = 0;
    while (at < text.length) {
        bool more = of_pattern < pattern.length;
        if (more && pattern.units[of_pattern] == '*') {
            star = of_pattern++;
            after_star = at;
        } else if (more &&
                   (pattern.units[of_pattern] == '?' || lower(pattern.units[of_pattern]) == lower(text.units[at]))) {
            ++of_pattern;
            ++at;
        } else if (star != SIZE_MAX) {
            of_pattern = star + 1;
            at = ++after_star;
        } else {
            return false;
        }
    }
    while (of_pattern < pattern.length && pattern.units[of_pattern] == '*') ++of_pattern;
    return of_pattern == pattern.length;
}

bool find_owner(const hcsrt_char *document, hcsrt_char *units, size_t most, size_t *length) {
    if (!document) return false;
    Walk walk(document);
    if (!walk.find("Owner") || !walk.begin_string()) return false;
    *length = 0;
    for (hcsrt_char unit; walk.next(&unit);)
        if (*length < most) units[(*length)++] = unit;
    return true;
}

hcsrt_char *copy(const hcsrt_char *units) {
    if (!units) return nullptr;
    size_t bytes = (hcsrt_text_length(units) + 1) * sizeof *units;
    auto *made = static_cast<hcsrt_char *>(std::malloc(bytes));
    if (made) std::memcpy(made, units, bytes);
    return made;
}

void release_copy(hcsrt_char *units) { std::free(units); }

}  // namespace hcsrt::interpose
