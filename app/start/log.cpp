#include "app/start/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

namespace fluxscope {

void startLogging(const std::string& program, bool verbose) {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    auto logger = std::make_shared<spdlog::logger>(program, std::move(sink));
    logger->set_pattern("%n: %^%l%$: %v");
    logger->set_level(verbose ? spdlog::level::debug : spdlog::level::warn);
    spdlog::set_default_logger(logger);

    const char* asked = std::getenv("FLUXSCOPE_LOG");
    if (asked == nullptr || *asked == '\0') return;
    const auto level = spdlog::level::from_str(asked);
    if (level == spdlog::level::off && std::string(asked) != "off")  // what from_str makes of an unknown name
        spdlog::warn("FLUXSCOPE_LOG is '{}', none of trace, debug, info, warn, error, off", asked);
    else
        spdlog::set_level(level);
}

}  // namespace fluxscope
