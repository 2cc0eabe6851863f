// The work of a block on CPU cores, in plain C++: operands are turned into floats panel by panel, in loops of fixed
// length that the compiler vectorises. Each function is one operation of the stream, so it runs on one core and adds in
// one order.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "compute/libraries.hpp"

namespace chunkflow {
namespace {

/// Exempts a function that only touches memory of its own thread from the thread sanitizer, which would follow every access and take
/// far longer than a product itself. Its callers copy what threads share in and out, where the sanitizer sees it.
#ifdef __SANITIZE_THREAD__
#define CHUNKFLOW_THREAD_PRIVATE __attribute__((no_sanitize("thread")))
#else
#define CHUNKFLOW_THREAD_PRIVATE
#endif

// Always inlined: the compiler inlines nothing else into a function without the sanitizer.
[[gnu::always_inline]] inline float widen(bf16 value) {
  return __builtin_bit_cast(float, std::uint32_t{value.bits} << 16);
}

inline bf16 narrow(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  // Rounding up the largest mantissas would turn a NaN into an infinity or a zero.
  if (value != value) return {static_cast<std::uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

/// An element of a vector that may be null.
inline float at(const bf16* vector, std::int64_t column, float otherwise) {
  return vector != nullptr ? widen(vector[column]) : otherwise;
}

void copyElements(bf16* to, const bf16* from, std::int64_t count) {
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(bf16));
}

std::int64_t perPeer(const char* name, std::int64_t width, int peers) {
  if (peers >= 1 && width % peers == 0) return width / peers;
  throw RunError(std::string(name) + ": " + std::to_string(width) + " columns cannot be shared by " +
                 std::to_string(peers) + " peers; choose a number of peers that divides the heads");
}

constexpr int PANEL = 8;      // output columns that are computed at once: two SSE registers of floats
constexpr int TILE_ROWS = 4;  // output rows that share what was loaded of the panel

/// PANEL rows of `in` elements as floats, side by side: [in][PANEL].
CHUNKFLOW_THREAD_PRIVATE void widenPanel(const bf16* rows, std::int64_t columns, std::int64_t in, float* panel) {
  for (std::int64_t column = 0; column < columns; ++column) {
    const bf16* row = rows + column * in;
    for (std::int64_t k = 0; k < in; ++k) panel[k * PANEL + column] = widen(row[k]);
  }
}

/// ROWS x PANEL of a product; `panel` is [in][PANEL]. Sums run over `in` in order, whatever the tile.
template <int ROWS>
CHUNKFLOW_THREAD_PRIVATE void multiplyTile(const bf16* rows, std::int64_t in, const float* panel, float* out) {
  float sums[ROWS][PANEL] = {};
  for (std::int64_t k = 0; k < in; ++k) {
    const float* weights = panel + k * PANEL;
    for (int row = 0; row < ROWS; ++row) {
      const float factor = widen(rows[row * in + k]);
      for (int column = 0; column < PANEL; ++column) sums[row][column] += factor * weights[column];
    }
  }
  for (int row = 0; row < ROWS; ++row) {
    for (int column = 0; column < PANEL; ++column) out[row * PANEL + column] = sums[row][column];
  }
}

void multiply(const GemmShape& shape, const bf16* in, const bf16* weight, const bf16* bias, bf16* out) {
  const auto width = static_cast<std::size_t>(shape.in);
  std::vector<bf16> rows(static_cast<std::size_t>(shape.rows) * width), weights(PANEL * width);
  std::vector<float> panel(PANEL * width, 0.0f), sums(static_cast<std::size_t>(shape.rows * PANEL));
  for (std::int64_t row = 0; row < shape.rows; ++row) {
    copyElements(&rows[static_cast<std::size_t>(row) * width], in + row * shape.inStride, shape.in);
  }
  for (std::int64_t first = 0; first < shape.out; first += PANEL) {
    const std::int64_t columns = std::min<std::int64_t>(PANEL, shape.out - first);
    for (std::int64_t column = 0; column < columns; ++column) {
      copyElements(&weights[static_cast<std::size_t>(column) * width], weight + (first + column) * shape.weightStride, shape.in);
    }
    widenPanel(weights.data(), columns, shape.in, panel.data());
    std::int64_t row = 0;
    for (; row + TILE_ROWS <= shape.rows; row += TILE_ROWS) {
      multiplyTile<TILE_ROWS>(rows.data() + row * shape.in, shape.in, panel.data(), sums.data() + row * PANEL);
    }
    for (; row < shape.rows; ++row) {
      multiplyTile<1>(rows.data() + row * shape.in, shape.in, panel.data(), sums.data() + row * PANEL);
    }
    for (row = 0; row < shape.rows; ++row) {
      for (std::int64_t column = 0; column < columns; ++column) {
        bf16& result = out[row * shape.outStride + first + column];
        const float before = shape.accumulate ? widen(result) : 0.0f;
        result = narrow(sums[static_cast<std::size_t>(row * PANEL + column)] + before + at(bias, first + column, 0.0f));
      }
    }
  }
}

constexpr int KEYS = 64;  // keys that share one rescaling of the running softmax

/// One head's keys, [keyBlock][headDim][KEYS], and values, [keyRow][headDim], as floats.
struct HeadOperands {
  std::vector<float> keys, values;

  HeadOperands(const AttentionShape& shape, const bf16* k, const bf16* v)
      : keys(static_cast<std::size_t>((shape.keyRows + KEYS - 1) / KEYS * KEYS * shape.headDim)),
        values(static_cast<std::size_t>(shape.keyRows * shape.headDim)) {
    for (std::int64_t row = 0; row < shape.keyRows; ++row) {
      float* block = keys.data() + row / KEYS * KEYS * shape.headDim + row % KEYS;
      for (std::int64_t d = 0; d < shape.headDim; ++d) {
        block[d * KEYS] = widen(k[row * shape.kStride + d]);
        values[row * shape.headDim + d] = widen(v[row * shape.vStride + d]);
      }
    }
  }
};

/// One query row of one head by a running softmax: `sum` and `mixed` are always relative to the largest score so far.
void attendRow(const AttentionShape& shape, const HeadOperands& head, const bf16* q, float* mixed, bf16* out) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(shape.headDim));
  float largest = -INFINITY, sum = 0.0f;
  std::fill_n(mixed, shape.headDim, 0.0f);
  for (std::int64_t first = 0; first < shape.keyRows; first += KEYS) {
    const std::int64_t count = std::min<std::int64_t>(KEYS, shape.keyRows - first);
    const float* keys = head.keys.data() + first * shape.headDim;
    float scores[KEYS] = {};
    for (std::int64_t d = 0; d < shape.headDim; ++d) {
      const float query = widen(q[d]) * scale;
      for (int key = 0; key < KEYS; ++key) scores[key] += query * keys[d * KEYS + key];
    }
    const float before = largest;
    largest = std::max(largest, *std::max_element(scores, scores + count));
    const float shrink = std::exp(before - largest);
    sum *= shrink;
    for (std::int64_t d = 0; d < shape.headDim; ++d) mixed[d] *= shrink;
    for (std::int64_t key = 0; key < count; ++key) {
      const float weight = std::exp(scores[key] - largest);
      const float* value = head.values.data() + (first + key) * shape.headDim;
      sum += weight;
      for (std::int64_t d = 0; d < shape.headDim; ++d) mixed[d] += weight * value[d];
    }
  }
  for (std::int64_t d = 0; d < shape.headDim; ++d) out[d] = narrow(mixed[d] / sum);
}

/// Mean and standard deviation (or root mean square) by which a row or group is normalised.
struct Moments {
  float mean, factor;
};

Moments momentsOf(const Norm& norm, const bf16* values, std::int64_t width) {
  const auto columns = static_cast<float>(width);
  float mean = 0.0f;
  if (norm.kind == NormKind::Layer) {
    for (std::int64_t c = 0; c < width; ++c) mean += widen(values[c]);
    mean /= columns;
  }
  float squares = 0.0f;
  for (std::int64_t c = 0; c < width; ++c) {
    const float centred = widen(values[c]) - mean;
    squares += centred * centred;
  }
  return {mean, 1.0f / std::sqrt(squares / columns + norm.epsilon)};
}

float normed(const Norm& norm, const Moments& moments, bf16 value, std::int64_t column) {
  return (widen(value) - moments.mean) * moments.factor * at(norm.weight, column, 1.0f) + at(norm.bias, column, 0.0f);
}

/// Turns the pairs of one head; `turns` are its cosines and sines.
void turnHead(const Rotary& rotary, const float* turns, float* head) {
  const std::int64_t half = rotary.headDim / 2;
  const bool halves = rotary.pairs == RotaryPairs::Halves;
  for (std::int64_t i = 0; i < half; ++i) {
    float& first = head[halves ? i : 2 * i];
    float& second = head[halves ? i + half : 2 * i + 1];
    const float turned = first * turns[2 * i] - second * turns[2 * i + 1];
    second = first * turns[2 * i + 1] + second * turns[2 * i];
    first = turned;
  }
}

float activated(Activation activation, float x) {
  constexpr float ROOT_TWO_OVER_PI = 0.7978845608f, ROOT_HALF = 0.7071067812f;
  switch (activation) {
    case Activation::GeluTanh:
      return 0.5f * x * (1.0f + std::tanh(ROOT_TWO_OVER_PI * (x + 0.044715f * x * x * x)));
    case Activation::Gelu:
      return 0.5f * x * (1.0f + std::erf(x * ROOT_HALF));
    case Activation::Silu:
      return x / (1.0f + std::exp(-x));
  }
  return x;
}

}  // namespace

