#pragma once
// Types of a generated program's tables: weights, inputs, plans. Everything is plain data that the generator fills in; this header
// and rank.hpp are all that generated sources use of the library, beside the kernels in compute/compute.hpp. A program has a source
// for each plan, so none of the three includes <string>, <memory> or <functional>, which take the compiler longer than such a source.
#include <cstddef>
#include <cstdint>
#include <span>

#include "compute/compute.hpp"
#include "compute/rotary_table.hpp"
#include "transport/collective_kind.hpp"

namespace chunkflow {

class Rank;

/// How a tensor-parallel rank's shard is cut from a parameter tensor: not at all, by rows, or by columns.
enum class TensorLayout : std::uint8_t { Whole, Rows, Columns };

/// One parameter tensor (or a rank's shard of it) in a block's weights.
struct Tensor {
  const char* name;            // in the checkpoint, behind the block's prefix
  std::uint64_t offset;        // bytes from the start of the block's weights; a multiple of 16
  std::int64_t rows, columns;  // of the whole tensor; a vector has one row
  TensorLayout shard = TensorLayout::Whole;  // Rows: this rank holds rows/shards of them; Columns likewise
  /// For Columns of concatenated inputs (FLUX's [attention | MLP]): widths of the parts that are sharded one by one; {0, 0, 0}:
  /// all columns are one part.
  std::int64_t parts[3] = {0, 0, 0};
  /// Without a checkpoint a value is mean + scale x a random number of variance 1 that depends on the seed and its index alone.
  float scale, mean = 0;
};

/// The weights of one block (not of a position: passes share them).
struct BlockWeights {
  const char* prefix;  // in a checkpoint, such as "blocks.3."
  std::uint64_t bytes;
  std::span<const Tensor> tensors;
  std::uint64_t firstValue;  // index of the block's first random number; no two tensors share one
};

/// Arguments of a segment's function: where its block's weights, activations and inputs lie.
struct Block {
  Compute& compute;
  std::byte* weights;       // of this block, resident front and slot as one piece
  std::byte* activations;   // the rank's activation memory
  std::byte* inputs;        // constants of the step: text rows, conditioning vector, rotary table
  int rank;                 // of this rank in its group
  bf16* weight(std::uint64_t offset) const { return reinterpret_cast<bf16*>(weights + offset); }
  bf16* buffer(std::uint64_t offset) const { return reinterpret_cast<bf16*>(activations + offset); }
  bf16* input(std::uint64_t offset) const { return reinterpret_cast<bf16*>(inputs + offset); }
  const float* table(std::uint64_t offset) const { return reinterpret_cast<const float*>(inputs + offset); }
};

struct Segment {
  const char* name;
  double durationS;  // predicted at the highest clock; with --compute synthetic the kernels are replaced by a delay of this length
  void (*run)(const Block&);
};

/// A collective of a block: its kind, and its buffers as bytes from the start of the activation memory.
struct Collective {
  const char* name;
  CollectiveKind kind;
  std::uint64_t send, recv;
  std::uint64_t bytesPerPeer;
  /// staged-copy: bytes of one piece; a message is cut into ceil(bytesPerPeer / pieceBytes) pieces, the last one short.
  std::uint64_t pieceBytes;
};

/// A constant of the step, filled once: from the file of --inputs, else random, or a rotary table (see fillRotaryRows).
struct Input {
  const char* name;
  const char* meaning;       // for people who prepare a file for --inputs
  std::uint64_t offset;      // bytes
  std::int64_t rows, width;  // on this rank; bf16, or float for a rotary table
  bool sharded;              // whether ranks hold different rows of it (else every rank holds all of them)
  bool rotary;
  std::span<const RotaryAxis> axes;  // of a rotary table: positions and frequencies
  std::uint64_t firstValue;  // index of the first random number; rank * rows * width is added where `sharded`
  float scale, mean;
  std::uint64_t count() const { return static_cast<std::uint64_t>(rows * width); }
};

/// Rows of the residual stream: from the file of --inputs, else random at first; digested and saved as the output.
struct Residual {
  const char* name;
  const char* meaning;
  std::uint64_t offset;  // bytes into the activation memory
  std::int64_t rows, width;
  std::uint64_t firstValue;
  bool sharded;          // whether ranks hold different rows (else every rank holds the same)
};

/// Predicted memory of a plan, compared with the device's own numbers after a run.
struct MemoryClaim {
  std::uint64_t outsideBytes, residentBytes, slotBytes, activationBytes, collectiveBufferBytes, reserveBytes;
  std::uint64_t gpuPeakBytes, hostPinnedBytes;
};

/// A streamed block whose copy belongs to the step before: loaded once before the first step.
struct Primed {
  int position;
  int slot;
};

/// The mechanism that moves the bytes of a plan's collectives.
struct Carrier {
  enum class By { Nobody, Nccl, Kernel, CopyEngines };
  By by;
  int ctas = 0;  // thread blocks of the kernel, for each direction
  int ring = 0;  // slices of 256 KiB that staging holds for each of them; 0: whole messages

