// Norms of rows with modulation, and of Q and K with rotary embedding. Rows are read once, kept in registers, and written
// once.
#include <algorithm>

#include "compute/cuda/compute.hpp"
#include "compute/cuda/vectors.cuh"
#include "device/cuda/errors.hpp"

namespace chunkflow {
namespace {

constexpr int SCALAR_THREADS = 256;
constexpr int MOST_THREADS = 512;

struct RowNormArguments {
  std::int64_t width;
  const bf16* in;
  std::int64_t inStride;
  Norm norm;
  Modulation modulation;
  bf16* out;
  std::int64_t outStride;
};

/// Times weight, plus bias, of COUNT neighbours from place `at` of the normed row or group on.
template <int COUNT>
__device__ void normed(const Norm& norm, std::int64_t at, float mean, float inverse, float (&values)[COUNT]) {
#pragma unroll
  for (int i = 0; i < COUNT; ++i) values[i] = (values[i] - mean) * inverse;
  if (norm.weight != nullptr) {
    float weight[COUNT];
    load(norm.weight + at, weight);
#pragma unroll
    for (int i = 0; i < COUNT; ++i) values[i] *= weight[i];
  }
  addOptional(norm.bias, at, values);
}

/// The norm, then * (1 + scale) + shift, of COUNT neighbours.
template <int COUNT>
__device__ void modulated(const RowNormArguments& of, std::int64_t column, float mean, float inverse,
                          float (&values)[COUNT]) {
  float scale[COUNT], shift[COUNT];
#pragma unroll
  for (int i = 0; i < COUNT; ++i) {
    scale[i] = 1.0f;
    shift[i] = 0.0f;
  }
  normed(of.norm, column, mean, inverse, values);
  addOptional(of.modulation.scaleA, column, scale);
  addOptional(of.modulation.scaleB, column, scale);
  addOptional(of.modulation.shiftA, column, shift);
  addOptional(of.modulation.shiftB, column, shift);
#pragma unroll
  for (int i = 0; i < COUNT; ++i) values[i] = values[i] * scale[i] + shift[i];
}

/// One block a row; thread t holds vectors t, t + threads, ... of it, at most HELD.
template <int HELD>
__global__ void __launch_bounds__(MOST_THREADS) rowNormKernel(RowNormArguments of) {
  __shared__ float shared[32];
  const bf16* const in = of.in + blockIdx.x * of.inStride;
  bf16* const out = of.out + blockIdx.x * of.outStride;
  const int vectors = static_cast<int>(of.width / VECTOR);
  float held[HELD][VECTOR];
  float sum = 0.0f;
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    const int v = threadIdx.x + h * blockDim.x;
    if (v >= vectors) continue;
    load(in + v * VECTOR, held[h]);
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) sum += held[h][i];
  }
  // The mean is left out for all threads or for none.
  const float mean = of.norm.kind == NormKind::Layer ? blockSum(sum, shared) / of.width : 0.0f;
  float squares = 0.0f;
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    if (threadIdx.x + h * blockDim.x >= vectors) continue;
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) squares += (held[h][i] - mean) * (held[h][i] - mean);
  }
  const float inverse = rsqrtf(blockSum(squares, shared) / of.width + of.norm.epsilon);
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    const int v = threadIdx.x + h * blockDim.x;
    if (v >= vectors) continue;
    modulated(of, v * VECTOR, mean, inverse, held[h]);
    store(out + v * VECTOR, held[h]);
  }
}

/// Any width and alignment; reads the row three times.
__global__ void rowNormScalarKernel(RowNormArguments of) {
  __shared__ float shared[32];
  const bf16* const in = of.in + blockIdx.x * of.inStride;
  bf16* const out = of.out + blockIdx.x * of.outStride;
  float value[1];
  float sum = 0.0f;
  for (std::int64_t c = threadIdx.x; c < of.width; c += blockDim.x) {
    load(in + c, value);
    sum += value[0];
  }
  // The mean is left out for all threads or for none.
  const float mean = of.norm.kind == NormKind::Layer ? blockSum(sum, shared) / of.width : 0.0f;
  float squares = 0.0f;
  for (std::int64_t c = threadIdx.x; c < of.width; c += blockDim.x) {
    load(in + c, value);
    squares += (value[0] - mean) * (value[0] - mean);
  }
  const float inverse = rsqrtf(blockSum(squares, shared) / of.width + of.norm.epsilon);
  for (std::int64_t c = threadIdx.x; c < of.width; c += blockDim.x) {
    load(in + c, value);
    modulated(of, c, mean, inverse, value);
    store(out + c, value);
  }
}

