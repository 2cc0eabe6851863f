// LayerNorm with modulation, and RMS norm with rotary embedding. Rows are read once, kept in registers, and written
// once.
#include <algorithm>

#include "compute_cuda.hpp"
#include "errors_cuda.hpp"
#include "vectors_cuda.cuh"

namespace chunkflow {
namespace {

constexpr float EPSILON = 1e-6f;
constexpr int SCALAR_THREADS = 256;
constexpr int MOST_THREADS = 512;

struct LayerNormArguments {
  std::int64_t width;
  const bf16* in;
  std::int64_t inStride;
  const bf16 *weight, *bias;
  Modulation modulation;
  bf16* out;
  std::int64_t outStride;
};

/// norm * weight + bias, then * (1 + scale) + shift, of COUNT neighbours.
template <int COUNT>
__device__ void affine(const LayerNormArguments& of, std::int64_t column, float mean, float inverse,
                       float (&values)[COUNT]) {
  float scale[COUNT], shift[COUNT];
#pragma unroll
  for (int i = 0; i < COUNT; ++i) {
    values[i] = (values[i] - mean) * inverse;
    scale[i] = 1.0f;
    shift[i] = 0.0f;
  }
  if (of.weight != nullptr) {
    float weight[COUNT];
    load(of.weight + column, weight);
#pragma unroll
    for (int i = 0; i < COUNT; ++i) values[i] *= weight[i];
  }
  addOptional(of.bias, column, values);
  addOptional(of.modulation.scaleA, column, scale);
  addOptional(of.modulation.scaleB, column, scale);
  addOptional(of.modulation.shiftA, column, shift);
  addOptional(of.modulation.shiftB, column, shift);
#pragma unroll
  for (int i = 0; i < COUNT; ++i) values[i] = values[i] * scale[i] + shift[i];
}

/// One block a row; thread t holds vectors t, t + threads, ... of it, at most HELD.
template <int HELD>
__global__ void __launch_bounds__(MOST_THREADS) layerNormKernel(LayerNormArguments of) {
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
  const float mean = blockSum(sum, shared) / of.width;
  float squares = 0.0f;
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    if (threadIdx.x + h * blockDim.x >= vectors) continue;
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) squares += (held[h][i] - mean) * (held[h][i] - mean);
  }
  const float inverse = rsqrtf(blockSum(squares, shared) / of.width + EPSILON);
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    const int v = threadIdx.x + h * blockDim.x;
    if (v >= vectors) continue;
    affine(of, v * VECTOR, mean, inverse, held[h]);
    store(out + v * VECTOR, held[h]);
  }
}

/// Any width and alignment; reads the row three times.
__global__ void layerNormScalarKernel(LayerNormArguments of) {
  __shared__ float shared[32];
  const bf16* const in = of.in + blockIdx.x * of.inStride;
  bf16* const out = of.out + blockIdx.x * of.outStride;
  float value[1];
  float sum = 0.0f;
  for (std::int64_t c = threadIdx.x; c < of.width; c += blockDim.x) {
    load(in + c, value);
    sum += value[0];
  }
  const float mean = blockSum(sum, shared) / of.width;
  float squares = 0.0f;
  for (std::int64_t c = threadIdx.x; c < of.width; c += blockDim.x) {
    load(in + c, value);
    squares += (value[0] - mean) * (value[0] - mean);
  }
  const float inverse = rsqrtf(blockSum(squares, shared) / of.width + EPSILON);
  for (std::int64_t c = threadIdx.x; c < of.width; c += blockDim.x) {
    load(in + c, value);
    affine(of, c, mean, inverse, value);
    store(out + c, value);
  }
}

struct QkNormArguments {
  std::int64_t rows, groupsPerRow, normWidth, headDim;
  bf16* data;
  std::int64_t stride;
  const bf16* weight;
  const float* table;
};

