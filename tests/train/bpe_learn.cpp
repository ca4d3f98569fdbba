// bpe-learn VOCABULARY SPECIAL... -- FILE...   learns from the files, each a text of its own; tokenizer.json on stdout. For
// bpe_oracle.py.
#include "engine/tokenizer/learn.h"

#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() < 2) {
        std::fputs("usage: bpe-learn VOCABULARY SPECIAL... -- FILE...\n", stderr);
        return 2;
    }
    try {
        fluxscope::BpeLearner learner;
        std::vector<std::string> specials;
        std::size_t i = 1;
        for (; i < arguments.size() && arguments[i] != "--"; ++i) specials.push_back(arguments[i]);
        for (++i; i < arguments.size(); ++i) {
            std::ifstream in(arguments[i], std::ios::binary);
            learner.read(std::string{std::istreambuf_iterator<char>(in), {}});
        }
        std::cout << learner.learn(std::stoll(arguments[0]), specials);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "bpe-learn: %s\n", e.what());
        return 1;
    }
    return 0;
}
