// Checks of every compute function against a naive reference in double precision, for either backend. Shapes that no
// GPU library takes (odd widths and strides) are left to the host.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "checks/check.hpp"
#include "compute/libraries.hpp"
#include "device/device.hpp"

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

/// Element `column` of a row's group of `width` from `first` on, normed in double precision.
template <typename Row>
double normedOf(const Norm& norm, const Row& row, std::int64_t first, std::int64_t width, std::int64_t column,
                double weight, double bias) {
  const double columns = static_cast<double>(width);
  double mean = 0, squares = 0;
  for (std::int64_t i = first; norm.kind == NormKind::Layer && i < first + width; ++i) mean += row(i) / columns;
  for (std::int64_t i = first; i < first + width; ++i) squares += (row(i) - mean) * (row(i) - mean) / columns;
  return (row(column) - mean) / std::sqrt(squares + static_cast<double>(norm.epsilon)) * weight + bias;
}

const char* nameOf(NormKind kind) { return kind == NormKind::Layer ? "LayerNorm" : "RMS"; }

void checkNormRows(Bench& bench, NormKind kind, float epsilon, std::int64_t width) {
  constexpr std::int64_t ROWS = 5;
  const std::int64_t stride = width + 8;
  Matrix in(bench, ROWS, stride, 1), weight(bench, 1, width, 2), bias(bench, 1, width, 3), out(bench, ROWS, stride, 8);
  Matrix a(bench, 1, width, 4), b(bench, 1, width, 5), c(bench, 1, width, 6), d(bench, 1, width, 7);
  const std::string of = std::string("normRows: ") + nameOf(kind) + " of " + std::to_string(width) + ", epsilon " +
                         std::to_string(epsilon);
  const Norm full{kind, epsilon, weight.data(), bias.data()}, bare{kind, epsilon, nullptr, nullptr};
  const auto normed = [&](const Norm& norm, std::int64_t row, std::int64_t i) {
    const bool affine = norm.weight != nullptr;
    return normedOf(norm, [&](std::int64_t c) { return in(row, c); }, 0, width, i, affine ? weight(0, i) : 1,
                    affine ? bias(0, i) : 0);
  };
  const RowsShape shape{.rows = ROWS, .width = width, .inStride = stride, .outStride = stride};
  normRows(bench.compute, shape, in.data(), full, {a.data(), b.data(), c.data(), d.data()}, out.data());
  compare(of + ", with everything", ROWS, width, out, [&](auto row, auto i) {
    return normed(full, row, i) * (1 + c(0, i) + d(0, i)) + a(0, i) + b(0, i);
  });
  normRows(bench.compute, shape, in.data(), bare, {nullptr, b.data(), c.data(), nullptr}, out.data());
  compare(of + ", without weights, half a modulation", ROWS, width, out,
          [&](auto row, auto i) { return normed(bare, row, i) * (1 + c(0, i)) + b(0, i); });
  normRows(bench.compute, shape, in.data(), bare, {}, in.data());
  compare(of + ", alone, in place", ROWS, width, in, [&](auto row, auto i) { return normed(bare, row, i); });
}

/// Groups of `normWidth` of three heads of `dim`; the rotary table is as wide as a head or as a whole row.
void checkQkNorm(Bench& bench, NormKind kind, std::int64_t dim, std::int64_t normWidth, bool wholeRow,
                 RotaryPairs pairs) {
  constexpr std::int64_t ROWS = 5;
  const std::int64_t width = 3 * dim, stride = width + 8, tableWidth = wholeRow ? width : dim;
  std::vector<float> table(static_cast<std::size_t>(ROWS * tableWidth));
  for (std::size_t i = 0; i < table.size(); i += 2) {
    table[i] = std::cos(0.1f * static_cast<float>(i));
    table[i + 1] = std::sin(0.1f * static_cast<float>(i));
  }
  const auto tableBuffer = bench.device.buffer(table.size() * sizeof(float));
  copyToDevice(bench.compute.stream(), tableBuffer->data(), table.data(), tableBuffer->bytes());
  const float* const onDevice = reinterpret_cast<const float*>(tableBuffer->data());
  Matrix weight(bench, 1, normWidth, 2), bias(bench, 1, normWidth, 3), data(bench, ROWS, stride, 9);
  for (const bool full : {false, true}) {
    const Norm norm{kind, 1e-5f, full ? weight.data() : nullptr, full ? bias.data() : nullptr};
    const auto normed = [&](std::int64_t row, std::int64_t column) {
      const std::int64_t place = column % normWidth;
      return normedOf(norm, [&](std::int64_t c) { return data(row, c); }, column - place, normWidth, column,
                      full ? weight(0, place) : 1, full ? bias(0, place) : 0);
    };
    data.reset();
    qkNorm(bench.compute, {.rows = ROWS, .width = width, .normWidth = normWidth, .stride = stride}, data.data(), norm,
           full ? Rotary{onDevice, tableWidth, dim, pairs} : Rotary{});
    const bool halves = pairs == RotaryPairs::Halves;
    const std::string name = std::string("qkNorm: ") + nameOf(kind) + " over " + std::to_string(normWidth) +
                             ", heads of " + std::to_string(dim) +
                             (!full       ? ""
                              : halves    ? ", weights, halves turn"
                              : wholeRow ? ", weights, neighbours turn, each head by its own angles"
                                         : ", weights, neighbours turn");
    compare(name, ROWS, width, data, [&](auto row, auto column) {
      if (!full) return normed(row, column);
      const std::int64_t inHead = column % dim, head = column - inHead;
      const std::int64_t pair = halves ? inHead % (dim / 2) : inHead / 2;
      const bool isFirst = halves ? inHead < dim / 2 : inHead % 2 == 0;
      const std::int64_t first = head + (halves ? pair : 2 * pair), second = head + (halves ? pair + dim / 2 : 2 * pair + 1);
      const float* turn = &table[static_cast<std::size_t>(row * tableWidth + head % tableWidth + 2 * pair)];
      return isFirst ? normed(row, first) * turn[0] - normed(row, second) * turn[1]
                     : normed(row, first) * turn[1] + normed(row, second) * turn[0];
    });
  }
}