float toFloat(bf16 value) { return widen(value); }

bf16 toBf16(float value) { return narrow(value); }

struct Compute::Impl {
  Stream& stream;
  std::unique_ptr<DeviceBuffer> workspace;  // unused here; taken so that memory adds up as on a GPU
};

Compute::Compute(Device& device, Stream& stream, std::size_t workspaceBytes)
    : impl_(new Impl{stream, device.buffer(workspaceBytes)}) {}
Compute::~Compute() = default;

Stream& Compute::stream() const { return impl_->stream; }

const char* Compute::libraries() { return "host kernels"; }

void gemm(Compute& compute, const GemmShape& shape, const bf16* in, const bf16* weight, const bf16* bias, bf16* out) {
  callOnHost(compute.stream(), [=] { multiply(shape, in, weight, bias, out); });
}

void attention(Compute& compute, const AttentionShape& shape, const bf16* q, const bf16* k, const bf16* v, bf16* out) {
  callOnHost(compute.stream(), [=] {
    std::vector<float> mixed(static_cast<std::size_t>(shape.headDim));
    for (std::int64_t head = 0; head < shape.heads; ++head) {
      const std::int64_t column = head * shape.headDim;
      const HeadOperands operands(shape, k + column, v + column);
      for (std::int64_t row = 0; row < shape.queryRows; ++row) {
        attendRow(shape, operands, q + row * shape.qStride + column, mixed.data(),
                  out + row * shape.outStride + column);
      }
    }
  });
}

