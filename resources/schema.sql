-- A FluxScope experiment (*.fluxdb), schema version 4. Plain SQLite: any tool reads it.
--
-- An experiment holds runs. A run has one policy and any number of sequences (a prompt and what was generated from it);
-- the sequences that go through the layers together form a batch. Secondary passes over the same prompts (timeline,
-- counters) and runs of other machines are runs too, told apart by `role` and `process`.
--
-- Times are nanoseconds of the recording process's monotonic clock; `process` has the pair that converts them to UTC.
-- Keys, the same everywhere: run, batch, sequence, turn, phase, step (prefill is 0), layer, chunk, op.
-- A key that does not apply is -1, never NULL, so that keys compare and join. Enumerations are text: they explain themselves.
-- Where there are millions of rows, a text is a number that REFERENCES name, and a key without its step one that REFERENCES place.
-- Byte figures carry their source: 'hw_range', 'hw_pm' (measured), 'analytic' (kernels/cost, `cost_version`).
--
-- Tables that grow while a run goes on have a row id, `row`, in the order of recording: a reader remembers how far it has come.
-- Their rows are never changed, except that a row of `layer_step` grows until its step has ended (with a device's times: while
-- it lies behind run.settled), and that what came too late is set right once, at the end of a run; then run.revision rises,
-- and a reader reads that run afresh. In the order of recording the rows of one sequence (of one batch, in `layer_step`)
-- rise by turn and step.

PRAGMA application_id = 0x466C7578;  -- 'Flux'
PRAGMA user_version = 4;

CREATE TABLE process (
    process       INTEGER PRIMARY KEY,
    host          TEXT NOT NULL,
    pid           INTEGER NOT NULL,
    program       TEXT NOT NULL,     -- name, version, flavour
    collector     TEXT NOT NULL,     -- what was asked for and, once a run has begun, what it became: 'auto: host-timer'
    monotonic_ns  INTEGER NOT NULL,  -- the same moment on both clocks
    utc_ns        INTEGER NOT NULL
) STRICT;