struct QkNormArguments {
  std::int64_t rows, groupsPerRow, normWidth;
  bf16* data;
  std::int64_t stride;
  Norm norm;
  Rotary rotary;
};

/// Cosines and sines of the head that holds `column`, from angle `pair` of it on.
__device__ const float2* turnsOf(const Rotary& rotary, std::int64_t row, std::int64_t column, std::uint32_t inHead,
                                 std::uint32_t pair) {
  const std::uint32_t head = static_cast<std::uint32_t>(column) - inHead;
  return reinterpret_cast<const float2*>(rotary.table + row * rotary.width +
                                         head % static_cast<std::uint32_t>(rotary.width)) +
         pair;
}

__device__ std::uint32_t inHeadOf(const Rotary& rotary, std::int64_t column) {
  return static_cast<std::uint32_t>(column) % static_cast<std::uint32_t>(rotary.headDim);
}

/// Turns the pairs (2i, 2i + 1) among VECTOR neighbours from `column` of a row on.
__device__ void turnNeighbours(const Rotary& rotary, std::int64_t row, std::int64_t column, float (&values)[VECTOR]) {
  const std::uint32_t inHead = inHeadOf(rotary, column);
  const float2* const turns = turnsOf(rotary, row, column, inHead, inHead / 2);
#pragma unroll
  for (int i = 0; i < VECTOR; i += 2) {
    const float2 turn = turns[i / 2];
    const float even = values[i] * turn.x - values[i + 1] * turn.y;
    values[i + 1] = values[i + 1] * turn.x + values[i] * turn.y;
    values[i] = even;
  }
}

/// Turns VECTOR neighbours with their partners half a head away, which another thread holds.
__device__ void turnHalves(const Rotary& rotary, std::int64_t row, std::int64_t column, const float (&partners)[VECTOR],
                           float (&values)[VECTOR]) {
  const std::uint32_t inHead = inHeadOf(rotary, column);
  const auto half = static_cast<std::uint32_t>(rotary.headDim / 2);
  const bool isFirst = inHead < half;
  const float2* const turns = turnsOf(rotary, row, column, inHead, isFirst ? inHead : inHead - half);
#pragma unroll
  for (int i = 0; i < VECTOR; ++i) {
    const float2 turn = turns[i];
    values[i] = values[i] * turn.x + (isFirst ? -partners[i] : partners[i]) * turn.y;
  }
}

/// Short groups (LANES vectors, a power of two up to 32): each is normed by LANES neighbouring threads. Halves turn only
/// where a group is a head.
template <int LANES>
__global__ void qkNormShortKernel(QkNormArguments of) {
  const std::uint64_t vector = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  // 32 bits are enough for groups (blocksOf has counted them), and divide several times faster.
  const auto group = static_cast<std::uint32_t>(vector / LANES);
  const auto groupsPerRow = static_cast<std::uint32_t>(of.groupsPerRow);
  const std::int64_t row = group / groupsPerRow;
  // Threads beyond the last row must not return: the warp shuffles below need all lanes.
  const bool isInside = row < of.rows;
  const std::int64_t inGroup = vector % LANES * VECTOR;
  const std::int64_t column = std::int64_t{group % groupsPerRow} * (LANES * VECTOR) + inGroup;
  bf16* const at = of.data + row * of.stride + column;
  float values[VECTOR] = {};
  if (isInside) load(at, values);
  float mean = 0.0f;
  if (of.norm.kind == NormKind::Layer) {
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) mean += values[i];
#pragma unroll
    for (int offset = LANES / 2; offset > 0; offset /= 2) mean += __shfl_xor_sync(0xffffffffu, mean, offset);
    mean /= LANES * VECTOR;
  }
  float squares = 0.0f;
#pragma unroll
  for (int i = 0; i < VECTOR; ++i) squares += (values[i] - mean) * (values[i] - mean);
#pragma unroll
  for (int offset = LANES / 2; offset > 0; offset /= 2) squares += __shfl_xor_sync(0xffffffffu, squares, offset);
  normed(of.norm, inGroup, mean, rsqrtf(squares / (LANES * VECTOR) + of.norm.epsilon), values);
  if (of.rotary.table != nullptr && of.rotary.pairs == RotaryPairs::Halves) {
    float partners[VECTOR];
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) partners[i] = __shfl_xor_sync(0xffffffffu, values[i], LANES / 2);
    if (isInside) turnHalves(of.rotary, row, column, partners, values);
  } else if (of.rotary.table != nullptr && isInside) {
    turnNeighbours(of.rotary, row, column, values);
  }
  if (isInside) store(at, values);
}

