-- From version 2 to 3: what answers were worth, and trainings. Frozen: resources/schema.sql says what all of it means.
CREATE TABLE evaluation (
    row       INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    task      TEXT NOT NULL,
    length    INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    seed      INTEGER NOT NULL,
    scorer    TEXT NOT NULL,
    score     REAL NOT NULL,
    UNIQUE (run, sequence)
) STRICT;
CREATE TABLE training (
    training    INTEGER PRIMARY KEY,
    process     INTEGER NOT NULL REFERENCES process,
    kind        TEXT NOT NULL CHECK (kind IN ('routers', 'backbone')),
    model       TEXT NOT NULL,
    plan        TEXT NOT NULL,
    data        TEXT NOT NULL,
    device      TEXT NOT NULL,
    dtype       TEXT NOT NULL,
    first_step  INTEGER NOT NULL,
    steps       INTEGER NOT NULL,
    layers      INTEGER NOT NULL,
    begin_ns    INTEGER NOT NULL,
    end_ns      INTEGER,
    outcome     TEXT CHECK (outcome IN ('finished', 'cancelled', 'failed')),
    reason      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE training_task (
    training  INTEGER NOT NULL REFERENCES training,
    task      INTEGER NOT NULL,
    name      TEXT NOT NULL,
    share     REAL NOT NULL,
    target    REAL,
    PRIMARY KEY (training, task)
) STRICT, WITHOUT ROWID;
CREATE TABLE training_step (
    row            INTEGER PRIMARY KEY,
    training       INTEGER NOT NULL REFERENCES training,
    step           INTEGER NOT NULL,
    length         INTEGER NOT NULL,
    loss           REAL NOT NULL,
    penalty        REAL NOT NULL,
    learning_rate  REAL NOT NULL,
    gradient_norm  REAL NOT NULL,
    tokens_per_s   REAL NOT NULL,
    temperature    REAL,
    end_ns         INTEGER NOT NULL,
    UNIQUE (training, step)
) STRICT;
CREATE TABLE training_task_step (
    training  INTEGER NOT NULL REFERENCES training,
    step      INTEGER NOT NULL,
    task      INTEGER NOT NULL,
    loss      REAL,
    foretold  REAL,
    sparsity  REAL,
    lambda1   REAL,
    lambda2   REAL,
    PRIMARY KEY (training, step, task)
) STRICT, WITHOUT ROWID;
CREATE TABLE training_layer_step (
    training  INTEGER NOT NULL REFERENCES training,
    step      INTEGER NOT NULL,
    layer     INTEGER NOT NULL,
    p_full    REAL NOT NULL,
    PRIMARY KEY (training, step, layer)
) STRICT, WITHOUT ROWID;
CREATE TABLE training_warning (
    row       INTEGER PRIMARY KEY,
    training  INTEGER NOT NULL REFERENCES training,
    step      INTEGER NOT NULL,
    text      TEXT NOT NULL
) STRICT;