  bool operator==(const Carrier&) const = default;
};

/// Of a carrier, as results and messages name it.
constexpr const char* nameOf(Carrier::By by) {
  switch (by) {
    case Carrier::By::Nobody: return "none";
    case Carrier::By::Nccl: return "nccl";
    case Carrier::By::Kernel: return "staged-sm";
    case Carrier::By::CopyEngines: return "staged-copy";
  }
  return "";
}

/// Whether collectives go through pinned staging memory of the program's own.
constexpr bool stagesItself(Carrier carrier) {
  return carrier.by == Carrier::By::Kernel || carrier.by == Carrier::By::CopyEngines;
}

struct PlanProgram {
  const char* name;        // as the user typed it
  Carrier carrier;
  int slots;
  std::uint64_t slotBytes; // the largest streamed part of a block
  int streamedPerStep;     // the slot ring goes on across steps: slot s of step n is (s + n * streamedPerStep) mod slots
  int ringPeriod;          // steps after which a block is in the same slot again
  std::span<const std::uint64_t> residentBytes;  // per block: bytes at its front that stay
  std::span<const std::int16_t> slotOf;          // per position: its slot in step 0; -1 where nothing is streamed
  std::span<const Primed> primed;
  std::uint32_t piecesPerStep;      // staged-copy pieces that a rank writes in a step
  std::uint32_t collectivesPerStep;
  std::uint64_t stagingBytes;       // the most bytes that a rank writes in one staged collective
  int points;                       // events of a position
  MemoryClaim claim;
  /// Enqueues one step, block by block.
  void (*step)(Rank&);
};

/// A micro-benchmark: copies, collectives, or both at once, in the statements of a step. Chunks are copied to and from the
/// program's only block, back to back; collectives are handed over from the compute stream and back, as a step does it.
struct CalibrationCase {
  const char* id;
  const char* parameters;  // JSON: what was asked for, as it is written beside what it took
  int plan;                // whose memory and transport it uses
  int loadingRanks;        // the first so many ranks copy
  std::uint32_t down, up;  // chunks to the device and to the host
  std::uint64_t chunkBytes;
  double paceS;
  std::uint32_t calls;
  Collective collective;
};

struct Program {
  const char* id;
  const char* title;
  const char* fingerprint;  // hash over everything that was generated
  const char* tool;         // "chunkflow 0.1.0"
  const char* commit = "";  // of the source that generated it, with "-dirty" where files had changed; "" where unknown
  int ranks, groupSize;
  bool mirrored;
  int blocksPerPass, positions;
  std::span<const BlockWeights> blocks;
  std::span<const PlanProgram> plans;
  std::span<const Input> inputs;
  std::span<const Residual> residuals;
  std::uint64_t inputBytes, activationBytes, outsideBytes, workspaceBytes;
  int tensorShards;  // ranks that share a block's weights (tensor parallelism); 1 where each holds all
  /// Not empty in a calibration program, whose plans have no steps.
  std::span<const CalibrationCase> cases = {};
};

}  // namespace chunkflow
