#include "views/run/forecast_line.h"

#include "profiler/figure/number.h"

#include <QCoreApplication>

namespace fluxscope {
namespace {

QString bytesText(std::int64_t bytes) {
    return QString::fromStdString(formatted(static_cast<double>(bytes), Unit::Bytes));
}

QString tr(const char* text) { return QCoreApplication::translate("ForecastLine", text); }

}  // namespace

ForecastLine lineOf(const Forecast& forecast) {
    const std::int64_t least = forecast.activations + forecast.kvAllSparse;
    const std::int64_t most = forecast.activations + forecast.kvAllFull;
    ForecastLine line;
    line.fits = most <= forecast.available;
    const QString range =
        least == most ? bytesText(most)
                      : tr("%1 (all layers sparse) to %2 (all full)").arg(bytesText(least), bytesText(most));
    line.text = tr("Memory: %1 needed, %2 free").arg(range, bytesText(forecast.available));
    if (least > forecast.available)
        line.text += tr(". It does not fit");
    else if (!line.fits)
        line.text += tr(". It fits only with enough sparse layers");
    line.details = tr("Beside %1 of weights: activations %2, KV cache %3 to %4")
                       .arg(bytesText(forecast.weights), bytesText(forecast.activations),
                            bytesText(forecast.kvAllSparse), bytesText(forecast.kvAllFull));
    return line;
}

}  // namespace fluxscope