/// Long groups: one block a group, held in registers as in rowNormKernel. Neighbours turn, halves do not.
template <int HELD>
__global__ void __launch_bounds__(MOST_THREADS) qkNormLongKernel(QkNormArguments of) {
  __shared__ float shared[32];
  const std::int64_t row = blockIdx.x / of.groupsPerRow;
  const std::int64_t start = blockIdx.x % of.groupsPerRow * of.normWidth;
  bf16* const group = of.data + row * of.stride + start;
  const int vectors = static_cast<int>(of.normWidth / VECTOR);
  float held[HELD][VECTOR];
  float sum = 0.0f;
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    const int v = threadIdx.x + h * blockDim.x;
    if (v >= vectors) continue;
    load(group + v * VECTOR, held[h]);
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) sum += held[h][i];
  }
  // The mean is left out for all threads or for none.
  const float mean = of.norm.kind == NormKind::Layer ? blockSum(sum, shared) / of.normWidth : 0.0f;
  float squares = 0.0f;
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    if (threadIdx.x + h * blockDim.x >= vectors) continue;
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) squares += (held[h][i] - mean) * (held[h][i] - mean);
  }
  const float inverse = rsqrtf(blockSum(squares, shared) / of.normWidth + of.norm.epsilon);
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    const int v = threadIdx.x + h * blockDim.x;
    if (v >= vectors) continue;
    normed(of.norm, v * VECTOR, mean, inverse, held[h]);
    if (of.rotary.table != nullptr) turnNeighbours(of.rotary, row, start + v * VECTOR, held[h]);
    store(group + v * VECTOR, held[h]);
  }
}

/// Any even width, any alignment and both kinds of pairs; reads the group two or three times.
__global__ void qkNormScalarKernel(QkNormArguments of) {
  __shared__ float shared[32];
  const std::int64_t row = blockIdx.x / of.groupsPerRow;
  const std::int64_t start = blockIdx.x % of.groupsPerRow * of.normWidth;
  bf16* const group = of.data + row * of.stride + start;
  float sum = 0.0f;
  for (std::int64_t c = threadIdx.x; c < of.normWidth; c += blockDim.x) sum += unpack(group[c].bits);
  const float mean = of.norm.kind == NormKind::Layer ? blockSum(sum, shared) / of.normWidth : 0.0f;
  float squares = 0.0f;
  for (std::int64_t c = threadIdx.x; c < of.normWidth; c += blockDim.x) {
    const float centred = unpack(group[c].bits) - mean;
    squares += centred * centred;
  }
  const float inverse = rsqrtf(blockSum(squares, shared) / of.normWidth + of.norm.epsilon);
  const bool turns = of.rotary.table != nullptr;
  const bool isHalves = turns && of.rotary.pairs == RotaryPairs::Halves;
  const std::int64_t half = isHalves ? of.rotary.headDim / 2 : 1;
  // A pair is read, normed, turned and written by one thread; nobody else touches it.
  for (std::int64_t p = threadIdx.x; p < of.normWidth / 2; p += blockDim.x) {
    const std::int64_t one = p / half * 2 * half + p % half;
    float first[1], second[1];
    load(group + one, first);
    load(group + one + half, second);
    normed(of.norm, one, mean, inverse, first);
    normed(of.norm, one + half, mean, inverse, second);
    if (turns) {
      const std::uint32_t inHead = inHeadOf(of.rotary, start + one);
      const float2 turn = *turnsOf(of.rotary, row, start + one, inHead, isHalves ? inHead : inHead / 2);
      const float turned = first[0] * turn.x - second[0] * turn.y;
      second[0] = second[0] * turn.x + first[0] * turn.y;
      first[0] = turned;
    }
    store(group + one, first);
    store(group + one + half, second);
  }
}

/// Threads of a block that holds `vectors` with HELD a thread: whole warps.
template <int HELD>
int threadsFor(std::int64_t vectors) {
  return static_cast<int>((vectors + HELD * 32 - 1) / (HELD * 32) * 32);
}

/// Calls run.template operator()<HELD>() with the fewest vectors a thread that keep blocks at 256 threads; with four of
/// them blocks go up to MOST_THREADS. @returns whether a block can hold that many.
template <typename Run>
bool byHeld(std::int64_t vectors, const Run& run) {
  if (vectors <= 256) {
    run.template operator()<1>();
  } else if (vectors <= 2 * 256) {
    run.template operator()<2>();
  } else if (vectors <= 4 * MOST_THREADS) {
    run.template operator()<4>();
  } else {
    return false;
  }
  return true;
}

unsigned blocksOf(const char* name, std::int64_t blocks) {
  constexpr std::int64_t MOST_BLOCKS = 0x7fffffff;
  if (blocks > MOST_BLOCKS) {
    throw RunError(std::string(name) + ": " + std::to_string(blocks) +
                   " groups are more than one call can do; split the rows");
  }
  return static_cast<unsigned>(blocks);
}

