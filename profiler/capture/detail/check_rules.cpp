#include "profiler/capture/detail/check_rules.h"

#include <vector>

namespace fluxscope {
namespace {

std::string ofSequence(const std::string& table) {
    return "SELECT 'row ' || row FROM " + table +
           " WHERE (run, sequence) NOT IN (SELECT run, sequence FROM sequence)";
}

std::string layerInModel(const std::string& table, const std::string& least) {
    return "SELECT 'row ' || t.row || ': layer ' || layer FROM " + table +
           " AS t LEFT JOIN run USING (run) LEFT JOIN model USING (model) WHERE layer < " + least +
           " OR layer >= layers";
}

std::string rising(const std::string& table, const std::string& of) {
    return "SELECT 'row ' || row FROM (SELECT row, turn, step, lag(turn) OVER w AS turn_, lag(step) OVER w "
           "AS step_ FROM " +
           table + " WINDOW w AS (PARTITION BY run, " + of +
           " ORDER BY row)) WHERE (turn, step) < (turn_, step_)";
}

// A device's rows: nobody's place goes with no step and no attribution, and the other way round.
std::string placed(const std::string& table) {
    return "SELECT '" + table + " ' || " + table + " FROM " + table +
           " JOIN place USING (place) LEFT JOIN name AS a ON a.name = attribution WHERE (phase = '') <> "
           "(step = -1) OR (phase = '') <> "
           "(a.value = 'none') OR a.value NOT IN ('external-id', 'graph-node', 'time', 'none')";
}

std::string timed(const std::string& table) {
    return "SELECT '" + table + " ' || " + table + " FROM " + table + " WHERE duration_ns < -1";
}

void addTrainings(std::vector<CheckRule>& rules) {
    const auto ofStep = [](const std::string& table) {
        return "SELECT 'training ' || training || ' step ' || step FROM " + table +
               " WHERE (training, step) NOT IN (SELECT training, step FROM training_step)";
    };
    rules.insert(
        rules.end(),
        {{"training", "ends after it begins, with an outcome, and counts steps and layers",
          "SELECT 'training ' || training FROM training WHERE end_ns < begin_ns OR (end_ns IS NULL) <> "
          "(outcome IS NULL) OR first_step < 0 OR steps < first_step OR layers < 0",
          3},
         {"training_task", "is numbered from 0 on, with shares from 0 to 1 and targets of routers only",
          "SELECT 'training ' || training || ' task ' || task FROM (SELECT t.*, kind, row_number() OVER "
          "(PARTITION BY training ORDER BY task) - 1 AS place FROM training_task AS t LEFT JOIN training "
          "USING "
          "(training)) WHERE task <> place OR share NOT BETWEEN 0 AND 1 OR target NOT BETWEEN 0 AND 1 OR "
          "(kind = 'backbone' AND target IS NOT NULL)",
          3},
         {"training_step", "comes by training and step",
          "SELECT 'row ' || row FROM (SELECT row, training, step, lag(training) OVER w AS training_, "
          "lag(step) OVER w AS step_ FROM training_step WINDOW w AS (ORDER BY row)) WHERE (training, step) < "
          "(training_, step_)",
          3},
         {"training_step", "is a step of its training's plan",
          "SELECT 'row ' || row || ': step ' || step FROM training_step AS t LEFT JOIN training AS p USING "
          "(training) WHERE step < first_step OR step >= steps OR length < 0 OR t.end_ns < p.begin_ns OR "
          "(kind = 'backbone' AND temperature IS NOT NULL)",
          3},
         {"training_task_step", "is of a known step", ofStep("training_task_step"), 3},
         {"training_task_step", "is of a known task",
          "SELECT 'training ' || training || ' task ' || task FROM training_task_step WHERE (training, task) "
          "NOT IN (SELECT training, task FROM training_task)",
          3},
         {"training_task_step", "has a share of sparse layers from 0 to 1, of routers only",
          "SELECT 'training ' || training || ' step ' || step || ' task ' || task FROM training_task_step "
          "LEFT JOIN training USING (training) WHERE sparsity NOT BETWEEN 0 AND 1 OR (kind = 'backbone' AND "
          "(sparsity IS NOT NULL OR lambda1 IS NOT NULL OR lambda2 IS NOT NULL))",
          3},
         {"training_task_step", "has a share of foretold tokens from 0 to 1",
          "SELECT 'training ' || training || ' step ' || step || ' task ' || task FROM training_task_step "
          "WHERE foretold NOT BETWEEN 0 AND 1",
          3},
         {"training_layer_step", "is of a known step", ofStep("training_layer_step"), 3},
         {"training_layer_step", "is of a layer that the model has, with a weight from 0 to 1",
          "SELECT 'training ' || training || ' step ' || step || ' layer ' || layer FROM training_layer_step "
          "LEFT JOIN training USING (training) WHERE layer < 0 OR layer >= layers OR p_full NOT BETWEEN 0 "
          "AND "
          "1",
          3},
         {"training_warning", "is of a step of its training's plan",
          "SELECT 'row ' || row || ': step ' || step FROM training_warning LEFT JOIN training USING "
          "(training) "
          "WHERE step < 0 OR step > steps",
          3}});
}

std::vector<CheckRule> makeRules() {
    std::vector<CheckRule> rules{
        {"run", "ends after it begins, with an outcome",
         "SELECT 'run ' || run FROM run WHERE end_ns < begin_ns OR (end_ns IS NULL) <> (outcome IS NULL) OR "
         "dropped < 0"},
        {"token", "is of a known sequence", ofSequence("token")},
        {"token", "comes by turn and step", rising("token", "sequence")},
        {"token", "has bytes in order, a text where it was generated, and none where it was given",
         "SELECT 'row ' || row FROM token WHERE byte_end < byte_begin OR byte_begin < 0 OR step < -1 OR "
         "(step = -1) <> (text IS NULL) OR "
         "(step = -1) <> (emitted_ns IS NULL)"},
        {"decision", "is of a known sequence", ofSequence("decision")},
        {"decision", "is of a layer that the model has", layerInModel("decision", "0")},
        {"decision", "comes by turn and step", rising("decision", "sequence")},
        {"decision", "has a probability where it has logits",
         "SELECT 'row ' || row FROM decision WHERE (logit_full IS NULL) <> (p_full IS NULL) OR (logit_full "
         "IS NULL) <> (logit_sparse IS NULL) OR "
         "p_full NOT BETWEEN 0 AND 1"},
        {"kv", "is of a known sequence", ofSequence("kv")},
        {"kv", "is of a layer that the model has", layerInModel("kv", "0")},
        {"kv", "counts no fewer bytes than none",
         "SELECT 'row ' || row FROM kv WHERE bytes_kept < 0 OR bytes_freed < 0"},
        {"scope", "ends after it begins, on a layer that the model has",
         "SELECT 'scope ' || scope FROM scope LEFT JOIN run USING (run) LEFT JOIN model USING (model) WHERE "
         "scope.end_ns < scope.begin_ns OR layer < -1 OR "
         "layer >= layers OR chunk < -1"},
        {"scope", "has numbers where there are to be some",
         "SELECT 'scope ' || scope FROM scope WHERE typeof(layer) <> 'integer' OR typeof(chunk) <> 'integer' "
         "OR typeof(op) <> 'text' OR typeof(begin_ns) <> 'integer' OR typeof(end_ns) <> 'integer' OR "
         "typeof(bytes_read) NOT IN ('integer', 'null') OR typeof(bytes_written) <> typeof(bytes_read) OR "
         "typeof(flops) <> typeof(bytes_read)",
         4},
        {"scope_step", "is a JSON array of as many scopes as it says",
         "SELECT 'scope ' || first_scope FROM scope_step WHERE members < 1 OR iif(json_valid(scopes), "
         "json_array_length(scopes), -1) <> members",
         4},
        {"scope_step", "has numbers of its own",
         "SELECT 'scope ' || first_scope FROM (SELECT first_scope, first_scope + members - 1 AS last, "
         "lead(first_scope) OVER (ORDER BY first_scope) AS next FROM scope_step) WHERE next <= last OR "
         "EXISTS (SELECT 1 FROM scope_row WHERE scope BETWEEN first_scope AND last)",
         4},
        {"layer_step", "is of a run and of a layer that its model has", layerInModel("layer_step", "-1")},
        {"layer_step", "comes by turn and step", rising("layer_step", "batch")},
        {"layer_step", "has times and bytes that are none or more",
         "SELECT 'row ' || row FROM layer_step WHERE time_ns < 0 OR router_ns < 0 OR attention_ns < 0 OR "
         "bytes_read < 0 OR bytes_written < 0 OR flops < 0"},
        {"layer_step", "is, in a run on a CPU, the sum of its scopes",
         "SELECT 'row ' || l.row || ': ' || l.time_ns || ' ns, ' || (l.bytes_read + l.bytes_written) || ' "
         "bytes; its scopes: ' || s.time || ' ns, ' || s.bytes || ' bytes' "
         "FROM layer_step AS l JOIN run AS r ON r.run = l.run AND r.dropped = 0 JOIN (SELECT l.row, "
         "sum(iif(l.layer < 0 OR (s.op = '' AND s.chunk = -1), s.end_ns - "
         "s.begin_ns, 0)) AS time, sum(coalesce(s.bytes_read, 0) + coalesce(s.bytes_written, 0)) AS bytes "
         "FROM layer_step AS l JOIN scope AS s ON s.scope BETWEEN "
         "l.first_scope AND l.last_scope AND s.run = l.run AND s.batch = l.batch AND s.turn = l.turn AND "
         "s.phase = l.phase AND s.step = l.step AND s.layer = l.layer AND "
         "(s.layer >= 0 OR s.op <> '') GROUP BY l.row) AS s ON s.row = l.row WHERE l.time_source = "
         "'host-timer' AND r.end_ns IS NOT NULL AND (l.time_ns <> s.time OR "
         "l.bytes_read + l.bytes_written <> s.bytes)"},

        {"turn", "is of a known sequence, with positions and counts",
         "SELECT 'run ' || run || ' sequence ' || sequence || ' turn ' || turn FROM turn WHERE (run, "
         "sequence) NOT IN (SELECT run, sequence FROM sequence) OR "
         "first_position < 0 OR tokens < 0 OR redone NOT BETWEEN 0 AND tokens",
         2},
        {"fidelity", "is of a known sequence", ofSequence("fidelity"), 2},
        {"evaluation", "is of a known sequence", ofSequence("evaluation"), 3},
        {"evaluation", "is worth from 0 to 1",
         "SELECT 'row ' || row || ': ' || score FROM evaluation WHERE score NOT BETWEEN 0 AND 1 OR length < "
         "0 "
         "OR number < 0",
         3},
        {"token_choice", "ranks from 0 on, by probability",
         "SELECT 'row ' || row || ' rank ' || rank FROM (SELECT row, rank, logprob, lag(logprob) OVER w AS "
         "more, row_number() OVER w - 1 AS place FROM token_choice WINDOW "
         "w AS (PARTITION BY row ORDER BY rank)) WHERE rank <> place OR logprob > more",
         2},
        {"place", "has keys that exist, or none at all",
         "SELECT 'place ' || place FROM place WHERE batch < -1 OR turn < -1 OR layer < -1 OR chunk < -1 OR "
         "(phase = '') <> (batch = -1) OR (phase = '' AND (op <> '' OR "
         "layer <> -1 OR chunk <> -1 OR turn <> -1))",
         2},
        {"kernel", "has a name that people can read",
         "SELECT 'kernel ' || kernel FROM kernel LEFT JOIN name AS n USING (name) WHERE n.short IS NULL OR "
         "n.demangled IS NULL",
         2},
        {"kernel", "lies in one block of its run, and in its time",
         "SELECT 'kernel ' || kernel FROM kernel AS k JOIN place AS p USING (place) LEFT JOIN kernel_block "
         "AS b ON b.block = (SELECT max(block) FROM kernel_block WHERE "
         "first_kernel <= k.kernel AND last_kernel >= k.kernel) WHERE b.block IS NULL OR b.run <> p.run OR "
         "(duration_ns >= 0 AND (b.begin_ns IS NULL OR k.begin_ns < "
         "b.begin_ns OR k.begin_ns + duration_ns > b.end_ns))",
         2},
        {"kernel_block", "follows the one before",
         "SELECT 'block ' || block FROM (SELECT block, first_kernel, last_kernel, lag(last_kernel) OVER "
         "(ORDER BY block) AS before FROM kernel_block) WHERE first_kernel "
         "<= before OR last_kernel < first_kernel",
         2},
        {"layer_step", "is the union of its kernels",
         "WITH i AS (SELECT run, batch, turn, phase, step, layer, k.begin_ns AS b, k.begin_ns + duration_ns "
         "AS e FROM kernel AS k JOIN place USING (place) WHERE "
         "duration_ns >= 0 AND phase <> ''), u AS (SELECT *, max(e) OVER (PARTITION BY run, batch, turn, "
         "phase, step, layer ORDER BY b, e ROWS BETWEEN UNBOUNDED "
         "PRECEDING AND 1 PRECEDING) AS covered FROM i), s AS (SELECT run, batch, turn, phase, step, layer, "
         "count(*) AS kernels, sum(e - b) AS added, sum(max(0, e - max(b, "
         "coalesce(covered, b)))) AS time FROM u GROUP BY 1, 2, 3, 4, 5, 6) SELECT 'step ' || s.step || ' "
         "layer ' || s.layer || ': ' || coalesce(l.time_ns, 'no') || ' ns, its "
         "kernels: ' || s.time || ' ns' FROM s JOIN run USING (run) LEFT JOIN layer_step AS l USING (run, "
         "batch, turn, phase, step, layer) WHERE over_budget = 0 AND NOT EXISTS "
         "(SELECT 1 FROM quality AS q WHERE q.run = s.run AND figure = 'not_summed_up_again') AND "
         "(l.time_ns, l.kernels, l.overlap_ns) IS NOT (s.time, s.kernels, s.added - "
         "s.time)",
         2},
        {"memcpy", "is of a known kind",
         "SELECT 'memcpy ' || memcpy FROM memcpy LEFT JOIN name AS n ON n.name = kind WHERE n.value IS NULL "
         "OR n.value NOT IN ('host-to-device', 'device-to-host', "
         "'device-to-device', 'host-to-host', 'peer-to-peer', 'other') OR bytes < 0",
         2},
        {"sample", "takes time, or none", timed("sample"), 2},
        {"sync", "takes time, or has a bad stamp", timed("sync"), 2},
        {"overhead", "takes time, or has a bad stamp", timed("overhead"), 2},
        {"traffic", "is of somebody, and no fewer bytes than none",
         "SELECT 'traffic ' || traffic FROM traffic LEFT JOIN place USING (place) WHERE phase = '' OR value "
         "< 0",
         2},
        {"quality", "counts what the file has",
         "SELECT 'run ' || q.run || ': ' || q.value || ' kernels, the file has ' || count(k.kernel) FROM "
         "quality AS q JOIN run AS r USING (run) LEFT JOIN place AS p USING (run) "
         "LEFT JOIN kernel AS k USING (place) WHERE figure = 'kernels' AND r.over_budget = 0 GROUP BY q.run "
         "HAVING q.value <> count(k.kernel)",
         2},
    };
    for (const char* table : {"kernel", "memcpy", "memset", "api"}) {
        rules.push_back({table, "takes time, or has a bad stamp", timed(table), 2});
        rules.push_back({table, "has an attribution that fits its place", placed(table), 2});
    }
    addTrainings(rules);
    return rules;
}

}  // namespace

std::span<const CheckRule> checkRules() {
    static const std::vector<CheckRule> kRules = makeRules();
    return kRules;
}

}  // namespace fluxscope
