#include "kernels/detail/attend_tile.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>

// Highway compiles this file once for each instruction set and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/detail/attend_tile.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, which must see none of them.
#include "kernels/detail/elements-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fluxscope::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// A block of kBlock queries goes through a key tile at once: products in registers, kBlock x kPair vectors of them, and its
// scores in the first-level cache.
constexpr int kBlock = HWY_TARGET <= HWY_AVX3 ? 8 : 4;  // as many as registers allow
constexpr int kFew = 4;  // what is left over, and decoding's one query of a few heads
constexpr int kPair = 2;
constexpr float kNothingSeen = -1e30F;  // finite: its difference to minus infinity is no NaN

std::int64_t roundUp(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

// The scratch of one tile. Rows are padded to whole blocks and dimensions to whole vectors, with zeros.
class Scratch {
public:
    explicit Scratch(const AttendTile& t)
        : queries(t.rows * t.group),
          padded(roundUp(queries, kBlock)),
          columns(roundUp(t.dim, static_cast<std::int64_t>(hn::Lanes(D())))) {
        const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
        const auto sizes = {padded * columns,  padded * columns,       columns * kKeyTile, kKeyTile * columns,
                            kBlock * kKeyTile, roundUp(padded, lanes), padded * lanes};
        std::int64_t all = 0;
        for (const std::int64_t size : sizes) all += roundUp(size, 16);
        memory_ = hwy::AllocateAligned<float>(static_cast<std::size_t>(all));
        float* next = memory_.get();
        auto size = sizes.begin();
        for (float** part : {&q, &mixed, &keys, &values, &scores, &largest, &sums}) {
            *part = next;
            next += roundUp(*size++, 16);
        }
        std::fill_n(q, padded * columns, 0.0F);
        std::fill_n(mixed, padded * columns, 0.0F);
        std::fill_n(keys, columns * kKeyTile, 0.0F);
        std::fill_n(values, kKeyTile * columns, 0.0F);
        std::fill_n(largest, padded, kNothingSeen);
        std::fill_n(sums, padded * lanes, 0.0F);
    }

    std::int64_t queries;
    std::int64_t padded;
    std::int64_t columns;
    float* q = nullptr;        // [padded, columns], times log2(e) / sqrt(dim)
    float* mixed = nullptr;    // [padded, columns]
    float* keys = nullptr;     // [columns, kKeyTile]: the tile, turned
    float* values = nullptr;   // [kKeyTile, columns], where they cannot be read in place
    float* scores = nullptr;   // [kBlock, kKeyTile], then their powers
    float* largest = nullptr;  // [padded]
    float* sums = nullptr;     // [padded, lanes]: added up at the end

private:
    hwy::AlignedFreeUniquePtr<float[]> memory_;
};

template <class T>
void takeQueries(const AttendTile& t, Scratch& s) {
    const float scale = 1.44269504F / std::sqrt(static_cast<float>(t.dim));
    for (std::int64_t i = 0; i < s.queries; ++i) {
        const T* from = static_cast<const T*>(t.q) + i / t.group * t.queryStride + i % t.group * t.dim;
        float* to = s.q + i * s.columns;
        eachVector(t.dim, [&](auto d, std::int64_t c) HWY_ATTR {
            storeFloats(hn::Mul(loadFloats(d, from + c), hn::Set(d, scale)), d, to + c);
        });
    }
}

// Keys beyond `count` keep what an earlier tile left there: they are masked.
template <class T>
void turnKeys(const AttendTile& t, std::int64_t begin, std::int64_t count, float* keys) {
    const T* from = static_cast<const T*>(t.k) + begin * t.keyStride;
    std::int64_t key = 0;
#if HWY_TARGET != HWY_SCALAR
    for (; key + 4 <= count; key += 4)
        turnFour(from + key * t.keyStride, t.keyStride, t.dim, keys + key, kKeyTile);
#endif
    const hn::CappedTag<float, 1> one;
    for (; key < count; ++key)
        for (std::int64_t c = 0; c < t.dim; ++c)
            hn::StoreU(loadFloats(one, from + key * t.keyStride + c), one, keys + c * kKeyTile + key);
}

struct Values {
    const float* rows = nullptr;
    std::int64_t stride = 0;
};

template <class T>
Values takeValues(const AttendTile& t, std::int64_t begin, std::int64_t count, const Scratch& s) {
    const T* from = static_cast<const T*>(t.v) + begin * t.keyStride;
    if constexpr (std::is_same_v<T, float>)
        if (s.columns == t.dim) return {from, t.keyStride};
    for (std::int64_t key = 0; key < count; ++key) {
        const T* row = from + key * t.keyStride;
        float* to = s.values + key * s.columns;
        eachVector(t.dim,
                   [&](auto d, std::int64_t c) HWY_ATTR { storeFloats(loadFloats(d, row + c), d, to + c); });
    }
    return {s.values, s.columns};
}

// scores[kRows, width vectors] = q[kRows, dim] x keys[dim, .]
template <int kRows, int kWidth>
HWY_INLINE void multiplyKeys(const float* HWY_RESTRICT q, std::int64_t columns, std::int64_t dim,
                             const float* HWY_RESTRICT keys, float* HWY_RESTRICT scores) {
    const D d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    V sums[kRows][kWidth];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < kWidth; ++j) sums[i][j] = hn::Zero(d);
    for (std::int64_t c = 0; c < dim; ++c) {
        V key[kWidth];
#pragma GCC unroll 4
        for (int j = 0; j < kWidth; ++j) key[j] = hn::Load(d, keys + c * kKeyTile + j * lanes);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; ++i) {
            const V query = hn::Set(d, q[i * columns + c]);
#pragma GCC unroll 4
            for (int j = 0; j < kWidth; ++j) sums[i][j] = hn::MulAdd(query, key[j], sums[i][j]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < kWidth; ++j) hn::Store(sums[i][j], d, scores + i * kKeyTile + j * lanes);
}

// mixed[kRows, width vectors] += powers[kRows, keys] x values[keys, .]
template <int kRows, int kWidth>
HWY_INLINE void mixValues(const float* HWY_RESTRICT powers, std::int64_t firstKey, std::int64_t endKey,
                          const float* HWY_RESTRICT values, std::int64_t stride, float* HWY_RESTRICT mixed,
                          std::int64_t columns) {
    const D d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    V sums[kRows][kWidth];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < kWidth; ++j) sums[i][j] = hn::Load(d, mixed + i * columns + j * lanes);
    for (std::int64_t key = firstKey; key < endKey; ++key) {
        V value[kWidth];
#pragma GCC unroll 4
        for (int j = 0; j < kWidth; ++j) value[j] = hn::LoadU(d, values + key * stride + j * lanes);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; ++i) {
            const V power = hn::Set(d, powers[i * kKeyTile + key]);
#pragma GCC unroll 4
            for (int j = 0; j < kWidth; ++j) sums[i][j] = hn::MulAdd(power, value[j], sums[i][j]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < kWidth; ++j) hn::Store(sums[i][j], d, mixed + i * columns + j * lanes);
}

// Keys of the tile, counted from its first, that a position sees: [0, sink) and [windowBegin, end).
struct Sight {
    std::int64_t sink = 0;
    std::int64_t windowBegin = 0;
    std::int64_t end = 0;
};

Sight sightOf(const AttendTile& t, KeyMask mask, std::int64_t position, std::int64_t begin,
              std::int64_t count) {
    if (mask == KeyMask::None || mask == KeyMask::Bits) return {0, 0, count};
    const std::int64_t end = std::clamp<std::int64_t>(position + 1 - begin, 0, count);
    if (mask == KeyMask::Causal) return {0, 0, end};
    const std::int64_t windowBegin = std::clamp<std::int64_t>(position - t.window + 1 - begin, 0, end);
    return {std::clamp<std::int64_t>(t.sink - begin, 0, windowBegin), windowBegin, end};
}

// Scores of one query become powers of 2; raises its bound where they demand it. Vectors [first, end) of the tile.
HWY_INLINE void takePowers(float* HWY_RESTRICT scores, std::int64_t first, std::int64_t end,
                           float* HWY_RESTRICT largest, float* HWY_RESTRICT sums, float* HWY_RESTRICT mixed,
                           std::int64_t columns) {
    const D d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    V most = hn::Load(d, scores + first);
    for (std::int64_t j = first + lanes; j < end; j += lanes) most = hn::Max(most, hn::Load(d, scores + j));
    V bound = hn::Set(d, *largest);
    V sum = hn::Load(d, sums);
    if (!hn::AllFalse(d, hn::Gt(most, bound))) {
        const V raised = hn::Max(bound, hn::MaxOfLanes(d, most));
        const V shrink = exp2Of(d, hn::Sub(bound, raised));
        sum = hn::Mul(sum, shrink);
        for (std::int64_t c = 0; c < columns; c += lanes)
            hn::Store(hn::Mul(hn::Load(d, mixed + c), shrink), d, mixed + c);
        bound = raised;
        *largest = hn::GetLane(bound);
    }
    for (std::int64_t j = first; j < end; j += lanes) {
        const V power = exp2Of(d, hn::Sub(hn::Load(d, scores + j), bound));
        hn::Store(power, d, scores + j);
        sum = hn::Add(sum, power);
    }
    hn::Store(sum, d, sums);
}

void hideUnset(std::uint64_t bits, std::int64_t count, float* scores) {
    for (std::int64_t key = 0; key < count; ++key)
        if ((bits >> static_cast<std::uint64_t>(key) & 1U) == 0) scores[key] = -INFINITY;
}

// What the rows of a block do not see gets no weight.
template <int kRows>
void hideUnseen(const AttendTile& t, const Scratch& s, std::int64_t query, std::int64_t begin,
                std::int64_t count, std::int64_t endKey, const KeyRange& range) {
    const std::int64_t lastQuery = s.queries - 1;
    for (std::int64_t i = 0; i < kRows; ++i) {
        float* scores = s.scores + i * kKeyTile;
        const std::int64_t row = std::min(query + i, lastQuery) / t.group;
        const Sight sight = sightOf(t, range.mask, t.position + row, begin, count);
        std::fill(scores + sight.sink, scores + sight.windowBegin, -INFINITY);
        std::fill(scores + sight.end, scores + endKey, -INFINITY);
        if (range.mask == KeyMask::Bits) hideUnset(range.bits[row], count, scores);
    }
}

// One block of queries, from `query` on, against one tile of keys.
template <int kRows>
void attendBlock(const AttendTile& t, const Scratch& s, std::int64_t query, std::int64_t begin,
                 std::int64_t count, const KeyRange& range, const Values& values) {
    const D d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const std::int64_t step = kPair * lanes;
    std::int64_t from = 0;
    std::int64_t end = count;
    if (range.mask != KeyMask::None) {
        // The first row's window begins earliest, the last row's sight ends latest.
        const auto sightOfQuery = [&](std::int64_t i) {
            return sightOf(t, range.mask, t.position + i / t.group, begin, count);
        };
        const Sight front = sightOfQuery(query);
        end = sightOfQuery(std::min(query + kRows, s.queries) - 1).end;
        from = front.sink > 0 ? 0 : std::min(front.windowBegin, end);
        if (from >= end) return;
    }
    const std::int64_t firstKey = from / lanes * lanes;
    const std::int64_t endKey = roundUp(end, lanes);

    const float* q = s.q + query * s.columns;
    std::int64_t key = firstKey;
    for (; key + step <= endKey; key += step)
        multiplyKeys<kRows, kPair>(q, s.columns, t.dim, s.keys + key, s.scores + key);
    if (key < endKey) multiplyKeys<kRows, 1>(q, s.columns, t.dim, s.keys + key, s.scores + key);

    if (range.mask != KeyMask::None || end != endKey)
        hideUnseen<kRows>(t, s, query, begin, count, endKey, range);
    for (std::int64_t i = 0; i < kRows; ++i)
        takePowers(s.scores + i * kKeyTile, firstKey, endKey, s.largest + query + i,
                   s.sums + (query + i) * lanes, s.mixed + (query + i) * s.columns, s.columns);

    float* mixed = s.mixed + query * s.columns;
    std::int64_t column = 0;
    for (; column + step <= s.columns; column += step)
        mixValues<kRows, kPair>(s.scores, from, end, values.rows + column, values.stride, mixed + column,
                                s.columns);
    if (column < s.columns)
        mixValues<kRows, 1>(s.scores, from, end, values.rows + column, values.stride, mixed + column,
                            s.columns);
}

template <class T>
void attendRanges(const AttendTile& t, Scratch& s) {
    takeQueries<T>(t, s);
    for (const KeyRange& range : t.ranges) {
        for (std::int64_t begin = range.begin; begin < range.end; begin += kKeyTile) {
            const std::int64_t count = std::min(kKeyTile, range.end - begin);
            turnKeys<T>(t, begin, count, s.keys);
            const Values values = takeValues<T>(t, begin, count, s);
            std::int64_t query = 0;
            for (; query + kFew < s.queries; query += kBlock)
                attendBlock<kBlock>(t, s, query, begin, count, range, values);
            if (query < s.queries) attendBlock<kFew>(t, s, query, begin, count, range, values);
        }
    }
}

float sumOf(const Scratch& s, std::int64_t query) {
    const D d;
    return hn::GetLane(
        hn::SumOfLanes(d, hn::Load(d, s.sums + query * static_cast<std::int64_t>(hn::Lanes(d)))));
}

template <class T>
T* rowOfOut(const AttendTile& t, std::int64_t query) {
    return static_cast<T*>(t.out) + query / t.group * t.queryStride + query % t.group * t.dim;
}

template <class T>
void storeRow(const AttendTile& t, std::int64_t query, const float* mixed, float sum) {
    T* to = rowOfOut<T>(t, query);
    const float norm = sum > 0 ? 1.0F / sum : (sum == 0 ? 0.0F : sum);  // a NaN stays one
    eachVector(t.dim, [&](auto d, std::int64_t c) HWY_ATTR {
        storeFloats(hn::Mul(hn::LoadU(d, mixed + c), hn::Set(d, norm)), d, to + c);
    });
}

template <class T>
void attendWhole(const AttendTile& t) {
    Scratch s(t);
    attendRanges<T>(t, s);
    for (std::int64_t i = 0; i < s.queries; ++i) storeRow<T>(t, i, s.mixed + i * s.columns, sumOf(s, i));
}

template <class T>
void attendSome(const AttendTile& t, const AttendedPart& part) {
    Scratch s(t);
    attendRanges<T>(t, s);
    for (std::int64_t i = 0; i < s.queries; ++i) {
        std::copy_n(s.mixed + i * s.columns, t.dim, part.mixed + i * t.dim);
        part.sum[i] = sumOf(s, i);
        part.largest[i] = s.largest[i];
    }
}

template <class T>
void mergeRows(const AttendTile& t, std::span<const AttendedPart> parts) {
    const auto mixed = hwy::AllocateAligned<float>(static_cast<std::size_t>(t.dim));
    for (std::int64_t i = 0; i < t.rows * t.group; ++i) {
        float largest = kNothingSeen;
        for (const AttendedPart& part : parts) largest = std::max(largest, part.largest[i]);
        std::fill_n(mixed.get(), t.dim, 0.0F);
        float sum = 0;
        for (const AttendedPart& part : parts) {
            const float shrink = std::exp2(part.largest[i] - largest);
            sum += shrink * part.sum[i];
            const float* from = part.mixed + i * t.dim;
            eachVector(t.dim, [&](auto d, std::int64_t c) HWY_ATTR {
                hn::StoreU(
                    hn::MulAdd(hn::LoadU(d, from + c), hn::Set(d, shrink), hn::LoadU(d, mixed.get() + c)), d,
                    mixed.get() + c);
            });
        }
        storeRow<T>(t, i, mixed.get(), sum);
    }
}

void attendTileImpl(const AttendTile& t) {
    withType(t.type, [&](auto element) { attendWhole<decltype(element)>(t); });
}
void attendPartImpl(const AttendTile& t, const AttendedPart& part) {
    withType(t.type, [&](auto element) { attendSome<decltype(element)>(t, part); });
}
void mergePartsImpl(const AttendTile& t, std::span<const AttendedPart> parts) {
    withType(t.type, [&](auto element) { mergeRows<decltype(element)>(t, parts); });
}

}  // namespace fluxscope::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxscope {

HWY_EXPORT(attendTileImpl);
HWY_EXPORT(attendPartImpl);
HWY_EXPORT(mergePartsImpl);

void attendTile(const AttendTile& tile) { HWY_DYNAMIC_DISPATCH(attendTileImpl)(tile); }
void attendPart(const AttendTile& tile, const AttendedPart& part) {
    HWY_DYNAMIC_DISPATCH(attendPartImpl)(tile, part);
}
void mergeParts(const AttendTile& tile, std::span<const AttendedPart> parts) {
    HWY_DYNAMIC_DISPATCH(mergePartsImpl)(tile, parts);
}

}  // namespace fluxscope
#endif