-- What the numbers depend on: machine, versions, clocks, environment. Source says how it was learnt.
CREATE TABLE environment (
    process  INTEGER NOT NULL REFERENCES process,
    name     TEXT NOT NULL,
    value    TEXT NOT NULL,
    source   TEXT NOT NULL,
    PRIMARY KEY (process, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE model (
    model              INTEGER PRIMARY KEY,
    hash               TEXT NOT NULL UNIQUE,  -- of config.json and the tensor index
    name               TEXT NOT NULL,
    path               TEXT NOT NULL,
    architecture       TEXT NOT NULL,
    layers             INTEGER NOT NULL,
    heads              INTEGER NOT NULL,
    kv_heads           INTEGER NOT NULL,
    head_dim           INTEGER NOT NULL,
    hidden             INTEGER NOT NULL,
    vocabulary         INTEGER NOT NULL,
    parameters         INTEGER NOT NULL,
    router_parameters  INTEGER NOT NULL,      -- 0: a model without routers
    pool_size          INTEGER NOT NULL,
    untrained          INTEGER NOT NULL       -- 1: random weights made by a test
) STRICT;

CREATE TABLE run (
    run           INTEGER PRIMARY KEY,
    process       INTEGER NOT NULL REFERENCES process,
    model         INTEGER NOT NULL REFERENCES model,
    role          TEXT NOT NULL CHECK (role IN ('timed', 'timeline', 'counters', 'off', 'warm-up', 'verify')),
    repeat        INTEGER NOT NULL,
    policy        TEXT NOT NULL,     -- JSON
    policy_name   TEXT NOT NULL,     -- its short form, for people
    sparse        TEXT NOT NULL,     -- short form of the sparse mode
    seed          INTEGER NOT NULL,
    max_new       INTEGER NOT NULL,
    chunk_tokens  INTEGER NOT NULL,
    device        TEXT NOT NULL,
    dtype         TEXT NOT NULL,
    eager         INTEGER NOT NULL,  -- 1: the observer asked for no graphs
    begin_ns      INTEGER NOT NULL,
    end_ns        INTEGER,           -- NULL while it runs, and for ever if its process was lost
    outcome       TEXT CHECK (outcome IN ('finished', 'cancelled', 'failed')),
    reason        TEXT NOT NULL DEFAULT '',
    dropped       INTEGER NOT NULL DEFAULT 0,  -- records lost to a full queue: scopes, before anything else; `quality` says which

    sampling             TEXT NOT NULL DEFAULT '{}',      -- JSON: temperature, top_k, ...; '{}': not known
    op_scopes            INTEGER NOT NULL DEFAULT 1,      -- 1: scopes of single operations were asked for, and came
    no_dependent_launch  INTEGER NOT NULL DEFAULT 0,      -- 1: no programmatic dependent launch, because the observer asked for it
    clock_locked         INTEGER NOT NULL DEFAULT 0,      -- 1: counters were read while it ran, at a locked clock: no latencies
    origin               TEXT NOT NULL DEFAULT '',        -- '': recorded here; else the tool whose file it was imported from
    record_budget        INTEGER,                         -- rows kept in each of kernel, api, scope, ...; NULL: all
    over_budget          INTEGER NOT NULL DEFAULT 0,      -- rows left out for it: they are in layer_step and overview all the same
    over_budget_ns       INTEGER,                         -- when the first of them was left out
    settled              INTEGER,                         -- rows of layer_step up to this one do not change; NULL: as without a device
    revision             INTEGER NOT NULL DEFAULT 0       -- how often rows were set right afterwards
) STRICT;

CREATE TABLE prompt (
    prompt  INTEGER PRIMARY KEY,
    id      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    split   TEXT NOT NULL CHECK (split IN ('', 'tune', 'test')),
    hash    TEXT NOT NULL,       -- FNV-1a, 128 bits, of the text; of the token ids where a prompt was given as such
    text    TEXT,                -- NULL under --no-prompt-text; then the answer is '' and its token ids are not stored either
    answer  TEXT NOT NULL,
    UNIQUE (id, hash)
) STRICT;

CREATE TABLE sequence (
    run            INTEGER NOT NULL REFERENCES run,
    sequence       INTEGER NOT NULL,
    batch          INTEGER NOT NULL,  -- -1: its batch has not begun
    prompt         INTEGER NOT NULL REFERENCES prompt,
    prompt_tokens  INTEGER NOT NULL,
    PRIMARY KEY (run, sequence)
) STRICT, WITHOUT ROWID;

-- Prompt tokens have step -1 and are numbered by position; a generated token has the step that produced it
-- (the first one comes out of prefill, step 0).
CREATE TABLE token (
    row         INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    turn        INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    step        INTEGER NOT NULL,
    token       INTEGER NOT NULL,
    byte_begin  INTEGER NOT NULL,  -- into the prompt's text, or into the generated text
    byte_end    INTEGER NOT NULL,
    text        BLOB,              -- of generated tokens; may be a part of a UTF-8 character
    logprob     REAL,              -- natural log; NULL for prompt tokens
    emitted_ns  INTEGER,           -- on the host; NULL for prompt tokens
    tail_mass   REAL,              -- probability of everything that is not in token_choice; NULL: not asked for
    UNIQUE (run, sequence, turn, position)
) STRICT;

-- What a step could have said instead, rank 0 the most probable. `row` is that of the token.
CREATE TABLE token_choice (
    row      INTEGER NOT NULL REFERENCES token,
    rank     INTEGER NOT NULL,
    token    INTEGER NOT NULL,
    logprob  REAL NOT NULL,
    PRIMARY KEY (row, rank)
) STRICT, WITHOUT ROWID;

-- What a turn sends through prefill. first_position above 0: onto the cache that the turns before have left.
CREATE TABLE turn (
    run             INTEGER NOT NULL REFERENCES run,
    sequence        INTEGER NOT NULL,
    turn            INTEGER NOT NULL,
    first_position  INTEGER NOT NULL,  -- how much of the cache was kept
    tokens          INTEGER NOT NULL,  -- from there on
    redone          INTEGER NOT NULL,  -- of these, positions that the turns before had reached
    PRIMARY KEY (run, sequence, turn)
) STRICT, WITHOUT ROWID;

-- A step's distribution against the one that policy `full` has there, given the same tokens before.
CREATE TABLE fidelity (
    row             INTEGER PRIMARY KEY,
    run             INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    turn            INTEGER NOT NULL,
    step            INTEGER NOT NULL,
    kl              REAL NOT NULL,     -- of the full distribution from this one, in nats
    same_top        INTEGER NOT NULL,  -- 1: both think the same token most probable
    logprob_change  REAL NOT NULL,     -- of the token decoded: this policy's less full's
    UNIQUE (run, sequence, turn, step)
) STRICT;

-- One row per decision; a probe adds rows with its step. kv_head -1: all heads of the layer.
CREATE TABLE decision (
    row           INTEGER PRIMARY KEY,
    run           INTEGER NOT NULL,
    sequence      INTEGER NOT NULL,
    turn          INTEGER NOT NULL,
    step          INTEGER NOT NULL,
    layer         INTEGER NOT NULL,
    kv_head       INTEGER NOT NULL,
    attention     TEXT NOT NULL CHECK (attention IN ('full', 'sparse')),
    decided_by    TEXT NOT NULL CHECK (decided_by IN ('router', 'policy', 'probe', 'replay')),
    logit_sparse  REAL,  -- NULL: the layer has no router
    logit_full    REAL,
    p_full        REAL,
    threshold     REAL,  -- NULL: the router did not decide
    margin        REAL,  -- logit difference minus logit(threshold); > 0 is full
    UNIQUE (run, sequence, turn, step, layer, kv_head)
) STRICT;

CREATE TABLE kv (
    row          INTEGER PRIMARY KEY,
    run          INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    turn         INTEGER NOT NULL,
    step         INTEGER NOT NULL,
    layer        INTEGER NOT NULL,
    bytes_kept   INTEGER NOT NULL,
    bytes_freed  INTEGER NOT NULL,
    UNIQUE (run, sequence, turn, step, layer)
) STRICT;

-- Intervals on the host, numbered as they close: what lies inside comes first. layer, chunk -1 and op '' mean "the whole of".
-- The figures are those of the scope's own shape: a layer's bytes are the sum over its ops. There are ten times as many of them as of
-- anything else, so those of a decoded step are together in a row of scope_step, and there is no index of scopes: layer_step says
-- which ones a layer has in a step. The view `scope` tells all of them, one in a row.
CREATE TABLE scope_row (
    scope          INTEGER PRIMARY KEY,
    run            INTEGER NOT NULL,
    batch          INTEGER NOT NULL,
    turn           INTEGER NOT NULL,
    phase          TEXT NOT NULL CHECK (phase IN ('prefill', 'decode')),
    step           INTEGER NOT NULL,
    layer          INTEGER NOT NULL,
    chunk          INTEGER NOT NULL,
    op             TEXT NOT NULL,
    begin_ns       INTEGER NOT NULL,
    end_ns         INTEGER NOT NULL,
    bytes_read     INTEGER,  -- analytic; NULL: no shape of its own
    bytes_written  INTEGER,
    flops          INTEGER
) STRICT;

-- Consecutive scopes of one step of phase 'decode', in one or more rows. `scopes` is a JSON array with an array for each: layer, chunk, op,
-- begin (from begin_ns on) and duration in ns, and where it has a shape bytes_read, bytes_written and flops.
CREATE TABLE scope_step (
    first_scope  INTEGER PRIMARY KEY,  -- those behind it count on from it
    members      INTEGER NOT NULL,
    run          INTEGER NOT NULL,
    batch        INTEGER NOT NULL,
    turn         INTEGER NOT NULL,
    step         INTEGER NOT NULL,
    begin_ns     INTEGER NOT NULL,
    scopes       TEXT NOT NULL
) STRICT;
CREATE INDEX scope_step_of ON scope_step (run, step);

CREATE VIEW scope AS
SELECT scope, run, batch, turn, phase, step, layer, chunk, op, begin_ns, end_ns, bytes_read, bytes_written, flops FROM scope_row
UNION ALL
SELECT first_scope + key, run, batch, turn, 'decode', step, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       begin_ns + json_extract(value, '$[3]'), begin_ns + json_extract(value, '$[3]') + json_extract(value, '$[4]'),
       json_extract(value, '$[5]'), json_extract(value, '$[6]'), json_extract(value, '$[7]')
FROM scope_step, json_each(iif(json_valid(scopes), scopes, '[]')) WHERE type = 'array';

-- What a layer cost in a step, kept up by the writer so that a first paint reads only this. layer -1: outside all layers
-- (embedding, head, sampling). time_source names the clock: 'host-timer' (a CPU run), 'host-enqueue' (the host's time in front of
-- a device that runs behind it: what enqueueing cost, not what the device did), 'cupti' (the union of the intervals of its kernels, and so
-- for router and attention; begin_ns is that of the first one; kernels with a bad time stamp count nowhere), 'none' (a replayed
-- step that nobody timed layer by layer: its times mean nothing, its bytes and flops hold).
CREATE TABLE layer_step (
    row            INTEGER PRIMARY KEY,
    run            INTEGER NOT NULL,
    batch          INTEGER NOT NULL,
    turn           INTEGER NOT NULL,
    phase          TEXT NOT NULL,
    step           INTEGER NOT NULL,
    layer          INTEGER NOT NULL,
    begin_ns       INTEGER NOT NULL,
    time_ns        INTEGER NOT NULL,
    router_ns      INTEGER NOT NULL,
    attention_ns   INTEGER NOT NULL,
    time_source    TEXT NOT NULL,
    bytes_read     INTEGER NOT NULL,
    bytes_written  INTEGER NOT NULL,
    flops          INTEGER NOT NULL,
    bytes_source   TEXT NOT NULL,
    cost_version   INTEGER NOT NULL,
    first_scope    INTEGER,  -- the scopes of this layer and step are among these; NULL: none was kept
    last_scope     INTEGER,
    kernels        INTEGER NOT NULL DEFAULT 0,
    overlap_ns     INTEGER NOT NULL DEFAULT 0,  -- what the durations of its kernels are together, less their union
    UNIQUE (run, batch, turn, phase, step, layer)
) STRICT;

-- What follows is what a device did, told by a collector (CUPTI, NVML, or a file of another tool).

-- Each text once. What a linker sees (mangled) refers to what people read.
CREATE TABLE name (
    name       INTEGER PRIMARY KEY,
    value      TEXT NOT NULL UNIQUE,
    demangled  INTEGER REFERENCES name,  -- of a kernel's name: 'void ns::gemm<float>(int*)'
    short      INTEGER REFERENCES name   -- and 'gemm'. NULL, both: it is no kernel's name
) STRICT;

-- Whose work something is: a scope's key without its step, which the row that refers to it has. Phase '': nobody's, as far as
-- could be learnt; then all keys but the run are -1, and so is that row's step.
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

-- The shape of a launch, each once. cluster_x 0: no cluster.
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

-- A kernel's interval on the device. attribution (a name) says how its place was found: 'external-id' (the id pushed around its launch),
-- 'graph-node' (its node in a recorded step, and the step that the recording was launched in), 'time' (imports only: inside an
-- interval of the host's), 'none'. With a bad time stamp (0, or an end before the beginning) duration_ns is -1, and begin_ns as told.
-- No index: kernel_block says where those of a time lie, and what outside tools ask reads all of it anyway.
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
    correlation  INTEGER NOT NULL,  -- of the API call that launched it; unique within its process; the kernels of a graph share it
    graph        INTEGER NOT NULL,  -- 0: launched by itself
    graph_node   INTEGER NOT NULL,
    name         INTEGER NOT NULL REFERENCES name,
    launch       INTEGER NOT NULL REFERENCES launch
) STRICT;

-- Where to look for the kernels of a run or of a time: consecutive rows of `kernel`, all of one run, all of whose good intervals
-- lie in [begin_ns, end_ns]. Together the blocks have every kernel, each once. NULL times: none of them is good.
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
    duration_ns  INTEGER NOT NULL,  -- -1: a bad time stamp, here and in what follows
    device       INTEGER NOT NULL,
    context      INTEGER NOT NULL,
    stream       INTEGER NOT NULL,
    correlation  INTEGER NOT NULL,
    graph_node   INTEGER NOT NULL,
    kind         INTEGER NOT NULL REFERENCES name,  -- 'host-to-device', 'device-to-host', 'device-to-device', 'host-to-host', 'peer-to-peer', 'other'
    pinned       INTEGER NOT NULL,                  -- 1: the host's side is
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

-- A call of the CUDA API on the host: the other end of a launch.
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
    kind         INTEGER NOT NULL REFERENCES name  -- 'stream', 'event', 'context', 'stream-wait-event'
) STRICT;

-- The tracer's own work, as it says itself.
CREATE TABLE overhead (
    overhead     INTEGER PRIMARY KEY,
    run          INTEGER NOT NULL REFERENCES run,
    begin_ns     INTEGER NOT NULL,
    duration_ns  INTEGER NOT NULL,
    thread       INTEGER NOT NULL,
    kind         INTEGER NOT NULL REFERENCES name  -- 'instrumentation', 'buffer-flush', 'lazy-loading', ...
) STRICT;

-- What a node of a recorded step (a CUDA graph) is for. Its place has no step: that is the launch's.
CREATE TABLE graph_node (
    run       INTEGER NOT NULL REFERENCES run,  -- the one that recorded it; later runs of the process may launch it
    node      INTEGER NOT NULL,
    original  INTEGER NOT NULL,                 -- the node it was cloned from; 0: itself
    place     INTEGER NOT NULL REFERENCES place,
    PRIMARY KEY (run, node)
) STRICT, WITHOUT ROWID;

-- What a sample measures: 'dram_read_bytes', 'sm_active_pct', 'power_w', ... of a device, by 'hw_pm' or 'nvml'.
CREATE TABLE metric (
    metric  INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL REFERENCES run,
    device  INTEGER NOT NULL,
    name    TEXT NOT NULL,
    source  TEXT NOT NULL,
    UNIQUE (run, device, name, source)
) STRICT;

-- A metric over an interval of the device's time. Bytes are those that moved in it, percentages and watts its average.
CREATE TABLE sample (
    sample       INTEGER PRIMARY KEY,
    metric       INTEGER NOT NULL REFERENCES metric,
    begin_ns     INTEGER NOT NULL,
    duration_ns  INTEGER NOT NULL,
    value        REAL NOT NULL
) STRICT;

-- Bytes that moved while a scope's work ran: measured, per scope. The analytic ones are in `scope` and `layer_step`.
CREATE TABLE traffic (
    traffic     INTEGER PRIMARY KEY,
    place       INTEGER NOT NULL REFERENCES place,
    step        INTEGER NOT NULL,
    metric      TEXT NOT NULL,  -- 'dram_read_bytes', 'dram_write_bytes', 'l2_bytes', ...
    value       REAL NOT NULL,
    source      TEXT NOT NULL CHECK (source IN ('hw_range', 'hw_pm')),
    pass        INTEGER NOT NULL,
    confidence  TEXT NOT NULL CHECK (confidence IN ('low', 'medium', 'high')),
    samples     INTEGER NOT NULL  -- of hw_pm: how many intervals lay inside
) STRICT;

CREATE TABLE device (
    process           INTEGER NOT NULL REFERENCES process,
    device            INTEGER NOT NULL,  -- as CUDA numbers them in this process
    name              TEXT NOT NULL,
    uuid              TEXT NOT NULL,
    bus               TEXT NOT NULL,     -- PCI: '0000:18:00.0'
    compute_major     INTEGER NOT NULL,
    compute_minor     INTEGER NOT NULL,
    multiprocessors   INTEGER NOT NULL,
    memory_bytes      INTEGER NOT NULL,
    l2_bytes          INTEGER NOT NULL,
    bytes_per_second  INTEGER NOT NULL,  -- of its memory, by its data sheet; 0: not known
    clock_hz          INTEGER NOT NULL,
    PRIMARY KEY (process, device)
) STRICT, WITHOUT ROWID;

-- Each collector that was asked for, and what became of it. run -1: before any run. 'running' lasts until the run's end, and for
-- ever if its process was lost.
CREATE TABLE collector (
    process  INTEGER NOT NULL REFERENCES process,
    run      INTEGER NOT NULL,
    name     TEXT NOT NULL,  -- 'trace', 'timeline', 'counters', 'host-timer', 'nvml', ...
    state    TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'missing')),
    reason   TEXT NOT NULL,  -- of 'missing', and of 'stopped' before the run's end; 'without ...': what it could not measure, running or
                             -- stopped at the run's end
    remedy   TEXT NOT NULL,
    PRIMARY KEY (process, run, name)
) STRICT, WITHOUT ROWID;

