#include "app/cli/arguments.h"
#include "app/cli/commands.h"
#include "app/cli/token_ids.h"
#include "app/serve/engine_host.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace fluxscope::cli {
namespace {

struct Options {
    ModelOption model;
    bool addSpecial = false;
    bool decode = false;
    bool json = false;
};

int encode(const Options& options, Session& session) {
    const TextCodec codec(options.model.folder());
    const TextCodec::Encoded encoded = codec.encode(contentOf("-"), options.addSpecial);
    nlohmann::json ids = nlohmann::json::array();
    nlohmann::json offsets = nlohmann::json::array();
    for (std::size_t i = 0; i < encoded.ids.size(); ++i) {
        ids.push_back(encoded.ids[i].value());
        offsets.push_back({encoded.ranges[i].begin, encoded.ranges[i].end});
    }
    session.terminal.resultJson(nlohmann::json{{"ids", ids}, {"offsets", offsets}});
    return 0;
}

int decode(const Options& options, Session& session) {
    const TextCodec codec(options.model.folder());
    const std::string text = codec.decode(tokenIdsFrom(contentOf("-"), "stdin"));
    session.terminal.result(text);
    return 0;
}

}  // namespace

void addTokenize(CLI::App& app, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& command =
        *app.add_subcommand("tokenize",
                            "stdin, byte for byte, to {\"ids\":[...],\"offsets\":[[begin,end],...]} with "
                            "offsets in bytes; or back");
    options->model.declare(command);
    command.add_flag("--add-special", options->addSpecial,
                     "Add the special tokens that the tokenizer puts around a text");
    command.add_flag("--decode", options->decode,
                     "stdin is JSON, [ids] or {\"ids\":[...]}: write their text, byte for byte");
    command.add_flag("--json", options->json,
                     "The output is JSON with and without this; --decode writes bytes");
    command.footer(
        "Example:\n  printf 'Where is the key?' | fluxscope-cli tokenize sample\n"
        "  echo '[52, 260, 11]' | fluxscope-cli tokenize sample --decode");
    command.callback([options, &session] {
        session.chosen = [options, &session] {
            return options->decode ? decode(*options, session) : encode(*options, session);
        };
    });
}

}  // namespace fluxscope::cli
