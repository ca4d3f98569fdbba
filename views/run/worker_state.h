// What a run panel knows of the worker: a value, whoever runs it.
#pragma once

#include <QString>
#include <cstdint>
#include <optional>

namespace fluxscope {

struct WorkerState {
    enum class Kind : std::uint8_t { Starting, Loading, Ready, Running, Cancelling, Lost, Failed };

    Kind kind = Kind::Starting;
    QString stage;                // Running: "prefill", "decode"; Loading: what is loaded
    std::optional<double> share;  // done of this stage, 0 .. 1; absent: unknown
    QString message;              // Lost and Failed: one sentence; Ready: what is loaded
};

}  // namespace fluxscope