/// Scales COUNT neighbours (an even number) from place `inGroup` of a group on, and turns their pairs.
template <int COUNT>
__device__ void scaleAndTurn(const QkNormArguments& of, std::int64_t row, std::int64_t column, std::int64_t inGroup,
                             float inverse, float (&values)[COUNT]) {
#pragma unroll
  for (int i = 0; i < COUNT; ++i) values[i] *= inverse;
  if (of.weight != nullptr) {
    float weight[COUNT];
    if constexpr (COUNT == VECTOR) {
      load(of.weight + inGroup, weight);
    } else {
#pragma unroll
      for (int i = 0; i < COUNT; ++i) weight[i] = unpack(of.weight[inGroup + i].bits);
    }
#pragma unroll
    for (int i = 0; i < COUNT; ++i) values[i] *= weight[i];
  }
  if (of.table == nullptr) return;
  const std::uint32_t inHead = static_cast<std::uint32_t>(column) % static_cast<std::uint32_t>(of.headDim);
  const float2* const turns = reinterpret_cast<const float2*>(of.table + row * of.headDim + inHead);
#pragma unroll
  for (int i = 0; i < COUNT; i += 2) {
    const float2 turn = turns[i / 2];
    const float even = values[i] * turn.x - values[i + 1] * turn.y;
    values[i + 1] = values[i + 1] * turn.x + values[i] * turn.y;
    values[i] = even;
  }
}

/// Short groups (LANES vectors, a power of two up to 32): each is normed by LANES neighbouring threads.
template <int LANES>
__global__ void qkNormShortKernel(QkNormArguments of) {
  const std::uint64_t vector = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  // 32 bits are enough for groups (blocksOf has counted them), and divide several times faster.
  const auto group = static_cast<std::uint32_t>(vector / LANES);
  const auto groupsPerRow = static_cast<std::uint32_t>(of.groupsPerRow);
  const std::int64_t row = group / groupsPerRow;
  // Threads behind the last row stay for the shuffles.
  const bool isInside = row < of.rows;
  const std::int64_t inGroup = vector % LANES * VECTOR;
  const std::int64_t column = std::int64_t{group % groupsPerRow} * (LANES * VECTOR) + inGroup;
  bf16* const at = of.data + row * of.stride + column;
  float values[VECTOR] = {};
  if (isInside) load(at, values);
  float squares = 0.0f;
#pragma unroll
  for (int i = 0; i < VECTOR; ++i) squares += values[i] * values[i];
#pragma unroll
  for (int offset = LANES / 2; offset > 0; offset /= 2) squares += __shfl_xor_sync(0xffffffffu, squares, offset);
  if (!isInside) return;
  scaleAndTurn(of, row, column, inGroup, rsqrtf(squares / (LANES * VECTOR) + EPSILON), values);
  store(at, values);
}

/// Long groups: one block a group, held in registers as in layerNormKernel.
template <int HELD>
__global__ void __launch_bounds__(MOST_THREADS) qkNormLongKernel(QkNormArguments of) {
  __shared__ float shared[32];
  const std::int64_t row = blockIdx.x / of.groupsPerRow;
  const std::int64_t start = blockIdx.x % of.groupsPerRow * of.normWidth;
  bf16* const group = of.data + row * of.stride + start;
  const int vectors = static_cast<int>(of.normWidth / VECTOR);
  float held[HELD][VECTOR];
  float squares = 0.0f;
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    const int v = threadIdx.x + h * blockDim.x;
    if (v >= vectors) continue;
    load(group + v * VECTOR, held[h]);
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) squares += held[h][i] * held[h][i];
  }
  const float inverse = rsqrtf(blockSum(squares, shared) / of.normWidth + EPSILON);
#pragma unroll
  for (int h = 0; h < HELD; ++h) {
    const int v = threadIdx.x + h * blockDim.x;
    if (v >= vectors) continue;
    scaleAndTurn(of, row, start + v * VECTOR, v * VECTOR, inverse, held[h]);
    store(group + v * VECTOR, held[h]);
  }
}

