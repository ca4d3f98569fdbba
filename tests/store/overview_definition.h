// The overview as resources/schema.sql defines it, word by word, in SQL and with none of our code. Of a file with one run.
#pragma once

#include "tests/record/scratch.h"

#include <filesystem>
#include <string>

namespace fluxscope::testing {

// Of a run on a device kernels, of one on a CPU the scopes of single operations.
inline std::string overviewDefined(bool isOnCpu) {
    const std::string intervals =
        isOnCpu
            ? "SELECT s.begin_ns - r.begin_ns AS b, s.end_ns - r.begin_ns AS e, phase, layer, op, -1 AS "
              "device, "
              "-1 AS stream FROM scope AS s JOIN run AS r USING (run) WHERE op <> ''"
            : "SELECT k.begin_ns - r.begin_ns AS b, k.begin_ns - r.begin_ns + duration_ns AS e, phase, "
              "layer, "
              "op, k.device, k.stream FROM kernel AS k JOIN place USING (place) JOIN run AS r USING (run) "
              "WHERE duration_ns >= 0";
    return "WITH RECURSIVE interval AS (" + intervals + R"(),
 level(level, length) AS (SELECT 0, 1 << 18 UNION ALL SELECT level + 1, length * 4 FROM level WHERE level < 9),
 laned AS (SELECT 'stream' AS kind, '' AS phase_, -1 AS layer_, device AS device_, stream AS stream_, * FROM interval WHERE device >= 0
           UNION ALL SELECT 'phase', phase, -1, -1, -1, * FROM interval WHERE phase <> ''
           UNION ALL SELECT 'layer', '', layer, -1, -1, * FROM interval WHERE phase <> ''
           UNION ALL SELECT 'unattributed', '', -1, -1, -1, * FROM interval WHERE phase = ''),
 piece(level, length, kind, phase_, layer_, device_, stream_, op, b, e, bucket, first) AS (
   SELECT level, length, kind, phase_, layer_, device_, stream_, op, b, e, b / length, 1 FROM laned, level
   UNION ALL
   SELECT level, length, kind, phase_, layer_, device_, stream_, op, b, e, bucket + 1, 0 FROM piece WHERE (bucket + 1) * length < e),
 byop AS (SELECT level, kind, phase_, layer_, device_, stream_, bucket, op,
                 sum(min(e, (bucket + 1) * length) - max(b, bucket * length)) AS busy, sum(first) AS events
          FROM piece GROUP BY 1, 2, 3, 4, 5, 6, 7, 8),
 ranked(name, rank) AS (VALUES ('embed', 0), ('router', 1), ('norm', 2), ('qkv', 3), ('rope', 4), ('kv-write', 5), ('attention', 6),
          ('output', 7), ('mlp', 8), ('head', 9), ('sample', 10), ('', 11)),
 defined AS (SELECT level, kind, phase_, layer_, device_, stream_, bucket, total, began, op FROM (SELECT *, row_number() OVER (same ORDER BY busy DESC, rank) AS place,
                 sum(busy) OVER same AS total, sum(events) OVER same AS began FROM byop JOIN ranked ON name = op
                 WINDOW same AS (PARTITION BY level, kind, phase_, layer_, device_, stream_, bucket)) WHERE place = 1),
 kept AS (SELECT level, kind, phase, layer, device, stream, bucket, busy_ns, events, op FROM overview JOIN lane USING (lane)) )";
}

// The number of buckets; of those that should not be there; of those from `level` up that are missing.
inline std::string overviewAgainstDefinition(const std::filesystem::path& file, bool isOnCpu, int level = 0) {
    return rowsOf(file, overviewDefined(isOnCpu) +
                            "SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM (SELECT * FROM kept "
                            "EXCEPT SELECT * FROM defined)), (SELECT count(*) FROM (SELECT * FROM defined "
                            "WHERE level >= " +
                            std::to_string(level) + " EXCEPT SELECT * FROM kept))");
}

// Of a run on a CPU, which begins at level 2, levels 0 and 1 as well.
inline void addFinestLevels(const std::filesystem::path& file) {
    ASSERT_EQ(
        rowsOf(file,
               overviewDefined(true) +
                   "INSERT INTO overview SELECT level, lane, bucket, total, began, op FROM defined AS d "
                   "JOIN lane AS l ON l.kind = d.kind AND l.phase = phase_ AND l.layer = layer_ "
                   "WHERE level < 2"),
        "\n");
}

}  // namespace fluxscope::testing
