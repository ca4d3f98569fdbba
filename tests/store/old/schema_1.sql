-- A FluxScope experiment (*.fluxdb), schema version 1. Plain SQLite: any tool reads it.
--
-- An experiment holds runs. A run has one policy and any number of sequences (a prompt and what was generated from it);
-- the sequences that go through the layers together form a batch. Secondary passes over the same prompts (timeline,
-- counters) and runs of other machines are runs too, told apart by `role` and `process`.
--
-- Times are nanoseconds of the recording process's monotonic clock; `process` has the pair that converts them to UTC.
-- Keys, the same everywhere: run, batch, sequence, turn, phase, step (prefill is 0), layer, chunk, op.
-- A key that does not apply is -1, never NULL, so that keys compare and join. Enumerations are text: they explain themselves.
-- Byte figures carry their source: 'hw_range', 'hw_pm' (measured), 'analytic' (kernels/cost, `cost_version`).
--
-- Tables that grow while a run goes on have a row id, `row`, in the order of recording: a reader remembers how far it has come.
-- Their rows are never changed, except that a row of `layer_step` grows until its step has ended. In the order of recording
-- the rows of one sequence (of one batch, in `layer_step`) rise by turn and step.

PRAGMA application_id = 0x466C7578;  -- 'Flux'
PRAGMA user_version = 1;

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
    dropped       INTEGER NOT NULL DEFAULT 0  -- records lost to a full queue: scopes, before anything else
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
    UNIQUE (run, sequence, turn, position)
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

-- Intervals on the host, written as they close: what lies inside comes first. layer, chunk -1 and op '' mean "the whole of".
-- The figures are those of the scope's own shape: a layer's bytes are the sum over its ops. No index, for there are ten times
-- as many of them as of anything else: layer_step says where the scopes of a layer and step lie.
CREATE TABLE scope (
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

-- What a layer cost in a step, kept up by the writer so that a first paint reads only this. layer -1: outside all layers
-- (embedding, head, sampling). time_source names the clock: 'host-timer' (a CPU run), 'host-enqueue' (the host's time in front of
-- a device that runs behind it: what enqueueing cost, not what the device did), 'cupti' (union of kernel intervals).
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
    UNIQUE (run, batch, turn, phase, step, layer)
) STRICT;
