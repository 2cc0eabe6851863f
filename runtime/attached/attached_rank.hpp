#pragma once
// The statements of rank.hpp for an attached model, which computes and exchanges by itself. The model's stream stands for both the
// compute and the collective stream; copies have streams of their own, fed by a CopyWorker.
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "attached/attached_program.hpp"
#include "attached/copy_worker.hpp"
#include "attached/weight_store.hpp"
#include "device/device.hpp"
#include "plan/memory.hpp"
#include "program/rank.hpp"
#include "transport/transport.hpp"

namespace chunkflow {

/// A statement that copies part of a block, and where in the step it stands.
struct PlannedCopy {
  int issuedAt;  // position
  Prefetch prefetch;
};

struct Rank::Impl {
  const Program& program;
  const PlanProgram& plan;
  /// While statements are only listed, everything below is null.
  std::vector<PlannedCopy>* listed = nullptr;
  const PlanMemory* memory = nullptr;
  WeightStore* store = nullptr;
  CopyWorker* worker = nullptr;
  Stream* compute = nullptr;

  std::int64_t step = 0;
  int position = 0;
  /// Everything enqueued before this point, counted in blocks since step 0, is done before anything behind it begins.
  std::int64_t joinedAt = 0;
  /// Operations for the copy streams that the statements so far have queued.
  std::vector<CopyCommand> batch{};

  struct Mark {
    std::int64_t step = std::numeric_limits<std::int64_t>::min();  // in which it was last made
    On stream = On::Compute;
    std::uint64_t batch = 0;  // that records it, where it is one of the worker's streams
  };
  /// By parity of the step, position and point.
  std::vector<std::unique_ptr<Event>> events[2] = {};
  std::vector<Mark> marks[2] = {};

  // State of staged-copy collectives. Flags count pieces and are never reset.
  Staging* staging = nullptr;
  int groupRank = 0;
  /// Set while the model hands over a collective; without it staged statements do nothing.
  struct Exchange {
    const std::byte* send;
    std::byte* recv;
    std::uint64_t bytesPerPeer;
  };
  const Exchange* exchange = nullptr;
  std::uint32_t exchanges = 0, pieces = 0;
  std::uint32_t running = 0, firstPiece = 0;  // number of the exchange that was begun, and of its first piece

  std::size_t pointIndex(int ofPosition, int point) const;
  std::int64_t placeOf(std::int64_t ofStep, int ofPosition) const { return ofStep * program.positions + ofPosition; }
  void makeEvents(Device& device);
  void forgetMarks();
  void copy(const Prefetch& prefetch, std::int64_t toStep);
  /// Hands what was gathered to the worker.
  void submit();
};

}  // namespace chunkflow
