// Checks of every compute function against a naive reference in double precision, for either backend. Shapes that no
// GPU library takes (odd widths and strides) are left to the host.
#include <cmath>
#include <string>
#include <vector>

#include "../compute.hpp"
#include "../device.hpp"
#include "../error.hpp"
#include "../random.hpp"
#include "check.hpp"

namespace chunkflow {
namespace {

struct Bench {
  Device& device;
  Compute& compute;
  bool onHost;
};

/// A bf16 matrix with a stride, on the host.
struct Values {
  std::int64_t stride;
  std::vector<bf16> all;
  double operator()(std::int64_t row, std::int64_t column) const { return toFloat(all[row * stride + column]); }
};

/// A bf16 matrix on the device, random at first, and what it holds.
class Matrix {
 public:
  Matrix(Bench& bench, std::int64_t rows, std::int64_t stride, std::uint64_t seed)
      : bench_(bench),
        buffer_(bench.device.buffer(static_cast<std::size_t>(rows * stride) * sizeof(bf16))),
        initial_{stride, {}} {
    fillRandom(bench.compute, seed, 0, 1.0f, 0.0f, rows * stride, data());
    initial_ = now();
  }
  bf16* data() { return reinterpret_cast<bf16*>(buffer_->data()); }
  const Values& initial() const { return initial_; }
  double operator()(std::int64_t row, std::int64_t column) const { return initial_(row, column); }

  /// What it holds when everything enqueued so far is done.
  Values now() {
    Values values{initial_.stride, std::vector<bf16>(buffer_->bytes() / sizeof(bf16))};
    copyToHost(bench_.compute.stream(), values.all.data(), data(), buffer_->bytes());
    synchronize(bench_.compute.stream());
    return values;
  }
  void reset() {
    copyToDevice(bench_.compute.stream(), data(), initial_.all.data(), buffer_->bytes());
    synchronize(bench_.compute.stream());
  }

 private:
  Bench& bench_;
  std::unique_ptr<DeviceBuffer> buffer_;
  Values initial_;
};

/// Compares out[rows, width] with reference(row, column) by the norm of the difference; what lies beyond `width` in
/// each row must be as it was.
template <typename Reference>
void compare(const std::string& name, std::int64_t rows, std::int64_t width, Matrix& out, Reference reference) {
  const Values result = out.now();
  double difference = 0, norm = 0;
  bool kept = true;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t c = 0; c < width; ++c) {
      const double expected = reference(row, c);
      difference += (result(row, c) - expected) * (result(row, c) - expected);
      norm += expected * expected;
    }
    for (std::int64_t c = width; c < result.stride; ++c) kept = kept && result(row, c) == out(row, c);
  }
  check(name, norm > 0 && std::sqrt(difference / norm) < 1e-2 && kept);
}

void checkNumbers() {
  bool identity = true;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const bf16 value{static_cast<std::uint16_t>(bits)};
    const bf16 again = toBf16(toFloat(value));
    const bool nan = std::isnan(toFloat(value));
    identity = identity && (nan ? std::isnan(toFloat(again)) : again.bits == value.bits);
  }
  check("bf16: to float and back", identity);
  check("bf16: rounds to nearest, ties to even",
        toBf16(1.00390625f).bits == 0x3f80 && toBf16(1.01171875f).bits == 0x3f82 && toBf16(1.005f).bits == 0x3f81 &&
            toBf16(3.4e38f).bits == 0x7f80);
}

void checkGemm(Bench& bench, std::int64_t in, std::int64_t out, std::int64_t padding) {
  for (const bool accumulate : {false, true}) {
    for (const bool biased : {false, true}) {
      for (const std::int64_t rows : {1, 7, 64}) {
        const GemmShape shape{rows, in, out, in + padding, in + 2 * padding, out + padding, accumulate};
        Matrix a(bench, rows, shape.inStride, 1), b(bench, out, shape.weightStride, 2), bias(bench, 1, out, 3);
        Matrix c(bench, rows, shape.outStride, 4);
        gemm(bench.compute, shape, a.data(), b.data(), biased ? bias.data() : nullptr, c.data());
        const std::string name = "gemm: " + std::to_string(rows) + " x " + std::to_string(in) + " x " +
                                 std::to_string(out) + (biased ? ", bias" : "") + (accumulate ? ", accumulating" : "");
        compare(name, rows, out, c, [&](auto row, auto column) {
          double sum = (accumulate ? c(row, column) : 0) + (biased ? bias(0, column) : 0);
          for (std::int64_t k = 0; k < in; ++k) sum += a(row, k) * b(column, k);
          return sum;
        });
      }
    }
  }
}