template <int LANES>
void launchShort(const QkNormArguments& arguments, cudaStream_t stream) {
  constexpr int THREADS = 256;
  const std::int64_t threads = arguments.rows * arguments.groupsPerRow * LANES;
  qkNormShortKernel<LANES><<<blocksOf("qkNorm", (threads + THREADS - 1) / THREADS), THREADS, 0, stream>>>(arguments);
}

/// @returns whether there is a kernel for groups of so many vectors.
bool runShort(std::int64_t vectors, const QkNormArguments& arguments, cudaStream_t stream) {
  switch (vectors) {
    case 4:
      launchShort<4>(arguments, stream);
      return true;
    case 8:
      launchShort<8>(arguments, stream);
      return true;
    case 16:
      launchShort<16>(arguments, stream);
      return true;
    case 32:
      launchShort<32>(arguments, stream);
      return true;
    default:
      return false;
  }
}

}  // namespace

void normRows(Compute& compute, const RowsShape& shape, const bf16* in, const Norm& norm, const Modulation& modulation,
              bf16* out) {
  if (shape.rows == 0) return;
  const std::int64_t width = shape.width, inStride = shape.inStride, outStride = shape.outStride;
  const RowNormArguments arguments{width, in, inStride, norm, modulation, out, outStride};
  const cudaStream_t stream = cudaStreamOf(compute);
  const unsigned blocks = blocksOf("normRows", shape.rows);
  bool isVector = width % VECTOR == 0 && inStride % VECTOR == 0 && outStride % VECTOR == 0;
  for (const bf16* pointer : {in, static_cast<const bf16*>(out), norm.weight, norm.bias, modulation.shiftA,
                              modulation.shiftB, modulation.scaleA, modulation.scaleB}) {
    isVector = isVector && isVectorAligned(pointer);
  }
  const std::int64_t vectors = width / VECTOR;
  const bool isHeld = isVector && byHeld(vectors, [&]<int HELD> {
                        rowNormKernel<HELD><<<blocks, threadsFor<HELD>(vectors), 0, stream>>>(arguments);
                      });
  if (!isHeld) rowNormScalarKernel<<<blocks, SCALAR_THREADS, 0, stream>>>(arguments);
  checkLaunch("normRows");
}

void qkNorm(Compute& compute, const QkNormShape& shape, bf16* data, const Norm& norm, const Rotary& rotary) {
  const std::int64_t rows = shape.rows, width = shape.width, normWidth = shape.normWidth, stride = shape.stride;
  if (rows == 0 || width == 0) return;
  const bool turns = rotary.table != nullptr;
  const bool isHalves = turns && rotary.pairs == RotaryPairs::Halves;
  if (normWidth < 2 || normWidth % 2 != 0 || width % normWidth != 0) {
    throw RunError("qkNorm: rows of " + std::to_string(width) + " in groups of " + std::to_string(normWidth) +
                   "; expected an even size that divides the row");
  }
  if (turns && (rotary.headDim < 2 || rotary.headDim % 2 != 0 || rotary.width % rotary.headDim != 0 ||
                (isHalves && normWidth % rotary.headDim != 0))) {
    throw RunError("qkNorm: heads of " + std::to_string(rotary.headDim) + " in a rotary table " +
                   std::to_string(rotary.width) + " wide and groups of " + std::to_string(normWidth) +
                   "; expected even heads that divide the table, and groups of whole heads where halves turn");
  }
  const QkNormArguments arguments{rows, width / normWidth, normWidth, data, stride, norm, rotary};
  const cudaStream_t stream = cudaStreamOf(compute);
  const std::int64_t vectors = normWidth / VECTOR;
  const bool isVector = normWidth % VECTOR == 0 && stride % VECTOR == 0 && isVectorAligned(data) &&
                        isVectorAligned(norm.weight) && isVectorAligned(norm.bias) &&
                        (!turns || rotary.headDim % VECTOR == 0);
  const unsigned groups = blocksOf("qkNorm", rows * arguments.groupsPerRow);
  const bool isShort = isVector && (!isHalves || normWidth == rotary.headDim);
  bool isDone = isShort && runShort(vectors, arguments, stream);
  if (!isDone) {
    isDone = isVector && !isHalves && byHeld(vectors, [&]<int HELD> {
               qkNormLongKernel<HELD><<<groups, threadsFor<HELD>(vectors), 0, stream>>>(arguments);
             });
  }
  if (!isDone) qkNormScalarKernel<<<groups, SCALAR_THREADS, 0, stream>>>(arguments);
  checkLaunch("qkNorm");
}

}  // namespace chunkflow
