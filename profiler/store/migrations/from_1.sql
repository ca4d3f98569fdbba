-- From version 1 to 2: what a device did, samples, the overview, what else a token could have been. Frozen: resources/schema.sql says
-- what all of it means, and a test that both ways lead to the same file. Turns are read off the tokens of their prompts.
ALTER TABLE run ADD COLUMN sampling TEXT NOT NULL DEFAULT '{}';
ALTER TABLE run ADD COLUMN op_scopes INTEGER NOT NULL DEFAULT 1;
ALTER TABLE run ADD COLUMN no_dependent_launch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN clock_locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN record_budget INTEGER;
ALTER TABLE run ADD COLUMN over_budget INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN over_budget_ns INTEGER;
ALTER TABLE run ADD COLUMN settled INTEGER;
ALTER TABLE run ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE token ADD COLUMN tail_mass REAL;
ALTER TABLE layer_step ADD COLUMN kernels INTEGER NOT NULL DEFAULT 0;
ALTER TABLE layer_step ADD COLUMN overlap_ns INTEGER NOT NULL DEFAULT 0;
CREATE TABLE token_choice (
    row      INTEGER NOT NULL REFERENCES token,
    rank     INTEGER NOT NULL,
    token    INTEGER NOT NULL,
    logprob  REAL NOT NULL,
    PRIMARY KEY (row, rank)
) STRICT, WITHOUT ROWID;
CREATE TABLE turn (
    run             INTEGER NOT NULL REFERENCES run,
    sequence        INTEGER NOT NULL,
    turn            INTEGER NOT NULL,
    first_position  INTEGER NOT NULL,
    tokens          INTEGER NOT NULL,
    redone          INTEGER NOT NULL,
    PRIMARY KEY (run, sequence, turn)
) STRICT, WITHOUT ROWID;
CREATE TABLE fidelity (
    row             INTEGER PRIMARY KEY,
    run             INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    turn            INTEGER NOT NULL,
    step            INTEGER NOT NULL,
    kl              REAL NOT NULL,
    same_top        INTEGER NOT NULL,
    logprob_change  REAL NOT NULL,
    UNIQUE (run, sequence, turn, step)
) STRICT;
INSERT INTO turn (run, sequence, turn, first_position, tokens, redone)
SELECT run, sequence, 0, 0, prompt_tokens, 0 FROM sequence
UNION ALL
SELECT run, sequence, turn, min(position), count(*),
       max(0, (SELECT max(position) + 1 FROM token AS b WHERE b.run = a.run AND b.sequence = a.sequence AND b.turn < a.turn) - min(position))