void checkAttention(Bench& bench, std::int64_t headDim, std::int64_t padding) {
  constexpr std::int64_t QUERIES = 9, KEYS = 150, HEADS = 3;
  const std::int64_t width = HEADS * headDim;
  const AttentionShape shape{QUERIES,         KEYS,
                             HEADS,           headDim,
                             width + padding, width + 2 * padding,
                             width,           width + 3 * padding};
  Matrix q(bench, QUERIES, shape.qStride, 1), k(bench, KEYS, shape.kStride, 2), v(bench, KEYS, shape.vStride, 3);
  Matrix out(bench, QUERIES, shape.outStride, 4);
  attention(bench.compute, shape, q.data(), k.data(), v.data(), out.data());
  compare("attention: heads of " + std::to_string(headDim), QUERIES, width, out, [&](auto row, auto column) {
    const std::int64_t head = column / headDim * headDim;
    double sum = 0, mixed = 0;
    for (std::int64_t key = 0; key < KEYS; ++key) {
      double score = 0;
      for (std::int64_t d = head; d < head + headDim; ++d) score += q(row, d) * k(key, d);
      const double weight = std::exp(score / std::sqrt(static_cast<double>(headDim)));
      sum += weight;
      mixed += weight * v(key, column);
    }
    return mixed / sum;
  });
}

void checkLayerNorm(Bench& bench, std::int64_t width) {
  constexpr std::int64_t ROWS = 5;
  const std::int64_t stride = width + 8;
  const double columns = static_cast<double>(width);
  Matrix in(bench, ROWS, stride, 1), weight(bench, 1, width, 2), bias(bench, 1, width, 3), out(bench, ROWS, stride, 8);
  Matrix a(bench, 1, width, 4), b(bench, 1, width, 5), c(bench, 1, width, 6), d(bench, 1, width, 7);
  const auto normed = [&](std::int64_t row, std::int64_t column) {
    double mean = 0, variance = 0;
    for (std::int64_t i = 0; i < width; ++i) mean += in(row, i) / columns;
    for (std::int64_t i = 0; i < width; ++i) variance += (in(row, i) - mean) * (in(row, i) - mean) / columns;
    return (in(row, column) - mean) / std::sqrt(variance + 1e-6);
  };
  layerNorm(bench.compute, ROWS, width, in.data(), stride, weight.data(), bias.data(),
            {a.data(), b.data(), c.data(), d.data()}, out.data(), stride);
  compare("layerNorm: with everything", ROWS, width, out, [&](auto row, auto i) {
    return (normed(row, i) * weight(0, i) + bias(0, i)) * (1 + c(0, i) + d(0, i)) + a(0, i) + b(0, i);
  });
  layerNorm(bench.compute, ROWS, width, in.data(), stride, nullptr, nullptr, {nullptr, b.data(), c.data(), nullptr},
            out.data(), stride);
  compare("layerNorm: without weights, half a modulation", ROWS, width, out,
          [&](auto row, auto i) { return normed(row, i) * (1 + c(0, i)) + b(0, i); });
  layerNorm(bench.compute, ROWS, width, in.data(), stride, nullptr, nullptr, {}, in.data(), stride);
  compare("layerNorm: alone, in place", ROWS, width, in, normed);
}

void checkQkNorm(Bench& bench, std::int64_t normWidth) {
  constexpr std::int64_t ROWS = 5, DIM = 64, WIDTH = 3 * DIM, STRIDE = WIDTH + 8;
  std::vector<float> table(ROWS * DIM);
  for (std::int64_t i = 0; i < ROWS * DIM; i += 2) {
    table[i] = std::cos(0.1f * static_cast<float>(i));
    table[i + 1] = std::sin(0.1f * static_cast<float>(i));
  }
  const auto tableBuffer = bench.device.buffer(table.size() * sizeof(float));
  copyToDevice(bench.compute.stream(), tableBuffer->data(), table.data(), tableBuffer->bytes());
  Matrix weight(bench, 1, normWidth, 2), data(bench, ROWS, STRIDE, 9);
  for (const bool full : {false, true}) {
    const auto normed = [&](std::int64_t row, std::int64_t column) {
      double squares = 0;
      const std::int64_t first = column / normWidth * normWidth;
      for (std::int64_t i = first; i < first + normWidth; ++i) squares += data(row, i) * data(row, i);
      const double factor = full ? weight(0, column % normWidth) : 1.0;
      return data(row, column) / std::sqrt(squares / static_cast<double>(normWidth) + 1e-6) * factor;
    };
    data.reset();
    qkNorm(bench.compute, ROWS, WIDTH, normWidth, DIM, data.data(), STRIDE, full ? weight.data() : nullptr,
           full ? reinterpret_cast<const float*>(tableBuffer->data()) : nullptr);
    const std::string name = "qkNorm: over " + std::to_string(normWidth) + (full ? ", weights, rotary" : "");
    compare(name, ROWS, WIDTH, data, [&](auto row, auto column) {
      if (!full) return normed(row, column);
      const float* turn = &table[row * DIM + column % DIM / 2 * 2];
      return column % 2 == 0 ? normed(row, column) * turn[0] - normed(row, column + 1) * turn[1]
                             : normed(row, column - 1) * turn[1] + normed(row, column) * turn[0];
    });
  }
}