/// Any even width and any alignment; reads the group twice.
__global__ void qkNormScalarKernel(QkNormArguments of) {
  __shared__ float shared[32];
  const std::int64_t row = blockIdx.x / of.groupsPerRow;
  const std::int64_t start = blockIdx.x % of.groupsPerRow * of.normWidth;
  bf16* const group = of.data + row * of.stride + start;
  float squares = 0.0f;
  for (std::int64_t c = threadIdx.x; c < of.normWidth; c += blockDim.x) {
    const float value = unpack(group[c].bits);
    squares += value * value;
  }
  const float inverse = rsqrtf(blockSum(squares, shared) / of.normWidth + EPSILON);
  for (std::int64_t c = 2 * threadIdx.x; c < of.normWidth; c += 2 * blockDim.x) {
    float pair[2] = {unpack(group[c].bits), unpack(group[c + 1].bits)};
    scaleAndTurn(of, row, start + c, c, inverse, pair);
    for (int i = 0; i < 2; ++i) group[c + i].bits = static_cast<std::uint16_t>(pack(pair[i]));
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

void layerNorm(Compute& compute, std::int64_t rows, std::int64_t width, const bf16* in, std::int64_t inStride,
               const bf16* weight, const bf16* bias, const Modulation& modulation, bf16* out, std::int64_t outStride) {
  if (rows == 0) return;
  const LayerNormArguments arguments{width, in, inStride, weight, bias, modulation, out, outStride};
  const cudaStream_t stream = cudaStreamOf(compute);
  const unsigned blocks = blocksOf("layerNorm", rows);
  bool isVector = width % VECTOR == 0 && inStride % VECTOR == 0 && outStride % VECTOR == 0;
  for (const bf16* pointer : {in, static_cast<const bf16*>(out), weight, bias, modulation.shiftA, modulation.shiftB,
                              modulation.scaleA, modulation.scaleB}) {
    isVector = isVector && isVectorAligned(pointer);
  }
  const std::int64_t vectors = width / VECTOR;
  const bool isHeld = isVector && byHeld(vectors, [&]<int HELD> {
                        layerNormKernel<HELD><<<blocks, threadsFor<HELD>(vectors), 0, stream>>>(arguments);
                      });
  if (!isHeld) layerNormScalarKernel<<<blocks, SCALAR_THREADS, 0, stream>>>(arguments);
  checkLaunch("layerNorm");
}

void qkNorm(Compute& compute, std::int64_t rows, std::int64_t width, std::int64_t normWidth, std::int64_t headDim,
            bf16* data, std::int64_t stride, const bf16* weight, const float* table) {
  if (rows == 0 || width == 0) return;
  if (normWidth < 2 || normWidth % 2 != 0 || width % normWidth != 0 || headDim % 2 != 0) {
    throw RunError("qkNorm: rows of " + std::to_string(width) + " in groups of " + std::to_string(normWidth) +
                   " with heads of " + std::to_string(headDim) + "; expected even sizes that divide the row");
  }
  const QkNormArguments arguments{rows, width / normWidth, normWidth, headDim, data, stride, weight, table};
  const cudaStream_t stream = cudaStreamOf(compute);
  const std::int64_t vectors = normWidth / VECTOR;
  const bool isVector = normWidth % VECTOR == 0 && stride % VECTOR == 0 && isVectorAligned(data) &&
                        isVectorAligned(weight) && (table == nullptr || headDim % VECTOR == 0);
  const unsigned groups = blocksOf("qkNorm", rows * arguments.groupsPerRow);
  bool isDone = isVector && runShort(vectors, arguments, stream);
  if (!isDone) {
    isDone = isVector && byHeld(vectors, [&]<int HELD> {
               qkNormLongKernel<HELD><<<groups, threadsFor<HELD>(vectors), 0, stream>>>(arguments);
             });
  }
  if (!isDone) qkNormScalarKernel<<<groups, SCALAR_THREADS, 0, stream>>>(arguments);
  checkLaunch("qkNorm");
}

}  // namespace chunkflow