FROM token AS a WHERE step = -1 AND turn > 0 GROUP BY run, sequence, turn;
CREATE TABLE name (
    name       INTEGER PRIMARY KEY,
    value      TEXT NOT NULL UNIQUE,
    demangled  INTEGER REFERENCES name,
    short      INTEGER REFERENCES name
) STRICT;
CREATE TABLE place (
    place  INTEGER PRIMARY KEY,
    run    INTEGER NOT NULL REFERENCES run,
    batch  INTEGER NOT NULL,
    turn   INTEGER NOT NULL,
    phase  TEXT NOT NULL CHECK (phase IN ('', 'prefill', 'decode')),
    layer  INTEGER NOT NULL,
    chunk  INTEGER NOT NULL,
    op     TEXT NOT NULL,
    UNIQUE (run, batch, turn, phase, layer, chunk, op)
) STRICT;
CREATE TABLE launch (
    launch                INTEGER PRIMARY KEY,
    grid_x                INTEGER NOT NULL,
    grid_y                INTEGER NOT NULL,
    grid_z                INTEGER NOT NULL,
    block_x               INTEGER NOT NULL,
    block_y               INTEGER NOT NULL,
    block_z               INTEGER NOT NULL,
    cluster_x             INTEGER NOT NULL,
    cluster_y             INTEGER NOT NULL,
    cluster_z             INTEGER NOT NULL,
    registers_per_thread  INTEGER NOT NULL,
    static_shared_bytes   INTEGER NOT NULL,
    dynamic_shared_bytes  INTEGER NOT NULL
) STRICT;
CREATE TABLE kernel (
    kernel       INTEGER PRIMARY KEY,
    place        INTEGER NOT NULL REFERENCES place,
    step         INTEGER NOT NULL,
    attribution  INTEGER NOT NULL REFERENCES name,
    begin_ns     INTEGER NOT NULL,
    duration_ns  INTEGER NOT NULL,
    device       INTEGER NOT NULL,
    context      INTEGER NOT NULL,
    stream       INTEGER NOT NULL,
    correlation  INTEGER NOT NULL,
    graph        INTEGER NOT NULL,
    graph_node   INTEGER NOT NULL,
    name         INTEGER NOT NULL REFERENCES name,
    launch       INTEGER NOT NULL REFERENCES launch
) STRICT;
CREATE TABLE kernel_block (
    block         INTEGER PRIMARY KEY,
    run           INTEGER NOT NULL REFERENCES run,
    first_kernel  INTEGER NOT NULL,
    last_kernel   INTEGER NOT NULL,
    begin_ns      INTEGER,
    end_ns        INTEGER
) STRICT;
CREATE TABLE memcpy (
    memcpy       INTEGER PRIMARY KEY,
    place        INTEGER NOT NULL REFERENCES place,
    step         INTEGER NOT NULL,
    attribution  INTEGER NOT NULL REFERENCES name,
    begin_ns     INTEGER NOT NULL,
    duration_ns  INTEGER NOT NULL,
    device       INTEGER NOT NULL,
    context      INTEGER NOT NULL,
    stream       INTEGER NOT NULL,
    correlation  INTEGER NOT NULL,
    graph_node   INTEGER NOT NULL,
    kind         INTEGER NOT NULL REFERENCES name,
    pinned       INTEGER NOT NULL,
    bytes        INTEGER NOT NULL
) STRICT;
CREATE TABLE memset (
    memset       INTEGER PRIMARY KEY,
    place        INTEGER NOT NULL REFERENCES place,
    step         INTEGER NOT NULL,
    attribution  INTEGER NOT NULL REFERENCES name,
    begin_ns     INTEGER NOT NULL,
    duration_ns  INTEGER NOT NULL,
    device       INTEGER NOT NULL,
    context      INTEGER NOT NULL,
    stream       INTEGER NOT NULL,
    correlation  INTEGER NOT NULL,
    graph_node   INTEGER NOT NULL,
    bytes        INTEGER NOT NULL
) STRICT;
CREATE TABLE api (
    api          INTEGER PRIMARY KEY,
    place        INTEGER NOT NULL REFERENCES place,
    step         INTEGER NOT NULL,
    attribution  INTEGER NOT NULL REFERENCES name,
    begin_ns     INTEGER NOT NULL,
    duration_ns  INTEGER NOT NULL,
    thread       INTEGER NOT NULL,
    correlation  INTEGER NOT NULL,
    name         INTEGER NOT NULL REFERENCES name
) STRICT;
CREATE TABLE sync (
    sync         INTEGER PRIMARY KEY,
    run          INTEGER NOT NULL REFERENCES run,
    begin_ns     INTEGER NOT NULL,
    duration_ns  INTEGER NOT NULL,
    device       INTEGER NOT NULL,
    context      INTEGER NOT NULL,
    stream       INTEGER NOT NULL,
    correlation  INTEGER NOT NULL,
    kind         INTEGER NOT NULL REFERENCES name
) STRICT;
CREATE TABLE overhead (
    overhead     INTEGER PRIMARY KEY,
    run          INTEGER NOT NULL REFERENCES run,
    begin_ns     INTEGER NOT NULL,
    duration_ns  INTEGER NOT NULL,
    thread       INTEGER NOT NULL,
    kind         INTEGER NOT NULL REFERENCES name
) STRICT;
CREATE TABLE graph_node (
    run       INTEGER NOT NULL REFERENCES run,
    node      INTEGER NOT NULL,
    original  INTEGER NOT NULL,
    place     INTEGER NOT NULL REFERENCES place,
    PRIMARY KEY (run, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE metric (
    metric  INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL REFERENCES run,
    device  INTEGER NOT NULL,
    name    TEXT NOT NULL,
    source  TEXT NOT NULL,
    UNIQUE (run, device, name, source)
) STRICT;
CREATE TABLE sample (
    sample       INTEGER PRIMARY KEY,
    metric       INTEGER NOT NULL REFERENCES metric,
    begin_ns     INTEGER NOT NULL,
    duration_ns  INTEGER NOT NULL,
    value        REAL NOT NULL
) STRICT;
CREATE TABLE traffic (
    traffic     INTEGER PRIMARY KEY,
    place       INTEGER NOT NULL REFERENCES place,
    step        INTEGER NOT NULL,
    metric      TEXT NOT NULL,
    value       REAL NOT NULL,
    source      TEXT NOT NULL CHECK (source IN ('hw_range', 'hw_pm')),
    pass        INTEGER NOT NULL,
    confidence  TEXT NOT NULL CHECK (confidence IN ('low', 'medium', 'high')),
    samples     INTEGER NOT NULL
) STRICT;
CREATE TABLE device (
    process           INTEGER NOT NULL REFERENCES process,
    device            INTEGER NOT NULL,
    name              TEXT NOT NULL,
    uuid              TEXT NOT NULL,
    bus               TEXT NOT NULL,
    compute_major     INTEGER NOT NULL,
    compute_minor     INTEGER NOT NULL,
    multiprocessors   INTEGER NOT NULL,
    memory_bytes      INTEGER NOT NULL,
    l2_bytes          INTEGER NOT NULL,
    bytes_per_second  INTEGER NOT NULL,
    clock_hz          INTEGER NOT NULL,
    PRIMARY KEY (process, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE collector (
    process  INTEGER NOT NULL REFERENCES process,
    run      INTEGER NOT NULL,
    name     TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'missing')),
    reason   TEXT NOT NULL,
    remedy   TEXT NOT NULL,
    PRIMARY KEY (process, run, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE quality (
    run     INTEGER NOT NULL REFERENCES run,
    figure  TEXT NOT NULL,
    value   REAL NOT NULL,
    note    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, figure)
) STRICT, WITHOUT ROWID;
CREATE TABLE lane (
    lane    INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL REFERENCES run,
    kind    TEXT NOT NULL CHECK (kind IN ('phase', 'layer', 'stream', 'unattributed')),
    phase   TEXT NOT NULL CHECK (phase IN ('', 'prefill', 'decode')),
    layer   INTEGER NOT NULL,
    device  INTEGER NOT NULL,
    stream  INTEGER NOT NULL,
    UNIQUE (run, kind, phase, layer, device, stream)
) STRICT;
CREATE TABLE overview (
    level    INTEGER NOT NULL CHECK (level BETWEEN 0 AND 9),
    lane     INTEGER NOT NULL REFERENCES lane,
    bucket   INTEGER NOT NULL,
    busy_ns  INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    op       TEXT NOT NULL,
    PRIMARY KEY (level, lane, bucket)
) STRICT, WITHOUT ROWID;
CREATE VIEW StringIds AS SELECT 0 AS id, '' AS value UNION ALL SELECT name, value FROM name;
CREATE VIEW META_DATA_EXPORT AS
SELECT 'EXPORT_SCHEMA_VERSION' AS name, '3.25.0' AS value UNION ALL SELECT 'EXPORT_PRODUCT_NAME', 'FluxScope';
CREATE VIEW TARGET_INFO_SESSION_START_TIME AS
SELECT utc_ns AS utcEpochNs, strftime('%Y-%m-%dT%H:%M:%fZ', utc_ns / 1e9, 'unixepoch') AS utcTime,
       strftime('%Y-%m-%dT%H:%M:%f', utc_ns / 1e9, 'unixepoch', 'localtime') AS localTime
FROM process ORDER BY process LIMIT 1;
CREATE VIEW TARGET_INFO_GPU AS
SELECT device AS id, name, bus AS busLocation, l2_bytes AS l2CacheSize, memory_bytes AS totalMemory, bytes_per_second AS memoryBandwidth,
       clock_hz AS clockRate, multiprocessors AS smCount, uuid, device AS cuDevice, compute_major AS computeMajor, compute_minor AS computeMinor
FROM device WHERE process = (SELECT min(process) FROM device);
CREATE VIEW run_session AS
SELECT r.run, p.process, p.utc_ns - p.monotonic_ns - (SELECT utc_ns FROM process ORDER BY process LIMIT 1) AS offset_ns,
       (p.pid & 0xFFFFFF) * 0x1000000 AS global_pid,
       coalesce((SELECT thread FROM api JOIN place AS q USING (place) WHERE q.run = r.run AND phase <> '' LIMIT 1), p.pid) & 0xFFFFFF AS thread_of_scopes
FROM run AS r JOIN process AS p USING (process);
CREATE VIEW ThreadNames AS
SELECT DISTINCT global_pid + (thread & 0xFFFFFF) AS globalTid, 0 AS nameId, NULL AS priority FROM api JOIN place USING (place) JOIN run_session USING (run)
UNION SELECT global_pid + thread_of_scopes, 0, NULL FROM run_session;
CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS
SELECT begin_ns + offset_ns AS start, begin_ns + duration_ns + offset_ns AS "end", k.device AS deviceId, context AS contextId,
       NULL AS greenContextId, stream AS streamId, correlation AS correlationId, global_pid AS globalPid,
       coalesce(n.demangled, n.name) AS demangledName, coalesce(n.short, n.name) AS shortName, n.name AS mangledName,
       NULL AS launchType, NULL AS cacheConfig, registers_per_thread AS registersPerThread, grid_x AS gridX, grid_y AS gridY, grid_z AS gridZ,
       block_x AS blockX, block_y AS blockY, block_z AS blockZ, static_shared_bytes AS staticSharedMemory,
       dynamic_shared_bytes AS dynamicSharedMemory, NULL AS localMemoryPerThread, NULL AS localMemoryTotal, kernel AS gridId,
       NULL AS sharedMemoryExecuted, nullif(graph_node, 0) AS graphNodeId, NULL AS sharedMemoryLimitConfig, nullif(graph, 0) AS graphId,
       nullif(cluster_x, 0) AS clusterX, nullif(cluster_y, 0) AS clusterY, nullif(cluster_z, 0) AS clusterZ
FROM kernel AS k JOIN place USING (place) JOIN run_session USING (run) JOIN name AS n ON n.name = k.name JOIN launch USING (launch)
WHERE duration_ns >= 0;
CREATE VIEW ENUM_CUDA_MEMCPY_OPER (id, name, label) AS
VALUES (0, 'CUDA_MEMCPY_KIND_UNKNOWN', 'Unknown'), (1, 'CUDA_MEMCPY_KIND_HTOD', 'Host-to-Device'), (2, 'CUDA_MEMCPY_KIND_DTOH', 'Device-to-Host'),
       (8, 'CUDA_MEMCPY_KIND_DTOD', 'Device-to-Device'), (9, 'CUDA_MEMCPY_KIND_HTOH', 'Host-to-Host'), (10, 'CUDA_MEMCPY_KIND_PTOP', 'Peer-to-Peer');
CREATE VIEW ENUM_CUDA_MEM_KIND (id, name, label) AS
VALUES (0, 'CUDA_MEMOPR_MEMORY_KIND_PAGEABLE', 'Pageable'), (1, 'CUDA_MEMOPR_MEMORY_KIND_PINNED', 'Pinned'), (2, 'CUDA_MEMOPR_MEMORY_KIND_DEVICE', 'Device');
CREATE VIEW CUPTI_ACTIVITY_KIND_MEMCPY AS
SELECT begin_ns + offset_ns AS start, begin_ns + duration_ns + offset_ns AS "end", device AS deviceId, context AS contextId, NULL AS greenContextId,
       stream AS streamId, correlation AS correlationId, global_pid AS globalPid, bytes,
       CASE n.value WHEN 'host-to-device' THEN 1 WHEN 'device-to-host' THEN 2 WHEN 'device-to-device' THEN 8 WHEN 'host-to-host' THEN 9
                    WHEN 'peer-to-peer' THEN 10 ELSE 0 END AS copyKind,
       CASE WHEN n.value LIKE 'host-%' THEN pinned ELSE 2 END AS srcKind, CASE WHEN n.value LIKE '%-host' THEN pinned ELSE 2 END AS dstKind,
       nullif(graph_node, 0) AS graphNodeId, 1 AS copyCount
FROM memcpy AS m JOIN place USING (place) JOIN run_session USING (run) JOIN name AS n ON n.name = m.kind
WHERE duration_ns >= 0;
CREATE VIEW CUPTI_ACTIVITY_KIND_MEMSET AS
SELECT begin_ns + offset_ns AS start, begin_ns + duration_ns + offset_ns AS "end", device AS deviceId, context AS contextId, NULL AS greenContextId,
       stream AS streamId, correlation AS correlationId, global_pid AS globalPid, NULL AS value, bytes, nullif(graph_node, 0) AS graphNodeId, 2 AS memKind
FROM memset JOIN place USING (place) JOIN run_session USING (run)
WHERE duration_ns >= 0;
CREATE VIEW CUPTI_ACTIVITY_KIND_RUNTIME AS
SELECT begin_ns + offset_ns AS start, begin_ns + duration_ns + offset_ns AS "end", 0 AS eventClass, global_pid + (thread & 0xFFFFFF) AS globalTid,
       correlation AS correlationId, name AS nameId, 0 AS returnValue, NULL AS callchainId
FROM api JOIN place USING (place) JOIN run_session USING (run)
WHERE duration_ns >= 0;
CREATE VIEW ENUM_CUPTI_SYNC_TYPE (id, name, label) AS
VALUES (0, 'CUPTI_SYNC_TYPE_UNKNOWN', 'Unknown'), (1, 'CUPTI_SYNC_TYPE_EVENT_SYNCHRONIZE', 'Event sync'), (2, 'CUPTI_SYNC_TYPE_STREAM_WAIT_EVENT', 'Stream wait event'),
       (3, 'CUPTI_SYNC_TYPE_STREAM_SYNCHRONIZE', 'Stream sync'), (4, 'CUPTI_SYNC_TYPE_CONTEXT_SYNCHRONIZE', 'Context sync');
CREATE VIEW CUPTI_ACTIVITY_KIND_SYNCHRONIZATION AS
SELECT begin_ns + offset_ns AS start, begin_ns + duration_ns + offset_ns AS "end", device AS deviceId, context AS contextId, NULL AS greenContextId,
       stream AS streamId, correlation AS correlationId, global_pid AS globalPid,
       CASE n.value WHEN 'event' THEN 1 WHEN 'stream-wait-event' THEN 2 WHEN 'stream' THEN 3 WHEN 'context' THEN 4 ELSE 0 END AS syncType, NULL AS eventId
FROM sync AS s JOIN run_session USING (run) JOIN name AS n ON n.name = s.kind
WHERE duration_ns >= 0;
CREATE VIEW CUPTI_ACTIVITY_KIND_OVERHEAD AS
SELECT begin_ns + offset_ns AS start, begin_ns + duration_ns + offset_ns AS "end", global_pid + (thread & 0xFFFFFF) AS globalTid, NULL AS correlationId,
       kind AS nameId, NULL AS returnValue, NULL AS overheadType
FROM overhead JOIN run_session USING (run)
WHERE duration_ns >= 0;
CREATE VIEW NVTX_EVENTS AS
SELECT begin_ns + offset_ns AS start, end_ns + offset_ns AS "end", 59 AS eventType, NULL AS rangeId, NULL AS category, NULL AS color,
       phase || '/step ' || step || CASE WHEN layer >= 0 THEN '/layer ' || layer ELSE '' END || CASE WHEN chunk >= 0 THEN '/chunk ' || chunk ELSE '' END ||
       CASE WHEN op <> '' THEN '/' || op ELSE '' END AS text,
       global_pid + thread_of_scopes AS globalTid, NULL AS endGlobalTid, NULL AS textId, 0 AS domainId, NULL AS uint64Value, NULL AS int64Value,
       NULL AS doubleValue, NULL AS jsonText
FROM scope JOIN run_session USING (run);
CREATE VIEW ENUM_NSYS_EVENT_TYPE (id, name, label) AS VALUES (59, 'NvtxPushPopRange', 'NVTX Push/Pop Range'), (60, 'NvtxStartEndRange', 'NVTX Start/End Range');