void checkQkNorms(Bench& bench, std::int64_t dim) {
  for (const NormKind kind : {NormKind::Layer, NormKind::Rms}) {
    for (const std::int64_t normWidth : {dim, 3 * dim}) {
      for (const bool wholeRow : {false, true}) {
        for (const RotaryPairs pairs : {RotaryPairs::Neighbours, RotaryPairs::Halves}) {
          checkQkNorm(bench, kind, dim, normWidth, wholeRow, pairs);
        }
      }
    }
  }
}

double activatedOf(Activation activation, double x) {
  switch (activation) {
    case Activation::GeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::Gelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::Silu:
      return x / (1 + std::exp(-x));
  }
  return 0;
}

/// The two GELUs differ by less than bf16 shows in one value near 0, so each is held where they differ most.
void checkGeluKinds(Bench& bench) {
  Matrix x(bench, 1, 64, 1);
  fillRandom(bench.compute, 1, 0, 0.0f, -2.5f, 64, x.data());
  for (const auto& [activation, expected] : {std::pair{Activation::GeluTanh, activatedOf(Activation::GeluTanh, -2.5)},
                                             std::pair{Activation::Gelu, activatedOf(Activation::Gelu, -2.5)}}) {
    Matrix out(bench, 1, 64, 2);
    activate(bench.compute, activation, {.rows = 1, .width = 64, .inStride = 64, .outStride = 64}, x.data(), out.data());
    const Values values = out.now();
    bool near = true;
    for (std::int64_t i = 0; i < 64; ++i) near = near && std::abs(values(0, i) - expected) < 5e-3 * std::abs(expected);
    check("activate " + std::to_string(static_cast<int>(activation)) + ": its own value at -2.5", near);
  }
}

void checkElementwise(Bench& bench, std::int64_t width) {
  constexpr std::int64_t ROWS = 6;
  const std::int64_t strideA = width + 8, strideB = 2 * width + 8;
  Matrix a(bench, ROWS, strideA, 1), b(bench, ROWS, strideB, 2), gateA(bench, 1, width, 3), gateB(bench, 1, width, 4);
  const RowsShape inPlace{.rows = ROWS, .width = width, .inStride = strideA, .outStride = strideA};
  const RowsShape fromB{.rows = ROWS, .width = width, .inStride = strideB, .outStride = strideA};

  for (const Activation activation : {Activation::GeluTanh, Activation::Gelu, Activation::Silu}) {
    const std::string name = "activate " + std::to_string(static_cast<int>(activation));
    a.reset();
    activate(bench.compute, activation, inPlace, a.data(), a.data());
    compare(name + ", in place", ROWS, width, a,
            [&](auto row, auto column) { return activatedOf(activation, a(row, column)); });
    a.reset();
    activate(bench.compute, activation, fromB, b.data(), a.data());
    compare(name + ", from another matrix", ROWS, width, a,
            [&](auto row, auto column) { return activatedOf(activation, b(row, column)); });
  }
  checkGeluKinds(bench);

  a.reset();
  swiglu(bench.compute, fromB, b.data(), a.data());
  compare("swiglu", ROWS, width, a, [&](auto row, auto column) {
    return b(row, column) / (1 + std::exp(-b(row, column))) * b(row, width + column);
  });

  for (int gates = 0; gates < 4; ++gates) {
    a.reset();
    gatedResidual(bench.compute, {.rows = ROWS, .width = width, .residualStride = strideA, .updateStride = strideB},
                  a.data(), b.data(), gates & 1 ? gateA.data() : nullptr, gates & 2 ? gateB.data() : nullptr);
    compare("gatedResidual: gates " + std::to_string(gates), ROWS, width, a, [&](auto row, auto column) {
      const double gate = (gates & 1 ? gateA(0, column) : 0) + (gates & 2 ? gateB(0, column) : 0);
      return a(row, column) + (gates == 0 ? 1 : gate) * b(row, column);
    });
  }

  a.reset();
  copyRows(bench.compute, fromB, b.data(), a.data());
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
  for (const NormKind kind : {NormKind::Layer, NormKind::Rms}) {
    checkNormRows(bench, kind, 1e-6f, 48);
    // An epsilon of the size of the values' variance shows whether it is the given one.
    checkNormRows(bench, kind, 0.5f, 48);
  }
  for (const std::int64_t dim : {32, 64, 128, 72}) checkQkNorms(bench, dim);
  checkElementwise(bench, 48);
  checkSumParts(bench);
  checkHeads(bench);
  checkDigest(bench, 40);
  checkRandom(bench);
  if (bench.onHost) {
    checkGemm(bench, 75, 21, 3);
    checkAttention(bench, 5, 1);
    checkNormRows(bench, NormKind::Layer, 1e-6f, 33);
    checkNormRows(bench, NormKind::Rms, 1e-6f, 33);
    checkQkNorms(bench, 10);
    checkElementwise(bench, 33);
    checkDigest(bench, 33);
  }
  return failedChecks == 0 ? 0 : 1;
}
