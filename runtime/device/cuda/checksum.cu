// checksum() and the sums behind digest() on a GPU: both read memory once, as fast as it can be read.
#include <algorithm>

#include "device/cuda/checksum.hpp"
#include "device/cuda/errors.hpp"

namespace chunkflow {
namespace {

constexpr int THREADS = 256;
// Bytes that one block sums: enough to hide its start, few enough to fill the device with one chunk.
constexpr std::size_t PART_BYTES = std::size_t{128} << 10;

__device__ std::uint64_t term(std::uint32_t word, std::uint64_t index) {
  return (std::uint64_t{word} + 1) * (2 * index + 1);
}

__device__ std::uint64_t terms(const uint4& words, std::uint64_t index) {
  return term(words.x, index) + term(words.y, index + 1) + term(words.z, index + 2) + term(words.w, index + 3);
}

/// Adds the block's sums to *to. Integer addition, so the order in which blocks come does not matter.
__device__ void addBlock(std::uint64_t sum, std::uint64_t* to) {
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffffu, sum, offset);
  __shared__ std::uint64_t warps[THREADS / 32];
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  std::uint64_t total = 0;
  for (const std::uint64_t warp : warps) total += warp;
  atomicAdd(reinterpret_cast<unsigned long long*>(to), static_cast<unsigned long long>(total));
}

/// A word that may be unaligned, or short at the end of the range.
__device__ std::uint32_t wordAt(const unsigned char* data, std::uint64_t at, std::uint64_t bytes) {
  std::uint32_t word = 0;
  for (int i = 0; i < 4; ++i) {
    if (at + i < bytes) word |= std::uint32_t{data[at + i]} << (8 * i);
  }
  return word;
}

/// Block b sums part b % parts of chunk b / parts. ALIGNED: every chunk starts at a multiple of 16 bytes.
template <bool ALIGNED>
__global__ void checksumKernel(const unsigned char* data, std::uint64_t bytes, std::uint64_t chunkBytes,
                               std::uint64_t partBytes, unsigned parts, std::uint64_t* sums) {
  const std::uint64_t chunk = blockIdx.x / parts;
  const std::uint64_t part = blockIdx.x % parts;
  data += chunk * chunkBytes;
  const std::uint64_t inChunk = min(chunkBytes, bytes - chunk * chunkBytes);
  const std::uint64_t from = min(part * partBytes, inChunk);
  const std::uint64_t to = min(from + partBytes, inChunk);
  std::uint64_t sum = 0;
  std::uint64_t scalarFrom = from;
  if constexpr (ALIGNED) {
    const std::uint64_t end = to / 16;
    const uint4* vectors = reinterpret_cast<const uint4*>(data);
#pragma unroll 4
    for (std::uint64_t v = from / 16 + threadIdx.x; v < end; v += THREADS) sum += terms(__ldcs(vectors + v), v * 4);
    // A part behind the end of a short chunk begins, and ends, at that end.
    scalarFrom = max(from, end * 16);
  }
  for (std::uint64_t at = scalarFrom + 4 * threadIdx.x; at < to; at += 4 * THREADS) {
    sum += term(wordAt(data, at, inChunk), at / 4);
  }
  addBlock(sum, sums + chunk);
}

/// Rows of `width` elements of 2 bytes; a word's index is its place in the rows laid end to end. VECTOR: rows and
/// strides are multiples of 8 elements.
template <bool VECTOR>
__global__ void rowSumsKernel(std::uint64_t rows, std::uint64_t width, const std::uint16_t* data, std::uint64_t stride,
                              std::uint64_t* sum) {
  constexpr std::uint64_t ELEMENTS = VECTOR ? 8 : 2;
  const std::uint64_t perRow = width / ELEMENTS;
  std::uint64_t total = 0;
  for (std::uint64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const std::uint16_t* of = data + row * stride;
    for (std::uint64_t i = threadIdx.x; i < perRow; i += THREADS) {
      const std::uint64_t index = (row * width) / 2 + i * (ELEMENTS / 2);
      if constexpr (VECTOR) {
        total += terms(reinterpret_cast<const uint4*>(of)[i], index);
      } else {
        total += term(of[2 * i] | std::uint32_t{of[2 * i + 1]} << 16, index);
      }
    }
  }
  addBlock(total, sum);
}

}  // namespace

void checksum(Stream& stream, const void* device, std::size_t bytes, std::size_t chunkBytes, std::uint64_t* sums) {
  if (chunkBytes == 0) throw RunError("checksum: chunks of 0 bytes");
  const std::size_t chunks = (bytes + chunkBytes - 1) / chunkBytes;
  if (chunks == 0) return;
  checkCuda(cudaMemsetAsync(sums, 0, chunks * sizeof *sums, cudaStreamOf(stream)), "checksum");
  const std::size_t parts = (std::min(bytes, chunkBytes) + PART_BYTES - 1) / PART_BYTES;
  const bool isAligned = reinterpret_cast<std::uintptr_t>(device) % 16 == 0 && (chunkBytes % 16 == 0 || chunks == 1);
  const auto kernel = isAligned ? checksumKernel<true> : checksumKernel<false>;
  kernel<<<static_cast<unsigned>(chunks * parts), THREADS, 0, cudaStreamOf(stream)>>>(
      static_cast<const unsigned char*>(device), bytes, chunkBytes, PART_BYTES, static_cast<unsigned>(parts), sums);
  checkLaunch("checksum");
}

void sumRows(Stream& stream, std::int64_t rows, std::int64_t width, const void* data, std::int64_t stride,
             std::uint64_t* sum) {
  if (width % 2 != 0) throw RunError("digest: rows of " + std::to_string(width) + " elements; expected an even number");
  checkCuda(cudaMemsetAsync(sum, 0, sizeof *sum, cudaStreamOf(stream)), "digest");
  if (rows == 0 || width == 0) return;
  const bool isVector = width % 8 == 0 && stride % 8 == 0 && reinterpret_cast<std::uintptr_t>(data) % 16 == 0;
  const auto kernel = isVector ? rowSumsKernel<true> : rowSumsKernel<false>;
  constexpr std::int64_t MOST_BLOCKS = 4096;
  kernel<<<static_cast<unsigned>(std::min(rows, MOST_BLOCKS)), THREADS, 0, cudaStreamOf(stream)>>>(
      rows, width, static_cast<const std::uint16_t*>(data), stride, sum);
  checkLaunch("digest");
}

}  // namespace chunkflow
