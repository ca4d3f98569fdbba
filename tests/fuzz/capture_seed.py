"""A small seed for the fuzz target capture: the rows of a capture under the same schema without its comments, on pages of 512 bytes.

    python3 tests/fuzz/capture_seed.py run.fluxdb tests/fuzz/corpus/capture/NAME

The capture should be small itself: one that a test recorded, or of `run sample --max-new 2`.
"""

import re
import sqlite3
import sys


def without_comments(sql):
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", sql)).strip()


def main(capture, seed):
    source = sqlite3.connect(f"file:{capture}?mode=ro", uri=True)
    into = sqlite3.connect(seed)
    into.execute("PRAGMA page_size = 512")
    for pragma in ("application_id", "user_version"):
        into.execute(f"PRAGMA {pragma} = {source.execute(f'PRAGMA {pragma}').fetchone()[0]}")
    things = source.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'view', rowid").fetchall()
    for kind, name, sql in things:
        into.execute(without_comments(sql))
        if kind == "table":
            rows = source.execute(f"SELECT * FROM {name}").fetchall()
            if rows:
                into.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    into.commit()
    into.execute("VACUUM")


if __name__ == "__main__":
    main(*sys.argv[1:])
