// What went wrong, where, and what to do about it: one sentence for people, a family for scripts.
#pragma once

#include <stdexcept>
#include <string>

namespace fluxscope {

// The exit codes of every program here. 0 is success; 1 says that an assertion or a comparison did not hold.
enum class ErrorFamily : int {
    Usage = 2,    // wrong arguments
    Input = 3,    // a file that cannot be used
    Machine = 4,  // not possible on this machine, memory too
    Cancelled = 5,
    Fault = 6,  // ours, or a worker that was lost
};

const char* nameOf(ErrorFamily family);

// Reads as "<where>: <field> <problem>; <remedy>". Where is a file or an option, field the part of it that is wrong
// (empty when it is the whole), and remedy what the reader can do next.
class Error : public std::runtime_error {
public:
    Error(ErrorFamily family, std::string where, std::string field, std::string problem, std::string remedy);

    ErrorFamily family() const { return family_; }
    int exitCode() const { return static_cast<int>(family_); }
    const std::string& where() const { return where_; }
    const std::string& field() const { return field_; }
    const std::string& problem() const { return problem_; }
    const std::string& remedy() const { return remedy_; }

private:
    ErrorFamily family_;
    std::string where_;
    std::string field_;
    std::string problem_;
    std::string remedy_;
};

struct UsageError : Error {
    UsageError(std::string where, std::string field, std::string problem, std::string remedy);
};
struct InputError : Error {
    InputError(std::string where, std::string field, std::string problem, std::string remedy);
};
struct MachineError : Error {
    MachineError(std::string where, std::string field, std::string problem, std::string remedy);
};
struct FaultError : Error {
    FaultError(std::string where, std::string field, std::string problem, std::string remedy);
};
struct CancelledError : Error {
    explicit CancelledError(std::string where);
};

// User text (file names, fields of a file) inside a sentence for a terminal: control characters become \xNN, long text
// is cut with an ellipsis, and bytes that are not UTF-8 become \xNN too, so that one line stays one line.
std::string printable(std::string_view text, std::size_t atMost = 120);

}  // namespace fluxscope
