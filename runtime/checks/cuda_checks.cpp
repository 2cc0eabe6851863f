// Checks of the CUDA backend that only a GPU can run: order between streams, flags and gates (eager and captured),
// memory, graphs, delays, checksums; large shapes of the compute functions by sampled entries; the same bits twice;
// and, with --timings, how fast the main ones are. Small shapes of the compute functions are in compute_checks.cpp.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "checks/check.hpp"
#include "compute/libraries.hpp"
#include "device/device.hpp"

namespace chunkflow {
namespace {

constexpr std::size_t MEBIBYTE = std::size_t{1} << 20;

/// Page-locked host memory, zeroed.
class Pinned {
 public:
  Pinned(Device& device, std::size_t bytes)
      : data_(static_cast<std::byte*>(std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096))), bytes_(bytes) {
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(data_, 0, bytes);
    lock_ = device.lock(data_, bytes);
  }
  ~Pinned() {
    lock_.reset();
    std::free(data_);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  template <typename Value = std::byte>
  Value* as() const {
    return reinterpret_cast<Value*>(data_);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_;
  std::size_t bytes_;
  std::unique_ptr<PageLock> lock_;
};

void fillBytes(Pinned& memory, std::uint64_t seed) {
  auto* words = memory.as<std::uint64_t>();
  for (std::size_t i = 0; i < memory.bytes() / 8; ++i) words[i] = mix(seed + i);
  for (std::size_t i = memory.bytes() / 8 * 8; i < memory.bytes(); ++i)
    memory.as<unsigned char>()[i] = static_cast<unsigned char>(i);
}

std::uint32_t readWord(const std::uint32_t* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
void writeWord(std::uint32_t* word, std::uint32_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }

/// Gives the device time to go wrong.
void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

void checkCopiesAndEvents(Device& device) {
  constexpr std::size_t BYTES = 3 * MEBIBYTE + 5;
  Pinned out(device, BYTES), back(device, BYTES);
  fillBytes(out, 1);
  const auto a = device.stream("a"), b = device.stream("b");
  const auto from = device.buffer(BYTES), to = device.buffer(BYTES);
  const auto event = device.event(false), never = device.event(false);
  wait(*b, *never);
  delay(*a, 0.01);
  copyToDevice(*a, from->data(), out.as(), BYTES);
  copyOnDevice(*a, to->data(), from->data(), BYTES);
  record(*a, *event);
  wait(*b, *event);
  copyToHost(*b, back.as(), to->data(), BYTES);
  const bool isBusy = !idle(*b);
  synchronize(*b);
  check("copies: to the device, on it and back, over two streams", std::memcmp(out.as(), back.as(), BYTES) == 0);
  check("events: enqueuing returns at once, and a stream that waits is not idle", isBusy && idle(*b));
  fill(*a, to->data(), 0x5a, BYTES);
  copyToHost(*a, back.as(), to->data(), BYTES);
  device.synchronize();
  check("fill: every byte", std::all_of(back.as<unsigned char>(), back.as<unsigned char>() + BYTES,
                                        [](unsigned char byte) { return byte == 0x5a; }));
}

void checkDelay(Device& device) {
  const auto stream = device.stream("delay");
  const auto from = device.event(true), to = device.event(true);
  for (const double microseconds : {10.0, 50.0, 200.0, 1000.0}) {
    std::vector<double> measured;
    for (int i = 0; i < 21; ++i) {
      // Held back so that launching is no part of what is measured.
      delay(*stream, 200e-6);
      record(*stream, *from);
      delay(*stream, microseconds * 1e-6);
      record(*stream, *to);
      synchronize(*stream);
      measured.push_back(elapsedS(*from, *to) * 1e6);
    }
    std::sort(measured.begin(), measured.end());
    const double median = measured[measured.size() / 2];
    char name[96];
    std::snprintf(name, sizeof name, "delay: %.0f us takes %.2f us with its launch", microseconds, median);
    check(name, median >= microseconds - 2 && median <= microseconds + 6);
  }
}

void checkFlags(Device& device) {
  Pinned memory(device, 4096);
  std::uint32_t* const flag = memory.as<std::uint32_t>();
  std::uint32_t* const gate = flag + 16;
  const auto stepMemory = device.buffer(4);
  auto* const step = reinterpret_cast<std::uint32_t*>(stepMemory->data());
  const auto a = device.stream("a"), b = device.stream("b");

  // Close to the wrap, so that a plain comparison would be wrong.
  writeWord(flag, 0xfffffff0u);
  const StepBase base{0xfffffff8u, step};
  await(*b, flag, base, 16);
  signal(*a, flag, base, 4);
  synchronize(*a);
  pause();
  check("flags: not reached, the stream stands", !idle(*b) && readWord(flag) == 0xfffffffcu);
  signal(*a, flag, base, 20);
  device.synchronize();
  check("flags: reached beyond the wrap", readWord(flag) == 12u);

  await(*b, flag, StepBase{100, step}, 0);
  pause();
  const bool stood = !idle(*b);
  writeWord(flag, 1000);
  synchronize(*b);
  check("flags: the host sets one, as when a run is given up", stood);

  awaitGate(*b, gate, 7);
  pause();
  const bool closed = !idle(*b);
  setGate(*a, gate, 7);
  device.synchronize();
  check("gates: closed until the value is there", closed && readWord(gate) == 7u);
}

void checkGraphs(Device& device) {
  constexpr std::size_t BYTES = 1 << 20;
  constexpr int LAUNCHES = 3;
  Pinned memory(device, 4096), out(device, BYTES), back(device, BYTES);
  std::uint32_t* const flag = memory.as<std::uint32_t>();
  std::uint32_t* const gate = flag + 16;
  std::uint32_t* const peer = flag + 32;
  const auto stepMemory = device.buffer(4), data = device.buffer(BYTES);
  auto* const step = reinterpret_cast<std::uint32_t*>(stepMemory->data());
  const auto origin = device.stream("origin"), side = device.stream("side"), outside = device.stream("outside");
  const auto fork = device.event(false), join = device.event(false), foreign = device.event(false);
  const auto from = device.event(true), to = device.event(true);
  fill(*origin, stepMemory->data(), 0, 4);
  record(*outside, *foreign);
  device.synchronize();

  const StepBase base{0, step};
  beginCapture(device, *origin);
  record(*origin, *fork);
  wait(*side, *fork);
  wait(*side, *foreign);  // from outside: dropped
  copyToDevice(*side, data->data(), out.as(), BYTES);
  setGate(*side, gate, 1);
  signal(*side, flag, base, 1);
  await(*origin, flag, base, 1);
  record(*origin, *from);
  delay(*origin, 100e-6);
  record(*origin, *to);
  wait(*side, *to);
  await(*side, peer, base, 2);
  copyToHost(*side, back.as(), data->data(), BYTES);
  awaitGate(*side, gate, 1);
  setGate(*side, gate, 2);
  record(*side, *join);
  wait(*origin, *join);
  advance(*origin, base, 2);
  const auto graph = endCapture(device, *origin);
  pause();
  check("graphs: nothing of a capture runs", readWord(flag) == 0 && readWord(gate) == 0);

  bool stood = true, moved = true, counted = true, timed = true;
  for (std::uint32_t n = 0; n < LAUNCHES; ++n) {
    fillBytes(out, n);
    launch(*origin, *graph);
    wait(*outside, *join);  // recorded in a capture: behind the latest launch
    pause();
    stood = stood && !idle(*origin) && !idle(*outside) && readWord(flag) == 2 * n + 1;
    writeWord(peer, 2 * n + 2);
    synchronize(*outside);
    moved = moved && std::memcmp(out.as(), back.as(), BYTES) == 0 && readWord(gate) == 2;
    std::uint32_t now = 0;
    copyToHost(*origin, &now, step, sizeof now);
    synchronize(*origin);
    counted = counted && now == 2 * n + 2;
    const double seconds = elapsedS(*from, *to);
    timed = timed && seconds > 98e-6 && seconds < 150e-6;
  }
  check("graphs: a launch stands at a flag that is not there yet", stood);
  check("graphs: each of three launches moves its own bytes", moved);
  check("graphs: the step's base grows on the device", counted);
  check("graphs: timed events inside a graph", timed);

  beginCapture(device, *origin);
  check("graphs: two captures at once are refused", throws<RunError>([&] { beginCapture(device, *outside); }));
  record(*origin, *fork);
  wait(*side, *fork);
  delay(*side, 1e-6);
  check("graphs: a stream that is not joined back is an error", throws<RunError>([&] { endCapture(device, *origin); }));
  delay(*side, 1e-6);
  device.synchronize();
  check("graphs: streams work again behind a capture that failed", idle(*side) && idle(*origin));
}

void checkMemory(Device& device) {
  const std::size_t before = device.memory().allocatedBytes;
  {
    const auto own = device.pages(1), shared = device.pages(3 * MEBIBYTE);
    check("pages: whole pages", own->bytes() == DEVICE_PAGE_BYTES && shared->bytes() == 2 * DEVICE_PAGE_BYTES);
    Pages* const first[] = {own.get(), shared.get()};
    Pages* const second[] = {shared.get()};
    const auto both = device.view(first), one = device.view(second);
    const auto stream = device.stream("memory");
    Pinned back(device, 3 * DEVICE_PAGE_BYTES);
    fill(*stream, both->data(), 1, 3 * DEVICE_PAGE_BYTES);
    synchronize(*stream);
    fill(*stream, one->data() + 5, 9, 2 * DEVICE_PAGE_BYTES - 5);
    synchronize(*stream);
    copyToHost(*stream, back.as(), both->data(), back.bytes());
    synchronize(*stream);
    const auto* mine = back.as<unsigned char>() + DEVICE_PAGE_BYTES;
    check("view: the same pages in two views are the same memory",
          mine[-1] == 1 && mine[4] == 1 && mine[5] == 9 && mine[2 * DEVICE_PAGE_BYTES - 1] == 9);
    check("memory: pages are counted", device.memory().allocatedBytes == before + 3 * DEVICE_PAGE_BYTES);
    check("memory: the device says at least as much",
          device.memory().deviceUsedBytes >= device.memory().allocatedBytes);
  }
  check("memory: what goes is given back", device.memory().allocatedBytes == before);
  check("memory: more than there is, is refused",
        throws<RunError>([&] { device.pages(std::size_t{1} << 50); }) && device.memory().allocatedBytes == before);
  check("device: one that is not there is refused", throws<UserError>([] { Device::open(Device::count()); }));
}

void checkChecksums(Device& device) {
  constexpr std::size_t BYTES = 5 * MEBIBYTE + 3;
  Pinned host(device, BYTES), sums(device, 8192 * 8);
  fillBytes(host, 3);
  const auto data = device.buffer(BYTES), results = device.buffer(sums.bytes());
  const auto stream = device.stream("sums");
  copyToDevice(*stream, data->data(), host.as(), BYTES);
  struct Case {
    std::size_t offset, bytes, chunk;
  };
  for (const Case& of : {Case{0, BYTES, MEBIBYTE}, Case{0, BYTES, BYTES}, Case{0, 1, 16}, Case{0, 999'999, 4096},
                         Case{4, 3 * MEBIBYTE, 1000}, Case{1, 70'001, 300'000}}) {
    const std::size_t chunks = (of.bytes + of.chunk - 1) / of.chunk;
    checksum(*stream, data->data() + of.offset, of.bytes, of.chunk, reinterpret_cast<std::uint64_t*>(results->data()));
    copyToHost(*stream, sums.as(), results->data(), chunks * 8);
    synchronize(*stream);
    bool same = true;
    for (std::size_t i = 0; i < chunks; ++i) {
      const std::size_t at = i * of.chunk;
      same = same && sums.as<std::uint64_t>()[i] ==
                         checksumOnHost(host.as() + of.offset + at, std::min(of.chunk, of.bytes - at));
    }
    check("checksum: " + std::to_string(of.bytes) + " bytes from " + std::to_string(of.offset) + " in chunks of " +
              std::to_string(of.chunk) + " as on the host",
          same);
  }
}

/// A bf16 matrix on the device with random values.
class Matrix {
 public:
  Matrix(Device& device, Compute& compute, std::int64_t rows, std::int64_t stride, std::uint64_t seed,
         float scale = 1.0f)
      : compute_(compute),
        count_(rows * stride),
        stride_(stride),
        seed_(seed),
        scale_(scale),
        buffer_(device.buffer(static_cast<std::size_t>(count_) * sizeof(bf16))) {
    reset();
  }
  void reset() { fillRandom(compute_, seed_, 0, scale_, 0.0f, count_, data()); }
  bf16* data() const { return reinterpret_cast<bf16*>(buffer_->data()); }
  std::int64_t stride() const { return stride_; }
  /// The value that it was filled with.
  double filled(std::int64_t row, std::int64_t column) const {
    return toFloat(toBf16(valueAt(seed_, static_cast<std::uint64_t>(row * stride_ + column)) * scale_));
  }
  std::vector<bf16> row(std::int64_t row) const {
    std::vector<bf16> values(static_cast<std::size_t>(stride_));
    copyToHost(compute_.stream(), values.data(), data() + row * stride_, values.size() * sizeof(bf16));
    synchronize(compute_.stream());
    return values;
  }
  std::uint64_t digestNow() const { return digest(compute_, count_ / stride_, stride_, data(), stride_); }

 private:
  Compute& compute_;
  std::int64_t count_, stride_;
  std::uint64_t seed_;
  float scale_;
  std::unique_ptr<DeviceBuffer> buffer_;
};

/// Rows of a large result that are looked at: the first ones, the last ones and some between.
std::vector<std::int64_t> sampledRows(std::int64_t rows) {
  std::vector<std::int64_t> sampled{0, 1, rows / 3, rows / 2 + 1, rows - 2, rows - 1};
  for (std::int64_t& row : sampled) row = std::clamp<std::int64_t>(row, 0, rows - 1);
  return sampled;
}

/// Compares sampled rows, every `step`th column, by the norm of the difference.
void compareRows(const std::string& name, const Matrix& out, std::int64_t rows, std::int64_t width, std::int64_t step,
                 const std::function<double(std::int64_t, std::int64_t)>& reference) {
  double difference = 0, norm = 0;
  for (const std::int64_t row : sampledRows(rows)) {
    const std::vector<bf16> values = out.row(row);
    for (std::int64_t c = 0; c < width; c += step) {
      const double expected = reference(row, c);
      difference += std::pow(toFloat(values[c]) - expected, 2);
      norm += expected * expected;
    }
  }
  const double relative = std::sqrt(difference / norm);
  char text[32];
  std::snprintf(text, sizeof text, " (error %.1e)", relative);
  check(name + text, norm > 0 && relative < 5e-3);
}

void checkLargeGemm(Device& device, Compute& compute, const GemmShape& shape, bool isBiased) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(shape.in));
  const Matrix in(device, compute, shape.rows, shape.inStride, 1),
      weight(device, compute, shape.out, shape.weightStride, 2, scale);
  const Matrix bias(device, compute, 1, shape.out, 3);
  Matrix out(device, compute, shape.rows, shape.outStride, 4);
  const std::string name = "gemm: " + std::to_string(shape.rows) + " x " + std::to_string(shape.in) + " x " +
                           std::to_string(shape.out) + (isBiased ? ", bias" : "") +
                           (shape.accumulate ? ", accumulating" : "");
  gemm(compute, shape, in.data(), weight.data(), isBiased ? bias.data() : nullptr, out.data());
  compareRows(name, out, shape.rows, shape.out, 97, [&](std::int64_t row, std::int64_t column) {
    double sum = (shape.accumulate ? out.filled(row, column) : 0) + (isBiased ? bias.filled(0, column) : 0);
    for (std::int64_t k = 0; k < shape.in; ++k) sum += in.filled(row, k) * weight.filled(column, k);
    return sum;
  });
  const std::uint64_t once = out.digestNow();
  bool isSame = true;
  for (int i = 0; i < 3; ++i) {
    out.reset();
    gemm(compute, shape, in.data(), weight.data(), isBiased ? bias.data() : nullptr, out.data());
    isSame = isSame && out.digestNow() == once;
  }
  check(name + ": the same bits every time", isSame);
}

void checkLargeAttention(Device& device, Compute& compute, const AttentionShape& shape) {
  const Matrix q(device, compute, shape.queryRows, shape.qStride, 1),
      k(device, compute, shape.keyRows, shape.kStride, 2);
  const Matrix v(device, compute, shape.keyRows, shape.vStride, 3);
  Matrix out(device, compute, shape.queryRows, shape.outStride, 4);
  const std::string name = "attention: " + std::to_string(shape.queryRows) + " x " + std::to_string(shape.keyRows) +
                           ", " + std::to_string(shape.heads) + " heads of " + std::to_string(shape.headDim);
  attention(compute, shape, q.data(), k.data(), v.data(), out.data());
  const std::int64_t head = shape.heads - 1, first = head * shape.headDim;
  double difference = 0, norm = 0;
  for (const std::int64_t row : sampledRows(shape.queryRows)) {
    std::vector<double> mixed(static_cast<std::size_t>(shape.headDim));
    double total = 0;
    for (std::int64_t key = 0; key < shape.keyRows; ++key) {
      double score = 0;
      for (std::int64_t d = first; d < first + shape.headDim; ++d) score += q.filled(row, d) * k.filled(key, d);
      const double share = std::exp(score / std::sqrt(static_cast<double>(shape.headDim)));
      total += share;
      for (std::int64_t d = 0; d < shape.headDim; ++d) mixed[d] += share * v.filled(key, first + d);
    }
    const std::vector<bf16> values = out.row(row);
    for (std::int64_t d = 0; d < shape.headDim; ++d) {
      difference += std::pow(toFloat(values[first + d]) - mixed[d] / total, 2);
      norm += std::pow(mixed[d] / total, 2);
    }
  }
  // Weights of single keys are rounded to bf16 on the way.
  check(name, norm > 0 && std::sqrt(difference / norm) < 1e-2);
  const std::uint64_t once = out.digestNow();
  bool isSame = true;
  for (int i = 0; i < 3; ++i) {
    out.reset();
    attention(compute, shape, q.data(), k.data(), v.data(), out.data());
    isSame = isSame && out.digestNow() == once;
  }
  check(name + ": the same bits every time", isSame);
}

/// Mean and 1 / root of a group of `width` filled values, kept while the same group is asked for.
class Moments {
 public:
  Moments(NormKind kind, double epsilon) : kind_(kind), epsilon_(epsilon) {}
  double normed(const Matrix& data, std::int64_t row, std::int64_t first, std::int64_t width, std::int64_t column) {
    if (row != row_ || first != first_) {
      mean_ = 0;
      double squares = 0;
      for (std::int64_t i = first; kind_ == NormKind::Layer && i < first + width; ++i) {
        mean_ += data.filled(row, i) / static_cast<double>(width);
      }
      for (std::int64_t i = first; i < first + width; ++i) squares += std::pow(data.filled(row, i) - mean_, 2);
      inverse_ = 1 / std::sqrt(squares / static_cast<double>(width) + epsilon_);
      row_ = row;
      first_ = first;
    }
    return (data.filled(row, column) - mean_) * inverse_;
  }

 private:
  NormKind kind_;
  double epsilon_, mean_ = 0, inverse_ = 0;
  std::int64_t row_ = -1, first_ = -1;
};

void checkRowNorms(Device& device, Compute& compute, NormKind kind, std::int64_t width, std::int64_t stride) {
  constexpr std::int64_t ROWS = 515;
  const Matrix in(device, compute, ROWS, stride, 1), weight(device, compute, 1, width, 2),
      bias(device, compute, 1, width, 3);
  const Matrix a(device, compute, 1, width, 4), b(device, compute, 1, width, 5), c(device, compute, 1, width, 6);
  Matrix out(device, compute, ROWS, stride, 7);
  const float epsilon = 0.25f;
  normRows(compute, {.rows = ROWS, .width = width, .inStride = stride, .outStride = stride}, in.data(),
           {kind, epsilon, weight.data(), bias.data()}, {a.data(), b.data(), c.data(), nullptr}, out.data());
  Moments moments(kind, epsilon);
  const std::string name = std::string("normRows: ") + (kind == NormKind::Layer ? "LayerNorm, " : "RMS, ");
  compareRows(name + std::to_string(width) + " of " + std::to_string(stride), out, ROWS, width, 1,
              [&](std::int64_t row, std::int64_t i) {
                const double normed = moments.normed(in, row, 0, width, i);
                return (normed * weight.filled(0, i) + bias.filled(0, i)) * (1 + c.filled(0, i)) + a.filled(0, i) +
                       b.filled(0, i);
              });
}

void checkQkNorms(Device& device, Compute& compute, NormKind kind, RotaryPairs pairs, bool wholeRow, std::int64_t dim,
                  std::int64_t width, std::int64_t stride) {
  constexpr std::int64_t ROWS = 515;
  const bool halves = pairs == RotaryPairs::Halves;
  const std::int64_t tableWidth = wholeRow ? width : dim;
  const Matrix weight(device, compute, 1, width, 2), bias(device, compute, 1, width, 3);
  Matrix out(device, compute, ROWS, stride, 7);
  std::vector<float> table(static_cast<std::size_t>(ROWS * tableWidth));
  for (std::size_t i = 0; i < table.size(); i += 2) {
    table[i] = std::cos(0.37f * static_cast<float>(i % 100'000));
    table[i + 1] = std::sin(0.37f * static_cast<float>(i % 100'000));
  }
  const auto onDevice = device.buffer(table.size() * sizeof(float));
  copyToDevice(compute.stream(), onDevice->data(), table.data(), onDevice->bytes());
  for (const std::int64_t normWidth : {dim, width}) {
    out.reset();
    qkNorm(compute, {.rows = ROWS, .width = width, .normWidth = normWidth, .stride = stride}, out.data(),
           {kind, 1e-5f, weight.data(), bias.data()},
           {reinterpret_cast<const float*>(onDevice->data()), tableWidth, dim, pairs});
    const std::string name = std::string("qkNorm: ") + (kind == NormKind::Layer ? "LayerNorm" : "RMS") + " over " +
                             std::to_string(normWidth) + ", heads of " + std::to_string(dim) + ", " +
                             std::to_string(width) + " of " + std::to_string(stride) +
                             (halves ? ", halves" : ", neighbours") + (wholeRow ? ", a table for the row" : "");
    Moments moments(kind, 1e-5);
    compareRows(name, out, ROWS, width, 1, [&](std::int64_t row, std::int64_t column) {
      const auto scaled = [&](std::int64_t i) {
        return moments.normed(out, row, i / normWidth * normWidth, normWidth, i) * weight.filled(0, i % normWidth) +
               bias.filled(0, i % normWidth);
      };
      const std::int64_t inHead = column % dim, head = column - inHead;
      const std::int64_t pair = halves ? inHead % (dim / 2) : inHead / 2;
      const bool isFirst = halves ? inHead < dim / 2 : inHead % 2 == 0;
      const double first = scaled(head + (halves ? pair : 2 * pair));
      const double second = scaled(head + (halves ? pair + dim / 2 : 2 * pair + 1));
      const float* turn = &table[static_cast<std::size_t>(row * tableWidth + head % tableWidth + 2 * pair)];
      return isFirst ? first * turn[0] - second * turn[1] : first * turn[1] + second * turn[0];
    });
  }
}

void checkNorms(Device& device, Compute& compute, std::int64_t width, std::int64_t stride) {
  for (const NormKind kind : {NormKind::Layer, NormKind::Rms}) {
    checkRowNorms(device, compute, kind, width, stride);
    for (const std::int64_t dim : {std::int64_t{64}, std::int64_t{128}}) {
      for (const RotaryPairs pairs : {RotaryPairs::Neighbours, RotaryPairs::Halves}) {
        checkQkNorms(device, compute, kind, pairs, false, dim, width, stride);
      }
      checkQkNorms(device, compute, kind, RotaryPairs::Neighbours, true, dim, width, stride);
    }
  }
}

void checkElementwise(Device& device, Compute& compute, std::int64_t width, std::int64_t stride) {
  constexpr std::int64_t ROWS = 777;
  const std::string of = ": " + std::to_string(width) + " of " + std::to_string(stride);
  const Matrix wide(device, compute, ROWS, 2 * stride, 1), gateA(device, compute, 1, width, 2),
      gateB(device, compute, 1, width, 3);
  Matrix data(device, compute, ROWS, stride, 4, 3.0f);
  const RowsShape inPlace{.rows = ROWS, .width = width, .inStride = stride, .outStride = stride};
  const RowsShape fromWide{.rows = ROWS, .width = width, .inStride = 2 * stride, .outStride = stride};
  const std::pair<Activation, std::function<double(double)>> activations[] = {
      {Activation::GeluTanh,
       [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }},
      {Activation::Gelu, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }},
      {Activation::Silu, [](double x) { return x / (1 + std::exp(-x)); }}};
  for (const auto& [activation, expected] : activations) {
    const std::string name = "activate " + std::to_string(static_cast<int>(activation)) + of;
    data.reset();
    activate(compute, activation, inPlace, data.data(), data.data());
    compareRows(name + ", in place", data, ROWS, width, 1,
                [&](std::int64_t row, std::int64_t column) { return expected(data.filled(row, column)); });
    data.reset();
    activate(compute, activation, fromWide, wide.data(), data.data());
    compareRows(name + ", from another matrix", data, ROWS, width, 1,
                [&](std::int64_t row, std::int64_t column) { return expected(wide.filled(row, column)); });
  }
  data.reset();
  swiglu(compute, fromWide, wide.data(), data.data());
  compareRows("swiglu" + of, data, ROWS, width, 1, [&](std::int64_t row, std::int64_t column) {
    const double x = wide.filled(row, column);
    return x / (1 + std::exp(-x)) * wide.filled(row, width + column);
  });
  data.reset();
  gatedResidual(compute, {.rows = ROWS, .width = width, .residualStride = stride, .updateStride = 2 * stride}, data.data(),
                wide.data(), gateA.data(), gateB.data());
  compareRows("gatedResidual" + of, data, ROWS, width, 1, [&](std::int64_t row, std::int64_t column) {
    return data.filled(row, column) + (gateA.filled(0, column) + gateB.filled(0, column)) * wide.filled(row, column);
  });
  data.reset();
  copyRows(compute, fromWide, wide.data(), data.data());
  bool isExact = true;
  for (const std::int64_t row : sampledRows(ROWS)) {
    const std::vector<bf16> values = data.row(row);
    for (std::int64_t i = 0; i < stride; ++i) {
      isExact = isExact && toFloat(values[i]) == (i < width ? wide.filled(row, i) : data.filled(row, i));
    }
  }
  check("copyRows" + of, isExact);
}

/// Median of several times of `work` on the device, in seconds.
double timeOf(Device& device, Stream& stream, const std::function<void()>& work) {
  const auto from = device.event(true), to = device.event(true);
  std::vector<double> times;
  for (int i = 0; i < 13; ++i) {
    record(stream, *from);
    work();
    record(stream, *to);
    synchronize(stream);
    if (i >= 3) times.push_back(elapsedS(*from, *to));
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void printTimings(Device& device, Compute& compute) {
  constexpr std::int64_t ROWS = 8190, WIDTH = 5120, MLP = 13824, TOKENS = 16380, HEADS = 20, DIM = 128;
  Stream& stream = compute.stream();
  {
    const Matrix in(device, compute, ROWS, WIDTH, 1), weight(device, compute, MLP, WIDTH, 2),
        bias(device, compute, 1, MLP, 3);
    const Matrix out(device, compute, ROWS, MLP, 4);
    const double s = timeOf(device, stream, [&] {
      gemm(compute, {ROWS, WIDTH, MLP, WIDTH, WIDTH, MLP}, in.data(), weight.data(), bias.data(), out.data());
    });
    std::printf("gemm 8190 x 5120 x 13824: %.3f ms, %.0f TFLOP/s\n", s * 1e3, 2e-12 * ROWS * WIDTH * MLP / s);
    const double norm = timeOf(device, stream, [&] {
      normRows(compute, {.rows = ROWS, .width = WIDTH, .inStride = WIDTH, .outStride = WIDTH}, in.data(),
               {NormKind::Layer, 1e-6f, nullptr, nullptr}, {bias.data(), bias.data(), bias.data(), bias.data()}, out.data());
    });
    std::printf("normRows 8190 x 5120: %.1f us, %.2f TB/s\n", norm * 1e6, 4e-12 * ROWS * WIDTH / norm);
    const double qk = timeOf(device, stream, [&] {
      qkNorm(compute, {.rows = ROWS, .width = WIDTH, .normWidth = WIDTH, .stride = MLP}, out.data(),
             {NormKind::Rms, 1e-6f, bias.data(), nullptr}, {});
    });
    std::printf("qkNorm 8190 x 5120 over the row: %.1f us, %.2f TB/s\n", qk * 1e6, 4e-12 * ROWS * WIDTH / qk);
    const double curve = timeOf(device, stream, [&] {
      activate(compute, Activation::GeluTanh, {.rows = ROWS, .width = MLP, .inStride = MLP, .outStride = MLP}, out.data(),
               out.data());
    });
    std::printf("gelu 8190 x 13824: %.1f us, %.2f TB/s\n", curve * 1e6, 4e-12 * ROWS * MLP / curve);
  }
  {
    constexpr std::int64_t STRIDE = HEADS * DIM;
    const Matrix q(device, compute, TOKENS, STRIDE, 1), k(device, compute, TOKENS, STRIDE, 2),
        v(device, compute, TOKENS, STRIDE, 3);
    const Matrix out(device, compute, TOKENS, STRIDE, 4);
    const double s = timeOf(device, stream, [&] {
      attention(compute, {TOKENS, TOKENS, HEADS, DIM, STRIDE, STRIDE, STRIDE, STRIDE}, q.data(), k.data(), v.data(),
                out.data());
    });
    std::printf("attention 16380 x 16380, 20 heads of 128: %.3f ms, %.0f TFLOP/s\n", s * 1e3,
                4e-12 * TOKENS * TOKENS * HEADS * DIM / s);
  }
  constexpr std::size_t GIBIBYTE = std::size_t{1} << 30;
  Pinned host(device, GIBIBYTE);
  const auto onDevice = device.buffer(GIBIBYTE), sums = device.buffer(8192);
  const double copy = timeOf(device, stream, [&] { copyToDevice(stream, onDevice->data(), host.as(), GIBIBYTE); });
  std::printf("copy of 1 GiB to the device: %.2f ms, %.1f GB/s\n", copy * 1e3, 1e-9 * GIBIBYTE / copy);
  const double sum = timeOf(device, stream, [&] {
    checksum(stream, onDevice->data(), GIBIBYTE, 16 * MEBIBYTE, reinterpret_cast<std::uint64_t*>(sums->data()));
  });
  std::printf("checksum of 1 GiB: %.1f us, %.2f TB/s\n", sum * 1e6, 1e-12 * GIBIBYTE / sum);
}

void checkAll(bool withTimings) {
  const auto device = Device::open(0);
  const DeviceInfo info = device->info();
  std::printf("%s, %s, driver %s, CUDA %s, %s, NUMA node %d; %s\n", info.name.c_str(), info.uuid.c_str(),
              info.driver.c_str(), info.cuda.c_str(), info.pciBus.c_str(), info.numaNode, Compute::libraries());
  const DeviceClock clock = device->clock();
  std::printf("clock %.0f MHz, %.0f W, %.0f C; %zu bytes in use before, %zu now\n", clock.smHz * 1e-6, clock.powerW,
              clock.temperatureC, device->memory().deviceUsedBeforeBytes, device->memory().deviceUsedBytes);
  checkCopiesAndEvents(*device);
  checkDelay(*device);
  checkFlags(*device);
  checkGraphs(*device);
  checkMemory(*device);
  checkChecksums(*device);

  const auto stream = device->stream("compute");
  Compute compute(*device, *stream, 64 * MEBIBYTE);
  for (const auto& [width, stride] : {std::pair<std::int64_t, std::int64_t>{128, 128},
                                      {3072, 3080},
                                      {5120, 5120},
                                      {5120, 5121},
                                      {3072, 9216},
                                      {15360, 15360},
                                      {18432, 18432}}) {
    checkNorms(*device, compute, width, stride);
  }
  for (const auto& [width, stride] :
       {std::pair<std::int64_t, std::int64_t>{128, 128}, {3072, 3080}, {5120, 5121}, {13824, 13824}}) {
    checkElementwise(*device, compute, width, stride);
  }
  checkLargeGemm(*device, compute, {8190, 5120, 13824, 5120, 5120, 13824}, true);
  checkLargeGemm(*device, compute, {4095, 3072, 3072, 9216, 3072, 12288, true}, true);
  checkLargeGemm(*device, compute, {1, 256, 3072, 256, 256, 3072}, true);
  checkLargeGemm(*device, compute, {512, 12288, 3072, 12288, 15360, 3072, true}, false);
  checkLargeAttention(*device, compute, {16380, 16380, 20, 128, 2560, 2560, 2560, 2560});
  checkLargeAttention(*device, compute, {4095, 512, 40, 128, 5120, 10240, 10240, 5120});
  checkLargeAttention(*device, compute, {4608, 4608, 12, 64, 2304, 2304, 2304, 768});
  if (withTimings) printTimings(*device, compute);
}

}  // namespace
}  // namespace chunkflow

int main(int argc, char** argv) {
  const bool withTimings = argc > 1 && std::strcmp(argv[1], "--timings") == 0;
  try {
    chunkflow::checkAll(withTimings);
  } catch (const chunkflow::UserError& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "FAIL %s\n", error.what());
    return 1;
  }
  return chunkflow::failedChecks == 0 ? 0 : 1;
}