-- How good a run's record is. Figures of the writer, all counts or nanoseconds: 'kernels', 'kernel_ns' (their good durations added up),
-- 'unattributed_kernels', 'unattributed_ns', 'bad_timestamps' (of all kinds), and 'dropped_X' where records of kind X were lost to
-- a full queue or by the device, and 'over_budget_X' where they were not kept for the record budget. Collectors add theirs; note is a sentence where the figure needs one.
CREATE TABLE quality (
    run     INTEGER NOT NULL REFERENCES run,
    figure  TEXT NOT NULL,
    value   REAL NOT NULL,
    note    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, figure)
) STRICT, WITHOUT ROWID;

-- The overview: what a time line shows before it reads any kernel. Lanes are a phase, a layer (-1: outside all layers), a stream of
-- a device, and the work that is nobody's. Keys that do not apply are -1, phase ''.
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

-- A pyramid of ten levels: a bucket of level n is 2^(18 + 2n) ns long, so that four make one of the next level, and begins
-- at run.begin_ns + bucket * its length. What it adds up: the intervals of kernels with a good time stamp, each in the lane of its
-- stream, and in those of its phase and layer, or in that of nobody's work; in runs on a CPU, those of the scopes of single operations,
-- in the lanes of phase and layer. A bucket without any has no row; a run without any lane has no overview yet. A run on a CPU may
-- begin at level 2, without any row below: levels 0 and 1 would have more rows than there are scopes, which tell the same. Until it has
-- ended, it may lack the last second; of a run whose process was lost a report adds it.
--   busy_ns  the time of these intervals that lies inside the bucket, added up: where they overlap, more than its length
--   events   how many of them begin in it
--   op       the operation with the most of busy_ns: of equals the one that comes first in a forward pass; '': nobody's
CREATE TABLE overview (
    level    INTEGER NOT NULL CHECK (level BETWEEN 0 AND 9),
    lane     INTEGER NOT NULL REFERENCES lane,
    bucket   INTEGER NOT NULL,
    busy_ns  INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    op       TEXT NOT NULL,
    PRIMARY KEY (level, lane, bucket)
) STRICT, WITHOUT ROWID;

