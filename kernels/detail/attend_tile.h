// A tile of queries that read one KV head, against ranges of its keys: what attention comes down to on a CPU.
//
// The queries are `rows` positions of `group` heads. Keys go by in tiles of kKeyTile; each is turned once and used by all
// rows and heads of the tile, so a tile of 100 to 250 queries (rows * group) is a good size. Softmax is online: scores never
// leave the first-level cache.
//
// Ranges are taken in the order given, and each is cut into tiles from its begin. So the result of a row, bit for bit, depends
// on the ranges and on nothing beside it: which rows stand in its tile, how many heads are in its group, who computes it.
// Ranges must not overlap, and a row that no range shows a key gives 0. What a mask hides counts as 0 times its value; a
// value that is not a finite number therefore spoils the rows of a tile it stands in.
//
// A pattern is a list of ranges: dense is {0, p, None} and {p, end, Causal}; blocks of any size that a mode selects are
// ranges of their own, None where every row sees every key, with a rule at the edges. A range's rule is checked key by key.
#pragma once

#include "kernels/cost/cost.h"

#include <cstdint>
#include <span>

namespace fluxscope {

inline constexpr std::int64_t kKeyTile = 64;

// Row r stands at position p = position + r and sees key j of the range
enum class KeyMask : std::uint8_t {
    None,       // always
    Causal,     // when j <= p
    Streaming,  // when j <= p and (j < sink or p - j < window)
    Bits,       // when bit j - begin of the range's word r is set; the range has up to kKeyTile keys
};

struct KeyRange {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    KeyMask mask = KeyMask::None;
    const std::uint64_t* bits = nullptr;  // of KeyMask::Bits, a word for each row
};

struct AttendTile {
    cost::DType type = cost::DType::F32;  // of q, k, v and out; everything is computed in fp32
    const void* q = nullptr;              // row r of head g at r * queryStride + g * dim
    void* out = nullptr;                  // the same; may alias q
    const void* k = nullptr;              // key j at j * keyStride
    const void* v = nullptr;
    std::int64_t queryStride = 0;
    std::int64_t keyStride = 0;
    std::int64_t rows = 0;
    std::int64_t group = 1;
    std::int64_t dim = 0;
    std::int64_t position = 0;  // of row 0, in the count of the keys
    std::int64_t sink = 0;      // of KeyMask::Streaming
    std::int64_t window = 0;
    std::span<const KeyRange> ranges;
};

void attendTile(const AttendTile& tile);

// The same over a part of the keys, for merging: out is left alone. Of query i = r * group + g:
//   mixed[i * dim ..]   the sum of 2^(s_j - largest[i]) * v_j over the keys seen
//   sum[i]              the sum of those powers
//   largest[i]          a bound of s_j = q k_j / sqrt(dim) * log2(e); a large negative number when no key was seen
struct AttendedPart {
    float* mixed = nullptr;
    float* sum = nullptr;
    float* largest = nullptr;
};
void attendPart(const AttendTile& tile, const AttendedPart& part);

// out = the softmax over all parts together. They count in the order given.
void mergeParts(const AttendTile& tile, std::span<const AttendedPart> parts);

}  // namespace fluxscope