void normRows(Compute& compute, const RowsShape& shape, const bf16* in, const Norm& norm, const Modulation& modulation,
              bf16* out) {
  callOnHost(compute.stream(), [=] {
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      const bf16* from = in + row * shape.inStride;
      bf16* to = out + row * shape.outStride;
      const Moments moments = momentsOf(norm, from, shape.width);
      for (std::int64_t c = 0; c < shape.width; ++c) {
        const float scale = 1.0f + (at(modulation.scaleA, c, 0.0f) + at(modulation.scaleB, c, 0.0f));
        const float shift = at(modulation.shiftA, c, 0.0f) + at(modulation.shiftB, c, 0.0f);
        to[c] = narrow(normed(norm, moments, from[c], c) * scale + shift);
      }
    }
  });
}

void qkNorm(Compute& compute, const QkNormShape& shape, bf16* data, const Norm& norm, const Rotary& rotary) {
  callOnHost(compute.stream(), [=] {
    std::vector<float> values(static_cast<std::size_t>(shape.width));
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      bf16* const own = data + row * shape.stride;
      for (std::int64_t first = 0; first < shape.width; first += shape.normWidth) {
        const Moments moments = momentsOf(norm, own + first, shape.normWidth);
        for (std::int64_t c = 0; c < shape.normWidth; ++c) values[first + c] = normed(norm, moments, own[first + c], c);
      }
      if (rotary.table != nullptr) {
        const float* const turns = rotary.table + row * rotary.width;
        for (std::int64_t head = 0; head < shape.width; head += rotary.headDim) {
          turnHead(rotary, turns + head % rotary.width, &values[head]);
        }
      }
      for (std::int64_t c = 0; c < shape.width; ++c) own[c] = narrow(values[c]);
    }
  });
}

void activate(Compute& compute, Activation activation, const RowsShape& shape, const bf16* in, bf16* out) {
  callOnHost(compute.stream(), [=] {
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      for (std::int64_t c = 0; c < shape.width; ++c) {
        out[row * shape.outStride + c] = narrow(activated(activation, widen(in[row * shape.inStride + c])));
      }
    }
  });
}

