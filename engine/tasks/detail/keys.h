// Names for what a sample asks about: no two alike, made of an adjective and a noun.
#pragma once

#include "engine/tasks/random.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::tasks {

struct Key {
    std::string_view more;  // a second adjective, where the pairs do not suffice
    std::string_view adjective;
    std::string_view noun;

    std::string joined(char with) const;  // "amber falcon", "amber-falcon"
    std::string camel() const;            // "amberFalcon"
};

class Keys {
public:
    // `expected` decides whether pairs suffice: 10,240 there are, and 655,360 of two adjectives and a noun.
    Keys(Random& random, std::int64_t expected);

    Key draw();
    // One that shares a word with this one: easily taken for it.
    Key drawLike(const Key& other);

private:
    Key at(std::uint64_t index) const;
    bool claim(std::uint64_t index);

    Random& random_;
    bool three_;
    std::uint64_t count_;
    std::uint64_t drawn_ = 0;
    std::vector<bool> taken_;
};

// A number of so many digits, none of them leading zeros: "4821".
std::string drawNumber(Random& random, std::int64_t digits);
// "1f0c3a52-9be1-4d07-8a6e-52b90c7d11f4": 32 hexadecimal digits.
std::string drawUuid(Random& random);

}  // namespace fluxscope::tasks
