#pragma once
// The work of a block: matrix products (cuBLASLt), attention (cuDNN), elementwise kernels (ours). One header, two
// implementations: CUDA and host. Everything is bf16 with float accumulation, row-major; strides are in elements. Results
// do not depend on what else the device does, so the same inputs give the same bits. Generated sources include it, so it takes no
// header of the standard library that is slow to compile.
#include <cstdint>

namespace chunkflow {

class Compute;
class Stream;

struct bf16 {
  std::uint16_t bits;
};

float toFloat(bf16 value);
/// Rounds to nearest, ties to even.
bf16 toBf16(float value);

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

/// Rows of a matrix that an elementwise function reads and of one that it writes, which may be the same.
struct RowsShape {
  std::int64_t rows, width;
  std::int64_t inStride, outStride;
};

/// LayerNorm (mean and variance) or RMS norm (mean square alone) of a row or of groups of it; then times `weight`, plus `bias`
/// (null: 1 and 0). `epsilon` is added under the root.
enum class NormKind : std::uint8_t { Layer, Rms };
struct Norm {
  NormKind kind;
  float epsilon;
  const bf16 *weight, *bias;
};

/// `scale` and `shift` are sums of two vectors of `width`, each of them may be null (0).
struct Modulation {
  const bf16 *shiftA, *shiftB, *scaleA, *scaleB;
};
/// out = norm(in) over each row's `width`, then * (1 + scale) + shift. `out` may be `in`.
void normRows(Compute&, const RowsShape&, const bf16* in, const Norm&, const Modulation&, bf16* out);

/// Which two elements of a head turn together by angle i: 2i and 2i + 1, or i and i + headDim / 2.
enum class RotaryPairs : std::uint8_t { Neighbours, Halves };
/// Rotary embedding: angle i of a head that begins at column c of row r has its cosine and sine at
/// table[r * width + (c % width) + 2i] and one behind. `width` is headDim, or that of a whole row where each head turns by angles
/// of its own.
struct Rotary {
  const float* table = nullptr;  // null: nothing turns
  std::int64_t width = 0, headDim = 0;
  RotaryPairs pairs = RotaryPairs::Neighbours;
};
struct QkNormShape {
  std::int64_t rows, width;
  std::int64_t normWidth;  // elements that are normed together: headDim, or the whole width
  std::int64_t stride;
};
/// In place on data[rows, width]: the norm over each `normWidth` (weight and bias are that long), then the rotary embedding.
void qkNorm(Compute&, const QkNormShape&, bf16* data, const Norm&, const Rotary&);

/// GELU by its tanh approximation, GELU by the error function, SiLU (x times its sigmoid).
enum class Activation : std::uint8_t { GeluTanh, Gelu, Silu };
/// out = activation(in), element by element. `out` may be `in`.
void activate(Compute&, Activation, const RowsShape&, const bf16* in, bf16* out);

/// out[rows, width] = silu(in[:, 0:width]) * in[:, width:2 width].
void swiglu(Compute&, const RowsShape&, const bf16* in, bf16* out);

/// residual += (gateA + gateB) * update; gates are vectors of `width`; both null stands for a gate of 1.
struct ResidualShape {
  std::int64_t rows, width;
  std::int64_t residualStride, updateStride;
};
void gatedResidual(Compute&, const ResidualShape&, bf16* residual, const bf16* update, const bf16* gateA,
                   const bf16* gateB);

/// out[r, 0:width] = in[r, 0:width] for all rows.
void copyRows(Compute&, const RowsShape&, const bf16* in, bf16* out);

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