void swiglu(Compute& compute, const RowsShape& shape, const bf16* in, bf16* out) {
  callOnHost(compute.stream(), [=] {
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      const bf16* from = in + row * shape.inStride;
      for (std::int64_t c = 0; c < shape.width; ++c) {
        const float x = widen(from[c]);
        out[row * shape.outStride + c] = narrow(x / (1.0f + std::exp(-x)) * widen(from[shape.width + c]));
      }
    }
  });
}

void gatedResidual(Compute& compute, const ResidualShape& shape, bf16* residual, const bf16* update, const bf16* gateA,
                   const bf16* gateB) {
  callOnHost(compute.stream(), [=] {
    const bool gated = gateA != nullptr || gateB != nullptr;
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      for (std::int64_t c = 0; c < shape.width; ++c) {
        bf16& value = residual[row * shape.residualStride + c];
        const float gate = gated ? at(gateA, c, 0.0f) + at(gateB, c, 0.0f) : 1.0f;
        value = narrow(widen(value) + gate * widen(update[row * shape.updateStride + c]));
      }
    }
  });
}

void copyRows(Compute& compute, const RowsShape& shape, const bf16* in, bf16* out) {
  callOnHost(compute.stream(), [=] {
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      copyElements(out + row * shape.outStride, in + row * shape.inStride, shape.width);
    }
  });
}

void packHeads(Compute& compute, const PackHeads& shape, const bf16* in, bf16* send, bf16* own) {
  const std::int64_t share = perPeer("packHeads", shape.width, shape.peers);
  callOnHost(compute.stream(), [=] {
    for (int peer = 0; peer < shape.peers; ++peer) {
      bf16* to = peer == shape.self ? own : send + peer * shape.rows * shape.tensors * share;
      for (std::int64_t row = 0; row < shape.rows; ++row) {
        for (int tensor = 0; tensor < shape.tensors; ++tensor, to += share) {
          copyElements(to, in + row * shape.inStride + shape.partOffset[tensor] + peer * share, share);
        }
      }
    }
  });
}

void unpackHeads(Compute& compute, const UnpackHeads& shape, const bf16* received, const bf16* own, bf16* out) {
  const std::int64_t share = perPeer("unpackHeads", shape.width, shape.peers);
  callOnHost(compute.stream(), [=] {
    for (int peer = 0; peer < shape.peers; ++peer) {
      const bf16* from = peer == shape.self ? own : received + peer * shape.rows * share;
      for (std::int64_t row = 0; row < shape.rows; ++row, from += share) {
        copyElements(out + row * shape.outStride + peer * share, from, share);
      }
    }
  });
}

void sumParts(Stream& stream, std::int64_t elements, const bf16* const* parts, int count, bf16* out) {
  constexpr int MOST_PARTS = 16;
  if (count < 1 || count > MOST_PARTS) {
    throw RunError("sumParts: " + std::to_string(count) + " parts; it takes 1 to " + std::to_string(MOST_PARTS));
  }
  std::array<const bf16*, MOST_PARTS> kept{};
  std::copy_n(parts, count, kept.begin());
  callOnHost(stream, [=] {
    for (std::int64_t i = 0; i < elements; ++i) {
      float sum = 0.0f;
      for (int part = 0; part < count; ++part) sum += widen(kept[part][i]);
      out[i] = narrow(sum);
    }
  });
}

std::uint64_t digest(Compute& compute, std::int64_t rows, std::int64_t width, const bf16* data, std::int64_t stride) {
  std::uint64_t result = 0;
  callOnHost(compute.stream(), [=, &result] {
    // A row may end within a 32-bit word, so the rows are packed first.
    std::vector<bf16> packed(static_cast<std::size_t>(rows * width));
    for (std::int64_t row = 0; row < rows; ++row) copyElements(&packed[row * width], data + row * stride, width);
    result = checksumOnHost(packed.data(), packed.size() * sizeof(bf16));
  });
  synchronize(compute.stream());
  return result;
}

void fillRandom(Compute& compute, std::uint64_t seed, std::uint64_t first, float scale, float offset,
                std::int64_t count, bf16* data) {
  callOnHost(compute.stream(), [=] {
    for (std::int64_t i = 0; i < count; ++i) {
      data[i] = narrow(valueAt(seed, first + static_cast<std::uint64_t>(i)) * scale + offset);
    }
  });
}

}  // namespace chunkflow