void checkElementwise(Bench& bench, std::int64_t width) {
  constexpr std::int64_t ROWS = 6;
  const std::int64_t strideA = width + 8, strideB = 2 * width + 8;
  Matrix a(bench, ROWS, strideA, 1), b(bench, ROWS, strideB, 2), gateA(bench, 1, width, 3), gateB(bench, 1, width, 4);

  gelu(bench.compute, ROWS, width, a.data(), strideA);
  compare("gelu", ROWS, width, a, [&](auto row, auto column) {
    const double x = a(row, column);
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  });

  a.reset();
  swiglu(bench.compute, ROWS, width, b.data(), strideB, a.data(), strideA);
  compare("swiglu", ROWS, width, a, [&](auto row, auto column) {
    return b(row, column) / (1 + std::exp(-b(row, column))) * b(row, width + column);
  });

  for (int gates = 0; gates < 4; ++gates) {
    a.reset();
    gatedResidual(bench.compute, ROWS, width, a.data(), strideA, b.data(), strideB, gates & 1 ? gateA.data() : nullptr,
                  gates & 2 ? gateB.data() : nullptr);
    compare("gatedResidual: gates " + std::to_string(gates), ROWS, width, a, [&](auto row, auto column) {
      const double gate = (gates & 1 ? gateA(0, column) : 0) + (gates & 2 ? gateB(0, column) : 0);
      return a(row, column) + (gates == 0 ? 1 : gate) * b(row, column);
    });
  }

  a.reset();
  copyRows(bench.compute, ROWS, width, b.data(), strideB, a.data(), strideA);
  const Values copied = a.now();
  bool exact = true;
  for (std::int64_t row = 0; row < ROWS; ++row) {
    for (std::int64_t c = 0; c < strideA; ++c) {
      exact = exact && copied(row, c) == (c < width ? b(row, c) : a(row, c));
    }
  }
  check("copyRows: exact, and nothing else is touched", exact);
}

void checkSumParts(Bench& bench) {
  constexpr std::int64_t COUNT = 256;
  Matrix a(bench, 1, COUNT, 1), b(bench, 1, COUNT, 2), c(bench, 1, COUNT, 3);
  const bf16* parts[] = {a.data(), b.data(), c.data()};
  sumParts(bench.compute.stream(), COUNT, parts, 3, c.data());
  const Values sum = c.now();
  bool inOrder = true;
  for (std::size_t i = 0; i < COUNT; ++i) {
    const float expected = (toFloat(a.initial().all[i]) + toFloat(b.initial().all[i])) + toFloat(c.initial().all[i]);
    inOrder = inOrder && sum.all[i].bits == toBf16(expected).bits;
  }
  check("sumParts: in order, rounded once, in place of a part", inOrder);
  check("sumParts: 17 parts are refused",
        throws<RunError>([&] { sumParts(bench.compute.stream(), 1, parts, 17, c.data()); }));
}

void checkHeads(Bench& bench) {
  constexpr std::int64_t ROWS = 5, WIDTH = 96, STRIDE = 3 * WIDTH + 24;
  Matrix in(bench, ROWS, STRIDE, 1), send(bench, ROWS * 3, WIDTH, 2), own(bench, ROWS * 3, WIDTH, 3);
  Matrix out(bench, ROWS, WIDTH + 8, 4);
  for (int peers = 1; peers <= 4; ++peers) {
    const std::int64_t share = WIDTH / peers;
    bool packed = true, identity = true;
    for (int self = 0; self < peers; ++self) {
      const PackHeads shape{ROWS, WIDTH, STRIDE, 3, peers, self, {200, 8, 104}};
      packHeads(bench.compute, shape, in.data(), send.data(), own.data());
      const Values sent = send.now(), kept = own.now();
      for (int peer = 0; peer < peers; ++peer) {
        const bf16* message = peer == self ? kept.all.data() : sent.all.data() + peer * ROWS * 3 * share;
        for (std::int64_t row = 0; row < ROWS; ++row) {
          for (int tensor = 0; tensor < 3; ++tensor) {
            for (std::int64_t c = 0; c < share; ++c) {
              const double expected = in(row, shape.partOffset[tensor] + peer * share + c);
              packed = packed && toFloat(message[(row * 3 + tensor) * share + c]) == expected;
            }
          }
        }
      }

      out.reset();
      packHeads(bench.compute, {ROWS, WIDTH, STRIDE, 1, peers, self, {16, 0, 0}}, in.data(), send.data(), own.data());
      unpackHeads(bench.compute, {ROWS, WIDTH, WIDTH + 8, peers, self}, send.data(), own.data(), out.data());
      const Values back = out.now();
      for (std::int64_t row = 0; row < ROWS; ++row) {
        for (std::int64_t c = 0; c < back.stride; ++c) {
          identity = identity && back(row, c) == (c < WIDTH ? in(row, 16 + c) : out(row, c));
        }
      }
    }
    const std::string of = std::to_string(peers) + " peers";
    check("packHeads: places, " + of, packed);
    check("unpackHeads: undoes packHeads, " + of, identity);
  }
}

