#pragma once
// Types of the tables that are generated for an attached plan: the plan, and for each block the statements to enqueue at the points
// that the model passes.
#include <cstddef>
#include <cstdint>
#include <span>

#include "program/program.hpp"

namespace chunkflow {

class Rank;

/// Enqueues what belongs to one point of a block; null where nothing does. @param row of the table of what differs between blocks of one shape.
using Hook = void (*)(Rank& rank, int row);

/// One block of a pass. Its hooks in order: the block begins; for each of its collectives, that it begins and that it has ended;
/// the block has ended.
struct AttachedBlock {
  std::span<const Hook> hooks;
  int row;
  /// Of each collective that the plan carries itself: bytes to each peer. Empty where collectives are the model's.
  std::span<const std::uint64_t> messages;
  int collectives() const { return static_cast<int>(hooks.size() - 2) / 2; }
  /// Whether anything is enqueued where a collective begins (0) or has ended (1).
  bool enqueuesAt(int collective, int point) const {
    return hooks[static_cast<std::size_t>(2 * collective + 1 + point)] != nullptr;
  }
};

struct AttachedProgram {
  const Program& program;  // with one plan, and no compute
  const char* layout;      // fingerprint of the model's blocks: names, shapes, offsets of their tensors
  std::span<const AttachedBlock> blocks;
};

/// Defined by the generated source.
extern const AttachedProgram ATTACHED;

}  // namespace chunkflow
