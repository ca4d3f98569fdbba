// For tests that need a display. FLUXSCOPE_TEST_SCALE sets how many pixels a logical one has.
#include <gtest/gtest.h>

#include <QApplication>

int main(int argc, char** argv) {
#ifdef FLUXSCOPE_TEST_SCALE
    qputenv("QT_SCALE_FACTOR", FLUXSCOPE_TEST_SCALE);
#endif
    ::testing::InitGoogleTest(&argc, argv);
    QCoreApplication::setAttribute(Qt::AA_ShareOpenGLContexts);
    QApplication application(argc, argv);
    return RUN_ALL_TESTS();
}
