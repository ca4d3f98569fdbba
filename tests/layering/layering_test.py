"""Shows that layering.py can fail: each rule is broken once, and a tree that keeps them all is let through."""
import pathlib
import tempfile
import unittest

import layering


class Includes(unittest.TestCase):
    def reports(self, path, text, expected):
        found = layering.check_file(path, text)
        self.assertTrue(any(expected in line for line in found), f"{expected!r} is not in {found}")

    def passes(self, path, text):
        self.assertEqual(layering.check_file(path, text), [])

    def test_engine_and_profiler_never_see_each_other(self):
        self.reports("engine/generate.cpp", '#include "profiler/store/writer.h"\n', "engine must not include profiler")
        self.reports("profiler/record/trace.cpp", '#include "engine/engine.h"\n', "profiler must not include engine")

    def test_the_contract_is_a_room_of_its_own(self):
        self.passes("profiler/record/trace.cpp", '#include "engine/contract/observer.h"\n#include "kernels/cost/shape.h"\n')
        self.reports("engine/contract/policy.cpp", '#include "engine/engine.h"\n', "engine/contract must not include engine")

    def test_views_see_no_engine_and_the_desktop_no_host(self):
        self.reports("views/routing.cpp", '#include "kernels/attention.h"\n', "views must not include kernels")
        self.reports("app/desktop/main.cpp", '#include "app/serve/host.h"\n', "app/desktop must not include app/serve")
        self.passes("app/cli/run.cpp", '#include "app/serve/host.h"\n')

    def test_private_folders_are_private_to_the_folder_around_them(self):
        self.reports("profiler/report/html.cpp", '#include "profiler/store/detail/pages.h"\n', "is private to profiler/store")
        self.passes("profiler/store/writer.cpp", '#include "profiler/store/detail/pages.h"\n')
        self.passes("profiler/store/migrate.cpp", '#include "profiler/detail/sql.h"\n')
        self.passes("tests/profiler/pages_test.cpp", '#include "profiler/store/detail/pages.h"\n')

    def test_libraries_stay_in_their_rooms(self):
        for path, header, library in [
            ("profiler/record/trace.cpp", "torch/torch.h", "LibTorch"),
            ("views/canvas.cpp", "ATen/ATen.h", "LibTorch"),
            ("kernels/dense.cpp", "c10/core/Device.h", "LibTorch"),
            ("profiler/figure/figure.cpp", "QColor", "Qt"),
            ("profiler/figure/figure.cpp", "imgui.h", "Dear ImGui"),
            ("views/table.cpp", "SQLiteCpp/SQLiteCpp.h", "SQLite"),
            ("app/cli/sql.cpp", "sqlite3.h", "SQLite"),
            ("engine/generate.cpp", "cupti.h", "CUPTI"),
            ("views/canvas.cpp", "cuda_runtime.h", "CUDA"),
        ]:
            self.reports(path, f"#include <{header}>\n", f"must not know {library}")
        self.passes("views/canvas.cpp", "#include <QWidget>\n#include <imgui.h>\n")
        self.passes("engine/attention.cpp", "#include <ATen/ops/matmul.h>\n#include <cuda_runtime_api.h>\n")

    def test_includes_start_at_the_root(self):
        self.reports("views/canvas.cpp", '#include "canvas.h"\n', "does not start at the root")
        self.reports("views/canvas.cpp", '#include "../profiler/feed.h"\n', "does not start at the root")
        self.reports("views/canvas.cpp", "#include <views/canvas.h>\n", "is ours")
        self.reports("views/canvas.cpp", '#include "tests/fixture/tiny.h"\n', "only tests include tests")
        self.passes("views/canvas.cpp", '#include "views/canvas.h"\n#include "canvas.moc"\n#include "version/version.h"\n')

    def test_nothing_prints_but_the_command_line(self):
        for line in ["std::cout << 1;", "std::cerr << 1;", 'printf("x");', 'std::fprintf(stderr, "x");', 'puts("x");']:
            self.reports("engine/generate.cpp", f"void f() {{\n    {line}\n}}\n", "engine/generate.cpp:2: prints")
            self.passes("app/cli/run.cpp", f"void f() {{ {line} }}\n")
            self.passes("tests/engine/generate_test.cpp", f"void f() {{ {line} }}\n")
        self.passes("engine/generate.cpp", '// std::cout\n/* printf("\n") */ const char* s = "printf(";\nsnprintf(s, 1, s);\n')
        self.reports("engine/generate.cpp", "char c = '\"'; std::cout << c << '\"';\n", "prints (std::cout)")
        self.passes("engine/generate.cpp", 'const char* s = R"(std::cout)"; log.printf(1);\n')

    def test_the_line_is_named(self):
        self.reports("views/a.cpp", '#pragma once\n\n#include "engine/engine.h"\n', "views/a.cpp:3:")


class Links(unittest.TestCase):
    def test_against_the_arrows(self):
        self.assertEqual(layering.check_links("fluxscope_profiler: SQLiteCpp fluxscope_engine"),
                         ["fluxscope_profiler must not link fluxscope_engine"])
        self.assertEqual(layering.check_links("fluxscope: $<LINK_ONLY:fluxscope_serve> Qt6::Widgets"),
                         ["fluxscope must not link fluxscope_serve"])

    def test_libraries(self):
        self.assertEqual(layering.check_links("fluxscope_views: PkgConfig::IMGUI Qt6::Widgets fluxscope_torch"),
                         ["fluxscope_views must not link LibTorch (fluxscope_torch)"])

    def test_along_the_arrows(self):
        self.assertEqual(layering.check_links("fluxscope_serve: fluxscope_engine fluxscope_profiler fluxscope_torch_cuda\n"
                                              "fluxscope_engine: fluxscope_kernels fluxscope_contract fluxscope_torch\n"), [])


class Desktop(unittest.TestCase):
    def test_maps_no_torch(self):
        line = " 0x0000000000000001 (NEEDED)             Shared library: [{}]\n"
        for name in ["libtorch_cpu.so", "libc10.so", "libfluxscope_serve.so"]:
            self.assertEqual(layering.check_desktop(line.format(name)), [f"the desktop program needs {name}"])
        self.assertEqual(layering.check_desktop(line.format("libQt6Widgets.so.6")), [])


class Tree(unittest.TestCase):
    def test_finds_a_file_wherever_it_lies(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "profiler/store/detail").mkdir(parents=True)
            (root / "profiler/store/detail/pages.h").write_text('#include "views/canvas.h"\n')
            self.assertEqual(layering.check_tree(root),
                             ["profiler/store/detail/pages.h:1: profiler must not include views (views/canvas.h)"])


if __name__ == "__main__":
    unittest.main()