void checkDigest(Bench& bench, std::int64_t width) {
  constexpr std::int64_t ROWS = 7;
  const std::int64_t stride = width + 8;
  Matrix data(bench, ROWS, stride, 1);
  const auto digestNow = [&] { return digest(bench.compute, ROWS, width, data.data(), stride); };
  const std::uint64_t before = digestNow();
  std::vector<bf16> packed;
  for (std::int64_t row = 0; row < ROWS; ++row) {
    const bf16* from = data.initial().all.data() + row * stride;
    packed.insert(packed.end(), from, from + width);
  }
  const std::string of = ", rows of " + std::to_string(width);
  check("digest: the checksum of the packed rows" + of,
        before == checksumOnHost(packed.data(), packed.size() * sizeof(bf16)));

  bool always = true, never = true;
  for (std::int64_t i = 0; i < ROWS * stride; ++i) {
    bf16 flipped = data.initial().all[i];
    flipped.bits ^= 1u << (i % 16);
    copyToDevice(bench.compute.stream(), data.data() + i, &flipped, sizeof flipped);
    const bool changed = digestNow() != before;
    data.reset();
    bool& as = i % stride < width ? always : never;
    as = as && changed == (i % stride < width);
  }
  check("digest: one flipped bit changes it" + of, always);
  check("digest: what lies between the rows does not" + of, never);
}

void checkRandom(Bench& bench) {
  constexpr std::int64_t COUNT = 40'000;
  constexpr float SCALE = 1.9f;
  Matrix whole(bench, 1, COUNT, 1), part(bench, 1, 100, 1);
  fillRandom(bench.compute, 3, 5, SCALE, 0.5f, COUNT, whole.data());
  fillRandom(bench.compute, 3, 1005, SCALE, 0.5f, 100, part.data());
  const Values values = whole.now(), some = part.now();
  double mean = 0, variance = 0;
  bool byPlace = true, asDefined = true;
  for (std::int64_t i = 0; i < COUNT; ++i) mean += values(0, i) / COUNT;
  for (std::int64_t i = 0; i < COUNT; ++i) variance += (values(0, i) - mean) * (values(0, i) - mean) / COUNT;
  for (std::int64_t i = 0; i < COUNT; ++i) {
    // Product and sum rounded one by one, as both backends must: a fused multiply-add gives other bits.
    const volatile float product = valueAt(3, 5 + static_cast<std::uint64_t>(i)) * SCALE;
    asDefined = asDefined && values.all[i].bits == toBf16(product + 0.5f).bits;
  }
  for (std::int64_t i = 0; i < 100; ++i) byPlace = byPlace && some(0, i) == values(0, 1000 + i);
  check("fillRandom: mean and scale", std::abs(mean - 0.5) < 0.05 && std::abs(variance - SCALE * SCALE) < 0.1);
  check("fillRandom: values belong to places", byPlace);
  check("fillRandom: bits as valueAt defines them", asDefined);
}

}  // namespace
}  // namespace chunkflow

int main() {
  using namespace chunkflow;
  auto device = Device::open(0);
  auto stream = device->stream("compute");
  Compute compute(*device, *stream, std::size_t{64} << 20);
  Bench bench{*device, compute, device->info().backend == "host"};

  checkNumbers();
  checkGemm(bench, 72, 24, 8);
  checkAttention(bench, 64, 8);
  checkLayerNorm(bench, 48);
  checkQkNorm(bench, 64);
  checkQkNorm(bench, 192);
  checkElementwise(bench, 48);
  checkSumParts(bench);
  checkHeads(bench);
  checkDigest(bench, 40);
  checkRandom(bench);
  if (bench.onHost) {
    checkGemm(bench, 75, 21, 3);
    checkAttention(bench, 5, 1);
    checkLayerNorm(bench, 33);
    checkElementwise(bench, 33);
    checkDigest(bench, 33);
  }
  return failedChecks == 0 ? 0 : 1;
}
