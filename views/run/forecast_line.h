// A run's memory in words, before it starts.
#pragma once

#include "engine/contract/run.h"

#include <QString>

namespace fluxscope {

struct ForecastLine {
    QString text;
    QString details;
    bool fits = true;  // with every layer full
};
ForecastLine lineOf(const Forecast& forecast);

}  // namespace fluxscope
