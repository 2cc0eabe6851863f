// Elementwise work of a block on a GPU. Every kernel here reads and writes each element once.
#include <limits>

#include "base/random.hpp"
#include "compute/cuda/compute.hpp"
#include "compute/cuda/vectors.cuh"
#include "device/cuda/errors.hpp"

namespace chunkflow {
namespace {

constexpr int THREADS = 256;

/// Item i of `work`, which knows what it is: row i / perRow, place i % perRow.
template <typename Work>
__global__ void __launch_bounds__(THREADS) itemsKernel(std::uint32_t items, std::uint32_t perRow, Work work) {
  const std::uint32_t item = blockIdx.x * THREADS + threadIdx.x;
  if (item < items) work(std::int64_t{item / perRow}, std::int64_t{item % perRow} * Work::COUNT);
}

template <typename Work>
void runItems(cudaStream_t stream, const char* name, std::int64_t rows, std::int64_t width, const Work& work) {
  const std::int64_t items = rows * (width / Work::COUNT);
  if (items == 0) return;
  if (items > std::numeric_limits<std::int32_t>::max()) {
    throw RunError(std::string(name) + ": " + std::to_string(rows) + " rows of " + std::to_string(width) +
                   " elements are more than one call can do; split the rows");
  }
  const auto blocks = static_cast<unsigned>((items + THREADS - 1) / THREADS);
  itemsKernel<<<blocks, THREADS, 0, stream>>>(static_cast<std::uint32_t>(items),
                                              static_cast<std::uint32_t>(width / Work::COUNT), work);
  checkLaunch(name);
}

/// Calls run.template operator()<COUNT>() with the most elements at a time that sizes and pointers allow.
template <typename Run>
void byVector(bool isVector, const Run& run) {
  if (isVector) {
    run.template operator()<VECTOR>();
  } else {
    run.template operator()<1>();
  }
}

template <typename... Sizes>
bool areVectors(Sizes... sizes) {
  return ((sizes % VECTOR == 0) && ...);
}

template <typename... Pointers>
bool areAligned(Pointers... pointers) {
  return (isVectorAligned(pointers) && ...);
}

/// x times the sigmoid of `of`, by the hardware's base-2 exponential: relative error about 1e-6, far below bf16's 4e-3.
/// Where the exponential overflows the quotient is 0, as it should be.
__device__ float timesSigmoid(float x, float of) { return __fdividef(x, 1.0f + __expf(-of)); }

template <Activation ACTIVATION>
__device__ float activated(float x) {
  if constexpr (ACTIVATION == Activation::GeluTanh) {
    // (1 + tanh(u)) / 2 is the sigmoid of 2 u.
    constexpr float TWICE_ROOT_2_OVER_PI = 1.5957691216057308f;
    return timesSigmoid(x, TWICE_ROOT_2_OVER_PI * (x + 0.044715f * x * x * x));
  } else if constexpr (ACTIVATION == Activation::Gelu) {
    return x * normcdff(x);
  } else {
    static_assert(ACTIVATION == Activation::Silu);
    return timesSigmoid(x, x);
  }
}

template <int N, Activation ACTIVATION>
struct Activate {
  static constexpr int COUNT = N;
  const bf16* in;
  bf16* out;
  std::int64_t inStride, outStride;
  __device__ void operator()(std::int64_t row, std::int64_t column) const {
    float x[N];
    load(in + row * inStride + column, x);
#pragma unroll
    for (int i = 0; i < N; ++i) x[i] = activated<ACTIVATION>(x[i]);
    store(out + row * outStride + column, x);
  }
};

template <int N>
struct Swiglu {
  static constexpr int COUNT = N;
  const bf16* in;
  bf16* out;
  std::int64_t width, inStride, outStride;
  __device__ void operator()(std::int64_t row, std::int64_t column) const {
    float gate[N], value[N];
    load(in + row * inStride + column, gate);
    load(in + row * inStride + width + column, value);
#pragma unroll
    for (int i = 0; i < N; ++i) value[i] *= timesSigmoid(gate[i], gate[i]);
    store(out + row * outStride + column, value);
  }
};

template <int N>
struct GatedResidual {
  static constexpr int COUNT = N;
  bf16* residual;
  const bf16* update;
  const bf16 *gateA, *gateB;
  std::int64_t residualStride, updateStride;
  __device__ void operator()(std::int64_t row, std::int64_t column) const {
    const float always = gateA == nullptr && gateB == nullptr ? 1.0f : 0.0f;
    float gate[N], sum[N], add[N];
#pragma unroll
    for (int i = 0; i < N; ++i) gate[i] = always;
    addOptional(gateA, column, gate);
    addOptional(gateB, column, gate);
    load(residual + row * residualStride + column, sum);
    load(update + row * updateStride + column, add);
#pragma unroll
    for (int i = 0; i < N; ++i) sum[i] += gate[i] * add[i];
    store(residual + row * residualStride + column, sum);
  }
};

template <int N>
struct CopyRows {
  static constexpr int COUNT = N;
  const bf16* from;
  bf16* to;
  std::int64_t fromStride, toStride;
  __device__ void operator()(std::int64_t row, std::int64_t column) const {
    move<N>(to + row * toStride + column, from + row * fromStride + column);
  }
};

template <int N>
struct Pack {
  static constexpr int COUNT = N;
  PackHeads shape;
  const bf16* in;
  bf16 *send, *own;
  /// `place` counts through the row's parts, one behind the other.
  __device__ void operator()(std::int64_t row, std::int64_t place) const {
    const auto width = static_cast<std::uint32_t>(shape.width);
    const std::uint32_t share = width / shape.peers;
    const std::uint32_t tensor = static_cast<std::uint32_t>(place) / width;
    const std::uint32_t column = static_cast<std::uint32_t>(place) % width;
    const std::uint32_t peer = column / share;
    const std::int64_t offset = tensor == 0   ? shape.partOffset[0]
                                : tensor == 1 ? shape.partOffset[1]
                                              : shape.partOffset[2];
    bf16* const message = static_cast<int>(peer) == shape.self ? own : send + peer * shape.rows * shape.tensors * share;
    move<N>(message + (row * shape.tensors + tensor) * share + column % share,
            in + row * shape.inStride + offset + column);
  }
};

template <int N>
struct Unpack {
  static constexpr int COUNT = N;
  UnpackHeads shape;
  const bf16 *received, *own;
  bf16* out;
  __device__ void operator()(std::int64_t row, std::int64_t place) const {
    const auto column = static_cast<std::uint32_t>(place);
    const std::uint32_t share = static_cast<std::uint32_t>(shape.width) / shape.peers;
    const std::uint32_t peer = column / share;
    const bf16* const message = static_cast<int>(peer) == shape.self ? own : received + peer * shape.rows * share;
    move<N>(out + row * shape.outStride + column, message + row * share + column % share);
  }
};

constexpr int MOST_PARTS = 16;

template <int N>
struct SumParts {
  static constexpr int COUNT = N;
  const bf16* parts[MOST_PARTS];
  int count;
  bf16* out;
  __device__ void operator()(std::int64_t, std::int64_t at) const {
    float sum[N] = {};
    for (int p = 0; p < count; ++p) addOptional(parts[p], at, sum);
    store(out + at, sum);
  }
};

struct FillRandom {
  static constexpr int COUNT = 1;
  std::uint64_t seed, first;
  float scale, offset;
  bf16* data;
  __device__ void operator()(std::int64_t, std::int64_t at) const {
    // Not fused: the host rounds the product too, and both must make the same bits.
    const float value[1] = {__fadd_rn(__fmul_rn(valueAt(seed, first + at), scale), offset)};
    store(data + at, value);
  }
};

}  // namespace

namespace {

bool areVectors(const RowsShape& shape) { return areVectors(shape.width, shape.inStride, shape.outStride); }

template <Activation ACTIVATION>
void runActivation(Compute& compute, const RowsShape& shape, const bf16* in, bf16* out) {
  byVector(areVectors(shape) && areAligned(in, out), [&]<int N> {
    runItems(cudaStreamOf(compute), "activation", shape.rows, shape.width,
             Activate<N, ACTIVATION>{in, out, shape.inStride, shape.outStride});
  });
}

}  // namespace

void activate(Compute& compute, Activation activation, const RowsShape& shape, const bf16* in, bf16* out) {
  switch (activation) {
    case Activation::GeluTanh:
      runActivation<Activation::GeluTanh>(compute, shape, in, out);
      return;
    case Activation::Gelu:
      runActivation<Activation::Gelu>(compute, shape, in, out);
      return;
    case Activation::Silu:
      runActivation<Activation::Silu>(compute, shape, in, out);
      return;
  }
}

void swiglu(Compute& compute, const RowsShape& shape, const bf16* in, bf16* out) {
  byVector(areVectors(shape) && areAligned(in, out), [&]<int N> {
    runItems(cudaStreamOf(compute), "swiglu", shape.rows, shape.width,
             Swiglu<N>{in, out, shape.width, shape.inStride, shape.outStride});
  });
}

void gatedResidual(Compute& compute, const ResidualShape& shape, bf16* residual, const bf16* update, const bf16* gateA,
                   const bf16* gateB) {
  const bool isVector = areVectors(shape.width, shape.residualStride, shape.updateStride) &&
                        areAligned(residual, update, gateA, gateB);
  byVector(isVector, [&]<int N> {
    runItems(cudaStreamOf(compute), "gated residual", shape.rows, shape.width,
             GatedResidual<N>{residual, update, gateA, gateB, shape.residualStride, shape.updateStride});
  });
}

void copyRows(Compute& compute, const RowsShape& shape, const bf16* in, bf16* out) {
  byVector(areVectors(shape) && areAligned(in, out), [&]<int N> {
    runItems(cudaStreamOf(compute), "copy of rows", shape.rows, shape.width,
             CopyRows<N>{in, out, shape.inStride, shape.outStride});
  });
}

void packHeads(Compute& compute, const PackHeads& shape, const bf16* in, bf16* send, bf16* own) {
  const bool isVector = areVectors(shape.width / shape.peers, shape.inStride, shape.partOffset[0], shape.partOffset[1],
                                   shape.partOffset[2]) &&
                        areAligned(in, send, own);
  byVector(isVector, [&]<int N> {
    runItems(cudaStreamOf(compute), "packing of heads", shape.rows, shape.tensors * shape.width,
             Pack<N>{shape, in, send, own});
  });
}

void unpackHeads(Compute& compute, const UnpackHeads& shape, const bf16* received, const bf16* own, bf16* out) {
  const bool isVector = areVectors(shape.width / shape.peers, shape.outStride) && areAligned(received, own, out);
  byVector(isVector, [&]<int N> {
    runItems(cudaStreamOf(compute), "unpacking of heads", shape.rows, shape.width,
             Unpack<N>{shape, received, own, out});
  });
}

void sumParts(Stream& stream, std::int64_t elements, const bf16* const* parts, int count, bf16* out) {
  if (count < 1 || count > MOST_PARTS) {
    throw RunError("sum of " + std::to_string(count) + " parts; expected 1 to " + std::to_string(MOST_PARTS));
  }
  bool isVector = areVectors(elements) && areAligned(out);
  for (int p = 0; p < count; ++p) isVector = isVector && areAligned(parts[p]);
  byVector(isVector, [&]<int N> {
    SumParts<N> work{};
    for (int p = 0; p < count; ++p) work.parts[p] = parts[p];
    work.count = count;
    work.out = out;
    runItems(cudaStreamOf(stream), "sum of parts", 1, elements, work);
  });
}

void fillRandom(Compute& compute, std::uint64_t seed, std::uint64_t first, float scale, float offset,
                std::int64_t count, bf16* data) {
  runItems(cudaStreamOf(compute), "random fill", 1, count, FillRandom{seed, first, scale, offset, data});
}

}  // namespace chunkflow
