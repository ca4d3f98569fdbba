// The vocabulary of generated text: small enough that a tokenizer of a thousand entries holds it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace fluxscope::tasks {

inline constexpr std::size_t kTopics = 8;

// Common first: drawn by rank, as in a language.
std::span<const std::string_view> adjectives();
std::span<const std::string_view> topicNouns(std::size_t topic);
std::span<const std::string_view> topicPlaces(std::size_t topic);
std::span<const std::string_view> handlingVerbs();  // "carried": with a thing
std::span<const std::string_view> movingVerbs();    // "walked": to a place
std::span<const std::string_view> stayingVerbs();   // "waited": at a place
std::span<const std::string_view> adverbs();
std::span<const std::string_view> openings();             // "In the morning"
std::span<const std::string_view> movingPrepositions();   // "to"
std::span<const std::string_view> stayingPrepositions();  // "near"
std::span<const std::string_view> womenNames();
std::span<const std::string_view> menNames();
std::span<const std::string_view> surnames();
std::span<const std::string_view> towns();
std::span<const std::string_view> trades();

// The nouns of all topics, one after the other.
std::span<const std::string_view> nouns();

// A rank below `count`, rank r about 1 / (r + 2) as likely as the first: integers only, so that it is the same everywhere.
class ZipfRanks {
public:
    explicit ZipfRanks(std::size_t count);
    // `bits` are any 64 random ones.
    std::size_t rank(std::uint64_t bits) const { return ranks_[bits >> 54U]; }

private:
    std::array<std::uint8_t, 1024> ranks_{};
};

}  // namespace fluxscope::tasks
