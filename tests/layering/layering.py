#!/usr/bin/env python3
"""Does the tree keep to the arrows of the design?

    layering.py --root TREE [--links FILE] [--desktop BINARY]

Reported, one line each: an include or a link against the arrows; a look into another folder's detail/; a library's header in a
room that must not know the library; an include that does not start at the root of the house; text printed where results do not
belong; and a desktop program that maps LibTorch.
"""
import argparse
import pathlib
import re
import subprocess
import sys

# Room -> the rooms it may see, itself included. Arrows are transitive along their way, so each line is closed.
CONTRACT = {"engine/contract", "kernels/cost"}
PROFILER = {"profiler"} | CONTRACT
TASKS = {"engine/tasks"} | CONTRACT
ENGINE = {"engine", "kernels"} | TASKS
SEES = {
    "kernels/cost": {"kernels/cost"},
    "engine/contract": CONTRACT,
    "engine/tasks": TASKS,
    "kernels": {"kernels", "kernels/cost"},
    "engine": ENGINE,
    "profiler": PROFILER,
    "views": {"views"} | PROFILER,
    "app/start": {"app/start"} | CONTRACT,
    "app/protocol": {"app/protocol"} | CONTRACT,
    "app/serve": {"app/serve", "app/protocol", "app/start"} | ENGINE | PROFILER | TASKS,
    "app/desktop": {"app/desktop", "app/protocol", "app/start", "views"} | PROFILER,
    "app/cli": {"app/cli", "app/protocol", "app/serve", "app/start"} | PROFILER | TASKS,
}
TARGETS = {
    "fluxscope_cost": "kernels/cost",
    "fluxscope_contract": "engine/contract",
    "fluxscope_tasks": "engine/tasks",
    "fluxscope_kernels": "kernels",
    "fluxscope_engine": "engine",
    "fluxscope_profiler": "profiler",
    "fluxscope_views": "views",
    "fluxscope_start": "app/start",
    "fluxscope_protocol": "app/protocol",
    "fluxscope_start": "app/start",
    "fluxscope_serve": "app/serve",
    "fluxscope_desktop": "app/desktop",
    "fluxscope": "app/desktop",
    "fluxscope-cli": "app/cli",
}
# (library, its headers, its targets, the rooms that may know it)
LIBRARIES = [
    ("LibTorch", r"(torch|ATen|c10|caffe2)/", r"torch|c10|fluxscope_torch", {"engine", "app/serve"}),
    ("Qt", r"(Q[A-Z]|Qt)", r"Qt6::", {"views", "app/desktop"}),
    ("Dear ImGui", r"(imgui|imgui/)", r"PkgConfig::IMGUI", {"views"}),
    ("SQLite", r"(sqlite3|SQLiteCpp/)", r"SQLiteCpp|SQLite", {"profiler"}),
    ("CLI11", r"CLI/", r"CLI11::", {"app/cli", "app/desktop", "app/serve"}),
    ("CUDA", r"(cuda|cublas|cudnn|nvrtc|cub/|cute/|cutlass/|flashinfer/)", r"CUDA::", {"kernels", "engine"}),
    ("CUPTI or NVML", r"(cupti|nvml|nvperf)", r"CUDA::(cupti|nvml)", {"profiler"}),
]
# Results go to stdout in fluxscope-cli and messages to the log; nobody else prints. Tests and tools may.
MAY_PRINT = ("app/cli/",)
PRINTS = re.compile(r"std::(cout|cerr|clog|print|println)\b|(?<![\w.:>])(?:std::)?(?:f|v|vf)?(?:printf|puts)\s*\(")
SOURCES = {".h", ".cpp", ".cu", ".cuh", ".hpp"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def room_of(path: str) -> str | None:
    """The room a root-relative path lies in: the innermost one, as kernels/cost lies in kernels."""
    return max((room for room in SEES if path.startswith(room + "/")), key=len, default=None)


def code_of(text: str) -> str:
    """The text without comments and literals, line for line."""
    pattern = r"""//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'"""
    return re.sub(pattern, lambda match: "0" + "\n" * match[0].count("\n"), text, flags=re.S)


def check_file(path: str, text: str) -> list[str]:
    found = []
    room = room_of(path)
    testing = path.startswith("tests/")

    def report(position: int, message: str) -> None:
        found.append(f"{path}:{text.count(chr(10), 0, position) + 1}: {message}")

    for match in INCLUDE.finditer(text):
        quoted, name = match[1] == '"', match[2]
        theirs = room_of(name)
        if quoted and theirs is None and not name.startswith(("version/", "tests/")) and not name.endswith(".moc"):
            report(match.start(), f'"{name}" does not start at the root of the house, as "profiler/store/writer.h" does')
        elif not quoted and theirs is not None:
            report(match.start(), f'<{name}> is ours: include it as "{name}"')
        if theirs and room and theirs not in SEES[room]:
            report(match.start(), f"{room} must not include {theirs} ({name})")
        if name.startswith("tests/") and not testing:
            report(match.start(), f"only tests include tests ({name})")
        if "/detail/" in name and not testing:
            owner = name.split("/detail/")[0]
            if not path.startswith(owner + "/"):
                report(match.start(), f"{name} is private to {owner}")
        if room and not quoted:
            for library, headers, _, rooms in LIBRARIES:
                if re.match(headers, name) and room not in rooms:
                    report(match.start(), f"{room} must not know {library} ({name})")
    if room and not path.startswith(MAY_PRINT):
        for number, line in enumerate(code_of(text).split("\n"), 1):
            if match := PRINTS.search(line):
                found.append(f"{path}:{number}: prints ({match[0].strip(' (')}); log it, or return it to who asked")
    return found


def check_tree(root: pathlib.Path) -> list[str]:
    found = []
    for top in sorted({room.split("/")[0] for room in SEES} | {"tests"}):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                found += check_file(path.relative_to(root).as_posix(), path.read_text(errors="replace"))
    return found


def check_links(text: str) -> list[str]:
    """Lines "target: item item ...", as CMake wrote them."""
    found = []
    for line in text.splitlines():
        target, _, items = line.partition(":")
        room = TARGETS[target]
        for item in sorted(set(re.findall(r"[\w:+.-]+", items.replace("LINK_ONLY:", "")))):
            if item in TARGETS and TARGETS[item] not in SEES[room]:
                found.append(f"{target} must not link {item}")
            for library, _, targets, rooms in LIBRARIES:
                if re.fullmatch(f"(?:{targets}).*", item) and room not in rooms:
                    found.append(f"{target} must not link {library} ({item})")
    return found


def check_desktop(dynamic_section: str) -> list[str]:
    """The output of readelf -d: the process that draws maps no LibTorch, and the engine's host only under --serve."""
    needed = re.findall(r"\(NEEDED\).*\[(.+?)\]", dynamic_section)
    return [f"the desktop program needs {name}" for name in needed if re.match(r"lib(torch|c10|cudart|fluxscope_serve)", name)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--links", type=pathlib.Path)
    parser.add_argument("--desktop", type=pathlib.Path)
    options = parser.parse_args()
    found = check_tree(options.root)
    if options.links:
        found += check_links(options.links.read_text())
    if options.desktop:
        dynamic = subprocess.run(["readelf", "-d", options.desktop], capture_output=True, text=True, check=True).stdout
        found += check_desktop(dynamic)
    print("\n".join(found) if found else "the tree keeps to the arrows")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
