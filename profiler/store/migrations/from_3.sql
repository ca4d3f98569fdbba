-- From version 3 to 4: scopes of a decoded step in one row. Frozen: resources/schema.sql says what all of it means. Those that are there
-- stay as they are, one in a row.
DROP VIEW NVTX_EVENTS;
PRAGMA legacy_alter_table = ON;  -- views are not looked at: they are a stranger's, and may not be read
ALTER TABLE scope RENAME TO scope_row;
PRAGMA legacy_alter_table = OFF;
CREATE TABLE scope_step (
    first_scope  INTEGER PRIMARY KEY,
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
CREATE VIEW NVTX_EVENTS AS
SELECT begin_ns + offset_ns AS start, end_ns + offset_ns AS "end", 59 AS eventType, NULL AS rangeId, NULL AS category, NULL AS color,
       phase || '/step ' || step || CASE WHEN layer >= 0 THEN '/layer ' || layer ELSE '' END || CASE WHEN chunk >= 0 THEN '/chunk ' || chunk ELSE '' END ||
       CASE WHEN op <> '' THEN '/' || op ELSE '' END AS text,
       global_pid + thread_of_scopes AS globalTid, NULL AS endGlobalTid, NULL AS textId, 0 AS domainId, NULL AS uint64Value, NULL AS int64Value,
       NULL AS doubleValue, NULL AS jsonText
FROM scope JOIN run_session USING (run);
