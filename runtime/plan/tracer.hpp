#pragma once
// Start and end times of each statement of a traced step, by CUDA events.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/device.hpp"

namespace chunkflow {

/// Intervals of one step, a column each; times in seconds from the step's start.
struct Intervals {
  double stepS = 0;
  std::vector<std::int32_t> position, statement, part;
  std::vector<double> startS, endS;
};

/// Keeps pairs of timed events for the statements of one step. All events are made beforehand.
class Tracer {
 public:
  /// @param intervals the most that a step has.
  Tracer(Device& device, std::size_t intervals);

  /// The step's first and last point on the compute stream.
  void start(Stream& stream) { record(stream, *start_); }
  void end(Stream& stream) { record(stream, *end_); }

  /// An interval on a stream; `part` is the chunk or piece.
  void open(Stream& stream, int position, int statement, int part);
  void close(Stream& stream);

  /// What was traced, once the device is idle; in the order of enqueuing.
  Intervals intervals() const;
  double stepS() const { return elapsedS(*start_, *end_); }

 private:
  struct Pair {
    std::unique_ptr<Event> from, to;
    std::int32_t position, statement, part;
  };
  std::unique_ptr<Event> start_, end_;
  std::vector<Pair> pairs_;
  std::size_t used_ = 0;
};

}  // namespace chunkflow