-- What the answer of a sequence was worth (`evaluate`). A policy's score of a task is the mean over these; its share of full layers is
-- read off `decision`.
CREATE TABLE evaluation (
    row       INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    task      TEXT NOT NULL,     -- as it was asked for: 'needle:facts=8'; of a prompt set, the prompt's kind
    length    INTEGER NOT NULL,  -- in tokens, as asked for; of a prompt set 0
    number    INTEGER NOT NULL,  -- of the sample
    seed      INTEGER NOT NULL,  -- of the task; of a prompt set, a hash of the prompt: FNV-1a of 64 bits
    scorer    TEXT NOT NULL,     -- docs/tasks.md; 'fidelity': the share of steps where full attention thinks the same token most probable
    score     REAL NOT NULL,     -- from 0 to 1
    UNIQUE (run, sequence)
) STRICT;

-- A training, as far as one process took it. One that went on from a checkpoint is a row of its own with the same plan and data:
-- steps that were done again after a kill are in both, with the same numbers.
CREATE TABLE training (
    training    INTEGER PRIMARY KEY,
    process     INTEGER NOT NULL REFERENCES process,
    kind        TEXT NOT NULL CHECK (kind IN ('routers', 'backbone')),
    model       TEXT NOT NULL,     -- the folder that was trained on
    plan        TEXT NOT NULL,     -- JSON (docs/training.md)
    data        TEXT NOT NULL,     -- JSON: what the mixture was made of
    device      TEXT NOT NULL,
    dtype       TEXT NOT NULL,     -- of products and attention
    first_step  INTEGER NOT NULL,
    steps       INTEGER NOT NULL,  -- of the whole plan
    layers      INTEGER NOT NULL,
    begin_ns    INTEGER NOT NULL,
    end_ns      INTEGER,           -- NULL while it goes on, and for ever if its process was lost
    outcome     TEXT CHECK (outcome IN ('finished', 'cancelled', 'failed')),
    reason      TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE training_task (
    training  INTEGER NOT NULL REFERENCES training,
    task      INTEGER NOT NULL,
    name      TEXT NOT NULL,
    share     REAL NOT NULL,  -- of the prompts
    target    REAL,           -- share of sparse layers; NULL: a backbone has none
    PRIMARY KEY (training, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE training_step (
    row            INTEGER PRIMARY KEY,
    training       INTEGER NOT NULL REFERENCES training,
    step           INTEGER NOT NULL,  -- from 0
    length         INTEGER NOT NULL,  -- tokens of a prompt
    loss           REAL NOT NULL,     -- of the next tokens, in nats
    penalty        REAL NOT NULL,     -- of the targets
    learning_rate  REAL NOT NULL,
    gradient_norm  REAL NOT NULL,     -- before it was clipped
    tokens_per_s   REAL NOT NULL,
    temperature    REAL,              -- of routers only
    end_ns         INTEGER NOT NULL,
    UNIQUE (training, step)
) STRICT;

-- Only of tasks that the step had a prompt of.
CREATE TABLE training_task_step (
    training  INTEGER NOT NULL REFERENCES training,
    step      INTEGER NOT NULL,
    task      INTEGER NOT NULL,
    loss      REAL,     -- NULL, as what follows: no token of its prompts counted
    foretold  REAL,     -- of answers' tokens (of plain text: of all) the share that was foretold
    sparsity  REAL,     -- share of sparse layers, as they mixed; NULL, as what follows: a backbone has none
    lambda1   REAL,
    lambda2   REAL,
    PRIMARY KEY (training, step, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE training_layer_step (
    training  INTEGER NOT NULL REFERENCES training,
    step      INTEGER NOT NULL,
    layer     INTEGER NOT NULL,
    p_full    REAL NOT NULL,  -- the mean weight of full attention over the step's prompts
    PRIMARY KEY (training, step, layer)
) STRICT, WITHOUT ROWID;

CREATE TABLE training_warning (
    row       INTEGER PRIMARY KEY,
    training  INTEGER NOT NULL REFERENCES training,
    step      INTEGER NOT NULL,
    text      TEXT NOT NULL
) STRICT;

-- What follows is for tools made for exports of Nsight Systems: its names and columns over our tables. Times are relative to
-- when the first process began to record; other processes are placed by their UTC. Nothing of ours reads these views.

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

-- Added to a run's clock, offset_ns makes its times those of the views. Its scopes are on the thread that launched for them; where
-- nobody told which, on the first of the process.
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

-- The intervals of our scopes as ranges of NVTX (59: push and pop), named 'decode/step 3/layer 7/attention'.
CREATE VIEW NVTX_EVENTS AS
SELECT begin_ns + offset_ns AS start, end_ns + offset_ns AS "end", 59 AS eventType, NULL AS rangeId, NULL AS category, NULL AS color,
       phase || '/step ' || step || CASE WHEN layer >= 0 THEN '/layer ' || layer ELSE '' END || CASE WHEN chunk >= 0 THEN '/chunk ' || chunk ELSE '' END ||
       CASE WHEN op <> '' THEN '/' || op ELSE '' END AS text,
       global_pid + thread_of_scopes AS globalTid, NULL AS endGlobalTid, NULL AS textId, 0 AS domainId, NULL AS uint64Value, NULL AS int64Value,
       NULL AS doubleValue, NULL AS jsonText
FROM scope JOIN run_session USING (run);

CREATE VIEW ENUM_NSYS_EVENT_TYPE (id, name, label) AS VALUES (59, 'NvtxPushPopRange', 'NVTX Push/Pop Range'), (60, 'NvtxStartEndRange', 'NVTX Start/End Range');
