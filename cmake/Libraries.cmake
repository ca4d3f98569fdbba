# System libraries, found once for all rooms. Link them by these names:
#   nlohmann_json::nlohmann_json  spdlog::spdlog  SQLiteCpp  CLI11::CLI11  PkgConfig::PCRE2  PkgConfig::UTF8PROC  PkgConfig::HWY
#   PkgConfig::IMGUI  Qt6::Widgets Qt6::OpenGLWidgets Qt6::PrintSupport Qt6::Svg  (Qt6::Test in tests)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Qt6 6.4 REQUIRED COMPONENTS Core Gui Widgets OpenGL OpenGLWidgets PrintSupport Svg Test)
pkg_check_modules(IMGUI REQUIRED IMPORTED_TARGET imgui)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)

# moc 6.4 stumbles over <compare> and <concepts> unless it has seen libstdc++'s own macros ("Parse error at std").
set(CMAKE_AUTOMOC_MOC_OPTIONS --include bits/c++config.h)
