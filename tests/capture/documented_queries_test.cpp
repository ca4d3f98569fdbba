// The queries of docs/capture-file.md work as they stand there.
#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace fluxscope {
namespace {

std::vector<std::string> documentedQueries() {
    std::ifstream in(std::string(FLUXSCOPE_SOURCE_DIR) + "/docs/capture-file.md");
    std::stringstream text;
    text << in.rdbuf();
    std::vector<std::string> queries;
    const std::string opening = "```sql\n";
    for (std::size_t at = text.str().find(opening); at != std::string::npos;
         at = text.str().find(opening, at)) {
        at += opening.size();
        queries.push_back(text.str().substr(at, text.str().find("```", at) - at));
    }
    return queries;
}

TEST(DocumentedQueries, answerWhatTheySay) {
    const testing::Scratch scratch;
    testing::record(scratch.file(), {.layers = 3, .sequences = 2});
    const std::vector<std::string> queries = documentedQueries();
    ASSERT_EQ(queries.size(), 3U);
    EXPECT_EQ(testing::rowsOf(scratch.file(), queries[0]),
              "\n1 prompt-0 FsF 0.666666666666667\n1 prompt-1 FsF 0.666666666666667\n");
    EXPECT_EQ(testing::rowsOf(scratch.file(), queries[1]), R"(
1 prefill -1 1 12.0 0.0 0.0 9376 host-timer analytic
1 prefill 0 1 87.0 3.0 80.0 12848 host-timer analytic
1 prefill 1 1 27.0 3.0 20.0 12848 host-timer analytic
1 prefill 2 1 87.0 3.0 80.0 12848 host-timer analytic
1 decode -1 2 12.0 0.0 0.0 18752 host-timer analytic
1 decode 0 2 42.0 0.0 40.0 1280 host-timer analytic
1 decode 1 2 12.0 0.0 10.0 1280 host-timer analytic
1 decode 2 2 42.0 0.0 40.0 1280 host-timer analytic
)");
    EXPECT_EQ(testing::rowsOf(scratch.file(), queries[2]), "\nattention 2 80.0 768\nrouter 1 3.0 4954\n");
}

}  // namespace
}  // namespace fluxscope
