#pragma once
// The work of a block: matrix products (cuBLASLt), attention (cuDNN), elementwise kernels (ours). One header, two
// implementations: CUDA and host. Everything is bf16 with float accumulation, row-major; strides are in elements. Results
// do not depend on what else the device does, so the same inputs give the same bits.
#include <cstdint>
#include <memory>

#include "device.hpp"

namespace chunkflow {

struct bf16 {
  std::uint16_t bits;
};

float toFloat(bf16 value);
/// Rounds to nearest, ties to even.
bf16 toBf16(float value);

/// Library handles, workspaces and chosen algorithms of one rank's compute stream.
class Compute {
 public:
  struct Impl;
  /// @param workspaceBytes device memory for library workspaces, allocated here; a shape that needs more is an error.
  Compute(Device& device, Stream& stream, std::size_t workspaceBytes);
  ~Compute();
  Compute(const Compute&) = delete;
  Compute& operator=(const Compute&) = delete;
  Stream& stream() const;
  Impl& impl() const { return *impl_; }
  /// Versions of the libraries, such as "cuBLASLt 13.0.2, cuDNN 9.28.1".
  static const char* libraries();

 private:
  std::unique_ptr<Impl> impl_;
};

/// out[rows, out] (+)= in[rows, in] x weight[out, in]^T + bias[out].
struct GemmShape {
  std::int64_t rows, in, out;
  std::int64_t inStride, weightStride, outStride;
  bool accumulate = false;  // adds to what `out` holds
};
void gemm(Compute&, const GemmShape&, const bf16* in, const bf16* weight, const bf16* bias /* or null */, bf16* out);

/// Scaled dot-product attention over one sequence: q[queryRows, heads, headDim], k and v [keyRows, heads, headDim].
/// Scale is 1/sqrt(headDim). Strides are from row to row; heads lie side by side in a row.
struct AttentionShape {
  std::int64_t queryRows, keyRows, heads, headDim;
  std::int64_t qStride, kStride, vStride, outStride;
};
void attention(Compute&, const AttentionShape&, const bf16* q, const bf16* k, const bf16* v, bf16* out);

/// out = norm(in) * weight + bias, then * (1 + scale) + shift. The norm is LayerNorm over `width` (eps 1e-6). Null pointers
/// stand for 1 (weight) and 0 (all others). `scale` and `shift` are sums of two vectors of `width`, each of them may be null.
struct Modulation {
  const bf16 *shiftA, *shiftB, *scaleA, *scaleB;
};
void layerNorm(Compute&, std::int64_t rows, std::int64_t width, const bf16* in, std::int64_t inStride, const bf16* weight,
               const bf16* bias, const Modulation&, bf16* out, std::int64_t outStride);

/// In place on data[rows, width]: RMS norm over each `normWidth` (headDim, or the whole width) times weight[normWidth]
/// (null: 1), eps 1e-6, then, where `table` is not null, rotary embedding of each head: the pair (2i, 2i+1) of row r turns by
/// the angle whose cosine and sine are table[r * headDim + 2i], table[r * headDim + 2i + 1] (float).
void qkNorm(Compute&, std::int64_t rows, std::int64_t width, std::int64_t normWidth, std::int64_t headDim, bf16* data,
            std::int64_t stride, const bf16* weight, const float* table);

/// In place: GELU, tanh approximation.
void gelu(Compute&, std::int64_t rows, std::int64_t width, bf16* data, std::int64_t stride);

/// out[rows, width] = silu(in[:, 0:width]) * in[:, width:2 width].
void swiglu(Compute&, std::int64_t rows, std::int64_t width, const bf16* in, std::int64_t inStride, bf16* out,
            std::int64_t outStride);

/// residual += (gateA + gateB) * update; gates are vectors of `width`; both null stands for a gate of 1.
void gatedResidual(Compute&, std::int64_t rows, std::int64_t width, bf16* residual, std::int64_t residualStride,
                   const bf16* update, std::int64_t updateStride, const bf16* gateA, const bf16* gateB);

/// to[r, 0:width] = from[r, 0:width] for all rows.
void copyRows(Compute&, std::int64_t rows, std::int64_t width, const bf16* from, std::int64_t fromStride, bf16* to,
              std::int64_t toStride);

/// Before an all-to-all of heads. Row r of `in` holds, for each of `tensors` parts (Q, K, V), `width` elements at
/// partOffset[t]; peer p gets columns [p, p+1) * width/peers of each part. Message p is [rows, tensors, width/peers],
/// packed, at `send` + p * rows * tensors * width/peers; the own message (p == self) goes to `own` instead.
struct PackHeads {
  std::int64_t rows, width, inStride;
  int tensors, peers, self;
  std::int64_t partOffset[3];
};
void packHeads(Compute&, const PackHeads&, const bf16* in, bf16* send, bf16* own);

/// Behind an all-to-all of heads. Message p is [rows, width/peers], packed, at `received` + p * rows * width/peers (the own
/// one at `own`); out row r gets message p's row at column p * width/peers.
struct UnpackHeads {
  std::int64_t rows, width, outStride;
  int peers, self;
};
void unpackHeads(Compute&, const UnpackHeads&, const bf16* received, const bf16* own, bf16* out);

/// out[i] = sum over p of parts[p][i] in the order p = 0, 1, ... in float, rounded once; `parts` is a host array of
/// `count` <= 16 device pointers. On `stream` (collectives run on their own).
void sumParts(Stream& stream, std::int64_t elements, const bf16* const* parts, int count, bf16* out);

/// 64-bit digest of data[rows, width] that depends on every bit and its place (checksum's formula over the packed rows).
std::uint64_t digest(Compute&, std::int64_t rows, std::int64_t width, const bf16* data, std::int64_t stride);

/// Fills data[count] with values of mean 0 that depend on (seed, first + i) alone: valueAt below times scale plus offset.
void fillRandom(Compute&, std::uint64_t seed, std::uint64_t first, float scale, float offset, std::int64_t count,
                bf16* data);

}  // namespace chunkflow
