#pragma once

#include <QImage>
#include <algorithm>
#include <cstdlib>

namespace fluxscope {

// The share of pixels with a channel that differs by more than `levels`; 1 for images of different size.
inline double differingShare(const QImage& a, const QImage& b, int levels) {
    if (a.size() != b.size() || a.isNull()) return 1;
    const QImage left = a.convertToFormat(QImage::Format_RGB32);
    const QImage right = b.convertToFormat(QImage::Format_RGB32);
    qint64 different = 0;
    for (int y = 0; y < left.height(); ++y) {
        for (int x = 0; x < left.width(); ++x) {
            const QRgb p = left.pixel(x, y);
            const QRgb q = right.pixel(x, y);
            const int most = std::max({std::abs(qRed(p) - qRed(q)), std::abs(qGreen(p) - qGreen(q)),
                                       std::abs(qBlue(p) - qBlue(q))});
            different += most > levels ? 1 : 0;
        }
    }
    return static_cast<double>(different) / (static_cast<double>(left.width()) * left.height());
}

}  // namespace fluxscope
