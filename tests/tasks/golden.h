// Hashes of what seed 11 gives at 1024 tokens, prompt and training text. A change of them must be meant: recorded results refer to them.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

namespace fluxscope::tasks {

inline const std::map<std::string_view, std::uint64_t> kGoldenHashes = {
    {"needle", 0x37bd740ea78315c4U},
    {"two-hop", 0xbdfce430a5ab1c6bU},
    {"arithmetic", 0xf25bf250a6104e3bU},
    {"listops", 0xd6d7fc6016b7d8c0U},
    {"few-shot", 0xdbf03636247f8ea0U},
    {"density", 0x9c87f89bb00f7f0dU},
    {"code", 0x55eaf3a0e39ab43cU},
    {"prose", 0x8c6467a8c85f5131U},
    {"ruler:niah_single_1", 0x8c7ae76fd50113d6U},
    {"ruler:niah_single_2", 0xd92c459cd253117cU},
    {"ruler:niah_single_3", 0x6decb228e5ec6a92U},
    {"ruler:niah_multikey_1", 0xe5368bf42ebe6647U},
    {"ruler:niah_multikey_2", 0x22c2be84a5741fcdU},
    {"ruler:niah_multikey_3", 0xde292ea9fae668edU},
    {"ruler:niah_multivalue", 0xcf56a6400fc890eeU},
    {"ruler:niah_multiquery", 0x86096af1096e0972U},
    {"ruler:vt", 0xca9912045535b84eU},
    {"ruler:cwe", 0x5fabccb29609bf8cU},
    {"ruler:fwe", 0x4cf51c39f2481720U},
    {"ruler:qa_1", 0x6a04d5466138b703U},
    {"ruler:qa_2", 0x49b0ffed3c2f18dfU},
};

}  // namespace fluxscope::tasks
